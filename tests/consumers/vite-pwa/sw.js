import init, { open } from "landfall/slim";
import { serve } from "landfall/service-worker";
import module from "landfall/wasm_bg.wasm?url";
import { cleanupOutdatedCaches, matchPrecache, precacheAndRoute } from "workbox-precaching";
import { options } from "./shared/options.js";

self.skipWaiting();
cleanupOutdatedCaches();
precacheAndRoute(self.__WB_MANIFEST);

serve(async () => {
  // A worker's own requests do not pass through its caches.
  await init((await matchPrecache(module)) ?? new URL(module, self.location));
  return open(options);
});
