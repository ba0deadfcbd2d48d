// Actions on what is at the instance already, and what is only there: a record given to somebody else, and one that nobody made here.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";
import { untilEqual } from "./lib/wait.mjs";

const resolved = (app, id) => app.page.evaluate((old) => landfall.resolveId(old), id);
const refreshed = (app) => app.page.evaluate(() => landfall.sync());

/** Written at the instance itself. Gives its `sys_id`. */
async function madeThere({ instance }, table, fields) {
  const answer = await fetch(`${instance.url}/api/now/table/${table}`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields),
  });
  assert.equal(answer.status, 201);
  return (await answer.json()).result.sys_id;
}

async function isAtRest(app) {
  const { orphans, temporary } = await app.audit();
  assert.deepEqual([orphans, temporary, await app.outbox()], [[], 0, []]);
}

/** An order of this device's that is at the instance, and its page. */
async function anOrder(app) {
  const { sys_id } = await app.create("wm_order", { short_description: "Overhaul belt 4", state: 1, active: true });
  await app.landsByItself();
  return resolved(app, sys_id);
}

both("an order is given to somebody else by its button", async (t, app) => {
  const [ann, bo] = await Promise.all(["Ann Amp", "Bo Volt"].map((name) => madeThere(app, "sys_user", { name, user_name: name.toLowerCase() })));
  await refreshed(app);
  const order = await anOrder(app);
  const give = async (name, note) => {
    await app.seen("reassign").click();
    await app.seen("pick-assigned_to").fill(name);
    await app.seen("option").filter({ hasText: name }).click();
    await app.save({ note });
    await untilEqual("the name on its page", () => app.page.locator('[data-field="assigned_to"] .fact-main').innerText(), name);
  };

  // By the user's word, so that nothing is tried: what has left may be there, and would not become one with the next.
  await app.page.evaluate(() => landfall.setMode("offline"));
  await app.go(`#/wm_order/${order}`);
  await give("Ann Amp", "Yours");
  assert.equal((await app.get("wm_order", order)).assigned_to, ann);
  await give("Bo Volt", "The belt by gate 4");
  assert.deepEqual((await app.outbox()).map(({ kind, action, records }) => [kind, action, records]), [["action", "reassign", [{ table: "wm_order", sys_id: order }]]]);
  await app.go("#/outbox");
  await untilEqual("both times as one", () => app.seen("outbox-item").count(), 1);
  await app.reload();

  assert.deepEqual((await app.instance.rows("wm_order")).map(({ assigned_to }) => assigned_to), [""]);
  await app.page.evaluate(() => landfall.setMode("auto"));
  await app.landsByItself();
  await app.seen("outbox-empty").waitFor();
  assert.deepEqual((await app.instance.rows("wm_order")).map(({ sys_id, assigned_to }) => [sys_id, assigned_to]), [[order, bo]]);
  // Ann has never heard of it.
  const notes = await app.instance.rows("sys_journal_field", "element=work_notes");
  assert.deepEqual(notes.map(({ element_id, value }) => [element_id, value]), [[order, "The belt by gate 4"]]);
  const { assigned_to, $sync } = await app.get("wm_order", order);
  assert.deepEqual([assigned_to, $sync.state], [bo, "synced"]);
  await isAtRest(app);
});

/** No refresh gets through in the page until `letRefresh()`: what is there before is not there by one. */
const holdRefreshes = ({ page }) => page.evaluate(() => {
  const real = globalThis.fetch;
  const open = new Promise((resolve) => (globalThis.letRefresh = resolve));
  globalThis.refreshesHeld = 0;
  globalThis.fetch = async (request, init) => {
    if (request.method === "GET" && request.url.includes("ORDERBY")) {
      globalThis.refreshesHeld += 1;
      await open;
    }
    return real(request, init);
  };
});

both("what only the instance has made joins the device's records", async (t, app) => {
  // By the page itself, whose line is held; its service worker's is another.
  await app.browser.context.addInitScript(() => delete globalThis.ServiceWorkerRegistration?.prototype.sync);
  await app.reload();
  const order = await anOrder(app);
  await untilEqual("the last refresh is over", async () => (await app.status()).syncing, false);
  // As the app's own, but that nothing of what follows is made here.
  await app.page.evaluate((plain) => landfall.action("close_order", {
    offline: (tx, { order: id }) => tx.table("wm_order").update(id, { state: 3, active: false }),
    ...(plain && {
      async online(step, { order: id, close_notes, follow_ups }) {
        const write = (method, path, fields) => step.fetch(`table/${path}`, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
        for (const follow_up of follow_ups) {
          const answer = await write("POST", "wm_order", { ...follow_up, initiated_from: id });
          step.addRecordForSync("wm_order", (await answer.json()).result.sys_id);
        }
        await write("PATCH", `wm_order/${id}`, { state: 3, close_notes });
      },
    }),
  }), app.plain);
  await holdRefreshes(app);
  const told = await app.page.evaluate(async (id) => {
    const { item } = await landfall.run("close_order", { order: id, close_notes: "Runs", follow_ups: [{ short_description: "Paint it" }] });
    return landfall.outbox.settled(item);
  }, order);
  const [there, ...more] = await app.instance.rows("wm_order", `initiated_from=${order}`);
  assert.deepEqual(more, []);
  assert.deepEqual([told.state, told.records.map(({ sys_id }) => sys_id)], ["done", [order, there.sys_id]]);
  const known = async () => (await app.rows("wm_order", "active=true")).map(({ sys_id, number, short_description, initiated_from, $sync }) => [sys_id, number, short_description, initiated_from, $sync.state]);
  const asThere = [[there.sys_id, there.number, "Paint it", order, "synced"]];
  await untilEqual("the order that the instance has named", known, asThere);
  await isAtRest(app);

  await app.page.evaluate(() => void (globalThis.refreshing = landfall.sync()));
  await untilEqual("a refresh, which is held", () => app.page.evaluate(() => refreshesHeld > 0), true);
  await app.page.evaluate(() => (letRefresh(), refreshing));
  assert.deepEqual(await known(), asThere);
  await app.reload();
  assert.deepEqual(await known(), asThere);
  await refreshed(app);
  assert.deepEqual(await known(), asThere);
  await app.go("#/wm_order");
  await app.page.getByText("Paint it").first().waitFor();
  // From here on it is as any other.
  await app.update("wm_order", there.sys_id, { short_description: "Paint it red" });
  await app.landsByItself();
  assert.deepEqual((await app.instance.rows("wm_order", `initiated_from=${order}`)).map(({ sys_id, short_description }) => [sys_id, short_description]), [[there.sys_id, "Paint it red"]]);
  await isAtRest(app);
});
