//! What `sync` is given.

use std::rc::Rc;

use js_sys::Function;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{arguments::Given, events::call, failure::Failure, fields, signal::Signal};
use crate::engine::{Progress, SyncOptions};

/// The options, and the caller's signal, which is heard for as long as it is kept.
pub fn read(given: &JsValue) -> Result<(SyncOptions, Option<Signal>), Failure> {
    let given = Given::new(given, "")?;
    given.only(&["push", "pull", "signal", "onProgress"])?;
    let signal = Signal::of(&given)?;
    let options = SyncOptions {
        push: given.flag("push")?.unwrap_or(true),
        pull: given.flag("pull")?.unwrap_or(true),
        only: None,
        abort: signal.as_ref().map(Signal::flag).unwrap_or_default(),
        on_progress: given.function("onProgress")?.map(telling),
    };
    Ok((options, signal))
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
