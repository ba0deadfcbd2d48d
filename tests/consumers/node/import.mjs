// As a server that renders pages does: everything is imported, nothing is called. Any use of what only browsers have, or of
// the network, would be seen, and nothing may be left behind.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const touched = [];
for (const name of ["WebAssembly", "fetch", "indexedDB", "navigator", "document", "window", "self", "location", "BroadcastChannel", "addEventListener"]) {
  const value = globalThis[name];
  const hear = () => {
    touched.push(name);
    return value;
  };
  Object.defineProperty(globalThis, name, { get: hear, configurable: true });
}
const before = Reflect.ownKeys(globalThis);

const landfall = await import("landfall");
const slim = await import("landfall/slim");
const worker = await import("landfall/service-worker");

assert.deepEqual(touched, []);
assert.deepEqual(Reflect.ownKeys(globalThis), before);
assert.deepEqual(Object.keys(landfall).sort(), ["LandfallError", "default", "open"]);
assert.deepEqual(Object.keys(slim).sort(), ["LandfallError", "default", "open"]);
assert.deepEqual(Object.keys(worker), ["serve"]);

// The same module by `require`, as a server of CommonJS asks for it.
assert.equal(createRequire(import.meta.url)("landfall").open, landfall.open);

for (const { open, LandfallError } of [landfall, slim]) {
  await assert.rejects(open({}), (error) => error instanceof LandfallError && error.code === "not_loaded");
}
