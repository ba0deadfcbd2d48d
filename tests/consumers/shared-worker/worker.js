import { open } from "./landfall/landfall.js";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";
import { serveDevice } from "./shared/remote.js";

const opened = open(options).then(device);
self.onconnect = ({ ports: [port] }) => serveDevice(port, opened);
