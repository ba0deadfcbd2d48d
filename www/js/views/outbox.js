// What has not reached the instance, and why. What needs a person stands first.
import { asked } from "../conflicts.js";
import { db, watchTables, watchStatus } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { localMark } from "../marks.js";
import { describeRow } from "../names.js";
import { pressEnds } from "../press.js";
import { reason } from "../reasons.js";
import { recordHref } from "../route.js";
import { labelOf, tables } from "../tables.js";
import { ago, count, isTemporary, moment, shortId } from "../text.js";
import { gather } from "../timing.js";
import { toast } from "../toasts.js";
import { confirm } from "./confirm.js";
import { pairingOf } from "./pairing.js";

const step = 50;

const stateWords = {
  queued: "Ready to send", sending: "Sending", unknown: "Sent, answer unknown", waiting: "Waiting",
  refused: "Refused", conflict: "Conflict", unpaired: "Needs pairing",
};
const kindWords = { create: "New", update: "Edit of", delete: "Deletion of", action: "", attachment: "File for" };

const actionWords = {
  log_time: "Time worked", close_order: "Closing a work order", split_order: "Splitting a work order", reassign: "Reassigning",
};

// The library's own sentence names the records by their ids; here they stand below, by name.
const unpairedWords = "The instance has carried this out, but it is not clear which of its records is which of those made here. Pair each with its own, or discard them here.";

// Nor does it know a field's label.
const conflictWords = (table, row) => {
  const labels = asked(table, row).map((name) => labelOf(table, name));
  return `Somebody else changed this on the instance, too${labels.length ? `: ${labels.join(", ")}` : ""}. Yours is kept here until you choose.`;
};

const wordsOf = (item, row) => (item.unpaired ? unpairedWords : item.state === "conflict" && row ? conflictWords(item.table, row) : item.explain);

// What a discard undoes is undone on this device only: where the instance has done some of it, that has to be said.
function discardWords({ kind, state }, title) {
  if (state === "unpaired") {
    return "The instance has carried this out, and its records stay there. Only those made here are forgotten, and everything that depends on them.";
  }
  const there = {
    unknown: " What the instance may have done of it stays there.",
    refused: kind === "action" ? " What the instance may have done of it before it refused stays there." : "",
  };
  return `“${title}” goes back to what the instance last had. A record made here disappears, and so does everything that depends on it.${there[state] ?? ""}`;
}

const stopped = ["refused", "conflict", "unpaired"];
const moving = ["queued", "sending", "unknown", "waiting"];

export function outboxView() {
  let shown = step;
  let closed = false;
  let turn = 0;

  const body = h("div", { class: "outbox-body" }, h("p", { class: "quiet" }, "Reading…"));
  const node = h("section", { class: "page", "data-test": "outbox" }, h("h1", {}, "Outbox"), body);

  async function refresh() {
    const mine = ++turn;
    try {
      const [halted, waiting] = await Promise.all([
        db.outbox.list({ state: stopped, limit: shown + 1 }),
        db.outbox.list({ state: moving, limit: shown + 1 }),
      ]);
      const groups = await Promise.all([halted, waiting].map((items) => Promise.all(items.slice(0, shown).map(drawItem))));
      await pressEnds();
      if (closed || mine !== turn) return;
      const held = body.contains(document.activeElement) && document.activeElement.dataset.focus;
      fill(body,
        section("Needs you", groups[0]),
        section("Waiting to be sent", groups[1]),
        halted.length + waiting.length === 0 && empty(),
        Math.max(halted.length, waiting.length) > shown && h("button", { class: "button is-wide", type: "button", onclick: () => { shown += step; refresh(); } }, "Show more"));
      if (held) body.querySelector(`[data-focus="${held}"]`)?.focus();
    } catch (error) {
      if (!closed) fill(body, h("p", { role: "alert" }, `The outbox could not be read. ${reason(error)}`));
    }
  }

  const section = (title, items) => items.length > 0 && h("section", { class: "outbox-group" }, h("h2", {}, title), h("ul", { class: "outbox-list" }, items));

  const empty = () => h("div", { class: "empty", "data-test": "outbox-empty" }, icon("landed"),
    h("p", {}, "Everything has landed. Nothing on this device is waiting for the instance."));

  async function drawItem(item) {
    const of = item.table ? item : item.records?.find(({ table }) => tables[table]);
    const row = of && tables[of.table] ? await db.table(of.table).get(of.sys_id, { deleted: true }) : undefined;
    const noun = tables[item.table]?.one ?? item.table ?? (item.action ? actionWords[item.action] ?? item.action : "item");
    const title = (row && describeRow(of.table, row).label) || shortId(of?.sys_id ?? item.id);
    return h("li", { class: `outbox-item is-${item.state}`, "data-test": "outbox-item", "data-item": item.id, "data-state": item.state },
      h("div", { class: "row-top" },
        h("span", { class: "outbox-kind" }, [kindWords[item.kind] ?? item.kind, noun].filter(Boolean).join(" ")),
        of && isTemporary(of.sys_id) && localMark(),
        h("time", { class: "row-time", title: moment(item.queuedAt) }, ago(item.queuedAt))),
      h("p", { class: "outbox-title" }, row ? h("a", { href: recordHref(of.table, of.sys_id) }, title) : title),
      h("p", { class: "outbox-explain", "data-test": "outbox-explain" },
        h("span", { class: `sync-mark is-${item.state}` }, stateWords[item.state] ?? item.state), " ", wordsOf(item, row)),
      item.error && h("div", { class: "answer", "data-test": "outbox-error" }, icon("refused"),
        h("div", {}, h("p", {}, `The instance answered ${item.error.status}: ${item.error.message}`), item.error.detail && h("p", { class: "quiet" }, item.error.detail))),
      !item.unpaired && item.state !== "conflict" && h("p", { class: "outbox-foot" }, [
        item.attempts ? `Tried ${count(item.attempts, "time")}` : "Not tried yet",
        item.nextAttemptAt && `next try ${moment(item.nextAttemptAt)}`,
        item.dependsOn.length > 0 && `behind ${count(item.dependsOn.length, "other change")}`,
      ].filter(Boolean).join(", ")),
      item.unpaired && await pairingOf(item, (temporary, sysId) => run(() => db.outbox.pair(item.id, temporary, sysId))),
      buttons(item, title));
  }

  function buttons(item, title) {
    const choose = item.state === "conflict" && item.table && h("a", { class: "button is-primary", href: recordHref(item.table, item.sys_id), "data-test": "outbox-choose" }, "Choose");
    const retry = ["refused", "unknown"].includes(item.state)
      && h("button", { class: "button", type: "button", "data-test": "outbox-retry", onclick: () => again(item) }, icon("sync"), "Try again");
    const discard = h("button", { class: "button is-danger", type: "button", "data-test": "outbox-discard", onclick: () => drop(item, title) }, icon("bin"), "Discard");
    return h("div", { class: "outbox-buttons" }, choose, retry, discard);
  }

  async function again(item) {
    const sure = item.state !== "unknown" || await confirm({ title: "Try this again?", text: item.explain, action: "Try again" });
    if (sure) await run(() => db.outbox.retry(item.id));
  }

  async function drop(item, title) {
    const sure = await confirm({ title: "Discard this change?", text: discardWords(item, title), action: "Discard" });
    if (sure) await run(() => db.outbox.discard(item.id));
  }

  async function run(work) {
    try {
      await work();
    } catch (error) {
      toast(reason(error), { kind: "error" });
    }
    refresh();
  }

  const soon = gather(refresh, 150);
  const stops = [watchTables(Object.keys(tables), soon), watchStatus(soon), soon.cancel];

  return {
    node,
    title: "Outbox",
    close() {
      closed = true;
      for (const stop of stops) stop();
    },
  };
}
