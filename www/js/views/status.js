// How this device stands: connection, unsent work, storage, and the way to wipe it.
import build from "../../build.js";
import { user } from "../../options.js";
import { db, plain, readStatus, watchStatus } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { lost } from "../notices.js";
import { reason } from "../reasons.js";
import { bytes, count, moment, number } from "../text.js";
import { toast } from "../toasts.js";
import { confirm } from "./confirm.js";

const line = (name, label, value) => h("div", { class: "fact" }, h("dt", {}, label), h("dd", { "data-test": `status-${name}` }, value));

function connection(now) {
  if (now.mode === "offline") return "Offline, by your choice";
  if (now.paused === "auth") return "Signed out of the instance";
  if (!now.online || now.paused === "offline") return "The instance cannot be reached";
  if (now.paused === "backoff") return "Waiting before the next try";
  return now.syncing ? "Connected, syncing" : "Connected";
}

function kept({ usageBytes, quotaBytes, persisted, durability, risk }) {
  return [
    line("storage", "Used", `${bytes(usageBytes)} of ${bytes(quotaBytes)} allowed`),
    line("persisted", "Kept by the browser", persisted ? "Yes, until you remove it" : "As long as there is room; installing the app makes it safer"),
    line("durability", "A save is", durability === "strict" ? "written to disk before it counts" : "handed to the system, which writes it soon after"),
    risk && line("risk", "At risk", risk),
  ];
}

export function statusView() {
  const warnings = h("div", { class: "warnings" });
  const work = h("dl", { class: "facts" });
  const storage = h("dl", { class: "facts" });
  const audit = h("p", { class: "quiet", role: "status", "data-test": "audit-result" });

  const modes = [["auto", "Automatic", "Sends and refreshes whenever the instance can be reached."], ["offline", "Offline", "Holds all traffic until you turn it back."]].map(([value, label, text]) => {
    const radio = h("input", { type: "radio", name: "mode", value, onchange: () => changeMode(value), "data-test": `mode-${value}` });
    return { value, radio, node: h("label", { class: "mode" }, radio, h("span", {}, h("strong", {}, label), h("span", { class: "fact-sub" }, text))) };
  });

  const node = h("section", { class: "page", "data-test": "status" },
    h("h1", {}, "Status"), warnings,
    h("fieldset", { class: "modes" }, h("legend", {}, "Connection"), modes.map((mode) => mode.node)),
    h("section", {}, h("h2", {}, "Work"), work),
    h("section", {}, h("h2", {}, "This device"), storage,
      h("div", { class: "page-buttons" }, h("button", { class: "button", type: "button", onclick: check, "data-test": "audit" }, icon("check"), "Check the records"),
        h("a", { class: "button", href: "#/doctor", "data-test": "to-doctor" }, icon("status"), "Check the set-up")), audit),
    h("section", { class: "danger" }, h("h2", {}, "Delete the local database"),
      h("p", {}, "Removes every record kept on this device. What the instance has is untouched and is fetched again."),
      h("button", { class: "button is-danger", type: "button", onclick: wipe, "data-test": "delete-database" }, icon("bin"), "Delete…")),
    h("p", { class: "quiet build" }, `Signed in as ${user} · ${plain ? "plain instance" : "instance with extras"} · build ${build}`));

  function draw(now) {
    for (const mode of modes) mode.radio.checked = mode.value === now.mode;
    fill(warnings,
      now.evicted && h("p", { class: "note is-refused", "data-test": "evicted" }, icon("refused"),
        h("span", {}, lost(now.evicted))),
      now.caveats.map((text) => h("p", { class: "note", "data-test": "caveat" }, h("span", {}, text))));
    fill(work,
      line("connection", "Connection", connection(now)),
      line("pending", "Waiting to be sent", now.pending ? count(now.pending, "change") : "Nothing"),
      now.oldestPendingAt && line("oldest", "Oldest of these", moment(now.oldestPendingAt)),
      line("refused", "Refused", now.refused ? h("a", { href: "#/outbox" }, count(now.refused, "change")) : "None"),
      line("conflicts", "Conflicts", now.conflicts ? h("a", { href: "#/outbox" }, count(now.conflicts, "change")) : "None"),
      line("temporary", "Local records", number(now.temporary)),
      line("last-sync", "Last refresh", now.lastSyncAt ? moment(now.lastSyncAt) : "Not yet"));
    fill(storage, kept(now.storage));
  }

  async function changeMode(mode) {
    try {
      await db.setMode(mode);
    } catch (error) {
      toast(`The mode was not changed. ${reason(error)}`, { kind: "error" });
    }
    await readStatus();
  }

  async function check() {
    try {
      const { records, temporary, orphans } = await db.audit();
      fill(audit, orphans.length
        ? `${count(orphans.length, "reference")} of ${number(records)} records point to an id that no longer exists. Please report this.`
        : `${count(records, "record")} checked, ${number(temporary)} local. Every reference is sound.`);
    } catch (error) {
      fill(audit, `The check did not finish. ${reason(error)}`);
    }
  }

  async function wipe() {
    const { pending: unsent } = await readStatus();
    const sure = await confirm({
      title: "Delete the local database?",
      text: unsent ? `${count(unsent, "change")} made here never reached the instance. Deleting loses ${unsent === 1 ? "it" : "them"} for good.` : "Everything here has reached the instance. It will be fetched again.",
      action: "Delete",
      acknowledge: unsent ? `Lose ${count(unsent, "unsent change")}` : undefined,
    });
    if (!sure) return;
    try {
      await db.deleteDatabase({ discardUnsent: unsent > 0 });
      location.replace("#/incident");
      location.reload();
    } catch (error) {
      toast(`The database was not deleted. ${reason(error)}`, { kind: "error" });
    }
  }

  const stop = watchStatus(draw);
  readStatus();

  return { node, title: "Status", close: stop };
}
