//! Conflicts: both sides have changed the same field, and each otherwise.
//!
//! What the instance last had lies under the unsent changes of a record. Whenever that moves on by what others have done, it
//! is compared field by field: what the instance had, what it has now, and all that is unsent. What is unsent already is no
//! conflict, be it the same change made on both sides or this device's own, whose answer was lost. For the rest, the first
//! change of the field waits, and all that is behind it on its record, until the user has said which is to stand.

use std::collections::BTreeSet;

use super::{
    error::CoreError,
    hand::is_being_sent,
    ids,
    lay::lay_anew,
    lease::turn_away,
    order,
    reconcile::same,
    schema::{Conflict, Schema},
    stored::{Item, Record, UPDATED},
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
    if record.items.is_empty() || mode == Conflict::Client {
        return Ok(());
    }
    if record.deleted {
        ask_nobody(tx, record)?;
    }
    let known = unsent(tx, record)?;
    let mut items = known.clone();
    let mut overruled = BTreeSet::new();
    for (name, now) in theirs.iter().filter(|(name, _)| is_weighed(tx.schema, &record.table, name)) {
        let of = tx.schema.type_of(&record.table, name);
        let is_unsent =
            items.iter().any(|item| value_in(tx.schema, item, record, name).is_some_and(|own| same(of, own, now)));
        let mut is_back = false;
        for item in &mut items {
            let ends = item.differs.get(name).is_some_and(|seen| is_unsent || same(of, seen, now));
            is_back |= ends && item.differs.remove(name).is_some();
        }
        // What the instance has never told has not changed: a field of the record's own table, say.
        let Some(before) = had.get(name).filter(|before| !same(of, before, now)) else { continue };
        // By the count somebody else was there, too: what has come back otherwise is his, perhaps.
        let is_own =
            |sent: &String| !are_counted(had, theirs) || same(of, sent, now) || ids::find(sent).next().is_some();
        let is_acted = record.acted.get(name).is_some_and(|done| same(of, done, now));
        if is_unsent || is_back || is_acted || own.get(name).is_some_and(is_own) {
            continue;
        }
        let holds = |item: &Item| item.is_change() && item.fields.contains_key(name);
        let asks = |item: &Item| holds(item) || (mode == Conflict::Ask && item.is_change());
        let at = items.iter().position(holds).or_else(|| items.iter().position(asks));
        match at.and_then(|at| items.get_mut(at)) {
            Some(_) if record.deleted => drop(record.unasked.entry(name.clone()).or_insert_with(|| before.clone())),
            Some(_) if mode == Conflict::Server => drop(overruled.insert(name.clone())),
            Some(item) => drop(item.differs.entry(name.clone()).or_insert_with(|| before.clone())),
            None => {}
        }
    }
    for (item, _) in items.iter().zip(&known).filter(|(item, known)| item != known) {
        tx.unsettled = true;
        tx.changed(&record.table, &record.sys_id);
        tx.put(item)?;
    }
    give_up(tx, record, &overruled)?;
    record.not_kept.extend(overruled);
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
    // With nothing unsent the record is the instance's, and is not laid anew.
    if said.is_empty() {
        return Ok(record);
    }
    let given_up = match choice {
        Choice::Mine => BTreeSet::new(),
        // Asked whichever fields it was, the user has looked at the record as a whole.
        Choice::Theirs if tx.schema.conflict(&record.table) == Conflict::Ask => {
            items.iter().filter(|item| item.is_change()).flat_map(|item| item.fields.keys().cloned()).collect()
        }
        Choice::Theirs | Choice::Fields(_) => said.clone(),
    };
    let mut open = Vec::new();
    for mut item in items.into_iter().filter(Item::is_in_conflict) {
        if is_being_sent(tx, &item)? {
            return Err(CoreError::BeingSent(item.id).into());
        }
        item.differs.retain(|name, _| !said.contains(name));
        // Under the key that it has left with it would be taken for done, though somebody has written over it since.
        reword(tx, &mut item, Fields::new(), &[]);
        tx.put(&item)?;
        open.push(item);
    }
    give_up(tx, &mut record, &given_up)?;
    let gone = open.into_iter().filter(|item| !record.items.contains(&item.id));
    let asked = gone.flat_map(|item| item.differs).collect();
    ask_on(tx, &mut record, asked)?;
    lay_anew(tx, record)?;
    tx.unsettled = true;
    if let Choice::Fields(values) = choice {
        return update(tx, table, sys_id, values);
    }
    order::hold_up_nobody(tx)?;
    find(tx, table, sys_id)
}

/// What has become the same on both sides is no conflict any more: the user has written it, or a temporary id was what it
/// differed by.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn agree(tx: &mut Tx<'_>, record: &Record) -> Ruled<()> {
    let Some(base) = &record.base else { return Ok(()) };
    let items = unsent(tx, record)?;
    for item in items.iter().filter(|item| item.is_in_conflict()) {
        let mut agreed = item.clone();
        agreed.differs.retain(|name, _| {
            let there = base.get(name).map_or("", String::as_str);
            let of = tx.schema.type_of(&record.table, name);
            !items.iter().any(|item| value_in(tx.schema, item, record, name).is_some_and(|own| same(of, own, there)))
        });
        if agreed != *item {
            tx.unsettled = true;
            tx.put(&agreed)?;
        }
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

/// What goes before a deletion asks nobody: it goes with the record, unless that comes back.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn ask_nobody(tx: &mut Tx<'_>, record: &mut Record) -> Ruled<()> {
    for item in unsent(tx, record)?.into_iter().filter(Item::is_in_conflict) {
        tx.put(&Item { differs: Fields::new(), ..item.clone() })?;
        for (name, had) in item.differs {
            record.unasked.entry(name).or_insert(had);
        }
    }
    Ok(())
}

/// Takes these fields out of all that is unsent of a record, but for entries and what actions have done.
fn give_up(tx: &mut Tx<'_>, record: &mut Record, names: &BTreeSet<String>) -> Ruled<()> {
    let time = tx.schema.acted_at_field(&record.table);
    for mut item in unsent(tx, record)? {
        if !item.is_change() || !item.fields.keys().any(|name| names.contains(name)) {
            continue;
        }
        turn_away(tx, &item)?;
        // It may wait for less than before.
        tx.unsettled = true;
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

/// Whether the instance has changed the record once between the two.
pub(super) fn is_next(had: &Fields, now: &Fields) -> bool {
    count(had).zip(count(now)).is_some_and(|(had, now)| had.checked_add(1) == Some(now))
}

/// Whether the instance has changed the record between the two, as far as that is told.
pub(super) fn is_later(had: &Fields, now: &Fields) -> bool {
    match count(had).zip(count(now)) {
        Some((had, now)) => had < now,
        None => had.get(UPDATED) < now.get(UPDATED),
    }
}

/// Whether it is known how often it has.
fn are_counted(had: &Fields, now: &Fields) -> bool {
    count(had).is_some() && count(now).is_some()
}

fn count(row: &Fields) -> Option<u64> {
    row.get("sys_mod_count")?.parse().ok()
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
