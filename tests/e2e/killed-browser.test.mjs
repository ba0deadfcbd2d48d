// The browser is killed in mid-sync, over and over, and each time opened again over the same profile.
import assert from "node:assert/strict";

import { QUIET, both } from "./lib/app.mjs";
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

function endedWithThePage(error) {
  if (!/closed|crashed/.test(error.message)) throw error;
}

both("the browser is killed again and again while it sends", async (t, app) => {
  const draw = drawFrom(t);
  await app.go(QUIET);
  const day = new Day(draw, { journals: !app.plain });
  await day.hears(app.page);
  await day.begin(app.page);
  await app.landsByItself();

  const waiting = [];
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
    await app.reopen(QUIET, (page) => day.hears(page));
    waiting.push((await app.status()).pending);
    assert.deepEqual(await day.missing(app.page), [], `saved before kill ${kill}, and not there after it`);
  }
  t.diagnostic(`${KILLS} kills, ${caught} of them with a request under way that writes; in the outbox after each: ${waiting.join(", ")}`);

  await app.landsByItself({ within: 600_000 });
  const accounts = await day.accounts(app);
  t.diagnostic(inWords(accounts, day));
  assertInOrder(accounts);
  if (FULL) assert.ok(caught > KILLS / 4, "many kills fell into the sending");
});
