// The accounts at the end: what was saved against what the instance has, record by record and reference by reference.

import assert from "node:assert/strict";

/** What a record of each table is known by, what it points with, and what of it is edited. */
export const TABLES = {
  incident: { text: "short_description", reference: "parent", mention: "description", edited: "close_notes" },
  incident_task: { text: "short_description", reference: "incident", mention: "description", edited: "close_notes" },
  task_time_worked: { text: "comments", reference: "task" },
};

/** Everything that is not as it should be, by name; each list is empty when all is well. */
export async function accounts(app, day) {
  const rows = await rowsBySerial(app.instance);
  const first = (serial) => rows.get(serial)?.[0];
  const wrong = {
    lost: day.records.filter(({ id, serial }) => id && first(serial)?.correlation_id !== id),
    doubled: [...rows.values()].filter((same) => same.length > 1),
    orphans: [...rows].flatMap(([serial, same]) => same.filter((row) => isOrphan(row, day.records[serial], first))),
    halves: day.records.filter(({ serial, group }) => group !== undefined && Boolean(first(serial)) !== Boolean(first(group))),
    editsLost: [...day.edits].filter(([serial, number]) => editOf(first(serial)) < number),
    notes: await wrongNotes(app.instance, day.notes),
    device: await wrongOnDevice(app, day, first),
  };
  const { temporary, orphans } = await app.audit();
  wrong.orphans.push(...orphans);
  if (temporary) wrong.device.push(`${temporary} records are temporary still`);
  return { wrong, rows: rows.size, unheard: rows.size - day.saved };
}

/** Nothing is lost, doubled or orphaned; and what else has a name. */
export function assertInOrder({ wrong }) {
  for (const [what, list] of Object.entries(wrong)) assert.deepEqual(list, [], what);
}

/** One line for people. */
export function inWords({ wrong, rows, unheard }, day) {
  const { lost, doubled, orphans } = wrong;
  const heard = `${day.saved} records, ${day.edits.size} edited ones and ${day.notes.size} journal entries saved`;
  return `${heard}; on the instance ${rows} (${unheard} were saved as the page died); lost ${lost.length}, doubled ${doubled.length}, orphans ${orphans.length}`;
}

/** What the instance has, by the serial each record carries in its text. */
export async function rowsBySerial(instance) {
  const rows = new Map();
  for (const [table, { text }] of Object.entries(TABLES)) {
    for (const row of await instance.rows(table, "correlation_idSTARTSWITHtmp_")) {
      const serial = Number(/^r(\d+)$/.exec(row[text])[1]);
      rows.set(serial, [...(rows.get(serial) ?? []), row]);
    }
  }
  return rows;
}

/** It points elsewhere than to its parent, by its reference or in its text; or to nobody though it has one. */
function isOrphan(row, { table, parent }, first) {
  const { reference, mention } = TABLES[table];
  const [to, text] = parent === undefined ? ["", ""] : [first(parent)?.sys_id, `see ${first(parent)?.sys_id}`];
  return row[reference] !== to || (mention !== undefined && row[mention] !== text);
}

function editOf(row) {
  return Number(/^edit (\d+)$/.exec(row?.close_notes ?? "")?.[1] ?? -1);
}

/** Entries that are not there, or more than once. */
async function wrongNotes(instance, heard) {
  const times = new Map([...heard].map((number) => [`note ${number}`, 0]));
  const entries = await instance.rows("sys_journal_field");
  for (const { value } of entries) times.set(value, (times.get(value) ?? 0) + 1);
  return [...times].filter(([, often]) => often !== 1);
}

/** Records whose old id leads the device elsewhere, or that it has otherwise. Not all must be there: the cache has a limit. */
function wrongOnDevice({ page }, day, first) {
  const expected = day.records.filter(({ id, forgotten }) => id && !forgotten).map(({ serial, table, id }) => [table, id, first(serial)?.sys_id]);
  return page.evaluate(async (all) => {
    const wrong = [];
    for (const [table, id, sysId] of all) {
      const [resolved, row] = await Promise.all([landfall.resolveId(id), landfall.table(table).get(id)]);
      const state = row ? row.$sync.state : "synced";
      if (resolved !== sysId || state !== "synced") wrong.push(`${table} ${id} is ${resolved}, ${state}, and ${sysId} there`);
    }
    return wrong;
  }, expected);
}
