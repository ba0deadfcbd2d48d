// Who uses the package as npm packs it, in each way it is meant to be used, under a strict Content-Security-Policy.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { NO_NETWORK, openBrowser } from "../e2e/lib/browser.mjs";
import { startInstance } from "../e2e/lib/instance.mjs";
import { built, copied, landsARecord, opened, openedBy } from "./lib/consumers.mjs";

const world = {};

before(async () => {
  world.instance = await startInstance();
  world.browser = await openBrowser();
  world.browser.expects(NO_NETWORK, /favicon/);
});

after(async () => {
  try {
    await world.browser.dispose();
  } finally {
    await world.instance.dispose();
  }
});

const CONSUMERS = {
  plain: "no bundler at all",
  esbuild: "esbuild, with the entry that brings no module",
  vite: "Vite",
  webpack: "webpack",
  "module-worker": "a module worker",
  "shared-worker": "a SharedWorker",
  "module-sw": "a service worker that is a module",
  "classic-sw": "a classic service worker",
};

for (const [name, words] of Object.entries(CONSUMERS)) {
  test(`${words}: a record is made offline and lands`, async (t) => {
    const page = await opened(t, world, await built(name));
    await landsARecord(page, world.instance, `made by ${name}`);
  });
}

test("Vite, while the app is being written: a record is made offline and lands", async (t) => {
  // Vite answers for a dead instance, with an error of its own.
  world.browser.expects(/502 \(Bad Gateway\)/);
  const page = await openedBy(t, world, await copied("vite"), "dev.mjs");
  await landsARecord(page, world.instance, "made by vite dev");
});

// Whether the policy is in force at all, in each kind of context: a module is not compiled without its word.
for (const [name, words] of Object.entries({ plain: "a page", "module-worker": "a worker", "shared-worker": "a SharedWorker" })) {
  test(`a policy without wasm-unsafe-eval, in ${words}: open() says so`, async (t) => {
    world.browser.expects(/wasm-eval|WebAssembly/);
    const page = await opened(t, world, await built(name), "default-src 'self'");
    await assert.rejects(page.evaluate(async () => (await globalThis.device).make("never")), /not_loaded|could not be loaded/);
  });
}
