// Creating and editing. What is typed is kept as a draft until it is saved or thrown away.
import { db } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { localMark, priorityBox } from "../marks.js";
import { reason } from "../reasons.js";
import { goInstead, listHref, recordHref, settleAddress } from "../route.js";
import { editsOf, ownerHref, saveEdits, saveNew, startingValues } from "../saving.js";
import { priorityOf, tables } from "../tables.js";
import { toast } from "../toasts.js";
import { inputFor } from "./inputs.js";

export function formView(route) {
  const { table } = route;
  const words = tables[table];
  const title = route.id ? `Edit ${words.one}` : words.one === "time entry" ? "Log time" : `New ${words.one}`;
  const body = h("div", { class: "form-body" });
  const problem = h("p", { class: "problem", role: "alert", "data-test": "form-problem" });
  const priority = h("output", { class: "priority-out", "aria-live": "polite" });
  const save = h("button", { class: "button is-primary", "data-test": "save" }, "Save");
  const form = h("form", { class: "form", novalidate: true, "aria-label": title, "data-test": "form", onsubmit: submit },
    h("header", { class: "form-head" }, h("button", { class: "back", type: "button", onclick: leave }, icon("back"), h("span", {}, "Back")), h("h1", {}, title)),
    body,
    h("div", { class: "form-actions" }, problem, save, h("button", { class: "button", type: "button", "data-test": "cancel", onclick: () => { dropDraft(); leave(); } }, "Cancel")));

  const inputs = new Map();
  let address = location.hash;
  let start = {};
  let saving = false;

  const draftKey = () => `landfall-draft:${address}`;
  const dropDraft = () => localStorage.removeItem(draftKey());
  const current = () => Object.fromEntries([...inputs].map(([name, input]) => [name, input.value()]));

  function changed() {
    if (saving || inputs.size < words.form.length) return;
    const now = current();
    fill(problem);
    drawPriority(now);
    const edits = editsOf(now, start);
    if (Object.keys(edits).length) localStorage.setItem(draftKey(), JSON.stringify(edits));
    else dropDraft();
  }

  const drawPriority = (now) => words.states && fill(priority, priorityBox(priorityOf(now.impact, now.urgency)), "Priority, from impact and urgency");

  async function build() {
    if (route.id) {
      const id = await db.resolveId(route.id);
      settleAddress(route.id, id);
      address = location.hash;
      start = await db.table(table).get(id);
      if (!start) {
        fill(body, h("p", {}, `This ${words.one} is not on this device, so it cannot be edited here.`));
        save.hidden = true;
        return;
      }
    } else {
      start = await startingValues(table, route.given);
    }
    const draft = JSON.parse(localStorage.getItem(draftKey()) ?? "null");
    const values = { ...start, ...draft };
    const context = {
      cmdb_ci: { near: () => (inputs.get("location")?.value() ? `location=${inputs.get("location").value()}` : "") },
    };
    const nodes = [];
    for (const name of words.form) {
      const spec = { ...words.fields[name] };
      if (name === "state") Object.assign(spec, { choices: words.states, required: true });
      if (name === "state" && !route.id) {
        inputs.set(name, { value: () => start.state });
        continue;
      }
      const input = inputFor(name, spec, values[name], changed, context[name] ?? {});
      inputs.set(name, input);
      nodes.push(input.node, name === "urgency" && priority);
    }
    fill(body, !route.id && h("p", { class: "form-local" }, localMark(), h("span", {}, "Saved on this device at once; sent when the instance can be reached.")),
      draft && h("p", { class: "note", "data-test": "draft-note" }, h("span", {}, "What you typed before is still here."),
        h("button", { class: "text-button", type: "button", onclick: startOver }, "Start over")),
      nodes);
    drawPriority(values);
    if (!draft && !route.id) inputs.get(words.form[0]).focus?.();
  }

  function startOver() {
    dropDraft();
    inputs.clear();
    build();
  }

  function leave() {
    if (history.length > 1) history.back();
    else goInstead(listHref(words.root));
  }

  function firstProblem(now) {
    for (const [name, input] of inputs) {
      const spec = words.fields[name];
      if (spec.required && !now[name]) return [`“${spec.label}” needs an answer.`, input];
      if (spec.kind === "minutes" && !(Number.isInteger(Number(now[name])) && Number(now[name]) > 0)) return ["Minutes must be a whole number, 1 or more.", input];
    }
    return undefined;
  }

  async function submit(event) {
    event.preventDefault();
    if (saving) return;
    const now = current();
    const wrong = firstProblem(now);
    if (wrong) {
      fill(problem, wrong[0]);
      wrong[1].focus?.();
      return;
    }
    saving = true;
    save.disabled = true;
    try {
      const row = await (route.id ? saveEdits(table, now, start) : saveNew(table, { ...start, ...now }));
      dropDraft();
      navigator.storage?.persist?.().catch(() => {});
      if (row !== start) toast("Saved on this device.");
      const owner = route.id ? undefined : await ownerHref(table, row);
      goInstead(owner ?? recordHref(table, row.sys_id));
    } catch (error) {
      fill(problem, `Not saved. ${reason(error)}`);
      saving = false;
      save.disabled = false;
    }
  }

  build().catch((error) => fill(problem, `This form could not be opened. ${reason(error)}`));
  return { node: form, title };
}
