//! How far the records of a cached table have been brought.

use serde::{Deserialize, Serialize};

use super::Stored;
use crate::core::{
    key::Key,
    row::{RowKey, StoreName},
    schema::Schema,
};

/// How far the records of a cached table have been brought, so that the next refresh asks only for what has changed, and
/// one that was cut goes on. Times of this device are in ms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulled {
    /// The table.
    pub table: String,
    /// What was asked for: for anything else it begins anew.
    pub query: String,
    /// Of which fields; of all, if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// All of them are being brought, in the order of their ids, and this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The latest `sys_updated_on` among them when it was begun, or last gone on with: what has changed since is looked for
    /// from here. None where that cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// When that was first seen, or last seen long after.
    #[serde(default)]
    pub seen_at: u64,
    /// How many looks have found nothing later, each long after the one before.
    #[serde(default)]
    pub quiet: u8,
    /// By so many seconds the instance takes the text of a time in a query for a later one.
    #[serde(default)]
    pub shift: i64,
    /// So many more the instance counts than it shows.
    #[serde(default)]
    pub hidden: i64,
    /// Those that are gone there, by their ids, and could not go here yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// When all of them were last brought.
    #[serde(default)]
    pub brought_at: u64,
    /// When all were last compared with what is here.
    #[serde(default)]
    pub compared_at: u64,
    /// As of when what is here of them is as the instance has it.
    #[serde(default)]
    pub fresh_at: u64,
    /// When it was last tried, and could not be told whether it is: the instance would not give it, or one that has records in
    /// common with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried_at: Option<u64>,
    /// How what has gone is noticed; by all ids, while nothing else is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions: Option<Deletions>,
    /// The time, by the instance, of the last deletion that it has told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audited: Option<String>,
}

/// How it is noticed what the instance has no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletions {
    /// By number; which, by what the instance has noted of its deletions.
    Audit,
    /// By number; which, by comparing all ids.
    Count,
    /// All ids are compared each time.
    Ids,
}

impl Pulled {
    /// What went along with others, of whatever table, counts as a table of this name, as far as it has one time.
    pub const ALONG: &'static str = "";

    /// Where it is noted of a table.
    pub fn at(table: &str) -> RowKey {
        RowKey { store: StoreName::Meta, key: Key::from(["pulled", table]) }
    }

    /// Key prefix: all of them.
    pub fn all() -> Key {
        Key::from(["pulled"])
    }

    /// Whether all of them have been brought, and it can be told what has changed since.
    pub fn is_complete(&self) -> bool {
        self.after.is_none() && self.until.is_some()
    }

    /// All that has changed by then is here. One look is not enough: the clock may have been set forward.
    pub fn is_settled(&self) -> bool {
        self.quiet > 1
    }

    /// All of it is to be brought again.
    pub fn begin_anew(&mut self) {
        (self.after, self.until, self.quiet, self.compared_at) = (None, None, 0, 0);
        (self.gone, self.hidden, self.deletions) = (Vec::new(), 0, None);
    }

    /// When it was last refreshed, or that was tried in vain, in ms. A time to come is of a clock that was set back since.
    pub fn looked_at(&self, now: u64) -> Option<u64> {
        let fresh_at = Some(self.fresh_at).filter(|at| *at > 0);
        self.tried_at.filter(|at| *at <= now).max(fresh_at.filter(|at| *at <= now))
    }
}

impl Stored for Pulled {
    const STORE: StoreName = StoreName::Meta;

    fn key(&self, _: &Schema) -> Key {
        Self::at(&self.table).key
    }

    fn is_at(&self, key: &Key) -> bool {
        *key == Self::at(&self.table).key
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        Vec::new()
    }
}
