//! A record that the app has asked the instance for.

use serde::{Deserialize, Serialize};

use super::Stored;
use crate::core::{
    key::Key,
    row::{RowKey, StoreName},
    schema::Schema,
};

/// A record that the app has asked the instance for, to be read by whoever sends, before anything else is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its table.
    pub table: String,
    /// Its permanent id.
    pub sys_id: String,
    /// Because it is pinned: it is here for no other reason.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pinned: bool,
}

impl Opened {
    /// Where the note on a record is.
    pub fn at(table: &str, sys_id: &str) -> RowKey {
        RowKey { store: StoreName::Meta, key: Key::from(["opened", table, sys_id]) }
    }

    /// Key prefix: all of them.
    pub fn all() -> Key {
        Key::from(["opened"])
    }
}

impl Stored for Opened {
    const STORE: StoreName = StoreName::Meta;

    fn key(&self, _: &Schema) -> Key {
        Self::at(&self.table, &self.sys_id).key
    }

    fn is_at(&self, key: &Key) -> bool {
        *key == Self::at(&self.table, &self.sys_id).key
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        Vec::new()
    }
}
