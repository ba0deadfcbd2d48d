//! What a store holds: rows of one shape, whatever they mean.

use serde::{Deserialize, Serialize};

use super::{body::Body, key::Key};

/// The fixed object stores. The list only ever grows: the library that opens IndexedDB
/// deletes each store it is not told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreName {
    /// Records, keyed by the topmost table of their family and their `sys_id`.
    Records,
    /// Outbox items, one row each, keyed by their id.
    Outbox,
    /// Every temporary id made on this device, and what became of it.
    Aliases,
    /// Single facts about the database: the lease, the mode, the back-off.
    Meta,
}

impl StoreName {
    /// All of them, in the order in which the database lists them.
    pub const ALL: [Self; 4] = [Self::Records, Self::Outbox, Self::Aliases, Self::Meta];

    /// Its name in IndexedDB.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Outbox => "outbox",
            Self::Aliases => "aliases",
            Self::Meta => "meta",
        }
    }
}

/// Where a row is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// The store.
    pub store: StoreName,
    /// The primary key in it.
    pub key: Key,
}

/// One stored row: an indexable envelope around a JSON body.
///
/// In IndexedDB it is `{key, rev, index, body}`: `key` is the primary key, `index` one
/// multi-entry index of arrays. An app that changes its indexes therefore never needs a new
/// database version, only rows written again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Where it is. The store is not part of what is written.
    pub key: Key,
    /// Changes with every write. A write set names the revisions it was computed from.
    /// A random 53-bit whole number, so that a row deleted and made again differs too.
    pub rev: f64,
    /// The index entries it is found by.
    pub index: Vec<Key>,
    /// What it means, as JSON text.
    pub body: Body,
}
