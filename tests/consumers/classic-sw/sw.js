// The page loads the same options, by a <script>.
importScripts("./landfall/service-worker.classic.js", "./options.classic.js");

landfall.serve(async () => {
  await landfall.init(new URL("./landfall/wasm_bg.wasm", self.location));
  return landfall.open(options);
});
