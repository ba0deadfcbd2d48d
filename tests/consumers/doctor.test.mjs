// What the doctor says of a set-up that only a browser can have.
import assert from "node:assert/strict";
import { test } from "node:test";

import { aWorld } from "./lib/consumers.mjs";
import { emptyPage } from "./lib/folders.mjs";

const world = aWorld();

/** The reference instance lets in no other origin. */
test("an instance of another origin that does not let the page in is told from one that is not there", async (t) => {
  const { instance, browser } = world;
  browser.expects(/CORS|ERR_FAILED|404/);
  const { page } = await emptyPage(t, world, "elsewhere", {}, "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *");
  const examined = (url) => page.evaluate(async (url) => {
    const { open } = await import("./landfall/landfall.js");
    const db = await open({ name: "elsewhere", user: "tech.demo", autoSync: false, instance: { url: `${url}/api/now` }, tables: { incident: {} } });
    const [first] = await db.doctor();
    return first;
  }, url);
  const closed = await examined(instance.url);
  assert.deepEqual([closed.check, closed.state], ["cors", "bad"], JSON.stringify(closed));
  assert.match(closed.advice, /CORS rule/);
  await instance.kill();
  const gone = await examined(instance.url);
  await instance.start();
  assert.deepEqual([gone.check, gone.state], ["reachable", "bad"], JSON.stringify(gone));
});

const SERVES = `import { serve } from "./landfall/service-worker.js";
serve(async () => undefined);`;

for (const [name, { script, state, says }] of Object.entries({
  "a service worker that calls serve()": { script: SERVES, state: "good", says: /wakes the service worker/ },
  "one that does not": { script: "addEventListener('fetch', () => {});", state: "warning", says: /does not answer as one that has called serve/ },
  "none": { script: undefined, state: "warning", says: /No service worker is registered/ },
})) {
  test(`${name} is told from others`, async (t) => {
    const { page } = await emptyPage(t, world, `doctor-${state}-${script?.length}`, script ? { "sw.js": script } : {});
    const found = await page.evaluate(async (isThere) => {
      if (isThere) {
        const { installing } = await navigator.serviceWorker.register("./sw.js", { type: "module" });
        await new Promise((resolve) => installing.addEventListener("statechange", () => installing.state === "activated" && resolve()));
      }
      const { open } = await import("./landfall/landfall.js");
      const db = await open({ name: "doctor", user: "tech.demo", autoSync: false, instance: { url: "/api/now" }, tables: {} });
      return (await db.doctor()).find(({ check }) => check === "serviceWorker");
    }, script !== undefined);
    assert.equal(found.state, state, found.message);
    assert.match(found.message, says);
  });
}
