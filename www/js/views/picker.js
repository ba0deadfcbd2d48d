// Search-as-you-type over a cached table: an ARIA combobox that yields a sys_id.
import { db } from "../device.js";
import { fill, freshId, h } from "../dom.js";
import { icon } from "../icons.js";
import { signOf } from "../marks.js";
import { describeRow, nameOf } from "../names.js";
import { tables } from "../tables.js";
import { queryText } from "../text.js";
import { debounce } from "../timing.js";

const most = 20;

const searched = {
  cmn_location: ["nameSTARTSWITH", "nameLIKE", "citySTARTSWITH"],
  cmdb_ci: ["nameLIKE", "asset_tagSTARTSWITH", "serial_numberSTARTSWITH", "modelLIKE"],
  sys_user: ["nameLIKE", "user_nameSTARTSWITH", "emailSTARTSWITH"],
};

// Each way of matching is asked in turn, the closest first, until the list is full.
async function find(table, text, near) {
  const wanted = queryText(text);
  const store = db.table(table);
  const order = "ORDERBYname";
  const asks = wanted ? (searched[table] ?? ["numberLIKE", "short_descriptionLIKE"]).map((ask) => ask + wanted) : [""];
  const found = new Map();
  for (const place of near ? [near, ""] : [""]) {
    for (const ask of asks) {
      if (found.size >= most) break;
      const rows = await store.query([place, ask, order].filter(Boolean).join("^"), { limit: most });
      for (const row of rows) if (found.size < most) found.set(row.sys_id, row);
    }
  }
  return [...found.values()];
}

// `near` answers a condition that puts some rows first, e.g. equipment at the chosen location.
export function picker({ id, name, table, value, near = () => "", onpick }) {
  const noun = { cmn_location: "location", cmdb_ci: "equipment", sys_user: "person" }[table] ?? tables[table]?.one ?? "record";
  const listId = freshId("options");
  let picked = value ?? "";
  let pickedLabel = "";
  let offered = [];
  let active = -1;
  let turn = 0;

  const input = h("input", {
    id, type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-autocomplete": "list", "aria-expanded": "false",
    "aria-controls": listId, "data-test": `pick-${name}`, placeholder: `Search ${noun}`,
    oninput: debounce(() => offer(input.value), 120), onfocus: () => input.select(), onclick: () => offer(""), onkeydown, onblur,
  });
  const clear = h("button", { class: "icon-button", type: "button", "aria-label": `Clear ${noun}`, hidden: true, onclick: () => { pick(); input.focus(); } }, icon("close"));
  const list = h("ul", { id: listId, class: "options", role: "listbox", "aria-label": noun, hidden: true });
  const said = h("p", { class: "quiet-word", role: "status" });
  const node = h("div", { class: "picker" }, h("div", { class: "picker-line" }, input, clear), list, said);

  async function offer(text) {
    const mine = ++turn;
    const rows = await find(table, text, near());
    if (mine !== turn || document.activeElement !== input) return;
    offered = rows.map((row) => ({ ...describeRow(table, row), id: row.sys_id }));
    active = -1;
    fill(list, offered.map(drawOption), offered.length === 0 && h("li", { class: "option-none", role: "option", "aria-disabled": "true", "aria-selected": "false" }, `No ${noun} on this device matches “${text}”.`));
    fill(said, offered.length ? `${offered.length} to choose from` : "Nothing matches");
    expand(true);
  }

  const drawOption = (one, at) => h("li", {
    id: `${listId}-${at}`, role: "option", class: "option", "aria-selected": String(one.id === picked), "data-sys-id": one.id, "data-test": "option",
    onpointerdown: (event) => event.preventDefault(), onclick: () => pick(one),
  }, h("span", { class: "option-main" }, one.code && signOf(one.code), h("span", {}, one.label)), one.sub && h("span", { class: "option-sub" }, one.sub));

  function expand(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (open) {
      list.scrollIntoView({ block: "nearest" });
      return;
    }
    input.removeAttribute("aria-activedescendant");
    fill(list);
  }

  function pick(one) {
    picked = one?.id ?? "";
    pickedLabel = one ? [one.code, one.label].filter((part, at, all) => part && all.indexOf(part) === at).join(" ") : "";
    input.value = pickedLabel;
    clear.hidden = !picked;
    turn += 1;
    expand(false);
    onpick?.();
  }

  function move(by) {
    if (list.hidden) {
      offer("");
      return;
    }
    if (!offered.length) return;
    active = (active + by + offered.length) % offered.length;
    for (const [at, option] of [...list.children].entries()) option.classList.toggle("is-active", at === active);
    input.setAttribute("aria-activedescendant", `${listId}-${active}`);
    list.children[active].scrollIntoView({ block: "nearest" });
  }

  function onkeydown(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden) {
      event.preventDefault();
      if (offered[Math.max(active, 0)]) pick(offered[Math.max(active, 0)]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      onblur();
    }
  }

  // What was typed but not picked is no reference: an emptied field clears, anything else goes back.
  function onblur() {
    if (!input.value.trim() && picked) pick();
    input.value = pickedLabel;
    turn += 1;
    expand(false);
  }

  if (picked) {
    nameOf(table, picked).then((one) => pick({ ...one, id: picked }));
  }

  return { node, value: () => picked };
}
