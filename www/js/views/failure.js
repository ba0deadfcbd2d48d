// The database did not open: say what that means for the technician's work, and what may be done.
import { h } from "../dom.js";

const advice = {
  storage_blocked: "Close the app's other tabs and windows, then try again.",
  storage_unavailable: "This browser does not let the app keep anything. Leave private browsing, or allow site data for this address.",
  storage_full: "This device has no room left. Free some space, then try again. Nothing already saved is lost.",
};

export const failureView = (error) =>
  h("main", { class: "failure" }, h("div", { class: "failure-words", role: "alert", "data-test": "failure" },
    h("h1", {}, "The records on this device could not be opened"),
    h("p", {}, error.message || "The browser gave no reason."),
    advice[error.code] && h("p", {}, advice[error.code]),
    h("p", {}, "Whatever you saved before is still on this device."),
    error.code && h("p", { class: "quiet" }, `Code: ${error.code}`),
    h("button", { class: "button is-primary", type: "button", onclick: () => location.reload() }, "Try again")));
