// Every screen, on a phone and on a desk, by day and by night: no barrier in it, and a picture for people.
import assert from "node:assert/strict";
import { test } from "node:test";

import { barriers } from "./lib/accessibility.mjs";
import { startApp } from "./lib/app.mjs";
import { DESKTOP, PHONE } from "./lib/browser.mjs";
import { apart, others } from "./lib/colleague.mjs";
import { splitUnclearly } from "./lib/unclear.mjs";
import { until, untilEqual } from "./lib/wait.mjs";

/** One record of each kind that a screen tells apart: landed, local, edited, refused; and what an action made and nobody can tell apart. */
async function aDaysWork(app) {
  const { instance } = app;
  await until("the demo's incidents", async () => (await app.rows("incident", "active=true")).length > 100);
  const [place] = await app.rows("cmn_location", "nameLIKESeattle");
  const here = { location: place?.sys_id, impact: 2, urgency: 2, priority: 3, state: 1, active: true };
  const landed = await app.create("incident", { ...here, short_description: "Jet bridge B7 stops halfway" });
  await app.landsByItself();
  const [order] = await app.rows("wm_order", "active=true");
  await splitUnclearly(app, order.sys_id);

  // Out of reach, and told so: nothing is tried, nothing waits for an answer.
  await app.browser.offline(true);
  await instance.kill();
  await app.update("incident", await app.page.evaluate((id) => landfall.resolveId(id), landed.sys_id), { state: 2 });
  await app.create("incident", { ...here, impact: 1, priority: 2, short_description: "Gate B12 will not open" });
  const local = await app.create("incident", { ...here, short_description: "Belt 4 at carousel 2 stuck" });
  await app.create("incident_task", { incident: local.sys_id, short_description: "Order a motor", state: 1, active: true });
  await app.create("task_time_worked", { task: local.sys_id, time_worked: 45, work_date: "2026-11-20", comments: "Looked for the noise" });
  return { local: local.sys_id, order: order.sys_id };
}

/** Then one the instance refuses, and away again. */
async function aRefusal(app, incident) {
  await app.create("task_time_worked", { task: incident, time_worked: 2000, work_date: "2026-11-20" });
  await app.instance.start();
  await app.browser.offline(false);
  await app.page.evaluate(() => landfall.sync());
  await untilEqual("the refusal", async () => (await app.status()).refused, 1);
  await app.instance.kill();
  await app.create("incident", { short_description: "Windsock lamp out", impact: 1, urgency: 2, priority: 2, state: 1, active: true });
}

const settled = (page) => page.evaluate(async () => {
  await document.fonts.ready;
  for (const toast of document.querySelectorAll('[data-test="toast"] button')) toast.click();
  await Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {})));
});

/** Looks at screens of an app: by its page's address, and a hook that is there when it is drawn. */
const lookAt = (t, app) => async (screen, hash, hook, prepare = () => {}) => {
  const { page } = app;
  await app.go(hash);
  await app.seen(hook).first().waitFor();
  await prepare();
  for (const [device, { viewport }] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await settled(page);
      await app.browser.screenshot(page, `${device}-${screen}-${colorScheme}`);
      await t.test(`${screen}, ${device}, ${colorScheme}`, async () => assert.deepEqual(await barriers(page), []));
    }
  }
};

test("every screen is without barriers", async (t) => {
  const app = await startApp(t, { seed: "demo", device: PHONE });
  const { page } = app;
  const { local, order } = await aDaysWork(app);
  const look = lookAt(t, app);

  await look("list", "#/incident", "record-row");
  await look("local-record", `#/incident/${local}`, "child-row");
  await look("form", `#/incident/${local}/edit`, "field-short_description");
  await look("new", "#/incident/new", "field-short_description");
  await look("orders", "#/wm_order", "record-row");
  await look("order", `#/wm_order/${order}`, "record");
  await look("close", `#/wm_order/${order}/close`, "field-follow_ups");
  await look("split", `#/wm_order/${order}/split`, "field-tasks");
  await look("reassign", `#/wm_order/${order}/reassign`, "pick-assigned_to");
  await look("pairing", "#/outbox", "pairing");
  await aRefusal(app, local);
  await look("outbox", "#/outbox", "outbox-item");
  await look("status", "#/status", "status-storage");
  await look("doctor", "#/doctor", "finding");
  const landed = await page.evaluate((id) => landfall.resolveId(id), local);
  await look("landed-record", `#/incident/${landed}`, "child-row");
  const [refused] = await app.rows("task_time_worked", "time_worked=2000");
  await look("refused-record", `#/task_time_worked/${refused.sys_id}`, "sync-note");
});

test("a conflict is without barriers", async (t) => {
  const app = await startApp(t, { seed: "demo", device: PHONE });
  const { page } = app;
  await app.pagesSend();
  const [one, other] = await app.rows("incident", "active=true^state=1^locationISNOTEMPTY^ORDERBYnumber");
  const [[here, there], [mine], [theirs]] = await Promise.all([
    app.rows("cmn_location", "ORDERBYname"), app.rows("sys_user", "name=Kenji Mori"), app.rows("sys_user", "name=Rosa Delgado"),
  ]);
  await apart(app,
    async () => {
      await app.update("incident", one.sys_id, { state: 2, location: here.sys_id, assigned_to: mine.sys_id, description: "Stops halfway, with a grinding noise. Motor replaced, still the same." });
      await app.update("incident", other.sys_id, { state: 2 });
    },
    async () => {
      await others.change(app, "incident", one.sys_id, { state: 3, location: there.sys_id, assigned_to: theirs.sys_id, description: "Stops halfway. Waits for a motor." });
      await others.change(app, "incident", other.sys_id, { state: 3 });
    });
  await untilEqual("both are asked about", async () => (await app.status()).conflicts, 2);
  const look = lookAt(t, app);
  await look("conflicts-list", "#/incident", "record-row");
  await look("conflicts-outbox", "#/outbox", "outbox-choose");
  await look("conflict-status", "#/status", "status-conflicts");
  await look("conflict-of-one", `#/incident/${other.sys_id}`, "conflict");
  await look("conflict", `#/incident/${one.sys_id}`, "conflict", () => app.seen("theirs-state").click());
  await page.setViewportSize({ width: 375, height: 812 });
  await app.browser.screenshot(page, "phone-conflict-narrow");
});
