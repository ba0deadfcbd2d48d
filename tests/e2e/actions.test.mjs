// Write-back actions: done here at once, brought about there when it can be reached, and one record each in the end.
import assert from "node:assert/strict";
import { test } from "node:test";

import { barriers } from "./lib/accessibility.mjs";
import { both, startApp } from "./lib/app.mjs";
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

/** Cuts the line at a call in the middle of a step that the page runs: its request never arrives, or its answer; or it hangs. */
const cutWithin = (app, how) =>
  app.page.evaluate((fate) => {
    const real = globalThis.fetch;
    let tasks = 0;
    globalThis.fetch = async (request, init) => {
      const { url, method } = request;
      if (method !== "POST" || !/\/table\/wm_task/.test(url) || ++tasks !== 2) return real(request, init);
      if (fate !== "request lost") await real(request, init);
      globalThis.wasCut = true;
      if (fate === "page closed") await new Promise(() => {});
      throw new TypeError("Failed to fetch");
    };
  }, how);

for (const how of ["request lost", "answer lost", "page closed"]) {
  test(`in the middle of a step that the app runs itself: ${how}`, async (t) => {
    const app = await startApp(t, { plain: true });
    const { instance, browser } = app;
    if (how !== "page closed") {
      await browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
      await app.reload();
    }
    // That a task is found by its temporary id is known from this one.
    await app.create("wm_task", { short_description: "The first" });
    const { sys_id } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
    await app.landsByItself();
    const order = await app.page.evaluate((id) => landfall.resolveId(id), sys_id);
    await cutWithin(app, how);
    const tasks = ["Order a motor", "Fit the motor", "Paint it"].map((short_description) => ({ short_description }));
    const { records } = await app.page.evaluate(([id, all]) => landfall.run("split_order", { order: id, tasks: all }), [order, tasks]);
    await until("the line to be cut", () => app.page.evaluate(() => globalThis.wasCut));
    if (how === "page closed") {
      await browser.standIn();
      await app.page.close();
      await untilEqual("the service worker's work", async () => (await instance.rows("wm_task", `parent=${order}`)).length, 3, { within: 120_000 });
      await app.open("#/status");
    }
    await app.landsByItself();
    const made = await instance.rows("wm_task", `parent=${order}`);
    assert.deepEqual(made.map((row) => [row.correlation_id, row.short_description]).sort(), records.map(({ sys_id: id }, at) => [id, tasks[at].short_description]).sort());
    for (const { sys_id: id } of records) assert.match(await app.page.evaluate((old) => landfall.resolveId(old), id), /^[0-9a-f]{32}$/);
    assert.deepEqual(await app.orphans(), []);
  });
}

both("what an action made and did not name clearly is paired by hand", async (t, app) => {
  await app.browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
  await app.reload();
  await app.page.evaluate(() => landfall.action("two_tasks", {
    async offline(tx) {
      for (const short_description of ["Left", "Right"]) await tx.table("wm_task").create({ short_description });
    },
    async online(step) {
      for (const short_description of ["Right", "Left"]) {
        const body = JSON.stringify({ short_description });
        const answer = await step.fetch("table/wm_task", { method: "POST", headers: { "Content-Type": "application/json" }, body });
        step.addRecordForSync("wm_task", (await answer.json()).result.sys_id);
      }
    },
  }));
  const { records: [left, right] } = await app.page.evaluate(() => landfall.run("two_tasks", {}));
  await untilEqual("it waits to be paired", async () => (await app.outbox()).map(({ state }) => state), ["unpaired"]);
  const there = await app.instance.rows("wm_task");
  assert.equal(there.length, 2);
  const idOf = (name) => there.find(({ short_description }) => short_description === name).sys_id;

  await app.go("#/outbox");
  await app.seen("pairing").waitFor();
  await app.browser.screenshot(app.page, `pairing-${app.plain ? "plain" : "extras"}`);
  assert.deepEqual(await barriers(app.page), []);
  assert.equal(await app.seen("outbox-retry").count(), 0);
  assert.equal(await app.seen("pair").first().isDisabled(), true);
  await app.seen("pair-with").first().selectOption(idOf("Left"));
  await app.seen("pair").first().click();
  await app.seen("outbox-empty").waitFor();
  for (const [record, name] of [[left, "Left"], [right, "Right"]]) {
    assert.equal(await app.page.evaluate((id) => landfall.resolveId(id), record.sys_id), idOf(name));
  }
  assert.equal((await app.instance.rows("wm_task")).length, 2);
  assert.deepEqual(await app.orphans(), []);
});
