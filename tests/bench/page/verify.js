// Whether a contestant has done its job: row by row, outside of the timed part.
import { asMade, permanentId, record } from "./records.js";

const TEMPORARY = /tmp_[0-9a-f]{32}/;

/** Landfall gives the system's times as ISO 8601. */
const plain = (value) => String(value ?? "").replace(/^([\d-]{10})T([\d:]{8})Z$/, "$1 $2");

function differs(row, expected) {
  for (const [field, value] of Object.entries(expected)) {
    if (plain(row[field]) !== value) return `${expected.number}: ${field} is ${row[field]}, not ${value}`;
  }
  return undefined;
}

function byNumber(rows, kinds) {
  const found = new Map();
  for (const row of rows) {
    if (!kinds.some((kind) => row.number.startsWith(kind))) continue;
    if (found.has(row.number)) throw new Error(`${row.number} is there twice.`);
    found.set(row.number, row);
  }
  return found;
}

function each(rows, kinds, expected) {
  const found = byNumber(rows, kinds);
  if (found.size !== expected.length) throw new Error(`${found.size} records, not ${expected.length}.`);
  for (const row of expected) {
    const wrong = found.has(row.number) ? differs(found.get(row.number), row) : `${row.number} is missing`;
    if (wrong) throw new Error(`${wrong}.`);
  }
  return found;
}

/** All that was made is there under its temporary id, and waits to be sent. */
export async function saved(db, made) {
  each(await db.all(), ["INC"], made);
  const pending = await db.pending();
  if (pending !== made.length) throw new Error(`${pending} wait to be sent, not ${made.length}.`);
}

/** All is there as the instance has it, all that pointed to a temporary id points to the permanent one, nothing waits. */
export async function reconciled(db, { seed, first, parents, children }) {
  const expected = [];
  for (let number = first; number < first + parents; number++) {
    expected.push(asMade(record({ seed, kind: "INC", number })));
    const parent = permanentId("record", record({ seed, kind: "INC", number }).number);
    for (let child = 0; child < children; child++) {
      expected.push(asMade(record({ seed, kind: "TSK", number: number * children + child, parent })));
    }
  }
  const numbers = new Set(expected.map(({ number }) => number));
  for (const row of expected) delete row.correlation_id;
  const rows = (await db.all()).filter(({ number }) => numbers.has(number));
  for (const { correlation_id, ...row } of each(rows, ["INC", "TSK"], expected).values()) {
    if (!TEMPORARY.test(correlation_id)) throw new Error(`${row.number} does not say what it was.`);
    if (TEMPORARY.test(JSON.stringify(row))) throw new Error(`${row.number} has a temporary id left.`);
  }
  const pending = await db.pending();
  if (pending !== 0) throw new Error(`${pending} still wait to be sent.`);
}
