// esbuild takes no file along for `new URL(…, import.meta.url)`; for an import of it, with a loader, it does.
import init, { open } from "landfall/slim";
import module from "landfall/wasm_bg.wasm";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";

await init(new URL(module, import.meta.url));
globalThis.device = open(options).then(device);
