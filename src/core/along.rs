//! What goes along with a record: the records that its references lead to, and those of other tables that point to it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    error::CoreError,
    ids,
    key::Key,
    pull::needed,
    row::{RowKey, StoreName},
    schema::{Reference, Schema},
    stored::{Pin, Record},
    tx::{Halt, Ruled, Tx},
    write,
};
use crate::wire::value::Fields;

/// What is to go along with the records of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Include {
    /// A path of reference fields, as in `caller_id.location`.
    Path(String),
    /// Records of another table that point here.
    From(Pointing),
}

/// Records of another table that point here.
///
/// It stands in rows of the device, which a later build may have written: what it does not know of, the JS edge refuses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pointing {
    /// The other table.
    pub from: String,
    /// Its reference field.
    pub field: String,
    /// Most of them for each record, the latest changed first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Whether all this can go along with records of `table`, by what is declared; else why not.
///
/// # Errors
/// A sentence without its end.
pub fn check(schema: &Schema, table: &str, include: &[Include]) -> Result<(), String> {
    include.iter().try_for_each(|include| match include {
        Include::Path(path) => check_path(schema, table, path),
        Include::From(pointing) => check_pointing(schema, table, pointing),
    })
}

fn check_path(schema: &Schema, table: &str, path: &str) -> Result<(), String> {
    // None behind a field whose table another field names: it may be any.
    let mut at = Some(table.to_owned());
    for step in path.split('.') {
        let found = match &at {
            Some(table) => schema.reference(table, step),
            None => schema.tables().find_map(|(table, _)| schema.reference(table, step)),
        };
        let of = at.as_deref().unwrap_or("any table");
        let next = match found {
            Some(Reference::One(next) | Reference::List([next])) => Some(next),
            Some(Reference::Named { .. }) => None,
            None => return Err(format!("“{step}” in “{path}” is not declared as a reference of {of}")),
        };
        if let Some(next) = next.as_deref().filter(|next| schema.known(next).is_err()) {
            return Err(format!("“{step}” in “{path}” leads to {next}, which is not declared"));
        }
        at = next;
    }
    Ok(())
}

fn check_pointing(schema: &Schema, table: &str, pointing: &Pointing) -> Result<(), String> {
    let Pointing { from, field, limit } = pointing;
    if schema.known(from).is_err() {
        return Err(format!("the table {from} is not declared"));
    }
    match schema.reference(from, field) {
        Some(Reference::One(to) | Reference::List([to])) if !schema.is_a(table, &to) => {
            Err(format!("“{field}” of {from} points to {to}, not to {table}"))
        }
        None => Err(format!("“{field}” is not declared as a reference of {from}")),
        Some(_) if *limit == Some(0) => Err(format!("the limit of {from} must be 1 or more")),
        Some(_) => Ok(()),
    }
}

/// The records that a field of a row leads to, by table and id.
pub fn targets(schema: &Schema, table: &str, fields: &Fields, field: &str) -> Vec<(String, String)> {
    let value = fields.get(field).map_or("", String::as_str);
    let (to, ids): (String, Vec<&str>) = match schema.reference(table, field) {
        Some(Reference::One(to)) => (to, vec![value]),
        Some(Reference::List([to])) => (to, value.split(',').collect()),
        Some(Reference::Named { table }) => (fields.get(&table).cloned().unwrap_or_default(), vec![value]),
        None => return Vec::new(),
    };
    if schema.known(&to).is_err() {
        return Vec::new();
    }
    // What has a comma in it is no id: in a question it would be two.
    let ids = ids.into_iter().map(str::trim).filter(|id| !id.is_empty() && !id.contains(','));
    ids.map(|id| (to.clone(), id.to_owned())).collect()
}

/// Has a record, and what `include` names, on the device from now on; without it, what its table's cache includes.
///
/// # Errors
/// [`CoreError::BadInclude`], [`CoreError::WrongTable`]; [`CoreError::NotFound`] of a temporary id that is none of this
/// device's, or whose record is no more.
pub fn pin(tx: &mut Tx<'_>, table: &str, sys_id: &str, include: Option<&[Include]>) -> Ruled<Pin> {
    tx.schema.known(table)?;
    check(tx.schema, table, include.unwrap_or_default()).map_err(CoreError::BadInclude)?;
    let id = write::resolve(tx, sys_id)?;
    match write::find(tx, table, &id) {
        Ok(_) => {}
        // It is brought by the next refresh.
        Err(Halt::Refuse(CoreError::NotFound { .. })) if !ids::is_temporary(&id) => {}
        Err(halt) => return Err(halt),
    }
    unpin(tx, table, &id)?;
    let pin = Pin { table: table.to_owned(), sys_id: id, include: include.map(<[Include]>::to_vec) };
    tx.put(&pin)?;
    Ok(pin)
}

/// Lets go of a record that was pinned. What nothing else leads to goes at the next refresh.
///
/// # Errors
/// As [`Tx::get`].
pub fn unpin(tx: &mut Tx<'_>, table: &str, sys_id: &str) -> Ruled<()> {
    tx.schema.known(table)?;
    let id = write::resolve(tx, sys_id)?;
    let pins = pins_of(tx, &id)?;
    for pin in pins.iter().filter(|pin| tx.schema.related(&pin.table, table)).map(Pin::at).collect::<Vec<_>>() {
        tx.remove(pin);
    }
    Ok(())
}

/// All that is pinned.
///
/// # Errors
/// As [`Tx::get`].
pub fn pins(tx: &mut Tx<'_>) -> Ruled<Vec<Pin>> {
    let keys = tx.keyed_by(StoreName::Meta, Pin::all())?;
    read_pins(tx, keys)
}

fn pins_of(tx: &mut Tx<'_>, sys_id: &str) -> Ruled<Vec<Pin>> {
    let keys = tx.found_by(StoreName::Meta, Pin::of(sys_id))?;
    read_pins(tx, keys)
}

fn read_pins(tx: &mut Tx<'_>, keys: Vec<Key>) -> Ruled<Vec<Pin>> {
    let mut pins = Vec::new();
    tx.each(keys, |tx, key| {
        pins.extend(tx.readable::<Pin>(&RowKey { store: StoreName::Meta, key })?);
        Ok(())
    })?;
    Ok(pins)
}

/// A pin follows its record to the permanent id; where that one is pinned too, both stand.
pub(super) fn rename_pins(tx: &mut Tx<'_>, temporary: &str, sys_id: &str) -> Ruled<()> {
    for pin in pins_of(tx, temporary)? {
        tx.remove(Pin::at(&pin));
        let mut pin = Pin { sys_id: sys_id.to_owned(), ..pin };
        if let Some(other) = tx.readable::<Pin>(&Pin::at(&pin))? {
            let named = |pin: &Pin| match &pin.include {
                Some(include) => include.clone(),
                None => tx.schema.includes(&pin.table).cloned().collect(),
            };
            pin.include = Some([named(&pin), named(&other)].concat());
        }
        tx.put(&pin)?;
    }
    Ok(())
}

/// The record of a pin is no more.
pub(super) fn forget_pins(tx: &mut Tx<'_>, table: &str, sys_id: &str) -> Ruled<()> {
    let pins = pins_of(tx, sys_id)?;
    for pin in pins.iter().filter(|pin| tx.schema.related(&pin.table, table)) {
        tx.remove(Pin::at(pin));
    }
    Ok(())
}

/// Whether anything of this device may lead to other records: what a query does not find any more may still go along.
pub(super) fn may_lead(tx: &mut Tx<'_>) -> Ruled<bool> {
    Ok(tx.schema.includes_any() || any_pinned(tx)?)
}

pub(super) fn any_pinned(tx: &mut Tx<'_>) -> Ruled<bool> {
    Ok(!tx.keyed_by(StoreName::Meta, Pin::all())?.is_empty())
}

/// Removes what only came along, and nothing leads to any more, unless unsent work mentions it. `seen`: what was pinned
/// when it was looked for; where that is another now, or one cannot be read, nothing goes. `unlisted`: of these tables it is not
/// known what points to what is here. What the instance has told of since the walk was `begun_at` (ms) stays: it may have been made to
/// point to something after that was asked about. Gives how many went.
///
/// # Errors
/// As [`Tx::get`].
pub fn sweep_along(
    tx: &mut Tx<'_>,
    gone: &[RowKey],
    seen: &[Pin],
    unlisted: &BTreeSet<String>,
    begun_at: u64,
) -> Ruled<u32> {
    // What one leads to that this build cannot read, nobody knows.
    if tx.keyed_by(StoreName::Meta, Pin::all())?.len() != seen.len() || pins(tx)? != seen {
        return Ok(0);
    }
    let schema = tx.schema;
    let is_listed = |record: &Record| !unlisted.iter().any(|table| schema.related(&record.table, table));
    // Where the clock was set back, what lies ahead of it was told before.
    let (since, now) = (begun_at.saturating_add(1), tx.now);
    let is_older = |record: &Record| record.fetched_at.is_none_or(|at| !(since..=now).contains(&at));
    remove_unneeded(tx, gone, |record| record.is_along() && is_listed(record) && is_older(record))
}

/// The instance has said that it has these no more, or does not show them. What is unsent of one stays, and so does one
/// that unsent work mentions. Gives how many went.
///
/// # Errors
/// As [`Tx::get`].
pub fn gone_there(tx: &mut Tx<'_>, gone: &[RowKey]) -> Ruled<u32> {
    remove_unneeded(tx, gone, |record| !record.is_temporary())
}

fn remove_unneeded(tx: &mut Tx<'_>, gone: &[RowKey], may_go: impl Fn(&Record) -> bool) -> Ruled<u32> {
    let mut removed = 0;
    if gone.is_empty() {
        return Ok(removed);
    }
    let Some(needed) = needed(tx)? else { return Ok(removed) };
    tx.each(gone, |tx, at| {
        let record = tx.readable::<Record>(at)?;
        let is_free = |record: &Record| !record.deleted && record.items.is_empty() && !needed.contains(&record.sys_id);
        if let Some(record) = record.filter(|record| is_free(record) && may_go(record)) {
            tx.remove(at.clone());
            tx.changed(&record.table, &record.sys_id);
            removed += 1;
        }
        Ok(())
    })?;
    Ok(removed)
}
