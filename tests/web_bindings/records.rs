//! Records, written and read.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn a_record_is_there_after_the_database_was_closed() {
    run(r#"
        let db = await open(options());
        const made = await db.table("incident").create({
            short_description: "Pump ✓", priority: 2, opened_at: new Date(0), left_out: undefined, cleared: null,
            nested: { list: [1, null, "x"] },
        });
        same([made.$sync.state, made.$sync.isTemporary, made.priority], ["local", true, 2]);
        same(/^tmp_[0-9a-f]{32}$/.test(made.sys_id), true);
        await db.close();
        db = await open(options());
        const found = await db.table("incident").get(made.sys_id);
        same([found.short_description, found.priority, found.opened_at], ["Pump ✓", 2, "1970-01-01T00:00:00.000Z"]);
        same(found.nested, '{"list":[1,null,"x"]}');
        same(["left_out" in found], [false]);
        same(await db.table("incident").get("nothing"), undefined);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn a_row_handed_back_is_a_change_of_its_fields_only() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        const made = await incidents.create({ short_description: "a", state: "1" });
        const row = await incidents.update(made.sys_id, { ...made, state: undefined, short_description: "b" });
        same([row.sys_id, row.short_description, row.state], [made.sys_id, "b", "1"]);
        same((await incidents.update(made.sys_id, { state: null })).state ?? "", "");
        await incidents.delete(made.sys_id);
        same(await incidents.get(made.sys_id), undefined);
        same((await db.outbox.list()).length, 0);
        await db.deleteDatabase();
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn an_object_may_be_used_again_at_once() {
    run(r#"
        const db = await open(options());
        const record = {};
        const made = await Promise.all([1, 2, 3].map((priority) => {
            record.priority = priority;
            return db.table("incident").create(record);
        }));
        same(made.map((row) => row.priority), [1, 2, 3]);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn queries_in_both_forms_find_the_same() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        const given = [3, 1, 2].map((priority) => ({ priority, short_description: "same" }));
        same((await incidents.createMany(given)).map((row) => row.priority), [3, 1, 2]);
        const all = { equals: { short_description: "same" }, orderBy: "-priority" };
        same((await incidents.query(all)).map((row) => row.priority), [3, 2, 1]);
        same((await incidents.query("short_description=same^ORDERBYpriority", { offset: 1, limit: 1 }))[0].priority, 2);
        same([await incidents.count(), await incidents.count({ equals: { priority: 2 } })], [3, 1]);
        same(await db.table("task").count("priority>1"), 2);
        const items = await db.outbox.list({ state: ["queued"], limit: 2 });
        same(items.map((item) => [item.kind, item.table, item.attempts]), Array(2).fill(["create", "incident", 0]));
        same((await db.outbox.list({ after: items[1].id })).length, 1);
        same((await db.audit()).orphans, []);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn listeners_are_told_later_and_one_that_throws_stops_no_other() {
    run(r#"
        const db = await open(options());
        const heard = [];
        const keep = globalThis.reportError;
        globalThis.reportError = (error) => heard.push(error.message);
        db.on("change", () => { throw new Error("thrown"); });
        const stop = db.on("change", async (event) => {
            stop();
            heard.push(event.table, event.origin, await db.table(event.table).count());
        });
        db.on("outbox", (event) => heard.push(event.pending));
        let status;
        db.on("status", (event) => { status = event; });
        await db.table("incident").create({ short_description: "one" });
        await until(() => heard.length >= 5 && status);
        same(heard.sort(), [1, 1, "here", "incident", "thrown"]);
        same([status.pending, status.temporary, status.mode, status.storage.durability], [1, 1, "auto", "strict"]);
        await db.table("incident").create({ short_description: "two" });
        await until(() => heard.includes(2));
        same(heard.filter((word) => word === "here").length, 1);
        globalThis.reportError = keep;
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn the_outbox_is_counted_where_it_is_told() {
    run(r#"
        const db = await open(options());
        await db.table("incident").create({ short_description: "one" });
        const heard = [];
        db.on("outbox", (event) => heard.push([event.pending, event.refused, event.conflicts]));
        // Another context's count, overtaken on its way.
        const others = new BroadcastChannel(`landfall/1/landfall/bindings//api/now/${user}`);
        others.postMessage(JSON.stringify({ event: "outbox", pending: 13, refused: 13, conflicts: 0 }));
        await until(() => heard.length > 0);
        same(heard[heard.length - 1], [1, 0, 0]);
        others.close();
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}
