//! What the panic hook does. The module that comes after it is in the package's tests: `tests/consumers/crash.test.mjs`.

use js_sys::Reflect;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::wasm_bindgen_test;

use super::run;

#[wasm_bindgen_test]
async fn what_is_pending_is_rejected_and_what_others_wait_for_is_let_go() {
    let crash = Closure::<dyn Fn()>::new(|| {
        landfall::bindings::crash("said by a test");
        landfall::browser::let_go_of_all();
    });
    Reflect::set(&js_sys::global(), &"crash".into(), crash.as_ref()).expect("a global");
    run(r#"
        let asked = false;
        const never = () => { asked = true; return new Promise(() => {}); };
        const db = await open(options({ instance: { fetch: never } }));
        const incidents = db.table("incident");
        await incidents.create({ short_description: "saved" });
        const held = async () => (await navigator.locks.query()).held.some(({ name }) => name.includes(user));
        const syncing = db.sync();
        await until(() => asked);
        same(await held(), true);

        const pending = incidents.create({ short_description: "perhaps" });
        const never_ends = db.transaction(() => new Promise(() => {}));
        globalThis.crash();
        for (const one of [pending, syncing, never_ends, db.status(), open(options())]) {
            const error = await refused("crashed", "said by a test", () => one);
            same(error.retryable, true);
        }
        await until(async () => !(await held()));
        await new Promise((resolve, reject) => {
            const asked = indexedDB.deleteDatabase(`landfall/bindings//api/now/${user}`);
            asked.onsuccess = resolve;
            asked.onblocked = () => reject(new Error("blocked"));
        });
    "#)
    .await;
    landfall::bindings::revive();
}
