//! What is refused, by code and sentence, with nothing written.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn what_is_not_json() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        const made = await incidents.create({ short_description: "before" });
        const ring = { name: "ring" };
        ring.self = ring;
        const cases = [
            ["a function", () => 1], ["a symbol", Symbol("s")], ["a BigInt", 1n], ["NaN", NaN],
            ["infinite", [Infinity]], ["undefined", [1, undefined]], ["contains itself", ring],
            ["invalid Date", new Date("never")], ["a Promise", Promise.resolve(1)], ["a Map", { deep: [new Map()] }],
            ["surrogate", "\ud800"],
        ];
        for (const [words, field] of cases) {
            await refused("not_json", words, () => incidents.create({ fine: "1", field }));
            await refused("not_json", "“field", () => incidents.update(made.sys_id, { field }));
            await refused("not_json", "record 2", () => incidents.createMany([{ fine: "1" }, { field }]));
        }
        for (const record of [undefined, null, "text", 5, [], new Date(0)]) {
            await refused("not_json", "an object of fields", () => incidents.create(record));
        }
        const thrown = new Error("thrown by a getter");
        const error = await refused("not_json", "“field”", () => incidents.create({ get field() { throw thrown; } }));
        same(error.cause === thrown, true);
        same([await incidents.count(), (await db.outbox.list()).length], [1, 1]);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn what_does_not_fit_the_tables() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        const someone = await db.table("sys_user").create({ name: "Ada" });
        const made = await incidents.create({ caller_id: someone.sys_id });
        await refused("unknown_table", "nowhere", () => db.table("nowhere").create({ a: "1" }));
        await refused("record_too_large", "long", () => incidents.create({ a: "x".repeat(20e6) }));
        await refused("bad_field", "Short Description", () => incidents.create({ "Short Description": "1" }));
        await refused("malformed_query", "character 16", () => incidents.query("priorityBETWEEN1"));
        await refused("wrong_table", "sys_user", () => incidents.update(someone.sys_id, { a: "1" }));
        await refused("wrong_table", "caller_id".slice(0, 0), () => incidents.create({ caller_id: made.sys_id }));
        const alien = "tmp_0193f5a0e1a27bd0a1b2c3d4e5f60718";
        await refused("unknown_temporary", "caller_id", () => incidents.create({ caller_id: alien }));
        await refused("not_found", "nothing", () => incidents.update("nothing", { a: "1" }));
        await refused("unsent_work", "2 unsent", () => db.deleteDatabase());
        same((await db.outbox.list()).length, 2);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn options_that_cannot_be() {
    run(r#"
        const tables = (incident) => options({ tables: { incident } });
        const cases = [
            ["object of options", undefined], ["“name”", options({ name: " " })], ["“user”", options({ user: 5 })],
            ["“instance”", { name: "n", user: "u", tables: {} }], ["“instance.url”", options({ instance: { url: "" } })],
            ["instance.url", options({ instance: { url: "ftp://x" } })],
            ["“instance.ulr”", options({ instance: { ulr: "/api" } })],
            ["“instance.batchSize”", options({ instance: { batchSize: 0 } })],
            ["“instance.credentials”", options({ instance: { credentials: "all" } })],
            ["“instance.fetch”", options({ instance: { fetch: "fetch" } })],
            ["“instance.extras”", options({ instance: { extras: true } })],
            ["“auth”", options({ auth: "me" })], ["“durability”", options({ durability: "none" })],
            ["“autoSync”", options({ autoSync: "yes" })], ["“autosync”", options({ autosync: true })],
            ["“tables”", options({ tables: [] })], ["“tables.incident”", tables(5)],
            ["“tables.incident.colour”", tables({ colour: "red" })],
            ["“tables.incident.types”", tables({ types: { priority: "int" } })],
            ["“tables.incident.references”", tables({ references: { caller_id: 5 } })],
            ["“tables.incident.conflict”", tables({ conflict: "theirs" })],
            ["“tables.incident.cache”", tables({ cache: { include: [{ from: "task" }] } })],
            ["order", tables({ cache: { include: [{ from: "task", field: "parent", order: "x" }] } })],
            ["cache.include of table incident", tables({ cache: { include: ["caller_id"] } })],
            ["“tables.incident.cache”", tables({ cache: { fields: "name" } })],
            ["“a.b” is not the name of a field", tables({ cache: { fields: ["a", "a.b"] } })],
            ["“tables.incident.cache.refresh.often”", tables({ cache: { refresh: { often: true } } })],
            ["“tables.incident.cache”", tables({ cache: { refresh: { onOpen: 1 } } })],
            ["refresh.everyMs of table incident must be 1000 or more", tables({ cache: { refresh: { everyMs: 999 } } })],
            ["“tables.incident.cache”", tables({ cache: { refresh: { everyMs: 1500.5 } } })],
            ["maxAgeMs of table incident must be 1000 or more", tables({ cache: { maxAgeMs: 0 } })],
            ["“tables.incident.cache”", tables({ cache: { maxAgeMs: -1 } })],
            ["cache.query", tables({ cache: { query: "a^^b" } })], ["extends itself", tables({ extends: "incident" })],
        ];
        for (const [words, given] of cases) await refused("bad_options", words, () => open(given));
        if (indexedDB.databases) same((await indexedDB.databases()).filter(({ name }) => name.includes(user)), []);
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn arguments_that_cannot_be() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        await refused("bad_argument", "table", () => db.table(""));
        await refused("bad_argument", "sys_id", () => incidents.get(5));
        await refused("bad_options", "“remote”", () => incidents.get("x", { remote: "never" }));
        await refused("bad_options", "“include”", () => db.pin("incident", "x", { include: "caller_id" }));
        await refused("bad_options", "“nope” in “nope”", () => db.pin("incident", "x", { include: ["nope"] }));
        await refused("unknown_table", "nope", () => db.unpin("nope", "x"));
        await refused("bad_options", "“limit”", () => incidents.query("", { limit: -1 }));
        await refused("bad_options", "“query.equal”", () => incidents.query({ equal: {} }));
        await refused("bad_argument", "a list", () => incidents.createMany({}));
        await refused("bad_argument", "\"auto\"", () => db.setMode("on"));
        await refused("bad_argument", "no such event", () => db.on("conflict", () => {}));
        await refused("bad_argument", "function", () => db.on("change"));
        await refused("bad_options", "“signal”", () => db.sync({ signal: {} }));
        await refused("bad_options", "“onProgress”", () => db.sync({ onProgress: 1 }));
        await refused("bad_options", "“state”", () => db.outbox.list({ state: ["lost"] }));
        await refused("bad_argument", "a function", () => db.transaction({}));
        await refused("bad_argument", "The item", () => db.outbox.retry(5));
        await refused("not_found", "no item", () => db.outbox.discard("nothing"));
        await refused("not_found", "no item", () => db.outbox.settled("nothing"));
        await refused("bad_options", "“signal”", () => db.outbox.settled("nothing", { signal: 1 }));
        await refused("bad_options", "“discard”", () => db.deleteDatabase({ discard: true }));
        await db.deleteDatabase();
    "#)
    .await;
}
