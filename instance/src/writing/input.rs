//! What a request wants written, checked against the table's columns before anything is touched.

use landfall::wire::Fields;
use serde_json::Value as Json;

use crate::refusal::Refusal;
use crate::schema::{Class, Kind};

/// A body that was read.
#[derive(Debug)]
pub struct Input {
    /// The fields to set, each in the form its column keeps.
    pub fields: Fields,
    /// The entries to append, by journal.
    pub entries: Vec<(&'static str, String)>,
}

impl Input {
    /// Reads an object of fields. Those that only the instance writes are passed over, as a write rule does on
    /// ServiceNow. What the table does not have, or cannot hold, is refused by name; a plain instance passes over the
    /// first and empties the second.
    pub fn read(json: &Json, class: &Class, plain: bool) -> Result<Self, Refusal> {
        let Json::Object(object) = json else {
            return Err(Refusal::Body("expected an object of fields".into()));
        };
        let mut fields = Fields::new();
        let mut entries = Vec::new();
        let mut unknown = Vec::new();
        let mut unfit = Vec::new();
        for (name, value) in object {
            let Some(field) = class.field(name) else {
                unknown.push(name.clone());
                continue;
            };
            if !field.column.writable {
                continue;
            }
            let text = match field.column.canonical(value) {
                Ok(text) => text,
                Err(_) if plain => String::new(),
                Err(why) => {
                    unfit.push((name.clone(), why));
                    continue;
                }
            };
            if field.column.kind != Kind::Journal {
                fields.insert(name.clone(), text);
            } else if !text.is_empty() {
                entries.push((field.column.name, text));
            }
        }
        if !unknown.is_empty() && !plain {
            return Err(Refusal::UnknownFields { table: class.name.into(), fields: unknown });
        }
        if !unfit.is_empty() {
            return Err(Refusal::Unfit(unfit));
        }
        Ok(Self { fields, entries })
    }
}
