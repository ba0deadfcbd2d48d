//! What became of a temporary id.

use serde::{Deserialize, Serialize};

use super::{Stored, is_zero};
use crate::core::{
    key::{Key, Part},
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
    /// Looked for once more after this, in ms: a request of its create may have arrived since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub look_at: Option<u64>,
    /// So many looks are to follow the next one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
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

    /// Index prefix: those that are to be looked for again, the first of them first.
    pub fn later() -> Key {
        Key::from(["later"])
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

    #[expect(clippy::cast_precision_loss, reason = "a time in ms is held exactly")]
    fn index(&self, _: &Schema) -> Vec<Key> {
        let at = |ms: u64| Key::from(vec!["later".into(), Part::Number(ms as f64), self.temporary.as_str().into()]);
        match self.look_at {
            _ if self.unchecked => vec![Key::from(["unchecked", &self.temporary])],
            Some(ms) => vec![at(ms)],
            None => Vec::new(),
        }
    }
}
