// What a new set-up gets wrong, looked for one by one: this page is for whoever brings the app to an instance.
import { db } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { reason } from "../reasons.js";
import { count } from "../text.js";

const names = {
  reachable: "The way to the instance",
  cors: "What the browser may read",
  signIn: "Sign-in",
  extras: "Extras",
  table: "Reading",
  correlation: "Finding a record by its temporary id",
  batch: "Several requests in one",
  deletions: "What has been deleted",
  rateLimits: "Limits",
  storage: "Storage",
  locks: "Following a tab that is killed",
  serviceWorker: "Sending with the app closed",
};
const marks = { good: ["check", "In order"], warning: ["hold", "With a drawback"], bad: ["refused", "Not in order"], unknown: ["open", "Not known"] };

function finding({ check, table, state, message, advice }) {
  const [mark, word] = marks[state];
  return h("li", { class: `finding is-${state}`, "data-test": "finding", "data-check": check, "data-state": state },
    h("span", { class: "finding-mark", role: "img", "aria-label": word }, icon(mark)),
    h("div", {},
      h("strong", {}, table ? `${names[check] ?? check}: ${table}` : (names[check] ?? check)),
      h("p", {}, message),
      advice && h("p", { class: "finding-advice" }, advice)));
}

function verdict(found) {
  const bad = found.filter(({ state }) => state === "bad").length;
  const drawbacks = found.filter(({ state }) => state === "warning").length;
  if (bad) return `${count(bad, "thing")} not in order.`;
  const unknown = found.filter(({ check, state }) => state === "unknown" && check !== "rateLimits").length;
  if (unknown) return `${count(unknown, "thing")} could not be looked at.`;
  return drawbacks ? `It works, with ${count(drawbacks, "drawback")}.` : "All is in order.";
}

export function doctorView() {
  const said = h("p", { class: "quiet", role: "status", "data-test": "doctor-verdict" });
  const list = h("ul", { class: "findings" });
  const again = h("button", { class: "button", type: "button", onclick: examine, "data-test": "doctor-again" }, icon("sync"), "Look again");
  const node = h("section", { class: "page", "data-test": "doctor" },
    h("h1", {}, "Check the set-up"),
    h("section", {}, h("p", {}, "What a new set-up gets wrong, looked for one by one. It only reads: nothing is changed by it, and what you may write shows with the first record that is sent."), said, list,
      h("div", { class: "page-buttons" }, again)));

  async function examine() {
    again.disabled = true;
    fill(said, "Looking…");
    try {
      const found = await db.doctor();
      fill(list, found.map(finding));
      fill(said, verdict(found));
    } catch (error) {
      fill(said, `The check did not finish. ${reason(error)}`);
    }
    again.disabled = false;
  }

  examine();
  return { node, title: "Check the set-up" };
}
