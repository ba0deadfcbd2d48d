// The user's hand on the outbox: what the instance refuses is tried again, then given up, and all that hangs on it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { startApp } from "./lib/app.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

test("a refused record is tried again, and then discarded with what depends on it", async (t) => {
  const app = await startApp(t);
  const { instance } = app;
  app.browser.expects(/status of 403/);
  await instance.kill();
  await app.seen("new-incident").click();
  await app.save({ short_description: "Gate 12 will not open" });
  await app.seen("add-task_time_worked").click();
  await app.save({ time_worked: 2000, comments: "More than a day has" });
  await instance.start();
  await until("only the refused one is left", async () => {
    const { pending, refused } = await app.status();
    return refused === 1 && pending === 1;
  }, { within: 60_000 });
  const [before] = await app.outbox();

  await app.go("#/outbox");
  app.requests.forget();
  await app.seen("outbox-retry").click();
  await until("it was sent again", () => app.requests.asked.some((line) => line.startsWith("POST ")));
  await until("it is refused again", async () => {
    const [item] = await app.outbox();
    return item.state === "refused" && item.attempts > before.attempts;
  });

  await app.seen("outbox-discard").click();
  await app.browser.screenshot(app.page, "discard");
  await app.seen("confirm").click();
  await app.seen("outbox-empty").waitFor();
  await untilEqual("nothing is left", async () => (await app.status()).pending, 0);
  assert.deepEqual(await app.rows("task_time_worked", `sys_id=${before.records[0].sys_id}`), []);
  assert.equal((await instance.rows("task_time_worked")).length, 0);
  assert.equal((await instance.rows("incident", "short_description=Gate 12 will not open")).length, 1);
  assert.deepEqual(await app.orphans(), []);
});
