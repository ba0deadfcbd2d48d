//! A conflict as an app meets it.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn a_conflict_is_shown_and_settled() {
    run(r#"
        const row = { sys_id: "a1", priority: "3", short_description: "A", category: "x", sys_updated_on: "2026-01-01 00:00:00" };
        const sent = [];
        const fetch = async (request) => {
            const url = new URL(request.url, "http://x");
            if (!url.pathname.includes("/table/incident")) return new Response("{}", { status: 404, headers: { "Content-Type": "application/json" } });
            if (request.method === "PATCH") {
                const body = await request.json();
                sent.push(body);
                Object.assign(row, body);
            }
            const result = request.method === "PATCH" ? row : [row];
            return new Response(JSON.stringify({ result }), { headers: { "Content-Type": "application/json", "X-Total-Count": "1" } });
        };
        const db = await open(options({ instance: { fetch }, tables: { incident: { types: { priority: "integer" }, cache: {} } } }));
        const incidents = db.table("incident");
        const heard = [];
        db.on("outbox", ({ conflicts }) => heard.push(conflicts));
        const both = async () => {
            Object.assign(row, { priority: "3", category: "x" });
            await db.sync();
            await incidents.update("a1", { priority: 1, category: "y", short_description: "B" });
            Object.assign(row, { priority: "2", category: "z" });
            await db.sync({ push: false });
        };
        await db.sync();
        await both();
        const shown = await incidents.get("a1");
        same([shown.$sync.state, shown.$sync.theirs, shown.priority], ["conflict", { category: "z", priority: 2 }, 1]);
        same((await db.outbox.list({ state: ["conflict"] })).length, 1);
        same([(await db.status()).conflicts, heard.at(-1)], [1, 1]);
        await db.sync();
        same(sent, []);

        await refused("bad_argument", "\"theirs\"", () => incidents.resolveConflict("a1", "ours"));
        await refused("bad_argument", "\"theirs\"", () => incidents.resolveConflict("a1"));
        await refused("not_in_conflict", "short_description", () => incidents.resolveConflict("a1", { short_description: "C" }));
        await refused("not_found", "a2", () => incidents.resolveConflict("a2", "mine"));
        same((await incidents.resolveConflict("a1", { priority: 4 })).$sync.theirs, { category: "z" });
        same((await incidents.resolveConflict("a1", "theirs")).$sync.state, "changed");
        await db.sync();
        same(sent, [{ priority: "4", short_description: "B" }]);
        same((await incidents.get("a1")).$sync.state, "synced");

        await both();
        await incidents.resolveConflict("a1", "mine");
        await db.sync();
        same(sent[1], { category: "y", priority: "1" });
        same([(await db.status()).conflicts, (await db.outbox.list()).length], [0, 0]);
        await db.deleteDatabase();
    "#)
    .await;
}
