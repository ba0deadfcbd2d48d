// PouchDB: a document for the record, one for its outbox entry, one for each reference to a temporary id, in one
// `bulkDocs`. What is looked up lies together by its id, as its docs advise; a view only for what is queried.
import PouchDB from "pouchdb-browser";

import { temporaryId } from "../page/ids.js";

/** Outbox entries lie together, in the order of making; `mention:PARENT:CHILD` stands for a reference. */
const ENTRY = "outbox:";
const MENTION = "mention:";
const after = (prefix) => `${prefix}\ufff0`;

const VIEWS = {
  _id: "_design/records",
  views: { assigned_to: { map: "function (doc) { if (doc.assigned_to) emit(doc.assigned_to); }" } },
};

const isRecord = ({ id }) => !id.includes(":") && !id.startsWith("_");
const isTemporary = (id) => id?.startsWith("tmp_");
const bare = ({ _id, _rev, ...fields }) => ({ sys_id: _id, ...fields });
const doc = ({ sys_id, ...fields }) => ({ _id: sys_id, ...fields });
const gone = ({ _id, _rev }) => ({ _id, _rev, _deleted: true });

export async function open(name) {
  // Fifty, the default, would have a view of 100,000 records take a quarter of an hour.
  const db = new PouchDB(name, { view_update_changes_batch_size: 1_000 });
  await db.put(VIEWS).catch((error) => {
    if (error.name !== "conflict") throw error;
  });
  let seq = Date.now() * 1000;

  async function save(docs) {
    for (const answer of await db.bulkDocs(docs)) if (answer.error) throw new Error(`${answer.id}: ${answer.message}`);
  }

  async function docs(options) {
    return (await db.allDocs({ ...options, include_docs: true })).rows.map((row) => row.doc);
  }

  async function createMany(fields) {
    const rows = fields.map((each) => ({ _id: temporaryId(), ...each }));
    const queued_at = Date.now();
    const entries = rows.map(({ _id }) => ({ _id: `${ENTRY}${++seq}`, kind: "create", record: _id, state: "queued", attempts: 0, queued_at }));
    const mentions = rows.filter(({ parent }) => isTemporary(parent)).map(({ _id, parent }) => ({ _id: `${MENTION}${parent}:${_id}` }));
    await save([...rows, ...entries, ...mentions]);
    return rows.map((row) => row._id);
  }

  async function reconcile(entries, sent, made) {
    const ids = new Map(sent.map(({ _id }, at) => [_id, made[at].sys_id]));
    const moved = (row) => (ids.has(row.parent) ? { ...row, parent: ids.get(row.parent) } : row);
    // One range in place of a query for each: what was made together lies together.
    const order = [...ids.keys()].sort();
    const range = await docs({ startkey: MENTION + order[0], endkey: after(MENTION + order.at(-1)) });
    const mentions = range.filter(({ _id }) => ids.has(_id.split(":")[1]));
    const children = mentions.map(({ _id }) => _id.split(":")[2]).filter((id) => !ids.has(id));
    await save([
      ...sent.map(gone),
      ...made.map(doc).map(moved),
      ...(children.length > 0 ? await docs({ keys: children }) : []).map(moved),
      ...mentions.map(gone),
      ...entries.map(gone),
    ]);
  }

  return {
    createMany,
    create: async (fields) => (await createMany([fields]))[0],
    async drain(answer, most) {
      for (;;) {
        const entries = await docs({ startkey: ENTRY, endkey: after(ENTRY), limit: most });
        if (entries.length === 0) return;
        const sent = await docs({ keys: entries.map(({ record }) => record) });
        await reconcile(entries, sent, answer(sent.map(bare)));
      }
    },
    seed: (rows) => save(rows.map(doc)),
    /** A view is brought up to date by the first query after a write. */
    settle: () => db.query("records/assigned_to", { limit: 1 }),
    get: async (id) => bare(await db.get(id)),
    assignedTo: async (user) => (await db.query("records/assigned_to", { key: user, include_docs: true })).rows.map((row) => bare(row.doc)),
    /** Permanent ids come before those of the other documents. */
    firstPage: async (most) => (await docs({ limit: most })).map(bare),
    /** `info` would count the other documents as well. */
    count: async () => (await db.allDocs()).rows.filter(isRecord).length,
    all: async () => (await db.allDocs({ include_docs: true })).rows.filter(isRecord).map((row) => bare(row.doc)),
    pending: async () => (await db.allDocs({ startkey: ENTRY, endkey: after(ENTRY) })).rows.length,
    close: () => db.close(),
  };
}
