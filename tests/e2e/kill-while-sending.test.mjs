// Power cuts in the middle of sending, one after another: each record is there once all the same.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { assertLanded, createLoad } from "./lib/load.mjs";
import { until } from "./lib/wait.mjs";

const FULL = Boolean(process.env.LANDFALL_FULL);
const LOAD = FULL ? { incidents: 200, children: 1000 } : { incidents: 60, children: 240 };

/** The moment the nth request that writes leaves the browser, in this life of the instance. */
const leaves = (nth) => (app) => app.requests.leaves(nth);

/** The moment the instance is seen to have `more` rows than it began with: some of a batch, before its answer is out. */
const holds = (more) => async (app) => {
  const { instance } = app;
  const count = async () => (await Promise.all(["task", "task_time_worked"].map((table) => instance.count(table)))).reduce((sum, one) => sum + one);
  const before = await count();
  // What the instance before took with it goes again after a minute, where there are no keys.
  await until(`${more} more rows`, async () => {
    if ((await count()) >= before + more) return true;
    await app.putForward();
    return false;
  }, { within: 120_000 });
};

/** The moment the page has heard of a landing: its commit is done, the next batch is being made. */
const lands = (app) => app.page.evaluate(() => new Promise((resolve) => {
  const stop = landfall.on("reconciled", () => {
    stop();
    resolve();
  });
}));

const MOMENTS = [leaves(1), leaves(2), holds(5), leaves(3), lands, holds(30), leaves(2), holds(70), ...(FULL ? [leaves(4), holds(100), lands, leaves(3), holds(11), leaves(5), holds(150), leaves(2)] : [])];

both("the instance is killed again and again while it is sent to", async (t, app) => {
  const { instance, page } = app;
  // Where there are no keys, what a kill took with it goes again after a minute: that is put forward by the page's clock.
  if (app.plain && !FULL) await app.pagesSend();
  await instance.kill();
  const ids = [];
  const more = async () => ids.push(...(await createLoad(page, LOAD, ids)).ids);
  await more();

  const left = [];
  for (const moment of MOMENTS) {
    await instance.start();
    const reached = moment(app);
    // As the user would: a device that has met six dead instances waits longer than a test wants to.
    page.evaluate(() => landfall.sync()).catch(() => {});
    await Promise.race([reached, app.landsByItself()]);
    await instance.kill();
    const { pending } = await app.status();
    left.push(pending);
    if (pending === 0) await more();
  }
  t.diagnostic(`still to be sent after each kill: ${left.join(", ")}`);
  assert.ok(left.filter((pending) => pending > 0).length > left.length / 2, "most kills fell into the sending");

  await instance.start();
  page.evaluate(() => landfall.sync()).catch(() => {});
  await app.landsByItself();
  const loads = ids.length / LOAD.incidents;
  await assertLanded(instance, { incidents: ids.length, children: loads * LOAD.children }, ids);
  assert.deepEqual(await app.audit(), { records: loads * (LOAD.incidents + LOAD.children), temporary: 0, orphans: [] });
});
