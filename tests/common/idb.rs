//! What IndexedDB does to a store besides storing.

use std::{cell::RefCell, rc::Rc};

use futures_util::future::join;
use landfall::{
    browser::{IdbStore, StoreNews, VERSION},
    core::{Commit, Durability, Expect, Found, Key, Read, RowKey, Scan, StoreName, WriteSet},
    ports::{Store, StoreError},
};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{by_hand, fresh, js, open, put};

const META: StoreName = StoreName::Meta;

async fn rev(store: &IdbStore, key: &str) -> Option<f64> {
    let read = Read::Row(RowKey { store: META, key: Key::from([key]) });
    match store.read(&[read]).await.unwrap().pop() {
        Some(Found::Row(row)) => row.map(|row| row.rev),
        other => panic!("{other:?}"),
    }
}

/// A store that tells when it is lost.
fn losable(name: &str) -> (IdbStore, wasm_bindgen_futures::JsFuture, Rc<RefCell<Vec<StoreNews>>>) {
    let (lost, tell) = by_hand();
    let why = Rc::new(RefCell::new(Vec::new()));
    let kept = Rc::clone(&why);
    let store = IdbStore::new(name, move |news| {
        kept.borrow_mut().push(news);
        tell.call0(&wasm_bindgen::JsValue::UNDEFINED).unwrap();
    });
    (store, lost, why)
}

#[wasm_bindgen_test]
async fn strict_is_asked_for_and_given() {
    let store = open(&fresh("strict")).await.unwrap();
    js("const real = IDBDatabase.prototype.transaction;
        globalThis.unpatch = () => { IDBDatabase.prototype.transaction = real; };
        globalThis.given = [];
        IDBDatabase.prototype.transaction = function (...args) {
            const transaction = real.apply(this, args);
            given.push(transaction.mode + ' ' + transaction.durability);
            return transaction;
        };")
    .await;
    store.commit(&put(META, "a", 1.0)).await.unwrap();
    let relaxed = WriteSet { durability: Durability::Relaxed, ..put(META, "a", 2.0) };
    store.commit(&relaxed).await.unwrap();
    rev(&store, "a").await;
    let given = js("unpatch(); return given.join()").await.as_string().unwrap();
    assert_eq!(given, "readwrite strict,readwrite relaxed,readonly default");
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_full_disk_is_told_at_the_request() {
    let store = open(&fresh("full put")).await.unwrap();
    js("const real = IDBObjectStore.prototype.put;
        globalThis.unpatch = () => { IDBObjectStore.prototype.put = real; };
        let calls = 0;
        IDBObjectStore.prototype.put = function (...args) {
            if (++calls === 2) throw new DOMException('no room', 'QuotaExceededError');
            return real.apply(this, args);
        };")
    .await;
    let mut set = put(META, "a", 1.0);
    set.puts.extend(put(META, "b", 1.0).puts);
    let ended = store.commit(&set).await;
    js("unpatch()").await;
    assert_eq!(ended, Err(StoreError::Full("no room".to_owned())));
    assert_eq!(rev(&store, "a").await, None);
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_full_disk_is_told_at_the_commit() {
    let store = open(&fresh("full commit")).await.unwrap();
    js("const commit = IDBTransaction.prototype.commit;
        const error = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'error');
        globalThis.unpatch = () => {
            IDBTransaction.prototype.commit = commit;
            Object.defineProperty(IDBTransaction.prototype, 'error', error);
        };
        IDBTransaction.prototype.commit = function () { this.abort(); };
        Object.defineProperty(IDBTransaction.prototype, 'error', {
            configurable: true,
            get: () => new DOMException('no room', 'QuotaExceededError'),
        });")
    .await;
    let ended = store.commit(&put(META, "a", 1.0)).await;
    js("unpatch()").await;
    assert_eq!(ended, Err(StoreError::Full("no room".to_owned())));
    assert_eq!(rev(&store, "a").await, None);
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_newer_version_takes_over() {
    let name = fresh("newer");
    let (store, lost, why) = losable(&name);
    store.commit(&put(META, "a", 1.0)).await.unwrap();
    let next = VERSION + 1;
    // Resolves only if all connections of ours let go.
    js(&format!(
        "return new Promise((resolve, reject) => {{
            const request = indexedDB.open({name:?}, {next});
            request.onsuccess = () => {{ request.result.close(); resolve(); }};
            request.onerror = reject;
        }})"
    ))
    .await;
    lost.await.unwrap();
    assert_eq!(*why.borrow(), [StoreNews::Over(StoreError::Superseded { by_version: next })]);
    assert_eq!(store.read(&[]).await, Err(StoreError::Superseded { by_version: next }));
    assert_eq!(store.commit(&put(META, "a", 2.0)).await, Err(StoreError::Superseded { by_version: next }));
    assert_eq!(open(&name).await.err(), Some(StoreError::Newer));
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_database_deleted_elsewhere_is_closed() {
    let name = fresh("deleted");
    let (store, lost, why) = losable(&name);
    store.open().await.unwrap();
    open(&name).await.unwrap().destroy().await.unwrap();
    lost.await.unwrap();
    assert_eq!(*why.borrow(), [StoreNews::Over(StoreError::Closed)]);
    assert_eq!(store.read(&[]).await, Err(StoreError::Closed));
}

/// Somebody who does not let go holds up a deletion, and with it the next opening.
#[wasm_bindgen_test]
async fn blocked_is_told_and_gets_over() {
    let name = fresh("blocked");
    let store = open(&name).await.unwrap();
    js(&format!(
        "return new Promise((resolve) => {{
            indexedDB.open({name:?}).onsuccess = (event) => {{ globalThis.held = event.target.result; resolve(); }};
        }})"
    ))
    .await;
    let next = IdbStore::new(&name, |_| {});
    let (destroyed, opened) = join(store.destroy(), next.open()).await;
    assert_eq!(destroyed, Err(StoreError::Blocked));
    assert_eq!(opened, Err(StoreError::Blocked));
    js("held.close()").await;
    next.commit(&put(META, "a", 1.0)).await.unwrap();
    assert_eq!(rev(&next, "a").await, Some(1.0));
    next.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_dead_connection_is_opened_again() {
    js("const real = IDBFactory.prototype.open;
        globalThis.opened = [];
        globalThis.unpatch = () => { IDBFactory.prototype.open = real; };
        IDBFactory.prototype.open = function (...args) {
            const request = real.apply(this, args);
            opened.push(request);
            return request;
        };
        globalThis.kill = () => opened.splice(0).map((request) => request.result.close()).length;")
    .await;
    let store = open(&fresh("dead")).await.unwrap();
    assert_eq!(js("return kill()").await.as_f64(), Some(2.0));
    assert_eq!(store.commit(&put(META, "a", 1.0)).await, Ok(Commit::Done));
    assert_eq!(js("return kill()").await.as_f64(), Some(2.0));
    assert_eq!(rev(&store, "a").await, Some(1.0));
    // The browser closes them by itself, as when the user clears the site's data.
    js("for (const request of opened) request.result.dispatchEvent(new Event('close'))").await;
    assert_eq!(rev(&store, "a").await, Some(1.0));
    js("kill(); unpatch()").await;
    let (one, other) = (put(META, "b", 1.0), put(META, "c", 1.0));
    let ended = join(store.commit(&one), store.commit(&other)).await;
    assert_eq!(ended, (Ok(Commit::Done), Ok(Commit::Done)));
    store.destroy().await.unwrap();
}

/// Deleted by another tab after rexie made it and before we opened it too.
#[wasm_bindgen_test]
async fn a_database_deleted_while_it_is_opened_is_made_again() {
    let name = fresh("vanished");
    js(&format!(
        "const real = IDBFactory.prototype.open;
        let calls = 0;
        IDBFactory.prototype.open = function (...args) {{
            if (++calls === 2) {{
                IDBFactory.prototype.open = real;
                indexedDB.deleteDatabase({name:?});
            }}
            return real.apply(this, args);
        }};"
    ))
    .await;
    let store = open(&name).await.unwrap();
    store.commit(&put(META, "a", 1.0)).await.unwrap();
    assert_eq!(rev(&store, "a").await, Some(1.0));
    store.destroy().await.unwrap();
}

/// A request that fails takes the transaction with it, and its error is the one told.
#[wasm_bindgen_test]
async fn a_failed_check_is_told_by_its_own_name() {
    let store = open(&fresh("failed get")).await.unwrap();
    js("const real = IDBObjectStore.prototype.get;
        IDBObjectStore.prototype.get = function (key) {
            IDBObjectStore.prototype.get = real;
            this.add({ key: ['twice'] });
            return this.add({ key: ['twice'] });
        };")
    .await;
    let at = RowKey { store: META, key: Key::from(["a"]) };
    let set = WriteSet { expect: vec![Expect::Rev(at, None)], ..put(META, "a", 1.0) };
    let ended = store.commit(&set).await;
    assert!(matches!(&ended, Err(StoreError::Failed { name, .. }) if name == "ConstraintError"), "{ended:?}");
    assert_eq!(rev(&store, "twice").await, None);
    store.destroy().await.unwrap();
}

/// The transaction was committed, but all we heard was that the connection died.
#[wasm_bindgen_test]
async fn a_commit_that_was_done_is_not_called_stale() {
    let store = open(&fresh("landed")).await.unwrap();
    js("const real = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete');
        Object.defineProperty(IDBTransaction.prototype, 'oncomplete', {
            configurable: true,
            set() {
                Object.defineProperty(IDBTransaction.prototype, 'oncomplete', real);
                this.addEventListener('complete', (event) => this.onabort(event));
            },
        });")
    .await;
    let at = RowKey { store: META, key: Key::from(["a"]) };
    let set = WriteSet { expect: vec![Expect::Rev(at, None)], ..put(META, "a", 1.0) };
    assert_eq!(store.commit(&set).await, Ok(Commit::Done));
    assert_eq!(store.commit(&set).await, Ok(Commit::Stale));
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn what_never_ends_fails_in_the_end() {
    let store = open(&fresh("hung")).await.unwrap();
    js("const timeout = globalThis.setTimeout;
        const complete = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete');
        globalThis.unpatch = () => {
            globalThis.setTimeout = timeout;
            Object.defineProperty(IDBTransaction.prototype, 'oncomplete', complete);
        };
        globalThis.setTimeout = (then, ms) => timeout(then, ms / 100);
        Object.defineProperty(IDBTransaction.prototype, 'oncomplete', { configurable: true, set() {} });")
    .await;
    let ended = store.commit(&put(META, "a", 1.0)).await;
    js("unpatch()").await;
    assert!(matches!(&ended, Err(StoreError::Failed { name, .. }) if name == "TimeoutError"), "{ended:?}");
    store.commit(&put(META, "a", 2.0)).await.unwrap();
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_corrupt_row_is_an_error_and_not_the_end() {
    let name = fresh("corrupt");
    let store = open(&name).await.unwrap();
    store.commit(&put(META, "good", 1.0)).await.unwrap();
    js(&format!(
        "return new Promise((resolve, reject) => {{
            indexedDB.open({name:?}).onsuccess = (event) => {{
                const database = event.target.result;
                const transaction = database.transaction('meta', 'readwrite');
                transaction.objectStore('meta').put({{ key: ['bad'], rev: 'one', body: 7n }});
                transaction.oncomplete = () => {{ database.close(); resolve(); }};
                transaction.onabort = reject;
            }};
        }})"
    ))
    .await;
    let bad = Read::Row(RowKey { store: META, key: Key::from(["bad"]) });
    for read in [bad, Read::Rows(Scan::key(META, Key::default()))] {
        let found = store.read(&[read]).await;
        assert!(matches!(found, Err(StoreError::Corrupt { store: "meta", .. })), "{found:?}");
    }
    assert_eq!(rev(&store, "good").await, Some(1.0));
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn no_storage_is_told() {
    // Of the scope itself in a page, of its prototype in a worker.
    js("const own = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB');
        globalThis.unpatch = () => {
            delete globalThis.indexedDB;
            if (own) Object.defineProperty(globalThis, 'indexedDB', own);
        };
        Object.defineProperty(globalThis, 'indexedDB', {
            configurable: true,
            get() { throw new Error('not here'); },
        });")
    .await;
    let opened = open("nowhere").await.err();
    js("unpatch()").await;
    assert_eq!(opened, Some(StoreError::Unavailable("not here".to_owned())));
}
