//! `doctor`: what the engine finds, and what the page itself is like.

use wasm_bindgen::JsValue;

use super::{failure::Failure, fields, opened::Handle};
use crate::{
    browser::background_sync,
    engine::{Check, Finding},
};

pub async fn examine(handle: &Handle) -> Result<JsValue, Failure> {
    let mut found = handle.client()?.doctor().await?;
    found.push(service_worker().await);
    fields::report(&found)
}

async fn service_worker() -> Finding {
    match background_sync::stands().await {
        None => Finding::unknown(
            Check::ServiceWorker,
            "A worker does not know whether a service worker is registered: ask in a page.",
        ),
        Some(None) => Finding::warning(
            Check::ServiceWorker,
            "No service worker is registered for this page: what is unsent goes only while a page is open.",
            "Register one that calls serve() of “landfall/service-worker”; it needs HTTPS, or localhost.",
        ),
        Some(Some(_)) if background_sync::is_served().await == Some(false) => Finding::warning(
            Check::ServiceWorker,
            "A service worker is registered, and it does not answer as one that has called serve(): what is unsent goes only while a page is open.",
            "Call serve() of “landfall/service-worker” while the worker's script first runs, not later. If it does, an older build of it is still active: close all pages of the app.",
        ),
        Some(Some(false)) => Finding::warning(
            Check::ServiceWorker,
            "A service worker is registered, and this browser has no Background Sync: what is unsent goes while a page is open.",
            "Nothing can be done about it in Firefox and Safari. Tell users to open the app when they are back in reach.",
        ),
        Some(Some(true)) => Finding::good(
            Check::ServiceWorker,
            "The browser wakes the service worker when the network is back, page or no page.",
        ),
    }
}
