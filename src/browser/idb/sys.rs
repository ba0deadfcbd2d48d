//! What web-sys lacks, or has only behind a flag that every crate above us would have to set.

use js_sys::Reflect;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use web_sys::{IdbFactory, IdbTransaction};

#[wasm_bindgen]
extern "C" {
    /// An `IDBDatabase` whose `transaction` takes options.
    #[wasm_bindgen(extends = web_sys::IdbDatabase)]
    pub type Database;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    pub fn begin(this: &Database, stores: &JsValue, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;
}

/// `indexedDB` of whatever scope this is, or why there is none: in a sandboxed frame even to
/// look at it throws.
pub fn factory() -> Result<IdbFactory, JsValue> {
    let factory = Reflect::get(&js_sys::global(), &JsValue::from_str("indexedDB"))?;
    // Not `dyn_into`: a page may have put a polyfill in its place.
    if factory.is_object() { Ok(factory.unchecked_into()) } else { Err(JsValue::from_str("it has no indexedDB")) }
}
