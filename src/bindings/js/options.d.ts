// What `open` is given. Times are in milliseconds where a name ends in `Ms`.

export interface OpenOptions {
  /** App name. The IndexedDB database is private to (name, instance.url, user). */
  name: string;
  /** Stable id of the signed-in user. */
  user: string;
  instance: InstanceOptions;
  /**
   * Headers for each request, asked for at send time and never stored. `reason` is "expired" after a 401. Reject to
   * pause until `signedIn()`.
   */
  auth?: (reason: "send" | "expired") => Record<string, string> | Promise<Record<string, string>>;
  tables: Record<string, TableOptions>;
  /** When local writes count as saved: flushed to disk ("strict", the default) or handed to the OS ("relaxed"). */
  durability?: "strict" | "relaxed";
  /** Sync by itself on reconnect, on focus, on Background Sync. Default true; false leaves it to `sync()`. */
  autoSync?: boolean;
}

export interface InstanceOptions {
  /** Root of the instance's REST API, e.g. "/api/now" or "https://x.service-now.com/api/now". */
  url: string;
  /** Where Landfall's extras live, e.g. "/api/landfall/v1"; false (the default) for an instance that has none. */
  extras?: string | false;
  /** Most requests in one Batch API call; 1 sends them singly. Left out, it adapts to how long the instance takes. */
  batchSize?: number;
  /**
   * As `fetch` takes it: whether requests carry cookies. Left out, the browser's default: "same-origin". Across origins say
   * "include" where it is cookies that sign the user in; the instance has to allow that by name.
   */
  credentials?: RequestCredentials;
  /** Used in place of the global fetch. */
  fetch?: typeof fetch;
}

export interface TableOptions {
  /** Parent table, as in "incident" extends "task": a reference to the parent finds the record here too. */
  extends?: string;
  /**
   * Types of fields that are not plain strings. The instance answers strings; this governs comparing, sorting and
   * indexing.
   */
  types?: Record<string, "integer" | "decimal" | "boolean" | "datetime">;
  /**
   * Fields (or compound lists of fields) that queries are to find records by. Accepted, and not used yet: queries read all
   * records of their table. Changing them needs no upgrade.
   */
  indexes?: (string | string[])[];
  /**
   * Field → table it points to; `[table]` for a comma-separated list; `{ table: field }` when another field names the
   * table.
   */
  references?: Record<string, string | [string] | { table: string }>;
  /** Append-only fields: each write is an entry of its own and is sent as one, never merged. */
  journals?: string[];
  /**
   * Field that carries the temporary sys_id to the instance, so that a create can be found again. Default
   * "correlation_id"; null if the table has none. Proved by reading it back. A value of the app's own for it is refused
   * (`bad_field`) until the record is at the instance.
   */
  correlationField?: string | null;
  /** Field that receives the time the user acted, which may be long before it is sent. */
  actedAtField?: string;
  /**
   * What to do where both sides changed a record. "merge" (the default): each side's changes, and where both have changed the
   * same field, the change waits for `resolveConflict`. "ask": it waits whichever fields it was. "client": what was changed
   * here is sent, nobody is asked. "server": what was changed here in the same fields is given up, and named in
   * `$sync.notKept`. Journals are never in conflict, nor are deletions; what an action changes, its online step decides about.
   */
  conflict?: "merge" | "client" | "server" | "ask";
  /**
   * What to do with a journal entry, or a call of an online step about this table, whose answer was lost where the instance
   * cannot be asked. A call about no table goes again if all tables say so whose records the action changed here; so does
   * an action that the instance runs, once it has forgotten its key. Default
   * "ask": it waits for `outbox.retry`.
   */
  unknown?: "ask" | "resend";
  /** Which records of the instance to have on the device. */
  cache?: CacheOptions;
}

export interface CacheOptions {
  /** Encoded query, e.g. "active=true^assigned_to=42^ORDERBYDESCsys_updated_on". */
  query?: string;
  /**
   * Most records. Where there are more, as many are read as a whole by each refresh; else all of them are read once, and
   * then what has changed. What the query has found and does not find any more goes at the next refresh, unless unsent work
   * needs it. What it has never found stays: opened, made here, or named by an action.
   */
  limit?: number;
  /**
   * Only these fields are brought, with those that the query names, those by which an `include` of any table leads on, the
   * correlation field, `actedAtField` and the system's (`sys_id`, `sys_class_name`, `sys_created_on`, `sys_updated_on`, `sys_mod_count`; not `sys_created_by` and `sys_updated_by`: name these if you want them). Left out, all are. The answer to a
   * write has all of them, and what is known of a record besides stays, as it was when it came. Another list brings the
   * table anew.
   */
  fields?: string[];
  /**
   * Associated records to have along: a path of reference fields ("caller_id.location"; lists too), or records of another
   * table that point here, the latest changed of each up to the limit (or 5,000). They come with each refresh, with a record that is
   * opened (`get`, `remote`) and with what an action has touched, and go at a refresh when nothing that is cached, opened
   * or pinned leads to them any more, unless unsent work mentions them. What came along brings nothing along itself.
   */
  include?: (string | { from: string; field: string; limit?: number })[];
  /**
   * When the table is refreshed by itself, where `autoSync` is on; a `sync()` refreshes all tables in any case. Several tabs
   * refresh it once. One whose parent or child is cached as well is refreshed along with that.
   */
  refresh?: {
    /** When the app is opened. Default true. */
    onOpen?: boolean;
    /** When the network comes back, or the user: signed in, "auto" again, or the page shown again. Default true. */
    onReconnect?: boolean;
    /**
     * So long after it was last refreshed, in this tab or another, before a reload or after, while a page is open; 1000 or
     * more. What falls due offline is made up for on reconnect. Default: never.
     */
    everyMs?: number;
    /**
     * Not while the browser says that the connection is paid for by what goes over it (`navigator.connection`: `saveData`, or
     * `type` "cellular"); as soon as it says so no more, what was left out is made up for. Few browsers tell; where one does
     * not, the table is refreshed. What is unsent is always sent. Default false.
     */
    onlyUnmetered?: boolean;
  };
  /**
   * Where the instance will not give the table, cached rows that it has not been seen to have for longer than this are
   * dropped: they go with the refusal, not while it cannot be reached. Never what unsent work needs, nor what is pinned
   * or goes along with that (while anything is pinned: nothing that an `include` leads to); 1000 or more.
   */
  maxAgeMs?: number;
}
