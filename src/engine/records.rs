//! The app's reads and writes of records.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{client::Client, error::EngineError};
use crate::{
    core::{
        CoreError, Found, Halt, Key, Origin, Read, Ruled, Scan, StoreName, Tx,
        conflict::{self, Choice},
        ids, present,
        schema::Schema,
        stored::Item,
        values::take,
        write,
    },
    ports::{Entropy, Ports, Store},
    wire::Fields,
};

/// A record as the app sees it.
pub type AppRow = Map<String, Value>;

impl<P: Ports> Client<P> {
    /// Makes records, all or none, and queues them. Their temporary ids are in the rows given back.
    ///
    /// # Errors
    /// [`CoreError`], before anything is written; the store's.
    pub async fn create_many(&self, table: &str, given: Vec<AppRow>) -> Result<Vec<AppRow>, EngineError> {
        self.schema().known(table)?;
        let fields =
            given.into_iter().map(|fields| take(self.schema(), table, fields)).collect::<Result<Vec<_>, _>>()?;
        let uuid = || self.ports().entropy().uuid();
        let ids: Vec<String> = fields.iter().map(|_| ids::temporary(uuid())).collect();
        let group = (fields.len() > 1).then(|| uuid().simple().to_string());
        let pause = self.pause().await?;
        self.transact(Origin::Here, self.settings().durability, |tx| {
            tx.group.clone_from(&group);
            let mut made = Vec::new();
            tx.each(ids.iter().zip(&fields), |tx, (id, fields)| {
                made.push(write::create(tx, table, id, fields)?);
                Ok(())
            })?;
            tx.glance(|tx| present::records(tx, &made, pause))
        })
        .await
    }

    /// Changes fields of a record: what is absent stays, null clears.
    ///
    /// # Errors
    /// As [`Client::create_many`].
    pub async fn update(&self, table: &str, sys_id: &str, changes: AppRow) -> Result<AppRow, EngineError> {
        self.schema().known(table)?;
        let changes = take(self.schema(), table, changes)?;
        let pause = self.pause().await?;
        let rows = self
            .transact(Origin::Here, self.settings().durability, |tx| {
                let record = write::update(tx, table, sys_id, &changes)?;
                tx.glance(|tx| present::records(tx, &[record], pause))
            })
            .await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// The user's word on what of a record is in conflict.
    ///
    /// # Errors
    /// As [`Client::update`]; [`CoreError::NotInConflict`], of a field; [`CoreError::BeingSent`].
    pub async fn resolve_conflict(&self, table: &str, sys_id: &str, choice: &Choice) -> Result<AppRow, EngineError> {
        self.schema().known(table)?;
        let pause = self.pause().await?;
        let rows = self
            .transact(Origin::Here, self.settings().durability, |tx| {
                let record = conflict::resolve(tx, table, sys_id, choice)?;
                tx.glance(|tx| present::records(tx, &[record], pause))
            })
            .await?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    /// Deletes a record.
    ///
    /// # Errors
    /// As [`Client::create_many`].
    pub async fn delete(&self, table: &str, sys_id: &str) -> Result<(), EngineError> {
        self.schema().known(table)?;
        self.transact(Origin::Here, self.settings().durability, |tx| write::delete(tx, table, sys_id)).await
    }

    /// The record `sys_id`, by its old or its new id. One deleted here only if `deleted` says so.
    ///
    /// # Errors
    /// [`CoreError::UnknownTable`]; the store's.
    pub async fn get(&self, table: &str, sys_id: &str, deleted: bool) -> Result<Option<AppRow>, EngineError> {
        self.schema().known(table)?;
        let pause = self.pause().await?;
        let rows = self.look(|tx| get(tx, table, sys_id, deleted, pause)).await?;
        Ok(rows.into_iter().next())
    }

    /// The outbox, oldest first, after the item `after`. `states` keeps only items in these.
    ///
    /// # Errors
    /// The store's.
    pub async fn outbox(
        &self,
        states: Option<&[String]>,
        limit: Option<usize>,
        after: Option<&str>,
    ) -> Result<Vec<present::ItemView>, EngineError> {
        let mut scan = Scan::key(StoreName::Outbox, Key::default());
        scan.after = after.map(|id| Key::from([id]));
        if states.is_none() {
            scan.limit = limit.and_then(|limit| u32::try_from(limit).ok());
        }
        let found = self.ports().store().read(&[Read::Rows(scan)]).await?;
        let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(Vec::new()) };
        let items = self.readable::<Item>(&rows);
        let pause = self.pause().await?;
        let capabilities = self.session().capabilities();
        let idle = items.iter().filter(|item| !self.can_run(item, capabilities.as_ref()));
        let idle: BTreeSet<String> = idle.map(|item| item.id.clone()).collect();
        let mut views = self.look(|tx| present::items(tx, &items, pause, &idle)).await?;
        if let Some(states) = states {
            views.retain(|view| states.iter().any(|state| state == view.state));
        }
        views.truncate(limit.unwrap_or(usize::MAX));
        Ok(views)
    }
}

/// The record, if it is there and is to be shown.
pub(super) fn get(
    tx: &mut Tx<'_>,
    table: &str,
    sys_id: &str,
    deleted: bool,
    pause: Option<present::Pause>,
) -> Ruled<Vec<AppRow>> {
    let record = match write::find(tx, table, sys_id) {
        Err(Halt::Refuse(CoreError::NotFound { .. } | CoreError::WrongTable { .. })) => return Ok(Vec::new()),
        found => found?,
    };
    if record.deleted && !deleted { Ok(Vec::new()) } else { present::records(tx, &[record], pause) }
}

/// The fields of an encoded query given in its object form: `{equals, orderBy}`.
pub fn query_of(
    schema: &Schema,
    table: &str,
    equals: Map<String, Value>,
    order_by: &[String],
) -> Result<String, CoreError> {
    let fields: Fields = take(schema, table, equals)?;
    let terms = fields.into_iter().map(|(name, value)| format!("{name}={}", value.replace('^', "^^")));
    let orders = order_by.iter().map(|name| match name.strip_prefix('-') {
        Some(name) => format!("ORDERBYDESC{name}"),
        None => format!("ORDERBY{name}"),
    });
    Ok(terms.chain(orders).collect::<Vec<_>>().join("^"))
}
