// Notes every transaction with what is asked in it: what comes after what shows where time goes, on any machine. Runs
// before anything else in a page whose times are of no interest.

globalThis.transactions = [];

const notes = new WeakMap();
const { transaction } = IDBDatabase.prototype;

IDBDatabase.prototype.transaction = function (stores, mode = "readonly", options) {
  const made = Reflect.apply(transaction, this, [stores, mode, options]);
  const note = { mode, strict: options?.durability === "strict", asked: {} };
  notes.set(made, note);
  globalThis.transactions.push(note);
  return made;
};

const ask = (of, what) => {
  const note = notes.get(of);
  if (note) note.asked[what] = (note.asked[what] ?? 0) + 1;
};

/** An index that holds several kinds of keys has the kind first. */
const kind = (query) => (Array.isArray(query?.lower) ? query.lower[0] : "");

for (const name of ["get", "getKey", "getAll", "getAllKeys", "getAllRecords", "count", "openCursor", "openKeyCursor", "put", "add", "delete", "clear"]) {
  const [ofStore, ofIndex] = [IDBObjectStore.prototype[name], IDBIndex.prototype[name]];
  if (ofStore) {
    IDBObjectStore.prototype[name] = function (...words) {
      ask(this.transaction, `${name} ${this.name}`);
      return Reflect.apply(ofStore, this, words);
    };
  }
  if (ofIndex) {
    IDBIndex.prototype[name] = function (...words) {
      ask(this.objectStore.transaction, `${name} ${this.objectStore.name}/${kind(words[0]) || this.name}`);
      return Reflect.apply(ofIndex, this, words);
    };
  }
}
