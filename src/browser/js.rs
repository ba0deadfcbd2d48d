//! Looking at JavaScript objects that may not be there.

use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

/// A property; `None` if it is missing, or throws when looked at.
pub fn get(object: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(object, &JsValue::from_str(name)).ok().filter(|value| !value.is_undefined() && !value.is_null())
}

/// `navigator.…` of whatever scope this is.
pub fn navigator(name: &str) -> Option<JsValue> {
    get(&get(&js_sys::global(), "navigator")?, name)
}

/// Calls a method that answers by promise. `None` if there is none; its rejection is an `Err`.
pub async fn call(object: &JsValue, method: &str, argument: &JsValue) -> Option<Result<JsValue, JsValue>> {
    let function: Function = get(object, method)?.dyn_into().ok()?;
    Some(match function.call1(object, argument) {
        Ok(answer) => JsFuture::from(Promise::resolve(&answer)).await,
        Err(thrown) => Err(thrown),
    })
}

/// What an exception says: its message, or itself if it is text.
pub fn message(thrown: &JsValue) -> String {
    let message = get(thrown, "message").and_then(|message| message.as_string());
    message
        .or_else(|| thrown.as_string())
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "no reason given".to_owned())
}
