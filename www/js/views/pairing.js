// What the instance carried out without saying clearly which record is which: the user says it, one record at a time.
import { options } from "../../options.js";
import { fill, freshId, h } from "../dom.js";
import { describeRow, nameOf } from "../names.js";
import { db, plain } from "../device.js";
import { tables, taskTables } from "../tables.js";
import { shortId } from "../text.js";

// Redrawn with every change of the outbox: a choice outlives that.
const chosen = new Map();

const asked = new Map();

// What was never read to this device has no name here.
function askInstance({ table, sys_id }) {
  const key = `${table} ${sys_id}`;
  if (!asked.has(key)) {
    const answer = fetch(`${options(plain).instance.url}/table/${table}/${sys_id}?sysparm_exclude_reference_link=true`, { headers: { Accept: "application/json" } });
    asked.set(key, answer.then(async (came) => (came.ok ? (await came.json()).result : undefined)));
    asked.get(key).catch(() => asked.delete(key));
  }
  return asked.get(key);
}

const words = ({ label, number }, id) => [label || number || id, label && label !== number ? number ?? shortId(id) : undefined].filter(Boolean).join(", ");

/** The outbox is not held up by the line: until the instance has said more, its record goes by its id. */
async function optionFor({ table, sys_id }, isChosen) {
  // A step may name what the app has no table for.
  const held = await nameOf(table, sys_id).catch(() => ({}));
  const option = h("option", { value: sys_id, selected: isChosen }, held.table ? words(held, sys_id) : sys_id);
  if (!held.table) askInstance({ table, sys_id }).then((row) => row && fill(option, words(describeRow(table, row), sys_id)), () => {});
  return option;
}

// A step may name a record by its own table or by the one that it extends.
const akin = (one, other) => one === other || [[one, other], [other, one]].some(([parent, child]) => parent === "task" && taskTables.includes(child));

/** Those of a table that can be meant; all of them where none is of such a table, since nobody knows better then. */
function meant(table, named) {
  const fit = named.filter((record) => akin(record.table, table));
  return fit.length ? fit : named;
}

/** `pair` is given the temporary id and the instance's. */
export async function pairingOf({ id, unpaired: { open, named } }, pair) {
  return h("ul", { class: "pairing", "data-test": "pairing" }, await Promise.all(open.map(async ({ table, sys_id }) => {
    const row = await db.table(table).get(sys_id);
    const name = (row && describeRow(table, row).label) || shortId(sys_id);
    const key = `${id} ${sys_id}`;
    const there = await Promise.all(meant(table, named).map((record) => optionFor(record, chosen.get(key) === record.sys_id)));
    const field = freshId("pair");
    const keep = (event) => {
      chosen.set(key, event.target.value.trim());
      yes.disabled = !chosen.get(key);
    };
    const input = there.length
      ? h("select", { id: field, onchange: keep, "data-test": "pair-with", "data-focus": key }, h("option", { value: "" }, "Choose its record there"), there)
      : h("input", { id: field, type: "text", autocomplete: "off", spellcheck: "false", placeholder: "Its sys_id at the instance", value: chosen.get(key) ?? "", oninput: keep, "data-test": "pair-with", "data-focus": key });
    const yes = h("button", {
      class: "button", type: "button", disabled: !chosen.get(key), "aria-label": `Pair “${name}”`, "data-test": "pair", onclick: () => pair(sys_id, chosen.get(key)),
    }, "Pair");
    return h("li", { class: "field" },
      h("label", { for: field }, `Your ${tables[table]?.one ?? table} “${name}” is`),
      h("div", { class: "pairing-line" }, input, yes));
  })));
}
