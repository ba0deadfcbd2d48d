// The jobs, as they run in a page of one contestant. What is timed is the contestant's; records are made before, and what
// it has at the end is looked at after.
import { Instance } from "./instance.js";
import { asMade, cached, OF_ONE, permanentId, record, user } from "./records.js";
import { reconciled, saved } from "./verify.js";

const words = new URLSearchParams(location.search);
const contestant = await import(`./peers/${words.get("peer")}.js`);
const instance = new Instance();
let db;

/** What is timed is counted, too, where counts.js is loaded: not what comes before and after. */
const spent = {};

async function timed(work) {
  globalThis.counts = spent;
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  globalThis.counts = {};
  return ms;
}

/** Another name is another database. */
async function open({ name, durability = "relaxed" }) {
  db = await contestant.open(name, { durability, fetch: instance.fetch });
}

/** Records in transactions of `per`; each points to one of the transaction before. */
async function bulk({ seed, count, per }) {
  const made = [];
  let ids = [];
  let ms = 0;
  for (let first = 0; first < count; first += per) {
    const parents = ids;
    const fields = Array.from({ length: Math.min(per, count - first) }, (_, at) =>
      record({ seed, kind: "INC", number: first + at, parent: parents[(at * 7) % parents.length] }),
    );
    ms += await timed(async () => (ids = await db.createMany(fields)));
    fields.forEach((each, at) => made.push({ ...each, sys_id: ids[at] }));
  }
  await saved(db, made);
  return { ms, count, bytes: JSON.stringify(made).length / count };
}

/** One after another; each points to the one before. */
async function singles({ seed, count, verify = true }) {
  const made = [];
  const times = [];
  let parent;
  for (let number = 0; number < count; number++) {
    const fields = record({ seed, kind: "INC", number, parent });
    times.push(await timed(async () => (parent = await db.create(fields))));
    made.push({ ...fields, sys_id: parent });
  }
  if (verify) await saved(db, made);
  return { times };
}

/** Parents first, then their children: so they go in order, a hundred at a time. */
async function prepare({ seed, first, parents, children }) {
  const PER = 100;
  const ids = [];
  for (let at = 0; at < parents; at += PER) {
    const numbers = Array.from({ length: Math.min(PER, parents - at) }, (_, each) => first + at + each);
    ids.push(...(await db.createMany(numbers.map((number) => record({ seed, kind: "INC", number })))));
  }
  for (let at = 0; at < parents * children; at += PER) {
    const numbers = Array.from({ length: Math.min(PER, parents * children - at) }, (_, each) => at + each);
    const child = (number) => record({ seed, kind: "TSK", number: first * children + number, parent: ids[Math.floor(number / children)] });
    await db.createMany(numbers.map(child));
  }
}

async function reconcile(job) {
  await prepare(job);
  let theirs = 0;
  const answer = (rows) => {
    const started = performance.now();
    const made = rows.map(asMade);
    theirs += performance.now() - started;
    return made;
  };
  const before = { ...instance.tally };
  const all = await timed(() => db.drain(answer, 100));
  theirs += instance.tally.ms - before.ms;
  await reconciled(db, job);
  const wire = Object.fromEntries(["requests", "sentBytes", "receivedBytes"].map((what) => [what, instance.tally[what] - before[what]]));
  return { ms: all - theirs, theirs, parents: job.parents, wire };
}

/** What the instance has: brought by a pull, or written as it came. */
async function seed({ seed: from, count }) {
  const STEP = 1_000;
  const ms = await timed(async () => {
    if (db.pull) {
      instance.rows = cached(from, count).sort((one, other) => (one.sys_id < other.sys_id ? -1 : 1));
      return db.pull();
    }
    for (let first = 0; first < count; first += STEP) await db.seed(cached(from, count, first, Math.min(count, first + STEP)));
  });
  instance.rows = [];
  await db.settle?.();
  const there = await db.count();
  if (there !== count) throw new Error(`${there} records beside, not ${count}.`);
  return { ms, first: permanentId("record", "OLD0000000") };
}

/** As many times as asked, or as often as is possible in five seconds, but twice; the first is not counted. */
async function repeated(times, work) {
  const taken = [];
  const until = performance.now() + 5_000;
  for (let at = 0; at <= times && (at < 2 || performance.now() < until); at++) taken.push(await timed(() => work(at)));
  return { times: taken.slice(1) };
}

function queries({ count, times }) {
  const users = Math.max(1, Math.floor(count / OF_ONE));
  return repeated(times, async (at) => {
    const who = user((at * 37) % users);
    const rows = await db.assignedTo(who);
    if (rows.length !== OF_ONE || rows.some(({ assigned_to }) => assigned_to !== who)) throw new Error(`${rows.length} of ${OF_ONE} were found.`);
  });
}

const firstPages = ({ times }) =>
  repeated(times, async () => {
    const rows = await db.firstPage(50);
    if (rows.length !== 50) throw new Error(`A page of ${rows.length}.`);
  });

const counting = ({ times, least }) =>
  repeated(times, async () => {
    if ((await db.count()) < least) throw new Error("It miscounts.");
  });

/** What a job asks of IndexedDB, by kind. */
async function counted(job, options) {
  await jobs[job](options);
  return spent;
}

const jobs = { open, bulk, singles, reconcile, seed, queries, firstPages, counting, counted, close: () => db.close() };
globalThis.run = async (job, ...options) => (await jobs[job](...options)) ?? {};
