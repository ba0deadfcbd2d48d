import { open } from "./landfall/landfall.js";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";
import { serveDevice } from "./shared/remote.js";

serveDevice(self, open(options).then(device));
