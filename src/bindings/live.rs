//! Live queries: when to ask again, and what. Who listens is `js/live.js`'s.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use js_sys::{Function, Promise};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{failure::Failure, fields, opened::Handle, promise::promise};
use crate::{
    browser::{BrowserPorts, Wake},
    core::Event,
    engine::LiveQuery,
};

#[cfg(feature = "testing")]
#[wasm_bindgen(module = "/src/bindings/js/live.js")]
extern "C" {
    /// What the package makes of a source.
    pub fn live(source: JsValue) -> JsValue;
}

/// What a live query is asked of.
#[wasm_bindgen]
pub struct LiveSource {
    handle: Rc<Handle>,
    query: Rc<Result<LiveQuery<BrowserPorts>, Failure>>,
    listener: Cell<Option<u64>>,
    /// What other contexts tell a page that is frozen it never hears.
    wake: RefCell<Option<Wake>>,
}

impl std::fmt::Debug for LiveSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSource").finish_non_exhaustive()
    }
}

impl LiveSource {
    pub(super) fn new(handle: Rc<Handle>, query: Result<LiveQuery<BrowserPorts>, Failure>) -> Self {
        Self { handle, query: Rc::new(query), listener: Cell::default(), wake: RefCell::default() }
    }
}

#[wasm_bindgen]
impl LiveSource {
    /// Calls `ask` from now on whenever the answer may be another.
    pub fn begin(&self, ask: Function) {
        let (Ok(client), Ok(query)) = (self.handle.client(), &*self.query) else { return };
        query.begin();
        // It only puts down that it was called.
        let ask = move || drop(ask.call0(&JsValue::UNDEFINED));
        let (hearing, asking) = (Rc::clone(&self.query), ask.clone());
        let number = client.listen(Rc::new(move |event: &Event| {
            if hearing.as_ref().as_ref().is_ok_and(|query| query.hear(event)) {
                asking();
            }
        }));
        self.rest();
        self.listener.set(Some(number));
        let woken = Rc::clone(&self.query);
        self.wake.replace(Some(Wake::new(move || {
            if let Ok(query) = &*woken {
                query.begin();
                ask();
            }
        })));
    }

    /// The answer, or `undefined` if it is the same.
    pub fn answer(&self) -> Promise {
        let (handle, query) = (Rc::clone(&self.handle), Rc::clone(&self.query));
        promise(async move {
            handle.client()?;
            match query.as_ref().as_ref().map_err(Clone::clone)?.answer().await? {
                Some(rows) => fields::rows(&rows),
                None => Ok(JsValue::UNDEFINED),
            }
        })
    }

    /// Nobody listens any more.
    pub fn rest(&self) {
        self.wake.take();
        if let (Some(number), Ok(client)) = (self.listener.take(), self.handle.client()) {
            client.unlisten(number);
        }
    }
}
