//! Removing what a refresh has not found: deleted there, changed so that the query does not find it any more, or not to be
//! seen by this user now.
//!
//! Of a table of which only the changes were brought, nothing tells of those. But the instance counts what the query finds:
//! as long as it counts as many as are here, and all that has changed was brought, nothing has gone. Else the ids are
//! compared. Once a day the times are as well: what a user may see changes without the records, and what was passed over once
//! is not told again.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    changes::{goes_on, in_order},
    client::Client,
    error::EngineError,
    exchange::Trouble,
    pull::{Cached, Pulling, Refreshed, id_of},
};
use crate::{
    core::{
        Durability, Found, Key, Origin, Read, RowKey, Scan, StoreName,
        lease::renew_lease,
        pull::sweep,
        stored::{Deletions, Pulled, Record, UPDATED},
    },
    ports::{Clock, Ports, Store},
    wire::{
        Fields,
        query::{Op, Term},
    },
};

/// Ids asked for at once: with 32 digits each they have to fit in a URL.
const ASKED_AGAIN: usize = 50;
/// Records removed in one transaction, each of which reads the whole outbox.
const REMOVED: usize = 250;
/// Ids listed at a time.
const LISTED: u32 = 5_000;
/// More than so many are not asked for one by one: all of the table is brought.
const MOST_READ: usize = 1_000;
/// All are compared after so long anyway, in ms.
pub(super) const A_DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Rows of the device looked through at a time.
const LOOKED_THROUGH: u32 = 500;

/// The ids that a query finds, with when each was changed.
struct Listed {
    times: BTreeMap<String, String>,
    /// In the order of the ids, in which nothing is shifted out of two pages.
    by_id: bool,
}

impl<P: Ports> Client<P> {
    /// Removes what is not there any more. Whether what is left is as the instance has it: the caller may have had enough.
    pub(super) async fn remove_rest(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        refreshed: Refreshed,
    ) -> Result<bool, Trouble> {
        match refreshed {
            Refreshed::All { ids, by_id } => {
                if !self.remove_others(pulling, of, |id| ids.contains(id), by_id).await? {
                    return Ok(false);
                }
                let known = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await?;
                if let Some(mut at) = known {
                    at.compared_at = self.ports().clock().now_ms();
                    self.note_pulled(pulling, &at).await?;
                }
                Ok(true)
            }
            Refreshed::Limit(there) => self.remove_others(pulling, of, |id| there.contains(id), true).await,
            Refreshed::Changes(total) => self.compare(pulling, of, total).await,
            Refreshed::Stopped => Ok(false),
        }
    }

    async fn compare(&self, pulling: &mut Pulling<'_>, of: &Cached, mut total: Option<i64>) -> Result<bool, Trouble> {
        let mut at = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await?.unwrap_or_else(|| of.fresh());
        let now = self.ports().clock().now_ms();
        let lately = now.checked_sub(at.compared_at).is_some_and(|since| since < A_DAY_MS);
        let before = at.gone.len();
        if before > 0 {
            let of_these = |id: &String| Record::at(self.schema(), &of.table, id);
            self.remove(pulling, &at.gone.iter().map(of_these).collect::<Vec<_>>(), None).await?;
            at.gone = self.rest(of, std::mem::take(&mut at.gone)).await?;
        }
        // What this device has made or deleted there since it was counted is no difference.
        let pushes = pulling.beside.pushes;
        if total.is_some() && pushes > 0 {
            total = self.latest(pulling, of, None).await?.1.map(i64::from);
        }
        let live = self.count_brought(of).await? - i64::try_from(at.gone.len()).unwrap_or(0);
        let by = match total {
            Some(_) if at.deletions == Some(Deletions::Audit) => Deletions::Audit,
            Some(_) => Deletions::Count,
            None => Deletions::Ids,
        };
        if at.deletions.replace(by) != Some(by) {
            self.note_pulled(pulling, &at).await?;
        }
        // One that has come back meanwhile has gone with them.
        if lately
            && at.gone.len() == before
            && let Some(total) = total
        {
            let missing = live + at.hidden - total;
            if missing == 0 || self.remove_audited(pulling, of, &mut at, (missing, total)).await? {
                return Ok(true);
            }
            // The notes did not tell.
            if missing > 0 {
                at.deletions = Some(Deletions::Count);
            }
        }
        let Some(Listed { times, by_id }) = self.list(pulling, of).await? else { return Ok(false) };
        let brought = self.brought(of).await?;
        let here: BTreeSet<&str> = brought.iter().map(|key| key.text(1)).collect();
        let mut wanted: Vec<String> = times.keys().filter(|id| !here.contains(id.as_str())).cloned().collect();
        if !lately {
            wanted.extend(self.others(of, &times).await?);
        }
        if wanted.len() > MOST_READ {
            at.begin_anew();
            self.note_pulled(pulling, &at).await?;
            return Ok(false);
        }
        pulling.far.expect(u32::try_from(wanted.len()).ok());
        for chunk in wanted.chunks(ASKED_AGAIN) {
            if self.see_to(pulling.lease, &mut pulling.beside).await {
                return Ok(false);
            }
            let rows = self.these(pulling, of, chunk, None).await?;
            self.keep(pulling, of, &rows).await?;
        }
        if !self.remove_others(pulling, of, |id| times.contains_key(id), by_id).await? {
            return Ok(false);
        }
        if !lately {
            at.compared_at = now;
        }
        at.gone = self.brought(of).await?.iter().map(|key| key.text(1).to_owned()).collect();
        at.gone.retain(|id| by_id && !times.contains_key(id));
        at.gone.truncate(MOST_READ);
        // If another has come or gone meanwhile, all are compared once more.
        let counted = self.latest(pulling, of, None).await?.1.map(i64::from);
        if let Some(counted) = counted.filter(|_| counted == total && pushes == pulling.beside.pushes) {
            at.hidden = counted - i64::try_from(times.len()).unwrap_or(counted);
        }
        self.note_pulled(pulling, &at).await?;
        Ok(true)
    }

    /// The ids of all that the query finds; none where the caller had enough.
    async fn list(&self, pulling: &mut Pulling<'_>, of: &Cached) -> Result<Option<Listed>, Trouble> {
        let (mut listed, mut followed) = (Listed { times: BTreeMap::new(), by_id: true }, BTreeSet::new());
        let after = |id: Option<&str>| {
            self.dialect().first_page(&of.table, &in_order(&of.query, id), Some(&["sys_id", UPDATED]), LISTED)
        };
        let mut asked = after(None);
        loop {
            // Pages that follow links would shift under what is deleted there.
            if followed.is_empty() {
                self.see_to(pulling.lease, &mut pulling.beside).await;
            }
            if self.is_over(&pulling.beside) {
                return Ok(None);
            }
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            let more = goes_on(&page, LISTED);
            listed.by_id &= page.total.is_some();
            let ids: Vec<String> = page.rows.iter().map(id_of).collect();
            let ordered = ids.is_sorted() && ids.iter().all(|id| !listed.times.contains_key(id));
            for mut row in page.rows {
                listed.times.insert(id_of(&row), row.remove(UPDATED).unwrap_or_default());
            }
            asked = match (ids.last().filter(|_| ordered && more), page.next) {
                (Some(last), _) => after(Some(last)),
                (None, Some(link)) => {
                    listed.by_id = false;
                    self.follow(of, link, &mut followed)?
                }
                (None, None) => {
                    listed.by_id &= !more;
                    return Ok(Some(listed));
                }
            };
        }
    }

    /// The records of this device that were changed at another time than here.
    async fn others(&self, of: &Cached, times: &BTreeMap<String, String>) -> Result<Vec<String>, EngineError> {
        let mut scan = Scan::index(StoreName::Records, Record::pulled_of(&of.table)).limit(LOOKED_THROUGH);
        let mut others = Vec::new();
        loop {
            let found = self.ports().store().read(&[Read::Rows(scan.clone())]).await?;
            let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(others) };
            let Some(last) = rows.last().map(|row| row.key.text(1).to_owned()) else { return Ok(others) };
            let differs = |record: &Record| {
                let time = times.get(&record.sys_id).filter(|time| !time.is_empty());
                time.is_some_and(|time| record.updated_on() != Some(time))
            };
            others.extend(self.readable::<Record>(&rows).into_iter().filter(differs).map(|record| record.sys_id));
            scan.after = Some(Key::from(["pulled", of.table.as_str(), last.as_str()]));
        }
    }

    /// Removes what a pull has brought and is not `there`. Where pages may have shifted it out, the instance is asked about
    /// each once more.
    async fn remove_others(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        there: impl Fn(&str) -> bool,
        is_sure: bool,
    ) -> Result<bool, Trouble> {
        let mut gone = self.brought(of).await?;
        gone.retain(|key| !there(key.text(1)));
        if !is_sure {
            let ids: Vec<String> = gone.iter().map(|key| key.text(1).to_owned()).collect();
            let Some(alive) = self.alive(pulling, of, &ids).await? else { return Ok(false) };
            gone.retain(|key| !alive.contains(key.text(1)));
        }
        let at = |key| RowKey { store: StoreName::Records, key };
        self.remove(pulling, &gone.into_iter().map(at).collect::<Vec<_>>(), None).await
    }

    /// Those of these ids that the query finds; none where the caller had enough.
    pub(super) async fn alive(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        ids: &[String],
    ) -> Result<Option<BTreeSet<String>>, Trouble> {
        let mut alive = BTreeSet::new();
        for chunk in ids.chunks(ASKED_AGAIN) {
            if self.is_over(&pulling.beside) {
                return Ok(None);
            }
            alive.extend(self.these(pulling, of, chunk, Some(&["sys_id"])).await?.iter().map(id_of));
        }
        Ok(Some(alive))
    }

    /// Removes these, or those of them that the instance has not been seen to have since a time. Whether it came to an end.
    pub(super) async fn remove(
        &self,
        pulling: &mut Pulling<'_>,
        gone: &[RowKey],
        not_since: Option<u64>,
    ) -> Result<bool, Trouble> {
        let lease = pulling.lease;
        for chunk in gone.chunks(REMOVED) {
            if self.is_over(&pulling.beside) {
                return Ok(false);
            }
            let swept = self
                .transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, lease)?;
                    sweep(tx, lease, not_since, chunk)
                })
                .await?;
            pulling.beside.report.removed += swept.removed;
            pulling.marked += swept.marked;
        }
        Ok(true)
    }

    /// Those of these ids that are still here.
    pub(super) async fn rest(&self, of: &Cached, ids: Vec<String>) -> Result<Vec<String>, EngineError> {
        self.look(|tx| {
            tx.want(ids.iter().map(|id| Record::at(tx.schema, &of.table, id)).collect::<Vec<_>>())?;
            let mut rest = Vec::new();
            for id in &ids {
                let there = tx.readable::<Record>(&Record::at(tx.schema, &of.table, id))?;
                rest.extend(there.filter(|record| record.pulled_under.is_some()).map(|record| record.sys_id));
            }
            Ok(rest)
        })
        .await
    }

    /// The keys of the table's records that a pull has brought.
    pub(super) async fn brought(&self, of: &Cached) -> Result<Vec<Key>, EngineError> {
        let read = [Read::Keys(Scan::index(StoreName::Records, Record::pulled_of(&of.table)))];
        let found = self.ports().store().read(&read).await?;
        Ok(found.into_iter().flat_map(|found| if let Found::Keys(keys) = found { keys } else { Vec::new() }).collect())
    }

    async fn count_brought(&self, of: &Cached) -> Result<i64, EngineError> {
        let [count] = self.counts([Scan::index(StoreName::Records, Record::pulled_of(&of.table))]).await?;
        Ok(i64::from(count))
    }

    /// What the query finds of these ids.
    async fn these(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        ids: &[String],
        fields: Option<&[&str]>,
    ) -> Result<Vec<Fields>, Trouble> {
        let these = of.query.clone().and(Term { field: "sys_id".to_owned(), op: Op::In(ids.to_vec()) }).to_string();
        let size = u32::try_from(ids.len()).unwrap_or(LISTED);
        let asked = match fields {
            Some(_) => self.dialect().first_page(&of.table, &these, fields, size),
            None => self.first_of(of, &these, size),
        };
        let rows = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?.rows;
        // An instance drops the terms that it does not know: these would be any.
        match rows.iter().map(id_of).find(|id| !ids.contains(id)) {
            Some(sys_id) => Err(EngineError::QueryNotHonoured { table: of.table.clone(), query: these, sys_id }.into()),
            None => Ok(rows),
        }
    }
}
