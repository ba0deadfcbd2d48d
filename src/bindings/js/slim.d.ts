// Landfall without its WebAssembly module: for bundlers that lose files, classic scripts, and modules from elsewhere.

export * from "./landfall.js";

/**
 * Loads the WebAssembly module, the package's `landfall/wasm_bg.wasm`: its address, an answer of `fetch`, its bytes, or the
 * compiled module. Call it before `open`, which is refused (`not_loaded`) otherwise. Only the first call loads; where that
 * fails, the next one does. Importing the package in Node loads nothing.
 */
export default function init(module: URL | Request | Response | BufferSource | WebAssembly.Module): Promise<unknown>;
