//! A rule's window on the store: what was read, and what it wants written.
//!
//! A rule is a plain function over a [`Tx`]. It asks for rows; where one has not been read yet, it
//! stops with [`Halt::Missing`], the engine reads what was missed and runs the rule again from the
//! start. So rules need no I/O, may follow references as far as they lead, and whatever they looked
//! at becomes, by itself, what their write set expects to find unchanged.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    body::Body,
    error::CoreError,
    event::{Event, Origin, Receipt},
    key::Key,
    row::{Row, RowKey, StoreName},
    schema::Schema,
    stored::{Alias, Fact, Indexes, Item, Record, Stored, decode},
    work::Work,
    write_set::{Durability, Found, Read, Scan, WriteSet},
};

/// What has been read so far for one rule.
#[derive(Debug, Default)]
pub struct View {
    rows: BTreeMap<RowKey, Option<Row>>,
    keys: BTreeMap<Scan, Vec<Key>>,
}

impl View {
    /// Takes in the answers to `reads`.
    pub fn absorb(&mut self, reads: Vec<Read>, found: Vec<Found>) {
        for (read, found) in reads.into_iter().zip(found) {
            match (read, found) {
                // What was read first is what the rules have seen: a later reading must not take its place.
                (Read::Row(at), Found::Row(row)) => {
                    self.rows.entry(at).or_insert(row);
                }
                (Read::Keys(scan), Found::Keys(keys)) => {
                    self.keys.entry(scan).or_insert(keys);
                }
                _ => {}
            }
        }
    }

    /// All that was read, to be read once more.
    pub fn reads(&self) -> Vec<Read> {
        let rows = self.rows.keys().cloned().map(Read::Row);
        rows.chain(self.keys.keys().cloned().map(Read::Keys)).collect()
    }

    /// Whether the store is still as `other` saw it.
    pub fn is_as(&self, other: &Self) -> bool {
        let revisions =
            |view: &Self| -> Vec<_> { view.rows.values().map(|row| row.as_ref().map(|row| row.rev)).collect() };
        self.keys == other.keys && revisions(self) == revisions(other)
    }

    pub(super) fn row(&self, at: &RowKey) -> Option<Option<&Row>> {
        self.rows.get(at).map(Option::as_ref)
    }

    pub(super) fn keys(&self, scan: &Scan) -> Option<&[Key]> {
        self.keys.get(scan).map(Vec::as_slice)
    }
}

/// Why a rule stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It needs rows that have not been read: see [`Tx::missing`].
    Missing,
    /// It says no.
    Refuse(CoreError),
}

impl From<CoreError> for Halt {
    fn from(error: CoreError) -> Self {
        Self::Refuse(error)
    }
}

/// What a rule gives: its result, or why it stopped.
pub type Ruled<T> = Result<T, Halt>;

/// One run of one rule.
#[derive(Debug)]
pub struct Tx<'a> {
    /// The declared tables.
    pub schema: &'a Schema,
    /// The time, in ms.
    pub now: u64,
    /// What the items made in this run belong to.
    pub group: Option<String>,
    /// Something has come to wait for the user, or waits for him no more: see [`order`](super::order).
    pub(super) unsettled: bool,
    view: &'a View,
    before: Option<&'a Work>,
    missing: BTreeSet<Read>,
    work: Work,
}

impl<'a> Tx<'a> {
    /// A fresh run over what has been read so far. Each run of one rule is given the same `fresh`
    /// id, so that it makes the same ids again.
    pub fn new(schema: &'a Schema, now: u64, fresh: Uuid, view: &'a View) -> Self {
        let missing = BTreeSet::new();
        Self { schema, now, group: None, unsettled: false, view, before: None, missing, work: Work::new(fresh) }
    }

    /// A run that goes on where the rules before it have left off.
    pub fn after(schema: &'a Schema, now: u64, view: &'a View, before: &'a Work) -> Self {
        Self { before: Some(before), ..Self::new(schema, now, Uuid::from_u128(before.fresh), view) }
    }

    /// An id nobody else makes, later than those before it.
    pub fn fresh(&mut self) -> Uuid {
        let id = Uuid::from_u128(self.work.fresh);
        self.work.fresh = self.work.fresh.wrapping_add(1);
        id
    }

    /// What `look` sees is for showing only: should it change meanwhile, what is written stands all the same. The lease
    /// alone is written several times for every request, and would make each write of the app stale while a sync runs.
    ///
    /// # Errors
    /// As `look`.
    pub fn glance<T>(&mut self, look: impl FnOnce(&mut Self) -> Ruled<T>) -> Ruled<T> {
        let (used, scanned) = (std::mem::take(&mut self.work.used), std::mem::take(&mut self.work.scanned));
        let seen = look(self);
        (self.work.used, self.work.scanned) = (used, scanned);
        seen
    }

    /// What was asked for and has not been read.
    pub fn missing(self) -> Vec<Read> {
        self.missing.into_iter().collect()
    }

    /// Runs `step` for each of `many`, also past those that miss rows, so that all they miss is read
    /// in one round: what a run that missed something has written is thrown away anyway.
    ///
    /// # Errors
    /// [`Halt::Missing`] if any step missed a row, or the first refusal.
    pub fn each<T>(
        &mut self,
        many: impl IntoIterator<Item = T>,
        mut step: impl FnMut(&mut Self, T) -> Ruled<()>,
    ) -> Ruled<()> {
        let mut result = Ok(());
        for one in many {
            match step(self, one) {
                Err(Halt::Missing) => result = Err(Halt::Missing),
                other => other?,
            }
        }
        result
    }

    /// Asks for many rows at once, so that they are read in one round and not one by one.
    ///
    /// # Errors
    /// [`Halt::Missing`], if any has not been read.
    pub fn want(&mut self, rows: impl IntoIterator<Item = RowKey>) -> Ruled<()> {
        let mut all = Ok(());
        for at in rows {
            if self.written(&at).is_none() && self.view.row(&at).is_none() {
                self.missing.insert(Read::Row(at));
                all = Err(Halt::Missing);
            }
        }
        all
    }

    /// One row, as this run has left it.
    ///
    /// # Errors
    /// [`Halt::Missing`], or a row that cannot be understood.
    pub fn get<T: Stored>(&mut self, at: &RowKey) -> Ruled<Option<T>> {
        if let Some(written) = self.written(at) {
            return Ok(written.map(decode).transpose()?);
        }
        let Some(read) = self.view.row(at) else {
            self.missing.insert(Read::Row(at.clone()));
            return Err(Halt::Missing);
        };
        if !self.work.used.contains(at) {
            self.work.used.insert(at.clone());
        }
        let Some(row) = read else { return Ok(None) };
        let form = decode(row)?;
        row.body.keep(&form);
        Ok(Some(form))
    }

    /// One row, or none if nobody can read it: for what a rule comes by on its way, so that a damaged row costs nothing
    /// but itself.
    ///
    /// # Errors
    /// [`Halt::Missing`].
    pub fn readable<T: Stored>(&mut self, at: &RowKey) -> Ruled<Option<T>> {
        match self.get(at) {
            Err(Halt::Refuse(CoreError::Corrupt { .. })) => Ok(None),
            got => got,
        }
    }

    /// What there is one of. What nobody can read any more is made anew: everything waits for it.
    ///
    /// # Errors
    /// [`Halt::Missing`].
    pub fn fact<T: Fact>(&mut self) -> Ruled<T> {
        let at = RowKey { store: T::STORE, key: T::default().key(self.schema) };
        Ok(self.readable(&at)?.unwrap_or_default())
    }

    /// The primary keys of all rows with an index entry that begins with `prefix`, as this run has left
    /// them. The commit fails as stale if another context has added or removed one meanwhile.
    ///
    /// # Errors
    /// [`Halt::Missing`].
    pub fn found_by(&mut self, store: StoreName, prefix: Key) -> Ruled<Vec<Key>> {
        self.found(Scan::index(store, prefix))
    }

    /// The primary keys of all rows whose key begins with `prefix`. Otherwise as [`Tx::found_by`].
    ///
    /// # Errors
    /// [`Halt::Missing`].
    pub fn keyed_by(&mut self, store: StoreName, prefix: Key) -> Ruled<Vec<Key>> {
        self.found(Scan::key(store, prefix))
    }

    /// The primary keys that a scan finds. Otherwise as [`Tx::found_by`].
    ///
    /// # Errors
    /// [`Halt::Missing`].
    pub(super) fn found(&mut self, scan: Scan) -> Ruled<Vec<Key>> {
        let Some(read) = self.view.keys(&scan) else {
            self.missing.insert(Read::Keys(scan));
            return Err(Halt::Missing);
        };
        let mut keys: BTreeSet<Key> = read.iter().cloned().collect();
        for work in self.before.into_iter().chain([&self.work]) {
            work.overlay(&scan, &mut keys);
        }
        self.work.scanned.insert(scan);
        Ok(keys.into_iter().collect())
    }

    fn written(&self, at: &RowKey) -> Option<Option<&Row>> {
        self.work.row(at).or_else(|| self.before?.row(at))
    }

    /// Writes a row.
    pub fn put<T: Stored>(&mut self, form: &T) -> Ruled<()> {
        let key = form.key(self.schema);
        let mut index = form.index(self.schema);
        if T::STORE == StoreName::Records {
            index.extend(form.declared(self.schema, &self.fact::<Indexes>()?));
        }
        let row = Row { key: key.clone(), rev: 0.0, index, body: Body::of(form.clone()) };
        self.work.writes.insert(RowKey { store: T::STORE, key }, Some(row));
        Ok(())
    }

    /// Removes a row.
    pub fn remove(&mut self, at: RowKey) {
        self.work.writes.insert(at, None);
    }

    /// Tells every context, once the write set is committed.
    pub fn tell(&mut self, event: Event) {
        self.work.events.push(event);
    }

    /// Tells every context that a record changed. Changes of one table become one event.
    pub fn changed(&mut self, table: &str, sys_id: &str) {
        self.work.changed.entry(table.to_owned()).or_default().insert(sys_id.to_owned());
    }

    /// Tells whoever waits for an item what became of it.
    pub fn settled(&mut self, receipt: Receipt) {
        self.work.settled.push(receipt);
    }

    /// The record `sys_id` of `table`'s family.
    ///
    /// # Errors
    /// As [`Tx::get`].
    pub fn record(&mut self, table: &str, sys_id: &str) -> Ruled<Option<Record>> {
        self.get(&Record::at(self.schema, table, sys_id))
    }

    /// The outbox item `id`.
    ///
    /// # Errors
    /// As [`Tx::get`].
    pub fn item(&mut self, id: &str) -> Ruled<Option<Item>> {
        self.get(&Item::at(id))
    }

    /// What became of a temporary id; `None` if it was not made here.
    ///
    /// # Errors
    /// As [`Tx::get`].
    pub fn alias(&mut self, temporary: &str) -> Ruled<Option<Alias>> {
        self.get(&Alias::at(temporary))
    }

    /// What this run has done.
    pub fn into_work(self) -> Work {
        self.work
    }

    /// See [`Work::finish`].
    pub fn finish(self, rev: f64, origin: Origin, durability: Durability) -> (WriteSet, Vec<Event>) {
        self.work.finish(self.view, rev, origin, durability)
    }
}
