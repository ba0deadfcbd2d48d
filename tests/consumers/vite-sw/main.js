// The page writes and never sends: what gets through, the service worker has sent.
import { open } from "landfall";
import { options } from "./options.js";
import { device } from "./shared/device.js";

const registration = await navigator.serviceWorker.register("./sw.js", { type: "module" });
await navigator.serviceWorker.ready;
const db = await open({ ...options, autoSync: false });
globalThis.device = {
  ...device(db),
  send: () => registration.active.postMessage({ type: "landfall:sync" }),
  takeOver: () => registration.waiting.postMessage({ type: "take over" }),
};
Object.assign(globalThis, { db, build: BUILD });
