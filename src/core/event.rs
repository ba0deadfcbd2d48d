//! What every context of a database is told.

use serde::{Deserialize, Serialize};

/// Something that happened, already on disk. Posted to other contexts as JSON, so variants and
/// fields may be added but never change their meaning: an old tab may listen to a new one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase")]
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
    /// How much is unsent.
    Outbox {
        /// Items in the outbox.
        pending: u32,
        /// Of these, refused by the instance.
        refused: u32,
        /// Of these, in conflict.
        conflicts: u32,
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
