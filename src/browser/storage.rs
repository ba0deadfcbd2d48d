//! `navigator.storage`: how much room there is, and the promise not to evict.

use wasm_bindgen::JsValue;

use super::js;
use crate::ports::Usage;

/// What the browser tells. Noughts where it tells nothing.
pub async fn usage() -> Usage {
    let estimate = ask("estimate").await.unwrap_or_default();
    let number = |name: &str| js::get(&estimate, name).and_then(|value| value.as_f64()).unwrap_or_default();
    Usage {
        usage_bytes: number("usage"),
        quota_bytes: number("quota"),
        persisted: ask("persisted").await.is_some_and(|value| value.is_truthy()),
    }
}

/// Asks the browser not to evict the origin's data. Whether it agreed: workers cannot ask (the
/// method is the page's alone), and Firefox asks the user.
pub async fn persist() -> bool {
    ask("persist").await.is_some_and(|value| value.is_truthy())
}

async fn ask(method: &str) -> Option<JsValue> {
    let storage = js::navigator("storage")?;
    js::call(&storage, method, &JsValue::UNDEFINED).await?.ok()
}
