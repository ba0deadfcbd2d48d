// The page writes and never sends: what gets through, the service worker has sent.
import { open } from "./landfall/landfall.js";
import { options, registerActions } from "./options.js";
import { device } from "./shared/device.js";
import { headers, signIn } from "./sign-in.js";

navigator.serviceWorker.addEventListener("message", async ({ data, ports: [port] }) => {
  if (data.asks === "headers") port.postMessage(await headers(data.reason).catch(() => undefined));
});

await navigator.serviceWorker.register("./sw.js", { type: "module" });
const { active } = await navigator.serviceWorker.ready;
const db = await open({ ...options, autoSync: false });
registerActions(db);

globalThis.device = {
  ...device(db),
  send: () => active.postMessage({ type: "landfall:sync" }),
  explains: async () => (await db.outbox.list()).map(({ explain }) => explain),
  signIn(token) {
    signIn(token);
    db.signedIn();
  },
};
if (new URLSearchParams(location.search).has("signed-in")) signIn("from the page");
