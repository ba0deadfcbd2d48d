//! What `sync` is given.

use std::{cell::Cell, rc::Rc};

use js_sys::Function;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use super::{arguments::Given, events::call, failure::Failure, fields};
use crate::engine::{Progress, SyncOptions};

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    type AbortSignal;

    #[wasm_bindgen(method, getter)]
    fn aborted(this: &AbortSignal) -> bool;

    #[wasm_bindgen(method, catch, js_name = addEventListener)]
    fn add_event_listener(this: &AbortSignal, event: &str, listener: &JsValue) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = removeEventListener)]
    fn remove_event_listener(this: &AbortSignal, event: &str, listener: &JsValue) -> Result<(), JsValue>;
}

/// The options, and the ear on the caller's signal for as long as the run lasts.
pub fn read(given: &JsValue) -> Result<(SyncOptions, Option<Ear>), Failure> {
    let given = Given::new(given, "")?;
    given.only(&["push", "pull", "signal", "onProgress"], &[])?;
    let abort = Rc::new(Cell::new(false));
    let ear = given.get("signal").map(|_| Ear::new(&given, &abort)).transpose()?;
    let options = SyncOptions {
        push: given.flag("push")?.unwrap_or(true),
        pull: given.flag("pull")?.unwrap_or(true),
        abort,
        on_progress: given.function("onProgress")?.map(telling),
    };
    Ok((options, ear))
}

/// The engine is in the middle of its work: the app hears of it afterwards.
fn telling(function: Function) -> Rc<dyn Fn(Progress)> {
    Rc::new(move |progress| {
        let function = function.clone();
        spawn_local(async move {
            if let Ok(value) = fields::report(&progress) {
                call(&function, &value);
            }
        });
    })
}

/// Listens to a signal until it is dropped.
pub struct Ear {
    signal: AbortSignal,
    listener: Closure<dyn Fn()>,
}

impl Ear {
    fn new(given: &Given, abort: &Rc<Cell<bool>>) -> Result<Self, Failure> {
        let wrong = || given.wrong("signal", "an AbortSignal");
        let signal = given.get("signal").filter(|signal| signal.is_object()).ok_or_else(wrong)?;
        let signal: AbortSignal = signal.clone().unchecked_into();
        let heard = Rc::clone(abort);
        let listener = Closure::<dyn Fn()>::new(move || heard.set(true));
        signal.add_event_listener("abort", listener.as_ref()).map_err(|_| wrong())?;
        abort.set(signal.aborted());
        Ok(Self { signal, listener })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = self.signal.remove_event_listener("abort", self.listener.as_ref());
    }
}
