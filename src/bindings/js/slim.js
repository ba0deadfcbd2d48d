import start from "./wasm.js";
import { LandfallError } from "./error.js";
import { open as openLasting } from "./lasting.js";

export { LandfallError };

let started;

/** Nothing is loaded by importing this file: a server may import it, a service worker must not wait while it starts. */
export default function init(module) {
  if (started === undefined && module === undefined) return Promise.reject(nothingGiven());
  started ??= start({ module_or_path: module }).catch((cause) => {
    // The next call tries again: the network may be back.
    started = undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LandfallError("not_loaded", true, `Landfall's WebAssembly module could not be loaded: ${why}`, cause);
  });
  return started;
}

export async function open(options) {
  await init();
  return openLasting(options);
}

function nothingGiven() {
  return new LandfallError("not_loaded", false, "Landfall's WebAssembly module was not given: call init() with it, or with its address, before open().");
}
