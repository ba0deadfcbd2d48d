//! A record.

use serde::{Deserialize, Serialize};

use super::{Indexes, Stored, mention};
use crate::{
    core::{
        ids,
        indexes::entries,
        key::Key,
        row::{RowKey, StoreName},
        schema::Schema,
    },
    wire::value::Fields,
};

/// When the instance has changed a record.
pub const UPDATED: &str = "sys_updated_on";

/// A record as this device has it. Values are in the instance's string form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its own table (`sys_class_name`), as far as declared.
    pub table: String,
    /// Temporary until the instance has given a permanent one.
    pub sys_id: String,
    /// What the app sees: the instance's values under the unsent ones.
    pub fields: Fields,
    /// What the instance last had, while unsent work lies over it. Absent for a record made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Fields>,
    /// Unsent outbox items, in the order they must go. Its first may be sent, the others follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// Deleted here: no list shows it, but its row stays until the instance knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// Temporary ids of other unsent records that stand somewhere in `fields` or `base`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<String>,
    /// When the app last changed it, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<u64>,
    /// When the instance last told of it, in ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<u64>,
    /// The lease under which a pull last brought it: a later pull that does not find it may drop it. Not a time,
    /// since clocks are set right just when the network returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled_under: Option<u64>,
    /// It is not here for itself: it went along with another record, or was in its table's query and may still be
    /// led to. Of no weight once the table's query finds it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub along: bool,
    /// An action, or a change that was not answered with a row, has changed it since the instance last told of it: its time
    /// is an older one's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outdated: bool,
    /// It has come in part since, and some fields are as an older row had them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_part: bool,
    /// Of one that is deleted here: the fields that somebody else has changed, too, with what the instance had when they were
    /// changed here. Should the record come back, the user is asked.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub unasked: Fields,
    /// What the app's step may have brought to it since the instance last told of it: nobody else has.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub acted: Fields,
    /// Fields the instance did not keep as sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_kept: Vec<String>,
}

impl Record {
    /// Where the record `sys_id` of `table` is.
    pub fn at(schema: &Schema, table: &str, sys_id: &str) -> RowKey {
        RowKey { store: StoreName::Records, key: Key::from([schema.root(table), sys_id]) }
    }

    /// Whether the instance has not made it yet.
    pub fn is_temporary(&self) -> bool {
        ids::is_temporary(&self.sys_id)
    }

    /// Whether it is here only because something leads to it.
    pub fn is_along(&self) -> bool {
        self.along && self.pulled_under.is_none()
    }

    /// What the instance last had, as far as this device knows.
    pub fn told(&self) -> &Fields {
        self.base.as_ref().unwrap_or(&self.fields)
    }

    /// What the app sees of a field, in string form.
    pub fn value(&self, field: &str) -> &str {
        if field == "sys_id" { &self.sys_id } else { self.fields.get(field).map_or("", String::as_str) }
    }

    /// When the instance last changed it, in ServiceNow's time; not known of one that is outdated.
    pub fn updated_on(&self) -> Option<&String> {
        self.told().get(UPDATED).filter(|_| !self.outdated)
    }

    /// Whether the instance has told of all of it as it is by its time.
    pub fn is_told(&self) -> bool {
        !self.outdated && !self.in_part
    }

    /// How often the instance has changed it, as far as it has told of all of it.
    pub fn count_there(&self) -> Option<&String> {
        self.told().get("sys_mod_count").filter(|count| self.is_told() && !count.is_empty())
    }

    /// Where temporary ids may stand.
    pub(in crate::core) fn places(&self) -> impl Iterator<Item = &Fields> {
        [Some(&self.fields), self.base.as_ref()].into_iter().flatten()
    }

    /// Index prefix: the records of `table` and of its children, by id.
    pub fn of_table(table: &str) -> Key {
        Key::from(["table", table])
    }

    /// Index prefix: those of them that a pull has brought, also if they are deleted here.
    pub fn pulled_of(table: &str) -> Key {
        Key::from(["pulled", table])
    }

    /// Index prefix: those that are here only because something leads to them, also if they are deleted here.
    pub fn that_came_along() -> Key {
        Key::from(["along"])
    }

    /// Index prefix: the records the instance has not made yet.
    pub fn temporary() -> Key {
        Key::from(["temporary"])
    }
}

impl Stored for Record {
    const STORE: StoreName = StoreName::Records;

    fn key(&self, schema: &Schema) -> Key {
        Self::at(schema, &self.table, &self.sys_id).key
    }

    fn is_at(&self, key: &Key) -> bool {
        key.text(1) == self.sys_id
    }

    fn index(&self, schema: &Schema) -> Vec<Key> {
        let mut index: Vec<Key> = self.mentions.iter().map(|id| mention(id)).collect();
        if self.is_temporary() {
            index.push(Key::from(["temporary", &self.sys_id]));
        }
        let of_each = |what: &'static str| {
            schema.chain(&self.table).map(move |table| Key::from([what, table, self.sys_id.as_str()]))
        };
        if !self.deleted {
            index.extend(of_each("table"));
        }
        if self.pulled_under.is_some() {
            index.extend(of_each("pulled"));
        }
        if self.is_along() {
            index.push(Key::from(["along", &self.sys_id]));
        }
        index
    }

    fn declared(&self, schema: &Schema, indexes: &Indexes) -> Vec<Key> {
        entries(self, schema, indexes)
    }
}
