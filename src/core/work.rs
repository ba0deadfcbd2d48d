//! What one rule, or several in a row, have looked at and want written.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    error::CoreError,
    event::{Event, Origin, Receipt},
    key::Key,
    row::{Row, RowKey},
    tx::View,
    write_set::{By, Durability, Expect, Scan, WriteSet},
};

/// The work done so far: several steps of one transaction add up in it.
#[derive(Debug, Default)]
pub struct Work {
    pub(super) fresh: u128,
    pub(super) used: BTreeSet<RowKey>,
    pub(super) scanned: BTreeSet<Scan>,
    pub(super) writes: BTreeMap<RowKey, Option<Row>>,
    pub(super) events: Vec<Event>,
    pub(super) settled: Vec<Receipt>,
    pub(super) changed: BTreeMap<String, BTreeSet<String>>,
}

impl Work {
    /// Nothing yet. Ids are made from `fresh` on, so that a run over the same work makes the same ids again.
    pub fn new(fresh: Uuid) -> Self {
        Self { fresh: fresh.as_u128(), ..Self::default() }
    }

    /// Adds what a step that saw this work has done.
    pub fn absorb(&mut self, step: Self) {
        self.fresh = step.fresh;
        self.used.extend(step.used);
        self.scanned.extend(step.scanned);
        self.writes.extend(step.writes);
        self.events.extend(step.events);
        self.settled.extend(step.settled);
        for (table, sys_ids) in step.changed {
            self.changed.entry(table).or_default().extend(sys_ids);
        }
    }

    /// Corrects the keys that a scan has found by the rows written since.
    pub(super) fn overlay(&self, scan: &Scan, keys: &mut BTreeSet<Key>) {
        let fits = |row: &Row| match scan.by {
            By::Key => scan.holds(&row.key),
            By::Index => row.index.iter().any(|entry| scan.holds(entry)),
        };
        for (at, row) in self.writes.iter().filter(|(at, _)| at.store == scan.store) {
            if row.as_ref().is_some_and(fits) {
                keys.insert(at.key.clone());
            } else {
                keys.remove(&at.key);
            }
        }
    }

    /// Makes the text of every row that is to be written.
    ///
    /// # Errors
    /// [`CoreError::Corrupt`], if one cannot be.
    pub fn write_down(&self) -> Result<(), CoreError> {
        for (at, row) in &self.writes {
            let written = row.as_ref().map(|row| row.body.written()).transpose();
            written.map_err(|why| CoreError::Corrupt { store: at.store.as_str(), why: why.to_string() })?;
        }
        Ok(())
    }

    /// What is to be committed, with the events to tell afterwards. Each row carries `rev`. `view` is what the rules
    /// saw: nobody may have changed any of it meanwhile.
    pub fn finish(self, view: &View, rev: f64, origin: Origin, durability: Durability) -> (WriteSet, Vec<Event>) {
        let mut set = WriteSet { durability, ..WriteSet::default() };
        set.expect.extend(self.used.into_iter().map(|at| {
            let rev = view.row(&at).flatten().map(|row| row.rev);
            Expect::Rev(at, rev)
        }));
        set.expect.extend(self.scanned.into_iter().map(|scan| {
            let keys = view.keys(&scan).map(<[Key]>::to_vec).unwrap_or_default();
            Expect::Keys(scan, keys)
        }));
        for (at, row) in self.writes {
            match row {
                Some(row) => set.puts.push((at.store, Row { rev, ..row })),
                None => set.deletes.push(at),
            }
        }
        let mut events = self.events;
        if !self.settled.is_empty() {
            events.push(Event::Settled { receipts: self.settled });
        }
        events.extend(self.changed.into_iter().map(|(table, sys_ids)| Event::Change {
            table,
            sys_ids: sys_ids.into_iter().collect(),
            origin,
        }));
        (set, events)
    }

    /// The row as this work has left it, if it has touched it.
    pub(super) fn row(&self, at: &RowKey) -> Option<Option<&Row>> {
        self.writes.get(at).map(Option::as_ref)
    }
}
