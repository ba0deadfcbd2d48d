//! What is read from a store, and what is written to it in one transaction.

use super::{
    key::Key,
    row::{Row, RowKey, StoreName},
};

/// A range of rows whose key, or index entry, begins with `prefix`, and lies between two bounds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scan {
    /// The store.
    pub store: StoreName,
    /// Whether `prefix` is of the primary key or of the index.
    pub by: By,
    /// All answers begin with it. Empty means every row.
    pub prefix: Key,
    /// Nothing that comes before it. It begins with the prefix.
    pub from: Option<Key>,
    /// Neither it nor what comes after it. It begins with the prefix.
    pub to: Option<Key>,
    /// Only what comes strictly after this key or index entry.
    /// Entries of one index that are alike are never split by a `limit`-and-`after` walk
    /// unless they end in something unique, so give them such an end.
    pub after: Option<Key>,
    /// Most answers.
    pub limit: Option<u32>,
    /// From the last to the first.
    pub reverse: bool,
}

/// What a [`Scan`] goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// The primary key.
    Key,
    /// The index. A row with several fitting entries is answered once for each.
    Index,
}

impl Scan {
    /// All rows of `store` with an index entry that begins with `prefix`.
    pub fn index(store: StoreName, prefix: Key) -> Self {
        Self { store, by: By::Index, prefix, from: None, to: None, after: None, limit: None, reverse: false }
    }

    /// All rows of `store` whose key begins with `prefix`.
    pub fn key(store: StoreName, prefix: Key) -> Self {
        Self { by: By::Key, ..Self::index(store, prefix) }
    }

    /// Whether a key, or index entry, lies within.
    pub fn holds(&self, key: &Key) -> bool {
        key.starts_with(&self.prefix)
            && self.from.as_ref().is_none_or(|from| key >= from)
            && self.to.as_ref().is_none_or(|to| key < to)
            && self.after.as_ref().is_none_or(|after| if self.reverse { key < after } else { key > after })
    }

    /// At most `limit` of them.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// One row.
    Row(RowKey),
    /// The rows of a range.
    Rows(Scan),
    /// The primary keys of a range.
    Keys(Scan),
    /// How many there are in a range.
    Count(Scan),
}

/// The answer to a [`Read`], of the same name.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The row, if there is one.
    Row(Option<Row>),
    /// The rows, in the order of the key or index gone by.
    Rows(Vec<Row>),
    /// Their primary keys, in that order.
    Keys(Vec<Key>),
    /// Their number.
    Count(u32),
}

/// Something a write set was computed from, and that must still be so when it is committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Expect {
    /// The row has this revision, or does not exist.
    Rev(RowKey, Option<f64>),
    /// The scan finds just these primary keys.
    Keys(Scan, Vec<Key>),
}

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Flushed to disk.
    #[default]
    Strict,
    /// Handed to the operating system: enough for what the instance has anyway.
    Relaxed,
}

/// Puts and deletes that are committed in one transaction, or not at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteSet {
    /// Checked first, in the same transaction.
    pub expect: Vec<Expect>,
    /// Rows to write.
    pub puts: Vec<(StoreName, Row)>,
    /// Rows to remove.
    pub deletes: Vec<RowKey>,
    /// When it counts as done.
    pub durability: Durability,
}

/// How a commit ended, other than by failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// All of it is written.
    Done,
    /// Something it was computed from has changed: nothing was written; compute it again.
    Stale,
}
