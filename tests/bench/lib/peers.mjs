// Who takes part, and what is to be known of each beside its figures.

export const PEERS = {
  raw: { name: "raw", packages: [] },
  dexie: { name: "Dexie", packages: ["dexie"] },
  pouchdb: {
    name: "PouchDB",
    packages: ["pouchdb-browser"],
    notes: [
      "PouchDB promises no transaction: record and outbox entry are in one `bulkDocs`, whose documents fail or succeed one by one. It has no strict durability to ask for.",
    ],
  },
  rxdb: {
    name: "RxDB",
    packages: ["rxdb"],
    notes: [
      "RxDB, with its Dexie storage, has no transaction over two collections: the record and its outbox entry are two commits, and a permanent id is an insert, then a removal. It keeps what a query has found: the same one again, as for the first page and the count under Growth, is answered from memory.",
    ],
  },
  tanstack: {
    name: "TanStack DB",
    packages: ["@tanstack/db", "@tanstack/offline-transactions"],
    notes: [
      "TanStack DB with `offline-transactions` and an IndexedDB collection: an unsent record is on disk only inside its transaction's outbox row, one row for all the records of a transaction; the collection is read into memory as a whole when it is opened, and queries are answered from there. A stored transaction keeps the temporary ids of those before it; the app changes them as it sends. `offline-transactions` asks for an older TanStack DB, which has no IndexedDB collection, and is given the current one. It has no strict durability to ask for.",
    ],
  },
  landfall: {
    name: "Landfall",
    packages: [],
    notes: [
      "Landfall's outbox entry has all in it that is to be sent; those of the others name their record. Its reconcile is a whole `sync()` against a plain instance that answers in the page: it also marks what it sends, encodes and reads the Batch API's messages, takes its lease and tells its listeners. The others are handed their answers as objects. The time in which the answers are made is taken off for all.",
    ],
  },
};
