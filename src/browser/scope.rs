//! In which kind of context we run.

use wasm_bindgen::JsCast as _;
use web_sys::{DedicatedWorkerGlobalScope, ServiceWorkerGlobalScope, SharedWorkerGlobalScope, Window};

/// A kind of context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A page.
    Window,
    /// A worker of one page.
    DedicatedWorker,
    /// A worker of several pages.
    SharedWorker,
    /// The service worker.
    ServiceWorker,
    /// Something else, as a worklet.
    Other,
}

impl Scope {
    /// This one.
    pub fn current() -> Self {
        let global = js_sys::global();
        if global.is_instance_of::<Window>() {
            Self::Window
        } else if global.is_instance_of::<ServiceWorkerGlobalScope>() {
            Self::ServiceWorker
        } else if global.is_instance_of::<DedicatedWorkerGlobalScope>() {
            Self::DedicatedWorker
        } else if global.is_instance_of::<SharedWorkerGlobalScope>() {
            Self::SharedWorker
        } else {
            Self::Other
        }
    }
}
