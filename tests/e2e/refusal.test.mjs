// The instance says no to one record: its reason is shown, the rest goes its way, and a better record is sent.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

const RULE = /aborted by Business Rule .*A time entry is of one day/;

both("a refused record waits in the outbox with its reason, until it is mended", async (t, app) => {
  const { instance } = app;
  app.browser.expects(/status of 403/);
  await instance.kill();
  await app.seen("new-incident").click();
  await app.save({ short_description: "Gate 12 will not open" });
  const incident = await app.shownId();
  await app.seen("add-task_time_worked").click();
  await app.save({ time_worked: 2000, comments: "More than a day has" });
  await app.seen("add-incident_task").click();
  await app.save({ short_description: "Oil the hinge" });
  const [{ sys_id: entry }] = await app.rows("task_time_worked", `task=${incident}`);

  await instance.start();
  await until("only the refused one is left", async () => {
    const { pending, refused, temporary } = await app.status();
    return refused === 1 && pending === 1 && temporary === 1;
  }, { within: 60_000 });
  assert.equal((await instance.rows("incident")).length, 1);
  assert.equal((await instance.rows("incident_task")).length, 1);
  assert.equal((await instance.rows("task_time_worked")).length, 0);

  await app.go("#/outbox");
  const item = app.seen("outbox-item");
  await untilEqual("the refused item in the outbox", () => item.count(), 1);
  assert.equal(await item.getAttribute("data-state"), "refused");
  assert.match(await app.seen("outbox-error").innerText(), RULE);
  assert.match(await app.seen("outbox-error").innerText(), /answered 403/);
  const [listed] = await app.outbox();
  assert.deepEqual([listed.state, listed.action, listed.records[0].sys_id, listed.error.status], ["refused", "log_time", entry, 403]);
  assert.match(`${listed.error.message} ${listed.error.detail}`, RULE);
  await app.browser.screenshot(app.page, `refused-${app.plain ? "plain" : "extras"}`);

  await app.go(`#/task_time_worked/${entry}`);
  await app.seen("sync-note").waitFor();
  assert.match(await app.seen("sync-note").innerText(), /refused/);
  await app.seen("edit").click();
  await app.save({ time_worked: 90 });
  await app.landsByItself();

  const [landed] = await instance.rows("incident");
  const entries = await instance.rows("task_time_worked");
  assert.deepEqual(entries.map((row) => [row.time_worked, row.task, row.comments]), [["90", landed.sys_id, "More than a day has"]]);
  assert.notEqual(entries[0].correlation_id, entry, "it is logged anew");
  assert.deepEqual(await app.orphans(), []);
});
