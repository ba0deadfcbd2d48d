//! Live queries, and how queries are answered.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn a_live_query_answers_now_and_after_each_change_that_alters_it() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        const { subscribe, getSnapshot } = liveQuery(incidents, "priority<3^ORDERBYpriority", { limit: 2 });
        same(getSnapshot(), undefined);
        const told = [];
        const unsubscribe = subscribe((rows) => told.push(rows.map((row) => row.priority)));
        await until(() => told.length === 1);
        same(told, [[]]);
        await incidents.createMany([{ priority: 2 }, { priority: 1 }, { priority: 5 }]);
        await until(() => told.length === 2);
        same(told[1], [1, 2]);
        const snapshot = getSnapshot();
        same(snapshot === getSnapshot() && snapshot.length, 2);

        // Several in one transaction are one call; what alters nothing is none.
        const [first] = snapshot;
        await incidents.create({ priority: 9 });
        await db.table("sys_user").create({});
        await db.transaction(async (tx) => {
          await tx.table("incident").update(first.sys_id, { priority: 2, short_description: "x" });
          await tx.table("incident").create({ priority: 0 });
        });
        await until(() => told.length === 3);
        same(told[2], [0, 2]);
        same(getSnapshot() === snapshot, false);

        // Who comes later is given what is known at once.
        const late = [];
        const object = { all: late, next(rows) { this.all.push(rows.length); } };
        const other = subscribe(object);
        same(late, [2]);
        unsubscribe();
        await incidents.create({ priority: -1 });
        await until(() => late.length === 2);
        same(told.length, 3);
        other.unsubscribe();
        other();
        await incidents.create({ priority: -2 });
        await incidents.query("");
        same([late.length, getSnapshot()[0].priority], [2, -1]);

        // And is told what has changed while nobody listened.
        const again = [];
        subscribe((rows) => again.push(rows[0].priority));
        same(again, [-1]);
        await until(() => again.length === 2);
        same(again, [-1, -2]);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn what_is_wrong_with_a_live_query_is_told_to_who_listens() {
    run(r#"
        const db = await open(options());
        const error = async (query, options) => {
          const told = await new Promise((resolve, reject) => liveQuery(db.table("incident"), query, options).subscribe({ next: reject, error: resolve }));
          return [told.name, told.code];
        };
        same(await error("priority"), ["LandfallError", "malformed_query"]);
        same(await error(7), ["LandfallError", "bad_argument"]);
        same(await error("", { most: 1 }), ["LandfallError", "bad_options"]);
        same(await new Promise((resolve) => liveQuery(db.table("unheard_of"), "").subscribe({ error: ({ code }) => resolve(code) })), "unknown_table");
        for (const given of [undefined, null, 7, "next"]) {
          await refused("bad_argument", "a function", async () => liveQuery(db.table("incident"), "").subscribe(given));
        }
        // One that throws is its own trouble.
        const told = [];
        const answer = liveQuery(db.table("incident"), "");
        const thrown = new Promise((resolve) => {
          const heard = (event) => { event.preventDefault(); globalThis.removeEventListener("error", heard); resolve(event.error.message); };
          globalThis.addEventListener("error", heard);
        });
        answer.subscribe(() => { throw new Error("a listener's own"); });
        answer.subscribe((rows) => told.push(rows.length));
        await until(() => told.length === 1);
        same(await thrown, "a listener's own");
        await db.close();
        same(await new Promise((resolve) => liveQuery(db.table("incident"), "").subscribe({ error: ({ code }) => resolve(code) })), "closed");
        const left = await open(options());
        await left.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn a_query_is_answered_by_the_index_that_fits() {
    run(r#"
        const plain = await open(options());
        const many = Array.from({ length: 600 }, (_, number) => ({ priority: number % 60, short_description: `n ${number}` }));
        await plain.table("incident").createMany(many);
        same(await plain.table("incident").explain("priority=3"), { index: null, filtered: true, sorted: false });
        const expected = await plain.table("incident").query("priority=3");
        const last = await plain.table("incident").query("ORDERBYDESCpriority", { limit: 12 });
        await plain.close();

        const tables = { ...options().tables, incident: { ...options().tables.incident, indexes: ["priority"] } };
        const db = await open(options({ tables }));
        const incidents = db.table("incident");
        const isFilled = async () => (await incidents.explain("priority=3")).index !== null;
        await until(isFilled);
        same(await incidents.explain("priority=3"), { index: ["priority"], filtered: false, sorted: false });
        same(await incidents.explain("priority=3^short_descriptionLIKE1"), { index: ["priority"], filtered: true, sorted: false });
        same(await incidents.explain("priority>3"), { index: ["priority"], filtered: false, sorted: true });
        same(await incidents.explain(), { index: null, filtered: false, sorted: false });
        same((await incidents.query("priority=3")).map((row) => row.sys_id), expected.map((row) => row.sys_id));
        same((await incidents.query("ORDERBYDESCpriority", { limit: 12 })).map((row) => row.sys_id), last.map((row) => row.sys_id));
        same(await incidents.count("priorityBETWEEN3@4"), 20);
        same((await incidents.query({ equals: { priority: 3 }, orderBy: "-priority" }, { offset: 8 })).length, 2);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}
