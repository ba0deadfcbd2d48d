//! Cached tables that are refreshed by themselves, against an instance that is a function.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

/// Gives one record of each table, and notes which were asked for.
const INSTANCE: &str = r#"
    const asked = [];
    const fetch = async (request) => {
        const url = new URL(request.url);
        asked.push(`${url.pathname.split("/").pop()} ${url.searchParams.get("sysparm_fields") ?? "all"}`);
        const row = { sys_id: "a".repeat(32), name: "Ada", sys_updated_on: "2026-01-31 08:00:00" };
        const headers = { "Content-Type": "application/json", "X-Total-Count": "1" };
        return new Response(JSON.stringify({ result: [row] }), { headers });
    };
    const instance = { fetch };
    const served = "ServiceWorkerGlobalScope" in globalThis;
    const tables = () => [...new Set(asked.splice(0).map((line) => line.split(" ")[0]))].sort();
    const cached = (refresh) => ({ cache: { fields: ["name"], refresh } });
"#;

async fn run_with_instance(body: &str) {
    run(&format!("{INSTANCE}\n{body}")).await;
}

#[wasm_bindgen_test]
async fn each_table_when_it_is_due() {
    run_with_instance(
        r#"
        if (served) return;
        const by_hand = { onOpen: false, onReconnect: false };
        const tables_of = {
            usual: { cache: {} }, timed: cached({ ...by_hand, everyMs: 1000 }), hand: cached(by_hand),
        };
        const db = await open(options({ instance, tables: tables_of, autoSync: true }));
        await until(async () => (await db.status()).cache.filter((of) => of.fetchedAt).length === 2);
        same(asked.includes("timed correlation_id,name,sys_class_name,sys_created_on,sys_id,sys_mod_count,sys_updated_on"), true);
        same(tables(), ["timed", "usual"]);
        const of = (await db.status()).cache.find((of) => of.table === "usual");
        same([of.rows, of.deletions], [1, "ids"]);
        // By its own interval, and no other with it.
        await until(() => asked.length > 0);
        await until(async () => !(await db.status()).syncing);
        same(tables(), ["timed"]);
        dispatchEvent(new Event("online"));
        await until(() => asked.some((line) => line.startsWith("usual")));
        await until(async () => !(await db.status()).syncing);
        same(asked.some((line) => line.startsWith("hand")), false);
        asked.length = 0;
        const progress = [];
        await db.sync({ onProgress: (event) => progress.push(event) });
        await until(() => progress.length > 0);
        same(tables(), ["hand", "timed", "usual"]);
        same(progress.every(({ done, total }) => total >= done), true);
        await db.deleteDatabase();
    "#,
    )
    .await;
}

#[wasm_bindgen_test]
async fn some_wait_for_a_connection_that_costs_nothing() {
    run_with_instance(
        r#"
        if (served) return;
        const connection = new EventTarget();
        connection.type = "cellular";
        const own = Object.getOwnPropertyDescriptor(navigator, "connection");
        Object.defineProperty(navigator, "connection", { value: connection, configurable: true });
        try {
            const tables_of = { large: cached({ onlyUnmetered: true }), small: { cache: {} } };
            const db = await open(options({ instance, tables: tables_of, autoSync: true }));
            const fetched = async (name) => (await db.status()).cache.find(({ table }) => table === name).fetchedAt;
            await until(() => fetched("small"));
            await until(async () => !(await db.status()).syncing);
            same(tables(), ["small"]);
            connection.dispatchEvent(new Event("change"));
            connection.type = "wifi";
            connection.dispatchEvent(new Event("change"));
            await until(() => fetched("large"));
            same(tables(), ["large"]);
            await db.deleteDatabase();
        } finally {
            if (own) Object.defineProperty(navigator, "connection", own);
            else delete navigator.connection;
        }
    "#,
    )
    .await;
}
