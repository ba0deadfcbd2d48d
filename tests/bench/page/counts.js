// Counts what is asked of IndexedDB, by kind: the same on any machine. Runs before anything else in a page whose
// times are of no interest; `globalThis.counts` is where it is written down.

globalThis.counts = {};

const count = (what, by = 1) => (globalThis.counts[what] = (globalThis.counts[what] ?? 0) + by);

function wrap(prototype, names, note) {
  for (const name of names) {
    const original = prototype[name];
    if (!original) continue;
    prototype[name] = function (...words) {
      note(name, words, this);
      return Reflect.apply(original, this, words);
    };
  }
}

const size = (value) => {
  if (typeof value === "string") return value.length;
  return JSON.stringify(value)?.length ?? 0;
};

wrap(IDBDatabase.prototype, ["transaction"], (_, [, mode = "readonly", options]) => {
  count(`transactions, ${mode}${options?.durability === "strict" ? ", strict" : ""}`);
});
wrap(IDBObjectStore.prototype, ["put", "add"], (name, [value]) => {
  count(name);
  count("bytes written", size(value));
});
const READS = ["get", "getKey", "getAll", "getAllKeys", "getAllRecords", "count", "openCursor", "openKeyCursor"];
wrap(IDBObjectStore.prototype, [...READS, "delete", "clear"], (name) => count(name));
wrap(IDBIndex.prototype, READS, (name) => count(`${name}, of an index`));
wrap(IDBCursor.prototype, ["continue", "continuePrimaryKey", "advance"], () => count("cursor step"));
wrap(IDBCursor.prototype, ["update", "delete"], (name) => count(`cursor ${name}`));
