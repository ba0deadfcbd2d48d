// A cached table of many pages: brought once, and from then on what has changed; what has gone, by each way. The page is
// closed in the middle of each.
import assert from "node:assert/strict";
import { test } from "node:test";

import { startApp } from "./lib/app.mjs";

const FULL = Boolean(process.env.LANDFALL_FULL);
const ROWS = FULL ? 100_000 : 4_000;
const CHANGED = FULL ? 1_000 : 1_200;
/** So many are found by what the instance has noted of its deletions, where that may be read. */
const GONE = FULL ? 1_000 : 900;
/** The page is closed when so many rows have come, or so many are being removed. */
const CUT_AT = 2_000;
const CUT_IN = 300;

async function batch(instance, requests) {
  const answer = await fetch(`${instance.url}/api/now/v1/batch`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      batch_request_id: "1",
      rest_requests: requests.map(({ method, url, body }, id) => ({
        id: String(id),
        method,
        url,
        headers: [{ name: "Content-Type", value: "application/json" }, { name: "Accept", value: "application/json" }],
        body: body && Buffer.from(JSON.stringify(body)).toString("base64"),
      })),
    }),
  });
  const { serviced_requests: done, unserviced_requests: left } = await answer.json();
  assert.deepEqual(left, []);
  return done.map(({ status_code: status, body }) => {
    assert.ok(status < 300, `${status} ${Buffer.from(body, "base64")}`);
    return body && JSON.parse(Buffer.from(body, "base64")).result;
  });
}

async function each(instance, items, request) {
  const answers = [];
  for (let at = 0; at < items.length; at += 200) answers.push(...(await batch(instance, items.slice(at, at + 200).map(request))));
  return answers;
}

/** A database of the test's own, in a page of its own; what it asks for and does is counted. */
async function device(app, { audit = true } = {}) {
  const page = await app.browser.page(`${app.instance.url}/manifest.webmanifest`);
  const came = { requests: 0, bytes: 0 };
  page.on("response", async (response) => {
    if (!response.url().includes("/api/now/")) return;
    came.requests += 1;
    came.bytes += Number(response.headers()["content-length"] ?? 0) || (await response.body()).length;
  });
  if (!audit) {
    const refusal = { status: 403, contentType: "application/json", body: JSON.stringify({ error: { message: "Not yours" } }) };
    await page.route(/sys_audit_delete/, (route) => route.fulfill(refusal));
  }
  await page.evaluate(async () => {
    globalThis.operations = 0;
    for (const [kind, names] of [[IDBObjectStore, ["get", "getAll", "getAllKeys", "put", "delete", "count", "openCursor"]], [IDBIndex, ["get", "getAll", "getAllKeys", "count", "openCursor", "openKeyCursor"]]]) {
      for (const name of names) {
        const own = kind.prototype[name];
        kind.prototype[name] = function (...given) {
          globalThis.operations += 1;
          if (name === "delete" && (globalThis.removals += 1) >= globalThis.mostRemovals) globalThis.enough?.();
          return own.apply(this, given);
        };
      }
    }
    const { default: init, open } = await import("/landfall/landfall.js");
    await init();
    globalThis.store = await open({
      name: "many",
      user: "tech.demo",
      instance: { url: "/api/now", extras: false },
      autoSync: false,
      tables: { incident: { types: { active: "boolean" }, cache: { query: "active=true" } } },
    });
  });
  const refresh = async (cutAt, cutIn) => {
    Object.assign(came, { requests: 0, bytes: 0 });
    const report = await page.evaluate(async ([most, mostRemovals]) => {
      Object.assign(globalThis, { operations: 0, removals: 0, mostRemovals });
      const started = performance.now();
      const done = globalThis.store.sync({ onProgress: ({ done }) => done >= most && globalThis.enough?.() });
      const cut = new Promise((resolve) => (globalThis.enough = resolve));
      const report = await Promise.race([done, cut]);
      return { ...report, seconds: (performance.now() - started) / 1000, operations: globalThis.operations };
    }, [cutAt ?? Number.MAX_SAFE_INTEGER, cutIn ?? Number.MAX_SAFE_INTEGER]);
    return { ...report, ...came };
  };
  const here = () => page.evaluate(async () => (await globalThis.store.table("incident").query("")).map((row) => `${row.sys_id} ${row.short_description}`).sort());
  return { page, refresh, here };
}

test(`${ROWS} cached records`, async (t) => {
  const app = await startApp(t, {});
  app.browser.expects(/sys_audit_delete/);
  await app.page.evaluate(() => landfall.setMode("offline"));
  const { instance } = app;
  const made = await each(instance, Array.from({ length: ROWS }, (_, n) => n), (n) => ({ method: "POST", url: "/api/now/table/incident", body: { short_description: `n${n}`, description: "x".repeat(200), caller_id: "" } }));
  const ids = made.map((row) => row.sys_id);
  const there = async () => (await instance.rows("incident", "active=true")).map((row) => `${row.sys_id} ${row.short_description}`).sort();
  const say = (what, { pulled, removed, requests, bytes, seconds, operations }) =>
    t.diagnostic(`${what}: ${pulled} rows, ${removed} removed, ${requests} requests, ${(bytes / 1e6).toFixed(2)} MB, ${seconds.toFixed(1)} s, ${operations} IndexedDB operations`);
  const change = (some, text) => each(instance, some, (id) => ({ method: "PATCH", url: `/api/now/table/incident/${id}`, body: { short_description: text } }));
  const remove = (some) => each(instance, some, (id) => ({ method: "DELETE", url: `/api/now/table/incident/${id}` }));
  /** Closes the page in the middle, and lets the next go on. */
  const cut = async (at) => {
    let gone = await device(app);
    await gone.refresh(at);
    await gone.page.close();
    gone = await device(app);
    return gone;
  };

  let { page, refresh, here } = await cut(CUT_AT);
  const rest = await refresh();
  say("the rest of the first pull, after a kill", rest);
  assert.deepEqual(await here(), await there());
  assert.ok(rest.pulled <= (await instance.count("incident", "active=true")) - CUT_AT + 250, "what was there is not brought again");
  await page.close();

  ({ page, refresh, here } = await device(app));
  say("nothing has changed", await refresh());
  await change(ids.slice(0, CHANGED), "changed");
  const delta = await refresh();
  say(`${CHANGED} changed`, delta);
  assert.equal(delta.pulled, CHANGED);
  await change(ids.slice(0, CHANGED), "changed again");
  await page.close();
  ({ page, refresh, here } = await cut(500));
  await refresh();
  assert.deepEqual(await here(), await there());

  await page.close();
  let left = ids;
  for (const way of instance.plain ? ["count"] : ["audit", "count"]) {
    const removeSome = async () => {
      await remove(left.slice(-GONE));
      left = left.slice(0, -GONE);
    };
    await removeSome();
    ({ page, refresh, here } = await device(app, { audit: way === "audit" }));
    const before = (await here()).length;
    await refresh(undefined, CUT_IN);
    await page.close();
    ({ page, refresh, here } = await device(app, { audit: way === "audit" }));
    const removed = before - (await here()).length;
    assert.ok(removed > 0 && removed < GONE, `cut in the middle: ${removed}`);
    assert.equal((await refresh()).removed, GONE - removed);
    assert.deepEqual(await here(), await there());
    await removeSome();
    const sweep = await refresh();
    const noticed = await page.evaluate(async () => (await globalThis.store.status()).cache[0].deletions);
    say(`${GONE} deleted (${noticed})`, sweep);
    assert.equal(sweep.removed, GONE);
    assert.equal(noticed, way);
    assert.deepEqual(await here(), await there());
    await page.close();
  }
  ({ page, refresh, here } = await device(app));
  await page.evaluate(() => globalThis.store.deleteDatabase());
  await page.evaluate(() => location.reload());
  await page.close();
  ({ page, refresh, here } = await device(app));
  say("the first pull", await refresh());
  assert.deepEqual(await here(), await there());
});
