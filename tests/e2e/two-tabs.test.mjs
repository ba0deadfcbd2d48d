// Two tabs of one database: both write, one sends, each hears of the other.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

const EACH = 25;

/** Notes what a page hears, from here on. */
const listen = (page) =>
  page.evaluate(() => {
    globalThis.heard = { changed: [], reconciled: [] };
    landfall.on("change", ({ origin, sys_ids }) => origin === "elsewhere" && heard.changed.push(...sys_ids));
    landfall.on("reconciled", ({ temporary }) => heard.reconciled.push(temporary));
  });

const heard = (page) => page.evaluate(() => ({ changed: [...new Set(heard.changed)].sort(), reconciled: heard.reconciled.sort() }));

/** One after the other, so that the two tabs' writes fall between each other's. */
const write = (page, name, count) =>
  page.evaluate(async ([who, many]) => {
    const made = [];
    for (let at = 0; at < many; at += 1) made.push((await landfall.table("incident").create({ short_description: `${who} ${at}` })).sys_id);
    return made;
  }, [name, count]);

both("what a tab was sending when it was closed, an idle one sends", async (t, app) => {
  // Without Background Sync, as most browsers are: nobody but the other tab is there.
  await app.pagesSend();
  // What an empty answer is worth is known, also without keys.
  const [first] = await write(app.page, "first", 1);
  await app.landsByItself();
  const idle = await app.open();
  const closed = await app.open();
  await Promise.all([idle, closed].map((page) => page.evaluate(() => landfall.sync())));
  const [second] = await write(closed, "second", 1);
  await app.landsByItself();
  // Its requests are never answered, and never arrive.
  await closed.evaluate(() => (globalThis.fetch = () => new Promise(() => {})));
  const made = await write(closed, "closed", 3);
  await until("the request", async () => (await closed.evaluate(() => landfall.outbox.list())).some(({ state }) => state !== "queued"));
  await closed.close();

  app.page = idle;
  await app.landsByItself();
  const rows = await app.instance.rows("incident");
  assert.deepEqual(rows.map((row) => row.correlation_id).sort(), [first, second, ...made].sort());
});

both("two tabs write at once, one sends, nothing doubles", async (t, app) => {
  const left = app.page;
  const right = await app.open();
  await app.instance.kill();
  await listen(left);
  await listen(right);

  const [mine, yours] = await Promise.all([write(left, "left", EACH), write(right, "right", EACH)]);
  // Both edit the same record: neither write is lost.
  const [shared] = mine;
  await Promise.all([
    left.evaluate((id) => landfall.table("incident").update(id, { category: "network" }), shared),
    right.evaluate((id) => landfall.table("incident").update(id, { description: "from the right" }), shared),
  ]);
  await untilEqual("the left hears of the right's writes", async () => (await heard(left)).changed, [...yours, shared].sort());
  await untilEqual("the right hears of the left's writes", async () => (await heard(right)).changed, [...mine].sort());

  await app.instance.start();
  await app.landsByItself();
  const all = [...mine, ...yours].sort();
  for (const page of [left, right]) await untilEqual("each tab hears of every landing, once", async () => (await heard(page)).reconciled, all);

  const rows = await app.instance.rows("incident");
  assert.deepEqual(rows.map((row) => row.correlation_id).sort(), all);
  const both = rows.find((row) => row.correlation_id === shared);
  assert.deepEqual([both.category, both.description], ["network", "from the right"]);
  for (const page of [left, right]) assert.deepEqual((await page.evaluate(() => landfall.audit())).orphans, []);
});
