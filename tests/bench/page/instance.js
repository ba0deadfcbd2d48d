// What answers Landfall in the page: a plain instance in memory, as far as the jobs ask it. Its own time is counted, so
// that it can be taken off: an instance's work is not a client's.
import { asMade } from "./records.js";

const JSON_TYPE = { "Content-Type": "application/json" };
const decoder = new TextDecoder();
const encoder = new TextEncoder();

const fromBase64 = (text) => decoder.decode(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
const toBase64 = (text) => btoa(String.fromCharCode(...encoder.encode(text)));

export class Instance {
  /** Those that a pull is to find, in the order of their ids. */
  rows = [];
  tally = { requests: 0, sentBytes: 0, receivedBytes: 0, ms: 0 };
  #made = new Map();

  /** Takes the place of `fetch`. */
  fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = await request.text();
    const started = performance.now();
    const response = this.#answer(request, body);
    this.tally.ms += performance.now() - started;
    this.tally.requests += 1;
    this.tally.sentBytes += body.length;
    return response;
  };

  #respond(status, content, headers) {
    const text = JSON.stringify(content);
    this.tally.receivedBytes += text.length;
    return new Response(text, { status, headers: { ...JSON_TYPE, ...headers } });
  }

  #answer(request, body) {
    const url = new URL(request.url);
    if (request.method === "POST" && url.pathname.endsWith("/v1/batch")) return this.#batch(JSON.parse(body));
    if (request.method === "POST") return this.#respond(201, { result: this.#create(body) });
    return this.#find(url);
  }

  #create(body) {
    const row = asMade(JSON.parse(body));
    this.#made.set(row.correlation_id, row);
    return row;
  }

  #batch({ batch_request_id, rest_requests }) {
    const serviced_requests = rest_requests.map(({ id, method, url, body }) => {
      const [status_code, result] = method === "POST" ? [201, this.#create(fromBase64(body))] : [200, this.#matching(new URL(url, location)).rows];
      const headers = [{ name: "Content-Type", value: "application/json" }];
      return { id, status_code, status_text: "", headers, body: toBase64(JSON.stringify({ result })), execution_time: 1 };
    });
    return this.#respond(200, { batch_request_id, serviced_requests, unserviced_requests: [] });
  }

  #matching(url) {
    const query = url.searchParams.get("sysparm_query") ?? "";
    const correlation = /correlation_id=(tmp_\w+)/.exec(query);
    if (correlation) return { rows: [this.#made.get(correlation[1])].filter(Boolean), all: 1 };
    const after = /sys_id>(\w+)/.exec(query);
    const rows = after ? this.rows.filter(({ sys_id }) => sys_id > after[1]) : this.rows;
    return { rows, all: this.rows.length };
  }

  #find(url) {
    if (!url.pathname.endsWith("/table/incident")) return this.#respond(403, { error: { message: "No", detail: "" }, status: "failure" });
    const limit = Number(url.searchParams.get("sysparm_limit") ?? 10_000);
    const offset = Number(url.searchParams.get("sysparm_offset") ?? 0);
    const { rows, all } = this.#matching(url);
    const headers = { "X-Total-Count": String(all) };
    if (offset + limit < rows.length) {
      const next = new URL(url);
      next.searchParams.set("sysparm_offset", offset + limit);
      headers.Link = `<${next}>;rel="next"`;
    }
    return this.#respond(200, { result: rows.slice(offset, offset + limit) }, headers);
  }
}
