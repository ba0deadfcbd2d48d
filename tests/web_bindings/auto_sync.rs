//! What is sent without being asked, against an instance that is a function.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

/// Answers every create, finds it again, and notes what was asked of it.
const INSTANCE: &str = r#"
    const asked = [];
    const rows = [];
    let status = 201;
    let html = false;
    const fetch = async (request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`);
        const body = request.method === "POST" ? await request.json() : {};
        const found = () => rows.filter(({ correlation_id: id }) => decodeURIComponent(request.url).includes(id));
        const result = request.method === "POST" ? { ...body, sys_id: crypto.randomUUID().replaceAll("-", "") } : found();
        if (request.method === "POST" && status === 201 && !html) rows.push(result);
        const headers = { "Content-Type": html ? "text/html" : "application/json" };
        const said = html ? "<h1>Welcome</h1>" : JSON.stringify({ result });
        return new Response(said, { status: request.method === "POST" ? status : 200, headers });
    };
    const instance = { fetch, batchSize: 1 };
    const served = "ServiceWorkerGlobalScope" in globalThis;
"#;

async fn run_with_instance(body: &str) {
    run(&format!("{INSTANCE}\n{body}")).await;
}

#[wasm_bindgen_test]
async fn a_write_is_sent_by_itself() {
    run_with_instance(
        r#"
        const db = await open(options({ instance, autoSync: true }));
        const heard = [];
        db.on("reconciled", (event) => heard.push(event));
        const made = await db.table("incident").create({ short_description: "sent" });
        await until(() => heard.length === 1);
        same([heard[0].table, heard[0].temporary], ["incident", made.sys_id]);
        same(await db.resolveId(made.sys_id), heard[0].sys_id);
        same((await db.table("incident").get(made.sys_id)).$sync.state, "synced");
        await db.deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn nothing_is_sent_unasked_where_the_app_said_so() {
    run_with_instance(
        r#"
        const db = await open(options({ instance }));
        await db.table("incident").create({ short_description: "kept" });
        await new Promise((resolve) => setTimeout(resolve, 300));
        same(asked, []);
        const progress = [];
        const report = await db.sync({ onProgress: (event) => progress.push(event.phase) });
        same([report.sent, report.reconciled, report.remaining, report.endedBy], [1, 1, 0, "done"]);
        same(progress.includes("push"), true);
        same((await db.sync({ signal: AbortSignal.abort() })).endedBy, "aborted");
        await db.deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn offline_by_the_users_word_holds_until_auto() {
    run_with_instance(
        r#"
        const db = await open(options({ instance, autoSync: true }));
        await db.setMode("offline");
        await db.table("incident").create({ short_description: "held" });
        await new Promise((resolve) => setTimeout(resolve, 300));
        same([asked.filter((line) => line.startsWith("POST")), (await db.status()).paused], [[], "offline"]);
        await db.setMode("auto");
        await until(async () => (await db.status()).pending === 0);
        await db.deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn without_sign_in_it_pauses_and_counts_nothing() {
    run_with_instance(
        r#"
        let known = false;
        const auth = async () => { if (!known) throw new Error("who are you?"); return { "X-Who": "Ada" }; };
        const db = await open(options({ instance, auth, autoSync: true }));
        await db.table("incident").create({ short_description: "held" });
        await until(async () => (await db.status()).paused === "auth");
        same((await db.outbox.list()).map((item) => item.attempts), [0]);
        known = true;
        db.signedIn();
        await until(async () => (await db.status()).pending === 0);
        await db.deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn a_failure_is_followed_by_another_try() {
    run_with_instance(
        r#"
        if (served) return;
        const db = await open(options({ instance, autoSync: true }));
        await db.table("incident").create({ short_description: "shows that the table keeps its id" });
        await until(async () => (await db.status()).pending === 0);
        asked.length = 0;
        // Not carried out. What may have been would have to wait a minute here, where there are no keys.
        status = 429;
        await db.table("incident").create({ short_description: "in time" });
        await until(() => asked.some((line) => line.startsWith("POST")));
        status = 201;
        await until(async () => (await db.status()).pending === 0 && !(await db.status()).syncing);
        await db.close();
        const then = asked.length;
        await new Promise((resolve) => setTimeout(resolve, 300));
        same(asked.length, then);
        await (await open(options())).deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn a_page_is_not_an_instance() {
    run_with_instance(
        r#"
        html = true;
        const db = await open(options({ instance }));
        const heard = [];
        db.on("error", (error) => heard.push(error));
        await db.table("incident").create({ short_description: "stays" });
        same((await db.sync()).endedBy, "offline");
        await refused("not_an_instance", "/api/now is not an instance: status 200 with “<h1>Welcome", () => {
            throw heard[0];
        });
        html = false;
        same((await db.sync()).remaining, 0);
        await db.deleteDatabase();
    "#,
    )
    .await;
}
