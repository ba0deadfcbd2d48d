//! What the app says of the instance and of how to deal with it.

use crate::core::Durability;

/// How the engine is to behave. See `OpenOptions` of the JavaScript contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who is signed in. The database is this user's alone: another's is not opened.
    pub user: String,
    /// Root of the instance's REST API, e.g. `/api/now`.
    pub url: String,
    /// Where Landfall's extras live; none for an instance without.
    pub extras: Option<String>,
    /// Most requests in one Batch API call; 1 sends them singly; none adapts.
    pub batch_size: Option<usize>,
    /// When the app's own writes count as saved. What the instance has anyway is always relaxed.
    pub durability: Durability,
}
