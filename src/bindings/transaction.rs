//! Several writes, all or none: what `transaction(work)` gives to `work`.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

use super::{
    arguments::{self, Given},
    failure::Failure,
    fields,
    opened::Handle,
    promise::promise,
};
use crate::{
    browser::BrowserPorts,
    core::{Ref, stored::Action},
    engine,
};

/// How often `work` is run again before the call gives up. Each time, some other tab got its write through.
const MOST_RUNS: u32 = 20;

type Writes = Rc<engine::Transaction<BrowserPorts>>;

/// How a transaction ended.
pub enum Ended {
    /// Its writes are committed.
    Done {
        /// What `work` gave.
        value: JsValue,
        /// Of an action's offline step: the action's item and its records.
        acted: Option<(String, Vec<Ref>)>,
    },
    /// What the app threw is the app's: it gets it back as it is.
    Threw(JsValue),
}

/// Runs `work` until what it saw is still so when its writes are committed. Those of an `action` are its own.
pub async fn run(
    handle: &Handle,
    action: Option<&Action>,
    work: impl Fn(&JsValue) -> Result<JsValue, JsValue>,
) -> Result<Ended, Failure> {
    for _ in 0..MOST_RUNS {
        let opened = handle.opened()?;
        let writes = match action {
            Some(action) => opened.client().act(action.clone()).await?,
            None => opened.client().begin().await?,
        };
        let writes = Rc::new(writes);
        let given = JsValue::from(Transaction { writes: Rc::clone(&writes) });
        let ended = match work(&given) {
            Ok(value) => JsFuture::from(Promise::resolve(&value)).await,
            Err(thrown) => Err(thrown),
        };
        match ended {
            Ok(value) => {
                let acted = if action.is_some() { Some(writes.acted().await?) } else { None };
                if writes.commit().await? {
                    opened.keep();
                    return Ok(Ended::Done { value, acted });
                }
            }
            Err(thrown) if writes.give_up().await? => return Ok(Ended::Threw(thrown)),
            Err(_) => {}
        }
    }
    Err(engine::EngineError::Contended.into())
}

/// The writes of one transaction, until `work` has ended.
#[wasm_bindgen]
pub struct Transaction {
    writes: Writes,
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl Transaction {
    /// One of the tables.
    pub fn table(&self, name: JsValue) -> Result<TransactionTable, JsValue> {
        let name = arguments::text(&name, "The name of a table")?;
        Ok(TransactionTable { writes: Rc::clone(&self.writes), name })
    }
}

/// One table within a transaction.
#[wasm_bindgen]
pub struct TransactionTable {
    writes: Writes,
    name: String,
}

impl std::fmt::Debug for TransactionTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransactionTable").field("name", &self.name).finish_non_exhaustive()
    }
}

#[wasm_bindgen]
impl TransactionTable {
    /// Makes a record.
    pub fn create(&self, fields: JsValue) -> Promise {
        let (writes, table) = self.parts();
        let record = fields::taken(&fields, "the record");
        promise(async move { fields::rows(&writes.create(&table, record?).await?) })
    }

    /// The record as the transaction has left it.
    pub fn get(&self, sys_id: JsValue, options: JsValue) -> Promise {
        let (writes, table) = self.parts();
        let deleted = Given::new(&options, "").and_then(|options| {
            options.only(&["deleted"])?;
            options.flag("deleted")
        });
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            match writes.get(&table, &sys_id, deleted?.unwrap_or(false)).await? {
                Some(row) => fields::rows(&row),
                None => Ok(JsValue::UNDEFINED),
            }
        })
    }

    /// Changes fields of a record.
    pub fn update(&self, sys_id: JsValue, changes: JsValue) -> Promise {
        let (writes, table) = self.parts();
        let changes = fields::taken(&changes, "the change");
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            fields::rows(&writes.update(&table, &sys_id, changes?).await?)
        })
    }

    /// Deletes a record.
    pub fn delete(&self, sys_id: JsValue) -> Promise {
        let (writes, table) = self.parts();
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            writes.delete(&table, &sys_id).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    fn parts(&self) -> (Writes, String) {
        (Rc::clone(&self.writes), self.name.clone())
    }
}
