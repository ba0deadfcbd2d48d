//! An outbox item.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Action, Stored, is_zero, mention};
use crate::{
    core::{
        key::Key,
        row::{RowKey, StoreName},
        schema::{Conflict, Schema},
    },
    wire::value::Fields,
};

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
    /// A write-back action: see [`Action`].
    Action,
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
    /// Of an action: carried out, but which of the instance's records is which of those made here is not clear.
    Unpaired,
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
    /// The record's own table. Empty for an action.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub table: String,
    /// The record's id as it is now. Empty for an action.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
    /// What goes first because the user did it first, by the items' ids: of an action those before it that change a record
    /// that it names, or name one that it changes; of a change the actions before it that name its record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
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
    /// Failures of its own in a row, each of which had a wait of its own: those of the line are not among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// When the user acted, in ms.
    pub queued_at: u64,
    /// Not before this, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<u64>,
    /// The number of the lease it was last sent under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_under: Option<u64>,
    /// When it first left as it is, in ms: an instance forgets keys after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<u64>,
    /// When it last left, in ms, if it is not known to have arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<u64>,
    /// It has left without its key, to an instance that did not seem to know any: under it, it would be taken for new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keyless: bool,
    /// Of a journal entry: the record's `sys_updated_on` as it was known when the entry left, by the instance's own
    /// clock. An entry of the same text that is older is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_after: Option<String>,
    /// Of a create: a request before the last one may have been carried out. That the last was refused, or not run, does
    /// not undo it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_made: bool,
    /// It has left more than once, and what left before the last time is not known to have come to nothing.
    /// Whatever is found, or not found, in between: it may arrive yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// Asked about, the instance could not tell, and nothing has been sent since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_vain: bool,
    /// Of a create or a journal entry that has left before: the fields that are others since. Should that first request
    /// turn out to have been carried out, what was edited in a create follows as a change.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub amended: BTreeSet<String>,
    /// Of a change: the fields that somebody else has changed, too, with what the instance had when they were changed here.
    /// It waits until the user has said which is to stand: see [`conflict`](crate::core::conflict).
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub differs: Fields,
    /// Of a change: what the record's `sys_mod_count` is known to be, where the instance changes it only as long as it is
    /// that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_at: Option<String>,
    /// What the instance said last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
    /// Of an action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Box<Action>>,
}

impl Item {
    /// Where the item `id` is.
    pub fn at(id: &str) -> RowKey {
        RowKey { store: StoreName::Outbox, key: Key::from([id]) }
    }

    /// The records it is about, by table and id: one, or all that an action's offline step changed.
    pub fn records(&self) -> Vec<(&str, &str)> {
        match &self.action {
            Some(action) => action.parts.iter().map(|part| (part.table.as_str(), part.id())).collect(),
            None => vec![(&self.table, &self.sys_id)],
        }
    }

    /// Of these, those in which another item goes first.
    pub fn behind_in(&self) -> Vec<(&str, &str)> {
        match &self.action {
            Some(action) => {
                let behind = action.parts.iter().filter(|part| part.behind);
                behind.map(|part| (part.table.as_str(), part.id())).collect()
            }
            None if self.behind => vec![(&self.table, &self.sys_id)],
            None => Vec::new(),
        }
    }

    /// The records that it makes, and that are not there yet.
    pub fn makes(&self) -> Vec<(&str, &str)> {
        match &self.action {
            Some(action) => {
                let made = action.made().filter(|part| part.landed.is_none());
                made.map(|part| (part.table.as_str(), part.sys_id.as_str())).collect()
            }
            None if self.kind == ItemKind::Create => vec![(&self.table, &self.sys_id)],
            None => Vec::new(),
        }
    }

    /// Whether it is an action whose online step the instance runs: once for each key.
    pub fn is_run_there(&self) -> bool {
        self.action.as_ref().is_some_and(|action| !action.by_app)
    }

    /// Whether it is compared with what others have changed.
    pub fn is_weighed(&self, schema: &Schema) -> bool {
        self.is_change() && schema.conflict(&self.table) != Conflict::Client
    }

    /// Whether it changes fields.
    pub fn is_change(&self) -> bool {
        self.kind == ItemKind::Update && !self.journal
    }

    /// Whether the user has to say whose change is to stand.
    pub fn is_in_conflict(&self) -> bool {
        !self.differs.is_empty()
    }

    /// Whether something else must go first.
    pub fn is_held(&self) -> bool {
        self.behind || !self.mentions.is_empty() || !self.after.is_empty()
    }

    /// Index prefix: what may be sent now, in order.
    pub fn ready() -> Key {
        Key::from(["ready"])
    }

    /// Index prefix: actions that are about the record of this id.
    pub fn about(id: &str) -> Key {
        Key::from(["about", id])
    }

    /// Index prefix: what goes after something else that the user did before.
    pub fn ordered() -> Key {
        Key::from(["ordered"])
    }

    /// Index prefix: unsent runs of one action that may become one.
    pub fn runs(name: &str, consolidate: &str) -> Key {
        Key::from(["runs", name, consolidate])
    }

    /// Index prefix: what must be probed.
    pub fn unknown() -> Key {
        Key::from(["unknown"])
    }

    /// Index prefix: what somebody else has changed, too.
    pub fn in_conflict() -> Key {
        Key::from(["conflict"])
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

    fn is_at(&self, key: &Key) -> bool {
        key.text(0) == self.id
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        let state = match self.state {
            ItemState::Queued | ItemState::Unknown if self.is_in_conflict() => "conflict",
            ItemState::Unknown => "unknown",
            ItemState::Refused => "refused",
            ItemState::Unpaired => "unpaired",
            ItemState::Queued if self.is_held() => "held",
            ItemState::Queued => "ready",
        };
        let mut index = vec![Key::from([state, &self.id])];
        index.extend((!self.after.is_empty()).then(|| Key::from(["ordered", &self.id])));
        index.extend(self.mentions.iter().chain(&self.after).map(|id| mention(id)));
        index.extend(self.action.iter().flat_map(|action| &action.about).map(|id| Self::about(id)));
        let unsent = self.action.as_ref().filter(|_| self.sent_at.is_none() && self.state == ItemState::Queued);
        index.extend(unsent.and_then(|action| Some(Self::runs(&action.name, action.consolidate.as_ref()?))));
        index
    }
}
