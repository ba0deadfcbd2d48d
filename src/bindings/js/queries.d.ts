// Queries whose answers are kept up to date, and how queries are answered.

import type { LandfallError } from "./landfall.js";

/** An observable that also fits React's `useSyncExternalStore` and Svelte's stores. Its functions need no `this`. */
export interface LiveQuery<V> {
  /** Calls with the last answer at once, if there is one. */
  subscribe(observer: ((value: V) => void) | { next?: (value: V) => void; error?: (error: LandfallError) => void }): { (): void; unsubscribe(): void };
  /** The last answer; undefined before the first. The same object until it changes. */
  getSnapshot(): V | undefined;
}

/** How a query is answered. */
export interface QueryPlan {
  /** The fields of the index that is used; `null` where all records of the table are read. One that is new is used once it is filled. */
  index: string[] | null;
  /** What is found by that is looked through for the rest of what the query asks. */
  filtered: boolean;
  /** What is found by that is in another order, and all of it is read for the first page, too. */
  sorted: boolean;
}
