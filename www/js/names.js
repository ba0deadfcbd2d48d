// How a referenced record reads: a label and a quieter second line. Kept in memory until its table changes.
import { db } from "./device.js";
import { airport, isTemporary, minutes, shortId } from "./text.js";
import { taskTables } from "./tables.js";

const known = new Map();

const describe = {
  cmn_location(row) {
    const { code, name } = airport(row.name ?? "");
    return { code, label: name || code, sub: [row.city, row.state, row.country].filter(Boolean).join(", ") };
  },
  cmdb_ci: (row) => ({ label: row.name, sub: [row.model, row.asset_tag, row.serial_number].filter(Boolean).join(" · ") }),
  sys_user: (row) => ({ label: row.name || row.user_name, sub: [row.title, row.mobile_phone || row.phone].filter(Boolean).join(" · ") }),
  task_time_worked: (row) => ({ label: minutes(row.time_worked), sub: row.comments }),
};

const describeTask = (row) => ({ label: row.short_description || row.number, number: row.number });

export const describeRow = (table, row) => (describe[table] ?? describeTask)(row);

export function watchNames() {
  db.on("change", ({ table }) => known.delete(table));
  db.on("reconciled", ({ table }) => known.delete(table));
  db.on("evicted", () => known.clear());
}

async function read(table, id) {
  const tables = table === "task" ? taskTables : [table];
  for (const one of tables) {
    const row = await db.table(one).get(id);
    if (row) return { ...describeRow(one, row), table: one, id: row.sys_id };
  }
  return { label: isTemporary(id) ? shortId(id) : "Not on this device", table: undefined, id };
}

export async function nameOf(table, id) {
  if (!id) return undefined;
  const home = table === "task" ? taskTables : [table];
  for (const one of home) {
    const found = known.get(one)?.get(id);
    if (found) return found;
  }
  const answer = await read(table, id);
  const keep = answer.table;
  if (keep) {
    if (!known.has(keep)) known.set(keep, new Map());
    known.get(keep).set(id, answer);
  }
  return answer;
}
