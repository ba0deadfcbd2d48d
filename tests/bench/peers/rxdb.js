// RxDB over its Dexie storage: a collection of records, one of outbox entries. It has no transaction over two
// collections, and a primary key cannot change: a record is removed and inserted anew.
import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageDexie } from "rxdb/plugins/storage-dexie";

import { temporaryId } from "../page/ids.js";

const text = { type: "string" };
const key = { type: "string", maxLength: 40 };
const own = ["number", "short_description", "description", "state", "priority", "impact", "category", "opened_at", "caller_id", "location"];
const made = ["correlation_id", "sys_created_on", "sys_updated_on", "sys_mod_count"];

const RECORDS = {
  version: 0,
  primaryKey: "sys_id",
  type: "object",
  properties: { sys_id: key, parent: key, assigned_to: key, ...Object.fromEntries([...own, ...made].map((name) => [name, text])) },
  // The Dexie storage has indexes over required fields only: none is "".
  required: ["sys_id", "parent", "assigned_to"],
  indexes: ["parent", "assigned_to"],
};

const OUTBOX = {
  version: 0,
  primaryKey: "seq",
  type: "object",
  properties: { seq: key, kind: text, record: key, state: text, attempts: { type: "number" }, queued_at: { type: "number" } },
  required: ["seq", "record"],
};

const bare = (document) => {
  const { parent, ...fields } = document.toMutableJSON();
  return parent === "" ? fields : { parent, ...fields };
};

const all = async (writing) => {
  const { error } = await writing;
  if (error.length > 0) throw new Error(`${error.length} were not written`);
};

export async function open(name, { durability }) {
  const storage = getRxStorageDexie({ chromeTransactionDurability: durability });
  const db = await createRxDatabase({ name, storage, eventReduce: true });
  const { records, outbox } = await db.addCollections({ records: { schema: RECORDS }, outbox: { schema: OUTBOX } });
  let seq = Date.now() * 1000;

  async function createMany(fields) {
    const rows = fields.map((each) => ({ sys_id: temporaryId(), parent: "", ...each }));
    const queued_at = Date.now();
    const entries = rows.map(({ sys_id }) => ({ seq: String(++seq), kind: "create", record: sys_id, state: "queued", attempts: 0, queued_at }));
    await Promise.all([all(records.bulkInsert(rows)), all(outbox.bulkInsert(entries))]);
    return rows.map((row) => row.sys_id);
  }

  async function reconcile(entries, answered) {
    const temporary = entries.map(({ record }) => record);
    const ids = new Map(temporary.map((id, at) => [id, answered[at].sys_id]));
    const children = await records.find({ selector: { parent: { $in: temporary } } }).exec();
    const moved = children
      .filter(({ sys_id }) => !ids.has(sys_id))
      .map((child) => ({ ...child.toMutableJSON(), parent: ids.get(child.parent) }));
    const rows = answered.map((row) => ({ ...row, parent: ids.get(row.parent) ?? row.parent ?? "" }));
    await Promise.all([all(records.bulkInsert(rows)), all(records.bulkUpsert(moved))]);
    await all(records.bulkRemove(temporary));
    await all(outbox.bulkRemove(entries.map((entry) => entry.seq)));
  }

  return {
    createMany,
    async create(fields) {
      const row = { sys_id: temporaryId(), parent: "", ...fields };
      const entry = { seq: String(++seq), kind: "create", record: row.sys_id, state: "queued", attempts: 0, queued_at: Date.now() };
      await Promise.all([records.insert(row), outbox.insert(entry)]);
      return row.sys_id;
    },
    async drain(answer, most) {
      for (;;) {
        const entries = await outbox.find({ sort: [{ seq: "asc" }], limit: most }).exec();
        if (entries.length === 0) return;
        const found = await records.findByIds(entries.map(({ record }) => record)).exec();
        await reconcile(entries, answer(entries.map(({ record }) => bare(found.get(record)))));
      }
    },
    seed: (rows) => all(records.bulkInsert(rows.map((row) => ({ parent: "", ...row })))),
    get: async (id) => bare(await records.findOne(id).exec()),
    assignedTo: async (user) => (await records.find({ selector: { assigned_to: user } }).exec()).map(bare),
    firstPage: async (most) => (await records.find({ limit: most }).exec()).map(bare),
    count: () => records.count().exec(),
    all: async () => (await records.find().exec()).map(bare),
    pending: () => outbox.count().exec(),
    close: () => db.close(),
  };
}
