//! What each kind of context has, or does without.

use std::{cell::Cell, pin::pin, rc::Rc};

use futures_util::future::{Either, select};
use landfall::{
    browser::{
        BrowserClock, BrowserEntropy, BrowserPorts, BrowserRemote, RemoteOptions, Scope, Wake, background_sync, storage,
    },
    ports::{Clock as _, Entropy as _, Ports as _, Remote as _, Store as _},
};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{fresh, js};

#[wasm_bindgen_test]
async fn the_scope_is_known() {
    let name = js("return globalThis.constructor.name").await.as_string().unwrap();
    let expected = match name.as_str() {
        "Window" => Scope::Window,
        "DedicatedWorkerGlobalScope" => Scope::DedicatedWorker,
        "ServiceWorkerGlobalScope" => Scope::ServiceWorker,
        other => panic!("{other}"),
    };
    assert_eq!(Scope::current(), expected);
}

#[wasm_bindgen_test]
async fn all_ports_come_together() {
    let remote = BrowserRemote::new(RemoteOptions { url: "/api/now".to_owned(), ..RemoteOptions::default() }).unwrap();
    let ports = BrowserPorts::new(&fresh("ports"), remote, |_| {});
    assert!(ports.remote().maybe_online());
    let usage = ports.store().usage().await;
    assert!(usage.quota_bytes > 0.0, "{usage:?}");
    ports.store().destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn a_long_sleep_is_not_a_short_one() {
    let clock = BrowserClock;
    assert!(clock.now_ms() > 1_700_000_000_000);
    for ms in [1 << 31, u64::from(u32::MAX) + 1, u64::MAX] {
        let (long, short) = (pin!(clock.sleep(ms)), pin!(clock.sleep(5)));
        assert!(matches!(select(long, short).await, Either::Right(_)), "{ms}");
    }
}

#[wasm_bindgen_test]
fn ids_rise_and_never_repeat() {
    let entropy = BrowserEntropy;
    let ids: Vec<_> = (0..20_000).map(|_| entropy.uuid()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(ids[0].get_version_num(), 7);
    let randoms: std::collections::HashSet<_> = (0..1000).map(|_| entropy.random()).collect();
    assert_eq!(randoms.len(), 1000);
    assert!(randoms.iter().any(|random| random >> 60 != 0));
}

/// Also with the clock set back.
#[wasm_bindgen_test]
async fn ids_rise_when_the_clock_falls() {
    let entropy = BrowserEntropy;
    let before = entropy.uuid();
    js("globalThis.realNow = Date.now; Date.now = () => realNow() - 3600000").await;
    let after = entropy.uuid();
    js("Date.now = realNow").await;
    assert!(before < after);
}

#[wasm_bindgen_test]
async fn waking_is_heard_until_dropped() {
    let count = Rc::new(Cell::new(0));
    let counted = Rc::clone(&count);
    let wake = Wake::new(move || counted.set(counted.get() + 1));
    js("dispatchEvent(new Event('online'))").await;
    assert_eq!(count.get(), 1);
    if Scope::current() == Scope::Window {
        js("document.dispatchEvent(new Event('visibilitychange')); dispatchEvent(new Event('pageshow'))").await;
        assert_eq!(count.get(), 3);
    }
    drop(wake);
    let before = count.get();
    js("dispatchEvent(new Event('online'))").await;
    assert_eq!(count.get(), before);
}

/// Whatever they answer here, they answer.
#[wasm_bindgen_test]
async fn requests_to_the_browser_settle() {
    let registered = background_sync::register("landfall").await;
    if Scope::current() == Scope::Window {
        assert!(!registered, "no service worker is registered for this page");
    }
    storage::persist().await;
}
