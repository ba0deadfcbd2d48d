//! Requests and transactions as promises.
//!
//! A promise's own `resolve` and `reject` are handed to the browser as event handlers. No Rust
//! closure is alive while IndexedDB works, so none leaks, and none is called after being dropped.

use std::{cell::RefCell, future::Future, pin::pin, rc::Rc};

use futures_util::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{Event, IdbOpenDbRequest, IdbRequest, IdbTransaction};

use super::fault::Fault;
use crate::browser::clock;

/// How long a page must be slow before it is taken for stuck. iOS is known to hold the
/// transactions of one process up for as long as another is suspended.
pub const WATCHDOG_MS: u32 = 30_000;

/// A promise for a request's success. Its result is then in the request.
pub fn success(request: &IdbRequest) -> Promise {
    Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onerror(Some(&reject));
    })
}

/// The first thing that happens to an open or delete request: `success`, `blocked` or
/// `upgradeneeded`.
pub async fn first_event(request: &IdbOpenDbRequest) -> Result<String, Fault> {
    let first = Promise::new(&mut |resolve, reject| {
        request.set_onsuccess(Some(&resolve));
        request.set_onblocked(Some(&resolve));
        request.set_onupgradeneeded(Some(&resolve));
        request.set_onerror(Some(&reject));
    });
    match JsFuture::from(first).await {
        Ok(event) => Ok(event.unchecked_into::<Event>().type_()),
        Err(_) => Err(cause(request)),
    }
}

/// Why a request failed.
pub fn cause(request: &IdbRequest) -> Fault {
    match request.error() {
        Ok(Some(error)) => Fault::of(&error),
        Ok(None) => Fault::unknown(),
        Err(thrown) => Fault::of(&thrown),
    }
}

/// How a transaction ends. To be called before anything is awaited.
///
/// `onerror` is left alone: a failed request aborts its transaction, and `abort` comes when
/// everything is rolled back, with the request's error in `transaction.error`. A commit that
/// fails, for want of space say, fires nothing but `abort`.
pub fn end(transaction: &IdbTransaction) -> impl Future<Output = Result<(), Fault>> + use<> {
    let ended = Promise::new(&mut |resolve, reject| {
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&reject));
    });
    // Made here, not at the first poll: a promise rejected with nobody to hear it is an
    // `unhandledrejection` in the app's console.
    let ended = JsFuture::from(ended);
    let transaction = transaction.clone();
    async move {
        match ended.await {
            Ok(_) => Ok(()),
            Err(_) => Err(transaction.error().map_or_else(Fault::aborted, |error| Fault::of(&error))),
        }
    }
}

/// Runs `task` to its end whether or not anyone still waits for it, since a transaction half
/// done commits what it has. `None` if it did not end within `ms`; it may yet.
pub async fn within<T: 'static>(ms: u32, task: impl Future<Output = T> + 'static) -> Option<T> {
    let slot = Rc::new(RefCell::new(None));
    let filled = Rc::clone(&slot);
    let done = future_to_promise(async move {
        let value = task.await;
        filled.replace(Some(value));
        Ok(JsValue::UNDEFINED)
    });
    // In slices: when a frozen page thaws, its timer may ring before the database's answer,
    // long there, has had its turn.
    let sleep = async {
        for _ in 0..10 {
            clock::sleep(u64::from(ms / 10)).await;
        }
    };
    match select(JsFuture::from(done), pin!(sleep)).await {
        Either::Left(_) | Either::Right(_) => slot.take(),
    }
}
