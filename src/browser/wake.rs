//! Moments at which it is worth trying the network again.

use std::fmt;

use wasm_bindgen::{JsCast as _, closure::Closure};
use web_sys::EventTarget;

use super::js;

/// Listens to `online`, to the page being shown again, and to it coming back out of the
/// back-forward cache; as far as the context has them. Dropped, it listens no more.
pub struct Wake {
    listener: Closure<dyn Fn()>,
    heard: Vec<(EventTarget, &'static str)>,
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events: Vec<_> = self.heard.iter().map(|(_, event)| event).collect();
        f.debug_struct("Wake").field("heard", &events).finish_non_exhaustive()
    }
}

impl Wake {
    /// Calls `on_wake` at each such moment. One moment may be several events.
    pub fn new(on_wake: impl Fn() + 'static) -> Self {
        let global = js_sys::global();
        let document = js::get(&global, "document");
        let page = document.clone();
        let listener = Closure::<dyn Fn()>::new(move || {
            let state = page.as_ref().and_then(|page| js::get(page, "visibilityState"));
            // A page that went to the background hears of that too; it may be frozen any moment.
            if state.and_then(|state| state.as_string()).as_deref() != Some("hidden") {
                on_wake();
            }
        });
        let mut wake = Self { listener, heard: Vec::new() };
        let global: EventTarget = global.unchecked_into();
        if let Some(document) = document {
            wake.hear(document.unchecked_into(), "visibilitychange");
            wake.hear(global.clone(), "pageshow");
        }
        wake.hear(global, "online");
        wake
    }

    fn hear(&mut self, target: EventTarget, event: &'static str) {
        if target.add_event_listener_with_callback(event, self.listener.as_ref().unchecked_ref()).is_ok() {
            self.heard.push((target, event));
        }
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        for (target, event) in &self.heard {
            let _ = target.remove_event_listener_with_callback(event, self.listener.as_ref().unchecked_ref());
        }
    }
}
