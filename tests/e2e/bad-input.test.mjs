// What cannot be kept is refused with a sentence and a code, before anything is written.
import assert from "node:assert/strict";

import { both } from "./lib/app.mjs";

/** Each is run in the page, where `held` has the ids of an incident and of a time entry of its own. */
const REFUSED = [
  ["an unknown table", "unknown_table", /“nowhere” was not declared/, () => landfall.table("nowhere").create({ a: 1 })],
  ["a function", "not_json", /“short_description”.*a function, which is not JSON/, () => landfall.table("incident").create({ short_description: () => 1 })],
  ["a BigInt", "not_json", /“impact”.*BigInt/, () => landfall.table("incident").create({ impact: 10n })],
  ["a field that holds itself", "not_json", /“description\.again”.*contains itself/, () => {
    const cyclic = {};
    cyclic.again = cyclic;
    return landfall.table("incident").create({ description: cyclic });
  }],
  ["one bad record among good ones", "not_json", /which is not JSON/, () => landfall.table("incident").createMany([{ short_description: "good" }, { short_description: Symbol("bad") }])],
  ["a record of 20 MB", "record_too_large", /is 2\d{7} bytes long/, () => landfall.table("incident").create({ description: "x".repeat(20 * 1024 * 1024) })],
  ["a field name that cannot be one", "bad_field", /“Short Description” is not a field name/, () => landfall.table("incident").create({ "Short Description": "x" })],
  ["a malformed query", "malformed_query", /character 21:/, () => landfall.table("incident").query("active=true^priority~3")],
  ["an operand that is missing", "malformed_query", /character 16:.*two values/, () => landfall.table("incident").count("priorityBETWEEN3")],
  ["an id of another table, updated", "wrong_table", /is a record of incident, not of incident_task/, () => landfall.table("incident_task").update(held.incident, { state: 2 })],
  ["an id of another table, referred to", "wrong_table", /is a record of task_time_worked, not of incident/, () => landfall.table("incident_task").create({ incident: held.entry })],
  ["a temporary id that was never made here", "unknown_temporary", /“incident” refers to tmp_0{32}/, () => landfall.table("incident_task").create({ incident: `tmp_${"0".repeat(32)}` })],
  ["an update of what is not here", "not_found", /no incident record “nobody”/, () => landfall.table("incident").update("nobody", { state: 2 })],
  ["other tables in the same page", "contradicting_tables", /open in this page with other tables/, async () => {
    const [{ open }, { options }] = await Promise.all([import("/landfall/landfall.js"), import("/options.js")]);
    return open({ ...options(location.search === "?plain"), tables: { incident: {} } });
  }],
  ["an option that is none", "bad_options", /tabels/, async () => {
    const [{ open }, { options }] = await Promise.all([import("/landfall/landfall.js"), import("/options.js")]);
    return open({ ...options(false), tabels: {} });
  }],
];

/** What a call was refused with. As text, since a function cannot travel and the page forbids `eval`. */
const attempt = (page, body) =>
  page.evaluate(`(async () => {
    const { LandfallError } = await import("/landfall/landfall.js");
    try {
      await (${body})();
      return { code: "nothing: it went through" };
    } catch (error) {
      return { code: error.code ?? String(error), message: error.message, isOurs: error instanceof LandfallError };
    }
  })()`);

const standsNow = (page) =>
  page.evaluate(async () => ({ audit: await landfall.audit(), outbox: await landfall.outbox.list(), rows: await landfall.table("incident").query("ORDERBYsys_id") }));

both("refused in the page, and nothing written", async (t, app) => {
  const { page } = app;
  await page.evaluate(async () => {
    await landfall.setMode("offline");
    const { sys_id: incident } = await landfall.table("incident").create({ short_description: "stands" });
    const { sys_id: entry } = await landfall.table("task_time_worked").create({ task: incident, time_worked: 5 });
    globalThis.held = { incident, entry };
  });
  const before = await standsNow(page);
  assert.equal(before.audit.records, 2);

  for (const [what, code, sentence, body] of REFUSED) {
    await t.test(what, async () => {
      const { code: got, message, isOurs } = await attempt(page, body);
      assert.equal(got, code, message);
      assert.match(message, sentence);
      assert.match(message, /^.{10,250}\.$/s, "a sentence, and a short one");
      assert.equal(isOurs, true, "a LandfallError");
      assert.deepEqual(await standsNow(page), before, "nothing was written");
    });
  }
});
