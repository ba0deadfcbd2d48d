// What became of temporary ids: this session's by event, earlier ones by the correlation field the instance keeps.
import { db } from "./device.js";
import { isTemporary } from "./text.js";

const landings = new Map();

export function watchLandings(tellOf) {
  db.on("reconciled", (event) => {
    landings.set(event.sys_id, event.temporary);
    tellOf(event);
  });
}

export const landedHere = (id) => landings.has(id);

export function formerId(row) {
  const carried = row.correlation_id ?? "";
  return landings.get(row.sys_id) ?? (isTemporary(carried) && carried !== row.sys_id ? carried : undefined);
}
