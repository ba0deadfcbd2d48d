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

#[wasm_bindgen_test]
async fn runs_that_are_one_leave_the_latest() {
    run(r#"
        const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
        let made = 0;
        const fetch = async (request) => {
            if (request.method === "GET") return json({ result: [] });
            return json({ result: { sys_id: "made" + ++made, short_description: "Belt 4" } }, 201);
        };
        const db = await open(options({ instance: { fetch } }));
        const incidents = db.table("incident");
        for (const short_description of ["Belt 4", "Belt 5"]) await incidents.create({ short_description });
        await db.sync({ pull: false });
        const asked = [], done = [];
        db.action("give", {
            async offline(tx, { incident, to, note }) {
                await tx.table("incident").update(incident, { assigned_to: to, ...(note && { note }) });
            },
            online(step, input) { done.push(input); },
            consolidate(input) { asked.push(input); return input.incident; },
        });
        const first = await db.run("give", { incident: "made1", to: "Ann", note: "Yours" });
        const other = await db.run("give", { incident: "made2", to: "Ann" });
        const latest = await db.run("give", { incident: "made1", to: "Bo" });
        same(asked.map(({ incident, to }) => [incident, to]), [["made1", "Ann"], ["made2", "Ann"], ["made1", "Bo"]]);
        same([latest.item === first.item, latest.item === other.item], [true, false]);
        same((await db.outbox.list()).map(({ records }) => records.map(({ sys_id }) => sys_id)).sort(), [["made1"], ["made2"]]);
        // What only the earlier run did is undone.
        const { assigned_to, note } = await incidents.get("made1");
        same([assigned_to, note], ["Bo", undefined]);

        await db.sync({ pull: false });
        same(done.sort((one, two) => one.incident < two.incident ? -1 : 1), [{ incident: "made1", to: "Bo" }, { incident: "made2", to: "Ann" }]);
        same((await db.outbox.settled(first.item)).state, "done");
        same(await db.outbox.list(), []);
        // What has been carried out is one with nothing.
        const anew = await db.run("give", { incident: "made1", to: "Ann" });
        same([anew.item === first.item, (await db.outbox.list()).length], [false, 1]);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn records_pair_in_order_where_the_app_gives_its_word() {
    run(r#"
        const json = (body, status = 200) => new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
        const db = await open(options({ instance: { fetch: async () => json({ result: [] }) } }));
        const steps = (prefix) => ({
            async offline(tx, { names }) {
                for (const short_description of names) await tx.table("incident").create({ short_description });
            },
            online(step, { names }) { names.forEach((name) => step.addRecordForSync("incident", prefix + name)); },
        });
        db.action("split", { ...steps("in order "), pairsInOrder: true });
        db.action("scatter", steps("somehow "));
        const ended = async (name, names) => {
            const { item, records } = await db.run(name, { names });
            await db.sync({ pull: false });
            return { item, records, ids: await Promise.all(records.map(({ sys_id }) => db.resolveId(sys_id))) };
        };

        const split = await ended("split", ["left", "right", "middle"]);
        same((await db.outbox.list()).map(({ state }) => state), []);
        same((await db.outbox.settled(split.item)).state, "done");
        same(split.ids, ["in order left", "in order right", "in order middle"]);
        same((await db.table("incident").get(split.ids[1])).short_description, "right");
        same((await db.audit()).temporary, 0);

        // Without that word, nobody guesses.
        const scattered = await ended("scatter", ["left", "right"]);
        const [{ id, state, unpaired }] = await db.outbox.list();
        same([id, state], [scattered.item, "unpaired"]);
        same(unpaired.open, scattered.records);
        same(unpaired.named.map(({ sys_id }) => sys_id), ["somehow left", "somehow right"]);
        same(scattered.ids, scattered.records.map(({ sys_id }) => sys_id));
        same((await db.audit()).orphans, []);
        await db.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}
