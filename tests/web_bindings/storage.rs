//! What the device does to a database that is in use.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

/// Everything a handle has is taken by the browser, as by force: `evict(name)`.
const EVICT: &str = r#"
const name = `landfall/bindings//api/now/${user}`;
const factory = IDBFactory.prototype.open;
const connections = [];
IDBFactory.prototype.open = function (...args) {
  const request = factory.apply(this, args);
  connections.push(request);
  return request;
};
const taken = () => {
  IDBFactory.prototype.open = factory;
  const all = connections.splice(0).map((request) => request.result);
  for (const connection of all) connection.close();
  return all;
};
const removed = () => new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
const evict = async () => {
  const all = taken();
  await removed();
  for (const connection of all) connection.dispatchEvent(new Event("close"));
};
"#;

async fn run_with_eviction(body: &str) {
    run(&format!("{EVICT}\n{body}")).await;
}

#[wasm_bindgen_test]
async fn a_newer_app_supersedes_this_one() {
    run(r#"
        const db = await open(options());
        const [heard, errors] = [[], []];
        db.on("superseded", (event) => heard.push(event));
        db.on("error", (error) => errors.push(error.code));
        const kept = [];
        let writing = true;
        const writer = (async () => {
          while (writing) {
            try { kept.push((await db.table("incident").create({ short_description: "one more" })).sys_id); } catch (error) {
              same(error.code, "superseded");
              return;
            }
          }
        })();
        await until(() => kept.length > 2);
        const name = `landfall/bindings//api/now/${user}`;
        const request = indexedDB.open(name, 99);
        await new Promise((resolve) => { request.onsuccess = resolve; });
        await until(() => heard.length > 0);
        await writer;
        same([heard, errors], [[{ byVersion: 99 }], []]);
        await refused("superseded", "reload", () => db.table("incident").create({ short_description: "late" }));
        await refused("superseded", "reload", () => db.on("change", () => {}));
        await refused("database_newer", "newer", () => open(options()));
        // What had resolved is there, record and item, and nothing else.
        const keys = (store) => new Promise((resolve) => {
          request.result.transaction(store).objectStore(store).getAllKeys().onsuccess = ({ target }) => resolve(target.result);
        });
        const [records, items] = [await keys("records"), await keys("outbox")];
        same(records.map((key) => key.at(-1)).sort(), kept.sort());
        same(items.length, kept.length);
        request.result.close();
        await new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn who_does_not_listen_for_it_hears_of_it_as_an_error() {
    run(r#"
        const db = await open(options());
        const heard = [];
        db.on("error", (error) => heard.push(error.code));
        const name = `landfall/bindings//api/now/${user}`;
        const request = indexedDB.open(name, 99);
        await new Promise((resolve) => { request.onsuccess = resolve; });
        await until(() => heard.length > 0);
        same(heard, ["superseded"]);
        request.result.close();
        await new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn an_eviction_is_told_at_once_and_the_handle_goes_on() {
    run_with_eviction(
        r#"
        const db = await open(options());
        const heard = [];
        db.on("evicted", (event) => heard.push(event));
        const { sys_id } = await db.table("incident").create({ short_description: "lost" });
        await evict();
        // Nobody has called anything.
        await until(() => heard.length > 0);
        same(heard.map(({ unsent }) => unsent), [1]);
        if (!(Date.now() - Date.parse(heard[0].lastSeenAt) < 60_000)) throw new Error("seen at " + heard[0].lastSeenAt);
        const late = [];
        db.on("evicted", (event) => late.push(event));
        await until(() => late.length > 0);
        same([(await db.status()).evicted, late], [heard[0], heard]);
        same(await db.table("incident").get(sys_id), undefined);
        await refused("not_found", "", () => db.table("incident").update(sys_id, { state: "2" }));
        await db.table("incident").create({ short_description: "after" });
        same([(await db.status()).pending, (await db.audit()).orphans], [1, []]);
        await db.deleteDatabase({ discardUnsent: true });
        const again = await open(options());
        same((await again.status()).evicted, undefined);
        await again.deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn an_eviction_while_nothing_was_open_is_told_by_the_mark_that_outlived_it() {
    run_with_eviction(
        r#"
        if (!globalThis.localStorage) return;
        const db = await open(options());
        await db.table("incident").create({ short_description: "lost" });
        await db.close();
        taken();
        await removed();
        const next = await open(options());
        const heard = [];
        next.on("evicted", (event) => heard.push(event));
        await until(() => heard.length > 0);
        same(heard.map(({ unsent }) => unsent), [1]);
        await next.close();
        // It was told.
        const last = await open(options());
        same((await last.status()).evicted, undefined);
        await last.deleteDatabase();
        same(Object.keys(localStorage).filter((key) => key.endsWith(user)), []);
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn a_connection_that_is_lost_is_opened_again_and_nobody_notices() {
    run_with_eviction(
        r#"
        const db = await open(options());
        const heard = [];
        for (const event of ["evicted", "superseded", "error"]) db.on(event, (what) => heard.push([event, what]));
        const { sys_id } = await db.table("incident").create({ short_description: "kept" });
        taken();
        await db.table("incident").update(sys_id, { work_notes: "once" });
        same((await db.table("incident").get(sys_id)).short_description, "kept");
        same([(await db.status()).evicted, heard], [undefined, []]);
        await db.deleteDatabase({ discardUnsent: true });
    "#,
    )
    .await;
}

/// As in a Safari that has lost its database server for good, until the browser is closed.
#[wasm_bindgen_test]
async fn where_every_connection_dies_nothing_spins_and_it_goes_on_when_they_hold() {
    run_with_eviction(
        r#"
        const db = await open(options());
        const { sys_id } = await db.table("incident").create({ short_description: "kept" });
        const real = IDBDatabase.prototype.transaction;
        IDBDatabase.prototype.transaction = () => { throw new DOMException("Connection to Indexed Database server lost", "UnknownError"); };
        const before = connections.length;
        const failed = await refused("storage_failed", "server lost", () => db.table("incident").update(sys_id, { state: "2" }));
        same(failed.retryable, true);
        // A call opens it again once, and so does the one question whether it is the same.
        let seen = 0;
        await until(() => { const still = seen === connections.length; seen = connections.length; return still; });
        if (connections.length - before > 8) throw new Error(`opened ${connections.length - before} times`);
        IDBDatabase.prototype.transaction = real;
        same((await db.table("incident").update(sys_id, { state: "3" })).state, "3");
        same([(await db.outbox.list()).length, (await db.status()).evicted], [1, undefined]);
        taken();
        await db.deleteDatabase({ discardUnsent: true });
    "#,
    )
    .await;
}

/// At the request and at the commit.
#[wasm_bindgen_test]
async fn a_full_disk_is_said_and_costs_nothing_once_there_is_room() {
    run(r#"
        const db = await open(options());
        const { sys_id } = await db.table("incident").create({ short_description: "before" });
        const before = JSON.stringify([await db.outbox.list(), await db.table("incident").query("")]);
        const full = () => new DOMException("no room", "QuotaExceededError");
        const put = IDBObjectStore.prototype.put;
        const commit = IDBTransaction.prototype.commit;
        const error = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, "error");
        const at = {
          request: () => { IDBObjectStore.prototype.put = () => { throw full(); }; },
          commit: () => {
            IDBTransaction.prototype.commit = function () { this.abort(); };
            Object.defineProperty(IDBTransaction.prototype, "error", { configurable: true, get: full });
          },
        };
        const room = () => {
          IDBObjectStore.prototype.put = put;
          IDBTransaction.prototype.commit = commit;
          Object.defineProperty(IDBTransaction.prototype, "error", error);
        };
        const writes = [
          () => db.table("incident").create({ short_description: "much" }),
          () => db.table("incident").update(sys_id, { work_notes: "much" }),
          () => db.table("incident").delete(sys_id),
          () => db.transaction(async (tx) => { await tx.table("incident").create({}); await tx.table("incident").create({}); }),
        ];
        for (const fill of Object.values(at)) {
          for (const write of writes) {
            fill();
            const failed = await refused("storage_full", "full", write).finally(room);
            same([failed.retryable, JSON.stringify([await db.outbox.list(), await db.table("incident").query("")])], [true, before]);
          }
        }
        for (const write of writes.slice(0, 2)) await write();
        same(await db.table("incident").count(), 2);
        same((await db.outbox.list()).length, 2);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn an_opening_that_failed_is_tried_again_without_a_reload() {
    run(r#"
        const real = IDBFactory.prototype.open;
        IDBFactory.prototype.open = function (...args) {
          const request = real.apply(this, args);
          request.addEventListener("upgradeneeded", () => request.transaction.abort());
          return request;
        };
        const failed = await refused("storage_failed", "opening", () => open(options())).finally(() => { IDBFactory.prototype.open = real; });
        same(failed.retryable, true);
        const db = await open(options());
        await db.table("incident").create({ short_description: "works" });
        same((await db.status()).pending, 1);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}
