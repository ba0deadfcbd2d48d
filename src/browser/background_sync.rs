//! Background Sync: the browser wakes the service worker when the network is back, page or no page.

use wasm_bindgen::JsValue;

use super::{Scope, js};

/// Asks for a `sync` event named `tag`. `false` if there will be none: the browser has no
/// Background Sync (all but Chromium's), the user forbade it, or no service worker is registered.
pub async fn register(tag: &str) -> bool {
    let Some(registration) = registration().await else { return false };
    let Some(sync) = js::get(&registration, "sync") else { return false };
    matches!(js::call(&sync, "register", &tag.into()).await, Some(Ok(_)))
}

/// Whether a service worker is registered for this page, and if so, whether the browser would wake it. None in a context
/// that cannot know.
pub async fn stands() -> Option<Option<bool>> {
    if !matches!(Scope::current(), Scope::Window | Scope::ServiceWorker) {
        return None;
    }
    let registration = registration().await;
    Some(registration.map(|registration| js::get(&registration, "sync").is_some_and(|sync| sync.is_object())))
}

async fn registration() -> Option<JsValue> {
    if Scope::current() == Scope::ServiceWorker {
        return js::get(&js_sys::global(), "registration");
    }
    // Not `ready`: where nothing is registered that never settles.
    let container = js::navigator("serviceWorker")?;
    let found = js::call(&container, "getRegistration", &JsValue::UNDEFINED).await?.ok()?;
    found.is_object().then_some(found)
}
