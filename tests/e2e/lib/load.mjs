// Many records at once, made in the page, and the proof that each of them is on the instance exactly once.
import assert from "node:assert/strict";

/**
 * Incidents and their children, half tasks and half time entries, each of which names its incident's number in its
 * text. Numbers go on after `made`, the temporary ids of earlier incidents. Gives the ids of these, and how long it took.
 */
export function createLoad(page, { incidents, children }, made = []) {
  return page.evaluate(async ([many, more, from]) => {
    const started = performance.now();
    const numbers = (count) => Array.from({ length: count }, (_, at) => at);
    const rows = await landfall.table("incident").createMany(numbers(many).map((at) => ({ short_description: `incident ${from + at}`, impact: 2, urgency: 3 })));
    const ids = rows.map((row) => row.sys_id);
    const half = Math.floor(more / 2);
    await landfall.table("incident_task").createMany(numbers(half).map((at) => ({ incident: ids[at % many], short_description: `of ${from + (at % many)}, task ${at}` })));
    await landfall.table("task_time_worked").createMany(numbers(more - half).map((at) => ({ task: ids[at % many], time_worked: 1 + (at % 60), comments: `of ${from + (at % many)}, entry ${at}` })));
    return { ids, tookMs: performance.now() - started };
  }, [incidents, children, made.length]);
}

/** None lost, none doubled, and every child still belongs to whom it belonged to. */
export async function assertLanded(instance, { incidents, children }, ids) {
  const made = await instance.rows("incident", "correlation_idSTARTSWITHtmp_");
  assertOnce("incident", made, incidents);
  const bySysId = new Map(made.map((row) => [row.sys_id, row]));
  for (const row of made) assert.equal(ids[Number(row.short_description.split(" ")[1])], row.correlation_id);

  const half = Math.floor(children / 2);
  for (const [table, field, text, count] of [["incident_task", "incident", "short_description", half], ["task_time_worked", "task", "comments", children - half]]) {
    const rows = await instance.rows(table, "correlation_idSTARTSWITHtmp_");
    assertOnce(table, rows, count);
    for (const row of rows) {
      const [, owner] = /^of (\d+), /.exec(row[text]);
      assert.equal(bySysId.get(row[field])?.correlation_id, ids[Number(owner)], `${table} ${row.sys_id} belongs to incident ${owner}`);
    }
  }
}

function assertOnce(table, rows, count) {
  const times = new Map();
  for (const row of rows) times.set(row.correlation_id, (times.get(row.correlation_id) ?? 0) + 1);
  assert.deepEqual([...times].filter(([, often]) => often !== 1), [], `${table}: records that are there more than once`);
  assert.equal(rows.length, count, `${table}: how many there are`);
}
