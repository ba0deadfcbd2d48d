//! What became of a temporary id.

use serde::{Deserialize, Serialize};

use super::Stored;
use crate::core::{
    key::Key,
    row::{RowKey, StoreName},
    schema::Schema,
};

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
    /// Made by an instance that knew no key for it, and not looked for since, or found to be several.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchecked: bool,
    /// Its rows at the instance, in order, if there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twins: Vec<String>,
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

    fn is_at(&self, key: &Key) -> bool {
        key.text(0) == self.temporary
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        if self.unchecked { vec![Key::from(["unchecked", &self.temporary])] } else { Vec::new() }
    }
}
