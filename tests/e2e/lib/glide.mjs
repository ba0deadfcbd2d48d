// As much of ServiceNow's server-side JavaScript as the script of docs/servicenow.md asks for, over rows in memory. It was
// written from ServiceNow's documentation, as the script was: it shows that the script does what that says, not that
// ServiceNow does.
import { runInNewContext } from "node:vm";

const SYSTEM = ["sys_id", "sys_created_by", "sys_created_on"];
const written = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

/** What ends the script where a node dies: none of its own `catch` blocks has its say any more. */
class PowerCut extends Error {}

/**
 * An instance whose `tables` are `{ name: { field: { longest, unique, journal, readOnly } } }`.
 *
 * Each `insert` and `update` is committed by itself. `throwsForTaken`: so does an `insert` of a taken unique value, which
 * else gives null. A value is cut at `longest`.
 */
export class Glide {
  now = Date.UTC(2026, 0, 1);
  #tables;
  #throwsForTaken;
  #rules = [];
  #died = false;
  #made = 0;

  constructor(tables, { throwsForTaken = false } = {}) {
    this.#tables = new Map(Object.entries(tables).map(([name, fields]) => [name, { fields, rows: new Map() }]));
    this.#throwsForTaken = throwsForTaken;
  }

  /** A copy of a table's rows, in the order of their making. */
  rows(table) {
    return [...this.#tables.get(table).rows.values()].map((row) => ({ ...row }));
  }

  /** A row that was there before. Gives its `sys_id`. */
  has(table, values) {
    return this.#insert(table, values, { name: "somebody.else" });
  }

  column(table, field) {
    return this.#tables.get(table).fields[field];
  }

  /** A business rule: what it gives as a text is why the write is not made. Gives back how to drop it. */
  before(verb, table, rule) {
    const entry = { verb, table, rule };
    this.#rules.push(entry);
    return () => this.#rules.splice(this.#rules.indexOf(entry), 1);
  }

  /** To be called within a rule: nothing is written from there on, nor answered. */
  die() {
    this.#died = true;
    throw new PowerCut();
  }

  /** Runs the script of a scripted REST resource for a request, as `user`. Gives its answer; none where the node died. */
  run(script, { name, body, headers = {} }, user = { id: "u1", name: "tech.demo" }) {
    const answer = { headers: {}, text: "" };
    const request = {
      pathParams: { name },
      body: body === undefined ? null : { data: structuredClone(body) },
      getHeader: (wanted) => Object.entries(headers).find(([given]) => given.toLowerCase() === wanted.toLowerCase())?.[1] ?? null,
    };
    const response = {
      setContentType: (type) => void (answer.type = type),
      setStatus: (status) => void (answer.status = status),
      setHeader: (header, value) => void (answer.headers[header] = value),
      getStreamWriter: () => ({ writeString: (text) => void (answer.text += text) }),
    };
    try {
      runInNewContext(script, { request, response, ...this.#classes(user) });
    } catch (error) {
      if (!this.#died) throw error;
    }
    if (this.#died) {
      this.#died = false;
      return undefined;
    }
    return { ...answer, body: JSON.parse(answer.text) };
  }

  #alive() {
    if (this.#died) throw new PowerCut();
  }

  #refusal(verb, table, values) {
    for (const entry of [...this.#rules]) {
      const why = entry.verb === verb && entry.table === table && entry.rule(values);
      if (why) return why;
    }
    return undefined;
  }

  #set(table, row, values) {
    for (const [field, value] of Object.entries(values)) {
      const { longest = Infinity, journal } = this.#tables.get(table).fields[field] ?? {};
      const text = String(value ?? "").slice(0, longest);
      if (!journal) row[field] = text;
      else if (text) row[field] = [...(row[field] ?? []), text];
    }
  }

  #insert(table, values, user) {
    const { fields, rows } = this.#tables.get(table);
    const row = { sys_id: String(++this.#made).padStart(32, "0"), sys_created_by: user.name, sys_created_on: written(this.now) };
    this.#set(table, row, values);
    const isTaken = Object.entries(fields).some(([field, { unique }]) => unique && [...rows.values()].some((other) => other[field] === row[field]));
    if (isTaken && this.#throwsForTaken) throw new Error("Unique Key violation detected by database");
    if (isTaken) return null;
    rows.set(row.sys_id, row);
    return row.sys_id;
  }

  #classes(user) {
    const glide = this;

    class GlideRecord {
      #table;
      #terms = [];
      #found = [];
      #row = {};
      #values = {};
      #said = "";

      constructor(table) {
        this.#table = table;
      }

      isValidField(field) {
        return SYSTEM.includes(field) || field in glide.#tables.get(this.#table).fields;
      }

      newRecord() {
        this.#row = {};
        this.#values = {};
      }

      // A term of a field that is none is dropped.
      addQuery(field, value) {
        if (this.isValidField(field)) this.#terms.push([field, value]);
      }

      query() {
        glide.#alive();
        this.#found = glide.rows(this.#table).filter((row) => this.#terms.every(([field, value]) => row[field] === value));
      }

      next() {
        this.#row = this.#found.shift() ?? {};
        this.#values = {};
        return "sys_id" in this.#row;
      }

      get(sysId) {
        this.#terms = [["sys_id", sysId]];
        this.query();
        return this.next();
      }

      // What is empty is null.
      getValue(field) {
        return (this.#values[field] ?? this.#row[field]) || null;
      }

      getUniqueValue() {
        return this.getValue("sys_id");
      }

      getElement(field) {
        return { canWrite: () => !glide.column(this.#table, field)?.readOnly };
      }

      setValue(field, value) {
        if (this.isValidField(field)) this.#values[field] = value;
      }

      insert() {
        const values = this.#toWrite("insert");
        const sysId = values && glide.#insert(this.#table, values, user);
        if (sysId) this.get(sysId);
        return sysId || null;
      }

      update() {
        const row = glide.#tables.get(this.#table).rows.get(this.#row.sys_id);
        const values = row && this.#toWrite("update");
        if (!values) return null;
        glide.#set(this.#table, row, values);
        return row.sys_id;
      }

      deleteRecord() {
        glide.#alive();
        return glide.#tables.get(this.#table).rows.delete(this.#row.sys_id);
      }

      getLastErrorMessage() {
        return this.#said;
      }

      // `record.work_notes = …` sets a field, too.
      #toWrite(verb) {
        glide.#alive();
        for (const [field, value] of Object.entries(this)) this.setValue(field, value);
        const values = Object.fromEntries(Object.entries(this.#values).filter(([field]) => this.mayWrite(field)));
        this.#said = glide.#refusal(verb, this.#table, values) ?? "";
        return this.#said ? undefined : values;
      }

      mayWrite() {
        return true;
      }
    }

    // What the user may not write is emptied, and nobody is told.
    class GlideRecordSecure extends GlideRecord {
      mayWrite(field) {
        return this.getElement(field).canWrite();
      }
    }

    class GlideDateTime {
      #ms;

      constructor(text) {
        this.#ms = text ? Date.parse(`${text.replace(" ", "T")}Z`) : glide.now;
      }

      getNumericValue() {
        return this.#ms;
      }
    }

    const gs = { getUserID: () => user.id, getUserName: () => user.name };
    return { GlideRecord, GlideRecordSecure, GlideDateTime, gs };
  }
}
