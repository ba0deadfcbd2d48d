// Service workers that use the package as npm packs it: the pages write and never send, so what gets through they have sent.
import assert from "node:assert/strict";
import { test } from "node:test";

import { untilEqual } from "../e2e/lib/wait.mjs";
import { aWorld, built, call, hasDevice, lands, landsARecord, makes, opened, served } from "./lib/consumers.mjs";
import { ServiceWorkers } from "./lib/service-workers.mjs";

const world = aWorld();

const KINDS = { "module-sw": "a module", "classic-sw": "a classic script" };
const BESIDE = { workbox: "made by Workbox's generateSW", "vite-pwa": "of vite-plugin-pwa, injectManifest", "vite-sw": "of one's own, built by Vite alone" };

async function start(t, name) {
  const site = await served(t, world, await built(name));
  const page = await opened(t, world, `${site.url}/?signed-in`);
  const workers = await ServiceWorkers.of(page, site.url);
  // Activated a moment ago, it might still send what is made now.
  await workers.stop();
  return { site, page, workers };
}

for (const [name, words] of Object.entries({ ...KINDS, ...BESIDE })) {
  test(`${words}: a record is made offline and the worker sends it`, async (t) => {
    const { page } = await start(t, name);
    await landsARecord(page, world, `made by ${name}`);
  });
}

for (const [name, words] of Object.entries(KINDS)) {
  test(`${words}: nothing is loaded until an event needs it`, async (t) => {
    const { site, page, workers } = await start(t, name);
    const id = await makes(page, `made by a cold ${name}`);
    const before = site.asked(".wasm").length;
    await workers.hears(page, { type: "something else" });
    assert.equal(site.asked(".wasm").length, before, "it ran, and has loaded nothing");

    await workers.stop();
    await call(page, "send");
    await lands(page, world.instance, id, `made by a cold ${name}`);
  });

  test(`${words}: the browser is asked again for Background Sync when it tries for the last time`, async (t) => {
    const { page, workers } = await start(t, name);
    await world.instance.kill();
    await makes(page, `left by ${name}`);
    assert.deepEqual(await workers.tags(page), []);
    await workers.sync({ lastChance: true });
    await untilEqual("another event is asked for", () => workers.tags(page), ["landfall"]);
    await world.instance.start();
  });
}

for (const [name, words] of Object.entries(BESIDE)) {
  test(`${words}: the app opens with nobody there`, async (t) => {
    const site = await served(t, world, await built(name));
    const page = await opened(t, world, site.url);
    await page.waitForFunction(() => navigator.serviceWorker.ready.then(({ active }) => active.state === "activated"));
    await site.stop();
    await world.instance.kill();
    await page.reload();
    await hasDevice(page);
    const id = await makes(page, `made by ${name} offline`);
    await site.start();
    await world.instance.start();
    await call(page, "send");
    await lands(page, world.instance, id, `made by ${name} offline`);
  });
}

test("where nobody can sign in without a page, items wait and say so; the next page's headers send them", async (t) => {
  const site = await served(t, world, await built("module-sw"));
  const other = await world.browser.standIn();
  t.after(() => other.close());
  const first = await world.browser.page(`${site.url}/?signed-in`);
  await hasDevice(first);
  const workers = await ServiceWorkers.of(other, site.url);
  await workers.stop();
  const id = await makes(first, "made before the page was closed");
  await first.close();
  await workers.sync({ lastChance: false });

  const page = await opened(t, world, site.url);
  await untilEqual("the item says why it waits", () => call(page, "explains"), ["It waits for you to sign in."]);
  assert.deepEqual(site.asked("/api/now/").map(({ url }) => url), []);

  await call(page, "signIn", "from the page");
  await call(page, "send");
  await lands(page, world.instance, id, "made before the page was closed");
  const sent = site.asked("/api/now/").map(({ headers }) => headers.authorization);
  assert.deepEqual([...new Set(sent)], ["Bearer from the page"]);
});
