//! What every browser context is tested for: the files beside this one only say which it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod conformance;
pub mod engine;
pub mod http;
pub mod idb;
pub mod idb_lost;
pub mod scope;
pub mod together;

use js_sys::{Function, Promise};
use landfall::{
    browser::IdbStore,
    core::{Key, Row, StoreName, WriteSet},
    ports::StoreError,
};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// A store of a database nothing else uses, open.
pub async fn open(name: &str) -> Result<IdbStore, StoreError> {
    let store = IdbStore::new(name, |_| {});
    store.open().await?;
    Ok(store)
}

/// A name no test had before, also of the runs before this in the same browser profile.
pub fn fresh(name: &str) -> String {
    format!("test {name} {}", js_sys::Math::random())
}

/// Runs the body of a JavaScript function, and waits for what it answers.
pub async fn js(body: &str) -> JsValue {
    let body = format!("return (async () => {{ {body} }})()");
    let answer = Function::new_no_args(&body).call0(&JsValue::UNDEFINED).unwrap();
    JsFuture::from(Promise::resolve(&answer)).await.unwrap()
}

/// A JavaScript function.
pub fn function(arguments: &str, body: &str) -> Function {
    Function::new_with_args(arguments, body)
}

/// A promise, and what resolves it.
pub fn by_hand() -> (JsFuture, Function) {
    let mut resolve = None;
    let promise = Promise::new(&mut |by_hand, _| resolve = Some(by_hand));
    (promise.into(), resolve.unwrap())
}

/// A write set that puts one row.
pub fn put(store: StoreName, key: &str, rev: f64) -> WriteSet {
    let row = Row { key: Key::from([key]), rev, index: vec![], body: "{}".to_owned().into() };
    WriteSet { puts: vec![(store, row)], ..WriteSet::default() }
}
