// Write-back actions: done here at once, brought about there when it can be reached, and one record each in the end.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

/** A work order made with the instance dead, time logged on it, split into two tasks, and closed with a follow-up. */
async function aDaysOrder(app) {
  await app.go("#/wm_order");
  await app.seen("new-order").click();
  await app.save({ short_description: "Overhaul belt 4" });
  const order = await app.shownId();
  await app.seen("add-task_time_worked").click();
  await app.save({ time_worked: 45, comments: "Took it apart" });
  await app.seen("split").click();
  await app.save({ tasks: "Order a motor\nFit the motor" });
  await untilEqual("both tasks and the time on its page", () => app.seen("child-row").count(), 3);
  await app.seen("close").click();
  await app.save({ close_notes: "Runs", follow_ups: "Paint it" });
  const ids = async (table, query) => (await app.rows(table, `${query}^ORDERBYsys_id`)).map(({ sys_id }) => sys_id);
  return {
    order,
    tasks: await ids("wm_task", `parent=${order}`),
    followUps: await ids("wm_order", `initiated_from=${order}`),
    entries: await ids("task_time_worked", `task=${order}`),
  };
}

async function isAsItWasDone(app, made) {
  const { instance } = app;
  const by = (id) => (row) => row.correlation_id === id;
  const orders = await instance.rows("wm_order");
  assert.equal(orders.length, 2);
  const order = orders.find(by(made.order));
  assert.deepEqual([order.state, order.close_notes, order.active], ["3", "Runs", "false"]);
  const followUp = orders.find(by(made.followUps[0]));
  assert.deepEqual([followUp.short_description, followUp.initiated_from], ["Paint it", order.sys_id]);
  const tasks = await instance.rows("wm_task");
  assert.deepEqual(tasks.map((row) => row.correlation_id).sort(), made.tasks);
  assert.deepEqual(tasks.map((row) => row.parent), [order.sys_id, order.sys_id]);
  const entries = await instance.rows("task_time_worked");
  assert.deepEqual(entries.map((row) => [row.correlation_id, row.task, row.time_worked]), [[made.entries[0], order.sys_id, "45"]]);
  const notes = await instance.rows("sys_journal_field", "element=work_notes");
  assert.deepEqual(notes.map((row) => [row.element_id, row.value]), [[order.sys_id, "Worked 45 minutes: Took it apart"]]);

  for (const id of [made.order, ...made.tasks, ...made.followUps, ...made.entries]) {
    assert.match(id, /^tmp_/);
    assert.match(await app.page.evaluate((old) => landfall.resolveId(old), id), /^[0-9a-f]{32}$/);
  }
  assert.deepEqual(await app.orphans(), []);
  assert.equal((await app.status()).temporary, 0);
}

both("an order made, worked on, split and closed offline is so on the instance, too", async (t, app) => {
  await app.instance.kill();
  const made = await aDaysOrder(app);
  await app.go("#/outbox");
  await untilEqual("one item for each thing done", () => app.seen("outbox-item").count(), 4);
  await app.browser.screenshot(app.page, `actions-${app.plain ? "plain" : "extras"}`);
  await app.reload();
  await app.instance.start();
  await app.landsByItself();
  await isAsItWasDone(app, made);
  await app.go(`#/wm_order/${made.order}`);
  await untilEqual("no mark is left", () => app.page.locator('[data-test="local-mark"]').count(), 0);
});

both("actions are carried out with the page closed", async (t, app) => {
  const { instance, browser } = app;
  await instance.kill();
  await browser.offline(true);
  const made = await aDaysOrder(app);
  await browser.standIn();
  await app.page.close();

  await instance.start();
  await browser.offline(false);
  await untilEqual("the service worker's work", async () => {
    const orders = await instance.rows("wm_order");
    return [orders.length, orders.filter(({ state }) => state === "3").length, (await instance.rows("wm_task")).length];
  }, [2, 1, 2], { within: 60_000 });
  await app.open(`#/wm_order/${made.order}`);
  await app.landsByItself();
  await isAsItWasDone(app, made);
});

/** Cuts the line at the first call of an action that is let through so often: its request never arrives, or its answer. */
const cut = (app, { before }) =>
  app.page.evaluate((lost) => {
    const real = globalThis.fetch;
    let done = false;
    globalThis.fetch = async (request, init) => {
      const { url, method } = request;
      const acts = /\/action\/|\/batch|table\/task_time_worked/.test(url) && method === "POST";
      if (!acts || done) return real(request, init);
      done = true;
      globalThis.wasCut = true;
      if (!lost) await real(request, init);
      throw new TypeError("Failed to fetch");
    };
  }, before);

for (const before of [true, false]) {
  both(`the line is lost ${before ? "before" : "after"} the instance has heard of an action`, async (t, app) => {
    // By the page itself: its service worker's line is another.
    await app.browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
    await app.reload();
    // What an empty answer is worth is known, also without keys.
    await app.create("task_time_worked", { time_worked: 1 });
    const { sys_id } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
    await app.landsByItself();
    const order = await app.page.evaluate((id) => landfall.resolveId(id), sys_id);
    await cut(app, { before });
    const { item, records } = await app.page.evaluate((task) => landfall.run("log_time", { task, minutes: 45 }), order);
    await until("the line to be cut", () => app.page.evaluate(() => globalThis.wasCut));
    await app.landsByItself();
    const entries = await app.instance.rows("task_time_worked", `task=${order}`);
    assert.deepEqual(entries.map((row) => [row.time_worked, row.correlation_id]), [["45", records[0].sys_id]]);
    const notes = await app.instance.rows("sys_journal_field", `element_id=${order}`);
    assert.deepEqual(notes.map((row) => row.value), ["Worked 45 minutes"]);
    const { state } = await app.page.evaluate((id) => landfall.outbox.settled(id), item);
    assert.equal(state, "done");
    assert.deepEqual(await app.orphans(), []);
  });
}

both("what the instance says of an action reaches whoever ran it", async (t, app) => {
  app.browser.expects(/status of 4\d\d/);
  const { sys_id } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
  await app.landsByItself();
  const order = await app.page.evaluate((id) => landfall.resolveId(id), sys_id);
  const told = await app.page.evaluate(async (task) => {
    const { item } = await landfall.run("log_time", { task, minutes: 2000 });
    const { state, error } = await landfall.outbox.settled(item);
    await landfall.outbox.discard(item);
    return [state, error.status, `${error.message} ${error.detail}`];
  }, order);
  assert.deepEqual(told.slice(0, 2), ["refused", 403]);
  assert.match(told[2], /A time entry is of one day/);
  const done = await app.page.evaluate(async (task) => {
    const { item } = await landfall.run("split_order", { order: task, tasks: [{ short_description: "Order a motor" }] });
    return (await landfall.outbox.settled(item)).state;
  }, order);
  assert.equal(done, "done");
  assert.deepEqual(await app.rows("task_time_worked", ""), []);
  await untilEqual("nothing is left", async () => (await app.status()).pending, 0);
});
