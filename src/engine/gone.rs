//! Removing what a refresh has not found: deleted there, changed so that the query does not find it any more, or not to be
//! seen by this user now.
//!
//! Of a table of which only the changes were brought, nothing tells of those. But the instance counts what the query finds:
//! as long as it counts as many as are here, and all that has changed was brought, nothing has gone. Else the ids are
//! compared, and once a day anyway: what a user may see changes without the records.

use std::collections::BTreeSet;

use super::{
    changes::by_id,
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
        stored::{Pulled, Record},
    },
    ports::{Clock, Ports, Store},
    wire::{
        Fields,
        query::{Op, Term},
    },
};

/// Ids asked for at once: with 32 digits each they have to fit in a URL.
const ASKED_AGAIN: usize = 50;
/// Ids listed at a time.
const LISTED: u32 = 5_000;
/// Ids are compared after so long anyway, in ms.
const A_DAY_MS: u64 = 24 * 60 * 60 * 1000;

impl<P: Ports> Client<P> {
    /// Removes what is not there any more.
    pub(super) async fn remove_rest(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        refreshed: Refreshed,
    ) -> Result<(), Trouble> {
        match refreshed {
            Refreshed::All(there) => self.remove_others(pulling, of, &there, false).await.map(drop),
            Refreshed::Limit(there) => self.remove_others(pulling, of, &there, true).await.map(drop),
            Refreshed::Changes(total) => self.compare(pulling, of, total).await,
            Refreshed::Stopped => Ok(()),
        }
    }

    async fn compare(&self, pulling: &mut Pulling<'_>, of: &Cached, total: Option<i64>) -> Result<(), Trouble> {
        let Some(mut at) = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await? else { return Ok(()) };
        let [here] = self.counts([Scan::index(StoreName::Records, Record::pulled_of(&of.table))]).await?;
        let now = self.ports().clock().now_ms();
        let lately = now.checked_sub(at.compared_at).is_some_and(|since| since < A_DAY_MS);
        if lately && total == Some(i64::from(here) + at.hidden) {
            return Ok(());
        }
        let Some(there) = self.ids(pulling, of).await? else { return Ok(()) };
        let known = self.brought(of).await?;
        let known: BTreeSet<&str> = known.iter().map(|key| key.text(1)).collect();
        let missing: Vec<String> = there.iter().filter(|id| !known.contains(id.as_str())).cloned().collect();
        for chunk in missing.chunks(ASKED_AGAIN) {
            let rows = self.these(pulling, of, chunk, None).await?;
            self.keep(pulling, of, &rows).await?;
        }
        self.remove_others(pulling, of, &there, false).await?;
        let shown = i64::try_from(there.len()).unwrap_or(i64::MAX);
        (at.hidden, at.compared_at) = (total.map_or(0, |total| total - shown), now);
        self.note_pulled(pulling, &at).await?;
        Ok(())
    }

    /// The ids of all that the query finds; none where the caller had enough.
    async fn ids(&self, pulling: &mut Pulling<'_>, of: &Cached) -> Result<Option<BTreeSet<String>>, Trouble> {
        let (mut ids, mut followed) = (BTreeSet::new(), BTreeSet::new());
        let after =
            |id: Option<&str>| self.dialect().first_page(&of.table, &by_id(&of.query, id), Some(&["sys_id"]), LISTED);
        let mut asked = after(None);
        while !self.is_stopped(pulling.options) {
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            let listed: Vec<String> = page.rows.iter().map(id_of).collect();
            let sorted = listed.is_sorted();
            let fresh = listed.iter().any(|id| !ids.contains(id));
            ids.extend(listed.iter().cloned());
            let more = page.next.is_some() || u32::try_from(listed.len()).is_ok_and(|listed| listed >= LISTED);
            asked = match (listed.last().filter(|_| sorted && fresh && more), page.next) {
                (Some(last), _) => after(Some(last)),
                (None, Some(link)) => self.follow(of, link, &mut followed)?,
                (None, None) => return Ok(Some(ids)),
            };
        }
        Ok(None)
    }

    /// Removes what a pull has brought and is not `there`. Where it was not the limit that left it out, the instance is
    /// asked about each once more: a row that went away between two pages shifts one that lives out of both.
    async fn remove_others(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        there: &BTreeSet<String>,
        limited: bool,
    ) -> Result<(), Trouble> {
        let mut gone = self.brought(of).await?;
        gone.retain(|key| !there.contains(key.text(1)));
        for chunk in gone.chunks(ASKED_AGAIN) {
            let mut alive = BTreeSet::new();
            if !limited {
                let ids: Vec<String> = chunk.iter().map(|key| key.text(1).to_owned()).collect();
                let rows = self.these(pulling, of, &ids, Some(&["sys_id"])).await?;
                alive.extend(rows.iter().map(id_of));
            }
            let rest = chunk.iter().filter(|key| !alive.contains(key.text(1)));
            let keys: Vec<RowKey> = rest.map(|key| RowKey { store: StoreName::Records, key: key.clone() }).collect();
            let lease = pulling.lease;
            pulling.report.removed += self
                .transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, lease)?;
                    sweep(tx, lease, &keys)
                })
                .await?;
        }
        Ok(())
    }

    /// The keys of the table's records that a pull has brought.
    async fn brought(&self, of: &Cached) -> Result<Vec<Key>, EngineError> {
        let read = [Read::Keys(Scan::index(StoreName::Records, Record::pulled_of(&of.table)))];
        let found = self.ports().store().read(&read).await?;
        Ok(found.into_iter().flat_map(|found| if let Found::Keys(keys) = found { keys } else { Vec::new() }).collect())
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
        let asked = self.dialect().first_page(&of.table, &these, fields, size);
        Ok(self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?.rows)
    }
}
