import { open } from "landfall";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";

globalThis.device = open(options).then(device);
