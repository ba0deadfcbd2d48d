// A line that cuts, stalls, repeats and garbles. An instance without keys is spared the repeats: it would carry them out.
import { test } from "node:test";

import { QUIET, startApp } from "./lib/app.mjs";
import { Day } from "./lib/day.mjs";
import { drawFrom } from "./lib/draw.mjs";
import { assertInOrder, inWords } from "./lib/ledger.mjs";
import { startLine } from "./lib/line.mjs";
import { until } from "./lib/wait.mjs";

const FULL = Boolean(process.env.LANDFALL_FULL);
const FAULTS = FULL ? 600 : 30;
/** Longer than an exchange may take, in ms. */
const LONGEST = FULL ? 65_000 : 1_000;
const THINGS_A_TURN = 6;

/** The user's hand: a request that was garbled is one the instance refuses, and keeps until it is tried again. */
async function retryAll({ page }) {
  return page.evaluate(async () => {
    const refused = await landfall.outbox.list({ state: ["refused"] });
    for (const { id } of refused) await landfall.outbox.retry(id);
    return refused.length;
  });
}

for (const plain of [false, true]) {
  test(`nothing is lost or doubled over a bad line (${plain ? "plain" : "extras"})`, async (t) => {
    const draw = drawFrom(t);
    let line;
    const prepare = async (app) => {
      line = await startLine(app.instance, draw, { repeats: !plain, longest: LONGEST });
      t.after(() => line.close());
      app.address = line.url;
      // Chromium logs each request that fails; and an answer whose head was cut off is nobody in particular.
      app.browser.expects(/Failed to load resource/, /is not an instance/, /would not give the records of/);
    };
    const app = await startApp(t, { plain, prepare });
    if (plain && !FULL) await app.pagesSend();
    await app.go(QUIET);
    const day = new Day(draw, { journals: !plain });
    await day.hears(app.page);
    await day.begin(app.page);
    await app.landsByItself();

    line.good = false;
    while (line.count < FAULTS) {
      await day.work(app.page, THINGS_A_TURN);
      await app.page.evaluate((pull) => landfall.sync({ pull }), draw.chance(0.2));
    }
    line.good = true;
    let retried = 0;
    await until("an empty outbox", async () => {
      retried += await retryAll(app);
      const { pending, temporary, syncing } = await app.status();
      await app.putForward();
      return pending === 0 && temporary === 0 && !syncing;
    }, { within: 600_000 });

    const faults = Object.entries(line.faults).map(([kind, count]) => `${count} ${kind}`).join(", ");
    t.diagnostic(`${line.count} faults (${faults}), ${line.onWrites} of them on requests that write; ${retried} refusals of garbled requests tried again by hand`);
    const accounts = await day.accounts(app);
    t.diagnostic(inWords(accounts, day));
    assertInOrder(accounts);
  });
}
