import { LandfallError } from "./error.js";

const TAG = "landfall";

/**
 * Sends what is unsent while no page is open. Call it while the service worker's script first runs: a browser
 * that starts the worker for an event asks only the listeners that are there by then.
 */
export function serve(boot) {
  if (typeof boot !== "function") throw new TypeError("serve() takes a function that opens the database.");
  let last = Promise.resolve();

  /** One after the other: what was written since a run last looked is seen by the next. */
  function drain() {
    const next = last.then(() => drainOnce(boot));
    last = next.catch(() => {});
    return next;
  }

  self.addEventListener("sync", (event) => {
    if (event.tag !== TAG) return;
    event.waitUntil(
      drain().catch(async (error) => {
        // A failed event comes again by itself, but not for ever: the last one orders a new one. Never before,
        // since a tag registered while it fires fires again at once.
        if (event.lastChance && error?.retryable !== false) await register();
        throw error;
      }),
    );
  });

  self.addEventListener("message", (event) => {
    // A page's `doctor` asks whether anybody listens.
    if (event.data?.type === "landfall:serves") event.ports[0]?.postMessage(true);
    if (event.data?.type !== "landfall:sync") return;
    event.waitUntil(drain().catch(later));
  });

  self.addEventListener("activate", () => {
    // Not held up by it: until activation ends, the browser holds back every request of the pages.
    drain().catch(later);
  });
}

/**
 * `boot` is asked anew each time: between two events another user may have signed in, and whoever is signed in
 * now must not send what the one before left. The same database opened twice costs nothing.
 */
async function drainOnce(boot) {
  const db = await boot();
  const report = await db?.sync({ pull: false });
  // Offline without a request is offline by the user's word: no event of the browser ends that.
  const unreachable = report?.endedBy === "offline" && report.requests > 0;
  // What waits for its time alone goes by itself later, and here nobody is left who could wait for it.
  const isTimed = async () => (await db.outbox.list({ state: ["queued", "unknown"], limit: 100 })).some((item) => item.nextAttemptAt);
  if (report?.remaining > 0 && (unreachable || report.endedBy === "backoff" || (report.endedBy === "done" && (await isTimed())))) {
    throw new LandfallError("unreachable", true, "The instance could not be reached. Unsent records stay on this device.");
  }
}

/** Nobody waits for the outcome: the browser is asked for an event of its own. */
async function later(error) {
  if (error?.retryable === false) console.error(error);
  else await register();
}

async function register() {
  try {
    await self.registration.sync?.register(TAG);
  } catch {
    // Turned off by the user, or not allowed in this window: pages send it when they are next open.
  }
}
