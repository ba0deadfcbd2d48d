//! `open`, and what it gives.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::spawn_local;

use super::{
    action::Actions,
    arguments::{self, Given},
    auto_sync::AutoSync,
    doctor,
    events::Kind,
    failure::Failure,
    fields,
    opened::Handle,
    options::{self, Options},
    outbox::Outbox,
    promise, registry, sync_options,
    table::Table,
    transaction::{self, Ended},
};
use crate::browser::panic;

/// Runs once, when the module has been loaded.
#[wasm_bindgen(start)]
pub fn start() {
    panic::install_hook();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |what| {
        promise::crash(&what.to_string());
        hook(what);
    }));
}

/// Opens the database of one user of one instance.
#[wasm_bindgen]
pub fn open(options: JsValue) -> Promise {
    let options = Options::new(&options);
    promise::promise(async move {
        let handle = registry::open(options?).await?;
        let outbox = Outbox::new(Rc::clone(&handle)).into();
        Ok(Landfall { handle, outbox }.into())
    })
}

/// One open database.
#[wasm_bindgen]
pub struct Landfall {
    handle: Rc<Handle>,
    /// Made once: an app may compare it.
    outbox: JsValue,
}

impl std::fmt::Debug for Landfall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Landfall").finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl Landfall {
    /// One of the tables. A name that was not declared is refused by the calls.
    pub fn table(&self, name: JsValue) -> Result<Table, JsValue> {
        let name = arguments::text(&name, "The name of a table")?;
        Ok(Table::new(Rc::clone(&self.handle), name))
    }

    /// Several writes, all or none. `work` may run more than once.
    pub fn transaction(&self, work: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move {
            let work: Function = work
                .dyn_into()
                .map_err(|_| Failure::argument("transaction() takes a function, which is given the transaction."))?;
            match transaction::run(&handle, None, |tx| work.call1(&JsValue::UNDEFINED, tx)).await? {
                Ended::Done { value, .. } => Ok(value),
                Ended::Threw(thrown) => Ok(Promise::reject(&thrown).into()),
            }
        })
    }

    /// Registers a write-back action; do it in every page and worker that may sync.
    pub fn action(&self, name: JsValue, steps: JsValue) -> Result<(), JsValue> {
        Ok(Actions::register(self.handle.opened()?, &name, &steps)?)
    }

    /// Runs an action: its offline step now; its online step now, or on reconnect.
    pub fn run(&self, name: JsValue, input: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move { Actions::run(&handle, &name, &input).await })
    }

    /// What is unsent.
    #[wasm_bindgen(getter)]
    pub fn outbox(&self) -> JsValue {
        self.outbox.clone()
    }

    /// Sends what is due, reconciles, then pulls.
    pub fn sync(&self, options: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        let options = sync_options::read(&options);
        promise::promise(async move {
            let (options, signal) = options?;
            let report = handle.client()?.sync(options).await?;
            drop(signal);
            fields::report(&report)
        })
    }

    /// Holds all traffic back, or lets it go again.
    #[wasm_bindgen(js_name = setMode)]
    pub fn set_mode(&self, mode: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move {
            let offline = match mode.as_string().as_deref() {
                Some("offline") => true,
                Some("auto") => false,
                _ => return Err(Failure::argument("The mode must be \"auto\" or \"offline\".")),
            };
            let opened = handle.opened()?;
            opened.client().set_offline(offline).await?;
            if !offline {
                opened.with_auto_sync(AutoSync::come_back);
            }
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Ends a pause for sign-in.
    #[wasm_bindgen(js_name = signedIn)]
    pub fn signed_in(&self) -> Result<(), JsValue> {
        let opened = Rc::clone(self.handle.opened()?);
        spawn_local(async move {
            // The next sync says so as well.
            let _ = opened.client().signed_in().await;
            opened.with_auto_sync(AutoSync::come_back);
        });
        Ok(())
    }

    /// How things stand.
    pub fn status(&self) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move { fields::report(&handle.client()?.status().await?) })
    }

    /// The permanent id once known, else the id given. One from another device is asked of the instance, when online.
    #[wasm_bindgen(js_name = resolveId)]
    pub fn resolve_id(&self, sys_id: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            Ok(handle.client()?.resolve_id(&sys_id).await?.into())
        })
    }

    /// Has a record, and what `include` names, on the device until `unpin`.
    pub fn pin(&self, table: JsValue, sys_id: JsValue, options: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        let include = options::include(&options);
        promise::promise(async move {
            let table = arguments::text(&table, "The name of a table")?;
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            let opened = handle.opened()?;
            let pinned = opened.client().pin(&table, &sys_id, include?).await;
            promise::drive_on(opened.client());
            pinned?;
            opened.keep();
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Lets go of a record that was pinned.
    pub fn unpin(&self, table: JsValue, sys_id: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move {
            let table = arguments::text(&table, "The name of a table")?;
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            handle.client()?.unpin(&table, &sys_id).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Adds a listener; the function given back takes it away again.
    pub fn on(&self, event: JsValue, listener: JsValue) -> Result<Function, JsValue> {
        let opened = self.handle.opened()?;
        let kind = Kind::new(&event)?;
        let listener: Function =
            listener.dyn_into().map_err(|_| Failure::argument("The listener must be a function."))?;
        let events = Rc::clone(opened.events());
        let number = events.add(self.handle.number(), kind, listener);
        let remove = Closure::<dyn Fn()>::new(move || events.remove(number));
        Ok(remove.into_js_value().unchecked_into())
    }

    /// Every place a temporary id is still held, and should not be.
    pub fn audit(&self) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move { fields::report(&handle.client()?.audit().await?) })
    }

    /// What a new set-up gets wrong, and what to do about it.
    pub fn doctor(&self) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move { doctor::examine(&handle).await })
    }

    /// Gives this handle back; the last one closes the database.
    pub fn close(&self) -> Promise {
        let handle = Rc::clone(&self.handle);
        promise::promise(async move {
            handle.close().await;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// Removes the database, unless something is unsent and it was not said that it may be lost.
    #[wasm_bindgen(js_name = deleteDatabase)]
    pub fn delete_database(&self, options: JsValue) -> Promise {
        let handle = Rc::clone(&self.handle);
        let discard_unsent = Given::new(&options, "").and_then(|options| {
            options.only(&["discardUnsent"])?;
            options.flag("discardUnsent")
        });
        promise::promise(async move {
            handle.delete_database(discard_unsent?.unwrap_or(false)).await?;
            Ok(JsValue::UNDEFINED)
        })
    }
}
