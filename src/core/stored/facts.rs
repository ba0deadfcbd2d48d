//! What there is one of in a database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Indexes, Stored};
use crate::{
    core::{
        key::Key,
        plan::Keys,
        retry::MOST_MS,
        row::{RowKey, StoreName},
        schema::Schema,
    },
    wire::http::LONGEST_WAIT_MS,
};

/// How long a sender may go without renewing its lease, in ms.
pub const LEASE_MS: u64 = 30_000;

/// Who may send. Whoever takes it over counts it up; every commit of a sender names its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Counted up by each sender.
    pub number: u64,
    /// In ms; 0 if nobody holds it. A holder that is frozen past this may lose it.
    pub until: u64,
    /// Its holder has not the lock: that the lock is free does not mean that the holder is dead.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lockless: bool,
}

impl Lease {
    /// Whether it is held, by the clock. One that would last longer than any lease does comes from a clock that has been
    /// set back since.
    pub fn is_held(&self, now: u64) -> bool {
        self.until > now && self.until <= now.saturating_add(LEASE_MS)
    }
}

/// How the sending goes, as far as it must outlive a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The user holds all traffic back.
    #[serde(default)]
    pub offline: bool,
    /// The app's `auth` had no answer, or the instance did not take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub signed_out: bool,
    /// Failures of the whole line in a row.
    #[serde(default)]
    pub failures: u32,
    /// Nothing is sent before this, in ms, unless the app asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<u64>,
    /// Nothing is sent before this, in ms, whoever asks: the instance said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub busy_until: Option<u64>,
    /// When something last left the outbox, or was refused, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_at: Option<u64>,
    /// When it was last said that nothing moves, in ms; until something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_stuck_at: Option<u64>,
    /// When all that was due had last been sent and pulled, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_at: Option<u64>,
}

impl Course {
    /// Until when the instance is to be left alone, if that is not over. A wait longer than any that is heeded comes
    /// from a clock that has been set back since.
    pub fn busy_at(&self, now: u64) -> Option<u64> {
        self.busy_until.filter(|at| *at > now && *at <= now + LONGEST_WAIT_MS)
    }

    /// Until when the line is left alone, if that is not over: no longer than it can ever have been, here too.
    pub fn waits_until(&self, now: u64) -> Option<u64> {
        self.not_before.filter(|at| *at > now && *at <= now + MOST_MS).max(self.busy_at(now))
    }
}

/// What the instance announced last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// It honours `Idempotency-Key`: as long as it has not said otherwise, nothing is sent to it without.
    #[serde(default)]
    pub keys: bool,
    /// For so long only, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_ms: Option<u64>,
}

impl Announced {
    /// How it honours keys, if it does.
    pub fn keys(&self) -> Option<Keys> {
        self.keys.then_some(Keys { ttl_ms: self.ttl_ms })
    }
}

/// Whether tables keep the temporary id in their correlation field, as their own answers have shown.
///
/// A plain instance drops a field it does not know, or that a write rule denies, and answers 2xx. And one that answers a
/// create with the row need not find it for the same user afterwards: rules that run before a query hide records, and
/// terms on fields he may not read are dropped. Until a row has come back with the id in it, and been found by it, "no
/// row has it" does not mean that the record was not made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// Whether answers come with the id in them. By the record's own table; absent while nothing is known.
    #[serde(default)]
    pub keeps: BTreeMap<String, bool>,
    /// Whether records are found by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub finds: BTreeMap<String, bool>,
    /// Whether the instance has told of a journal entry that it is there, or is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<bool>,
}

impl Proofs {
    /// Whether `table` keeps its correlation field, as far as known.
    pub fn keeps(&self, table: &str) -> Option<bool> {
        self.keeps.get(table).copied()
    }

    /// Whether a record of `table` that is not found by its temporary id does not exist, as far as known.
    pub fn finds(&self, table: &str) -> Option<bool> {
        if self.keeps(table)? { self.finds.get(table).copied() } else { Some(false) }
    }

    /// Whether looking for a record would tell what is not known yet.
    pub fn want_a_look(&self) -> bool {
        self.keeps.iter().any(|(table, keeps)| *keeps && !self.finds.contains_key(table))
    }
}

/// That this user may not read what the instance notes of its deletions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unaudited {
    /// When it said so, in ms.
    #[serde(default)]
    pub at: u64,
}

/// Which database this is. Made once, by whoever opens it first: another in its place has another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth {
    /// Random.
    pub id: String,
    /// The user whose it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The instance's address.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// The parents of all tables ever declared: records are keyed by the topmost of their family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Child → parent.
    #[serde(default)]
    pub parents: BTreeMap<String, String>,
}

/// A form of which there is one a database.
pub trait Fact: Stored + Default {}

macro_rules! fact {
    ($form:ty, $name:literal) => {
        impl Fact for $form {}
        impl $form {
            /// Where it is: there is one a database.
            pub fn at() -> RowKey {
                RowKey { store: StoreName::Meta, key: Key::from([$name]) }
            }
        }
        impl Stored for $form {
            const STORE: StoreName = StoreName::Meta;
            fn key(&self, _: &Schema) -> Key {
                Self::at().key
            }
            fn is_at(&self, key: &Key) -> bool {
                *key == Self::at().key
            }
            fn index(&self, _: &Schema) -> Vec<Key> {
                Vec::new()
            }
        }
    };
}
fact!(Lease, "lease");
fact!(Course, "course");
fact!(Family, "family");
fact!(Proofs, "proofs");
fact!(Announced, "announced");
fact!(Birth, "birth");
fact!(Indexes, "indexes");
fact!(Unaudited, "unaudited");
