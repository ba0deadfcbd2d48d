// A long shift without a network: thousands of records in one go, then one reconnection.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { assertLanded, createLoad } from "./lib/load.mjs";

const LOAD = { incidents: 2000, children: 6000 };
/** Two hundred items a request make forty; the rest is room for a first small one, the end of each table, and pulls. */
const MOST_REQUESTS = 60;
/** Without keys each record is looked for once more, to see whether it has a twin: a hundred a request. */
const MOST_LOOKS = 90;

/** Of the page's own process, in MB: objects, and the WebAssembly memory behind them. */
async function heap(page) {
  const session = await page.context().newCDPSession(page);
  const { usedSize, backingStorageSize = 0 } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return `${Math.round(usedSize / 1e6)} + ${Math.round(backingStorageSize / 1e6)} MB`;
}

both("2,000 incidents and 6,000 children land once each", async (t, app) => {
  await app.instance.kill();
  const { ids, tookMs } = await createLoad(app.page, LOAD);
  assert.equal((await app.status()).temporary, 8000);
  const full = await heap(app.page);

  app.requests.forget();
  await app.instance.start();
  const started = performance.now();
  await app.landsByItself({ within: 300_000 });
  const seconds = (performance.now() - started) / 1000;

  const { writes, count } = app.requests;
  t.diagnostic(`created in ${(tookMs / 1000).toFixed(1)} s; on the instance ${seconds.toFixed(1)} s after it came back, in ${writes} writing requests of ${count}; heap ${full} before, ${await heap(app.page)} after`);
  await assertLanded(app.instance, LOAD, ids);
  assert.deepEqual(await app.audit(), { records: 8000, temporary: 0, orphans: [] });
  assert.ok(count < MOST_REQUESTS + (app.plain ? MOST_LOOKS : 0), `${count} requests for 8,000 records`);
});
