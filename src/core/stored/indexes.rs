//! What records are found by besides their table.

use serde::{Deserialize, Serialize};

use crate::{core::key::Key, wire::value::Type};

/// The indexes of this database. Whatever context writes a record, of whatever version of the app, keeps all of these: were
/// one left out, the record would not be found by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Indexes {
    /// Each of them.
    #[serde(default)]
    pub all: Vec<Index>,
    /// Records are being written again for those that are new, in the order of their keys, and this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Key>,
}

/// One index of one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Index {
    /// Of its records and those of its children.
    pub table: String,
    /// By these fields, in this order.
    pub fields: Vec<String>,
    /// Which are of these types.
    pub types: Vec<Type>,
    /// Every record is in it. Until then nothing can be found by it.
    #[serde(default)]
    pub filled: bool,
}

impl Index {
    /// Whether it is of the same records, by the same values.
    pub fn is_as(&self, other: &Self) -> bool {
        (&self.table, &self.fields, &self.types) == (&other.table, &other.fields, &other.types)
    }

    /// Index prefix: its records.
    pub fn prefix(&self) -> Key {
        Key::from(["by", &self.table, &self.fields.join(",")])
    }
}

impl Indexes {
    /// Whether records are to be written again.
    pub fn are_filled(&self) -> bool {
        self.all.iter().all(|index| index.filled)
    }
}
