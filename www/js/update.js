// Registers the service worker and offers a newer version once it is ready; nothing reloads by itself.
import { plain } from "./device.js";

const takeOver = (worker) => worker.postMessage({ type: "skipWaiting" });

export async function keepShell(offerReload) {
  if (!("serviceWorker" in navigator)) return;
  const workers = navigator.serviceWorker;
  const wanted = new URL(plain ? "./sw.js?plain" : "./sw.js", location.href).href;
  let asked = false;

  const registration = await workers.register(wanted, { type: "module", updateViaCache: "none" });
  // The same version in the other mode is no news to the reader: it takes over at once.
  const changesMode = Boolean(registration.active) && registration.active.scriptURL !== wanted;

  function ready(worker) {
    if (!workers.controller) return;
    if (changesMode) takeOver(worker);
    else offerReload(() => {
      asked = true;
      takeOver(worker);
    });
  }

  workers.addEventListener("controllerchange", () => asked && location.reload());
  const watch = (worker) => worker.addEventListener("statechange", () => worker.state === "installed" && ready(worker));
  registration.addEventListener("updatefound", () => watch(registration.installing));
  if (registration.installing) watch(registration.installing);
  if (registration.waiting) ready(registration.waiting);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") registration.update().catch(() => {});
  });
}
