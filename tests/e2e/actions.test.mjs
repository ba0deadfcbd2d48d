// Write-back actions: done here at once, brought about there when it can be reached, and one record each in the end.
import assert from "node:assert/strict";
import { test } from "node:test";

import { barriers } from "./lib/accessibility.mjs";
import { both, startApp } from "./lib/app.mjs";
import { DESKTOP, PHONE } from "./lib/browser.mjs";
import { cutLine, stillToCut } from "./lib/cuts.mjs";
import { splitUnclearly } from "./lib/unclear.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

const TABLES = ["wm_order", "wm_task", "task_time_worked"];

const resolved = (app, id) => app.page.evaluate((old) => landfall.resolveId(old), id);
const run = (app, name, input) => app.page.evaluate(([what, given]) => landfall.run(what, given), [name, input]);

/** A record of each table is there: what an empty answer is worth is known from it, also without keys. */
async function tablesAreKnown(app) {
  for (const table of TABLES) await app.create(table, table === "task_time_worked" ? { time_worked: 1 } : { short_description: "The first" });
  await app.landsByItself();
  return Promise.all(TABLES.map(async (table) => (await app.instance.rows(table))[0].sys_id));
}

/**
 * A work order made with the instance dead, time logged on it, split into two tasks, and closed with a follow-up; and time
 * logged on what these actions made.
 */
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
  const tasks = await ids("wm_task", `parent=${order}`);
  const followUps = await ids("wm_order", `initiated_from=${order}`);
  await run(app, "log_time", { task: tasks[0], minutes: 15 });
  await run(app, "log_time", { task: followUps[0], minutes: 20 });
  return { order, tasks, followUps, entries: (await Promise.all([order, tasks[0], followUps[0]].map((task) => ids("task_time_worked", `task=${task}`)))).flat() };
}

/** `before`: the ids of what was there earlier. */
async function isAsItWasDone(app, made, before = []) {
  const rows = async (table) => (await app.instance.rows(table)).filter(({ sys_id }) => !before.includes(sys_id));
  const [orders, tasks, entries] = await Promise.all(TABLES.map(rows));
  const by = (id) => (row) => row.correlation_id === id;
  assert.equal(orders.length, 2);
  const order = orders.find(by(made.order));
  assert.deepEqual([order.state, order.close_notes, order.active], ["3", "Runs", "false"]);
  const followUp = orders.find(by(made.followUps[0]));
  assert.deepEqual([followUp.short_description, followUp.initiated_from], ["Paint it", order.sys_id]);
  assert.deepEqual(tasks.map((row) => row.correlation_id).sort(), made.tasks);
  assert.deepEqual(tasks.map((row) => row.parent), [order.sys_id, order.sys_id]);
  const task = tasks.find(by(made.tasks[0]));
  const worked = [[made.entries[0], order, "45"], [made.entries[1], task, "15"], [made.entries[2], followUp, "20"]];
  const bySerial = (one, other) => (one[0] < other[0] ? -1 : 1);
  assert.deepEqual(
    entries.map((row) => [row.correlation_id, row.task, row.time_worked]).sort(bySerial),
    worked.map(([id, { sys_id }, minutes]) => [id, sys_id, minutes]).sort(bySerial),
  );
  const notes = await app.instance.rows("sys_journal_field", "element=work_notes");
  assert.deepEqual(
    notes.map((row) => [row.element_id, row.value]).sort(),
    [[order.sys_id, "Worked 45 minutes: Took it apart"], [task.sys_id, "Worked 15 minutes"], [followUp.sys_id, "Worked 20 minutes"]].sort(),
  );

  for (const id of [made.order, ...made.tasks, ...made.followUps, ...made.entries]) {
    assert.match(id, /^tmp_/);
    assert.match(await resolved(app, id), /^[0-9a-f]{32}$/);
  }
  assert.deepEqual(await app.orphans(), []);
  assert.equal((await app.status()).temporary, 0);
}

both("an order made, worked on, split and closed offline is so on the instance, too", async (t, app) => {
  await app.instance.kill();
  const made = await aDaysOrder(app);
  await app.go("#/outbox");
  await untilEqual("one item for each thing done", () => app.seen("outbox-item").count(), 6);
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
    return [orders.length, orders.filter(({ state }) => state === "3").length, (await instance.rows("wm_task")).length, (await instance.rows("task_time_worked")).length];
  }, [2, 1, 2, 3], { within: 60_000 });
  await app.open(`#/wm_order/${made.order}`);
  await app.landsByItself();
  await isAsItWasDone(app, made);
});

/**
 * Where the line is lost, for time logged, an order split, and an order closed: `during` is after a part of the step was
 * carried out, or, where the instance does all of it in one request, while it does.
 */
const CUTS = {
  extras: Object.fromEntries(Object.entries({ before: "request lost", during: "given up", after: "answer lost" }).map(([where, fate]) =>
    [where, ["log_time", "split_order", "close_order"].map((name) => ({ at: `^POST \\S*/action/${name} `, fate }))])),
  plain: {
    before: [
      { at: "^POST \\S*/task_time_worked ", fate: "request lost" },
      { at: "^POST \\S*/wm_task ", fate: "request lost" },
      { at: "^POST \\S*/wm_order .*initiated_from", fate: "request lost" },
    ],
    during: [
      { at: "^PATCH \\S*/table/task/", fate: "request lost" },
      { at: "^POST \\S*/wm_task ", nth: 2, fate: "request lost" },
      { at: "^PATCH \\S*/wm_order/", fate: "request lost" },
    ],
    after: [
      { at: "^POST \\S*/task_time_worked ", fate: "answer lost" },
      { at: "^POST \\S*/wm_task ", nth: 2, fate: "answer lost" },
      { at: "^PATCH \\S*/wm_order/", fate: "answer lost" },
    ],
  },
};

for (const plain of [false, true]) {
  for (const where of ["before", "during", "after"]) {
    const mode = plain ? "plain" : "extras";
    test(`the line is lost ${where} each of a day's actions (${mode})`, async (t) => {
      const app = await startApp(t, { plain });
      await app.pagesSend();
      const before = await tablesAreKnown(app);
      await app.instance.kill();
      const made = await aDaysOrder(app);
      await cutLine(app, CUTS[mode][where]);
      await app.instance.start();
      if (plain && where === "during") {
        // Nothing finds a work note for everyone who may write it: whether it arrived is for the user to say.
        const lost = ({ action, explain }) => action === "log_time" && explain.includes("cannot say whether it arrived");
        const { id } = await until("the note to wait for the user", async () => {
          await app.putForward();
          return (await app.outbox()).find(lost);
        });
        await app.page.evaluate((item) => landfall.outbox.retry(item), id);
      }
      await app.landsByItself();
      assert.equal(await stillToCut(app), 0);
      await isAsItWasDone(app, made, before);
      await app.go(`#/wm_order/${made.order}`);
      await untilEqual("no mark is left", () => app.page.locator('[data-test="local-mark"]').count(), 0);
    });
  }
}

/** As somebody else closes it. */
async function closeThere({ instance }, order) {
  const answer = await fetch(`${instance.url}/api/now/table/wm_order/${order}`, {
    method: "PATCH", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ state: 3, close_notes: "Runs" }),
  });
  assert.equal(answer.status, 200);
}

both("an order that somebody else has closed is neither closed nor split again", async (t, app) => {
  app.browser.expects(/status of 409/);
  const { sys_id } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
  await app.landsByItself();
  const order = await resolved(app, sys_id);
  await closeThere(app, order);
  const { number } = (await app.instance.rows("wm_order"))[0];
  const said = async (name, input) => {
    const { item } = await run(app, name, { order, ...input });
    const told = await app.page.evaluate((id) => landfall.outbox.settled(id), item);
    await app.page.evaluate((id) => landfall.outbox.discard(id), item);
    return [told.state, told.error.message];
  };
  assert.deepEqual(await said("close_order", { close_notes: "Runs", follow_ups: [{ short_description: "Paint it" }] }),
    ["refused", `Work order ${number} is closed already: only one that is open can be closed`]);
  assert.deepEqual(await said("close_order", { close_notes: "Done", follow_ups: [] }),
    ["refused", `Work order ${number} is closed already: only one that is open can be closed`]);
  assert.deepEqual(await said("split_order", { tasks: [{ short_description: "Order a motor" }] }),
    ["refused", `Work order ${number} is closed: only one that is open can be split into tasks`]);
  assert.deepEqual((await app.instance.rows("wm_order")).map((row) => row.close_notes), ["Runs"]);
  assert.deepEqual(await app.instance.rows("wm_task"), []);
  assert.deepEqual(await app.orphans(), []);
});

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

test("a step that the app runs itself goes on in the service worker where a closed page has left it", async (t) => {
  const app = await startApp(t, { plain: true });
  const { instance, browser } = app;
  // What the page begins it is to begin itself: the worker comes when it is told to.
  await browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
  await app.reload();
  await tablesAreKnown(app);
  const { sys_id } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
  await app.landsByItself();
  const order = await resolved(app, sys_id);
  await cutLine(app, [{ at: "^POST \\S*/wm_task ", nth: 2, fate: "hangs" }]);
  const tasks = ["Order a motor", "Fit the motor", "Paint it"].map((short_description) => ({ short_description }));
  const { records } = await run(app, "split_order", { order, tasks });
  await untilEqual("the page hangs", () => stillToCut(app), 0);
  const other = await browser.standIn();
  await app.page.close();
  assert.equal((await instance.rows("wm_task", `parent=${order}`)).length, 2);

  // What has begun is brought to its end, though it could not begin now.
  await closeThere(app, order);
  await browser.aMinuteLater(other, app.address);
  const made = () => instance.rows("wm_task", `parent=${order}`);
  await untilEqual("the service worker's work", async () => (await made()).length, 3);
  await app.open("#/status");
  await app.landsByItself();
  assert.deepEqual(
    (await made()).map((row) => [row.correlation_id, row.short_description]).sort(),
    records.map(({ sys_id: id }, at) => [id, tasks[at].short_description]).sort(),
  );
  for (const { sys_id: id } of records) assert.match(await resolved(app, id), /^[0-9a-f]{32}$/);
  assert.deepEqual(await app.orphans(), []);
});

both("what an action made and did not name clearly is paired by hand", async (t, app) => {
  await app.browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
  await app.reload();
  const { sys_id: local } = await app.create("wm_order", { short_description: "Overhaul belt 4" });
  await app.landsByItself();
  const order = await resolved(app, local);
  const [left, right] = await splitUnclearly(app, order);
  const there = await app.instance.rows("wm_task");
  assert.equal(there.length, 2);
  const idOf = (name) => there.find(({ short_description }) => short_description === name).sys_id;

  await app.go("#/outbox");
  await app.seen("pairing").waitFor();
  const choices = () => app.seen("pair-with").first().locator("option").allInnerTexts();
  await until("the names of both tasks there, and no order's", async () => {
    const [none, ...named] = await choices();
    return none.startsWith("Choose") && named.length === 2 && ["Left side", "Right side"].every((name) => named.some((text) => text.startsWith(`${name}, `)));
  });
  for (const [device, { viewport }] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    await app.page.setViewportSize(viewport);
    await app.browser.screenshot(app.page, `pairing-${device}-${app.plain ? "plain" : "extras"}`);
    assert.deepEqual(await barriers(app.page), []);
  }
  assert.equal(await app.seen("outbox-retry").count(), 0);
  assert.equal(await app.seen("pair").first().isDisabled(), true);
  await app.seen("pair-with").first().selectOption(idOf("Left side"));
  await app.seen("pair").first().click();
  await app.seen("outbox-empty").waitFor();
  for (const [record, name] of [[left, "Left side"], [right, "Right side"]]) {
    assert.equal(await app.page.evaluate((id) => landfall.resolveId(id), record.sys_id), idOf(name));
  }
  assert.equal((await app.instance.rows("wm_task")).length, 2);
  assert.deepEqual(await app.orphans(), []);
});

test("what was carried out and cannot be paired is forgotten here, and said to stay there", async (t) => {
  const app = await startApp(t);
  await app.page.evaluate(() => landfall.action("ask_for_help", {
    offline: async (tx) => void (await tx.table("wm_task").create({ short_description: "Send a second pair of hands" })),
    async online(step) {
      const body = JSON.stringify({ short_description: "Send a second pair of hands" });
      const answer = await step.fetch("table/incident", { method: "POST", headers: { "Content-Type": "application/json" }, body });
      step.addRecordForSync("incident", (await answer.json()).result.sys_id);
    },
  }));
  const { records: [task] } = await run(app, "ask_for_help", {});
  await untilEqual("it waits to be paired", async () => (await app.outbox()).map(({ state }) => state), ["unpaired"]);
  const [incident] = await app.instance.rows("incident");

  await app.go("#/outbox");
  // Of its own table there is none: nobody knows better, so that what there is is offered.
  await untilEqual("the incident's name", () => app.seen("pair-with").locator("option").nth(1).innerText(), `Send a second pair of hands, ${incident.number}`);
  await app.seen("outbox-discard").click();
  assert.match(await app.seen("dialog").innerText(), /has carried this out, and its records stay there/);
  await app.seen("confirm").click();
  await app.seen("outbox-empty").waitFor();
  assert.equal(await app.get("wm_task", task.sys_id), undefined);
  assert.deepEqual((await app.instance.rows("incident")).map(({ sys_id }) => sys_id), [incident.sys_id]);
  assert.deepEqual(await app.orphans(), []);
});
