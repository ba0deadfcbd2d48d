//! Which records have gone, by what the instance has noted of its deletions.
//!
//! A note is a hint and no more: it tells nothing of what has left the query, may be of a record that was restored, and is not
//! there any more after a while. So it is asked for where the number has fallen, in place of all ids, if these are many; what
//! it names is asked for once more; and it is enough where that accounts for just as many as are missing. Where nothing is
//! counted, it would not tell what else is to be compared: there it is not asked for at all.

use std::collections::BTreeSet;

use super::{
    changes::{OVERLAP_S, later},
    client::Client,
    dialect::Deletion,
    error::EngineError,
    exchange::Trouble,
    gone::A_DAY_MS,
    pull::{Cached, Pulling},
};
use crate::{
    core::{
        Durability, Origin, RowKey,
        lease::renew_lease,
        stored::{Deletions, Pulled, Record, Unaudited},
    },
    ports::{Clock, Ports},
    wire::datetime,
};

/// Notes asked for at once, but no more than there are records: all ids would be shorter then. Should there be more, they come
/// where they are asked for next. What was noted within a minute before comes again: one more than may be missing is too few.
const NOTED: i64 = 5_000;
/// More than so many missing ones are not asked about one by one.
const MOST_NOTED: i64 = 1_000;
/// All ids of fewer records are no longer an answer than the notes of a whole table.
const FEW: i64 = 1_000;

impl<P: Ports> Client<P> {
    /// Removes the deleted ones of a table of which so many are missing among all that the instance counts. Whether these are
    /// all.
    pub(super) async fn remove_audited(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        at: &mut Pulled,
        (missing, total): (i64, i64),
    ) -> Result<bool, Trouble> {
        if !(1..=MOST_NOTED).contains(&missing) || total < FEW {
            return Ok(false);
        }
        let noted = self.deletions_since(pulling, of, at, total).await?;
        let ids = noted.into_iter().map(|noted| noted.sys_id).filter(|id| !at.gone.contains(id));
        let ids: BTreeSet<String> = self.rest(of, ids.collect()).await?.into_iter().collect();
        if i64::try_from(ids.len()).is_ok_and(|named| named < missing) {
            return Ok(false);
        }
        let ids: Vec<String> = ids.into_iter().collect();
        let Some(alive) = self.alive(pulling, of, &ids).await? else { return Ok(false) };
        let gone: Vec<String> = ids.into_iter().filter(|id| !alive.contains(id)).collect();
        let rows: Vec<RowKey> = gone.iter().map(|id| Record::at(self.schema(), &of.table, id)).collect();
        if i64::try_from(rows.len()) != Ok(missing) || !self.remove(pulling, &rows, None).await? {
            return Ok(false);
        }
        // Unsent work may need some of them for now.
        at.gone.extend(self.rest(of, gone).await?);
        at.deletions = Some(Deletions::Audit);
        self.note_pulled(pulling, at).await?;
        Ok(true)
    }

    /// What the instance has noted since it was last asked, as far as it says. What is not said then shows by all ids, which
    /// are compared in its place: it is not to be said once more.
    async fn deletions_since(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        at: &mut Pulled,
        total: i64,
    ) -> Result<Vec<Deletion>, Trouble> {
        let now = self.ports().clock().now_ms();
        let refused = self.look(|tx| tx.fact::<Unaudited>()).await?;
        let lately = now.checked_sub(refused.at).is_some_and(|since| since < A_DAY_MS);
        // What was deleted before the last change that is here was never brought, or had gone before.
        let from = at.audited.as_ref().or(at.until.as_ref()).and_then(|time| later(time, -OVERLAP_S - at.shift));
        let Some(from) = from.filter(|_| !lately) else { return Ok(Vec::new()) };
        let declared = self.schema().tables().map(|(table, _)| table);
        let below = declared.filter(|table| *table != of.table && self.schema().is_a(table, &of.table));
        let tables: Vec<&str> = [of.table.as_str()].into_iter().chain(below).collect();
        let size = u32::try_from(total.min(NOTED)).unwrap_or_default();
        let asked = self.dialect().deletions(&tables, &from, size);
        let page = match self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await {
            Ok(page) => page,
            Err(Trouble::Engine(EngineError::PullRefused { .. })) => {
                self.transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, pulling.lease)?;
                    tx.put(&Unaudited { at: now })
                })
                .await?;
                return Ok(Vec::new());
            }
            // All ids tell as well.
            Err(trouble) if self.is_of_the_table(&trouble) => return Ok(Vec::new()),
            Err(trouble) => return Err(trouble),
        };
        let noted: Vec<Deletion> = page.rows.iter().map(|row| self.dialect().deletion(row)).collect();
        // Of an instance that drops the terms it does not know, these may be any.
        let said = |noted: &Deletion| tables.contains(&noted.table.as_str()) && datetime::parse(&noted.at).is_some();
        if !noted.iter().all(said) {
            return Ok(Vec::new());
        }
        let before = at.audited.take();
        at.audited = noted.iter().map(|noted| noted.at.clone()).max().max(before.clone());
        // More within a minute than are asked for at once: all ids tell of these, and the next ones come behind them.
        if at.audited == before && u32::try_from(noted.len()) == Ok(size) {
            at.audited = before.and_then(|time| later(&time, OVERLAP_S));
        }
        Ok(noted)
    }
}
