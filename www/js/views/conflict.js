// What the reader and somebody else have both changed, side by side: one press for each field says which is to stand.
import { user } from "../../options.js";
import { asked, inQuestion, printOf, settle } from "../conflicts.js";
import { db } from "../device.js";
import { freshId, h } from "../dom.js";
import { icon } from "../icons.js";
import { reason } from "../reasons.js";
import { labelOf, tables } from "../tables.js";
import { moment } from "../text.js";
import { toast } from "../toasts.js";
import { valueOf } from "./facts.js";

const sides = [["mine", "Yours"], ["theirs", "On the instance"]];

const settled = {
  mine: "Yours stands. It goes out at the next sync.",
  theirs: "What is on the instance stands.",
  both: "Settled. What you kept of yours goes out at the next sync.",
};

async function whoChanged({ sys_updated_by: name }) {
  if (!name || name === user) return undefined;
  const [person] = await db.table("sys_user").query({ equals: { user_name: name } }, { limit: 1 });
  return person?.name;
}

/** The panel of one record's page. What was picked outlives that the page is drawn anew. */
export function conflictPanel(table) {
  let shown;
  let print;
  let picks = {};
  let read;
  let settling = false;

  const valuesOf = (name) => ({ mine: shown[name], theirs: inQuestion(shown)[name] });

  async function settleAsPicked(names) {
    const picked = new Set(Object.values(picks));
    try {
      const stands = await settle(table, shown, Object.fromEntries(names.map((name) => [name, valuesOf(name)[picks[name]]])));
      toast(stands ? settled[picked.size > 1 ? "both" : [...picked][0]] : "It has changed again in the meantime. Please look once more.");
    } catch (error) {
      toast(`It was not settled. ${reason(error)}`, { kind: "error" });
    }
  }

  function draw() {
    const names = asked(table, shown);
    const title = freshId("conflict");
    const progress = h("p", { class: "quiet", role: "status", "data-test": "conflict-progress" });
    const buttons = [];

    function drawPicks() {
      for (const { name, side, button } of buttons) button.setAttribute("aria-pressed", String(picks[name] === side));
      const left = names.filter((name) => !picks[name]).length;
      progress.textContent = left < names.length && left > 0 ? `${left} of ${names.length} left to choose.` : "";
    }
    async function pick(change) {
      if (settling) return;
      picks = { ...picks, ...change };
      drawPicks();
      if (!names.every((name) => picks[name])) return;
      settling = true;
      await settleAsPicked(names);
      settling = false;
      picks = {};
      drawPicks();
    }
    const sideOf = (name, [side, words]) => {
      const button = h("button", { class: "side", type: "button", "data-test": `${side}-${name}`, onclick: () => pick({ [name]: side }) },
        h("span", { class: "side-whose" }, words, icon("check")),
        h("span", { class: `side-value is-${tables[table].fields[name]?.kind}` }, read[name][side].node));
      buttons.push({ name, side, button });
      return button;
    };
    const fieldOf = (name) => {
      const id = freshId("question");
      return h("div", { class: "question", role: "group", "aria-labelledby": id, "data-test": `conflict-${name}` },
        h("h3", { id }, labelOf(table, name)), h("div", { class: "sides" }, sides.map((side) => sideOf(name, side))));
    };
    const all = (side, words) => h("button", {
      class: "button", type: "button", "data-test": `all-${side}`, onclick: () => pick(Object.fromEntries(names.map((name) => [name, side]))),
    }, words);
    const who = read.who ?? "Somebody else";
    const node = h("section", { class: "conflict", "aria-labelledby": title, "data-test": "conflict" },
      h("header", { class: "conflict-head" }, icon("refused"),
        h("div", {}, h("h2", { id: title }, `${who} changed this, too`),
          h("p", {}, `Last changed on the instance on ${moment(shown.sys_updated_on)}. Yours is kept here, and is not sent until you choose.`))),
      names.map(fieldOf),
      names.length > 1 && h("div", { class: "conflict-foot" }, all("mine", "Keep all mine"), all("theirs", "Take all theirs"), progress));
    drawPicks();
    return node;
  }

  return {
    /** Answers what the panel depends on: where that is the same, so is the panel. */
    async read(row) {
      shown = row;
      const names = asked(table, row);
      const now = printOf(table, row);
      if (now !== print) picks = {};
      print = now;
      const values = await Promise.all(names.map(async (name) => {
        const { mine, theirs } = valuesOf(name);
        return [name, { mine: await valueOf(table, name, mine), theirs: await valueOf(table, name, theirs) }];
      }));
      read = { ...Object.fromEntries(values), who: names.length ? await whoChanged(row) : undefined };
      return JSON.stringify(read, (key, value) => (key === "node" ? undefined : value));
    },
    node: () => asked(table, shown).length > 0 && draw(),
  };
}
