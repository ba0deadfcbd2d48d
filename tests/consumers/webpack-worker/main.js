import { askDevice } from "./shared/remote.js";

globalThis.device = askDevice(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }));
