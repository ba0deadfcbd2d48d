// Databases as each version of the stores has left them, taken over by a newer release: alone or beside a tab of the older one,
// and killed half-way. A release that has a newer version than the last there is, is made of today's by counting one higher.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { NO_NETWORK, openBrowser } from "../e2e/lib/browser.mjs";
import { startInstance } from "../e2e/lib/instance.mjs";
import { until, untilEqual } from "../e2e/lib/wait.mjs";
import { emptyPage } from "./lib/folders.mjs";

const STORED = join(import.meta.dirname, "../stored");
const DATABASE = "landfall/field//api/now/tech.demo";
const OLDER = { incident: { cache: {}, references: { parent: "incident" }, journals: ["work_notes"] }, incident_task: { references: { incident: "incident" } } };
/** It has another table, and one less. */
const NEWER = { incident: { ...OLDER.incident, indexes: ["state"] }, wm_order: {} };

const versions = (await readdir(STORED)).map((name) => parseInt(name)).sort((one, other) => one - other);
const latest = versions.at(-1);
const world = {};

before(async () => {
  world.browser = await openBrowser();
  world.browser.expects(NO_NETWORK, /favicon/);
});

after(() => world.browser.dispose());

/** Puts the instance's records there, and gives what the device has, with the ids that they were given. */
async function left(instance, version) {
  let text = await readFile(join(STORED, `${version}.json`), "utf8");
  const { instance: there } = JSON.parse(text);
  for (const [table, rows] of Object.entries(there)) {
    for (const row of rows) {
      const fields = Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith("sys_")));
      const answer = await fetch(`${instance.url}/api/now/table/${table}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
      assert.equal(answer.status, 201, await answer.clone().text());
      text = text.replaceAll(row.sys_id, (await answer.json()).result.sys_id);
    }
  }
  return JSON.parse(text);
}

/** In the page: makes the database as it was left. */
const restore = ([name, { version, stores }]) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = () => {
      for (const [store, rows] of Object.entries(stores)) {
        const made = request.result.createObjectStore(store, { keyPath: "key" });
        made.createIndex("index", "index", { multiEntry: true });
        for (const row of rows) made.put(row);
      }
    };
    request.onsuccess = () => resolve(request.result.close());
    request.onerror = () => reject(request.error);
  });

/** In the page: opens as a release that counts `by` more, and stops for ever where it is to be killed. */
const release = async ([tables, by, where]) => {
  const real = IDBFactory.prototype.open;
  let calls = 0;
  IDBFactory.prototype.open = function (name, version) {
    calls += 1;
    if (where === "after it" && calls === 2) {
      globalThis.isThere = true;
      return new EventTarget();
    }
    const request = real.call(this, name, version + by);
    if (where === "in it")
      request.addEventListener("upgradeneeded", () => {
        const store = request.transaction.objectStore("records");
        const again = () => (store.count().onsuccess = again);
        again();
        globalThis.isThere = true;
      });
    return request;
  };
  globalThis.heard = [];
  const opening = import("./landfall/landfall.js").then(({ open }) => open({ name: "field", user: "tech.demo", instance: { url: "/api/now", extras: "/api/landfall/v1" }, tables, autoSync: false }));
  if (where) return;
  globalThis.db = await opening;
  db.on("superseded", (event) => heard.push(event));
};

const code = (page, call) => page.evaluate(`(async () => ${call})().then(() => "", ({ code }) => code)`);
const pending = (page) => page.evaluate(async () => (await db.status()).pending);

/** As the system does when memory runs out. */
async function crash(page) {
  const session = await page.context().newCDPSession(page);
  const gone = page.waitForEvent("crash");
  session.send("Page.crash").catch(() => {});
  await gone;
  await page.close();
}

async function landed(instance, page, more) {
  const words = async (table) => (await instance.rows(table)).filter((row) => row.sys_class_name === table).map((row) => row.short_description).sort();
  // Twice: a create whose key the instance has forgotten goes once the table is proved to find what it has.
  await page.evaluate(() => db.sync().then(() => db.sync()));
  assert.deepEqual(await words("incident"), ["changed by both", "landed", "made offline", "never arrived", "to be changed", ...more].sort());
  assert.deepEqual(await words("incident_task"), ["its task"]);
  const [made] = await instance.rows("incident", "short_description=made offline");
  const [task] = await instance.rows("incident_task");
  const [changed] = await instance.rows("incident", "short_description=to be changed");
  const entries = await instance.rows("sys_journal_field", `element_id=${made.sys_id}`);
  assert.deepEqual([task.incident, changed.description, entries.map(({ value }) => value)], [made.sys_id, "changed offline", ["an entry"]]);
  const states = await page.evaluate(async () => (await db.outbox.list()).map(({ state }) => state));
  assert.deepEqual(states, ["refused", "conflict", "queued"]);
  assert.equal(await page.evaluate((id) => db.resolveId(id), made.correlation_id), made.sys_id);
  assert.deepEqual(await page.evaluate(async () => (await db.audit()).orphans), []);
}

for (const version of versions) {
  for (const tabs of [1, 2]) {
    for (const where of ["not", "in it", "after it"]) {
      test(`from version ${version}, ${tabs === 1 ? "alone" : "beside a tab of the older release"}, ${where === "not" ? "not killed" : `killed ${where}`}`, async (t) => {
        const instance = await startInstance();
        t.after(() => instance.dispose());
        const { site, page: first } = await emptyPage(t, { ...world, instance }, `upgrade-${version}-${tabs}-${where.replace(" ", "-")}`);
        await first.evaluate(restore, [DATABASE, await left(instance, version)]);
        const [older, newer] = [version - latest, Math.max(version - latest + 1, 0)];
        let more = [];
        if (tabs === 2) {
          await first.evaluate(release, [OLDER, older]);
          more = ["by the older tab"];
          await first.evaluate((short_description) => db.table("incident").create({ short_description }), more[0]);
        }
        const open = async (...how) => {
          const page = await world.browser.page(site.url);
          await page.evaluate(release, how);
          return page;
        };

        if (where !== "not") {
          const killed = await open(NEWER, newer, where);
          await until("it is in the midst of it", () => killed.evaluate(() => globalThis.isThere));
          if (tabs === 2) {
            await crash(killed);
          } else {
            await world.browser.kill();
            await world.browser.open();
          }
        }
        if (tabs === 2 && where !== "not") {
          // Whether or not there is a newer database now, this tab has let go of it.
          await untilEqual("it hears of it", () => first.evaluate(() => heard), [{ byVersion: latest + newer }]);
          assert.equal(await code(first, `db.table("incident").create({ short_description: "too late" })`), "superseded");
          await first.reload();
          const said = await first.evaluate(release, [OLDER, older]).then(() => "opened", (error) => error.message);
          if (where === "in it") assert.deepEqual([said, await pending(first)], ["opened", 10]);
          else assert.match(said, /newer/);
        }
        const page = await open(NEWER, newer);
        t.after(() => page.close());
        assert.equal(await pending(page), 9 + more.length);
        if (tabs === 2 && where !== "after it") await untilEqual("it hears of it", () => first.evaluate(() => heard), [{ byVersion: latest + newer }]);
        await landed(instance, page, more);
      });
    }
  }
}
