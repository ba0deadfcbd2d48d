import { freshId, h } from "../dom.js";

// Asks in a modal dialog. With `acknowledge`, the button works only once that sentence is ticked.
export function confirm({ title, text, action, acknowledge }) {
  return new Promise((resolve) => {
    const id = freshId("dialog");
    const yes = h("button", { class: "button is-danger", value: "yes", disabled: Boolean(acknowledge), "data-test": "confirm" }, action);
    const tick = acknowledge && h("label", { class: "check" },
      h("input", { type: "checkbox", "data-test": "acknowledge", onchange: (event) => { yes.disabled = !event.target.checked; } }), acknowledge);
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": id, "data-test": "dialog", onclose: done },
      h("form", { method: "dialog" }, h("h2", { id }, title), h("p", {}, text), tick,
        h("div", { class: "dialog-line" }, h("button", { class: "button", value: "no", autofocus: true }, "Keep"), yes)));
    function done() {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    }
    document.body.append(dialog);
    dialog.showModal();
  });
}
