//! Background Sync: the browser wakes the service worker when the network is back, page or no page.

use std::pin::pin;

use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use js_sys::{Array, Function, JSON, Promise};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::MessageChannel;

use super::{Scope, clock, js};

/// How long a worker may take to start and to answer.
const ANSWER_MS: u64 = 5_000;

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

/// Whether this page's service worker has called `serve()`: it is asked, and started for it. None while none is active.
pub async fn is_served() -> Option<bool> {
    let active = js::get(&registration().await?, "active")?;
    let post: Function = js::get(&active, "postMessage")?.dyn_into().ok()?;
    let channel = MessageChannel::new().ok()?;
    let answer = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    let question = JSON::parse("{\"type\":\"landfall:serves\"}").ok()?;
    post.call2(&active, &question, &Array::of1(&channel.port2())).ok()?;
    let is_answered = select(pin!(JsFuture::from(answer)), pin!(clock::sleep(ANSWER_MS)))
        .map(|first| matches!(first, Either::Left(_)))
        .await;
    channel.port1().close();
    Some(is_answered)
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
