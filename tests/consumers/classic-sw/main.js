// The page writes and never sends: what gets through, the service worker has sent.
import { open } from "./landfall/landfall.js";
import { device } from "./shared/device.js";

await navigator.serviceWorker.register("./sw.js");
const { active } = await navigator.serviceWorker.ready;
const db = await open({ ...globalThis.options, autoSync: false });
globalThis.device = { ...device(db), send: () => active.postMessage({ type: "landfall:sync" }) };
