// The database did not open: say what that means for the technician's work, and what may be done.
import { h } from "../dom.js";
import { reason } from "../reasons.js";

// What another version of the app's own files may mend; the rest is tried again in this page.
const needsReload = new Set(["database_newer", "not_loaded", undefined]);

export function failureView(error, retry) {
  const reloads = needsReload.has(error.code);
  const button = h("button", { class: "button is-primary", type: "button", onclick: tryAgain }, reloads ? "Reload" : "Try again");

  function tryAgain() {
    if (reloads) location.reload();
    button.disabled = true;
    retry();
  }

  return h("main", { class: "failure" }, h("div", { class: "failure-words", role: "alert", "data-test": "failure" },
    h("h1", {}, "The records on this device could not be opened"),
    h("p", {}, reason(error)),
    h("p", {}, "Whatever you saved before is still on this device."),
    error.code && h("p", { class: "quiet" }, `Code: ${error.code}`),
    button));
}
