//! What a person may do about an item, and transactions, as an app calls them.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn an_item_is_refused_edited_settled_and_discarded() {
    run(r#"
        let says = 403, made = 0;
        const fetch = async (url, init) => {
            const status = new URL(url.url ?? url, "http://x").pathname.includes("/table/") ? says : 404;
            if (url.method === "GET" && status !== 404) {
                return new Response('{"result":[]}', { headers: { "Content-Type": "application/json" } });
            }
            const told = status === 201 ? { result: { sys_id: "made" + ++made, short_description: "b" } } : { error: { message: "No." } };
            return new Response(JSON.stringify(told), { status, headers: { "Content-Type": "application/json" } });
        };
        const db = await open(options({ instance: { fetch } }));
        const heard = [];
        db.on("settled", ({ item, state }) => heard.push([item, state]));
        await db.table("incident").create({ short_description: "a" });
        const [{ id }] = await db.outbox.list();
        const first = db.outbox.settled(id);
        await db.sync({ pull: false });
        same((await first).state, "refused");
        same((await first).error.message, "No.");

        const stop = new AbortController();
        await db.outbox.retry(id);
        const stopped = refused("aborted", "signal", () => db.outbox.settled(id, { signal: stop.signal }));
        stop.abort();
        await stopped;
        await db.sync({ pull: false });
        says = 201;
        await db.outbox.edit(id, { short_description: "b" });
        const second = db.outbox.settled(id);
        await db.sync({ pull: false });
        same((await second).state, "done");
        same((await second).records, [{ table: "incident", sys_id: "made1" }]);
        same((await db.outbox.settled(id)).state, "done");
        await until(() => heard.length === 3);
        same(heard.map(([, state]) => state), ["refused", "refused", "done"]);

        await db.table("incident").update("made1", { short_description: "c" });
        const [edit] = await db.outbox.list();
        same((await db.outbox.discard(edit.id)).map(({ id, explain }) => [id, explain.length > 0]), [[edit.id, true]]);
        same((await db.table("incident").get("made1")).short_description, "b");
        await db.deleteDatabase();
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn a_transaction_is_all_or_nothing_and_begins_again_when_stale() {
    run(r#"
        const db = await open(options());
        const incidents = db.table("incident");
        const made = await db.transaction(async (tx) => {
            const { sys_id } = await tx.table("incident").create({ short_description: "a" });
            await Promise.all([1, 2].map((priority) => tx.table("incident").create({ parent: sys_id, priority })));
            await tx.table("incident").update(sys_id, { short_description: "b" });
            same((await tx.table("incident").get(sys_id)).short_description, "b");
            same(await incidents.count(), 0);
            return sys_id;
        });
        same([await incidents.count(), (await incidents.get(made)).short_description], [3, "b"]);
        const groups = (await db.outbox.list()).map(({ group }) => group);
        same([groups.length, new Set(groups).size], [3, 1]);

        const mine = new Error("mine");
        let leaked;
        const thrown = await db.transaction(async (tx) => {
            leaked = tx.table("incident");
            await leaked.create({ short_description: "never" });
            throw mine;
        }).catch((error) => error);
        same([thrown === mine, await incidents.count()], [true, 3]);
        await refused("transaction_over", "over", () => leaked.create({}));
        await refused("not_found", "no incident", () => db.transaction((tx) => tx.table("incident").update("none", { a: 1 })));

        let runs = 0;
        await db.transaction(async (tx) => {
            const { priority } = await tx.table("incident").get(made);
            if (++runs === 1) await incidents.update(made, { priority: 5 });
            await tx.table("incident").update(made, { priority: (priority ?? 0) + 1 });
        });
        same([runs, (await incidents.get(made)).priority], [2, 6]);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}
