// Imported by the worker that Workbox makes.
importScripts("./landfall/service-worker.classic.js", "./options.classic.js");

landfall.serve(async () => {
  // A worker's own requests do not pass through its caches. Workbox has a revision in the address.
  const module = new URL("./landfall/wasm_bg.wasm", self.location);
  await landfall.init((await caches.match(module, { ignoreSearch: true })) ?? module);
  return landfall.open(options);
});
