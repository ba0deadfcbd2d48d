// The reference instance as a process of its own: started, killed and started again over the same database.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { freePort } from "./ports.mjs";

/** A listening instance on a free port, over a new SQLite file. */
export async function startInstance({ plain = false, seed, www = process.env.LANDFALL_WWW } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "landfall-instance-"));
  const instance = new Instance({ folder, port: await freePort(), plain, seed, www });
  await instance.start();
  return instance;
}

class Instance {
  #options;
  #child;
  #said = [];

  constructor(options) {
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}`;
    this.database = join(options.folder, "landfall.db");
  }

  get plain() {
    return this.#options.plain;
  }

  get runs() {
    return this.#child !== undefined;
  }

  /** Resolves once it listens; rejects with what it said when it ends instead. */
  async start() {
    if (this.#child) throw new Error("The instance runs already.");
    const { port, plain, seed, www } = this.#options;
    const words = ["--listen", `127.0.0.1:${port}`, "--database", `sqlite:${this.database}`];
    if (www) words.push("--www", www);
    if (seed) words.push("--seed", seed);
    if (plain) words.push("--plain");
    const child = spawn(process.env.LANDFALL_INSTANCE_BIN, words, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    child.once("exit", () => (this.#child = undefined));

    await new Promise((resolve, reject) => {
      this.#hear(child.stdout, (line) => line.startsWith("listening on ") && resolve());
      this.#hear(child.stderr);
      child.once("error", reject);
      child.once("exit", () => reject(new Error(`The instance ended before it listened:\n${this.output}`)));
    });
  }

  /** As a power cut: nothing is finished, nothing is flushed. */
  kill() {
    return this.#end("SIGKILL");
  }

  /** As an administrator: what is under way is finished. */
  stop() {
    return this.#end("SIGTERM");
  }

  /** Ends it for good and removes its database. */
  async dispose() {
    await this.kill();
    await rm(this.#options.folder, { recursive: true, force: true });
  }

  /** The moment its database has been written to so many times, from here on: each commit is on disk before it is answered. */
  commits(count) {
    return new Promise((resolve) => {
      let seen = 0;
      const watching = watch(`${this.database}-wal`, () => {
        if (++seen < count) return;
        watching.close();
        resolve();
      });
      this.#child.once("exit", () => watching.close());
    });
  }

  /** Asks of what its database holds while it is dead, through an instance that no device knows of. */
  async atRest(ask) {
    const { folder, plain } = this.#options;
    const other = new Instance({ folder, plain, port: await freePort() });
    await other.start();
    try {
      return await ask(other);
    } finally {
      await other.kill();
    }
  }

  /** What it has printed, over all its lives. */
  get output() {
    return this.#said.join("\n");
  }

  /** The rows of a table, asked of the instance itself: what is true, whatever a device believes. */
  async rows(table, query = "") {
    const rows = [];
    let next = `/api/now/table/${table}?${new URLSearchParams({
      sysparm_query: query,
      sysparm_exclude_reference_link: "true",
      sysparm_limit: "1000",
    })}`;
    while (next) {
      const answer = await fetch(new URL(next, this.url));
      if (!answer.ok) throw new Error(`${table} answered ${answer.status}: ${await answer.text()}`);
      rows.push(...(await answer.json()).result);
      next = nextPage(answer.headers.get("link"));
    }
    return rows;
  }

  /** How many rows a table has, its children's included. */
  async count(table, query = "") {
    const answer = await fetch(`${this.url}/api/now/table/${table}?${new URLSearchParams({ sysparm_query: query, sysparm_limit: "1", sysparm_fields: "sys_id" })}`);
    await answer.arrayBuffer();
    return Number(answer.headers.get("x-total-count"));
  }

  async #end(signal) {
    const child = this.#child;
    if (!child) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  #hear(stream, listen = () => {}) {
    createInterface({ input: stream }).on("line", (line) => {
      this.#said.push(line);
      listen(line);
    });
  }
}

function nextPage(link) {
  return link?.match(/<([^>]*)>\s*;\s*rel="?next"?/)?.[1];
}
