// The browser is killed in mid-sync, over and over, and each time opened again over the same profile.
import assert from "node:assert/strict";
import { test } from "node:test";

import { QUIET, both, startApp } from "./lib/app.mjs";
import { Day } from "./lib/day.mjs";
import { drawFrom } from "./lib/draw.mjs";
import { assertInOrder, inWords } from "./lib/ledger.mjs";
import { pause } from "./lib/wait.mjs";

const FULL = Boolean(process.env.LANDFALL_FULL);
const KILLS = FULL ? 100 : 3;
const THINGS_A_LIFE = 10;

/** When so many requests that write have left, or nothing is left to send; and then a little later. */
async function midSync(app, draw) {
  const [writes, ms] = [draw.int(1, 3), draw.int(0, draw.chance(0.7) ? 40 : 400)];
  await Promise.race([app.requests.leaves(writes), app.page.evaluate(() => landfall.sync({ pull: false }))]);
  await pause(ms);
}

/** What tells that a database was thrown away lies in `localStorage`, which is written seconds later, or now. */
const closeWell = (app) => app.browser.close();

function endedWithThePage(error) {
  if (!/closed|crashed/.test(error.message)) throw error;
}

both("the browser is killed again and again while it sends", async (t, app) => {
  const draw = drawFrom(t);
  await app.go(QUIET);
  const day = new Day(draw, { journals: !app.plain });
  const open = () => app.reopen(QUIET, (page) => day.hears(page));
  const begin = async () => {
    await day.begin(app.page);
    await app.landsByItself();
    await closeWell(app);
    await open();
  };
  await day.hears(app.page);
  await begin();

  const waiting = [];
  const thrownAway = [];
  let caught = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    if (draw.chance(0.7)) {
      // Out of reach, so that the outbox grows; back in reach, more is saved while it sends.
      await app.instance.kill();
      await day.flood(app.page, THINGS_A_LIFE);
      await app.instance.start();
      day.work(app.page, THINGS_A_LIFE).catch(endedWithThePage);
      await midSync(app, draw);
    } else {
      // As it has just been opened again, and sends what the last kill left.
      await pause(draw.int(0, 300));
    }
    if (app.requests.underWay > 0) caught += 1;
    await app.browser.kill();
    await open();
    const { pending, evicted } = await app.status();
    waiting.push(pending);
    if (evicted) {
      // Chromium's doing, after a kill that fell into one of its writes: see the test below.
      thrownAway.push(await day.forget(app.instance));
      await begin();
    }
    const missing = await day.missing(app.page);
    assert.equal(missing.length, 0, `saved before kill ${kill}, and not there after it: ${missing.slice(0, 5).join(", ")}`);
  }
  t.diagnostic(`${KILLS} kills, ${caught} of them with a request under way that writes; in the outbox after each: ${waiting.join(", ")}`);

  await app.landsByItself({ within: 600_000 });
  const accounts = await day.accounts(app);
  t.diagnostic(inWords(accounts, day));
  if (thrownAway.length) t.diagnostic(`${thrownAway.length} times Chromium threw its database away, as Landfall told, and unsent records with it: ${thrownAway.join(", ")}`);
  assertInOrder(accounts);
  if (FULL) assert.ok(caught > KILLS / 10, "many kills fell into the sending");
});

// Chromium goes on writing where its log ends, also where that end is half a record. It opens well once more; the next
// time the log is found corrupt, and the whole database is made anew. No page can prevent that.
test("killed in the middle of a write, and once more: what Chromium throws away is told", async (t) => {
  const app = await startApp(t);
  await app.instance.kill();
  await closeWell(app);
  await app.reopen(QUIET);
  await app.create("incident", { short_description: "whose end is torn off" });
  await app.browser.kill();
  await app.browser.tearLastWrite();
  await app.reopen(QUIET);
  const { sys_id } = await app.create("incident", { short_description: "after it" });
  await app.browser.kill();

  await app.reopen(QUIET);
  const [kept, { evicted }] = [await app.get("incident", sys_id), await app.status()];
  t.diagnostic(kept ? "it was kept" : `it was thrown away; told: ${JSON.stringify(evicted)}`);
  assert.ok(kept || evicted, "what was saved is there, or it is told that it is not");
});
