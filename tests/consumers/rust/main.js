// All that is not Rust: the module is loaded, and lent to the test.
import init, { open } from "./app.js";

globalThis.device = init().then(open).then((device) => ({
  make: (words) => device.make(words),
  look: async (id) => JSON.parse(await device.look(id)),
  send: () => device.send(),
  makeAll: ([table, words]) => device.makeAll(table, words),
  count: (query) => device.count(query),
}));
