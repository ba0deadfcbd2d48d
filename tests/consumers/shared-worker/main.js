import { askDevice } from "./shared/remote.js";

globalThis.device = askDevice(new SharedWorker("./worker.js", { type: "module" }).port);
