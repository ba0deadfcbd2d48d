// The open database and what every screen needs to know of it.
import init, { open } from "../landfall/landfall.js";
import { registerActions } from "../actions.js";
import { isPlain, options, user } from "../options.js";
import { gather } from "./timing.js";

export const plain = isPlain(location.href);

export let db;
export let status;
let watchers = [];

export async function openDevice() {
  await init();
  db = await open(options(plain));
  registerActions(db, { plain, user, me: async () => (await me())?.sys_id });
  // For the console and the whole-app tests.
  globalThis.landfall = db;
  status = await db.status();
  db.on("status", (next) => tell(next));
  db.on("outbox", gather(readStatus, 100));
}

// What keeps it from being read keeps everything else from being done, and is said there.
export async function readStatus() {
  try {
    tell(await db.status());
  } catch {}
  return status;
}

function tell(next) {
  status = next;
  for (const watcher of watchers) watcher(next);
}

// Calls at once and on every change; answers how to stop.
export function watchStatus(watcher) {
  watchers.push(watcher);
  watcher(status);
  return () => {
    watchers = watchers.filter((other) => other !== watcher);
  };
}

// Nothing but the user's own word or a failed attempt says offline: navigator.onLine alone is not believed.
export const isOffline = () => status.mode === "offline" || !status.online || status.paused === "offline";

// Calls `refresh` soon after anything in these tables changed.
export function watchTables(tables, refresh) {
  const soon = gather(refresh, 80);
  const stops = [
    db.on("change", (event) => tables.includes(event.table) && soon()),
    db.on("reconciled", (event) => tables.includes(event.table) && soon()),
    db.on("evicted", soon),
  ];
  return () => {
    soon.cancel();
    for (const stop of stops) stop();
  };
}

let myself;
export async function me() {
  myself ??= (await db.table("sys_user").query(`user_name=${user}`, { limit: 1 }))[0];
  return myself;
}
