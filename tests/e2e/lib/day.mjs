// A day's work drawn at random: records that point to each other, edits, journal entries. It knows what the page was
// told is saved, and finds out at the end what became of it.
import { TABLES, accounts, rowsBySerial } from "./ledger.mjs";

/** What is done, and how often beside each other: a table's name stands for one record of it. */
const KINDS = ["incident", "incident_task", "incident_task", "task_time_worked", "together", "edit", "note"];

export class Day {
  #draw;
  #kinds;
  #numbers = 0;
  /** By serial. Those without an `id` were asked for, and nobody heard that they were saved. */
  records = [];
  /** The number of the last edit of a record that was heard to be saved, by the record's serial. */
  edits = new Map();
  /** Journal entries heard to be saved. */
  notes = new Set();

  /** `journals`: entries are made, too. */
  constructor(draw, { journals }) {
    this.#draw = draw;
    this.#kinds = KINDS.filter((kind) => journals || kind !== "note");
  }

  /** How many records were heard to be saved. */
  get saved() {
    return this.records.filter((record) => record.id).length;
  }

  /** A page that tells what it has saved. To be called once for each page. */
  hears(page) {
    return page.exposeFunction("heard", ({ made = [], edit, note }) => {
      for (const { serial, id } of made) this.records[serial].id = id;
      if (edit) this.edits.set(edit.of, edit.number);
      if (note) this.notes.add(note);
    });
  }

  /** One of each table: what a plain instance has to show before an empty answer means something. */
  begin(page) {
    const incident = this.#create("incident");
    return this.#carryOut(page, [incident, this.#create("incident_task", incident), this.#create("task_time_worked", incident)]);
  }

  /** Work for a page to do, one thing after the other. Resolves when all of it is saved. */
  work(page, count) {
    const there = this.#there();
    return this.#carryOut(page, Array.from({ length: count }, () => this.#next(there)));
  }

  /** The same after very many records at once: more than a request takes. */
  flood(page, count) {
    const there = this.#there();
    return this.#carryOut(page, [this.#many(there), ...Array.from({ length: count }, () => this.#next(there))]);
  }

  /** The newest records that were saved and that the device does not know. */
  missing(page) {
    const newest = this.#there().slice(-200).map(({ table, id }) => [table, id]);
    return page.evaluate(async (all) => {
      const known = async ([table, id]) => (await landfall.table(table).get(id)) || (await landfall.resolveId(id)) !== id;
      const found = await Promise.all(all.map(known));
      return all.filter((_, at) => !found[at]);
    }, newest);
  }

  /**
   * The device has lost its memory: what had not landed is gone, and what had is known there by its permanent id only.
   * Gives how many saved records are gone.
   */
  async forget(instance) {
    const [before, landed] = [this.saved, await rowsBySerial(instance)];
    for (const record of this.records) {
      record.group = undefined;
      if (landed.has(record.serial)) record.forgotten = true;
      else record.id = undefined;
    }
    this.edits.clear();
    this.notes.clear();
    return before - this.saved;
  }

  /** What became of everything, on the instance and on the device. */
  accounts(app) {
    return accounts(app, this);
  }

  /** What was asked for and not heard of may not exist: nothing can point to it. */
  #there() {
    return this.records.filter((record) => record.id && !record.forgotten);
  }

  #next(there) {
    const kind = this.#draw.pick(this.#kinds);
    if (kind === "edit" || kind === "note") {
      const of = this.#oneOf(there.filter(({ table }) => TABLES[table].edited));
      this.#numbers += 1;
      return { kind, of: of.serial, table: of.table, field: kind === "edit" ? TABLES[of.table].edited : "work_notes", number: this.#numbers };
    }
    if (kind === "together") {
      const incident = this.#create("incident");
      return this.#together({ kind, records: [incident, this.#create("incident_task", incident), this.#create("task_time_worked", incident)] });
    }
    const made = this.#create(kind, this.#parent(kind, there));
    there.push(this.records[made.serial]);
    return made;
  }

  #many(there) {
    const table = this.#draw.pick(Object.keys(TABLES));
    const records = Array.from({ length: this.#draw.int(20, 80) }, () => this.#create(table, this.#parent(table, there)));
    return this.#together({ kind: "many", table, records });
  }

  #together(thing) {
    for (const { serial } of thing.records) this.records[serial].group = thing.records[0].serial;
    return thing;
  }

  #parent(table, there) {
    if (table !== "incident") return this.#oneOf(there.filter((record) => record.table === "incident"));
    return this.#draw.chance(0.5) ? undefined : this.#oneOf(there.filter((record) => TABLES[record.table].edited));
  }

  /** Half the time one of the newest, which have not landed yet. */
  #oneOf(list) {
    return this.#draw.pick(this.#draw.chance(0.5) ? list.slice(-8) : list);
  }

  #create(table, parent) {
    const serial = this.records.length;
    this.records.push({ serial, table, parent: parent?.serial });
    return { kind: "create", serial, table, parent: parent?.serial, ...TABLES[table] };
  }

  #carryOut(page, things) {
    const known = this.records.filter((record) => record.id).map(({ serial, id }) => [serial, id]);
    return page.evaluate(async ([todo, before]) => {
      const ids = new Map(before);
      const fields = ({ serial, text, reference, mention, parent }) => ({
        [text]: `r${serial}`,
        ...(parent === undefined ? {} : { [reference]: ids.get(parent), ...(mention && { [mention]: `see ${ids.get(parent)}` }) }),
      });
      const noted = ({ serial }, { sys_id: id }) => {
        ids.set(serial, id);
        return { serial, id };
      };
      const create = async (tables, one) => noted(one, await tables.table(one.table).create(fields(one)));
      const told = [];
      for (const thing of todo) {
        if (thing.kind === "create") {
          told.push(heard({ made: [await create(landfall, thing)] }));
        } else if (thing.kind === "together") {
          const made = await landfall.transaction(async (tx) => {
            const rows = [];
            for (const one of thing.records) rows.push(await create(tx, one));
            return rows;
          });
          told.push(heard({ made }));
        } else if (thing.kind === "many") {
          const rows = await landfall.table(thing.table).createMany(thing.records.map(fields));
          told.push(heard({ made: rows.map((row, at) => noted(thing.records[at], row)) }));
        } else {
          await landfall.table(thing.table).update(ids.get(thing.of), { [thing.field]: `${thing.kind} ${thing.number}` });
          told.push(heard(thing.kind === "edit" ? { edit: thing } : { note: thing.number }));
        }
      }
      await Promise.all(told);
    }, [things, known]);
  }
}
