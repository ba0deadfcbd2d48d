// A classic service worker sends by itself. In a file of its own: the driver's offline switch waits for ever for workers that were
// stopped, as those of the other tests are.
import { test } from "node:test";

import { untilEqual } from "../e2e/lib/wait.mjs";
import { aWorld, built, makes, opened, served } from "./lib/consumers.mjs";

const world = aWorld();

test("Background Sync, and no page is open", async (t) => {
  const site = await served(t, world, await built("classic-sw"));
  const page = await opened(t, world, site.url);
  await world.instance.kill();
  await world.browser.offline(true);
  const id = await makes(page, "sent by the worker alone");
  await page.evaluate(async () => (await navigator.serviceWorker.ready).sync.register("landfall"));
  const other = await world.browser.standIn();
  t.after(() => other.close());
  await page.close();
  await world.instance.start();
  await world.browser.offline(false);
  await untilEqual("it is on the instance", async () => (await world.instance.rows("incident", `correlation_id=${id}`)).length, 1, { within: 60_000 });
});
