// Error codes that take a device in trouble: the others are met where what they are about is tested.
import assert from "node:assert/strict";
import { test } from "node:test";

import { aWorld } from "./lib/consumers.mjs";
import { emptyPage } from "./lib/folders.mjs";

const world = aWorld();

const OPENS = `import { open, LandfallError } from "./landfall/landfall.js";
globalThis.opens = (instance = {}) => open({ name: "errors", user: "tech.demo", instance: { url: "/api/now", ...instance }, tables: { incident: {} }, autoSync: false });
globalThis.failed = (promise) => promise.then(() => ["none"], (error) => [error.code, error.retryable, error instanceof LandfallError]);`;

async function met(t, name, play) {
  const { page } = await emptyPage(t, world, name, { "opens.js": OPENS });
  await page.evaluate(() => import("./opens.js"));
  return page.evaluate(play);
}

test("no storage", async (t) => {
  const said = await met(t, "no-storage", () => {
    Object.defineProperty(globalThis, "indexedDB", { get: () => { throw new Error("not here"); } });
    return failed(opens());
  });
  assert.deepEqual(said, ["storage_unavailable", false, true]);
});

test("others write the same record each time", async (t) => {
  const said = await met(t, "contended", async () => {
    const db = await opens();
    const { sys_id } = await db.table("incident").create({ short_description: "wanted by many" });
    const real = IDBObjectStore.prototype.get;
    // Whatever is looked at in the writing transaction is not what it was.
    IDBObjectStore.prototype.get = function (key) {
      return real.call(this, this.transaction.mode === "readwrite" ? ["another"] : key);
    };
    const said = await failed(db.table("incident").update(sys_id, { state: "2" }));
    IDBObjectStore.prototype.get = real;
    return [...said, (await db.status()).pending];
  });
  assert.deepEqual(said, ["contended", true, true, 1]);
});

test("a call of an online step has no answer", async (t) => {
  const said = await met(t, "unreachable", async () => {
    let isUp = true;
    const db = await opens({ fetch: (request) => (isUp ? fetch(request) : Promise.reject(new TypeError("no line"))) });
    let said;
    db.action("ask", {
      async online(step) {
        isUp = false;
        said = await failed(step.fetch("table/incident"));
      },
    });
    await db.run("ask", {});
    const { remaining } = await db.sync();
    return [...said, remaining];
  });
  assert.deepEqual(said, ["unreachable", true, true, 1]);
});

test("what gives no promise throws at once, and a LandfallError", async (t) => {
  const said = await met(t, "at-once", async () => {
    const db = await opens();
    const { LandfallError } = await import("./landfall/landfall.js");
    const { serve } = await import("./landfall/service-worker.js");
    const thrown = (call) => {
      try {
        call();
      } catch (error) {
        return error instanceof LandfallError ? error.code : error.name;
      }
      return "nothing";
    };
    const open = [() => db.on("no such event", () => {}), () => db.action("", {}), () => db.table(7), () => db.table("undeclared"), () => serve()].map(thrown);
    await db.close();
    return [...open, ...[() => db.on("change", () => {}), () => db.action("a", {}), () => db.signedIn()].map(thrown)];
  });
  assert.deepEqual(said, ["bad_argument", "bad_argument", "bad_argument", "nothing", "TypeError", "closed", "closed", "closed"]);
});
