// The script that docs/servicenow.md gives to paste, as it stands there, run over a stand-in of ServiceNow's classes.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Glide } from "./lib/glide.mjs";

const page = await readFile(new URL("../../docs/servicenow.md", import.meta.url), "utf8");
const [script, ...others] = [...page.matchAll(/^```js\n(\(function process\(.*?)^```$/gms)].map(([, text]) => text);
assert.ok(script && others.length === 0, "docs/servicenow.md has one script of a resource");

const KEY = "0123456789abcdef0123456789abcdef";
const TEMPORARY = `tmp_${"a".repeat(32)}`;
const TABLES = ["incident", "incident_task", "u_landfall_key"];
const ACTED_AT = "2026-01-01T08:00:00Z";

/** An instance with an incident of nobody's. `columns` are changed as a careless administrator may have made them. */
function anInstance({ throwsForTaken, columns = {} } = {}) {
  const glide = new Glide({
    incident: { number: {}, assigned_to: {}, work_notes: { journal: true }, ...columns.incident },
    incident_task: { incident: {}, short_description: {}, correlation_id: { longest: 100 }, ...columns.incident_task },
    u_landfall_key: { u_key: { longest: 150, unique: true }, u_state: { longest: 10 }, u_answer: {}, ...columns.u_landfall_key },
  }, { throwsForTaken });
  return { glide, incident: glide.has("incident", { number: "INC1", assigned_to: "" }) };
}

const asked = ({ incident }, { key = KEY, records = [{ table: "incident_task", temp_sys_id: TEMPORARY }], ...input } = {}) => ({
  name: "take_over",
  body: { input: { incident, what: "Order a motor", ...input }, acted_at: ACTED_AT, records },
  headers: key ? { "Idempotency-Key": key } : {},
});

const all = ({ glide }) => TABLES.map((table) => glide.rows(table));

/** It was carried out, once, and the answer names the task for the device's own. */
function isDoneOnce({ glide, incident }, answer) {
  const [task, ...more] = glide.rows("incident_task");
  assert.deepEqual([more, task.incident, task.short_description, task.correlation_id], [[], incident, "Order a motor", TEMPORARY]);
  const [{ assigned_to, work_notes }] = glide.rows("incident");
  assert.deepEqual([assigned_to, work_notes], ["u1", [`Taken over at ${ACTED_AT}`]]);
  assert.deepEqual([answer.status, answer.type], [200, "application/json"]);
  assert.deepEqual(answer.body.records_for_sync, [{ table: "incident_task", sys_id: task.sys_id, temp_sys_id: TEMPORARY }]);
}

/** Nothing of what it asked for is there, and its key is free. */
function isUndone(there, answer, status, message) {
  assert.deepEqual([answer.status, answer.body.status], [status, "failure"]);
  assert.match(answer.body.error.message, message);
  assert.deepEqual(all(there), [[{ ...there.glide.rows("incident")[0], assigned_to: "" }], [], []]);
  assert.equal(there.glide.rows("incident")[0].work_notes, undefined);
}

test("the script keeps to what every release of ServiceNow runs", () => {
  assert.doesNotMatch(script.replace(/\/\/.*$/gm, ""), /=>|`|\b(?:let|const|class)\s|\.\.\./);
});

// Which of the two it is no document says.
for (const throwsForTaken of [false, true]) {
  const taken = throwsForTaken ? "throws" : "gives null";

  test(`a request that is repeated is carried out once, and answered the same (a taken key ${taken})`, () => {
    const there = anInstance({ throwsForTaken });
    const first = there.glide.run(script, asked(there));
    isDoneOnce(there, first);
    assert.deepEqual(first.body.result, { number: "INC1" });
    const before = all(there);
    there.glide.now += 86_400_000;
    assert.deepEqual(there.glide.run(script, asked(there)), first);
    assert.deepEqual(all(there), before);
  });

  test(`what comes while the first is under way is to come again (a taken key ${taken})`, () => {
    const there = anInstance({ throwsForTaken });
    let second;
    const stop = there.glide.before("update", "incident", () => void (second = there.glide.run(script, asked(there))));
    const first = there.glide.run(script, asked(there));
    stop();
    assert.deepEqual([second.status, second.headers], [409, { "Retry-After": "10" }]);
    isDoneOnce(there, first);
    assert.deepEqual(there.glide.run(script, asked(there)), first);
  });

  test(`where the node dies half-way, a later try goes on from there (a taken key ${taken})`, () => {
    const there = anInstance({ throwsForTaken });
    const stop = there.glide.before("update", "incident", () => there.glide.die());
    assert.equal(there.glide.run(script, asked(there)), undefined);
    stop();
    assert.equal(there.glide.rows("incident_task").length, 1);
    // As long as it may still be running somewhere.
    there.glide.now += 599_000;
    assert.equal(there.glide.run(script, asked(there)).status, 409);
    there.glide.now += 2_000;
    isDoneOnce(there, there.glide.run(script, asked(there)));
  });
}

test("another key, and another user's, is another run", () => {
  const there = anInstance();
  there.glide.run(script, asked(there, { records: [] }));
  const other = there.glide.run(script, asked(there, { key: "another", records: [] }));
  const theirs = there.glide.run(script, asked(there, { records: [] }), { id: "u2", name: "ann" });
  assert.deepEqual([other.status, theirs.status, there.glide.rows("incident_task").length], [200, 200, 3]);
});

test("what an action refuses has not been begun, and may be asked for again under its key", () => {
  const there = anInstance();
  isUndone(there, there.glide.run(script, asked(there, { incident: "none" })), 403, /no such incident/);
  isUndone(there, there.glide.run(script, asked(there, { what: "" })), 403, /what is to be done/);
  const who = there.glide.column("incident", "assigned_to");
  who.readOnly = true;
  isUndone(there, there.glide.run(script, asked(there)), 403, /may not take over/);
  who.readOnly = false;
  const mark = there.glide.column("incident_task", "correlation_id");
  mark.readOnly = true;
  isUndone(there, there.glide.run(script, asked(there)), 403, /keeps no correlation_id/);
  mark.readOnly = false;
  there.glide.before("insert", "incident_task", ({ short_description }) => short_description === "Paint it" && "No painting here.");
  isUndone(there, there.glide.run(script, asked(there, { what: "Paint it" })), 403, /No painting here/);
  isDoneOnce(there, there.glide.run(script, asked(there)));
});

test("what only the last write shows leaves its records, and the next try takes them up", () => {
  const there = anInstance();
  const stop = there.glide.before("update", "incident", () => "Frozen for the audit.");
  const answer = there.glide.run(script, asked(there));
  assert.deepEqual([answer.status, answer.body.error.message], [403, "Frozen for the audit."]);
  assert.deepEqual([there.glide.rows("incident_task").length, there.glide.rows("u_landfall_key").length], [1, 0]);
  stop();
  isDoneOnce(there, there.glide.run(script, asked(there)));
});

for (const [how, longest] of [["cut", 40], ["emptied", 0]]) {
  test(`an answer that was ${how} is no failure: its records are found by their marks`, () => {
    const there = anInstance({ columns: { u_landfall_key: { u_answer: { longest } } } });
    const first = there.glide.run(script, asked(there));
    isDoneOnce(there, first);
    const before = all(there);
    const again = there.glide.run(script, asked(there));
    isDoneOnce(there, again);
    assert.deepEqual(again.body, { ...first.body, result: null });
    assert.deepEqual(all(there), before);
    // By its permanent id goes what the device has met since; what nobody made is not named.
    const [{ sys_id }] = there.glide.rows("incident_task");
    const records = [sys_id, `tmp_${"b".repeat(32)}`].map((temp_sys_id) => ({ table: "incident_task", temp_sys_id }));
    const met = there.glide.run(script, asked(there, { records }));
    assert.deepEqual([met.status, met.body.records_for_sync], [200, [{ table: "incident_task", sys_id, temp_sys_id: sys_id }]]);
  });
}

test("what was carried out is answered so, also where its answer cannot be kept", () => {
  const there = anInstance();
  const stop = there.glide.before("update", "u_landfall_key", () => {
    throw new Error("The row is too large.");
  });
  isDoneOnce(there, there.glide.run(script, asked(there)));
  assert.equal(there.glide.run(script, asked(there)).status, 409);
  stop();
  there.glide.now += 601_000;
  isDoneOnce(there, there.glide.run(script, asked(there)));
});

test("a long answer is kept whole", () => {
  const there = anInstance();
  const records = Array.from({ length: 500 }, (_, at) => ({ table: "incident_task", temp_sys_id: `tmp_${String(at).padStart(32, "0")}` }));
  const many = script.replace("step.create('incident_task', {", "for (var i = 0; i < 500; i += 1) step.create('incident_task', {");
  assert.notEqual(many, script);
  const first = there.glide.run(many, asked(there, { records }));
  assert.ok(first.text.length > 50_000);
  assert.equal(there.glide.rows("incident_task").length, 500);
  assert.deepEqual(first.body.records_for_sync.map(({ temp_sys_id }) => temp_sys_id), records.map(({ temp_sys_id }) => temp_sys_id));
  assert.deepEqual(there.glide.run(many, asked(there, { records })), first);
});

test("a record that the device has met since is not made again", () => {
  const there = anInstance();
  const stop = there.glide.before("update", "incident", () => "Frozen for the audit.");
  there.glide.run(script, asked(there));
  stop();
  const [{ sys_id }] = there.glide.rows("incident_task");
  const answer = there.glide.run(script, asked(there, { records: [{ table: "incident_task", temp_sys_id: sys_id }] }));
  assert.deepEqual([answer.status, answer.body.records_for_sync[0].sys_id, there.glide.rows("incident_task").length], [200, sys_id, 1]);
});

test("what is no request of Landfall, or asks for what there is not, is told so", () => {
  const there = anInstance();
  isUndone(there, there.glide.run(script, asked(there, { key: "" })), 400, /has no key/);
  isUndone(there, there.glide.run(script, asked(there, { key: "k".repeat(151) })), 400, /too long/);
  isUndone(there, there.glide.run(script, { ...asked(there), name: "toString" }), 404, /no action toString/);
  isUndone(there, there.glide.run(script, { ...asked(there), name: "none" }), 404, /no action none/);
  isUndone(there, there.glide.run(script, { name: "take_over" }), 400, /has no key/);
  // An online step of the app's own brings it in the body.
  const { body } = asked(there, { key: "" });
  isDoneOnce(there, there.glide.run(script, { name: "take_over", body: { ...body, key: KEY } }));
});
