// What this version of Landfall offers. Times are ISO 8601 strings in UTC unless a name ends in `Ms`.

import type { CacheOptions, OpenOptions } from "./options.js";
import type { LiveQuery, QueryPlan } from "./queries.js";
export type { LiveQuery, QueryPlan } from "./queries.js";
export type { CacheOptions, InstanceOptions, OpenOptions, TableOptions } from "./options.js";

/**
 * Loads the WebAssembly module. `open` does so by itself; call this to do it sooner, or with a module from elsewhere:
 * a cache, or a bundler's asset URL. Only the first call loads. Importing the package in Node loads nothing.
 */
export default function init(module?: URL | Request | Response | BufferSource | WebAssembly.Module): Promise<unknown>;

/**
 * Opens (creating or upgrading) the local database of one user of one instance.
 *
 * Opened a second time in the same page, it is the same database and the other options are those of the first time;
 * with other tables it is refused (`contradicting_tables`) until every handle is closed.
 */
export function open(options: OpenOptions): Promise<Landfall>;

export interface Landfall {
  /** A table declared in the options. An undeclared one is refused by the calls (`unknown_table`). */
  table<T extends object = Record<string, unknown>>(name: string): Table<T>;

  /**
   * Sends what is due, reconciles, then pulls. Joins a run under way in another tab. Resolves when nothing more can
   * move now; a refused record is reported, not thrown.
   */
  sync(options?: {
    push?: boolean;
    pull?: boolean;
    signal?: AbortSignal;
    onProgress?: (p: Progress) => void;
  }): Promise<SyncReport>;
  /** "offline" holds all traffic until "auto" again, whatever the network says. Kept on disk. */
  setMode(mode: "auto" | "offline"): Promise<void>;
  /** Ends a pause for sign-in. */
  signedIn(): void;
  status(): Promise<Status>;
  /**
   * Several writes, all or none on this device, each seeing those before it; what they make is sent together, parents
   * first. When another tab has changed meanwhile what `work` has read, `work` is run again: keep side effects out of
   * it. What it throws is thrown on, and nothing is written.
   */
  transaction<R>(work: (tx: Transaction) => R | Promise<R>): Promise<R>;
  /**
   * Registers a write-back action; do it in every page and worker that may sync. What is registered later under the
   * same name takes its place.
   */
  action<I, R = unknown>(name: string, steps: ActionSteps<I, R>): void;
  /**
   * Runs an action: its offline step now, in one transaction with the action's item; its online step now, or on
   * reconnect. `outbox.settled(item)` tells what came of it. `records` are those that the offline step has changed.
   */
  run<I>(name: string, input: I): Promise<{ item: string; records: Ref[] }>;
  outbox: Outbox;

  /**
   * The permanent sys_id once known, else the id given. On this device old temporary ids resolve for ever; one from
   * another device is asked of the instance, when online, for five seconds at most.
   */
  resolveId(sysId: string): Promise<string>;

  /**
   * Has a record, and what `include` names (or, without it, what its table's cache includes), on the device until
   * `unpin`, and refreshes it with the cached tables: what leaves its table's query stays. Saved when it resolves; the
   * record is there then, too, if the instance could be asked, and else after the next sync. A temporary sys_id may be
   * pinned. What the instance has no more goes, pinned or not, unless it was opened or made here.
   */
  pin(table: string, sysId: string, options?: { include?: CacheOptions["include"] }): Promise<void>;
  /** What is here for no other reason goes at the next refresh. */
  unpin(table: string, sysId: string): Promise<void>;

  /** Adds a listener. Call the function it gives back to take the listener away. */
  on<K extends keyof Events>(event: K, listener: (e: Events[K]) => void): () => void;

  /** Every place a temporary id is still held, and whether it should be. Empty `orphans` is the healthy answer. */
  audit(): Promise<{
    records: number;
    temporary: number;
    orphans: { table: string; sys_id: string; path: string; id: string }[];
  }>;

  /**
   * What a new set-up gets wrong, looked for one by one: the way to the instance, sign-in, each declared table, batch,
   * deletions, limits, storage, service worker. It takes some requests, which only read; in mode "offline" none. So what it
   * cannot tell is what this user may write. Whatever is wrong is a finding, with a sentence on what to do about it, and not
   * an error.
   */
  doctor(): Promise<Finding[]>;

  /** Gives this handle back, and its listeners. The last one closes the database. */
  close(): Promise<void>;
  /** Refuses while unsent work exists (`unsent_work`) unless `discardUnsent` is true. */
  deleteDatabase(options?: { discardUnsent?: boolean }): Promise<void>;
}

/** What `doctor` has found about one thing. More kinds of `check` may come. */
export interface Finding {
  check:
    | "reachable"
    | "cors"
    | "signIn"
    | "extras"
    | "table"
    | "correlation"
    | "batch"
    | "deletions"
    | "rateLimits"
    | "storage"
    | "locks"
    | "serviceWorker";
  table?: string;
  /** "warning": it works, with a drawback. "unknown": it could not be looked at. */
  state: "good" | "warning" | "bad" | "unknown";
  /** A sentence. */
  message: string;
  /** What to do about it: with "warning" and "bad". */
  advice?: string;
}

export type SyncState =
  | "synced" //     as on the instance
  | "local" //      created here, not yet on the instance: the yellow mark
  | "changed" //    exists on the instance, with unsent edits
  | "deleted" //    deleted here, not yet on the instance
  | "sending"
  | "waiting" //    held back by another record, by sign-in, or by an answer that never came; `reason` says which
  | "refused" //    the instance said no; `reason` is its answer
  | "conflict"; //  both sides changed the same field

export type Row<T> = T & {
  sys_id: string;
  /** Never sent to the instance. */
  readonly $sync: {
    state: SyncState;
    isTemporary: boolean;
    reason?: string;
    changedAt?: string;
    fetchedAt?: string;
    /** In a conflict, the instance's values of the fields in question. */
    theirs?: Partial<T>;
    /** Fields the instance did not keep as sent. */
    notKept?: string[];
  };
};

/**
 * An encoded query, as on the instance ("state=2^priorityIN1,2^ORDERBYDESCopened_at"), or the simple cases as an
 * object. In `orderBy`, "-opened_at" is descending.
 */
export type Query<T> = string | { equals?: Partial<T>; orderBy?: string | string[] };

export interface Table<T> {
  /** Resolves once the record is saved on this device. What is not JSON is refused (`not_json`). */
  create(fields: Partial<T>): Promise<Row<T>>;
  /** One transaction: all or none. */
  createMany(fields: Partial<T>[]): Promise<Row<T>[]>;
  /**
   * By the temporary or the permanent sys_id. `remote` asks the instance when online, each time or if the record is not
   * here; what it answers, and what the table's cache includes, stays on the device: a record that the table's query has
   * never found does, too. One that the instance does not have, or show, goes, unless unsent work is about it or mentions
   * it. Offline, or where the instance does not answer within five seconds (something long is being sent, or the line
   * is slow), it is what is here; what comes later is a `change` event.
   */
  get(sysId: string, options?: { remote?: "ifMissing" | "always"; deleted?: boolean }): Promise<Row<T> | undefined>;
  /** `undefined` leaves a field alone, `null` clears it; `sys_id` and `$sync` are ignored. */
  update(sysId: string, changes: { [K in keyof T]?: T[K] | null | undefined }): Promise<Row<T>>;
  delete(sysId: string): Promise<void>;
  query(query?: Query<T>, options?: { limit?: number; offset?: number }): Promise<Row<T>[]>;
  count(query?: Query<T>): Promise<number>;
  /**
   * The answer now and after every change that alters it, from whichever tab or worker, once for each transaction. It is asked
   * for as long as anybody listens. What is wrong with the query is told to the observer's `error`, which ends it.
   */
  liveQuery(query?: Query<T>, options?: { limit?: number; offset?: number }): LiveQuery<Row<T>[]>;
  /** How a query is answered on this device, for who looks for a slow one. */
  explain(query?: Query<T>): Promise<QueryPlan>;
  /**
   * The user's word on a record in conflict (`$sync.state`): what was changed here is sent ("mine"), or the fields in
   * `$sync.theirs` are given up ("theirs"; under `conflict: "ask"` all unsent changes of the record are), or values for some
   * or all of these fields. Where nothing is in conflict any more nothing happens; a field that is not is refused
   * (`not_in_conflict`).
   */
  resolveConflict(sysId: string, choice: "mine" | "theirs" | Partial<T>): Promise<Row<T>>;
}

/** What `transaction` gives to its `work`. Of no use once `work` has ended (`transaction_over`). */
export interface Transaction {
  table<T extends object = Record<string, unknown>>(name: string): Pick<Table<T>, "create" | "get" | "update" | "delete">;
}

export interface ActionSteps<I, R = unknown> {
  /**
   * Changes records of this device only, through `tx`; its writes are not sent as such, the online step brings them
   * about. It may run more than once before it is saved: keep side effects out of it, `db` too. Await each
   * call: one that is still under way when it ends fails the whole (`transaction_over`).
   */
  offline?: (tx: Transaction, input: I) => void | Promise<void>;
  /**
   * Runs on reconnect, in whichever page or worker sends. Leave it out to have the instance run it, by its extras. What
   * it throws is the refusal. One that was cut runs again from its beginning; what does not end within five minutes is
   * run again later, and nothing else is sent while it runs.
   *
   * Actions begin in the order in which the user acted. One that has to be tried again holds up what changes a record that
   * it changed or names, and what names a record that it changed. Two that only name the same record (a user, say) do not
   * wait for each other: what is to, changes it in its offline step.
   */
  online?: (step: OnlineStep, input: I) => R | Promise<R>;
  /**
   * Your word that `addRecordForSync` names records of a table in the order the offline step created them. Default
   * false.
   */
  pairsInOrder?: boolean;
  /**
   * Consecutive unsent runs that give the same become one, the latest input kept: its offline step takes the place of
   * theirs. A temporary sys_id in what it gives is the permanent one once that is known.
   */
  consolidate?: (input: I) => string;
}

/** What an online step is given. Of no use once the step has ended. */
export interface OnlineStep {
  /**
   * Authenticated fetch; `path` is below the instance's URL, or begins with a slash and is the same server's. A call
   * that changes something is noted before it leaves, and when it is answered: should the step be cut and run again,
   * what was answered is answered again without being sent, and what was not goes again as it went first, under the
   * same `Idempotency-Key` where the instance honours keys. Rejects with `unreachable` where no answer came: the whole
   * step is run again later, whatever it does about that.
   *
   * `key` tells the step's calls apart. Without one a call is known by its method and path, by the temporary id in its
   * correlation field or else by its body, and by how many of these the step made before: one whose body is another
   * each time the step runs needs a key.
   */
  fetch(path: string, init?: RequestInit & { key?: string }): Promise<Response>;
  /**
   * Names the instance's record for one made in the offline step. `temporary` may be left out where one record of that
   * table is open and one is named. Others that it names come to the device and stay, as one that is opened does, and
   * what it has changed is read again. Throws where `sysId` is empty, or `temporary` none of `records` (`bad_argument`). That the instance has no record of the id
   * which one made here was given is found out when it is read again: an `error` event, `not_found`.
   */
  addRecordForSync(table: string, sysId: string, temporary?: string): void;
  /** The records that the offline step made, by their temporary ids, in that order. */
  readonly records: Ref[];
  /** When the user acted. */
  readonly actedAt: string;
  readonly idempotencyKey: string;
}

export interface Outbox {
  /** What is unsent, oldest first; `after` is the id of the last item of the page before. */
  list(options?: { state?: OutboxItem["state"][]; limit?: number; after?: string }): Promise<OutboxItem[]>;
  /**
   * Resolves when the item leaves the outbox or is refused; of an action that is `unpaired`, when it was paired or
   * discarded. One that left before is still known for a while; after that, or after a reload, it is `not_found`.
   */
  settled(item: string, options?: { signal?: AbortSignal }): Promise<Receipt>;
  /**
   * Tries again now. One whose answer was lost is asked about first; where the instance cannot be asked, this is your
   * word that it is to be sent again.
   */
  retry(item: string): Promise<void>;
  /** Changes what will be sent, and the record with it, then tries again. Not while it may be at the instance. */
  edit(item: string, changes: Record<string, unknown>): Promise<void>;
  /**
   * Drops it and everything that depends on it, puts records back to what the instance last had, and says what went.
   * A change of a record that stays only loses the fields that pointed to what went.
   * What the instance may have carried out already (`unknown`) stays there.
   */
  discard(item: string): Promise<OutboxItem[]>;
  /**
   * Settles an action whose records the instance did not name clearly (`unpaired`): `temporary` is the instance's
   * record `sysId`. Once that is clear of all of them, all are reconciled. One that the online step has not named is
   * asked of the instance first: `not_pairable` where it has none such, or cannot be asked.
   */
  pair(item: string, temporary: string, sysId: string): Promise<void>;
}

/** A record, by name: its table and its sys_id, a temporary one until the instance has given another. */
export interface Ref {
  table: string;
  sys_id: string;
}

/** What came of an outbox item. */
export interface Receipt {
  /** The item's id, as `run` and `outbox.list` give it. */
  item: string;
  /** "refused": it is still in the outbox, with the reason. "discarded": `outbox.discard`, or its record was deleted before it left. */
  state: "done" | "refused" | "discarded";
  /** The records that it is about, by the ids they have now. */
  records: Ref[];
  /** What an action's online step gave back. */
  result?: unknown;
  /** The instance's answer, where it refused. */
  error?: OutboxItem["error"];
}

export interface OutboxItem {
  id: string;
  kind: "create" | "update" | "delete" | "action" | "attachment";
  /** Items of one transaction share it. */
  group?: string;
  table?: string;
  sys_id?: string;
  /** An action's name. */
  action?: string;
  /** The records that an action is about, instead of `table` and `sys_id`. */
  records?: Ref[];
  state: "queued" | "sending" | "unknown" | "waiting" | "refused" | "conflict" | "unpaired";
  attempts: number;
  queuedAt: string;
  nextAttemptAt?: string;
  dependsOn: string[];
  /** One plain sentence: why it is still here and what will move it. */
  explain: string;
  /** The instance's last answer, if any. */
  error?: { status: number; message: string; detail?: string };
  /** Of an `unpaired` action: the records made here that are open, and those of the instance that may be meant. See `pair`. */
  unpaired?: { open: Ref[]; named: Ref[] };
}

/** What one `sync` has come to. Counts are of this run alone, but for `remaining`. */
export interface SyncReport {
  /** Items that the instance has answered with yes. */
  sent: number;
  /** Temporary ids that became permanent. */
  reconciled: number;
  /** Items that the instance has answered with no. They stay in the outbox. */
  refused: number;
  /** Items that are held back by others now. */
  waiting: number;
  /** Rows that came from the instance. */
  pulled: number;
  /** Records that went, since the instance has them no more or their table's query does not find them any more. */
  removed: number;
  /** Requests that were made, probes included. */
  requests: number;
  /** Items in the outbox now. */
  remaining: number;
  /**
   * "done": nothing more can move now. "offline": the instance could not be reached, or the mode is "offline". "auth":
   * somebody has to sign in. "aborted": `signal` stopped it. "backoff": the instance asked for time.
   */
  endedBy: "done" | "offline" | "auth" | "aborted" | "backoff";
}

export interface Progress {
  phase: "push" | "pull" | "attachments";
  /** Items, or rows that came; rows that were read twice, twice. */
  done: number;
  /** Of how many, never fewer than `done`: of the tables begun so far, where the instance counts all of these. */
  total?: number;
}

export interface Status {
  mode: "auto" | "offline";
  online: boolean;
  syncing: boolean;
  /**
   * Why nothing is sent. "auth": somebody has to sign in, and then `signedIn()` ends it. "offline": the user
   * said so (`setMode`). "backoff": the instance did not answer or asked for time, and is tried again by itself. Whether
   * there is a network at all, `online` says.
   */
  paused?: "auth" | "offline" | "backoff";
  /** Items in the outbox, those refused and in conflict among them. */
  pending: number;
  refused: number;
  conflicts: number;
  /** Records that have no permanent sys_id yet. */
  temporary: number;
  oldestPendingAt?: string;
  lastSyncAt?: string;
  /**
   * What this instance cannot rule out, in plain sentences: e.g. tables without a correlation field. Empty is best.
   */
  caveats: string[];
  /** The cached tables. */
  cache: CachedTable[];
  storage: {
    usageBytes: number;
    quotaBytes: number;
    persisted: boolean;
    durability: "strict" | "relaxed";
    risk?: string;
  };
  /** What the browser threw away, while this page is open or before it was: see the event. */
  evicted?: Evicted;
}

export interface CachedTable {
  table: string;
  /** As of when what is here is as the instance has it. */
  fetchedAt?: string;
  /** Records that were brought. */
  rows: number;
  /**
   * How it is noticed what the instance has no more: by number, and then by what it has noted of its deletions ("audit":
   * `sys_audit_delete`, where this user may read it) or by all ids ("count"); or by all ids each time ("ids"): where it does
   * not count, where there are more records than `limit`, and beside a cached parent or child.
   */
  deletions: "audit" | "count" | "ids";
}

export interface Evicted {
  lastSeenAt: string;
  /** How much was unsent then, and is lost; what was saved after `lastSeenAt`, if anything, is not counted. */
  unsent: number;
}

export interface Events {
  change: { table: string; sys_ids: string[]; origin: "here" | "elsewhere" | "sync" };
  /** A temporary id became permanent. Sent in every tab and worker. */
  reconciled: { table: string; temporary: string; sys_id: string };
  /** An item has left the outbox, or was refused. Sent in every tab and worker. */
  settled: Receipt;
  outbox: { pending: number; refused: number; conflicts: number };
  status: Status;
  /** Work is pending, the instance is reachable, and nothing has moved for five minutes. Said again after as long. */
  stuck: { pending: number; explain: string };
  /**
   * The browser threw this user's database away, and an empty one has taken its place: the handle goes on with that,
   * and the cached tables are fetched again. Told to every page that has it open; if none had, to the next that opens
   * it, where a mark in `localStorage` outlived it. Also given to a listener added later.
   */
  evicted: Evicted;
  /**
   * A newer version of the app has upgraded the database to `byVersion` or beyond; this page must reload. Every call
   * is refused now (`superseded`); what had resolved is saved. With no listener it is an `error` event.
   */
  superseded: { byVersion: number };
  /**
   * Something failed outside anyone's call. With no listener it is printed to the console. `crashed`: the module has a
   * defect. All of this database's objects go on working, with the next call or, a moment later, without; what happened
   * meanwhile is in no event, so read again what is shown.
   */
  error: LandfallError;
}

/** Every error of Landfall. `message` is a sentence; `code` is stable. */
export class LandfallError extends Error {
  readonly code: string;
  /** Whether the same call may do better later. */
  readonly retryable: boolean;
}
