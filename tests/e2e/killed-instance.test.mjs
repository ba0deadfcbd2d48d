// The instance is killed after a commit and before the answer that tells of it, over and over, and started again.
import assert from "node:assert/strict";

import { QUIET, both } from "./lib/app.mjs";
import { Day } from "./lib/day.mjs";
import { drawFrom } from "./lib/draw.mjs";
import { assertInOrder, inWords } from "./lib/ledger.mjs";
import { pause, until } from "./lib/wait.mjs";

const FULL = Boolean(process.env.LANDFALL_FULL);
const KILLS = FULL ? 100 : 4;
const THINGS_A_LIFE = 10;

/** Mostly when something has been committed: a batch is answered when all of it has. */
const moment = (instance, draw) => (draw.chance(0.75) ? instance.commits(draw.int(1, 200)) : pause(draw.int(0, 150)));

/** The temporary ids of records that the dead instance has and the device was never told of. */
async function committedUnanswered(app) {
  await until("the device has noticed", async () => !(await app.status()).syncing);
  const unknown = await app.page.evaluate(() => landfall.outbox.list({ state: ["unknown"] }));
  const made = new Set(unknown.filter(({ kind }) => kind === "create").map((item) => item.sys_id));
  const rows = await app.instance.atRest(async (other) => [...(await other.rows("task")), ...(await other.rows("task_time_worked"))]);
  return rows.map((row) => row.correlation_id).filter((id) => made.has(id));
}

both("the instance is killed again and again between commit and answer", async (t, app) => {
  const { instance, page } = app;
  const draw = drawFrom(t);
  if (app.plain && !FULL) await app.pagesSend();
  await app.go(QUIET);
  const day = new Day(draw, { journals: !app.plain });
  await day.hears(page);
  await day.begin(page);
  await app.landsByItself();

  const unanswered = new Set();
  let between = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const reached = moment(instance, draw);
    const working = draw.chance(0.3) ? day.flood(page, THINGS_A_LIFE) : day.work(page, THINGS_A_LIFE);
    await Promise.race([reached, working.then(() => page.evaluate(() => landfall.sync()))]);
    await instance.kill();
    await working;
    const before = unanswered.size;
    for (const id of await committedUnanswered(app)) unanswered.add(id);
    if (unanswered.size > before) between += 1;
    await instance.start();
  }
  t.diagnostic(`${KILLS} kills, ${between} of them between a commit and its answer; ${unanswered.size} records made of which no answer told`);

  page.evaluate(() => landfall.sync()).catch(() => {});
  await app.landsByItself({ within: 600_000 });
  const accounts = await day.accounts(app);
  t.diagnostic(inWords(accounts, day));
  assertInOrder(accounts);
  if (FULL) assert.ok(between > KILLS / 4, "many kills fell between commit and answer");
});
