// Where the URL stands: #/incident, #/incident/<sys_id>, #/incident/new, #/incident/<sys_id>/edit, #/wm_order/<sys_id>/close, #/outbox, #/status, #/doctor.
import { tables } from "./tables.js";

// An address somebody mistyped is still an address.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  const [first, id, verb] = path.split("/").map(decoded);
  const given = Object.fromEntries(new URLSearchParams(search));
  if (["outbox", "status", "doctor"].includes(first)) return { page: first };
  if (!Object.hasOwn(tables, first)) return { page: "list", table: "incident" };
  if (!id) return { page: "list", table: first };
  if (id === "new") return { page: "form", table: first, given };
  if (actsOn(first).includes(verb)) return { page: "action", table: first, id, verb };
  return { page: verb === "edit" ? "form" : "record", table: first, id };
}

const actsOn = (table) => (tables[table].states ? ["reassign", ...(table === "wm_order" ? ["close", "split"] : [])] : []);

export const actionHref = (table, id, verb) => `${recordHref(table, id)}/${verb}`;
export const listHref = (table) => `#/${table}`;
export const recordHref = (table, id) => `#/${table}/${encodeURIComponent(id)}`;
export const editHref = (table, id) => `${recordHref(table, id)}/edit`;
export const newHref = (table, given = {}) => {
  const search = new URLSearchParams(Object.entries(given).filter(([, value]) => value));
  return `#/${table}/new${search.size ? `?${search}` : ""}`;
};

// Takes the place of the present entry, so that Back does not return to a form already saved.
export const goInstead = (href) => location.replace(href);

// The temporary id in the address becomes the permanent one, without a new page or history entry.
export function settleAddress(from, to) {
  if (from === to) return;
  history.replaceState(history.state, "", location.hash.replaceAll(encodeURIComponent(from), encodeURIComponent(to)));
}
