// The marks a record wears. Yellow means one thing: made here, not yet on the instance.
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { landedHere } from "./landed.js";
import { priorities, stateIcon, stateName } from "./tables.js";

const syncWords = {
  changed: "Edited here",
  deleted: "Deleted here",
  sending: "Sending",
  waiting: "Waiting",
  refused: "Refused",
  conflict: "Conflict",
};

export const localMark = () => h("span", { class: "local-mark", "data-test": "local-mark" }, "Local");

export const marksOf = (row) => [row.$sync.isTemporary && localMark(), syncMarks(row)];

export function syncMarks(row) {
  const marks = [];
  const { state, isTemporary } = row.$sync;
  if (syncWords[state]) {
    marks.push(h("span", { class: `sync-mark is-${state}`, "data-test": "sync-mark", "data-state": state }, syncWords[state]));
  }
  if (!isTemporary && landedHere(row.sys_id)) {
    marks.push(h("span", { class: "landed-mark", "data-test": "landed-mark" }, icon("landed"), "Landed"));
  }
  return marks;
}

export const stateChip = (table, state) =>
  h("span", { class: "state-chip", "data-state": state ?? "" }, icon(stateIcon(table, state)), stateName(table, state));

export function priorityBox(priority) {
  const name = priorities[priority];
  return h("span", { class: `priority p${name ? priority : 0}`, title: name ? `Priority ${priority}, ${name}` : "No priority yet" },
    h("span", { class: "quiet-word" }, name ? "Priority " : "No priority"),
    name ? `P${priority}` : h("span", { "aria-hidden": "true" }, "–"));
}

export const signOf = (code) => h("span", { class: "sign" }, code);

export const placeOf = (place) => [place.code && signOf(place.code), place.label && place.label !== place.code && h("span", { class: "place-name" }, place.label)];
