import { h } from "../dom.js";
import { signOf, stateChip } from "../marks.js";
import { nameOf } from "../names.js";
import { recordHref } from "../route.js";
import { tables } from "../tables.js";
import { day, minutes, moment } from "../text.js";

function referenceValue(name, isLink) {
  const main = name.number ? [h("span", { class: "record-number" }, name.number), " ", name.label] : [name.code && signOf(name.code), name.code && " ", name.label];
  return [
    h("span", { class: "fact-main" }, isLink && tables[name.table] ? h("a", { href: recordHref(name.table, name.id) }, main) : main),
    name.sub && h("span", { class: "fact-sub" }, name.sub),
  ];
}

const shown = { time: moment, date: day, minutes };
const plainValue = (spec, value) => shown[spec.kind]?.(value) ?? spec.choices?.[value] ?? String(value);

/** How a field's value reads where it cannot be a link, and what it was read from, to know when that changes. */
export async function valueOf(table, name, value) {
  const spec = tables[table].fields[name] ?? {};
  const referenced = spec.table && (await nameOf(spec.table, value));
  const empty = value === undefined || value === null || value === "";
  return {
    print: [value, referenced],
    node: empty ? h("span", { class: "quiet" }, "Empty") : referenced ? referenceValue(referenced, false) : name === "state" ? stateChip(table, value) : plainValue(spec, value),
  };
}

// The record's facts that have a value, and a print of what they say, to know when they change.
export async function facts(table, row) {
  const { fields, facts: names } = tables[table];
  const present = names.filter((name) => row[name]);
  const read = await Promise.all(present.map((name) => fields[name].table && nameOf(fields[name].table, row[name])));
  const list = h("dl", { class: "facts" }, present.map((name, at) =>
    h("div", { class: "fact" }, h("dt", {}, fields[name].label),
      h("dd", { "data-field": name }, read[at] ? referenceValue(read[at], true) : plainValue(fields[name], row[name])))));
  const journal = [row.work_notes, table !== "task_time_worked" && row.comments].filter(Boolean);
  return {
    print: JSON.stringify(read),
    node: [
      row.description && row.description !== row.short_description && h("p", { class: "description" }, row.description),
      present.length > 0 && list,
      journal.length > 0 && h("section", { class: "journal" }, h("h2", {}, "Notes"), journal.map((text) => h("p", {}, text))),
    ],
  };
}
