// The list of incidents or work orders. Local records stand on top: they have no place yet in the instance's order.
import { db, me, status, watchStatus, watchTables } from "../device.js";
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { marksOf, placeOf, priorityBox, stateChip } from "../marks.js";
import { nameOf } from "../names.js";
import { pressEnds } from "../press.js";
import { reason } from "../reasons.js";
import { newHref, recordHref } from "../route.js";
import { syncNow } from "../sync.js";
import { filters, orders, tables } from "../tables.js";
import { ago, capital, moment, number, queryText, when } from "../text.js";
import { debounce } from "../timing.js";

const pageSize = 60;
const isLocal = "sys_idSTARTSWITHtmp_";
const isNotLocal = "sys_idNOT LIKEtmp_";

const join = (...parts) => parts.filter(Boolean).join("^");

// An airport's own code or city before names that merely hold the letters.
async function placesLike(wanted) {
  const asks = [`nameSTARTSWITH${wanted}^ORcitySTARTSWITH${wanted}`, `nameLIKE${wanted}`];
  const found = await Promise.all(asks.map((ask) => db.table("cmn_location").query(ask, { limit: 30 })));
  return new Set(found.flat().map((place) => place.sys_id));
}

async function searchQuery(text) {
  const wanted = queryText(text);
  if (!wanted) return "";
  const parts = [`short_descriptionLIKE${wanted}`, `ORnumberLIKE${wanted}`];
  const places = await placesLike(wanted);
  if (places.size) parts.push(`ORlocationIN${[...places].join(",")}`);
  return parts.join("^");
}

export function listView(table) {
  const words = tables[table];
  const chosen = { filter: filters[0], order: orders[0], text: "" };
  let shown = pageSize;
  let turn = 0;
  let stale = false;
  let selected;
  let drawn = new Map();

  const heading = h("h1", { class: "list-title" }, capital(words.many));
  const tally = h("p", { class: "tally", "aria-live": "polite", "data-test": "list-count" });
  const rows = h("ul", { class: "rows", "data-test": "record-list", "aria-label": words.many });
  const notice = h("div", { class: "list-notice" });
  const more = h("button", { class: "button is-wide", type: "button", hidden: true, "data-test": "show-more", onclick: showMore }, "Show more");
  const refreshed = h("span", { class: "refreshed" });

  const search = h("input", {
    type: "search", class: "search-input", placeholder: "Number, words or airport", autocomplete: "off", enterkeyhint: "search",
    "aria-label": `Search ${words.many}`, "data-test": "search",
    oninput: debounce(() => choose({ text: search.value }), 180),
  });
  const order = h("select", { class: "order", "aria-label": "Sort by", "data-test": "order", onchange: () => choose({ order: orders[order.selectedIndex] }) },
    orders.map((one) => h("option", { value: one.id }, one.label)));
  const chips = filters.map((one) => h("button", {
    type: "button", class: "filter", "aria-pressed": String(one === chosen.filter), "data-test": `filter-${one.id}`,
    onclick: () => choose({ filter: one }),
  }, one.label));

  const node = h("section", { class: "list-pane", "aria-label": words.many, "data-test": `list-${table}` },
    h("header", { class: "list-head" },
      h("div", { class: "list-head-line" }, heading, tally,
        h("a", { class: "button is-primary list-new", href: newHref(table), "data-test": table === "incident" ? "new-incident" : "new-order" },
          icon("add"), h("span", {}, "New ", h("span", { class: "new-what" }, words.one)))),
      h("div", { class: "search" }, icon("search"), search),
      h("div", { class: "filters", role: "group", "aria-label": "Show" }, chips),
      h("div", { class: "list-tools" }, order,
        h("button", { class: "text-button", type: "button", "data-test": "refresh", onclick: syncNow }, refreshed, icon("sync"), h("span", { class: "quiet-word" }, "Refresh")))),
    rows, notice, more);

  function choose(change) {
    Object.assign(chosen, change);
    shown = pageSize;
    for (const [at, chip] of chips.entries()) chip.setAttribute("aria-pressed", String(filters[at] === chosen.filter));
    node.scrollTop = 0;
    refresh();
  }

  function showMore() {
    shown += Math.max(pageSize, Math.floor(shown / 2));
    refresh();
  }

  async function read() {
    const mine = chosen.filter.needsMe ? (await me())?.sys_id ?? "none" : undefined;
    const base = join(chosen.filter.query(mine), await searchQuery(chosen.text));
    const store = db.table(table);
    const sort = chosen.order.query;
    if (!status.temporary) {
      const [found, total] = await Promise.all([store.query(join(base, sort), { limit: shown }), store.count(base)]);
      return { found, total };
    }
    const [local, locals, total] = await Promise.all([
      store.query(join(base, isLocal, "ORDERBYDESCsys_id"), { limit: shown }), store.count(join(base, isLocal)), store.count(base),
    ]);
    const room = shown - local.length;
    const rest = room > 0 ? await store.query(join(base, isNotLocal, sort), { limit: room }) : [];
    return { found: [...local, ...rest], total, locals };
  }

  async function refresh() {
    const mine = ++turn;
    try {
      const { found, total, locals = 0 } = await read();
      const places = await Promise.all(found.map((row) => nameOf("cmn_location", row.location)));
      await pressEnds();
      if (mine === turn) draw(found, places, total, locals);
    } catch (error) {
      if (mine === turn) fill(notice, h("p", { role: "alert" }, `This list could not be read. ${reason(error)}`));
    }
  }

  function draw(found, places, total, locals) {
    const next = new Map();
    for (const [at, row] of found.entries()) {
      const print = JSON.stringify([row.number, row.short_description, row.state, row.priority, row.sys_updated_on, row.$sync, places[at]]);
      const kept = drawn.get(row.sys_id);
      next.set(row.sys_id, kept?.print === print ? kept : { print, node: drawRow(row, places[at]) });
    }
    drawn = next;
    rows.replaceChildren(...[...next.values()].map((one) => one.node));
    markSelected();
    fill(tally, locals && locals < total ? `${number(total)}, ${number(locals)} local` : number(total));
    more.hidden = found.length >= total;
    fill(notice, found.length === 0 && emptyWords());
    // Observed anew, or a fast scroll to the new end would be no change to it.
    nearEnd.disconnect();
    nearEnd.observe(more);
  }

  function drawRow(row, place) {
    const local = row.$sync.isTemporary;
    return h("li", { class: local ? "row is-local" : "row", "data-test": "record-row", "data-sys-id": row.sys_id },
      h("a", { class: "row-link", href: recordHref(table, row.sys_id) },
        priorityBox(row.priority),
        h("span", { class: "row-body" },
          h("span", { class: "row-top" }, row.number && h("span", { class: "record-number" }, row.number), marksOf(row),
            h("time", { class: "row-time", title: moment(row.sys_updated_on) }, ago(row.sys_updated_on || row.$sync.changedAt))),
          h("span", { class: "row-title" }, row.short_description || "No description"),
          h("span", { class: "row-foot" }, stateChip(table, row.state), place && h("span", { class: "place" }, placeOf(place))))));
  }

  function emptyWords() {
    if (chosen.text) return h("p", {}, `Nothing on this device matches “${chosen.text}”. Closed ${words.many} may be on the instance only.`);
    if (chosen.filter.id === "local") return h("p", {}, "Nothing here is waiting for the instance: every record you made has landed.");
    if (status.syncing) return h("p", {}, `Fetching ${words.many} from the instance…`);
    if (chosen.filter.id === "mine") return h("p", {}, `No open ${words.many} are assigned to you.`);
    if (!status.lastSyncAt) return h("p", {}, `No ${words.many} have been fetched to this device yet. They come by themselves when the instance can be reached.`);
    return h("p", {}, `No ${words.many} here.`);
  }

  function markSelected() {
    for (const [id, { node: item }] of drawn) {
      const link = item.firstElementChild;
      if (id === selected) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  const nearEnd = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && !more.hidden && showMore(), { root: node, rootMargin: "600px" });
  watchTables([table, "cmn_location"], () => {
    stale = !node.checkVisibility();
    return stale ? undefined : refresh();
  });
  watchStatus(({ lastSyncAt }) => {
    fill(refreshed, lastSyncAt ? `Refreshed ${when(lastSyncAt)}` : "Not refreshed yet");
    // Why nothing is here may have changed: no longer because it is being fetched.
    if (tally.textContent === "0") fill(notice, emptyWords());
  });
  refresh();

  return {
    node,
    wake() {
      if (stale) refresh();
      stale = false;
    },
    select(id) {
      selected = id;
      markSelected();
    },
  };
}

