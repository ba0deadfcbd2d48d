//! Promises that are settled whatever happens.
//!
//! A panic stops the module's instance where it stands, and a future that was running never ends. So that nobody waits for it
//! for ever, the promises not yet settled are known, and a crash rejects them all. `js/lasting.js` puts another instance
//! in its place.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

use futures_util::{FutureExt as _, future::LocalBoxFuture};
use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use super::failure::Failure;
use crate::{browser::BrowserPorts, engine::Client};

#[cfg_attr(not(feature = "testing"), wasm_bindgen(raw_module = "./crash.js"))]
#[cfg_attr(feature = "testing", wasm_bindgen(module = "/src/bindings/js/crash.js"))]
extern "C" {
    /// Tells those outside that this instance is of no use any more.
    fn crashed(error: &JsValue);
}

thread_local! {
    /// By number: each is larger than those before it.
    static PENDING: RefCell<VecDeque<(u64, Function)>> = const { RefCell::new(VecDeque::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
    static CRASH: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// A promise of what `work` comes to.
pub fn promise(work: impl Future<Output = Result<JsValue, Failure>> + 'static) -> Promise {
    promised(work.boxed_local())
}

/// Compiled once, and not once for each call there is.
fn promised(work: LocalBoxFuture<'static, Result<JsValue, Failure>>) -> Promise {
    let crashed = CRASH.with(|crash| crash.try_borrow().ok().and_then(|crash| crash.clone()));
    if let Some(failure) = crashed {
        return Promise::reject(&failure.into());
    }
    let mut work = Some(work);
    Promise::new(&mut |resolve, reject| {
        let Some(work) = work.take() else { return };
        let number = NEXT.replace(NEXT.get() + 1);
        PENDING.with_borrow_mut(|pending| pending.push_back((number, reject.clone())));
        spawn_local(async move {
            let (settle, value) = match work.await {
                Ok(value) => (resolve, value),
                Err(failure) => (reject, failure.into()),
            };
            PENDING.with_borrow_mut(|pending| {
                let at = pending.binary_search_by_key(&number, |(number, _)| *number);
                at.ok().and_then(|at| pending.remove(at))
            });
            // The functions of a promise do not throw.
            let _ = settle.call1(&JsValue::UNDEFINED, &value);
        });
    })
}

/// A run that a call has begun goes on when the call does not wait for it any longer.
pub fn drive_on(client: &Client<BrowserPorts>) {
    if let Some(run) = client.run_under_way() {
        spawn_local(run.map(drop));
    }
}

/// Rejects all that is pending and all that will be asked of this instance. For the panic hook: it runs before the instance
/// stops.
pub fn crash(what: &str) {
    let sentence = format!(
        "Landfall has crashed, and the next call works again. What was saved is safe; whether this call was carried out is not known. {what}"
    );
    let failure = Failure::new("crashed", sentence).retryable(true);
    let error = JsValue::from(failure.clone());
    // First: nothing that follows may keep the next instance from being made.
    crashed(&error);
    CRASH.with(|crash| {
        if let Ok(mut crash) = crash.try_borrow_mut() {
            crash.get_or_insert_with(|| failure.clone());
        }
    });
    let pending = PENDING.with(|pending| pending.try_borrow_mut().map(|mut all| std::mem::take(&mut *all)));
    for (_, reject) in pending.unwrap_or_default() {
        let _ = reject.call1(&JsValue::UNDEFINED, &error);
    }
}

/// For tests, in which nothing has crashed but what they say.
#[cfg(feature = "testing")]
pub fn revive() {
    CRASH.take();
}
