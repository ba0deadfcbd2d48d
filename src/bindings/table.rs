//! A table's records.
//!
//! What the app gives is read before a call returns: the object is the app's, and may be another by the time the
//! promise's work begins.

use std::rc::Rc;

use js_sys::{Array, Promise};
use serde::Serialize;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};

use super::{
    arguments::{self, Given},
    failure::Failure,
    fields,
    live::LiveSource,
    opened::Handle,
    promise::{self, promise},
    query,
};
use crate::{
    core::{conflict::Choice, seek::Seek, values::take},
    engine::{AppRow, FromRemote, LiveQuery},
};

/// One table of one open database.
#[wasm_bindgen]
pub struct Table {
    handle: Rc<Handle>,
    name: String,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Table {
    pub(super) fn new(handle: Rc<Handle>, name: String) -> Self {
        Self { handle, name }
    }

    fn encoded(&self, given: &JsValue) -> Result<String, Failure> {
        query::encoded(self.handle.client()?.schema(), &self.name, given)
    }

    fn parts(&self) -> (Rc<Handle>, String) {
        (Rc::clone(&self.handle), self.name.clone())
    }
}

#[wasm_bindgen]
impl Table {
    /// Makes a record.
    pub fn create(&self, fields: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let record = fields::taken(&fields, "the record");
        promise(async move {
            let made = create(&handle, &table, vec![record?]).await?;
            made.first().map_or(Ok(JsValue::UNDEFINED), fields::rows)
        })
    }

    /// Makes several records, all or none.
    #[wasm_bindgen(js_name = createMany)]
    pub fn create_many(&self, records: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let records = many(&records);
        promise(async move { fields::rows(&create(&handle, &table, records?).await?) })
    }

    /// The record, by its old or its new id.
    pub fn get(&self, sys_id: JsValue, options: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let options = Given::new(&options, "").and_then(|options| {
            options.only(&["deleted", "remote"])?;
            Ok((options.flag("deleted")?.unwrap_or(false), options.word("remote", &["ifMissing", "always"])?))
        });
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            let (deleted, remote) = options?;
            let client = handle.client()?;
            let found = match remote.as_deref() {
                None => client.get(&table, &sys_id, deleted).await,
                Some("always") => client.get_from(&table, &sys_id, deleted, FromRemote::Always).await,
                Some(_) => client.get_from(&table, &sys_id, deleted, FromRemote::IfMissing).await,
            };
            promise::drive_on(client);
            match found? {
                Some(row) => fields::rows(&row),
                None => Ok(JsValue::UNDEFINED),
            }
        })
    }

    /// Changes fields of a record.
    pub fn update(&self, sys_id: JsValue, changes: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let changes = fields::taken(&changes, "the change");
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            fields::rows(&handle.client()?.update(&table, &sys_id, changes?).await?)
        })
    }

    /// The user's word on what of a record is in conflict.
    #[wasm_bindgen(js_name = resolveConflict)]
    pub fn resolve_conflict(&self, sys_id: JsValue, choice: JsValue) -> Promise {
        let (handle, table) = self.parts();
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            let client = handle.client()?;
            let choice = match choice.as_string().as_deref() {
                Some("mine") => Choice::Mine,
                Some("theirs") => Choice::Theirs,
                None if choice.is_object() => {
                    Choice::Fields(take(client.schema(), &table, fields::taken(&choice, "the choice")?)?)
                }
                _ => {
                    let forms = r#""mine", "theirs", or an object with the values that are to stand"#;
                    return Err(Failure::argument(format!("resolveConflict() takes {forms}.")));
                }
            };
            fields::rows(&client.resolve_conflict(&table, &sys_id, &choice).await?)
        })
    }

    /// Deletes a record.
    pub fn delete(&self, sys_id: JsValue) -> Promise {
        let (handle, table) = self.parts();
        promise(async move {
            let sys_id = arguments::text(&sys_id, "The sys_id")?;
            handle.client()?.delete(&table, &sys_id).await?;
            Ok(JsValue::UNDEFINED)
        })
    }

    /// The records a query finds.
    pub fn query(&self, query: JsValue, options: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let query = self.encoded(&query);
        let page = page(&options);
        promise(async move {
            let (limit, offset) = page?;
            fields::rows(&handle.client()?.query(&table, &query?, offset, limit).await?)
        })
    }

    /// How many records a query finds.
    pub fn count(&self, query: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let query = self.encoded(&query);
        promise(async move { Ok(handle.client()?.count(&table, &query?).await?.into()) })
    }

    /// What a live query is asked of. What is wrong with the query is told to whoever asks.
    #[wasm_bindgen(js_name = liveSource)]
    pub fn live_source(&self, query: JsValue, options: JsValue) -> LiveSource {
        let query = self.encoded(&query).and_then(|query| {
            let (limit, offset) = page(&options)?;
            Ok(LiveQuery::new(self.handle.client()?.clone(), self.name.clone(), query, offset, limit))
        });
        LiveSource::new(Rc::clone(&self.handle), query)
    }

    /// How a query is answered.
    pub fn explain(&self, query: JsValue) -> Promise {
        let (handle, table) = self.parts();
        let query = self.encoded(&query);
        promise(async move {
            let (_, Seek { by, exact, ordered, .. }, _) = handle.client()?.seek(&table, &query?).await?;
            fields::report(&Plan { index: by, filtered: !exact, sorted: !ordered })
        })
    }
}

/// As the contract's `QueryPlan`.
#[derive(Serialize)]
struct Plan {
    index: Option<Vec<String>>,
    filtered: bool,
    sorted: bool,
}

fn page(options: &JsValue) -> Result<(Option<usize>, usize), Failure> {
    let options = Given::new(options, "")?;
    options.only(&["limit", "offset"])?;
    Ok((options.number("limit", 0)?, options.number("offset", 0)?.unwrap_or(0)))
}

fn many(records: &JsValue) -> Result<Vec<AppRow>, Failure> {
    let Some(records) = records.dyn_ref::<Array>() else {
        return Err(Failure::argument("createMany() takes a list of records."));
    };
    let number = |(number, record): (u32, _)| fields::taken(&record, &format!("record {number}"));
    (1..).zip(records.iter()).map(number).collect()
}

async fn create(handle: &Handle, table: &str, records: Vec<AppRow>) -> Result<Vec<AppRow>, Failure> {
    let opened = handle.opened()?;
    let made = opened.client().create_many(table, records).await?;
    opened.keep();
    Ok(made)
}
