// A record made with the instance dead makes landfall: the whole path, in the order a bad day takes.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { untilEqual } from "./lib/wait.mjs";

/** An incident, two tasks and a time entry, made through the app's own forms. Gives their temporary ids. */
async function makeThemAll(app) {
  await app.go("#/incident");
  await app.seen("new-incident").click();
  await app.save({ short_description: "Belt 4 stuck" });
  const incident = await app.shownId();

  for (const words of ["Order a motor", "Fit the motor"]) {
    await app.seen("add-incident_task").click();
    await app.save({ short_description: words });
    assert.equal(await app.shownId(), incident, "a child that is saved leads back to its record");
  }
  await app.seen("add-task_time_worked").click();
  await app.save({ time_worked: 45, comments: "Looked for the noise" });
  await untilEqual("the children on the incident's page", () => app.seen("child-row").count(), 3);

  const [first, second] = await app.rows("incident_task", `incident=${incident}^ORDERBYsys_id`);
  const [entry] = await app.rows("task_time_worked", `task=${incident}`);
  return { incident, first: first.sys_id, second: second.sys_id, entry: entry.sys_id };
}

/** No form has a field for it: each points to the next, and the last to the first. */
async function pointInACircle(app, { incident, first, second }) {
  await app.update("incident", incident, { parent: first });
  await app.update("incident_task", first, { parent: second });
  await app.update("incident_task", second, { parent: incident });
}

async function editIncident(app, words) {
  await app.seen("edit").click();
  await app.save({ short_description: words });
}

/** What the instance's database holds of them, to the last reference. */
async function onTheInstance({ instance }) {
  const pick = (row, ...names) => Object.fromEntries(names.map((name) => [name, row[name]]));
  const incidents = await instance.rows("incident");
  const tasks = await instance.rows("incident_task", "ORDERBYcorrelation_id");
  const entries = await instance.rows("task_time_worked");
  return {
    incidents: incidents.map((row) => pick(row, "sys_id", "short_description", "parent", "correlation_id")),
    tasks: tasks.map((row) => pick(row, "sys_id", "short_description", "incident", "parent", "correlation_id")),
    entries: entries.map((row) => pick(row, "sys_id", "task", "time_worked", "correlation_id")),
  };
}

function expected(made, words, permanent) {
  return {
    incidents: [{ sys_id: permanent.incident, short_description: words, parent: permanent.first, correlation_id: made.incident }],
    tasks: [
      { sys_id: permanent.first, short_description: "Order a motor", incident: permanent.incident, parent: permanent.second, correlation_id: made.first },
      { sys_id: permanent.second, short_description: "Fit the motor", incident: permanent.incident, parent: permanent.incident, correlation_id: made.second },
    ],
    entries: [{ sys_id: permanent.entry, task: permanent.incident, time_worked: "45", correlation_id: made.entry }],
  };
}

async function permanentIds(app, made) {
  const entries = await Promise.all(Object.entries(made).map(async ([name, id]) => [name, await app.page.evaluate((old) => landfall.resolveId(old), id)]));
  return Object.fromEntries(entries);
}

async function carriesMarks(app, { incident }) {
  await app.go("#/incident");
  await untilEqual("the yellow mark in the list", () => app.seen("record-row").locator('[data-test="local-mark"]').count(), 1);
  await app.go(`#/incident/${incident}`);
  await untilEqual("the yellow mark on the record", () => app.seen("local-note").count(), 1);
  await untilEqual("the yellow mark on each child", () => app.seen("child-row").locator('[data-test="local-mark"]').count(), 3);
}

/** The address of a record as it was when its id was temporary. */
async function opensByOldAddress(app, { incident }, words) {
  await app.go("#/outbox");
  await app.go(`#/incident/${incident}`);
  await untilEqual("the record behind its old address", () => app.page.locator(".record-title").allTextContents(), [words]);
  assert.notEqual(await app.shownId(), incident, "the address settles on the permanent id");
  assert.equal(await app.seen("local-mark").count(), 0);
}

both("made offline, reconciled, and ordinary from then on", async (t, app) => {
  const { instance } = app;
  await instance.kill();
  const made = await makeThemAll(app);
  await pointInACircle(app, made);
  await editIncident(app, "Belt 4 stuck again");
  for (const id of Object.values(made)) assert.match(id, /^tmp_[0-9a-f]{32}$/);

  await app.reload();
  await carriesMarks(app, made);

  await instance.start();
  await app.landsByItself();
  const permanent = await permanentIds(app, made);
  for (const id of Object.values(permanent)) assert.match(id, /^[0-9a-f]{32}$/);
  assert.deepEqual(await onTheInstance(app), expected(made, "Belt 4 stuck again", permanent));
  assert.deepEqual(await app.orphans(), []);
  await untilEqual("no mark is left", () => app.page.locator('[data-test="local-mark"]').count(), 0);

  await opensByOldAddress(app, made, "Belt 4 stuck again");
  await instance.kill();
  await app.reload();
  await opensByOldAddress(app, made, "Belt 4 stuck again");

  const [{ sys_mod_count: before }] = await app.rows("incident", `sys_id=${permanent.incident}`);
  app.requests.forget();
  await editIncident(app, "Belt 4 runs");
  await instance.start();
  await app.landsByItself();
  assert.ok(app.requests.asked.includes(`PATCH /api/now/table/incident/${permanent.incident}`), app.requests.asked.join("\n"));
  assert.deepEqual(app.requests.asked.filter((line) => line.startsWith("POST")), [], "nothing is created again");
  assert.deepEqual(await onTheInstance(app), expected(made, "Belt 4 runs", permanent));
  const [{ sys_mod_count: after }] = await instance.rows("incident");
  assert.equal(Number(after), Number(before) + 1);
});

both("the tab is closed before the network returns", async (t, app) => {
  const { instance, browser } = app;
  await instance.kill();
  await browser.offline(true);
  const made = await makeThemAll(app);
  await pointInACircle(app, made);
  await browser.standIn();
  await app.page.close();

  await instance.start();
  await browser.offline(false);
  await untilEqual("the service worker's work", async () => {
    const held = await onTheInstance(app);
    const { incident } = held.tasks[0] ?? {};
    return [held.incidents.length, held.tasks.length, held.entries.length, Boolean(incident && held.incidents[0].parent && held.tasks[0].parent && held.tasks[1].parent)];
  }, [1, 2, 1, true], { within: 60_000 });
  assert.equal(browser.context.pages().some((page) => page.url().startsWith(instance.url)), false, "no page of the app is open");

  await app.open(`#/incident/${made.incident}`);
  await app.landsByItself();
  const permanent = await permanentIds(app, made);
  assert.deepEqual(await onTheInstance(app), expected(made, "Belt 4 stuck", permanent));
  assert.deepEqual(await app.orphans(), []);
  await opensByOldAddress(app, made, "Belt 4 stuck");
  assert.equal(await app.page.locator('[data-test="local-mark"]').count(), 0);
});
