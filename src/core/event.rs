//! What every context of a database is told.

use serde::{Deserialize, Serialize};

use super::stored::ItemError;

/// Something that happened, already on disk. Posted to other contexts as JSON, so variants and
/// fields may be added but never change their meaning: an old tab may listen to a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", try_from = "Told")]
pub enum Event {
    /// Records of one table were made, changed or removed.
    Change {
        /// The records' own table.
        table: String,
        /// Which, by the ids they have now.
        sys_ids: Vec<String>,
        /// Who did it, as seen by whoever is told.
        origin: Origin,
    },
    /// A temporary id became permanent.
    Reconciled {
        /// The record's table.
        table: String,
        /// The id it had.
        temporary: String,
        /// The id it has.
        sys_id: String,
    },
    /// Items have left the outbox, or were refused.
    Settled {
        /// What became of each.
        receipts: Vec<Receipt>,
    },
    /// How much is unsent.
    Outbox {
        /// Items in the outbox.
        pending: u32,
        /// Of these, refused by the instance.
        refused: u32,
        /// Of these, in conflict.
        conflicts: u32,
    },
    /// Work is pending, the instance is reachable, and nothing has moved for a while.
    Stuck {
        /// Items in the outbox.
        pending: u32,
        /// Why the oldest of them is still there.
        explain: String,
    },
    /// The browser threw the database away, and another has taken its place.
    Evicted {
        /// Which has: a context that hears of it twice tells it once.
        birth: String,
        /// When the one before was last seen.
        last_seen_at: String,
        /// How many items were in its outbox then.
        unsent: u32,
    },
    /// Something in `status()` other than the counts has changed: ask it.
    Status,
    /// Something failed outside anyone's call.
    Error {
        /// Stable.
        code: String,
        /// A sentence.
        message: String,
        /// Whether trying again later may help.
        retryable: bool,
    },
}

/// An event as another context posts it. All fields of all events, so a name stands for the same in each. What serde
/// makes of an enum with a tag reads everything twice, and was larger than any rule.
#[derive(Deserialize)]
struct Told {
    event: String,
    table: Option<String>,
    sys_ids: Option<Vec<String>>,
    origin: Option<Origin>,
    temporary: Option<String>,
    sys_id: Option<String>,
    receipts: Option<Vec<Receipt>>,
    pending: Option<u32>,
    refused: Option<u32>,
    conflicts: Option<u32>,
    explain: Option<String>,
    birth: Option<String>,
    last_seen_at: Option<String>,
    unsent: Option<u32>,
    code: Option<String>,
    message: Option<String>,
    retryable: Option<bool>,
}

impl Told {
    fn event(self) -> Option<Event> {
        Some(match &*self.event {
            "change" => Event::Change { table: self.table?, sys_ids: self.sys_ids?, origin: self.origin? },
            "reconciled" => Event::Reconciled { table: self.table?, temporary: self.temporary?, sys_id: self.sys_id? },
            "settled" => Event::Settled { receipts: self.receipts? },
            "outbox" => Event::Outbox { pending: self.pending?, refused: self.refused?, conflicts: self.conflicts? },
            "stuck" => Event::Stuck { pending: self.pending?, explain: self.explain? },
            "evicted" => Event::Evicted { birth: self.birth?, last_seen_at: self.last_seen_at?, unsent: self.unsent? },
            "status" => Event::Status,
            "error" => Event::Error { code: self.code?, message: self.message?, retryable: self.retryable? },
            _ => return None,
        })
    }
}

impl TryFrom<Told> for Event {
    type Error = &'static str;

    fn try_from(told: Told) -> Result<Self, &'static str> {
        told.event().ok_or("an event that is not known, or lacks a field")
    }
}

/// What is known of a database that is no more, as the contract's `Status.evicted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evicted {
    /// When it was last seen.
    pub last_seen_at: String,
    /// How many items were in its outbox then.
    pub unsent: u32,
}

/// Who changed a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The app, in this context.
    Here,
    /// The app, in another context.
    Elsewhere,
    /// The instance, through a sync.
    Sync,
}

/// What became of an item, as the contract's `Receipt`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its id.
    pub item: String,
    /// How it ended.
    pub state: Settled,
    /// The record, by the id it has now; none if it is no longer there. Of an action all that it changed or named.
    pub records: Vec<Ref>,
    /// What an action has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// What the instance said, if it said no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
}

/// How an item ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Settled {
    /// The instance has carried it out.
    #[default]
    Done,
    /// The instance said no. It stays in the outbox.
    Refused,
    /// Dropped by the user, or with a record that was deleted before it was sent.
    Discarded,
}

/// A record of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref {
    /// Its table.
    pub table: String,
    /// Its id.
    pub sys_id: String,
}
