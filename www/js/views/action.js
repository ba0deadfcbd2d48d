// What is done to a work order or a task in one go: closed with what follows from it, split, given to somebody else.
import { db, watchTables } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { localMark } from "../marks.js";
import { describeRow } from "../names.js";
import { reason } from "../reasons.js";
import { goInstead, listHref, recordHref, settleAddress } from "../route.js";
import { tables } from "../tables.js";
import { capital } from "../text.js";
import { toast } from "../toasts.js";
import { inputFor } from "./inputs.js";

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean).map((short_description) => ({ short_description }));

const verbs = {
  close: {
    action: "close_order", title: "Close this work order", button: "Close it", done: "Closed. Saved on this device.",
    fields: {
      close_notes: { label: "What was done", kind: "long", required: true },
      follow_ups: { label: "What follows: one work order a line", kind: "long" },
    },
    input: (order, { close_notes, follow_ups }) => ({ order, close_notes, follow_ups: lines(follow_ups) }),
  },
  split: {
    action: "split_order", title: "Split into tasks", button: "Split it", done: "Split. Saved on this device.",
    fields: { tasks: { label: "The tasks, one a line", kind: "long", required: true } },
    input: (order, { tasks }) => ({ order, tasks: lines(tasks) }),
  },
  reassign: {
    action: "reassign", title: "Reassign", button: "Reassign it", done: "Reassigned. Saved on this device.",
    fields: {
      assigned_to: { label: "To", kind: "reference", table: "sys_user", required: true },
      note: { label: "A note for them", kind: "long" },
    },
    input: (task, { assigned_to, note }) => ({ task, assigned_to, ...(note && { note }) }),
  },
};

/** The verbs that fit a record. */
export const verbsFor = (table, row) => [
  ...(table === "wm_order" && row.active !== false ? ["close", "split"] : []),
  ...(tables[table].states ? ["reassign"] : []),
];

export const verbButtons = { close: "Close", split: "Split", reassign: "Reassign" };

export function actionView(route) {
  const { table, verb } = route;
  const words = verbs[verb];
  const inputs = new Map();
  const about = h("p", { class: "quiet" });
  const body = h("div", { class: "form-body" });
  const problem = h("p", { class: "problem", role: "alert", "data-test": "form-problem" });
  const save = h("button", { class: "button is-primary", "data-test": "save" }, words.button);
  const back = () => (history.length > 1 ? history.back() : goInstead(listHref(tables[table].root)));
  const form = h("form", { class: "form", novalidate: true, "aria-label": words.title, "data-test": "form", onsubmit: submit },
    h("header", { class: "form-head" }, h("button", { class: "back", type: "button", onclick: back }, icon("back"), h("span", {}, "Back")), h("h1", {}, words.title)),
    body,
    h("div", { class: "form-actions" }, problem, save, h("button", { class: "button", type: "button", "data-test": "cancel", onclick: back }, "Cancel")));

  async function describe() {
    const id = await db.resolveId(route.id);
    settleAddress(route.id, id);
    route.id = id;
    const row = await db.table(table).get(id);
    save.disabled = !row;
    fill(about, row ? `${capital(tables[table].one)}: ${describeRow(table, row).label}` : `This ${tables[table].one} is not on this device.`);
  }

  async function submit(event) {
    event.preventDefault();
    const values = Object.fromEntries([...inputs].map(([name, input]) => [name, input.value()]));
    const missing = Object.entries(words.fields).find(([name, spec]) => spec.required && !values[name]);
    if (missing) {
      fill(problem, `“${missing[1].label}” needs an answer.`);
      inputs.get(missing[0]).focus?.();
      return;
    }
    save.disabled = true;
    try {
      await db.run(words.action, words.input(await db.resolveId(route.id), values));
      toast(words.done);
      goInstead(recordHref(table, await db.resolveId(route.id)));
    } catch (error) {
      fill(problem, `Not done. ${reason(error)}`);
      save.disabled = false;
    }
  }

  const nodes = Object.entries(words.fields).map(([name, spec]) => {
    const input = inputFor(name, spec, undefined, () => fill(problem), {});
    inputs.set(name, input);
    return input.node;
  });
  fill(body, about, h("p", { class: "form-local" }, localMark(), h("span", {}, "Done on this device at once; by the instance when it can be reached.")), nodes);
  const failed = (error) => fill(problem, reason(error));
  const stop = watchTables([table], () => describe().catch(failed));
  describe().catch(failed);
  return { node: form, title: words.title, close: stop };
}
