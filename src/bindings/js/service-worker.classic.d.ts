// For a classic script, in one that is type-checked: /// <reference types="landfall/service-worker.classic.js" />

import type init from "./slim.js";
import type { LandfallError, open } from "./slim.js";
import type { serve } from "./service-worker.js";

declare global {
  /**
   * What `importScripts("…/service-worker.classic.js")`, or a `<script>` of it, leaves. A classic script cannot tell where
   * it lies: call `landfall.init` with the address of `wasm_bg.wasm` before `landfall.open`.
   */
  const landfall: {
    init: typeof init;
    open: typeof open;
    serve: typeof serve;
    LandfallError: typeof LandfallError;
  };
}
