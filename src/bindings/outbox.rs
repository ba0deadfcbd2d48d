//! What is unsent, item by item.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{arguments::Given, failure::Failure, fields, opened::Handle, promise::promise};

const STATES: [&str; 7] = ["queued", "sending", "unknown", "waiting", "refused", "conflict", "unpaired"];

/// The outbox of one open database.
#[wasm_bindgen]
pub struct Outbox {
    handle: Rc<Handle>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    pub(super) fn new(handle: Rc<Handle>) -> Self {
        Self { handle }
    }
}

#[wasm_bindgen]
impl Outbox {
    /// The items, oldest first.
    pub fn list(&self, options: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        let page = page(&options);
        promise(async move {
            let (states, limit, after) = page?;
            fields::report(&handle.client()?.outbox(states.as_deref(), limit, after.as_deref()).await?)
        })
    }
}

type Page = (Option<Vec<String>>, Option<usize>, Option<String>);

fn page(options: &JsValue) -> Result<Page, Failure> {
    let options = Given::new(options, "")?;
    options.only(&["state", "limit", "after"], &[])?;
    let states = options.texts("state")?;
    if states.iter().flatten().any(|state| !STATES.contains(&state.as_str())) {
        return Err(options.wrong("state", &format!("a list of {}", STATES.join(", "))));
    }
    Ok((states, options.number("limit", 0)?, options.text("after")?))
}
