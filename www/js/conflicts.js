// What this device and somebody else have both changed: what of it the reader is asked, and what follows from the answer.
import { db, watchStatus } from "./device.js";
import { isClosed, priorityOf, tables } from "./tables.js";
import { same, toInstanceTime } from "./text.js";
import { gather } from "./timing.js";

// Of a task these are nobody's to pick: they follow from other fields, here as on the instance.
const derived = { priority: ["impact", "urgency"], active: ["state"], closed_at: ["state"] };

const isDerived = (table, name) => tables[table].states && Object.hasOwn(derived, name);

export const inQuestion = ({ $sync: { state, theirs } }) => (state === "conflict" ? theirs ?? {} : {});

/** The fields that the reader is asked about, in the order in which the app shows them. */
export function asked(table, row) {
  const there = Object.keys(inQuestion(row));
  const known = Object.keys(tables[table].fields).filter((name) => there.includes(name));
  return [...known, ...there.filter((name) => !known.includes(name))].filter((name) => !isDerived(table, name));
}

/** What is to stand in the derived fields, where one of them or what it follows from is in question. */
function following(table, row, chosen) {
  const theirs = inQuestion(row);
  const after = { ...row, ...chosen };
  const names = Object.keys(derived).filter((name) => isDerived(table, name) && [name, ...derived[name]].some((one) => one in theirs));
  const closed = isClosed(table, after.state);
  const isTheirState = !("state" in theirs) || same(after.state, theirs.state);
  const closedAt = (isTheirState && theirs.closed_at) || row.closed_at || toInstanceTime(new Date());
  const values = { priority: priorityOf(after.impact, after.urgency) ?? row.priority, active: !closed, closed_at: closed ? closedAt : null };
  return Object.fromEntries(names.map((name) => [name, values[name]]));
}

/** What the reader is shown of a conflict: a pick is good for nothing else. */
export const printOf = (table, row) => JSON.stringify(asked(table, row).map((name) => [name, row[name] ?? null, inQuestion(row)[name]]));

/**
 * Has `chosen` stand, a value for each field that is asked about. Answers whether it does: not where the record has become
 * another than the one shown.
 */
export async function settle(table, shown, chosen) {
  const row = await db.table(table).get(shown.sys_id);
  if (!row || printOf(table, row) !== printOf(table, shown)) return false;
  const theirs = inQuestion(row);
  const values = Object.entries({ ...chosen, ...following(table, row, chosen) }).map(([name, value]) => [name, value ?? null]);
  const beside = values.filter(([name, value]) => !(name in theirs) && !same(value, row[name]));
  // The conflict holds this back: should the page end before the next line, the reader is asked again.
  if (beside.length) await db.table(table).update(row.sys_id, Object.fromEntries(beside));
  await db.table(table).resolveConflict(row.sys_id, Object.fromEntries(values.filter(([name]) => name in theirs)));
  return true;
}

/** Settles what nobody need be asked about, and calls `tell` with how many changes more than before wait for the reader. */
export function watchConflicts(tell) {
  let known = new Set();
  const look = gather(async () => {
    const open = new Set();
    for (const { id, table, sys_id } of await db.outbox.list({ state: ["conflict"] })) {
      const row = tables[table] && (await db.table(table).get(sys_id));
      if (!row) continue;
      if (asked(table, row).length) open.add(id);
      // Another tab may be faster.
      else if (Object.keys(inQuestion(row)).length) await settle(table, row, {}).catch(() => {});
    }
    const news = [...open].filter((id) => !known.has(id)).length;
    known = open;
    if (news) tell(news);
  }, 100);
  watchStatus(({ conflicts }) => {
    if (conflicts) look();
    else known.clear();
  });
}
