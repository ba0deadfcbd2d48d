// Who uses the package as npm packs it, in each way it is meant to be used, under a strict Content-Security-Policy.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { aWorld, built, call, copied, landsARecord, opened, served, servedBy } from "./lib/consumers.mjs";

const world = aWorld();

const CONSUMERS = {
  plain: "no bundler at all",
  esbuild: "esbuild, with the entry that brings no module",
  vite: "Vite",
  webpack: "webpack",
  "module-worker": "a module worker",
  "shared-worker": "a SharedWorker",
  rust: "an app in Rust",
};

const SLOWER = {
  "vite-worker": "Vite, a module worker",
  "webpack-worker": "webpack, a module worker",
};

const wanted = process.env.LANDFALL_FULL ? { ...CONSUMERS, ...SLOWER } : CONSUMERS;

for (const [name, words] of Object.entries(wanted)) {
  test(`${words}: a record is made offline and lands`, async (t) => {
    const site = await served(t, world, await built(name));
    await landsARecord(await opened(t, world, site.url), world, `made by ${name}`);
  });
}

test("Vite, while the app is being written: a record is made offline and lands", async (t) => {
  // Vite answers for a dead instance, with an error of its own.
  world.browser.expects(/502 \(Bad Gateway\)/);
  const url = await servedBy(t, world, await copied("vite"), "dev.mjs");
  await landsARecord(await opened(t, world, url), world, "made by vite dev");
});

// Whether the policy is in force at all, in each kind of context: a module is not compiled without its word.
for (const [name, words] of Object.entries({ plain: "a page", "module-worker": "a worker", "shared-worker": "a SharedWorker" })) {
  test(`a policy without wasm-unsafe-eval, in ${words}: open() says so`, async (t) => {
    world.browser.expects(/WebAssembly/);
    const site = await served(t, world, await built(name), "default-src 'self'");
    const page = await opened(t, world, site.url);
    await assert.rejects(call(page, "make", "never"), /could not be loaded/);
  });
}

test("an app in Rust exports what is its own, and writes all or nothing", async (t) => {
  const folder = await built("rust");
  const glue = await readFile(join(folder, "app.js"), "utf8");
  assert.deepEqual(glue.match(/^import .*/gm), null);
  assert.deepEqual(glue.match(/^export (class|function|async function) \w+/gm), ["export class Device", "export function open"]);

  const site = await served(t, world, folder);
  const page = await opened(t, world, site.url);
  assert.equal(await call(page, "makeAll", ["nope", ["one", "two"]]), "unknown_table");
  assert.equal(await call(page, "count", "short_descriptionINone,two"), 0);
  assert.equal(await call(page, "makeAll", ["incident", ["one", "two"]]), "");
  assert.equal(await call(page, "count", "short_descriptionINone,two"), 2);
});
