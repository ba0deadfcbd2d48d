//! The stored forms: what the bodies of rows mean, and how they are found.
//!
//! Fields are only ever added, each with a default, so that rows of older versions are read as they
//! stand; the snapshots in `tests/snapshots` hold one of each form.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    error::CoreError,
    ids,
    key::Key,
    row::{Row, RowKey, StoreName},
    schema::Schema,
};
use crate::wire::{http::LONGEST_WAIT_MS, value::Fields};

/// A form that is kept in one of the stores.
pub trait Stored: Serialize + DeserializeOwned {
    /// Which.
    const STORE: StoreName;
    /// Its primary key.
    fn key(&self, schema: &Schema) -> Key;
    /// The index entries it is found by.
    fn index(&self, schema: &Schema) -> Vec<Key>;
}

/// Reads a row's body.
///
/// # Errors
/// [`CoreError::Corrupt`], if it is not of this form.
pub fn decode<T: Stored>(row: &Row) -> Result<T, CoreError> {
    serde_json::from_str(&row.body).map_err(|why| CoreError::Corrupt { store: T::STORE.as_str(), why: why.to_string() })
}

/// A record as this device has it. Values are in the instance's string form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its own table (`sys_class_name`), as far as declared.
    pub table: String,
    /// Temporary until the instance has given a permanent one.
    pub sys_id: String,
    /// What the app sees: the instance's values under the unsent ones.
    pub fields: Fields,
    /// What the instance last had, while unsent work lies over it. Absent for a record made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Fields>,
    /// Unsent outbox items, in the order they must go. Its first may be sent, the others follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Deleted here: no list shows it, but its row stays until the instance knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Temporary ids of other unsent records that stand somewhere in `fields`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// When the app last changed it, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<u64>,
    /// When the instance last told of it, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<u64>,
    /// The lease under which a pull last brought it: a later pull that does not find it may drop it. Not a time,
    /// since clocks are set right just when the network returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled_under: Option<u64>,
    /// Fields the instance did not keep as sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<String>,
}

impl Record {
    /// Where the record `sys_id` of `table` is.
    pub fn at(schema: &Schema, table: &str, sys_id: &str) -> RowKey {
        RowKey { store: StoreName::Records, key: Key::from([schema.root(table), sys_id]) }
    }

    /// Whether the instance has not made it yet.
    pub fn is_temporary(&self) -> bool {
        ids::is_temporary(&self.sys_id)
    }

    /// Index prefix: the records of `table` and of its children, by id.
    pub fn of_table(table: &str) -> Key {
        Key::from(["table", table])
    }

    /// Index prefix: the records the instance has not made yet.
    pub fn temporary() -> Key {
        Key::from(["temporary"])
    }
}

impl Stored for Record {
    const STORE: StoreName = StoreName::Records;

    fn key(&self, schema: &Schema) -> Key {
        Self::at(schema, &self.table, &self.sys_id).key
    }

    fn index(&self, schema: &Schema) -> Vec<Key> {
        let mut index: Vec<Key> = self.mentions.iter().map(|id| mention(id)).collect();
        if self.is_temporary() {
            index.push(Key::from(["temporary", &self.sys_id]));
        }
        if !self.deleted {
            index.extend(schema.chain(&self.table).map(|table| Key::from(["table", table, &self.sys_id])));
        }
        index
    }
}

/// What an outbox item does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// Makes a record.
    #[default]
    Create,
    /// Changes fields of one.
    Update,
    /// Removes one.
    Delete,
}

/// Where an item stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// Never sent, or known not to have been carried out.
    #[default]
    Queued,
    /// Sent; no answer yet, or none that tells whether it was carried out. Written before the
    /// request leaves. Must be probed before it is sent again.
    Unknown,
    /// The instance said no.
    Refused,
}

/// What the instance said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemError {
    /// HTTP status; 0 where no answer came.
    pub status: u16,
    /// The instance's sentence.
    pub message: String,
    /// What it added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// One unit of unsent work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// 32 hex digits, in the order of making.
    pub id: String,
    /// What it does.
    pub kind: ItemKind,
    /// The record's own table.
    pub table: String,
    /// The record's id as it is now.
    pub sys_id: String,
    /// What is sent: all fields of a create, the changed ones of an update.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// Where it stands.
    #[serde(default)]
    pub state: ItemState,
    /// Claimed again while it was unknown whether it had been carried out: an answer that only says "not this
    /// time" leaves it so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_doubt: bool,
    /// Whether another item of the same record goes first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub behind: bool,
    /// Temporary ids of unsent records in `fields`: it waits for these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// Holds one journal entry: nothing folds into it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub journal: bool,
    /// Items of one call share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it is known by to an instance that honours `Idempotency-Key`.
    pub idempotency_key: String,
    /// How often the instance was asked and something came back, or nothing did.
    #[serde(default)]
    pub attempts: u32,
    /// When the user acted, in ms.
    pub queued_at: u64,
    /// Not before this, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<u64>,
    /// The number of the lease it was last sent under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_under: Option<u64>,
    /// When it first left under its key, in ms: an instance forgets keys after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<u64>,
    /// Of a journal entry: the record's `sys_updated_on` as it was known when the entry left, by the instance's own
    /// clock. An entry of the same text that is older is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_after: Option<String>,
    /// Asked about, the instance could not tell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_vain: bool,
    /// Of a create that has left before: the fields edited since. Should that first request turn out to have been
    /// carried out, they follow as a change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub amended: BTreeSet<String>,
    /// What the instance said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

impl Item {
    /// Where the item `id` is.
    pub fn at(id: &str) -> RowKey {
        RowKey { store: StoreName::Outbox, key: Key::from([id]) }
    }

    /// Whether something else must go first.
    pub fn is_held(&self) -> bool {
        self.behind || !self.mentions.is_empty()
    }

    /// Index prefix: what may be sent now, in order.
    pub fn ready() -> Key {
        Key::from(["ready"])
    }

    /// Index prefix: what must be probed.
    pub fn unknown() -> Key {
        Key::from(["unknown"])
    }

    /// Index prefix: what the instance said no to.
    pub fn refused() -> Key {
        Key::from(["refused"])
    }
}

impl Stored for Item {
    const STORE: StoreName = StoreName::Outbox;

    fn key(&self, _: &Schema) -> Key {
        Self::at(&self.id).key
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        let state = match self.state {
            ItemState::Unknown => "unknown",
            ItemState::Refused => "refused",
            ItemState::Queued if self.is_held() => "held",
            ItemState::Queued => "ready",
        };
        let mut index = vec![Key::from([state, &self.id])];
        index.extend(self.mentions.iter().map(|id| mention(id)));
        index
    }
}

/// Index prefix, in records and outbox alike: the rows that mention a temporary id.
pub fn mention(id: &str) -> Key {
    Key::from(["mention", id])
}

/// A temporary id made on this device, and what became of it. Kept for ever.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alias {
    /// The temporary id.
    pub temporary: String,
    /// The record's table.
    pub table: String,
    /// Its permanent id, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sys_id: Option<String>,
    /// The record was deleted before it was ever sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dropped: bool,
    /// Made by an instance that knew no key for it, and not looked for since: there may be two of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
}

impl Alias {
    /// Where the note on `temporary` is.
    pub fn at(temporary: &str) -> RowKey {
        RowKey { store: StoreName::Aliases, key: Key::from([temporary]) }
    }

    /// Index prefix: those whose twins were not looked for.
    pub fn unchecked() -> Key {
        Key::from(["unchecked"])
    }

    /// Whether its record is still to be sent.
    pub fn is_open(&self) -> bool {
        self.sys_id.is_none() && !self.dropped
    }
}

impl Stored for Alias {
    const STORE: StoreName = StoreName::Aliases;

    fn key(&self, _: &Schema) -> Key {
        Self::at(&self.temporary).key
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        if self.unchecked { vec![Key::from(["unchecked", &self.temporary])] } else { Vec::new() }
    }
}

/// Who may send. Whoever takes it over counts it up; every commit of a sender names its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Counted up by each sender.
    pub number: u64,
    /// In ms. A holder that is frozen past this may lose it.
    pub until: u64,
}

/// How the sending goes, as far as it must outlive a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The user holds all traffic back.
    #[serde(default)]
    pub offline: bool,
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
}

/// Whether tables keep the temporary id in their correlation field, as their own answers have shown.
///
/// A plain instance drops a field it does not know, or that a write rule denies, and answers 2xx. Until a row has come
/// back with the id in it, "no row has it" does not mean that the record was not made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proofs {
    /// By the record's own table; absent while nothing is known.
    #[serde(default)]
    pub keeps: BTreeMap<String, bool>,
}

impl Proofs {
    /// Whether `table` keeps its correlation field, as far as known.
    pub fn keeps(&self, table: &str) -> Option<bool> {
        self.keeps.get(table).copied()
    }
}

/// The parents of all tables ever declared: records are keyed by the topmost of their family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Family {
    /// Child → parent.
    #[serde(default)]
    pub parents: BTreeMap<String, String>,
}

macro_rules! fact {
    ($form:ty, $name:literal) => {
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
