//! Records as a type of the app's own, for apps written in Rust.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{client::Client, error::EngineError, opened::FromRemote, records::AppRow};
use crate::{core::conflict::Choice, ports::Ports};

/// The records of one table, as values of `T`.
///
/// `T` has the fields that the app uses, by the names they have at the instance. Types that are not text have to be declared
/// ([`TableOptions::types`](crate::core::schema::TableOptions::types)). What is empty is null, where it has such a type, and
/// else an empty text; a field that the instance has not told of is absent. A field that `serde` skips is left alone by
/// [`Typed::update`], and one that is `None` is cleared. Ids are text, times in `$sync` are ISO 8601 in UTC.
///
/// Nothing here waits for the network but [`Typed::get_from`]: what is written is on disk when the call is done, and goes to
/// the instance with the next [`Client::sync`].
///
/// ```
/// # futures_executor::block_on(async {
/// use landfall::{core::schema::TableOptions, engine::SyncOptions, testing::{Device, MemoryInstance}, wire::Type};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// #[serde(default)]
/// struct Incident {
///     short_description: String,
///     priority: Option<i64>,
/// }
///
/// let types = [("priority".to_owned(), Type::Integer)].into();
/// let incident = TableOptions { types, ..TableOptions::default() };
/// # let device = Device::new(&MemoryInstance::plain(), [("incident".to_owned(), incident)].into(), 1);
/// let client = device.open().await?; // in a browser: `Client::open` over `BrowserPorts`
/// let incidents = client.typed::<Incident>("incident");
///
/// let made = incidents.create(&Incident { short_description: "Belt 4 stuck".into(), priority: Some(2) }).await?;
/// assert!(made.sync.is_temporary);
///
/// client.sync(SyncOptions::default()).await?;
/// let landed = incidents.get(&made.sys_id).await?.expect("it opens by the id it had");
/// assert_eq!((landed.sync.state.as_str(), landed.fields.priority), ("synced", Some(2)));
/// assert_ne!(landed.sys_id, made.sys_id);
/// # Ok::<(), landfall::engine::EngineError>(())
/// # }).unwrap();
/// ```
pub struct Typed<'a, P: Ports, T> {
    client: &'a Client<P>,
    table: String,
    of: PhantomData<fn() -> T>,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedRow<T> {
    /// Its id: temporary until the instance has made it.
    pub sys_id: String,
    /// How it stands.
    pub sync: RowSync,
    /// What is in it.
    pub fields: T,
}

/// How a record stands; see `$sync` of the JavaScript contract.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RowSync {
    /// `synced`, `local`, `changed`, `deleted`, `sending`, `waiting`, `refused` or `conflict`.
    pub state: String,
    /// Whether the instance has not given it an id yet.
    pub is_temporary: bool,
    /// Why it is not sent, in a sentence.
    pub reason: Option<String>,
    /// When it was changed here, ISO 8601 in UTC.
    pub changed_at: Option<String>,
    /// When the instance last told of it, ISO 8601 in UTC.
    pub fetched_at: Option<String>,
    /// In a conflict, the instance's values of the fields in question.
    pub theirs: Option<AppRow>,
    /// Fields the instance did not keep as sent.
    pub not_kept: Vec<String>,
}

impl<P: Ports> Client<P> {
    /// The records of a table as values of `T`. A table that was not declared is refused by the calls.
    pub fn typed<T: Serialize + DeserializeOwned>(&self, table: &str) -> Typed<'_, P, T> {
        Typed { client: self, table: table.to_owned(), of: PhantomData }
    }
}

impl<P: Ports, T: Serialize + DeserializeOwned> Typed<'_, P, T> {
    /// Makes a record and queues it. When this is done it is on disk.
    ///
    /// # Errors
    /// [`EngineError::NotJson`] if `fields` is no struct or map; as [`Client::create_many`].
    pub async fn create(&self, fields: &T) -> Result<TypedRow<T>, EngineError> {
        let rows = self.client.create_many(&self.table, vec![given(&self.table, fields)?]).await?;
        row(&self.table, rows.into_iter().next().unwrap_or_default())
    }

    /// Makes several records, all or none, in the order given. Sent together.
    ///
    /// # Errors
    /// As [`Typed::create`].
    pub async fn create_many(&self, records: &[T]) -> Result<Vec<TypedRow<T>>, EngineError> {
        let records = records.iter().map(|fields| given(&self.table, fields)).collect::<Result<_, _>>()?;
        self.rows(self.client.create_many(&self.table, records).await?)
    }

    /// Changes the fields that `changes` has.
    ///
    /// # Errors
    /// As [`Typed::create`]; [`CoreError::NotFound`](crate::core::CoreError::NotFound).
    pub async fn update<C: Serialize>(&self, sys_id: &str, changes: &C) -> Result<TypedRow<T>, EngineError> {
        row(&self.table, self.client.update(&self.table, sys_id, given(&self.table, changes)?).await?)
    }

    /// The user's word on what of a record is in conflict (`sync.theirs`): what was changed here, what the instance has, or
    /// values of these fields.
    ///
    /// # Errors
    /// As [`Client::resolve_conflict`].
    pub async fn resolve_conflict(&self, sys_id: &str, choice: &Choice) -> Result<TypedRow<T>, EngineError> {
        row(&self.table, self.client.resolve_conflict(&self.table, sys_id, choice).await?)
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// As [`Client::delete`].
    pub async fn delete(&self, sys_id: &str) -> Result<(), EngineError> {
        self.client.delete(&self.table, sys_id).await
    }

    /// A record, by its temporary or its permanent id.
    ///
    /// # Errors
    /// [`EngineError::NotJson`] if what is there is no `T`; as [`Client::get`].
    pub async fn get(&self, sys_id: &str) -> Result<Option<TypedRow<T>>, EngineError> {
        self.one(self.client.get(&self.table, sys_id, false).await?)
    }

    /// As [`Typed::get`], but the instance is asked, when online: for five seconds at most, then it is what is here. What it
    /// answers stays on the device. The run that asks is to be driven on ([`Client::run_under_way`]), whatever came of it.
    ///
    /// # Errors
    /// As [`Typed::get`].
    pub async fn get_from(&self, sys_id: &str, from: FromRemote) -> Result<Option<TypedRow<T>>, EngineError> {
        self.one(self.client.get_from(&self.table, sys_id, false, from).await?)
    }

    /// The records that an encoded query finds, in its order. An empty one finds all.
    ///
    /// # Errors
    /// As [`Typed::get`]; [`CoreError::MalformedQuery`](crate::core::CoreError::MalformedQuery).
    pub async fn query(&self, query: &str) -> Result<Vec<TypedRow<T>>, EngineError> {
        self.rows(self.client.query(&self.table, query, 0, None).await?)
    }

    /// As [`Typed::query`], without the first `offset` of them and no more than `limit`.
    ///
    /// # Errors
    /// As [`Typed::query`].
    pub async fn query_page(&self, query: &str, offset: usize, limit: usize) -> Result<Vec<TypedRow<T>>, EngineError> {
        self.rows(self.client.query(&self.table, query, offset, Some(limit)).await?)
    }

    /// How many records an encoded query finds.
    ///
    /// # Errors
    /// As [`Client::count`].
    pub async fn count(&self, query: &str) -> Result<u32, EngineError> {
        self.client.count(&self.table, query).await
    }

    fn one(&self, found: Option<AppRow>) -> Result<Option<TypedRow<T>>, EngineError> {
        found.map(|found| row(&self.table, found)).transpose()
    }

    fn rows(&self, rows: Vec<AppRow>) -> Result<Vec<TypedRow<T>>, EngineError> {
        rows.into_iter().map(|one| row(&self.table, one)).collect()
    }
}

pub(super) fn given(table: &str, fields: &impl Serialize) -> Result<AppRow, EngineError> {
    match serde_json::to_value(fields) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(not_json(table, "what is given is no struct or map")),
        Err(why) => Err(not_json(table, why)),
    }
}

pub(super) fn row<T: DeserializeOwned>(table: &str, mut row: AppRow) -> Result<TypedRow<T>, EngineError> {
    let sync = row.remove("$sync").unwrap_or_default();
    let sys_id = row.get("sys_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let read = |why: serde_json::Error| not_json(table, format!("record {sys_id}: {why}"));
    Ok(TypedRow {
        sync: serde_json::from_value(sync).map_err(read)?,
        fields: serde_json::from_value(Value::Object(row)).map_err(read)?,
        sys_id,
    })
}

fn not_json(table: &str, why: impl std::fmt::Display) -> EngineError {
    EngineError::NotJson { table: table.to_owned(), why: why.to_string() }
}

impl<P: Ports, T> std::fmt::Debug for Typed<'_, P, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Typed").field("table", &self.table).finish_non_exhaustive()
    }
}
