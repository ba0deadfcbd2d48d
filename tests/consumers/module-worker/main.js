import { askDevice } from "./shared/remote.js";

globalThis.device = askDevice(new Worker("./worker.js", { type: "module" }));
