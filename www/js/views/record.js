// One record: what it is, where it stands with the instance, what belongs to it.
import { db, watchTables } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { priorityBox, stateChip, syncMarks } from "../marks.js";
import { describeRow } from "../names.js";
import { pressEnds } from "../press.js";
import { reason } from "../reasons.js";
import { actionHref, editHref, goInstead, listHref } from "../route.js";
import { ownerHref } from "../saving.js";
import { closing, tables } from "../tables.js";
import { capital, isTemporary } from "../text.js";
import { toast } from "../toasts.js";
import { verbButtons, verbsFor } from "./action.js";
import { childSection } from "./children.js";
import { conflictPanel } from "./conflict.js";
import { confirm } from "./confirm.js";
import { facts } from "./facts.js";
import { composer } from "./composer.js";
import { standing } from "./standing.js";

// New content, with the focus where it was; on the title, where that is gone.
function refill(slot, content) {
  const held = slot.contains(document.activeElement) && document.activeElement.dataset.test;
  fill(slot, content);
  if (held) (slot.querySelector(`[data-test="${held}"]`) ?? slot.querySelector("h1"))?.focus();
}

export function recordView(route, settle) {
  const { table } = route;
  const words = tables[table];
  let { id } = route;
  let row;
  let print;
  let closed = false;
  let children = [];
  const conflict = conflictPanel(table);

  const headSlot = h("div", { class: "record-head" });
  const factSlot = h("div", { class: "record-facts" });
  const childSlot = h("div", { class: "record-children" });
  const parts = [
    headSlot, factSlot, childSlot,
    words.states && composer(table, () => row.sys_id),
    h("footer", { class: "record-foot" },
      h("button", { class: "button is-danger", type: "button", "data-test": "delete-record", onclick: remove }, icon("bin"), `Delete this ${words.one}`)),
  ];
  const body = h("div", { class: "record-body" }, h("p", { class: "quiet" }, "Reading…"));
  const back = h("a", { class: "back", href: listHref(words.root), "data-test": "back" }, icon("back"), h("span", {}, capital(tables[words.root].many)));
  const node = h("article", { class: "record", "aria-label": words.one, "data-test": "record", "data-table": table }, back, body);

  async function refresh() {
    try {
      const now = await db.resolveId(id);
      const next = await db.table(table).get(now);
      if (closed) return;
      if (now !== id) settle(id, now);
      id = now;
      node.dataset.sysId = id;
      await draw(next);
    } catch (error) {
      if (!closed) fill(body, h("p", { role: "alert" }, `This ${words.one} could not be read. ${reason(error)}`));
    }
  }

  async function draw(next) {
    if (!next) {
      row = undefined;
      print = undefined;
      fill(body, missing());
      return;
    }
    const [known, question] = await Promise.all([facts(table, next), conflict.read(next)]);
    await pressEnds();
    const nextPrint = JSON.stringify([next, known.print, question]);
    if (closed || nextPrint === print) return;
    print = nextPrint;
    const before = row;
    row = next;
    if (!before) fill(body, parts);
    if (before?.sys_id !== row.sys_id) drawChildren();
    node.classList.toggle("is-local", row.$sync.isTemporary);
    refill(headSlot, head());
    refill(factSlot, known.node);
  }

  function drawChildren() {
    for (const child of children) child.close();
    children = words.children.map((spec) => childSection(spec, row));
    fill(childSlot, children.map((child) => child.node));
  }

  function head() {
    const { label } = describeRow(table, row);
    const number = row.number || (words.states && isTemporary(row.sys_id) && "No number yet");
    return [
      standing(table, row),
      h("div", { class: "record-line" },
        words.states && priorityBox(row.priority),
        number && h("span", { class: "record-number", "data-test": "record-number" }, number),
        syncMarks(row)),
      h("h1", { class: "record-title", tabindex: "-1" }, capital(label || "No description")),
      conflict.node(),
      h("div", { class: "record-actions" },
        words.states && stateControl(),
        h("a", { class: "button", href: editHref(table, row.sys_id), "data-test": "edit" }, icon("edit"), "Edit"),
        verbsFor(table, row).map((verb) => h("a", { class: "button", href: actionHref(table, row.sys_id, verb), "data-test": verb }, verbButtons[verb]))),
    ];
  }

  function stateControl() {
    const choices = { ...words.states };
    if (row.state && !choices[row.state]) choices[row.state] = `State ${row.state}`;
    const select = h("select", { "data-test": "state", onchange: () => changeState(select.value) },
      !row.state && h("option", { value: "" }, "No state"),
      Object.entries(choices).map(([value, label]) => h("option", { value, selected: value === String(row.state) }, label)));
    return h("label", { class: "state-control" }, h("span", { class: "quiet-word" }, "State"), stateChip(table, row.state), select);
  }

  async function changeState(value) {
    try {
      await db.table(table).update(row.sys_id, { state: Number(value), ...closing(table, value, row.active) });
      toast(`${words.states[value]}. Saved on this device.`);
    } catch (error) {
      toast(`The state was not changed. ${reason(error)}`, { kind: "error" });
    }
    refresh();
  }

  async function remove() {
    const local = row.$sync.isTemporary;
    const sure = await confirm({
      title: `Delete this ${words.one}?`,
      text: local ? "The instance has never seen it. It will be gone from this device." : "It goes from this device now, and from the instance at the next sync.",
      action: "Delete",
    });
    if (!sure) return;
    try {
      const home = await ownerHref(table, row);
      await db.table(table).delete(row.sys_id);
      goInstead(home ?? listHref(words.root));
    } catch (error) {
      toast(`It was not deleted. ${reason(error)}`, { kind: "error" });
    }
  }

  function missing() {
    const foreign = isTemporary(id);
    return h("div", { class: "missing", "data-test": "missing" },
      h("h1", {}, `This ${words.one} is not on this device`),
      h("p", {}, foreign
        ? "Its address holds a temporary id that this device did not make, or whose record was deleted. Where it was made, it still opens."
        : "It may be closed, deleted, or no longer yours to see. Open work is fetched at every refresh."),
      h("a", { class: "button", href: listHref(words.root) }, `All ${tables[words.root].many}`));
  }

  const stop = watchTables([table, "cmn_location", "cmdb_ci", "sys_user", words.owner === "parent" ? "wm_order" : "incident"], refresh);
  refresh();

  return {
    node,
    title: capital(words.one),
    close() {
      closed = true;
      stop();
      for (const child of children) child.close();
    },
  };
}
