import type { Landfall } from "./landfall.js";

/**
 * Sends unsent work from the service worker, by Background Sync where the browser has it.
 *
 * Call it at the top of the worker's script, not later; it loads nothing. `boot` is called when an event first needs the
 * database; it opens it with the same options the page uses, and registers the same actions. `undefined` means that nobody
 * is signed in. It may be called again for later events, since another user may have signed in. Where `auth` can only be
 * answered by a page, let it reject if there is none: the items wait for sign-in, and say so.
 *
 * Another page may ask for a sync with `registration.active.postMessage({ type: "landfall:sync" })`.
 */
export function serve(boot: () => Promise<Landfall | undefined>): void;
