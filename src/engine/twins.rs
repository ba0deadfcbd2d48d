//! Looking for twins: one record made here that is several at the instance.
//!
//! A plain instance carries out whatever arrives, and a request may arrive twice without anyone's asking: browsers
//! themselves send a POST again when a connection they had used before closes on them without an answer. So each
//! record made under no key is looked for once, when there is nothing left to send; the first of a table at once, since
//! what is not found though it is there tells what an empty answer is worth. One that was in doubt is looked for again for
//! a while: [`twins::LOOKS`].

use std::collections::{BTreeMap, BTreeSet};

use super::{client::Client, error::EngineError, exchange::Trouble, sync::SyncOptions};
use crate::{
    core::{
        Durability, Found, Origin, Read, Scan, StoreName,
        lease::renew_lease,
        receive::prove_found,
        stored::{Alias, Record},
        twins,
    },
    ports::{Clock, Headers, Ports, Store},
    wire::{
        Fields, Query,
        query::{Op, Term},
    },
};

/// Ids asked for at once. Each takes 39 characters of the URL, which shares the 8 KB that many servers allow with the
/// app's own headers.
const ASKED: u32 = 100;

impl<P: Ports> Client<P> {
    /// Looks for the twins of what was made since the last look. `false` if a table could not be asked: it is looked
    /// for another time.
    pub(super) async fn look_for_twins(&self, lease: u64, options: &SyncOptions) -> Result<bool, Trouble> {
        let mut all = true;
        let mut headers: Option<Headers> = None;
        let mut scan = Scan::index(StoreName::Aliases, Alias::unchecked()).limit(ASKED);
        while !self.is_stopped(options) {
            let found = self.ports().store().read(&[Read::Rows(scan.clone())]).await.map_err(EngineError::from)?;
            let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(all) };
            let now = self.ports().clock().now_ms();
            let due = self.readable::<Alias>(&rows).into_iter().filter(|alias| twins::is_due(alias, now));
            let mut by_table: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for alias in due {
                by_table.entry(alias.table).or_default().push(alias.temporary);
            }
            // Onwards, whatever comes of these: a damaged one keeps its place, and would be found again for ever. The
            // later ones stand in the order of their time.
            let later = scan.prefix == Alias::later();
            let last = rows.last().and_then(|row| row.index.iter().find(|entry| entry.starts_with(&scan.prefix)));
            match last.cloned() {
                Some(last) if !later || !by_table.is_empty() => scan.after = Some(last),
                _ if later => return Ok(all),
                _ => scan = Scan::index(StoreName::Aliases, Alias::later()).limit(ASKED),
            }
            for (table, temporary) in by_table {
                if self.session().unsearched.borrow().contains(&table) {
                    continue;
                }
                let told = match self.carrying(lease, &table, &temporary, &mut headers).await {
                    Err(trouble) if self.is_of_the_table(&trouble) => {
                        self.session().unsearched.borrow_mut().insert(table);
                        all = false;
                        continue;
                    }
                    told => told?,
                };
                let dropped = told.is_none();
                let rows = told.unwrap_or_default();
                self.transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, lease)?;
                    let mut found = Vec::new();
                    tx.each(&temporary, |tx, temporary| {
                        let Some(alias) = tx.alias(temporary)? else { return Ok(()) };
                        let carrying = rows.get(temporary).map(Vec::as_slice).unwrap_or_default();
                        // What was deleted since proves nothing.
                        if let Some(id) = &alias.sys_id
                            && let Some(record) = tx.readable::<Record>(&Record::at(tx.schema, &alias.table, id))?
                            && !record.deleted
                        {
                            found.push(!carrying.is_empty());
                        }
                        let carrying = if dropped { alias.twins.clone() } else { carrying.to_vec() };
                        twins::note(tx, alias, &carrying)
                    })?;
                    if dropped || !found.is_empty() {
                        prove_found(tx, &table, !dropped && found.into_iter().all(|found| found))?;
                    }
                    Ok(())
                })
                .await?;
            }
        }
        Ok(all)
    }

    /// The ids of the rows that carry each of these temporary ids; none where the instance does not tell.
    async fn carrying(
        &self,
        lease: u64,
        table: &str,
        temporary: &[String],
        headers: &mut Option<Headers>,
    ) -> Result<Option<BTreeMap<String, Vec<String>>>, Trouble> {
        let mut carrying: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let Some(field) = self.schema().correlation_field(table) else { return Ok(None) };
        let query = Query::default().and(Term { field: field.clone(), op: Op::In(temporary.to_vec()) }).to_string();
        let mut asked = Some(self.dialect().first_page(table, &query, Some(&["sys_id", &field]), 2 * ASKED));
        let mut followed = BTreeSet::new();
        while let Some(request) = asked {
            let page = match self.page(lease, table, &request, headers).await {
                Err(Trouble::Engine(EngineError::PullRefused { .. })) => return Ok(None),
                page => page?,
            };
            for mut row in page.rows {
                let (Some(id), Some(sys_id)) = (Fields::remove(&mut row, &field), row.remove("sys_id")) else {
                    continue;
                };
                // An instance that dropped the query answers with anybody's rows, and with all of them.
                if !temporary.contains(&id) {
                    return Ok(None);
                }
                let found = carrying.entry(id).or_default();
                // A page that comes twice makes no twins.
                if let Err(place) = found.binary_search(&sys_id) {
                    found.insert(place, sys_id);
                }
            }
            asked =
                page.next.filter(|link| followed.insert(link.clone())).and_then(|link| self.dialect().next_page(&link));
        }
        Ok(Some(carrying))
    }
}
