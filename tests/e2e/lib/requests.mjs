// What left the browser for the instance, whoever sent it: pages and the service worker alike.

/** Each request to the API as one line; those of a batch are looked into. */
export class Requests {
  #calls = [];
  #listeners = new Set();

  constructor(context) {
    context.on("request", (request) => this.#hear(request));
  }

  /** How many went out: a batch counts as one. */
  get count() {
    return this.#calls.length;
  }

  /** How many of them were to change something. */
  get writes() {
    return this.#calls.filter((call) => call.writes).length;
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
    for (const listener of this.#listeners) listener(call);
  }
}
