// IndexedDB by hand, the practical limit of the plain layout: a row for the record, a row for its outbox entry, one
// transaction, requests issued without waiting for each other, `commit()`.
import { temporaryId } from "../page/ids.js";

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const committed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });

export async function open(name, { durability }) {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => {
    const records = opening.result.createObjectStore("records", { keyPath: "sys_id" });
    records.createIndex("parent", "parent");
    records.createIndex("assigned_to", "assigned_to");
    opening.result.createObjectStore("outbox", { keyPath: "seq", autoIncrement: true });
  };
  const db = await asked(opening);
  const read = () => db.transaction(["records", "outbox"], "readonly");
  const write = () => db.transaction(["records", "outbox"], "readwrite", { durability });

  async function createMany(fields) {
    const transaction = write();
    const records = transaction.objectStore("records");
    const outbox = transaction.objectStore("outbox");
    const rows = fields.map((each) => ({ sys_id: temporaryId(), ...each }));
    const queued_at = Date.now();
    for (const row of rows) {
      records.add(row);
      outbox.add({ kind: "create", sys_id: row.sys_id, state: "queued", attempts: 0, queued_at });
    }
    transaction.commit();
    await committed(transaction);
    return rows.map((row) => row.sys_id);
  }

  /** The oldest entries with their records. */
  function due(most) {
    return new Promise((resolve, reject) => {
      const transaction = read();
      const records = transaction.objectStore("records");
      const rows = [];
      let entries = [];
      transaction.objectStore("outbox").getAll(null, most).onsuccess = ({ target }) => {
        entries = target.result;
        entries.forEach(({ sys_id }, at) => {
          records.get(sys_id).onsuccess = ({ target }) => (rows[at] = target.result);
        });
      };
      transaction.oncomplete = () => resolve({ entries, rows });
      transaction.onabort = () => reject(transaction.error);
    });
  }

  /** Permanent ids in place of temporary ones, and in all that points to them, in one transaction. */
  function reconcile(entries, made) {
    const transaction = write();
    const records = transaction.objectStore("records");
    const outbox = transaction.objectStore("outbox");
    const byParent = records.index("parent");
    const ids = new Map(entries.map(({ sys_id }, at) => [sys_id, made[at].sys_id]));
    let open = entries.length;
    entries.forEach(({ sys_id }, at) => {
      const row = made[at];
      records.delete(sys_id);
      records.put(ids.has(row.parent) ? { ...row, parent: ids.get(row.parent) } : row);
      byParent.getAll(sys_id).onsuccess = ({ target }) => {
        for (const child of target.result) {
          if (!ids.has(child.sys_id)) records.put({ ...child, parent: row.sys_id });
        }
        if (--open === 0) transaction.commit();
      };
    });
    outbox.delete(IDBKeyRange.bound(entries[0].seq, entries.at(-1).seq));
    return committed(transaction);
  }

  return {
    createMany,
    create: async (fields) => (await createMany([fields]))[0],
    async drain(answer, most) {
      for (;;) {
        const { entries, rows } = await due(most);
        if (entries.length === 0) return;
        await reconcile(entries, answer(rows));
      }
    },
    async seed(rows) {
      const transaction = write();
      const records = transaction.objectStore("records");
      for (const row of rows) records.put(row);
      transaction.commit();
      await committed(transaction);
    },
    get: (id) => asked(read().objectStore("records").get(id)),
    assignedTo: (user) => asked(read().objectStore("records").index("assigned_to").getAll(user)),
    firstPage: (most) => asked(read().objectStore("records").getAll(null, most)),
    count: () => asked(read().objectStore("records").count()),
    all: () => asked(read().objectStore("records").getAll()),
    pending: () => asked(read().objectStore("outbox").count()),
    close: () => db.close(),
  };
}
