// TanStack DB: an IndexedDB collection for the records, which lies in memory as a whole; offline-transactions for the
// outbox. What is unsent is a row of the outbox only, a row for a transaction, and shown from memory; its temporary ids
// are kept in a collection of their own once they have a permanent one, and changed in what goes after them.
import { BTreeIndex, createCollection, createIndexedDB, createTransaction, eq, indexedDBCollectionOptions, queryOnce } from "@tanstack/db";
import { IndexedDBAdapter, startOfflineExecutor } from "@tanstack/offline-transactions";

import { temporaryId } from "../page/ids.js";

/** `commit` resolves when all is sent: that something is saved is heard from the storage. */
class Storage extends IndexedDBAdapter {
  onSaved = () => {};
  async set(key, value) {
    await super.set(key, value);
    this.onSaved();
  }
}

class Switch {
  #listeners = new Set();
  #online = false;
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  notifyOnline() {
    for (const listener of this.#listeners) listener();
  }
  isOnline = () => this.#online;
  dispose = () => this.#listeners.clear();
  set online(online) {
    this.#online = online;
    if (online) this.notifyOnline();
  }
}

export async function open(name) {
  const db = await createIndexedDB({ name, version: 1, stores: ["records", "ids"] });
  const collection = (store, getKey) => createCollection(indexedDBCollectionOptions({ id: store, db, name: store, getKey }));
  const records = collection("records", (row) => row.sys_id);
  const ids = collection("ids", (row) => row.temporary);
  await Promise.all([records.preload(), ids.preload()]);
  records.createIndex((row) => row.assigned_to, { indexType: BTreeIndex });

  /** Into both collections, on disk when it resolves. */
  async function store(rows, known) {
    const transaction = createTransaction({
      mutationFn: async ({ transaction: own }) => {
        await records.utils.acceptMutations(own);
        if (known.length > 0) await ids.utils.acceptMutations(own);
      },
    });
    transaction.mutate(() => {
      records.insert(rows);
      if (known.length > 0) ids.insert(known);
    });
    await transaction.isPersisted.promise;
  }

  let answer;
  const storage = new Storage(`${name}-outbox`, "transactions");
  const network = new Switch();
  const executor = startOfflineExecutor({
    collections: { records },
    storage,
    onlineDetector: network,
    mutationFns: {
      async create({ transaction }) {
        const sent = transaction.mutations.map(({ modified }) => {
          const parent = ids.get(modified.parent)?.sys_id ?? modified.parent;
          return parent === undefined ? modified : { ...modified, parent };
        });
        const made = answer(sent);
        await store(made, sent.map(({ sys_id }, at) => ({ temporary: sys_id, sys_id: made[at].sys_id })));
      },
    },
  });
  await executor.waitForInit();
  const sending = [];

  async function createMany(fields) {
    const rows = fields.map((each) => ({ sys_id: temporaryId(), ...each }));
    const saved = new Promise((resolve) => (storage.onSaved = resolve));
    const transaction = executor.createOfflineTransaction({ mutationFnName: "create", autoCommit: false });
    transaction.mutate(() => {
      records.insert(rows);
    });
    sending.push(transaction.commit());
    await saved;
    return rows.map((row) => row.sys_id);
  }

  // Rows are given with properties of the collection's own ($key, $synced …).
  const bare = (row) => Object.fromEntries(Object.entries(row).filter(([field]) => !field.startsWith("$")));

  return {
    createMany,
    create: async (fields) => (await createMany([fields]))[0],
    /** As many go at once as were made in one transaction. */
    async drain(answered) {
      answer = answered;
      network.online = true;
      await Promise.all(sending.splice(0));
      network.online = false;
    },
    seed: (rows) => store(rows, []),
    get: async (id) => bare(records.get(id)),
    assignedTo: async (user) => (await queryOnce((q) => q.from({ row: records }).where(({ row }) => eq(row.assigned_to, user)))).map(bare),
    firstPage: async (most) => (await queryOnce((q) => q.from({ row: records }).orderBy(({ row }) => row.sys_id).limit(most))).map(bare),
    count: async () => records.size,
    all: async () => records.toArray.map(bare),
    pending: async () => (await executor.peekOutbox()).reduce((count, { mutations }) => count + mutations.length, 0),
    close() {
      executor.dispose();
      db.close();
    },
  };
}
