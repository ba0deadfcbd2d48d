// A program of an app: all that the contract offers, put to use. It is never run; it is checked against the package and against
// the contract, so that what is proved of one is true of the other.
import init, { LandfallError, open } from "landfall";
import type { ActionSteps, CacheOptions, Events, Landfall, OnlineStep, OpenOptions, OutboxItem, Progress, Query, Receipt, Ref, Row, Status, SyncReport, SyncState, Table, TableOptions, Transaction } from "landfall";

interface Incident { number: string; short_description: string; priority: number; active: boolean; assigned_to: string | null }
interface Task { parent: string; short_description: string }

const cache: CacheOptions = { query: "active=true", limit: 500, fields: ["number"], include: ["caller_id.location", { from: "task_time_worked", field: "task", limit: 10 }], refresh: { onOpen: true, onReconnect: false, everyMs: 60_000 }, maxAgeMs: 86_400_000 };
const incident: TableOptions = { extends: "task", types: { priority: "integer", active: "boolean", opened_at: "datetime" }, indexes: ["number", ["active", "priority"]], references: { assigned_to: "sys_user", watch_list: ["sys_user"], document: { table: "document_table" } }, journals: ["work_notes"], correlationField: null, actedAtField: "u_acted_at", conflict: "merge", unknown: "ask", cache };
const options: OpenOptions = {
  name: "field",
  user: "tech",
  instance: { url: "/api/now", extras: false, batchSize: 10, credentials: "include", fetch: (input, requested) => fetch(input, requested) },
  auth: async (reason) => (reason === "expired" ? { Authorization: "new" } : { Authorization: "old" }),
  tables: { incident, wm_task: {} },
  durability: "relaxed",
  autoSync: false,
};

export async function load(response: Response, bytes: ArrayBuffer, module: WebAssembly.Module): Promise<void> {
  await init();
  await init(new URL("https://example.com/landfall.wasm"));
  await init(new Request("/landfall.wasm"));
  await init(response);
  await init(bytes);
  await init(new Uint8Array(bytes));
  await init(module);
}

export async function records(db: Landfall): Promise<string> {
  const incidents: Table<Incident> = db.table<Incident>("incident");
  const made: Row<Incident> = await incidents.create({ short_description: "Belt 4 stuck", priority: 2 });
  const many: Row<Incident>[] = await incidents.createMany([{ active: true }, {}]);
  const state: SyncState = made.$sync.state;
  const theirs: Partial<Incident> | undefined = made.$sync.theirs;
  const words: string[] = [state, made.$sync.reason ?? "", made.$sync.changedAt ?? "", made.$sync.fetchedAt ?? "", String(made.$sync.isTemporary), ...(made.$sync.notKept ?? []), theirs?.number ?? "", ...many.map((row) => row.sys_id)];
  const got: Row<Incident> | undefined = await incidents.get(made.sys_id, { remote: "ifMissing", deleted: true });
  await incidents.update(made.sys_id, { assigned_to: null, short_description: null, priority: 1 });
  await incidents.delete(made.sys_id);
  const query: Query<Incident> = { equals: { active: true }, orderBy: ["priority", "-number"] };
  const found = [...(await incidents.query(query, { limit: 10, offset: 5 })), ...(await incidents.query("active=true")), ...(await incidents.query())];
  const count: number = (await incidents.count()) + (await incidents.count(query));
  const settled: Row<Incident> = await incidents.resolveConflict(made.sys_id, "mine");
  await incidents.resolveConflict(made.sys_id, { priority: 3 });
  const untyped: Row<Record<string, unknown>> = await db.table("cmdb_ci").create({ anything: 1 });
  const permanent: string = await db.resolveId(made.sys_id);
  await db.pin("incident", permanent, { include: cache.include });
  await db.unpin("incident", permanent);
  // @ts-expect-error: not a field
  await incidents.create({ short_descripton: "" });
  // @ts-expect-error: not of this type
  await incidents.update(made.sys_id, { priority: "high" });
  // @ts-expect-error: only read
  made.$sync = settled.$sync;
  return [...words, got?.number, String(count), String(untyped["anything"]), ...found.map((row) => row.short_description)].join();
}

export function transaction(db: Landfall): Promise<string> {
  return db.transaction(async (tx: Transaction) => {
    const parent = await tx.table<Incident>("incident").create({ short_description: "Belt 4" });
    const child = await tx.table<Task>("wm_task").create({ parent: parent.sys_id });
    await tx.table<Task>("wm_task").update(child.sys_id, { short_description: "Motor" });
    const read = await tx.table<Task>("wm_task").get(child.sys_id);
    await tx.table("wm_task").delete(child.sys_id);
    return read?.parent ?? parent.sys_id;
  });
}

interface Split { order: string; tasks: string[] }

export async function actions(db: Landfall): Promise<Ref[]> {
  const steps: ActionSteps<Split, number> = {
    offline: async (tx, { order, tasks }) => {
      for (const short_description of tasks) await tx.table<Task>("wm_task").create({ parent: order, short_description });
    },
    online: async (step: OnlineStep, { order }) => {
      const answer = await step.fetch(`table/wm_order/${order}`, { method: "PATCH", body: "{}", key: "order" });
      step.addRecordForSync("wm_task", "id");
      step.addRecordForSync("wm_task", "id", "tmp_0");
      return answer.status + step.actedAt.length + step.idempotencyKey.length;
    },
    pairsInOrder: true,
    consolidate: ({ order }) => order,
  };
  db.action("split_order", steps);
  db.action<Split>("close_order", { offline: () => {} });
  db.action("reassign", { online: (_step, input: { to: string }) => input.to });
  const { item, records } = await db.run<Split>("split_order", { order: "1", tasks: [] });
  await db.outbox.settled(item, { signal: AbortSignal.timeout(1000) });
  return records;
}

export async function outbox(db: Landfall): Promise<string> {
  const items: OutboxItem[] = await db.outbox.list({ state: ["refused", "unpaired"], limit: 10, after: "1" });
  const words = items.map(({ id, kind, group, table, sys_id, action, state, attempts, queuedAt, nextAttemptAt, dependsOn, explain, error }) => [id, kind, group, table, sys_id, action, state, attempts + 1, queuedAt, nextAttemptAt, ...dependsOn, explain, error?.status, error?.message, error?.detail].join());
  const [first] = items;
  if (!first) return "";
  const receipt: Receipt = await db.outbox.settled(first.id);
  await db.outbox.retry(first.id);
  await db.outbox.edit(first.id, { short_description: "mended" });
  await db.outbox.pair(first.id, "tmp_0", "id");
  const gone: OutboxItem[] = await db.outbox.discard(first.id);
  return [...words, receipt.state, receipt.item, receipt.error?.message, String(receipt.result), ...receipt.records.map((ref) => ref.table), gone.length].join();
}

export async function syncing(db: Landfall): Promise<number> {
  const report: SyncReport = await db.sync({ push: true, pull: false, signal: new AbortController().signal, onProgress: (progress: Progress) => console.log(progress.phase, progress.done, progress.total) });
  const ended: "done" | "offline" | "auth" | "aborted" | "backoff" = report.endedBy;
  await db.setMode("offline");
  db.signedIn();
  const status: Status = await db.status();
  const risk: string | undefined = status.storage.risk ?? status.evicted?.lastSeenAt ?? status.oldestPendingAt ?? status.lastSyncAt ?? status.paused;
  const { orphans, records, temporary } = await db.audit();
  const numbers = [report.sent, report.reconciled, report.refused, report.waiting, report.pulled, report.removed, report.requests, report.remaining, status.pending, status.refused, status.conflicts, status.temporary, status.storage.usageBytes, status.storage.quotaBytes, records, temporary, orphans.length];
  console.log(ended, risk, status.mode, status.online, status.syncing, status.caveats.join(), status.storage.persisted, status.storage.durability, orphans.map(({ table, sys_id, path, id }) => table + sys_id + path + id));
  return numbers.reduce((sum, number) => sum + number, 0);
}

export function events(db: Landfall): () => void {
  const offs = [
    db.on("change", ({ table, sys_ids, origin }) => console.log(table, sys_ids[0], origin === "elsewhere")),
    db.on("reconciled", ({ table, temporary, sys_id }) => console.log(table + temporary + sys_id)),
    db.on("settled", (receipt: Receipt) => console.log(receipt.state)),
    db.on("outbox", ({ pending, refused, conflicts }) => console.log(pending + refused + conflicts)),
    db.on("status", (status: Status) => console.log(status.mode)),
    db.on("stuck", ({ pending, explain }) => console.log(pending, explain)),
    db.on("evicted", (evicted: Events["evicted"]) => console.log(evicted.lastSeenAt)),
    db.on("superseded", ({ byVersion }) => console.log(byVersion + 1)),
    db.on("error", (error: LandfallError) => console.log(error.code, error.retryable, error.message)),
  ];
  return () => offs.forEach((off) => off());
}

export async function whole(): Promise<void> {
  const db: Landfall = await open(options);
  try {
    await records(db);
  } catch (error) {
    if (error instanceof LandfallError && !error.retryable) throw error;
  }
  await db.close();
  await db.deleteDatabase({ discardUnsent: true });
}
