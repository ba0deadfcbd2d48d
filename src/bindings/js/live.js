import { LandfallError } from "./error.js";

/**
 * An answer that is kept up to date for as long as anybody listens. `source` says when to ask, and answers: nothing, if it is
 * the same answer. Functions and no class: React is given `subscribe` and `getSnapshot` by themselves.
 */
export function live(source) {
  const observers = new Set();
  let snapshot;
  let due = false;
  let asking = false;

  function ask() {
    if (due) return;
    due = true;
    // What is told of one transaction is told at once: it is asked after all of it.
    queueMicrotask(() => {
      if (!asking) answer();
    });
  }

  async function answer() {
    asking = true;
    try {
      while (due && observers.size > 0) {
        due = false;
        const rows = await source.answer();
        if (rows === undefined || observers.size === 0) continue;
        snapshot = rows;
        for (const observer of [...observers]) give(observer, rows);
      }
    } catch (error) {
      const told = [...observers];
      due = false;
      observers.clear();
      source.rest();
      for (const observer of told) protect(() => (observer.error ? observer.error(error) : Promise.reject(error)));
    }
    asking = false;
    const isLeft = due && observers.size > 0;
    due = false;
    if (isLeft) ask();
  }

  function subscribe(given) {
    const observer = observerOf(given);
    const isFirst = observers.size === 0;
    observers.add(observer);
    if (isFirst) {
      source.begin(ask);
      ask();
    }
    if (snapshot !== undefined) give(observer, snapshot);
    const unsubscribe = () => {
      if (observers.delete(observer) && observers.size === 0) source.rest();
    };
    unsubscribe.unsubscribe = unsubscribe;
    return unsubscribe;
  }

  const give = (observer, rows) => {
    if (observers.has(observer)) protect(() => observer.next?.(rows));
  };

  return { subscribe, getSnapshot: () => snapshot };
}

function observerOf(given) {
  if (typeof given === "function") return { next: given };
  if (typeof given !== "object" || given === null) {
    throw new LandfallError("bad_argument", false, "subscribe() takes a function, or an object with next and error.");
  }
  // Its own: the same may be given twice, and may have methods that want to be called on it.
  return {
    next: (rows) => given.next?.(rows),
    error: typeof given.error === "function" ? (error) => given.error(error) : undefined,
  };
}

/** What one listener throws is not the others' trouble, nor is it to be lost. */
function protect(work) {
  try {
    work();
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
