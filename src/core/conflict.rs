//! Conflicts: both sides have changed the same field, and each otherwise.
//!
//! What the instance last had lies under the unsent changes of a record. Whenever that moves on by what others have done, it
//! is compared field by field: what the instance had, what it has now, and all that is unsent. What is unsent already is no
//! conflict, be it the same change made on both sides or this device's own, whose answer was lost. For the rest, the first
//! change of the field waits, and all that is behind it on its record, until the user has said which is to stand.

use std::collections::BTreeSet;

use super::{
    error::CoreError,
    hand::{is_being_sent, lay_anew},
    lease::turn_away,
    order,
    reconcile::same,
    schema::{Conflict, Schema},
    stored::{Item, ItemKind, ItemState, Record, UPDATED},
    tx::{Ruled, Tx},
    write::{drop_item, find, reword, update},
};
use crate::wire::value::Fields;

/// What the user has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What was changed here is sent.
    Mine,
    /// What the instance has stays.
    Theirs,
    /// These values are sent; other fields go on waiting.
    Fields(Fields),
}

/// Compares what the instance `had` with `theirs`, which it has now. What an item of this device has brought there (`own`) is
/// nobody else's.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn weigh(tx: &mut Tx<'_>, record: &mut Record, had: &Fields, theirs: &Fields, own: &Fields) -> Ruled<()> {
    let mode = tx.schema.conflict(&record.table);
    // Of a deletion nothing is asked: what was changed before it goes with the record.
    if record.items.is_empty() || record.deleted || mode == Conflict::Client {
        return Ok(());
    }
    let known = unsent(tx, record)?;
    let mut items = known.clone();
    let mut overruled = BTreeSet::new();
    for (name, now) in theirs.iter().filter(|(name, _)| is_weighed(tx.schema, &record.table, name)) {
        let is_now = |value: &str| same(tx.schema.type_of(&record.table, name), value, now);
        let before = had.get(name).map_or("", String::as_str);
        let is_unsent = items.iter().any(|item| value_in(tx.schema, item, record, name).is_some_and(is_now));
        let mut is_back = false;
        for item in &mut items {
            let ends = item.differs.get(name).is_some_and(|seen| is_unsent || is_now(seen));
            is_back |= ends && item.differs.remove(name).is_some();
        }
        // Of a record that an action has made, only what it was made with is known before it is read.
        let unknown = !had.contains_key(name) && !had.contains_key(UPDATED);
        if is_unsent || is_back || is_now(before) || own.contains_key(name) || unknown {
            continue;
        }
        let first =
            items.iter_mut().find(|item| is_change(item) && (mode == Conflict::Ask || item.fields.contains_key(name)));
        match first {
            Some(_) if mode == Conflict::Server => drop(overruled.insert(name.clone())),
            Some(item) => drop(item.differs.entry(name.clone()).or_insert_with(|| before.to_owned())),
            None => {}
        }
    }
    for (item, _) in items.iter().zip(&known).filter(|(item, known)| item != known) {
        tx.unsettled = true;
        tx.changed(&record.table, &record.sys_id);
        tx.put(item)?;
    }
    if !overruled.is_empty() {
        give_up(tx, record, &overruled)?;
        record.not_kept.extend(overruled);
    }
    Ok(())
}

/// The user's word on what of a record is in conflict. Where nothing is, another tab was faster.
///
/// # Errors
/// As [`update`]; [`CoreError::NotInConflict`], of a field; [`CoreError::BeingSent`].
pub fn resolve(tx: &mut Tx<'_>, table: &str, sys_id: &str, choice: &Choice) -> Ruled<Record> {
    let mut record = find(tx, table, sys_id)?;
    let items = unsent(tx, &record)?;
    let open: BTreeSet<String> = items.iter().flat_map(|item| item.differs.keys().cloned()).collect();
    let said: BTreeSet<String> = match choice {
        Choice::Fields(values) => values.keys().cloned().collect(),
        Choice::Mine | Choice::Theirs => open.clone(),
    };
    if let Some(field) = said.difference(&open).next() {
        return Err(CoreError::NotInConflict { sys_id: sys_id.to_owned(), field: field.clone() }.into());
    }
    let given_up = match choice {
        Choice::Mine => BTreeSet::new(),
        // Asked whichever fields it was, the user has looked at the record as a whole.
        Choice::Theirs if tx.schema.conflict(&record.table) == Conflict::Ask && !open.is_empty() => {
            items.iter().filter(|item| is_change(item)).flat_map(|item| item.fields.keys().cloned()).collect()
        }
        Choice::Theirs | Choice::Fields(_) => said.clone(),
    };
    for mut item in items.into_iter().filter(Item::is_in_conflict) {
        if is_being_sent(tx, &item)? {
            return Err(CoreError::BeingSent(item.id).into());
        }
        item.differs.retain(|name, _| !said.contains(name));
        // Under the key that it has left with it would be taken for done, though somebody has written over it since.
        if item.state != ItemState::Refused {
            reword(tx, &mut item, Fields::new(), &[]);
        }
        tx.put(&item)?;
    }
    give_up(tx, &mut record, &given_up)?;
    lay_anew(tx, record)?;
    tx.unsettled = true;
    if let Choice::Fields(values) = choice {
        return update(tx, table, sys_id, values);
    }
    order::hold_up_nobody(tx)?;
    find(tx, table, sys_id)
}

/// What an edit has made the same on both sides is no conflict any more.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn agree(tx: &mut Tx<'_>, item: &mut Item) -> Ruled<()> {
    if item.is_in_conflict() {
        let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?;
        let base = record.and_then(|record| record.base).unwrap_or_default();
        let fields = &item.fields;
        item.differs
            .retain(|name, _| fields.get(name).is_none_or(|mine| base.get(name).map_or("", String::as_str) != mine));
        tx.unsettled = true;
    }
    Ok(())
}

/// What the user was `asked` about of a change that is dropped, he is asked about of the next one that makes something else of
/// it.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn ask_on(tx: &mut Tx<'_>, record: &mut Record, asked: Fields) -> Ruled<()> {
    let Some(theirs) = record.base.clone().filter(|_| !asked.is_empty()) else { return Ok(()) };
    let mut had = theirs.clone();
    had.extend(asked);
    weigh(tx, record, &had, &theirs, &Fields::new())
}

/// Takes these fields out of all that is unsent of a record, but for entries and what actions have done.
fn give_up(tx: &mut Tx<'_>, record: &mut Record, names: &BTreeSet<String>) -> Ruled<()> {
    let time = tx.schema.acted_at_field(&record.table);
    for mut item in unsent(tx, record)? {
        if !is_change(&item) || !item.fields.keys().any(|name| names.contains(name)) {
            continue;
        }
        turn_away(tx, &item)?;
        item.fields.retain(|name, _| !names.contains(name));
        if item.fields.keys().all(|name| Some(name) == time.as_ref()) {
            drop_item(tx, &item.id)?;
            record.items.retain(|id| *id != item.id);
        } else {
            reword(tx, &mut item, Fields::new(), &[]);
            tx.put(&item)?;
        }
    }
    Ok(())
}

fn unsent(tx: &mut Tx<'_>, record: &Record) -> Ruled<Vec<Item>> {
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    let mut items = Vec::new();
    for id in &record.items {
        items.extend(tx.readable::<Item>(&Item::at(id))?);
    }
    Ok(items)
}

fn is_change(item: &Item) -> bool {
    item.kind == ItemKind::Update && !item.journal
}

/// What an item makes of a field of the record.
fn value_in<'i>(schema: &Schema, item: &'i Item, record: &Record, name: &str) -> Option<&'i str> {
    let fields = match &item.action {
        Some(action) => &action.part(schema, &record.table, &record.sys_id)?.fields,
        None => &item.fields,
    };
    fields.get(name).map(String::as_str)
}

/// What the instance changes by itself with each change, or only ever adds to, is nobody's to choose.
fn is_weighed(schema: &Schema, table: &str, name: &str) -> bool {
    !name.starts_with("sys_")
        && schema.correlation_field(table).as_deref() != Some(name)
        && schema.acted_at_field(table).as_deref() != Some(name)
        && !schema.is_journal(table, name)
}
