// A real panic, by no door of its own: a fresh id needs randomness, and where the browser gives none, the module panics.
import { LandfallError, open } from "./landfall/landfall.js";
import { device } from "./shared/device.js";
import { options } from "./shared/options.js";

export function breaks() {
  crypto.getRandomValues = () => {
    throw new Error("no randomness");
  };
}

export function mends() {
  delete crypto.getRandomValues;
}

/** A fetch that breaks the module once the instance has answered something that was sent. */
export function answersAndBreaks() {
  const through = async (request) => {
    const answer = await fetch(request);
    if (through.armed && request.method === "POST") {
      through.armed = false;
      breaks();
    }
    return answer;
  };
  return through;
}

const told = (error) => [error instanceof LandfallError, error.code, error.retryable];

export async function scenes({ user, autoSync }) {
  const fetch = answersAndBreaks();
  const given = { ...options, user, autoSync, instance: { ...options.instance, fetch } };
  const db = await open(given);
  // What was given is the app's: it may have other plans for it.
  given.tables = given.user = undefined;
  const incidents = db.table("incident");
  const { outbox } = db;
  const heard = [];
  db.on("reconciled", ({ temporary }) => heard.push(temporary));
  db.on("error", ({ code }) => heard.push(code));
  db.on("outbox", () => heard.push("never"))();
  db.action("close", { offline: (tx, id) => tx.table("incident").update(id, { state: "7" }), online() {} });

  return {
    ...device(db),
    heard: () => heard,
    named: (words) => incidents.count(`short_description=${words}`),
    unsent: async () => (await outbox.list()).length,
    acts: async (id) => (await db.run("close", id)).records.length,
    status: () => db.status().then(({ pending }) => pending, told),
    async breaksWriting(words) {
      breaks();
      const pending = [incidents.create({ short_description: words }), db.transaction(() => new Promise(() => {}))];
      const whys = await Promise.all(pending.map((one) => one.then(() => "done", told)));
      mends();
      return whys;
    },
    async breaksSending() {
      fetch.armed = true;
      const why = await db.sync().then(() => "done", told);
      mends();
      return why;
    },
    /** It sends by itself. */
    breaksOnceSent() {
      fetch.armed = true;
      db.on("error", mends);
    },
    async breaksEachTime(times) {
      breaks();
      const whys = [];
      for (let time = 0; time < times; time += 1) whys.push(await incidents.create({}).then(() => "done", told));
      mends();
      return whys;
    },
    async locks() {
      const { held, pending } = await navigator.locks.query();
      return [...held, ...pending].map(({ name }) => name).filter((name) => name.includes(user));
    },
    /** Whether another, newer version of the app gets the database at once. */
    upgraded: () =>
      new Promise((resolve) => {
        const asked = indexedDB.open(`landfall/consumer//api/now/${user}`, 99);
        asked.onblocked = () => resolve("blocked");
        asked.onsuccess = () => resolve(asked.result.close());
      }),
    close: () => db.close(),
  };
}
