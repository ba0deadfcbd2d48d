//! A record to be read again.

use serde::{Deserialize, Serialize};

use super::Stored;
use crate::core::{
    key::Key,
    row::{RowKey, StoreName},
    schema::Schema,
};

/// A record of the instance that is to be read at the next opportunity: an action has touched it, or has named it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Its table.
    pub table: String,
    /// Its permanent id.
    pub sys_id: String,
}

impl Wanted {
    /// Where the note on a record is.
    pub fn at(table: &str, sys_id: &str) -> RowKey {
        RowKey { store: StoreName::Meta, key: Key::from(["wanted", table, sys_id]) }
    }

    /// Key prefix: all of them.
    pub fn all() -> Key {
        Key::from(["wanted"])
    }
}

impl Stored for Wanted {
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
