// What the instance carried out without saying clearly which record is which: the user says it, one record at a time.
import { freshId, h } from "../dom.js";
import { describeRow, nameOf } from "../names.js";
import { db } from "../device.js";
import { tables } from "../tables.js";
import { shortId } from "../text.js";

// Redrawn with every change of the outbox: a choice outlives that.
const chosen = new Map();

async function nameThere({ table, sys_id }) {
  const { label, table: held } = await nameOf(table, sys_id);
  return held ? `${label} (${shortId(sys_id)})` : sys_id;
}

/** `pair` is given the temporary id and the instance's. */
export async function pairingOf({ id, unpaired: { open, named } }, pair) {
  const there = await Promise.all(named.map(async (record) => [record.sys_id, await nameThere(record)]));
  return h("ul", { class: "pairing", "data-test": "pairing" }, await Promise.all(open.map(async ({ table, sys_id }) => {
    const row = await db.table(table).get(sys_id);
    const name = (row && describeRow(table, row).label) || shortId(sys_id);
    const key = `${id} ${sys_id}`;
    const field = freshId("pair");
    const keep = (event) => {
      chosen.set(key, event.target.value.trim());
      yes.disabled = !chosen.get(key);
    };
    const input = there.length
      ? h("select", { id: field, onchange: keep, "data-test": "pair-with" }, [["", "Choose the instance's record"], ...there].map(([value, text]) =>
        h("option", { value, selected: chosen.get(key) === value }, text)))
      : h("input", { id: field, type: "text", autocomplete: "off", spellcheck: "false", placeholder: "Its sys_id at the instance", value: chosen.get(key) ?? "", oninput: keep, "data-test": "pair-with" });
    const yes = h("button", {
      class: "button", type: "button", disabled: !chosen.get(key), "data-test": "pair", onclick: () => pair(sys_id, chosen.get(key)),
    }, "Pair");
    return h("li", { class: "field" },
      h("label", { for: field }, `The ${tables[table]?.one ?? table} “${name}”, made here, is`),
      h("div", { class: "pairing-line" }, input, yes));
  })));
}
