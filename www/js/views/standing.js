// Where the record stands with the instance, in sentences.
import { h } from "../dom.js";
import { icon } from "../icons.js";
import { formerId } from "../landed.js";
import { labelOf } from "../tables.js";
import { moment, shortId } from "../text.js";

const sentences = {
  changed: "Your edit is saved on this device and has not been sent yet.",
  deleted: "Deleted on this device. The instance will hear of it at the next sync.",
  sending: "On its way to the instance.",
  waiting: "Saved on this device.",
  refused: "The instance refused this. What you wrote is kept here.",
};

const labelsOf = (table, names) => names.map((name) => labelOf(table, name)).join(", ");

export function standing(table, row) {
  const { state, reason, isTemporary, changedAt, notKept } = row.$sync;
  const notes = [];
  if (isTemporary) {
    const made = moment(changedAt);
    notes.push(h("div", { class: "note is-local", "data-test": "local-note" },
      h("strong", { "data-test": "local-mark" }, "Local"),
      h("span", {}, `Made on this device${made && `, ${made}`}. It has not reached the instance yet.`)));
  }
  if (sentences[state]) {
    notes.push(h("div", { class: `note is-${state}`, "data-test": "sync-note" },
      state === "refused" && icon("refused"),
      h("span", {}, sentences[state], reason && ` ${reason}`),
      state === "refused" && h("a", { href: "#/outbox" }, "Outbox")));
  }
  if (notKept?.length) {
    notes.push(h("div", { class: "note", "data-test": "not-kept" }, h("span", {}, `The instance did not keep what you wrote in: ${labelsOf(table, notKept)}.`)));
  }
  const former = !isTemporary && formerId(row);
  if (former) {
    notes.push(h("div", { class: "note is-landed", "data-test": "landed-note" }, icon("landed"),
      h("span", {}, "Was ", h("code", { title: former }, shortId(former)), `, now ${row.number || shortId(row.sys_id)}.`)));
  }
  return notes;
}
