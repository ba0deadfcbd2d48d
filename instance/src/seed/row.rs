//! Records as the demo makes them.

use landfall::wire::{Fields, datetime};

use super::random::id;

/// When the demo's last day ends: 2026-11-20 18:00:00 UTC. Fixed, so that every demo database is the same.
pub const END: i64 = 1_795_197_600;

/// A record being made.
#[derive(Clone, Debug)]
pub struct Row(pub Fields);

impl Row {
    /// A record of `class` that was made at `made` by `user` and changed last at `changed`.
    pub fn new(class: &str, name: &str, user: &str, made: i64, changed: i64) -> Self {
        let mut row = Self(Fields::new());
        row.set("sys_id", id(class, name));
        row.set("sys_class_name", class);
        row.set("sys_created_on", time(made));
        row.set("sys_created_by", user);
        row.set("sys_updated_on", time(changed));
        row.set("sys_updated_by", user);
        row.set("sys_mod_count", if changed > made { "1" } else { "0" });
        row
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// A field's value.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// A moment as ServiceNow writes it.
pub fn time(seconds: i64) -> String {
    datetime::to_servicenow(seconds).unwrap_or_default()
}
