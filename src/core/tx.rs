//! A rule's window on the store: what was read, and what it wants written.
//!
//! A rule is a plain function over a [`Tx`]. It asks for rows; where one has not been read yet, it
//! stops with [`Halt::Missing`], the engine reads what was missed and runs the rule again from the
//! start. So rules need no I/O, may follow references as far as they lead, and whatever they looked
//! at becomes, by itself, what their write set expects to find unchanged.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{
    error::CoreError,
    event::{Event, Origin},
    key::Key,
    row::{Row, RowKey, StoreName},
    schema::Schema,
    stored::{Alias, Item, Record, Stored, decode},
    write_set::{By, Durability, Expect, Found, Read, Scan, WriteSet},
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
                (Read::Row(at), Found::Row(row)) => {
                    self.rows.insert(at, row);
                }
                (Read::Keys(scan), Found::Keys(keys)) => {
                    self.keys.insert(scan, keys);
                }
                _ => {}
            }
        }
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
    fresh: u128,
    view: &'a View,
    missing: BTreeSet<Read>,
    used: BTreeSet<RowKey>,
    scanned: BTreeSet<Scan>,
    writes: BTreeMap<RowKey, Option<Row>>,
    events: Vec<Event>,
    changed: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Tx<'a> {
    /// A fresh run over what has been read so far. Each run of one rule is given the same `fresh`
    /// id, so that it makes the same ids again.
    pub fn new(schema: &'a Schema, now: u64, fresh: Uuid, view: &'a View) -> Self {
        Self {
            schema,
            now,
            fresh: fresh.as_u128(),
            view,
            missing: BTreeSet::new(),
            used: BTreeSet::new(),
            scanned: BTreeSet::new(),
            writes: BTreeMap::new(),
            events: Vec::new(),
            changed: BTreeMap::new(),
        }
    }

    /// An id nobody else makes, later than those before it.
    pub fn fresh(&mut self) -> Uuid {
        let id = Uuid::from_u128(self.fresh);
        self.fresh = self.fresh.wrapping_add(1);
        id
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
            if !self.writes.contains_key(&at) && !self.view.rows.contains_key(&at) {
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
        let row = if let Some(written) = self.writes.get(at) {
            written.as_ref()
        } else if let Some(read) = self.view.rows.get(at) {
            self.used.insert(at.clone());
            read.as_ref()
        } else {
            self.missing.insert(Read::Row(at.clone()));
            return Err(Halt::Missing);
        };
        Ok(row.map(decode).transpose()?)
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

    fn found(&mut self, scan: Scan) -> Ruled<Vec<Key>> {
        let store = scan.store;
        let fits = |row: &Row| match scan.by {
            By::Key => row.key.starts_with(&scan.prefix),
            By::Index => row.index.iter().any(|entry| entry.starts_with(&scan.prefix)),
        };
        let Some(read) = self.view.keys.get(&scan) else {
            self.missing.insert(Read::Keys(scan));
            return Err(Halt::Missing);
        };
        let mut keys: BTreeSet<Key> = read.iter().cloned().collect();
        for (at, row) in self.writes.iter().filter(|(at, _)| at.store == store) {
            if row.as_ref().is_some_and(fits) {
                keys.insert(at.key.clone());
            } else {
                keys.remove(&at.key);
            }
        }
        self.scanned.insert(scan);
        Ok(keys.into_iter().collect())
    }

    /// Writes a row.
    pub fn put<T: Stored>(&mut self, form: &T) -> Ruled<()> {
        let key = form.key(self.schema);
        let body = serde_json::to_string(form)
            .map_err(|why| CoreError::Corrupt { store: T::STORE.as_str(), why: why.to_string() })?;
        let row = Row { key: key.clone(), rev: 0.0, index: form.index(self.schema), body };
        self.writes.insert(RowKey { store: T::STORE, key }, Some(row));
        Ok(())
    }

    /// Removes a row.
    pub fn remove(&mut self, at: RowKey) {
        self.writes.insert(at, None);
    }

    /// Tells every context, once the write set is committed.
    pub fn tell(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Tells every context that a record changed. Changes of one table become one event.
    pub fn changed(&mut self, table: &str, sys_id: &str) {
        self.changed.entry(table.to_owned()).or_default().insert(sys_id.to_owned());
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

    /// What is to be committed, with the events to tell afterwards. Each row carries `rev`.
    pub fn finish(self, rev: f64, origin: Origin, durability: Durability) -> (WriteSet, Vec<Event>) {
        let mut set = WriteSet { durability, ..WriteSet::default() };
        let view = self.view;
        set.expect.extend(self.used.into_iter().map(|at| {
            let rev = view.rows.get(&at).and_then(|row| Some(row.as_ref()?.rev));
            Expect::Rev(at, rev)
        }));
        set.expect.extend(self.scanned.into_iter().map(|scan| {
            let keys = view.keys.get(&scan).cloned().unwrap_or_default();
            Expect::Keys(scan, keys)
        }));
        for (at, row) in self.writes {
            match row {
                Some(row) => set.puts.push((at.store, Row { rev, ..row })),
                None => set.deletes.push(at),
            }
        }
        let mut events = self.events;
        events.extend(self.changed.into_iter().map(|(table, sys_ids)| Event::Change {
            table,
            sys_ids: sys_ids.into_iter().collect(),
            origin,
        }));
        (set, events)
    }
}
