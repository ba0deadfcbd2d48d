//! What others have changed is looked for before a change leaves: the instance would let the later one win, and nobody would
//! know. Where it changes a record only as long as that is as this device knows it (`If-Match`), it says so by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{client::Client, error::EngineError, exchange::Trouble};
use crate::{
    core::{
        Durability,
        lease::renew_lease,
        plan::Plan,
        pull::read_again,
        stored::{Item, Record},
    },
    ports::{Clock, Headers, Ports},
    wire::{
        Capabilities, Fields, Query,
        query::{Op, Term},
    },
};

/// What the instance has told so lately is not asked for, in ms: several changes of a record in a row.
const FRESH_MS: u64 = 2_000;
/// Ids asked for at once: with 32 digits each they have to fit in a URL.
pub(super) const AT_ONCE: usize = 50;

impl<P: Ports> Client<P> {
    /// Reads the records that the plan changes, as far as they are not known well enough. Whether any was: what may be sent is
    /// to be chosen anew then, and what was `looked` for is not read once more, however long that has taken.
    pub(super) async fn look_beforehand(
        &self,
        lease: u64,
        plan: &Plan,
        capabilities: &Capabilities,
        headers: &mut Option<Headers>,
        looked: &mut BTreeSet<String>,
    ) -> Result<bool, Trouble> {
        let mut by_table: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for item in plan.send.iter().filter(|item| item.is_weighed(self.schema())) {
            if !looked.contains(&item.sys_id) && !self.is_known(item, capabilities).await? {
                by_table.entry(&item.table).or_default().push(item.sys_id.clone());
            }
        }
        let mut read = false;
        for (table, ids) in by_table {
            for ids in ids.chunks(AT_ONCE) {
                looked.extend(ids.iter().cloned());
                let rows = match self.rows_of(lease, table, ids, headers).await {
                    Ok(rows) => rows,
                    Err(trouble) if self.may_stay_unread(table, &trouble) => continue,
                    // As much as a line that does not carry.
                    Err(Trouble::Engine(EngineError::PullRefused { message, .. })) => {
                        return Err(Trouble::Unreachable(message));
                    }
                    Err(trouble) => return Err(trouble),
                };
                read = true;
                self.session().unread_tables.borrow_mut().remove(table);
                self.transact_parts(Durability::Relaxed, &rows, |tx, rows| {
                    renew_lease(tx, lease)?;
                    read_again(tx, table, rows)
                })
                .await?;
            }
        }
        Ok(read)
    }

    async fn is_known(&self, item: &Item, capabilities: &Capabilities) -> Result<bool, EngineError> {
        let now = self.ports().clock().now_ms();
        let record = self.look(|tx| tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))).await?;
        Ok(record.filter(Record::is_told).is_some_and(|record| {
            let since = record.fetched_at.and_then(|at| now.checked_sub(at));
            let guarded = capabilities.if_match && record.count_there().is_some();
            guarded || since.is_some_and(|since| since < FRESH_MS)
        }))
    }

    /// What this user may change and not read is changed unread; and so is, at the second time, what the instance fails to
    /// give though the line holds.
    fn may_stay_unread(&self, table: &str, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Engine(EngineError::PullRefused { status: 400..500, .. }) => true,
            Trouble::Engine(EngineError::PullRefused { .. }) => self.is_unread_again(table),
            trouble => self.is_of_the_table(trouble) && self.is_unread_again(table),
        }
    }

    fn is_unread_again(&self, table: &str) -> bool {
        !self.session().unread_tables.borrow_mut().insert(table.to_owned())
    }

    /// The records of these ids, as far as the instance gives them.
    pub(super) async fn rows_of(
        &self,
        lease: u64,
        table: &str,
        ids: &[String],
        headers: &mut Option<Headers>,
    ) -> Result<Vec<Fields>, Trouble> {
        let query = Query::default().and(Term { field: "sys_id".to_owned(), op: Op::In(ids.to_vec()) });
        let size = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let asked = self.dialect().first_page(table, &query.to_string(), None, size);
        let mut rows = self.page(lease, table, &asked, headers).await?.rows;
        // An instance drops the terms of a query that it does not know.
        rows.retain(|row| row.get("sys_id").is_some_and(|id| ids.contains(id)));
        Ok(rows)
    }
}
