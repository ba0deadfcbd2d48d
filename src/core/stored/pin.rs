//! A record that is to be on the device.

use serde::{Deserialize, Serialize};

use super::Stored;
use crate::core::{
    along::Include,
    key::Key,
    row::{RowKey, StoreName},
    schema::Schema,
};

/// A record that the app wants on the device until it says otherwise, with what goes along with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The table by which it was named.
    pub table: String,
    /// Its id as it is now: temporary until the instance has given a permanent one.
    pub sys_id: String,
    /// What goes along with it; none where that is what its table's cache includes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<Include>>,
}

impl Pin {
    /// Where the pin of its record is.
    pub fn at(pin: &Self) -> RowKey {
        RowKey { store: StoreName::Meta, key: Key::from(["pin", &pin.table, &pin.sys_id]) }
    }

    /// Key prefix: all of them.
    pub fn all() -> Key {
        Key::from(["pin"])
    }

    /// Index prefix: those of the record of this id, by whichever table it was named.
    pub fn of(sys_id: &str) -> Key {
        Key::from(["pinned", sys_id])
    }
}

impl Stored for Pin {
    const STORE: StoreName = StoreName::Meta;

    fn key(&self, _: &Schema) -> Key {
        Self::at(self).key
    }

    fn is_at(&self, key: &Key) -> bool {
        *key == Self::at(self).key
    }

    fn index(&self, _: &Schema) -> Vec<Key> {
        vec![Self::of(&self.sys_id)]
    }
}
