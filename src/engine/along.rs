//! What goes along with the records of this device: by a walk, in steps. All that one step of the paths leads to is brought
//! at once, whatever leads to it; then the next.

use std::collections::{BTreeMap, BTreeSet};

use super::{client::Client, error::EngineError, exchange::Trouble, meanwhile::Beside, pull::Pulling};
use crate::{
    core::{
        Durability, Found, Key, Origin, Read, RowKey, Scan, StoreName,
        along::{Include, Pointing, pins, sweep_along, targets},
        ids,
        lease::renew_lease,
        schema::Schema,
        stored::{Pin, Pulled, Record},
    },
    ports::{Clock, Headers, Ports, Store},
};

/// Rows of the device looked through at a time.
pub(super) const LOOKED_THROUGH: usize = 500;
/// Records removed in one transaction, each of which reads the whole outbox.
const REMOVED: usize = 250;

/// Where a walk is, and what is ahead of it.
pub(super) struct Walk<'a, 'b> {
    pub lease: u64,
    pub headers: Option<Headers>,
    /// Of a refresh, which may be stopped.
    pub beside: Option<&'a mut Beside<'b>>,
    /// The cached tables that have just been refreshed: their own records are as the instance has them, and all others are
    /// asked for. Without it, only what is missing is.
    pub refreshed: Option<BTreeSet<String>>,
    /// What it has come to, by family and id, and whether the instance has that.
    pub there: BTreeMap<(String, String), bool>,
    /// The tables that the instance does not give: they are not asked for again. What is here of them stays, and leads on.
    pub withheld: BTreeSet<String>,
    /// Of these it was not told which point to what is here: none of them may go.
    pub unlisted: BTreeSet<String>,
    /// The caller had enough.
    pub stopped: bool,
    /// Records that were written.
    pub written: u32,
    /// It was walked to its end before: what points to what is here was listed then.
    is_again: bool,
    ahead: Ahead,
    /// The records that others point to, by what does.
    pointed_to: BTreeMap<Pointing, BTreeSet<String>>,
}

/// What is to be brought next, by the table through which it is led to, and id.
pub(super) type Ahead = BTreeMap<String, BTreeMap<String, Leg>>;

/// A record on the way.
#[derive(Default)]
pub(super) struct Leg {
    /// The paths that go on from it.
    rest: BTreeSet<Vec<String>>,
    /// When the instance has changed it, and how often, if it has said so already.
    pub changed: Option<String>,
}

impl Leg {
    /// The fields by which the paths go on from it.
    pub fn rest(&self) -> impl Iterator<Item = &String> {
        self.rest.iter().filter_map(|rest| rest.first())
    }
}

impl Walk<'_, '_> {
    pub fn new(lease: u64, headers: Option<Headers>) -> Self {
        Self {
            lease,
            headers,
            beside: None,
            refreshed: None,
            there: BTreeMap::new(),
            withheld: BTreeSet::new(),
            unlisted: BTreeSet::new(),
            stopped: false,
            written: 0,
            is_again: false,
            ahead: Ahead::new(),
            pointed_to: BTreeMap::new(),
        }
    }

    /// From a record of this device on.
    fn set_out<'i>(&mut self, schema: &Schema, record: &Record, include: impl Iterator<Item = &'i Include>) {
        for one in include {
            match one {
                Include::Path(path) => self.step(schema, record, &steps(path)),
                Include::From(pointing) => self.point(pointing, &record.sys_id),
            }
        }
    }

    /// To what is pinned, and on from there.
    fn set_out_to(&mut self, schema: &Schema, pin: &Pin) {
        // What the app does not declare any more is not asked for.
        if schema.known(&pin.table).is_err() {
            return;
        }
        let cached: Vec<&Include> = schema.includes(&pin.table).collect();
        let named = pin.include.as_ref().map(|include| include.iter().collect());
        self.leg(&pin.table, &pin.sys_id);
        for one in named.unwrap_or(cached) {
            match one {
                Include::Path(path) => {
                    self.leg(&pin.table, &pin.sys_id).rest.insert(steps(path));
                }
                Include::From(pointing) => self.point(pointing, &pin.sys_id),
            }
        }
    }

    /// Nothing of the instance points to what it has not made.
    fn point(&mut self, pointing: &Pointing, sys_id: &str) {
        if !self.is_again && !ids::is_temporary(sys_id) {
            self.pointed_to.entry(pointing.clone()).or_default().insert(sys_id.to_owned());
        }
    }

    fn step(&mut self, schema: &Schema, record: &Record, path: &[String]) {
        let Some((field, rest)) = path.split_first() else { return };
        for (table, id) in targets(schema, &record.table, &record.fields, field) {
            self.leg(&table, &id).rest.insert(rest.to_vec());
        }
    }

    fn pushes(&self) -> u32 {
        self.beside.as_ref().map_or(0, |beside| beside.pushes)
    }

    pub fn leg(&mut self, table: &str, id: &str) -> &mut Leg {
        self.ahead.entry(table.to_owned()).or_default().entry(id.to_owned()).or_default()
    }
}

fn steps(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

impl<P: Ports> Client<P> {
    /// Brings what goes along with all that is here and all that is pinned, then removes what came along and nothing leads
    /// to any more. Only a walk to its end tells that. Of a table that was refused, what is here is here still, and leads on.
    pub(super) async fn bring_along(
        &self,
        pulling: &mut Pulling<'_>,
        refreshed: BTreeSet<String>,
    ) -> Result<(), Trouble> {
        let begun_at = self.ports().clock().now_ms();
        let pinned = self.look(pins).await?;
        let came_along = Scan::index(StoreName::Records, Record::that_came_along());
        if !self.schema().includes_any() && pinned.is_empty() && self.counts([came_along.clone()]).await? == [0] {
            return Ok(());
        }
        let mut walk = Walk::new(pulling.lease, pulling.headers.take());
        (walk.beside, walk.refreshed) = (Some(&mut pulling.beside), Some(refreshed));
        let walked = loop {
            let pushes = walk.pushes();
            self.set_out_from_all(&mut walk).await?;
            for pin in &pinned {
                walk.set_out_to(self.schema(), pin);
            }
            let walked = self.walk(&mut walk).await;
            // What was sent meanwhile may lead to what was not come to, and is not unsent any more.
            walk.is_again = pushes != walk.pushes();
            if walked.is_err() || walk.stopped || !walk.is_again {
                break walked;
            }
        };
        let Walk { there, withheld, unlisted, stopped, written, headers, .. } = walk;
        pulling.headers = headers;
        pulling.beside.report.pulled += written;
        walked?;
        if stopped {
            return Ok(());
        }
        let found = self.ports().store().read(&[Read::Keys(came_along)]).await.map_err(EngineError::from)?;
        let keys = found.into_iter().flat_map(|found| if let Found::Keys(keys) = found { keys } else { Vec::new() });
        let is_led_to = |key: &Key| {
            let at = (key.text(0).to_owned(), key.text(1).to_owned());
            there.get(&at) == Some(&true) || pulling.beside.opened.contains(&at)
        };
        let gone: Vec<RowKey> =
            keys.filter(|key| !is_led_to(key)).map(|key| RowKey { store: StoreName::Records, key }).collect();
        let (lease, mut removed) = (pulling.lease, 0);
        for chunk in gone.chunks(REMOVED) {
            removed += self
                .transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, lease)?;
                    sweep_along(tx, chunk, &pinned, &unlisted, begun_at)
                })
                .await?;
        }
        pulling.beside.report.removed += removed;
        // Of what was not asked for it cannot be said that it is as the instance has it.
        let is_fresh = withheld.is_empty() && unlisted.is_empty() && usize::try_from(removed) == Ok(gone.len());
        let along = Pulled { table: Pulled::ALONG.to_owned(), ..Pulled::default() };
        self.note_looked(lease, along, begun_at, is_fresh).await?;
        Ok(())
    }

    /// Brings what is missing of what goes along with these records.
    pub(super) async fn bring_along_with(
        &self,
        walk: &mut Walk<'_, '_>,
        these: &[(String, String)],
    ) -> Result<(), Trouble> {
        let pinned = self.look(pins).await?;
        if pinned.is_empty() && !self.schema().includes_any() {
            return Ok(());
        }
        for (table, id) in these {
            for record in self.records_of(table, std::slice::from_ref(id)).await? {
                walk.set_out(self.schema(), &record, self.schema().includes(&record.table));
            }
            for pin in pinned.iter().filter(|pin| pin.sys_id == *id && self.schema().related(&pin.table, table)) {
                walk.set_out_to(self.schema(), pin);
            }
        }
        self.walk(walk).await
    }

    /// What itself only came along leads no further than the path on which it came.
    async fn set_out_from_all(&self, walk: &mut Walk<'_, '_>) -> Result<(), EngineError> {
        for (table, options) in self.schema().tables() {
            let Some(cache) = options.cache.as_ref().filter(|cache| !cache.include.is_empty()) else { continue };
            let limit = u32::try_from(LOOKED_THROUGH).unwrap_or(u32::MAX);
            let mut scan = Scan::index(StoreName::Records, Record::of_table(table)).limit(limit);
            loop {
                let found = self.ports().store().read(&[Read::Rows(scan.clone())]).await?;
                let Some(Found::Rows(rows)) = found.into_iter().next() else { break };
                let Some(last) = rows.last().map(|row| row.key.text(1).to_owned()) else { break };
                for record in self.readable::<Record>(&rows).iter().filter(|record| !record.is_along()) {
                    walk.set_out(self.schema(), record, cache.include.iter());
                }
                if rows.len() < LOOKED_THROUGH {
                    break;
                }
                scan.after = Some(Key::from(["table", table, last.as_str()]));
                // A large table takes longer to look through than a lease lasts.
                let lease = walk.lease;
                self.transact(Origin::Sync, Durability::Relaxed, |tx| renew_lease(tx, lease)).await?;
            }
        }
        Ok(())
    }

    async fn walk(&self, walk: &mut Walk<'_, '_>) -> Result<(), Trouble> {
        for (pointing, ids) in std::mem::take(&mut walk.pointed_to) {
            self.list_pointing(walk, &pointing, &ids.into_iter().collect::<Vec<_>>()).await?;
        }
        while !walk.ahead.is_empty() {
            let ahead = std::mem::take(&mut walk.ahead);
            self.bring_these(walk, &ahead).await?;
            for (table, legs) in &ahead {
                let goes_on = |leg: &Leg| leg.rest().next().is_some();
                let further: Vec<String> =
                    legs.iter().filter(|(_, leg)| goes_on(leg)).map(|(id, _)| id.clone()).collect();
                for chunk in further.chunks(LOOKED_THROUGH) {
                    for record in self.records_of(table, chunk).await? {
                        for rest in legs.get(&record.sys_id).iter().flat_map(|leg| &leg.rest) {
                            walk.step(self.schema(), &record, rest);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Those of these records that are here.
    pub(super) async fn records_of(&self, table: &str, ids: &[String]) -> Result<Vec<Record>, EngineError> {
        self.look(|tx| {
            tx.want(ids.iter().map(|id| Record::at(tx.schema, table, id)).collect::<Vec<_>>())?;
            let mut records = Vec::new();
            for id in ids {
                records.extend(tx.readable::<Record>(&Record::at(tx.schema, table, id))?);
            }
            Ok(records)
        })
        .await
    }
}
