// The frame around every screen: signs, tabs, the offline banner, the sync button.
import { isOffline, watchStatus } from "./device.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { progressWords, syncNow, watchSync } from "./sync.js";
import { count, number } from "./text.js";
import { toastRegion } from "./toasts.js";

const tabs = [
  { page: "incident", label: "Incidents", icon: "incident" },
  { page: "wm_order", label: "Orders", icon: "order" },
  { page: "outbox", label: "Outbox", icon: "outbox" },
  { page: "status", label: "Status", icon: "status" },
];

function bannerWords(status) {
  const kept = status.pending ? ` ${count(status.pending, "change")} kept here to send later.` : " What you save is kept here and sent later.";
  if (status.mode === "offline") return `Working offline, by your choice.${kept}`;
  if (status.paused === "auth") return `Signed out of the instance.${kept}`;
  return `No connection to the instance.${kept}`;
}

export function shell(root) {
  const banner = h("div", { class: "banner", role: "status", "data-test": "offline-banner" });
  const update = h("div", { class: "update", role: "status", "data-test": "update-bar" });
  const alarm = h("div", { class: "alarm", role: "alert", "data-test": "alarm" });
  const list = h("div", { class: "list-slot" });
  const detail = h("div", { class: "detail-slot", id: "detail", tabindex: "-1" });
  const badge = h("span", { class: "badge", "data-test": "pending-badge" });
  const syncWords = h("span", { class: "sync-words" });
  const syncButton = h("button", { class: "sync-button", type: "button", "data-test": "sync-button", onclick: syncNow }, icon("sync"), syncWords);
  const bar = h("progress", { class: "sync-progress", "aria-label": "Sync progress", hidden: true, "data-test": "sync-progress" });
  const links = tabs.map((tab) => h("a", { class: "tab", href: `#/${tab.page}`, "data-test": `tab-${tab.page}` },
    h("span", { class: "tab-icon" }, icon(tab.icon), tab.page === "outbox" && badge), h("span", {}, tab.label)));
  const panes = h("main", { class: "panes" }, list, detail);

  root.classList.remove("starting");
  fill(root,
    h("a", { class: "skip", href: "#detail", onclick: (event) => { event.preventDefault(); detail.focus(); } }, "Skip to the record"),
    h("header", { class: "top" },
      h("a", { class: "wordmark", href: "#/incident" }, icon("landed"), h("span", {}, "Landfall"), h("small", {}, "Field")),
      syncButton, bar),
    h("div", { class: "notices" }, alarm, banner, update),
    panes,
    h("nav", { class: "tabs", "aria-label": "Main" }, links),
    toastRegion());

  watchStatus((status) => {
    const away = isOffline() || status.paused === "auth";
    banner.hidden = !away;
    fill(banner, away && [icon("offline"), h("span", {}, bannerWords(status))]);
    const waiting = status.pending;
    fill(badge, waiting ? number(waiting) : "", waiting > 0 && h("span", { class: "quiet-word" }, " not sent"));
    badge.classList.toggle("needs-you", status.refused + status.conflicts > 0);
    badge.hidden = waiting === 0;
    navigator.setAppBadge?.(waiting).catch(() => {});
  });

  let running;
  const drawSync = (status) => {
    const busy = running ?? (status?.syncing ? { phase: "start" } : undefined);
    syncButton.classList.toggle("is-busy", Boolean(busy));
    syncButton.setAttribute("aria-busy", String(Boolean(busy)));
    fill(syncWords, busy ? progressWords(busy) : "Sync");
    bar.hidden = !busy;
    if (busy?.total) {
      bar.max = busy.total;
      bar.value = busy.done;
    } else {
      bar.removeAttribute("value");
    }
  };
  let latest;
  watchSync((progress) => {
    running = progress;
    drawSync(latest);
  });
  watchStatus((status) => {
    latest = status;
    drawSync(status);
  });

  return {
    list,
    detail,
    show(route, { tab, title }) {
      panes.dataset.showing = route.page === "list" ? "list" : route.page === "outbox" || route.page === "status" ? "page" : "detail";
      for (const [at, link] of links.entries()) {
        if (tabs[at].page === tab) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      document.title = `${title} · Landfall`;
    },
    showAlarm(kind, text, { action, run }) {
      alarm.dataset.kind = kind;
      const press = run ?? (() => fill(alarm));
      fill(alarm, icon("refused"), h("p", {}, text), h("button", { class: "button", type: "button", "data-test": "alarm-button", onclick: press }, action));
    },
    offerReload(reload) {
      fill(update, h("span", {}, "A newer version is ready."),
        h("button", { class: "button", type: "button", "data-test": "update-reload", onclick: reload }, "Reload"));
    },
  };
}
