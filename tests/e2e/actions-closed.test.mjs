// The page is closed in the middle of a day's actions on an order made offline: the service worker brings them to their end.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { cutLine, stillToCut } from "./lib/cuts.mjs";
import { untilEqual } from "./lib/wait.mjs";

const TABLES = ["wm_order", "wm_task", "task_time_worked"];
const TASKS = ["Order a motor", "Fit the motor"];
const FOLLOW_UP = "Paint it";

const run = (app, name, input) => app.page.evaluate(([what, given]) => landfall.run(what, given), [name, input]);

/** What each action asks of the instance last, if the app runs it; all of it, if the instance does. */
const CALLS = {
  extras: { log_time: "^POST \\S*/action/log_time ", split_order: "^POST \\S*/action/split_order ", close_order: "^POST \\S*/action/close_order " },
  plain: { log_time: "^POST \\S*/task_time_worked ", split_order: "^POST \\S*/wm_task .*Fit", close_order: "^PATCH \\S*/wm_order/" },
};

for (const name of ["log_time", "split_order", "close_order"]) {
  for (const [where, fate] of [["before it leaves", "held"], ["before its answer", "hangs"]]) {
    both(`the page is closed with ${name} under way, ${where}`, async (t, app) => {
      const { instance, browser } = app;
      // What the page begins it is to begin itself: the worker comes when it is told to.
      await browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
      await app.reload();
      for (const table of TABLES) await app.create(table, table === "task_time_worked" ? { time_worked: 1 } : { short_description: "The first" });
      await app.landsByItself();

      await app.page.evaluate(() => landfall.setMode("offline"));
      const { sys_id: order } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
      const made = [
        await run(app, "log_time", { task: order, minutes: 30, comments: "Half an hour" }),
        await run(app, "split_order", { order, tasks: TASKS.map((short_description) => ({ short_description })) }),
        await run(app, "close_order", { order, close_notes: "Runs", follow_ups: [{ short_description: FOLLOW_UP }] }),
      ].flatMap(({ records }) => records);
      await cutLine(app, [{ at: CALLS[app.plain ? "plain" : "extras"][name], fate }]);
      await app.page.evaluate(() => landfall.setMode("auto"));
      await untilEqual("the page hangs", () => stillToCut(app), 0);
      const other = await browser.standIn();
      await app.page.close();

      const closed = async () => (await instance.rows("wm_order", "short_description=Overhaul belt 4")).map((row) => row.state);
      let tries = 0;
      await untilEqual("the service worker's work", async () => {
        if (tries++ % 20 === 0) await browser.aMinuteLater(other, app.address);
        return closed();
      }, ["3"]);
      await app.open("#/status");
      await app.landsByItself();
      const there = Object.fromEntries(await Promise.all(TABLES.map(async (table) => [table, await instance.rows(table)])));
      assert.deepEqual(there.wm_task.map((row) => row.short_description).sort(), [...TASKS, "The first"].sort());
      assert.deepEqual(there.wm_order.map((row) => row.short_description).sort(), ["Overhaul belt 4", FOLLOW_UP, "The first"].sort());
      assert.equal(there.task_time_worked.length, 2);
      for (const { table, sys_id } of made) {
        const now = await app.page.evaluate((id) => landfall.resolveId(id), sys_id);
        assert.ok(there[table]?.some((row) => row.sys_id === now) ?? true, `${table} ${sys_id} is ${now}`);
        assert.match(now, /^[0-9a-f]{32}$/);
      }
      assert.deepEqual([await app.orphans(), await app.outbox()], [[], []]);
    });
  }
}
