//! What the browser tells of the connection: only some do.

use std::{cell::Cell, fmt};

use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use web_sys::EventTarget;

use super::js;

/// Whether the user pays for what goes over it, or has asked to save: `false` where the browser does not tell.
pub fn is_metered() -> bool {
    js::navigator("connection").is_some_and(|connection| costs(&connection))
}

fn costs(connection: &JsValue) -> bool {
    let saves = js::get(connection, "saveData").and_then(|saves| saves.as_bool());
    let kind = js::get(connection, "type").and_then(|kind| kind.as_string());
    saves == Some(true) || kind.as_deref() == Some("cellular")
}

/// Listens to the connection becoming one that costs nothing. Dropped, it listens no more.
pub struct Unmetered {
    listener: Closure<dyn Fn()>,
    connection: EventTarget,
}

impl fmt::Debug for Unmetered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unmetered").finish_non_exhaustive()
    }
}

impl Unmetered {
    /// Calls `on_free` each time it does. None where the browser does not tell.
    pub fn new(on_free: impl Fn() + 'static) -> Option<Self> {
        let connection: EventTarget = js::navigator("connection")?.dyn_into().ok()?;
        let was_metered = Cell::new(is_metered());
        // It changes with every estimate of its speed.
        let listener = Closure::<dyn Fn()>::new(move || {
            let metered = is_metered();
            if was_metered.replace(metered) && !metered {
                on_free();
            }
        });
        connection.add_event_listener_with_callback("change", listener.as_ref().unchecked_ref()).ok()?;
        Some(Self { listener, connection })
    }
}

impl Drop for Unmetered {
    fn drop(&mut self) {
        let _ = self.connection.remove_event_listener_with_callback("change", self.listener.as_ref().unchecked_ref());
    }
}
