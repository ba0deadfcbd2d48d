//! A query whose answer is kept up to date.
//!
//! It is asked again only after a change that can alter its answer. A record that was in it can; so can one that matches
//! now; and where the first records that match are left out, any of the table. What the app sees of a record that is not
//! synced depends on more than the record: on others that it waits for, on who is signed in.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use super::{client::Client, error::EngineError, find::is_found, records::AppRow};
use crate::{
    core::{Event, stored::Record, walk},
    ports::Ports,
    wire::Query,
};

/// More records than this are not looked at one by one before the query is asked again.
const MOST_LOOKED_AT: usize = 100;

/// A query, and its last answer.
pub struct LiveQuery<P: Ports> {
    client: Client<P>,
    table: String,
    query: String,
    offset: usize,
    limit: Option<usize>,
    last: RefCell<Option<Vec<AppRow>>>,
    /// Records that have changed since.
    changed: RefCell<BTreeSet<(String, String)>>,
    /// Something that what is not synced depends on has happened since.
    moved: Cell<bool>,
    /// Nobody has said what has happened since.
    missed: Cell<bool>,
}

impl<P: Ports> LiveQuery<P> {
    /// As [`Client::query`]; nothing is read yet.
    pub fn new(client: Client<P>, table: String, query: String, offset: usize, limit: Option<usize>) -> Self {
        let (last, changed, moved) = (RefCell::default(), RefCell::default(), Cell::default());
        Self { client, table, query, offset, limit, last, changed, moved, missed: Cell::new(true) }
    }

    /// From here on all that happens is to be [heard](Self::hear).
    pub fn begin(&self) {
        self.missed.set(true);
    }

    /// Takes in what has happened. Whether the answer may be another: then [`answer`](Self::answer) is to be called.
    pub fn hear(&self, event: &Event) -> bool {
        match event {
            Event::Change { table, .. } if self.leads_through(table) => {
                self.missed.set(true);
                true
            }
            Event::Change { table, sys_ids, .. } if self.client.schema().related(table, &self.table) => {
                self.changed.borrow_mut().extend(sys_ids.iter().map(|id| (table.clone(), id.clone())));
                true
            }
            Event::Settled { .. } | Event::Reconciled { .. } | Event::Status => {
                self.moved.set(true);
                true
            }
            // Another database is in its place.
            Event::Evicted { .. } => {
                self.missed.set(true);
                true
            }
            _ => false,
        }
    }

    /// Whether a path of the query looks into records of this table.
    fn leads_through(&self, table: &str) -> bool {
        let schema = self.client.schema();
        let query = Query::with_paths(&self.query).unwrap_or_default();
        walk::paths(&query).into_iter().any(|path| {
            let tables = walk::steps(schema, &self.table, path).map(|(tables, _)| tables).unwrap_or_default();
            tables.iter().any(|through| schema.related(through, table))
        })
    }

    /// The answer, if it is another than the last one.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn answer(&self) -> Result<Option<Vec<AppRow>>, EngineError> {
        let (changed, moved, missed) = (self.changed.take(), self.moved.take(), self.missed.take());
        let differs = if missed { Ok(true) } else { self.may_differ(&changed, moved).await };
        let answered = match differs {
            Ok(true) => self.ask().await,
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        if answered.is_err() {
            self.missed.set(true);
        }
        answered
    }

    async fn ask(&self) -> Result<Option<Vec<AppRow>>, EngineError> {
        let rows = self.client.query(&self.table, &self.query, self.offset, self.limit).await?;
        if self.last.borrow().as_ref() == Some(&rows) {
            return Ok(None);
        }
        self.last.replace(Some(rows.clone()));
        Ok(Some(rows))
    }

    async fn may_differ(&self, changed: &BTreeSet<(String, String)>, moved: bool) -> Result<bool, EngineError> {
        let known = {
            let last = self.last.borrow();
            let Some(rows) = last.as_ref() else { return Ok(true) };
            let is_unsent =
                |row: &AppRow| row.get("$sync").is_none_or(|sync| sync.get("state") != Some(&"synced".into()));
            let holds = |id: &str| rows.iter().any(|row| row.get("sys_id").is_some_and(|known| known == id));
            (moved && rows.iter().any(is_unsent)) || changed.iter().any(|(_, id)| holds(id))
        };
        if known || (self.offset > 0 && !changed.is_empty()) || changed.len() > MOST_LOOKED_AT {
            return Ok(true);
        }
        if changed.is_empty() {
            return Ok(false);
        }
        let (query, ..) = self.client.seek(&self.table, &self.query).await?;
        let found = self.client.look(|tx| {
            let schema = tx.schema;
            tx.want(changed.iter().map(|(table, id)| Record::at(schema, table, id)))?;
            let mut found = false;
            tx.each(changed, |tx, (table, id)| {
                let record = tx.readable::<Record>(&Record::at(schema, table, id))?;
                let shown = record.filter(|record| !record.deleted && schema.is_a(&record.table, &self.table));
                found |= shown.is_some_and(|record| is_found(schema, &query, &self.table, &record));
                Ok(())
            })?;
            Ok(found)
        });
        found.await
    }
}
