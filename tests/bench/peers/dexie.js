// Dexie: one transaction over both tables, bulk calls as its docs recommend them for many rows.
import Dexie from "dexie";

import { temporaryId } from "../page/ids.js";

export async function open(name, { durability }) {
  const db = new Dexie(name, { chromeTransactionDurability: durability });
  db.version(1).stores({ records: "sys_id, parent, assigned_to", outbox: "++seq" });
  await db.open();

  async function createMany(fields) {
    const rows = fields.map((each) => ({ sys_id: temporaryId(), ...each }));
    const queued_at = Date.now();
    const entries = rows.map(({ sys_id }) => ({ kind: "create", sys_id, state: "queued", attempts: 0, queued_at }));
    await db.transaction("rw", db.records, db.outbox, async () => {
      await Promise.all([db.records.bulkAdd(rows), db.outbox.bulkAdd(entries)]);
    });
    return rows.map((row) => row.sys_id);
  }

  async function create(fields) {
    const row = { sys_id: temporaryId(), ...fields };
    const entry = { kind: "create", sys_id: row.sys_id, state: "queued", attempts: 0, queued_at: Date.now() };
    await db.transaction("rw", db.records, db.outbox, async () => {
      await Promise.all([db.records.add(row), db.outbox.add(entry)]);
    });
    return row.sys_id;
  }

  function reconcile(entries, made) {
    const temporary = entries.map(({ sys_id }) => sys_id);
    const ids = new Map(temporary.map((id, at) => [id, made[at].sys_id]));
    const moved = (row) => (ids.has(row.parent) ? { ...row, parent: ids.get(row.parent) } : row);
    return db.transaction("rw", db.records, db.outbox, async () => {
      const children = await db.records.where("parent").anyOf(temporary).toArray();
      await Promise.all([
        db.records.bulkDelete(temporary),
        db.records.bulkPut([...made, ...children.filter(({ sys_id }) => !ids.has(sys_id))].map(moved)),
        db.outbox.bulkDelete(entries.map(({ seq }) => seq)),
      ]);
    });
  }

  return {
    createMany,
    create,
    async drain(answer, most) {
      for (;;) {
        const entries = await db.outbox.limit(most).toArray();
        if (entries.length === 0) return;
        await reconcile(entries, answer(await db.records.bulkGet(entries.map(({ sys_id }) => sys_id))));
      }
    },
    seed: (rows) => db.records.bulkPut(rows),
    get: (id) => db.records.get(id),
    assignedTo: (user) => db.records.where("assigned_to").equals(user).toArray(),
    firstPage: (most) => db.records.limit(most).toArray(),
    count: () => db.records.count(),
    all: () => db.records.toArray(),
    pending: () => db.outbox.count(),
    close: () => db.close(),
  };
}
