// From a form's values to one create or update.
import { db, me } from "./device.js";
import { nameOf } from "./names.js";
import { recordHref } from "./route.js";
import { closing, priorityOf, tables } from "./tables.js";
import { isTemporary, same, toInstanceTime } from "./text.js";

const integers = new Set(["state", "priority", "impact", "urgency", "time_worked"]);

const today = () => {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
};

export async function startingValues(table, given) {
  const mine = (await me())?.sys_id;
  if (table === "task_time_worked") return { work_date: today(), user: mine, ...given };
  return { impact: 3, urgency: 3, state: 1, ...(table === "incident" && { caller_id: mine }), ...given };
}

export const editsOf = (values, start) => Object.fromEntries(Object.entries(values).filter(([name, value]) => !same(value, start[name])));

// An id picked or handed over while temporary may have landed since.
async function asStored(name, value) {
  if (value === undefined || value === null || value === "") return null;
  if (integers.has(name)) return Number(value);
  return typeof value === "string" && isTemporary(value) ? db.resolveId(value) : value;
}

async function stored(values) {
  const entries = await Promise.all(Object.entries(values).map(async ([name, value]) => [name, await asStored(name, value)]));
  return Object.fromEntries(entries);
}

export async function saveNew(table, values) {
  const extra = tables[table].states && { active: true, opened_at: toInstanceTime(new Date()), priority: priorityOf(values.impact, values.urgency) };
  const fields = Object.entries(await stored({ ...values, ...extra })).filter(([, value]) => value !== null);
  if (table === "task_time_worked") return logTime(Object.fromEntries(fields));
  return db.table(table).create(Object.fromEntries(fields));
}

async function logTime({ task, time_worked: minutes, work_date, comments }) {
  const { records: [{ sys_id }] } = await db.run("log_time", { task, minutes, work_date, comments });
  return db.table("task_time_worked").get(await db.resolveId(sys_id));
}

// One that was refused was never made there: it is taken back, and logged anew as it is now. Taken back first: a second
// press finds nothing to take back, and logs nothing.
async function logAnew(values, start) {
  const refused = await db.outbox.list({ state: ["refused"] });
  const item = refused.find(({ action, records }) => action === "log_time" && records.some(({ sys_id }) => sys_id === start.sys_id));
  if (!item) return undefined;
  const anew = await stored({ ...start, ...values });
  await db.outbox.discard(item.id);
  return logTime(anew);
}

export async function saveEdits(table, values, start) {
  const edits = editsOf(values, start);
  if ("impact" in edits || "urgency" in edits) edits.priority = priorityOf(values.impact, values.urgency);
  if ("state" in edits) Object.assign(edits, closing(table, edits.state, start.active));
  if (!Object.keys(edits).length) return start;
  const anew = table === "task_time_worked" && start.$sync.state === "refused" && (await logAnew(values, start));
  if (anew) return anew;
  return db.table(table).update(await db.resolveId(start.sys_id), await stored(edits));
}

// The record this one belongs to, if it is on the device.
export async function ownerHref(table, row) {
  const { owner, fields } = tables[table];
  if (!owner || !row[owner]) return undefined;
  const found = await nameOf(fields[owner].table, await db.resolveId(row[owner]));
  return found.table && recordHref(found.table, found.id);
}
