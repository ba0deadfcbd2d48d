// No bundler: the package's folder lies beside the page. An import map would have to be inline, which a strict policy refuses.
import { open } from "./landfall/landfall.js";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";

globalThis.device = open(options).then(device);
