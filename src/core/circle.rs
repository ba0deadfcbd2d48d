//! Who waits for whom. A create waits only for records that are older, and for those of actions; an action waits for
//! whatever it mentions, and for what goes before it in each of its records; and see [`order`](super::order). What would
//! close a circle goes later.

use std::collections::{BTreeSet, VecDeque};

use super::{
    stored::{Alias, Item, ItemState, Record},
    tx::{Ruled, Tx},
};

/// Whether the unsent record `temporary` can only land once `item` has gone.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn waits_for(tx: &mut Tx<'_>, temporary: &str, item: &str) -> Ruled<bool> {
    let first = first_of(tx, temporary)?.into_iter().collect();
    wait_for(tx, first, item)
}

/// Whether one of these items can only go once `item` has gone.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn wait_for(tx: &mut Tx<'_>, items: Vec<String>, item: &str) -> Ruled<bool> {
    any_ahead(tx, items, |_, other| Ok(other.id == item))
}

/// Whether an item, or one without which it cannot go, was refused, is to be paired, or mentions what will never be made.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn waits_for_the_user(tx: &mut Tx<'_>, item: &Item) -> Ruled<bool> {
    any_ahead(tx, vec![item.id.clone()], |tx, item| {
        let mut waits = matches!(item.state, ItemState::Refused | ItemState::Unpaired);
        for id in &item.mentions {
            waits |= tx.readable::<Alias>(&Alias::at(id))?.is_some_and(|alias| alias.dropped);
        }
        Ok(waits)
    })
}

/// Whether any of these items, or of those without which they cannot go, is such a one.
fn any_ahead(
    tx: &mut Tx<'_>,
    items: Vec<String>,
    mut is_such: impl FnMut(&mut Tx<'_>, &Item) -> Ruled<bool>,
) -> Ruled<bool> {
    let mut seen = BTreeSet::new();
    let mut ahead = items;
    while let Some(id) = ahead.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        let Some(other) = tx.readable::<Item>(&Item::at(&id))? else { continue };
        if is_such(tx, &other)? {
            return Ok(true);
        }
        for mentioned in &other.mentions {
            ahead.extend(first_of(tx, mentioned)?);
        }
        ahead.extend(other.after.iter().cloned());
        for (table, sys_id) in other.records().into_iter().filter(|_| other.behind) {
            let record = tx.readable::<Record>(&Record::at(tx.schema, table, sys_id))?;
            let items = record.map(|record| record.items).unwrap_or_default();
            ahead.extend(items.into_iter().take_while(|before| *before != id));
        }
    }
    Ok(false)
}

/// The item with which an unsent record lands.
fn first_of(tx: &mut Tx<'_>, temporary: &str) -> Ruled<Option<String>> {
    let Some(alias) = tx.readable::<Alias>(&Alias::at(temporary))?.filter(Alias::is_open) else { return Ok(None) };
    let record = tx.readable::<Record>(&Record::at(tx.schema, &alias.table, temporary))?;
    Ok(record.and_then(|record| record.items.first().cloned()))
}

/// The items of two records that turn out to be one, each list in its order. Of two actions that have another record in
/// common, each would wait for the other if this were not the order that they have there: the user's.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn in_order(tx: &mut Tx<'_>, there: Vec<String>, here: Vec<String>) -> Ruled<Vec<String>> {
    let (mut there, mut here) = (VecDeque::from(there), VecDeque::from(here));
    let mut merged = Vec::new();
    loop {
        let first = match (next(tx, &there)?, next(tx, &here)?) {
            (Some(a), Some(b)) if is_after(tx, &a, &b)? => &mut here,
            (None, _) if there.is_empty() => &mut here,
            _ => &mut there,
        };
        match first.pop_front() {
            Some(id) => merged.push(id),
            None => return Ok(merged),
        }
    }
}

/// What decides: the next action, else the next item at all.
fn next(tx: &mut Tx<'_>, items: &VecDeque<String>) -> Ruled<Option<Item>> {
    let mut first = None;
    for id in items {
        let Some(item) = tx.readable::<Item>(&Item::at(id))? else { continue };
        if item.action.is_some() {
            return Ok(Some(item));
        }
        first = first.or(Some(item));
    }
    Ok(first)
}

/// By what they wait for already; else by when the user acted, as far as clocks tell.
fn is_after(tx: &mut Tx<'_>, a: &Item, b: &Item) -> Ruled<bool> {
    if wait_for(tx, vec![a.id.clone()], &b.id)? {
        return Ok(true);
    }
    Ok(!wait_for(tx, vec![b.id.clone()], &a.id)? && (b.queued_at, &b.id) < (a.queued_at, &a.id))
}
