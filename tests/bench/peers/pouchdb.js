// PouchDB: a document for the record, one for its outbox entry, in one `bulkDocs`; views for what is looked up.
import PouchDB from "pouchdb-browser";

import { temporaryId } from "../page/ids.js";

/** Outbox entries lie together, in the order of making. */
const ENTRY = "outbox:";
const AFTER = "outbox:\ufff0";

const VIEWS = {
  _id: "_design/records",
  views: {
    parent: { map: "function (doc) { if (doc.parent) emit(doc.parent); }" },
    assigned_to: { map: "function (doc) { if (doc.assigned_to) emit(doc.assigned_to); }" },
  },
};

const bare = ({ _id, _rev, ...fields }) => ({ sys_id: _id, ...fields });
const doc = ({ sys_id, ...fields }) => ({ _id: sys_id, ...fields });
const isRecord = ({ id }) => !id.startsWith(ENTRY) && !id.startsWith("_");
const gone = ({ _id, _rev }) => ({ _id, _rev, _deleted: true });

export async function open(name) {
  const db = new PouchDB(name);
  await db.put(VIEWS).catch((error) => {
    if (error.name !== "conflict") throw error;
  });
  let seq = Date.now() * 1000;

  async function save(docs) {
    for (const answer of await db.bulkDocs(docs)) if (answer.error) throw new Error(`${answer.id}: ${answer.message}`);
  }

  async function found(view, options) {
    return (await db.query(`records/${view}`, { ...options, include_docs: true })).rows.map((row) => row.doc);
  }

  async function createMany(fields) {
    const rows = fields.map((each) => ({ _id: temporaryId(), ...each }));
    const queued_at = Date.now();
    const entries = rows.map(({ _id }) => ({ _id: `${ENTRY}${++seq}`, kind: "create", record: _id, state: "queued", attempts: 0, queued_at }));
    await save([...rows, ...entries]);
    return rows.map((row) => row._id);
  }

  async function reconcile(entries, sent, made) {
    const ids = new Map(sent.map(({ _id }, at) => [_id, made[at].sys_id]));
    const moved = (row) => (ids.has(row.parent) ? { ...row, parent: ids.get(row.parent) } : row);
    const children = await found("parent", { keys: [...ids.keys()] });
    await save([
      ...sent.map(gone),
      ...made.map(doc).map(moved),
      ...children.filter(({ _id }) => !ids.has(_id)).map(moved),
      ...entries.map(gone),
    ]);
  }

  return {
    createMany,
    create: async (fields) => (await createMany([fields]))[0],
    async drain(answer, most) {
      for (;;) {
        const page = await db.allDocs({ startkey: ENTRY, endkey: AFTER, limit: most, include_docs: true });
        const entries = page.rows.map((row) => row.doc);
        if (entries.length === 0) return;
        const read = await db.allDocs({ keys: entries.map(({ record }) => record), include_docs: true });
        const sent = read.rows.map((row) => row.doc);
        await reconcile(entries, sent, answer(sent.map(bare)));
      }
    },
    seed: (rows) => save(rows.map(doc)),
    /** A view is brought up to date by the first query after a write. */
    async settle() {
      for (const view of Object.keys(VIEWS.views)) await db.query(`records/${view}`, { limit: 1 });
    },
    get: async (id) => bare(await db.get(id)),
    assignedTo: async (user) => (await found("assigned_to", { key: user })).map(bare),
    /** Their ids come before those of the other documents. */
    firstPage: async (most) => (await db.allDocs({ limit: most, include_docs: true })).rows.map((row) => bare(row.doc)),
    /** `info` would count outbox entries and views as well. */
    count: async () => (await db.allDocs()).rows.filter(isRecord).length,
    async all() {
      const { rows } = await db.allDocs({ include_docs: true });
      return rows.filter(isRecord).map((row) => bare(row.doc));
    },
    pending: async () => (await db.allDocs({ startkey: ENTRY, endkey: AFTER })).rows.length,
    close: () => db.close(),
  };
}
