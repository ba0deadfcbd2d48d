// A bad line between the app and its instance: a relay of TCP connections that cuts, stalls, repeats and garbles at
// bytes drawn at random, in either direction. Only calls of the API meet faults: what the shell of the app needs
// passes untouched.
import { on, once } from "node:events";
import { connect, createServer } from "node:net";

import { freePort } from "./ports.mjs";
import { pause } from "./wait.mjs";

/** How much of what passes meets a fault. */
const SHARE = 0.35;
/** A head says most about what follows it, and is small: half of the faults fall into the first so many bytes. */
const HEAD = 300;
/** What a repeated request is held back at most, in ms. */
const LATE_MS = 3_000;

/**
 * Listens in the instance's place, on a port of its own.
 *
 * `repeats`: requests may arrive more than once. Without it every connection carries one exchange: a browser sends a
 * POST again by itself when a connection that it has used before breaks, and that would be a repeat as well.
 * `longest`: how long a stall may last, in ms.
 */
export async function startLine(instance, draw, { repeats, longest }) {
  const line = new Line(instance, draw, { repeats, longest });
  await line.open();
  return line;
}

class Line {
  #to;
  #draw;
  #options;
  #server;
  #sockets = new Set();
  /** From now on nothing happens to what passes. */
  good = true;
  faults = { cut: 0, stall: 0, garble: 0, repeat: 0 };
  /** How many of them hit a request that writes, or its answer. */
  onWrites = 0;

  constructor(instance, draw, options) {
    this.#to = Number(new URL(instance.url).port);
    this.#draw = draw;
    this.#options = options;
  }

  async open() {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    this.#server = createServer((client) => this.#serve(this.#known(client)).catch(() => client.destroy()));
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async close() {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  get count() {
    return Object.values(this.faults).reduce((sum, one) => sum + one);
  }

  #known(socket) {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    return socket;
  }

  /** One exchange after the other, as long as the browser keeps the connection. */
  async #serve(client) {
    for await (const request of messages(client)) {
      const fault = this.#fault(request);
      await this.#pass(client, request, fault);
      if (this.#options.repeats) continue;
      await ended(client);
      return;
    }
  }

  async #pass(client, request, fault) {
    const up = this.#known(connect(this.#to, "127.0.0.1"));
    const answered = messages(up).next();
    answered.catch(() => {});
    // What the browser has given up, or never sent whole, does not arrive later.
    const givenUp = () => up.destroy();
    client.once("close", givenUp);
    up.once("close", () => client.off("close", givenUp));
    if (fault?.kind === "repeat") this.#repeat(request, fault.delays);
    if (!(await this.#deliver(request.bytes, up, client, fault?.up ? fault : undefined))) return;
    const { value: answer } = await answered;
    if (answer) await this.#deliver(this.#options.repeats ? answer.bytes : lastOf(answer.bytes), client, up, fault?.up ? undefined : fault);
    else client.destroy();
    up.destroy();
  }

  /** Gives whether the line still stands. */
  async #deliver(bytes, to, from, fault) {
    if (!fault || fault.kind === "repeat") return to.write(bytes), true;
    const at = this.#position(bytes);
    if (fault.kind === "garble") {
      const garbled = Buffer.from(bytes);
      garbled.fill(0, at, at + fault.length);
      return to.write(garbled), true;
    }
    to.write(bytes.subarray(0, at));
    if (fault.kind === "stall") {
      await Promise.race([pause(fault.ms), once(to, "close"), once(from, "close")]);
      if (!fault.cuts) return to.write(bytes.subarray(at)), true;
    }
    await ended(to);
    to.destroy();
    if (fault.resets) from.resetAndDestroy();
    else from.destroy();
    return false;
  }

  #position({ length }) {
    return this.#draw.int(0, (this.#draw.chance(0.5) ? Math.min(HEAD, length) : length) - 1);
  }

  #repeat({ bytes }, delays) {
    for (const ms of delays) {
      pause(ms).then(() => {
        const again = this.#known(connect(this.#to, "127.0.0.1"));
        again.write(bytes);
        // Its answer is nobody's, and it may come after the instance has gone.
        messages(again).next().catch(() => {}).finally(() => again.destroy());
      });
    }
  }

  #fault({ path, writes }) {
    if (this.good || !path.startsWith("/api/") || !this.#draw.chance(SHARE)) return undefined;
    const kind = this.#draw.pick(["cut", "cut", "stall", "garble", ...(this.#options.repeats ? ["repeat"] : [])]);
    this.faults[kind] += 1;
    if (writes) this.onWrites += 1;
    const up = this.#draw.chance(0.5);
    switch (kind) {
      case "cut":
        return { kind, up, resets: this.#draw.chance(0.5) };
      case "stall":
        return { kind, up, ms: this.#draw.int(1, this.#draw.chance(0.02) ? this.#options.longest : 500), cuts: this.#draw.chance(0.5) };
      case "garble":
        return { kind, up, length: this.#draw.int(1, 8) };
      default:
        return { kind, delays: Array.from({ length: this.#draw.int(1, 3) }, () => this.#draw.int(0, this.#draw.chance(0.5) ? 5 : LATE_MS)) };
    }
  }
}

/** The messages of HTTP/1.1 that come over a connection, each whole: what is cut off before its end is none. */
async function* messages(socket) {
  let held = Buffer.alloc(0);
  // By its events, so that it is read on, and its end is heard of, while nobody asks for the next message.
  for await (const [chunk] of on(socket, "data", { close: ["close"] })) {
    held = Buffer.concat([held, chunk]);
    for (let message; (message = first(held)); held = held.subarray(message.bytes.length)) yield message;
  }
}

function first(held) {
  const end = held.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = held.toString("latin1", 0, end);
  const length = end + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (held.length < length) return undefined;
  const [method, path] = head.split(" ", 2);
  return { bytes: Buffer.from(held.subarray(0, length)), path, writes: method !== "GET" };
}

/** An answer after which the connection is closed. */
function lastOf(answer) {
  const line = answer.indexOf("\r\n") + 2;
  return Buffer.concat([answer.subarray(0, line), Buffer.from("connection: close\r\n"), answer.subarray(line)]);
}

/** Everything written is on its way, and that it is the end. */
function ended(socket) {
  return new Promise((resolve) => socket.end(resolve));
}
