//! Between the app's values and the stored ones: string forms, references, size.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    error::CoreError,
    ids,
    schema::{Reference, Schema, is_name},
    stored::{Alias, Record},
    tx::{Ruled, Tx},
};
use crate::wire::value::{Fields, Type};

/// The largest record, in bytes of its names and values. One item of a Batch API call may be 5 MB,
/// and base64 makes four bytes of three.
pub const MAX_RECORD_BYTES: usize = 3 * 1024 * 1024;

/// The app's fields in string form. Null clears a field; `sys_id` and `$sync` are passed over.
///
/// # Errors
/// [`CoreError::BadField`].
pub fn take(schema: &Schema, table: &str, given: Map<String, Value>) -> Result<Fields, CoreError> {
    let mut fields = Fields::new();
    for (name, value) in given {
        if name == "sys_id" || name == "$sync" {
            continue;
        }
        if !is_name(&name) {
            return Err(CoreError::BadField(name));
        }
        let text = match (schema.reference(table, &name), &value) {
            (Some(Reference::List(_)), Value::Array(ids)) => {
                ids.iter().map(|id| Type::Text.canonical(id)).collect::<Vec<_>>().join(",")
            }
            _ => schema.type_of(table, &name).canonical(&value),
        };
        fields.insert(name, text);
    }
    Ok(fields)
}

/// Refuses a value of the app's own for the correlation field of a record that is not made yet: what is sent in it is
/// the temporary id.
///
/// # Errors
/// [`CoreError::OwnCorrelation`].
pub fn check_correlation(schema: &Schema, table: &str, fields: &Fields) -> Result<(), CoreError> {
    match schema.correlation_field(table) {
        Some(field) if fields.get(&field).is_some_and(|value| !value.is_empty()) => {
            Err(CoreError::OwnCorrelation(field))
        }
        _ => Ok(()),
    }
}

/// Refuses a record too large to be sent.
///
/// # Errors
/// [`CoreError::TooLarge`].
pub fn check_size(fields: &Fields) -> Result<(), CoreError> {
    let bytes = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_RECORD_BYTES {
        return Err(CoreError::TooLarge { bytes, most: MAX_RECORD_BYTES });
    }
    Ok(())
}

/// The stored values as the app gets them back, by type.
pub fn give(schema: &Schema, table: &str, fields: &Fields) -> Map<String, Value> {
    fields.iter().map(|(name, text)| (name.clone(), schema.type_of(table, name).to_json(text))).collect()
}

/// An unsent record's temporary id, and the field it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The field.
    pub field: String,
    /// The id.
    pub id: String,
}

/// The ids of unsent records that stand somewhere in `fields`, out of those in `among`, each once.
pub fn mentioned(fields: &Fields, correlation: Option<&str>, among: impl IntoIterator<Item = String>) -> Vec<String> {
    let there = temporary_in(fields, correlation);
    let among: BTreeSet<String> = among.into_iter().filter(|id| there.contains(id.as_str())).collect();
    among.into_iter().collect()
}

/// The ids of unsent records that stand somewhere in `record`, under the unsent values too, each once: whatever has
/// brought them there.
pub(super) fn open_mentions(tx: &mut Tx<'_>, record: &Record) -> Ruled<Vec<String>> {
    let correlation = tx.schema.correlation_field(&record.table);
    let there: BTreeSet<&str> =
        record.places().flat_map(|fields| temporary_in(fields, correlation.as_deref())).collect();
    tx.want(there.iter().map(|id| Alias::at(id)))?;
    let mut open = Vec::new();
    for id in there {
        // Of one whose alias nobody can read, what was known before holds.
        let alias = tx.readable::<Alias>(&Alias::at(id))?;
        if alias.map_or(record.mentions.iter().any(|known| known == id), |alias| alias.is_open()) {
            open.push(id.to_owned());
        }
    }
    Ok(open)
}

fn temporary_in<'f>(fields: &'f Fields, correlation: Option<&str>) -> BTreeSet<&'f str> {
    let others = fields.iter().filter(|(name, _)| Some(name.as_str()) != correlation);
    others.flat_map(|(_, text)| ids::find(text)).collect()
}

/// Puts permanent ids in place of temporary ones already known, and gives the ids of unsent
/// records that are left, each once, by field. `around` is the rest of the record: another field may
/// name the table.
///
/// # Errors
/// A reference to an id that was never made here, was dropped, or is of a table that does not fit.
pub fn settle_references(tx: &mut Tx<'_>, table: &str, fields: &mut Fields, around: &Fields) -> Ruled<Vec<Mention>> {
    let found: Vec<(String, String)> =
        fields.iter().flat_map(|(field, text)| ids::find(text).map(|id| (field.clone(), id.to_owned()))).collect();
    tx.want(found.iter().map(|(_, id)| Alias::at(id)))?;
    let mut open = Vec::new();
    for (field, id) in found {
        let target = target(tx.schema, table, [fields, around], &field);
        let Some(alias) = tx.alias(&id)? else {
            if target.is_some() {
                return Err(CoreError::UnknownTemporary { field, id }.into());
            }
            continue;
        };
        if let Some(Some(expected)) = &target
            && tx.schema.known(expected).is_ok()
            && !tx.schema.related(&alias.table, expected)
        {
            return Err(CoreError::WrongTable { sys_id: id, expected: expected.clone(), found: alias.table }.into());
        }
        if alias.dropped {
            if target.is_some() {
                return Err(CoreError::DeletedReference { field, id }.into());
            }
        } else if let Some(sys_id) = &alias.sys_id {
            if let Some(text) = fields.get_mut(&field)
                && let Some(new) = ids::replace(text, &id, sys_id)
            {
                *text = new;
            }
        } else {
            let mention = Mention { field, id };
            if !open.contains(&mention) {
                open.push(mention);
            }
        }
    }
    Ok(open)
}

/// `None` if the field is no reference; else the table it points to, where that is known.
fn target(schema: &Schema, table: &str, fields: [&Fields; 2], field: &str) -> Option<Option<String>> {
    Some(match schema.reference(table, field)? {
        Reference::One(table) | Reference::List([table]) => Some(table),
        Reference::Named { table } => {
            fields.iter().find_map(|fields| fields.get(&table)).filter(|name| !name.is_empty()).cloned()
        }
    })
}
