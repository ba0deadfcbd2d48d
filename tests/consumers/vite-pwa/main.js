// The page writes and never sends: what gets through, the service worker has sent.
import { open } from "landfall";
import { registerSW } from "virtual:pwa-register";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";

registerSW({ immediate: true });
const { active } = await navigator.serviceWorker.ready;
const db = await open({ ...options, autoSync: false });
globalThis.device = { ...device(db), send: () => active.postMessage({ type: "landfall:sync" }) };
