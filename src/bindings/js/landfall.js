import start, { open as openStarted } from "./slim.js";

export { LandfallError } from "./slim.js";

// In these very words: by them a bundler finds the file, takes it along, and puts its new name here.
const beside = () => new URL("./wasm_bg.wasm", import.meta.url);

export default function init(module) {
  return start(module ?? beside());
}

export async function open(options) {
  await init();
  return openStarted(options);
}
