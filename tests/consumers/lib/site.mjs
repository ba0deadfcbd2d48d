// A consumer's folder on an origin of its own, under a strict policy; what is below /api/ goes to the instance, if it runs.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { extname, join, normalize } from "node:path";

export const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export async function startSite(folder, instance, policy = STRICT) {
  const site = new Site(folder, instance, policy);
  await site.start();
  return site;
}

class Site {
  /** A test may answer by itself, if it says that it has. */
  answers;
  #server;
  #port = 0;
  #asked = [];
  #held;

  constructor(folder, instance, policy) {
    Object.assign(this, { folder, instance, policy });
  }

  get url() {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The second time on the same port: the origin stays what it was. */
  async start() {
    this.#server = createServer((asked, answer) => {
      this.#asked.push(asked);
      if (this.answers?.(asked, answer)) return;
      return asked.url.startsWith("/api/") ? this.#passOn(asked, answer) : this.#give(asked, answer);
    });
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = this.#server.address().port;
  }

  async stop() {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** What was asked for so far below a path, or with it at its end. */
  asked(part) {
    return this.#asked.filter(({ url }) => url.startsWith(part) || new URL(url, this.url).pathname.endsWith(part));
  }

  /** From now on what changes something arrives at the instance, and no answer to it comes back until the function that this gives is called. */
  hold() {
    let release;
    this.#held = new Promise((resolve) => (release = resolve));
    return () => {
      this.#held = undefined;
      release();
    };
  }

  async #give(asked, answer) {
    const path = normalize(new URL(asked.url, this.url).pathname);
    const file = join(this.folder, path.endsWith("/") ? `${path}index.html` : path);
    const bytes = await readFile(file).catch(() => undefined);
    if (!bytes) return answer.writeHead(404).end();
    answer.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream", "Content-Security-Policy": this.policy, "Cache-Control": "no-cache" });
    answer.end(bytes);
  }

  /** A dead instance is a dead line: no answer, not one that says so. */
  #passOn(asked, answer) {
    const { hostname, port } = new URL(this.instance.url);
    const onward = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, async (answered) => {
      if (asked.method !== "GET") await this.#held;
      answer.writeHead(answered.statusCode, answered.headers);
      answered.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    asked.pipe(onward);
  }
}
