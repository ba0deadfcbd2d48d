// What the app holds. Should the module's instance die of a defect of its own, these outlive it: the next call makes another
// instance, opens the database there with the same options, and brings the app's actions and listeners back. What is saved
// is on disk; nothing else of a dead instance is used again.

import { __wbg_reset_state as startAnew, open as openDatabase } from "./wasm.js";
import { onCrash, revived } from "./crash.js";
import { LandfallError } from "./error.js";
import { live } from "./live.js";

/** How long nothing is opened again unless the app calls, longer each time: a defect that comes back at once must not spin. */
const FIRST_MS = 1_000;
const LONGEST_MS = 300_000;

/** As deep as anything that Landfall takes may be. */
const DEEPEST = 100;

/** What is opened again without being called: who listens, or has actions, and of each database one, for its syncing. */
const kept = new Set();

/** The number of the instance. */
let living = 0;
let crash;
let crashedAt = -Infinity;
let started = Promise.resolve();
let wait = FIRST_MS;
let timer;

onCrash((error) => {
  living += 1;
  crash = error;
  // Not at once: the dying instance is still on the stack.
  started = Promise.resolve().then(start);
  started.catch(() => {}).then(() => kept.forEach((handle) => handle.tell(error)));
  if (Date.now() - crashedAt > LONGEST_MS) wait = FIRST_MS;
  crashedAt = Date.now();
  openLater();
});

function start() {
  try {
    startAnew();
    revived();
  } catch {
    throw crash;
  }
}

function openLater() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const opened = [...kept].map((handle) => handle.again());
    Promise.all(opened).catch((error) => error !== crash && error.retryable && openLater());
  }, wait);
  wait = Math.min(wait * 2, LONGEST_MS);
}

/** Where there was no room for another instance, there may be now. */
function hasStarted() {
  started = started.catch(start);
  return started;
}

export async function open(options) {
  await hasStarted();
  const of = living;
  const db = await openDatabase(options);
  return new Landfall(new Handle(db, of, copy(options)));
}

/** One `open` of a database. */
class Handle {
  #db;
  #of;
  #options;
  #opening;
  #closed = false;
  #registered = new Map();
  #told = new Map();

  constructor(db, of, options) {
    this.#db = db;
    this.#of = of;
    this.#options = options;
    this.database = JSON.stringify([options.name, options.instance.url, options.user]);
    if (![...kept].some(({ database }) => database === this.database)) kept.add(this);
  }

  get lives() {
    return this.#of === living;
  }

  now(use, given) {
    try {
      return use(this.#db, given);
    } catch (thrown) {
      throw this.lives ? thrown : crash;
    }
  }

  /** At once, if it can be: what is given is the app's, and may be another thing a moment later. */
  call(use, given) {
    if (!this.lives) {
      const then = copy(given);
      return this.again().then(() => this.now(use, then));
    }
    try {
      return this.now(use, given);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Opens the database in the living instance. */
  again() {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open() {
    if (this.lives) return;
    if (this.#closed) throw new LandfallError("closed", false, "The database was closed.");
    await hasStarted();
    const of = living;
    const db = await openDatabase(this.#options);
    if (of !== living) throw crash;
    this.#db = db;
    this.#of = of;
    for (const [key, register] of this.#registered) {
      try {
        register(db);
      } catch (error) {
        this.#registered.delete(key);
        if (!this.tell(error)) console.error(error);
      }
    }
  }

  /** In this instance and in those that come after it. What one of these does not like is told as an event is. */
  #register(key, register) {
    if (this.lives) this.now(register);
    else this.again().catch(() => {});
    this.#registered.set(key, register);
    kept.add(this);
  }

  action(name, steps) {
    this.#register(name, (db) => db.action(name, steps));
  }

  on(event, listener) {
    const key = {};
    let remove;
    this.#register(key, (db) => {
      remove = db.on(event, listener);
    });
    if (event === "error") this.#told.set(key, listener);
    return () => {
      this.#registered.delete(key);
      this.#told.delete(key);
      if (this.lives) remove?.();
    };
  }

  /** Has `ask` called whenever the answer of `source` may be another. Gives what ends it. */
  watch(source, ask) {
    const key = {};
    this.#register(key, (db) => {
      source.of(db).begin(ask);
      ask();
    });
    return () => {
      this.#registered.delete(key);
      if (this.lives) this.now((db) => source.of(db).rest());
    };
  }

  /** What happened out of anyone's call. Whether anybody listens. */
  tell(error) {
    for (const listener of this.#told.values()) queueMicrotask(() => listener(error));
    return this.#told.size > 0;
  }

  async close() {
    this.ended();
    if (this.#opening) await this.#opening.catch(() => {});
    if (this.lives) await this.#db.close();
  }

  ended() {
    this.#closed = true;
    kept.delete(this);
  }
}

/** Something of a database, as the living instance has it. */
class Part {
  #handle;
  #make;
  #of;
  #part;

  constructor(handle, make) {
    this.#handle = handle;
    this.#make = make;
  }

  of(db) {
    if (this.#of !== db) {
      this.#part = this.#make(db);
      this.#of = db;
    }
    return this.#part;
  }

  call(name, given) {
    return this.#handle.call((db, given) => this.of(db)[name](...given), given);
  }
}

class Landfall {
  #handle;
  #part;

  constructor(handle) {
    this.#handle = handle;
    this.#part = new Part(handle, (db) => db);
    this.outbox = new Outbox(handle);
  }

  static call = (db, name, given) => db.#part.call(name, given);

  table(name) {
    return new Table(this.#handle, name);
  }

  action(name, steps) {
    this.#handle.action(name, steps);
  }

  on(event, listener) {
    return this.#handle.on(event, listener);
  }

  signedIn() {
    if (this.#handle.lives) this.#handle.now((db) => db.signedIn());
    else this.#part.call("signedIn", []).catch(() => {});
  }

  close() {
    return this.#handle.close();
  }

  async deleteDatabase(...given) {
    await this.#part.call("deleteDatabase", given);
    this.#handle.ended();
  }
}

class Table {
  #handle;
  #part;

  constructor(handle, name) {
    this.#handle = handle;
    this.#part = new Part(handle, (db) => db.table(name));
    // What is no name is refused at once.
    if (handle.lives) handle.now((db) => this.#part.of(db));
  }

  static call = (table, name, given) => table.#part.call(name, given);

  liveQuery(...given) {
    const [part, then] = [this.#part, copy(given)];
    const source = new Part(this.#handle, (db) => part.of(db).liveSource(...then));
    let rest;
    return live({
      begin: (ask) => {
        rest = this.#handle.watch(source, ask);
      },
      answer: () => source.call("answer", []),
      rest: () => rest(),
    });
  }
}

class Outbox {
  #part;

  constructor(handle) {
    this.#part = new Part(handle, (db) => db.outbox);
  }

  static call = (outbox, name, given) => outbox.#part.call(name, given);
}

const CALLS = [
  [Landfall, ["transaction", "run", "sync", "setMode", "status", "resolveId", "pin", "unpin", "audit", "doctor"]],
  [Table, ["create", "createMany", "get", "update", "resolveConflict", "delete", "query", "count", "explain"]],
  [Outbox, ["list", "settled", "retry", "edit", "pair", "discard"]],
];
for (const [kind, names] of CALLS) {
  for (const name of names) {
    const value = function (...given) {
      return kind.call(this, name, given);
    };
    Object.defineProperty(kind.prototype, name, { value, configurable: true, writable: true });
  }
}

/** Objects and lists as they are now; anything else is what it is. */
function copy(given, depth = 0) {
  if (depth > DEEPEST || given === null || typeof given !== "object") return given;
  if (Array.isArray(given)) return given.map((one) => copy(one, depth + 1));
  if (Object.getPrototypeOf(given) !== Object.prototype) return given;
  return Object.fromEntries(Object.entries(given).map(([name, one]) => [name, copy(one, depth + 1)]));
}
