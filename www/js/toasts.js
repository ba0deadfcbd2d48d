import { h } from "./dom.js";
import { icon } from "./icons.js";

const region = h("div", { class: "toasts", role: "status", "aria-live": "polite", "data-test": "toasts" });

export const toastRegion = () => region;

const isSlow = (kind) => kind === "refused" || kind === "error";

// A refusal or an error stands longer. The newest of either sort takes the place of the last.
export function toast(text, { kind = "note", href, action } = {}) {
  const close = h("button", { class: "icon-button", type: "button", "aria-label": "Dismiss", onclick: () => item.remove() }, icon("close"));
  const link = href && h("a", { href, onclick: () => item.remove() }, action);
  const item = h("div", { class: `toast is-${kind}`, "data-test": "toast", "data-kind": kind }, h("p", {}, text), link, close);
  const slow = isSlow(kind);
  for (const other of [...region.children]) if (isSlow(other.dataset.kind) === slow) other.remove();
  region.append(item);
  leaveLater(item, slow ? 15_000 : 5000);
}

function leaveLater(item, ms) {
  const wait = () => setTimeout(() => item.remove(), ms);
  let timer = wait();
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = wait();
  };
  item.addEventListener("pointerenter", hold);
  item.addEventListener("focusin", hold);
  item.addEventListener("pointerleave", release);
  item.addEventListener("focusout", release);
}
