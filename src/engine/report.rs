//! What a sync came to, and how far it is.

use serde::Serialize;

/// What a sync did, as the contract's `SyncReport`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncReport {
    /// Items the instance carried out.
    pub sent: u32,
    /// Records that got their permanent id.
    pub reconciled: u32,
    /// Items the instance said no to.
    pub refused: u32,
    /// Items held back by others.
    pub waiting: u32,
    /// Records brought.
    pub pulled: u32,
    /// Records removed because the instance no longer has them, or the query no longer finds them.
    pub removed: u32,
    /// HTTP requests.
    pub requests: u32,
    /// Items left in the outbox.
    pub remaining: u32,
    /// Whether every cached table was refreshed.
    #[serde(skip)]
    pub refreshed: bool,
    /// Why it ended.
    pub ended_by: EndedBy,
}

/// Why a sync ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndedBy {
    /// Nothing more can move.
    #[default]
    Done,
    /// The instance could not be reached, or the user works offline.
    Offline,
    /// Sign-in is needed.
    Auth,
    /// The caller stopped it.
    Aborted,
    /// The instance asked for time.
    Backoff,
}

/// What a sync is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Sending.
    Push,
    /// Refreshing the cached tables.
    Pull,
}

/// How far a sync is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// What it is doing.
    pub phase: Phase,
    /// Items or records done.
    pub done: u32,
    /// Of how many, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}
