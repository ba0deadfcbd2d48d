//! Write-back actions, as an app writes and runs them.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn an_action_is_run_offline_and_then_online() {
    run(r#"
        const sent = [];
        const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
        let made = 0;
        const fetch = async (request) => {
            const { pathname } = new URL(request.url);
            if (request.method === "GET") return pathname.includes("/table/") ? json({ result: [] }) : json({}, 404);
            const body = await request.json();
            sent.push([request.method, pathname, body]);
            return json({ result: { sys_id: "made" + ++made, ...body } }, 201);
        };
        const db = await open(options({ instance: { fetch } }));
        const heard = [];
        db.on("settled", (receipt) => heard.push(receipt));
        db.action("report", {
            async offline(tx, { what }) {
                const { sys_id } = await tx.table("incident").create({ short_description: what });
                await tx.table("sys_user").create({ name: "Ann", last: sys_id });
            },
            async online(step, { what }) {
                for (const { table, sys_id } of step.records) {
                    const answer = await step.fetch("table/" + table, {
                        method: "POST", headers: { "Content-Type": "application/json" },
                        body: JSON.stringify({ what, correlation_id: sys_id }),
                    });
                    same([answer.ok, answer.status], [true, 201]);
                    step.addRecordForSync(table, (await answer.json()).result.sys_id);
                }
                same([typeof step.idempotencyKey, step.actedAt.endsWith("Z")], ["string", true]);
                return { thanks: what };
            },
        });
        const { item, records } = await db.run("report", { what: "smoke" });
        same(records.map(({ table }) => table), ["incident", "sys_user"]);
        const [{ kind, action, state }] = await db.outbox.list();
        same([kind, action, state], ["action", "report", "queued"]);
        same((await db.table("incident").get(records[0].sys_id)).$sync.state, "local");
        const settled = db.outbox.settled(item);
        const report = await db.sync({ pull: false });
        same([report.remaining, report.reconciled], [0, 2]);
        const receipt = await settled;
        same([receipt.state, receipt.result], ["done", { thanks: "smoke" }]);
        same(receipt.records, [{ table: "incident", sys_id: "made1" }, { table: "sys_user", sys_id: "made2" }]);
        same(sent.map(([method, path]) => [method, path]), [["POST", "/api/now/table/incident"], ["POST", "/api/now/table/sys_user"]]);
        same((await db.table("sys_user").get(records[1].sys_id)).last, "made1");
        await until(() => heard.length === 1);
        same(heard[0].result, { thanks: "smoke" });
        same((await db.audit()).orphans, []);
        await db.deleteDatabase();
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn what_is_wrong_with_an_action_is_said() {
    run(r#"
        const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
        const fetch = async (request) => request.method === "GET" ? json({ result: [] }) : json({ error: { message: "No." } }, 403);
        const db = await open(options({ instance: { fetch } }));
        await refused("bad_argument", "register it with action()", () => db.run("none", {}));
        await refused("bad_argument", "the steps", () => db.action("a"));
        await refused("bad_options", "“offline” must be a function", () => db.action("a", { offline: 1 }));
        await refused("bad_options", "There is no option “onlin”", () => db.action("a", { onlin() {} }));
        db.action("nobody", { offline() {} });
        await refused("bad_argument", "Nobody can carry out “nobody”", () => db.run("nobody", {}));
        db.action("bad", { online() {}, consolidate: () => 1 });
        await refused("bad_argument", "What consolidate() gives", () => db.run("bad", {}));
        await refused("not_json", "input of “bad”", () => db.run("bad", { at: 1n }));
        const mine = new Error("mine");
        db.action("throws", { offline() { throw mine; }, online() {} });
        same(await db.run("throws").catch((error) => error === mine), true);
        same(await db.outbox.list(), []);

        db.action("odd", {
            async online(step) {
                await refused("bad_argument", "is not a path of the instance", () => step.fetch("https://else.where/"));
                await refused("bad_argument", "The method must be", () => step.fetch("table/x", { method: "HEAD" }));
                await refused("bad_argument", "The name of a table must be", () => step.addRecordForSync(1, "x"));
                const answer = await step.fetch("table/incident", { method: "POST", body: "{}" });
                if (!answer.ok) throw new Error((await answer.json()).error.message);
            },
        });
        const { item } = await db.run("odd");
        await db.sync({ pull: false });
        const receipt = await db.outbox.settled(item);
        same([receipt.state, receipt.error.status, receipt.error.message], ["refused", 403, "No."]);
        await refused("not_pairable", "not waiting", () => db.outbox.pair(item, "tmp_1", "x"));
        same((await db.outbox.discard(item)).length, 1);
        await db.deleteDatabase();
    "#)
    .await;
}
