//! What goes along, from the outside.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn what_is_opened_or_pinned_brings_its_own_along() {
    run(r#"
        const rows = {
            incident: [{ sys_id: "i1", short_description: "Pump", caller_id: "u1" }, { sys_id: "i2", caller_id: "u2" }],
            sys_user: [{ sys_id: "u1", location: "l1" }, { sys_id: "u2", location: "l2" }],
            cmn_location: [{ sys_id: "l1", name: "Oslo" }, { sys_id: "l2", name: "Bergen" }],
            task: [{ sys_id: "t1", parent: "i1" }],
        };
        let asked = 0;
        // Knows queries by ids only.
        const fetch = async (url) => {
            asked += 1;
            const at = new URL(url.url ?? url, location.href);
            const query = at.searchParams.get("sysparm_query");
            const [, field, ids] = query.match(/^(\w+)IN([^^]*)/) ?? [undefined, "none", ""];
            const found = rows[at.pathname.split("/").pop()].filter((row) => ids.split(",").includes(row[field]));
            const headers = { "Content-Type": "application/json", "X-Total-Count": String(found.length) };
            return new Response(JSON.stringify({ result: found }), { headers });
        };
        const tables = {
            task: { references: { parent: "task" } }, cmn_location: {}, sys_user: { references: { location: "cmn_location" } },
            incident: {
                extends: "task", references: { caller_id: "sys_user" },
                cache: { query: "none=none", include: ["caller_id.location", { from: "task", field: "parent", limit: 5 }] },
            },
        };
        const db = await open(options({ instance: { fetch }, tables }));
        const incidents = db.table("incident");
        same(await incidents.get("i1"), undefined);
        same((await incidents.get("i1", { remote: "ifMissing" })).short_description, "Pump");
        same((await db.table("cmn_location").get("l1")).name, "Oslo");
        same((await db.table("task").get("t1")).parent, "i1");
        const before = asked;
        same((await incidents.get("i1", { remote: "ifMissing" })).sys_id, "i1");
        same(asked, before);
        rows.incident[0].short_description = "Pump 7";
        same((await incidents.get("i1", { remote: "always" })).short_description, "Pump 7");
        same(await incidents.get("i9", { remote: "always" }), undefined);

        await db.pin("incident", "i2", { include: ["caller_id"] });
        await db.sync();
        same((await db.table("sys_user").get("u2")).location, "l2");
        same(await db.table("cmn_location").get("l2"), undefined);
        await db.unpin("incident", "i2");
        await db.sync();
        same(await Promise.all(["i1", "i2"].map(async (id) => (await incidents.get(id))?.sys_id)), ["i1", null]);
        same([await db.table("sys_user").get("u2"), (await db.table("cmn_location").get("l1")).name], [undefined, "Oslo"]);

        await db.setMode("offline");
        const sent = asked;
        same((await incidents.get("i1", { remote: "always" })).short_description, "Pump 7");
        same(asked, sent);
        await db.deleteDatabase();
    "#)
    .await;
}
