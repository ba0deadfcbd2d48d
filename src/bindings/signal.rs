//! A caller's `AbortSignal`.

use std::{cell::Cell, rc::Rc};

use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};

use super::{arguments::Given, bell::Bell, failure::Failure};

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

/// Listens to a signal until it is dropped.
pub struct Signal {
    signal: AbortSignal,
    aborted: Rc<Cell<bool>>,
    bell: Rc<Bell>,
    listener: Closure<dyn Fn()>,
}

impl Signal {
    /// The option `signal`, if it is given.
    pub fn of(given: &Given) -> Result<Option<Self>, Failure> {
        let Some(signal) = given.get("signal") else { return Ok(None) };
        let wrong = || given.wrong("signal", "an AbortSignal");
        if !signal.is_object() {
            return Err(wrong());
        }
        let signal: AbortSignal = signal.clone().unchecked_into();
        let (aborted, bell) = (Rc::new(Cell::new(false)), Rc::new(Bell::default()));
        let heard = (Rc::clone(&aborted), Rc::clone(&bell));
        let listener = Closure::<dyn Fn()>::new(move || {
            heard.0.set(true);
            heard.1.ring();
        });
        signal.add_event_listener("abort", listener.as_ref()).map_err(|_| wrong())?;
        aborted.set(signal.aborted());
        Ok(Some(Self { signal, aborted, bell, listener }))
    }

    /// Set once it is aborted.
    pub fn flag(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.aborted)
    }

    /// Resolves once it is aborted.
    pub async fn aborted(&self) {
        while !self.aborted.get() {
            self.bell.wait().await;
        }
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        let _ = self.signal.remove_event_listener("abort", self.listener.as_ref());
    }
}
