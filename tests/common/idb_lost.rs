//! Connections that die and databases that go, under a store that is in use.

use std::{cell::RefCell, rc::Rc};

use landfall::{
    browser::{IdbStore, StoreNews, VERSION},
    core::{Commit, Durability, Expect, Found, Key, Read, RowKey, StoreName, WriteSet},
    ports::{Store, StoreError},
};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{by_hand, fresh, js, open, put};

const META: StoreName = StoreName::Meta;

/// What WebKit says, word for word.
const SAFARI: &str = "'Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError'";

async fn rev(store: &IdbStore, key: &str) -> Option<f64> {
    let read = Read::Row(RowKey { store: META, key: Key::from([key]) });
    match store.read(&[read]).await.unwrap().pop() {
        Some(Found::Row(row)) => row.map(|row| row.rev),
        other => panic!("{other:?}"),
    }
}

fn expecting_none(key: &str, set: WriteSet) -> WriteSet {
    WriteSet { expect: vec![Expect::Rev(RowKey { store: META, key: Key::from([key]) }, None)], ..set }
}

type Told = Rc<RefCell<Vec<StoreNews>>>;

/// A store, a promise that it has told something, and what.
async fn telling(name: &str) -> (IdbStore, wasm_bindgen_futures::JsFuture, Told) {
    let (told, tell) = by_hand();
    let news = Told::default();
    let kept = Rc::clone(&news);
    let store = IdbStore::new(name, move |one| {
        kept.borrow_mut().push(one);
        tell.call0(&JsValue::UNDEFINED).unwrap();
    });
    store.open().await.unwrap();
    (store, told, news)
}

/// From here on `shut()` closes every connection opened, as a browser does by force: without asking it.
async fn watch_connections() {
    js("const real = IDBFactory.prototype.open;
        const opened = [];
        globalThis.unpatch = () => { IDBFactory.prototype.open = real; };
        IDBFactory.prototype.open = function (...args) {
            const request = real.apply(this, args);
            opened.push(request);
            return request;
        };
        globalThis.closeFirst = () => opened[0].result.close();
        globalThis.shut = () => {
            const all = opened.splice(0).map((request) => request.result);
            for (const database of all) database.close();
            return all;
        };")
    .await;
}

#[wasm_bindgen_test]
async fn a_database_taken_by_the_browser_is_opened_anew_and_that_is_told() {
    let name = fresh("evicted");
    watch_connections().await;
    let (store, told, news) = telling(&name).await;
    store.commit(&put(META, "a", 1.0)).await.unwrap();
    js(&format!(
        "const all = shut();
        unpatch();
        await new Promise((resolve) => {{ indexedDB.deleteDatabase({name:?}).onsuccess = resolve; }});
        for (const database of all) database.dispatchEvent(new Event('close'));"
    ))
    .await;
    told.await.unwrap();
    assert_eq!(*news.borrow(), [StoreNews::Reopened]);
    assert_eq!(rev(&store, "a").await, None);
    assert_eq!(store.commit(&expecting_none("a", put(META, "a", 2.0))).await, Ok(Commit::Done));
    store.destroy().await.unwrap();
}

/// rexie's connection has closed itself, as it does when another context asks for the database, and ours has not been
/// asked yet: a read at that moment must not have both opened anew behind the other's back.
#[wasm_bindgen_test]
async fn a_read_between_the_events_of_both_connections_hears_why() {
    for (take, why) in [
        ("indexedDB.deleteDatabase(name)", StoreError::Closed),
        (
            "indexedDB.open(name, 99).onsuccess = ({ target }) => target.result.close()",
            StoreError::Superseded { by_version: 99 },
        ),
    ] {
        let name = fresh("half closed");
        watch_connections().await;
        let (store, told, news) = telling(&name).await;
        store.commit(&put(META, "a", 1.0)).await.unwrap();
        js(&format!("const name = {name:?}; closeFirst(); unpatch(); {take};")).await;
        let read = Read::Row(RowKey { store: META, key: Key::from(["a"]) });
        assert_eq!(store.read(&[read]).await, Err(why.clone()));
        told.await.unwrap();
        assert_eq!(*news.borrow(), [StoreNews::Over(why)]);
        store.destroy().await.unwrap();
    }
}

/// Nobody could ask it to let go: it had nothing in its hand.
#[wasm_bindgen_test]
async fn upgraded_while_the_connection_was_down_it_is_superseded() {
    let name = fresh("upgraded meanwhile");
    watch_connections().await;
    let (store, told, news) = telling(&name).await;
    let next = VERSION + 1;
    js(&format!(
        "shut();
        unpatch();
        const request = indexedDB.open({name:?}, {next});
        await new Promise((resolve) => {{ request.onsuccess = resolve; }});
        request.result.close();"
    ))
    .await;
    let why = StoreError::Superseded { by_version: next };
    assert_eq!(store.commit(&put(META, "a", 1.0)).await, Err(why.clone()));
    told.await.unwrap();
    assert_eq!(*news.borrow(), [StoreNews::Over(why)]);
    store.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn what_safari_says_of_a_lost_server_is_tried_once_more() {
    let store = open(&fresh("server lost")).await.unwrap();
    js(&format!(
        "const real = IDBObjectStore.prototype.put;
        globalThis.puts = 0;
        globalThis.unpatch = () => {{ IDBObjectStore.prototype.put = real; }};
        IDBObjectStore.prototype.put = function (...args) {{
            puts += 1;
            if (puts === 1 || puts > 2) throw new DOMException({SAFARI});
            return real.apply(this, args);
        }};"
    ))
    .await;
    assert_eq!(store.commit(&put(META, "a", 1.0)).await, Ok(Commit::Done));
    assert_eq!(rev(&store, "a").await, Some(1.0));
    let lost = store.commit(&put(META, "b", 1.0)).await;
    assert!(matches!(&lost, Err(StoreError::Failed { name, .. }) if name == "UnknownError"), "{lost:?}");
    assert_eq!(js("unpatch(); return puts").await.as_f64(), Some(4.0));
    assert_eq!(rev(&store, "b").await, None);
    assert_eq!(store.commit(&put(META, "b", 1.0)).await, Ok(Commit::Done));
    store.destroy().await.unwrap();
}

/// It was committed, its connection died before that was heard, and another context wrote over its first row: done
/// again it would be a journal entry twice.
#[wasm_bindgen_test]
async fn a_commit_that_was_done_is_known_by_any_of_its_rows() {
    let name = fresh("landed and changed");
    let store = open(&name).await.unwrap();
    js(&format!(
        "const real = Object.getOwnPropertyDescriptor(IDBTransaction.prototype, 'oncomplete');
        const write = (database, resolve) => {{
            const transaction = database.transaction('meta', 'readwrite');
            transaction.objectStore('meta').put({{ key: ['a'], rev: 7, index: [], body: '{{}}' }});
            transaction.addEventListener('complete', () => {{ database.close(); resolve(); }});
        }};
        Object.defineProperty(IDBTransaction.prototype, 'oncomplete', {{
            configurable: true,
            set() {{
                Object.defineProperty(IDBTransaction.prototype, 'oncomplete', real);
                this.addEventListener('complete', async (event) => {{
                    const request = indexedDB.open({name:?});
                    await new Promise((resolve) => {{ request.onsuccess = resolve; }});
                    await new Promise((resolve) => write(request.result, resolve));
                    this.onabort(event);
                }});
            }},
        }});"
    ))
    .await;
    let mut set = expecting_none("a", put(META, "a", 1.0));
    set.puts.extend(put(META, "b", 1.0).puts);
    assert_eq!(store.commit(&set).await, Ok(Commit::Done));
    assert_eq!(rev(&store, "a").await, Some(7.0));
    store.destroy().await.unwrap();
}

/// As after a full disk, or a browser that was killed: the upgrade is undone, and the next one does it all.
#[wasm_bindgen_test]
async fn an_upgrade_that_was_broken_off_leaves_nothing() {
    let name = fresh("broken off");
    js("const real = IDBFactory.prototype.open;
        globalThis.unpatch = () => { IDBFactory.prototype.open = real; };
        IDBFactory.prototype.open = function (...args) {
            const request = real.apply(this, args);
            request.addEventListener('upgradeneeded', () => request.transaction.abort());
            return request;
        };")
    .await;
    let store = IdbStore::new(&name, |_| {});
    let ended = store.open().await;
    js("unpatch()").await;
    assert!(matches!(&ended, Err(StoreError::Failed { doing: "opening", .. })), "{ended:?}");
    let left = js(&format!("return (await indexedDB.databases()).some(({{ name }}) => name === {name:?})")).await;
    assert_eq!(left.as_bool(), Some(false));
    // The same store, without a reload.
    assert_eq!(store.commit(&put(META, "a", 1.0)).await, Ok(Commit::Done));
    store.destroy().await.unwrap();
}

/// What WebKit has been seen to leave of an upgrade: the version, and no store.
#[wasm_bindgen_test]
async fn a_database_without_stores_is_made_again() {
    let name = fresh("half-made");
    js(&format!(
        "const request = indexedDB.open({name:?}, {VERSION});
        await new Promise((resolve) => {{ request.onsuccess = resolve; }});
        request.result.close();"
    ))
    .await;
    let store = open(&name).await.unwrap();
    let relaxed = WriteSet { durability: Durability::Relaxed, ..put(META, "a", 1.0) };
    assert_eq!(store.commit(&relaxed).await, Ok(Commit::Done));
    store.destroy().await.unwrap();
}
