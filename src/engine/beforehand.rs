//! What others have changed is looked for before a change is sent: the instance would let the later one win, and nobody would
//! know. Where it changes a record only as long as that is as this device knows it (`If-Match`), it says so by itself.

use std::collections::BTreeMap;

use super::{client::Client, error::EngineError, exchange::Trouble};
use crate::{
    core::{
        Durability,
        lease::renew_lease,
        plan::Plan,
        pull::{known_since, read_again},
        schema::Conflict,
        stored::{Item, ItemKind, Record},
    },
    ports::{Clock, Headers, Ports},
    wire::{
        Capabilities, Fields, Query,
        query::{Op, Term},
    },
};

/// What the instance has told so lately is not asked for, in ms.
const FRESH_MS: u64 = 30_000;
/// Ids asked for at once: with 32 digits each they have to fit in a URL.
pub(super) const AT_ONCE: usize = 50;

/// When records were last read for this, by table and id, in ms.
pub(super) type Looked = BTreeMap<(String, String), u64>;

impl<P: Ports> Client<P> {
    /// Reads the records that the plan changes, as far as they are not known well enough. Whether any was: what may be sent is
    /// to be chosen anew then.
    pub(super) async fn look_beforehand(
        &self,
        lease: u64,
        plan: &Plan,
        capabilities: &Capabilities,
        headers: &mut Option<Headers>,
        looked: &mut Looked,
    ) -> Result<bool, Trouble> {
        let now = self.ports().clock().now_ms();
        // Nothing was told in the future: the clock has been set back since.
        let is_fresh = |at: Option<u64>| at.and_then(|at| now.checked_sub(at)).is_some_and(|since| since < FRESH_MS);
        let mut by_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for item in plan.send.iter().filter(|item| is_weighed(self, item)) {
            let at = (item.table.clone(), item.sys_id.clone());
            if is_fresh(looked.get(&at).copied()) {
                continue;
            }
            let (known, guarded) = self
                .look(|tx| {
                    let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?;
                    let Some(record) = record.filter(|record| !record.outdated) else { return Ok((None, false)) };
                    let guarded = capabilities.if_match && record.count_there().is_some();
                    Ok((known_since(tx, &record)?, guarded))
                })
                .await?;
            if !guarded && !is_fresh(known) {
                by_table.entry(at.0).or_default().push(at.1);
            }
        }
        let mut read = false;
        for (table, ids) in by_table {
            for ids in ids.chunks(AT_ONCE) {
                looked.extend(ids.iter().map(|id| ((table.clone(), id.clone()), now)));
                let rows = match self.rows_of(lease, &table, ids, headers).await {
                    Ok(rows) => rows,
                    // It may be changed all the same.
                    Err(Trouble::Engine(EngineError::PullRefused { .. })) => continue,
                    Err(trouble) if self.is_of_the_table(&trouble) => continue,
                    Err(trouble) => return Err(trouble),
                };
                read = true;
                self.transact_parts(Durability::Relaxed, &rows, |tx, rows| {
                    renew_lease(tx, lease)?;
                    read_again(tx, &table, rows)
                })
                .await?;
            }
        }
        Ok(read)
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

fn is_weighed<P: Ports>(client: &Client<P>, item: &Item) -> bool {
    item.kind == ItemKind::Update && !item.journal && client.schema().conflict(&item.table) != Conflict::Client
}
