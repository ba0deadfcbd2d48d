// What left the browser for the instance, whoever sent it: pages and the service worker alike.

/** Each request to the API as one line; those of a batch are looked into. */
export class Requests {
  #calls = [];
  #listeners = new Set();
  #open = new Set();

  constructor(context) {
    context.on("request", (request) => this.#hear(request));
    for (const end of ["requestfinished", "requestfailed"]) context.on(end, (request) => this.#open.delete(request));
  }

  /** How many went out: a batch counts as one. */
  get count() {
    return this.#calls.length;
  }

  /** How many of them were to change something. */
  get writes() {
    return this.#calls.filter((call) => call.writes).length;
  }

  /** How many requests to change something have left and have no answer yet. */
  get underWay() {
    return this.#open.size;
  }

  /** The moment the nth request that writes leaves, counted from here. */
  leaves(nth) {
    return new Promise((resolve) => {
      let seen = 0;
      const stop = this.listen(({ writes }) => {
        if (!writes || ++seen < nth) return;
        stop();
        resolve();
      });
    });
  }

  /** From here on only what is sent later. */
  forget() {
    this.#calls = [];
  }

  /** What was asked, as `METHOD /path` without the query: the content of batches in place of the batches. */
  get asked() {
    return this.#calls.flatMap((call) => call.parts);
  }

  /** Calls `listener` with each request as it leaves. Gives back how to stop. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #hear(request) {
    const { pathname } = new URL(request.url());
    if (!pathname.startsWith("/api/")) return;
    const batch = pathname.endsWith("/batch") ? request.postDataJSON()?.rest_requests : undefined;
    const parts = (batch ?? [{ method: request.method(), url: pathname }]).map(({ method, url }) => `${method} ${url.split("?")[0]}`);
    const call = { parts, writes: parts.some((part) => !part.startsWith("GET ")) };
    this.#calls.push(call);
    if (call.writes) this.#open.add(request);
    for (const listener of this.#listeners) listener(call);
  }
}
