// Both sides change the same field while the device has no line: nothing is overwritten, the technician is asked, and what
// he says is what stands.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { apart, others } from "./lib/colleague.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

const made = { short_description: "Belt 4 stuck", state: 1, impact: 3, urgency: 3, category: "hardware", active: true };

/** The device has it as it was made. A run that was under way is joined, and may have read before. */
const isKnown = (app, id) => untilEqual("it is on the device", async () => {
  await app.page.evaluate(() => landfall.sync());
  return (await app.get("incident", id))?.short_description;
}, made.short_description);

/** An incident that the device has known for a while, and its page. */
async function known(app) {
  await app.pagesSend();
  const { sys_id: id } = await others.create(app, "incident", made);
  await isKnown(app, id);
  await app.go(`#/incident/${id}`);
  await app.seen("state").waitFor();
  return id;
}

const there = async ({ instance }, id, ...names) => {
  const [row] = await instance.rows("incident", `sys_id=${id}`);
  return names.map((name) => row[name]);
};

const conflicts = (app, count) => untilEqual("conflicts", async () => (await app.status()).conflicts, count);

/** Settled, and everything is on the instance. */
async function landed(app, id) {
  await conflicts(app, 0);
  await app.landsByItself();
  // One that is closed leaves the device with the next refresh.
  assert.equal((await app.get("incident", id))?.$sync.state ?? "synced", "synced");
  assert.deepEqual(await app.orphans(), []);
}

for (const [side, state] of [["mine", "2"], ["theirs", "3"]]) {
  both(`one field, and ${side} stands`, async (t, app) => {
    const id = await known(app);
    await apart(app,
      async () => {
        await app.seen("state").selectOption("2");
        await untilEqual("it is saved", async () => (await app.get("incident", id)).state, 2);
      },
      () => others.change(app, "incident", id, { state: 3, description: "Waits for a part" }));
    await conflicts(app, 1);
    assert.deepEqual(await there(app, id, "state", "description"), ["3", "Waits for a part"], "nothing is overwritten");

    await until("it rests while it waits for the user", async () => !(await app.status()).syncing);
    await app.seen("back").or(app.page.locator('[data-test="tab-incident"]')).first().click();
    await app.page.locator(`[data-sys-id="${id}"] [data-test="sync-mark"][data-state="conflict"]`).first().waitFor();
    await app.go("#/outbox");
    assert.match(await app.seen("outbox-explain").innerText(), /State/);
    assert.equal(await app.seen("outbox-retry").count(), 0);
    await app.seen("outbox-choose").click();

    const panel = app.seen("conflict");
    await panel.waitFor();
    assert.match(await app.seen("mine-state").innerText(), /Yours\s+In progress/);
    assert.match(await app.seen("theirs-state").innerText(), /On the instance\s+On hold/);
    assert.equal(await panel.getByRole("group").count(), 1, "what only the instance has changed is no question");
    await app.seen(`${side}-state`).click();
    await panel.waitFor({ state: "detached" });
    await landed(app, id);
    assert.deepEqual(await there(app, id, "state", "description"), [state, "Waits for a part"]);
  });
}

both("field by field, by keyboard", async (t, app) => {
  const id = await known(app);
  await apart(app,
    async () => {
      await app.seen("edit").click();
      await app.seen("field-impact-1").check({ force: true });
      await app.seen("field-category").selectOption("network");
      await app.save({ short_description: "Belt 4 stuck at the gate" });
    },
    () => others.change(app, "incident", id, { short_description: "Belt 4 stands still", impact: 2, category: "software", urgency: 1 }));
  await conflicts(app, 1);
  await app.seen("conflict").waitFor();
  assert.equal(await app.seen("conflict-priority").count(), 0, "it follows from impact and urgency");

  const press = async (hook) => {
    await app.seen(hook).focus();
    await app.page.keyboard.press("Enter");
  };
  await press("mine-short_description");
  assert.equal(await app.seen("mine-short_description").getAttribute("aria-pressed"), "true");
  assert.equal(await app.seen("theirs-short_description").getAttribute("aria-pressed"), "false");
  await press("theirs-category");
  assert.match(await app.seen("conflict-progress").innerText(), /1 of 3 left/);
  assert.deepEqual(await there(app, id, "short_description", "category"), ["Belt 4 stands still", "software"], "not before all are picked");
  await press("mine-impact");
  await app.seen("conflict").waitFor({ state: "detached" });
  await landed(app, id);
  assert.deepEqual(await there(app, id, "short_description", "impact", "urgency", "priority", "category"), ["Belt 4 stuck at the gate", "1", "1", "1", "software"]);
  const row = await app.get("incident", id);
  assert.equal(row.priority, 1);
  assert.equal(row.$sync.notKept, undefined);
});

both("what follows from the state goes with it", async (t, app) => {
  const id = await known(app);
  const close = (state) => async () => {
    await app.seen("state").selectOption(state);
    await until("it is saved", async () => String((await app.get("incident", id)).state) === state);
  };
  // Closed here, on hold there: open it stays, in both places.
  await apart(app, close("7"), () => others.change(app, "incident", id, { state: 3 }));
  await conflicts(app, 1);
  await app.seen("theirs-state").click();
  await landed(app, id);
  assert.deepEqual(await there(app, id, "state", "active", "closed_at"), ["3", "true", ""]);

  // Closed by both: there is nothing to ask.
  await apart(app, close("7"), () => others.change(app, "incident", id, { state: 7, closed_at: "2026-01-01 10:00:00" }));
  await landed(app, id);
  assert.deepEqual(await there(app, id, "state", "active", "closed_at"), ["7", "false", "2026-01-01 10:00:00"]);
});

both("all of one side, at one press", async (t, app) => {
  const id = await known(app);
  const change = { short_description: "Belt 4 is mine", category: "network" };
  for (const [side, expected] of [["theirs", "Belt 4 is theirs"], ["mine", "Belt 4 is mine"]]) {
    await apart(app, () => app.update("incident", id, change), () => others.change(app, "incident", id, { short_description: "Belt 4 is theirs", category: "software" }));
    await conflicts(app, 1);
    await app.seen(`all-${side}`).click();
    await landed(app, id);
    assert.deepEqual(await there(app, id, "short_description"), [expected]);
    await others.change(app, "incident", id, made);
    await isKnown(app, id);
  }
});
