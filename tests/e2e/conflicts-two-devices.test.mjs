// Two devices change the same records, each with a line only now and then: what one writes over the other's was seen, or asked
// about. On a plain instance they never sync at the same moment: between a look at a record and its change others are not kept out.
import assert from "node:assert/strict";
import { test } from "node:test";

import { openBrowser } from "./lib/browser.mjs";
import { startBoth } from "./lib/app.mjs";
import { others } from "./lib/colleague.mjs";
import { drawFrom } from "./lib/draw.mjs";
import { FIELDS, startSharer } from "./lib/sharer.mjs";
import { Yields } from "./lib/yields.mjs";

const FULL = Boolean(process.env.LANDFALL_FULL);
const EDITS = FULL ? 400 : 60;
const RECORDS = 12;
/** Of these most edits are made, or two devices would seldom meet. */
const BUSY = 4;
/** Rounds in which all that is open must have come to an end. */
const ROUNDS = 12;

class Mischief {
  edits = 0;
  notes = [];
  counts = { asked: 0, mine: 0, theirs: 0, third: 0, cuts: 0, gone: 0, runs: 0 };
  yields = new Yields();

  constructor(draw, ids, { journals }) {
    Object.assign(this, { draw, ids, journals });
  }

  async edit(device) {
    const { draw } = this;
    const id = draw.pick(draw.chance(0.7) ? this.ids.slice(0, BUSY) : this.ids);
    this.edits += 1;
    if (this.journals && draw.chance(0.15)) {
      const text = `note ${this.edits} of ${device.name}`;
      await device.note(id, text);
      this.notes.push(text);
      return;
    }
    const fields = FIELDS.filter(() => draw.chance(0.4));
    if (!fields.length) fields.push(draw.pick(FIELDS));
    const value = `${this.edits} by ${device.name}`;
    const before = await device.edit(id, fields, value);
    for (const [at, field] of fields.entries()) this.yields.gaveWay(`${id} ${field}`, before[at], value);
  }

  async sync(device, { good = false } = {}) {
    const { draw } = this;
    const cut = !good && draw.chance(0.6) ? { nth: draw.int(1, 3), fate: draw.pick(["request lost", "answer lost"]), pageGone: draw.chance(0.3) } : undefined;
    const run = device.sync({ after: draw.int(61, 120) * 1000, cut, pull: good || draw.chance(0.7) });
    // What is written while it sends.
    const more = !good && draw.chance(0.3) ? this.edit(device) : undefined;
    const [report] = await Promise.all([run, more]);
    if (report.isGone) await device.reopen();
    this.counts.cuts += Number(report.wasCut);
    this.counts.gone += Number(Boolean(report.isGone));
    this.counts.runs += 1;
    return report;
  }

  async settle(device, share) {
    const { draw, counts, yields } = this;
    for (const { id, mine, theirs } of await device.asked()) {
      if (!draw.chance(share)) continue;
      const how = draw.pick(["mine", "theirs", "third"]);
      counts.asked += Object.keys(theirs).length;
      counts[how] += 1;
      const fields = how === "third" ? Object.keys(theirs).filter((_, at) => at === 0 || draw.chance(0.5)) : Object.keys(theirs);
      const third = `${++this.edits} settled by ${device.name}`;
      await device.settle(id, how === "third" ? Object.fromEntries(fields.map((field) => [field, third])) : how);
      for (const field of fields) {
        const stands = { mine: mine[field], theirs: theirs[field], third }[how];
        for (const side of [mine[field], theirs[field]]) if (side !== stands) yields.gaveWay(`${id} ${field}`, side, stands);
      }
    }
  }

  inWords() {
    const { asked, mine, theirs, third, cuts, gone, runs } = this.counts;
    return `${this.edits} edits, ${runs} runs, ${cuts} of them cut, ${gone} with the page; asked about ${asked} fields: ${mine} times mine, ${theirs} theirs, ${third} a third value`;
  }
}

for (const plain of [false, true]) {
  test(`two devices and the same records (${plain ? "plain" : "extras"})`, async (t) => {
    const draw = drawFrom(t);
    const { instance, browser } = await startBoth(t, { plain });
    const second = await openBrowser();
    t.after(() => second.dispose());
    const ids = [];
    for (let at = 0; at < RECORDS; at += 1) ids.push((await others.create({ instance }, "incident", { short_description: `record ${at}` })).sys_id);
    const devices = [await startSharer(browser, instance, "anna"), await startSharer(second, instance, "bert")];
    const mischief = new Mischief(draw, ids, { journals: !plain });
    for (const device of devices) await mischief.sync(device, { good: true });

    while (mischief.edits < EDITS) {
      const device = draw.pick(devices);
      for (let more = draw.int(1, 4); more > 0; more -= 1) await mischief.edit(device);
      if (!plain && draw.chance(0.25)) await Promise.all(devices.map((one) => mischief.sync(one)));
      else if (draw.chance(0.6)) await mischief.sync(device);
      if (draw.chance(0.6)) await mischief.settle(device, 0.7);
    }
    await untilQuiet(mischief, devices);
    t.diagnostic(mischief.inWords());
    assert.ok(mischief.counts.asked > 0, "they have met");

    const there = Object.fromEntries((await instance.rows("incident")).map((row) => [row.sys_id, Object.fromEntries(FIELDS.map((field) => [field, row[field] ?? ""]))]));
    for (const device of devices) {
      assert.deepEqual(await device.rows(), { rows: there, unsynced: [] }, `${device.name} has what the instance has`);
      const { temporary, orphans } = await device.audit();
      assert.deepEqual({ temporary, orphans }, { temporary: 0, orphans: [] });
    }
    const lost = [...mischief.yields.fields].flatMap((field) => {
      const [id, name] = field.split(" ");
      return mischief.yields.lost(field, there[id][name]).map((value) => `${field}: ${value}; ${there[id][name]} stands`);
    });
    assert.deepEqual(lost, []);
    const entries = mischief.notes.length ? await instance.rows("sys_journal_field") : [];
    assert.deepEqual(entries.map(({ value }) => value).sort(), [...mischief.notes].sort(), "every entry is there once");
  });
}

/** Both are synced, and asked, until a whole round sends nothing. */
async function untilQuiet(mischief, devices) {
  for (let round = 0; round < ROUNDS; round += 1) {
    let moved = 0;
    for (const device of devices) {
      moved += (await mischief.sync(device, { good: true })).sent;
      moved += (await device.asked()).length;
      await mischief.settle(device, 1);
      moved += (await device.status()).pending;
    }
    if (!moved) return;
  }
  const left = await Promise.all(devices.map((device) => device.outbox()));
  assert.fail(`It does not come to rest: ${JSON.stringify(left)}`);
}
