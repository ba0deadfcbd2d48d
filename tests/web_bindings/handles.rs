//! Handles on one database.

use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn opened_twice_it_is_one_client_until_both_are_closed() {
    run(r#"
        const [one, two] = await Promise.all([open(options()), open(options())]);
        const made = await one.table("incident").create({ short_description: "shared" });
        let heard = 0;
        one.on("change", () => { heard += 1; });
        await one.close();
        await one.close();
        await refused("closed", "closed", () => one.table("incident").count());
        await refused("closed", "closed", () => one.on("change", () => {}));
        await two.table("incident").update(made.sys_id, { short_description: "still there" });
        same([await two.table("incident").count(), heard], [1, 0]);
        await refused("contradicting_tables", "other tables", () => open(options({ tables: { incident: {} } })));
        await two.close();
        const three = await open(options({ tables: { incident: {} } }));
        same(await three.table("incident").count(), 1);
        await three.deleteDatabase({ discardUnsent: true });
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn another_user_has_another_database() {
    run(r#"
        const one = await open(options({ name: "a", user: user + "/b" }));
        const two = await open(options({ name: "a", user: user + "%2Fb" }));
        await one.table("incident").create({ short_description: "mine" });
        same(await two.table("incident").count(), 0);
        await one.deleteDatabase({ discardUnsent: true });
        await two.deleteDatabase();
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn once_deleted_every_handle_is_closed_and_the_next_open_finds_nothing() {
    run(r#"
        const [one, two] = await Promise.all([open(options()), open(options())]);
        await one.table("incident").create({ short_description: "gone" });
        await one.deleteDatabase({ discardUnsent: true });
        await refused("closed", "closed", () => two.table("incident").count());
        await two.close();
        const three = await open(options());
        same(await three.table("incident").count(), 0);
        await three.deleteDatabase();
    "#)
    .await;
}

#[wasm_bindgen_test]
async fn a_newer_database_is_not_touched() {
    run(r#"
        const name = `landfall/bindings//api/now/${user}`;
        await new Promise((resolve, reject) => {
            const request = indexedDB.open(name, 99);
            request.onsuccess = () => resolve(request.result.close());
            request.onerror = () => reject(request.error);
        });
        await refused("database_newer", "newer", () => open(options()));
        await new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
        const db = await open(options());
        await db.deleteDatabase();
    "#)
    .await;
}
