// The records that belong to another: its tasks, its hours, its work orders.
import { db, watchTables } from "../device.js";
import { fill, freshId, h } from "../dom.js";
import { icon } from "../icons.js";
import { marksOf, stateChip } from "../marks.js";
import { nameOf } from "../names.js";
import { pressEnds } from "../press.js";
import { reason } from "../reasons.js";
import { newHref, recordHref } from "../route.js";
import { carriedOver, tables } from "../tables.js";
import { capital, count, day, minutes } from "../text.js";

const step = 100;

const adding = { task_time_worked: "Log time" };

export function childSection({ table, by }, owner) {
  const words = tables[table];
  const isTime = table === "task_time_worked";
  const id = freshId("children");
  const tally = h("span", { class: "tally" });
  const list = h("ul", { class: "children-list" });
  const more = h("button", { class: "button is-wide", type: "button", hidden: true, onclick: () => { shown += step; refresh(); } }, "Show more");
  let shown = step;
  let closed = false;

  const given = { [by]: owner.sys_id, ...(!isTime && Object.fromEntries(carriedOver.map((name) => [name, owner[name]]))) };
  const node = h("section", { class: "children", "aria-labelledby": id, "data-test": `children-${table}` },
    h("header", { class: "children-head" },
      h("h2", { id }, isTime ? "Time worked" : capital(words.many), " ", tally),
      h("a", { class: "button", href: newHref(table, given), "data-test": `add-${table}` }, icon("add"), adding[table] ?? `Add ${words.one}`)),
    list, more);

  async function refresh() {
    const store = db.table(table);
    const query = `${by}=${owner.sys_id}`;
    const [rows, total] = await Promise.all([store.query(`${query}^ORDERBYDESCsys_created_on`, { limit: shown }), store.count(query)]);
    rows.sort((a, b) => Number(b.$sync.isTemporary) - Number(a.$sync.isTemporary));
    const people = await Promise.all(rows.map((row) => nameOf("sys_user", isTime ? row.user : row.assigned_to)));
    await pressEnds();
    if (closed) return;
    const whole = isTime && total <= rows.length ? rows.reduce((sum, row) => sum + (Number(row.time_worked) || 0), 0) : 0;
    fill(tally, whole ? minutes(whole) : total || "");
    fill(list, rows.map((row, at) => drawRow(row, people[at])), total === 0 && h("li", { class: "children-none" }, `No ${words.many} yet.`));
    more.hidden = rows.length >= total;
    more.textContent = `Show more of ${count(total, words.one, words.many)}`;
  }

  function drawRow(row, person) {
    const title = isTime ? minutes(row.time_worked) : row.short_description || "No description";
    const foot = isTime ? [row.comments, day(row.work_date)] : [];
    return h("li", { class: row.$sync.isTemporary ? "child is-local" : "child", "data-test": "child-row", "data-sys-id": row.sys_id },
      h("a", { class: "child-link", href: recordHref(table, row.sys_id) },
        h("span", { class: "row-top" }, row.number && h("span", { class: "record-number" }, row.number), marksOf(row)),
        h("span", { class: "child-title" }, title),
        h("span", { class: "row-foot" }, !isTime && stateChip(table, row.state), [...foot, person?.label].filter(Boolean).map((text) => h("span", {}, text)))));
  }

  const failed = (error) => !closed && fill(list, h("li", { role: "alert" }, `The ${words.many} could not be read. ${reason(error)}`));
  const stop = watchTables([table, "sys_user"], () => refresh().catch(failed));
  refresh().catch(failed);

  return {
    node,
    close() {
      closed = true;
      stop();
    },
  };
}
