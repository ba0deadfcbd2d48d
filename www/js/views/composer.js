// A note for the record: for colleagues, or for the caller too.
import { db } from "../device.js";
import { freshId, h } from "../dom.js";
import { reason } from "../reasons.js";
import { toast } from "../toasts.js";

export function composer(table, currentId) {
  const id = freshId("note");
  const text = h("textarea", { id, rows: "2", "data-test": "note" });
  const open = h("input", { type: "checkbox", "data-test": "note-to-caller" });

  async function save(event) {
    event.preventDefault();
    const entry = text.value.trim();
    if (!entry) {
      text.focus();
      return;
    }
    try {
      await db.table(table).update(currentId(), { [open.checked ? "comments" : "work_notes"]: entry });
      text.value = "";
      toast("Note saved on this device.");
    } catch (error) {
      toast(`The note was not saved. ${reason(error)}`, { kind: "error" });
    }
  }

  return h("form", { class: "composer", onsubmit: save },
    h("label", { for: id }, "Add a note"), text,
    h("div", { class: "composer-line" },
      h("label", { class: "check" }, open, "The caller may read it"),
      h("button", { class: "button", "data-test": "save-note" }, "Save note")));
}
