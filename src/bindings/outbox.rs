//! What is unsent, item by item.

use std::{pin::pin, rc::Rc};

use futures_util::future::{Either, select};
use js_sys::Promise;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};

use super::{
    arguments::{self, Given},
    failure::Failure,
    fields,
    opened::Handle,
    promise::promise,
    signal::Signal,
};

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

    /// Resolves when the item leaves the outbox or is refused.
    pub fn settled(&self, item: JsValue, options: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        let options = Given::new(&options, "").and_then(|options| {
            options.only(&["signal"])?;
            Signal::of(&options)
        });
        promise(async move {
            let item = id(&item)?;
            let settled = pin!(handle.client()?.settled(&item));
            let receipt = match options? {
                None => settled.await?,
                Some(signal) => match select(settled, pin!(signal.aborted())).await {
                    Either::Left((receipt, _)) => receipt?,
                    Either::Right(_) => return Err(Failure::aborted()),
                },
            };
            fields::report(&receipt)
        })
    }

    /// Tries again now.
    pub fn retry(&self, item: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise(async move {
            handle.client()?.retry(&id(&item)?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Changes what will be sent, then tries again.
    pub fn edit(&self, item: JsValue, changes: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        let changes = fields::taken(&changes, "the change");
        promise(async move {
            handle.client()?.edit(&id(&item)?, changes?).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Settles an action whose records the instance did not name clearly.
    pub fn pair(&self, item: JsValue, temporary: JsValue, sys_id: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise(async move {
            let temporary = arguments::text(&temporary, "The temporary sys_id")?;
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            handle.client()?.pair(&id(&item)?, &temporary, &sys_id).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Drops it and everything that depends on it, and says what went.
    pub fn discard(&self, item: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise(async move { fields::report(&handle.client()?.discard(&id(&item)?).await?) })
    }
}

fn id(given: &JsValue) -> Result<String, Failure> {
    arguments::text(given, "The item")
}

type Page = (Option<Vec<String>>, Option<usize>, Option<String>);

fn page(options: &JsValue) -> Result<Page, Failure> {
    let options = Given::new(options, "")?;
    options.only(&["state", "limit", "after"])?;
    let states = options.texts("state")?;
    if states.iter().flatten().any(|state| !STATES.contains(&state.as_str())) {
        return Err(options.wrong("state", &format!("a list of {}", STATES.join(", "))));
    }
    Ok((states, options.number("limit", 0)?, options.text("after")?))
}
