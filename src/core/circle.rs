//! Who waits for whom. A create waits only for records that are older, and for those of actions; an action waits for
//! whatever it mentions, and for what goes before it in each of its records; and see [`order`](super::order). What would
//! close a circle goes later.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    plan::{Known, Step, next_step},
    stored::{Alias, Announced, Item, ItemState, Lease, Proofs, Record},
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
    let mut found = false;
    walk(tx, items, true, |other, _| {
        found |= other.id == item;
        found
    })?;
    Ok(found)
}

/// For what of the user these items, and those without which they cannot go, wait, whatever he did before them: by the items
/// that he has to do something about, and the records that will never be made. What waits for nothing of his is left out.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn wait_for_the_user(tx: &mut Tx<'_>, items: Vec<String>) -> Ruled<BTreeMap<String, BTreeSet<String>>> {
    let (mut reasons, mut mentions, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut behind: BTreeMap<String, Vec<String>> = BTreeMap::new();
    walk(tx, items, false, |item, ahead| {
        if matches!(item.state, ItemState::Refused | ItemState::Unpaired) || item.is_in_conflict() {
            reasons.push((item.id.clone(), item.id.clone()));
        }
        if item.state == ItemState::Unknown {
            lost.push(item.clone());
        }
        mentions.extend(item.mentions.iter().map(|id| (item.id.clone(), id.clone())));
        for before in ahead {
            behind.entry(before.clone()).or_default().push(item.id.clone());
        }
        false
    })?;
    for (item, id) in mentions {
        if tx.readable::<Alias>(&Alias::at(&id))?.is_some_and(|alias| alias.dropped) {
            reasons.push((item, id));
        }
    }
    for item in lost {
        // What comes only after it waits until it is settled: it may have been carried out.
        if is_yours_to_tell(tx, &item)? {
            let following = behind.get(&item.id).into_iter().flatten();
            reasons.extend(following.map(|next| (next.clone(), item.id.clone())));
        }
    }
    let mut waits: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    while let Some((item, reason)) = reasons.pop() {
        if waits.entry(item.clone()).or_default().insert(reason.clone()) {
            let following = behind.get(&item).into_iter().flatten();
            reasons.extend(following.map(|next| (next.clone(), reason.clone())));
        }
    }
    Ok(waits)
}

/// Whether it has left, and only the user can tell what became of it.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn is_yours_to_tell(tx: &mut Tx<'_>, item: &Item) -> Ruled<bool> {
    if item.state != ItemState::Unknown {
        return Ok(false);
    }
    tx.glance(|tx| {
        let lease = tx.fact::<Lease>()?;
        let proofs = tx.fact::<Proofs>()?;
        let keys = tx.fact::<Announced>()?.keys();
        let step = next_step(&Known { schema: tx.schema, proofs: &proofs, keys, now: tx.now }, item);
        Ok(step == Step::Ask && !(item.sent_under == Some(lease.number) && lease.is_held(tx.now)))
    })
}

/// These items and those without which they cannot go, level by level, each with those ahead of it, until it is enough.
/// `ordered`: also what goes first only because the user did it first.
fn walk(
    tx: &mut Tx<'_>,
    items: Vec<String>,
    ordered: bool,
    mut is_enough: impl FnMut(&Item, &[String]) -> bool,
) -> Ruled<()> {
    let mut seen = BTreeSet::new();
    let mut level = items;
    while !level.is_empty() {
        level.retain(|id| seen.insert(id.clone()));
        tx.want(level.iter().map(|id| Item::at(id)))?;
        let mut here = Vec::new();
        for id in level.drain(..) {
            here.extend(tx.readable::<Item>(&Item::at(&id))?);
        }
        tx.want(here.iter().flat_map(|item| &item.mentions).map(|id| Alias::at(id)))?;
        let mut of_these = Ok(());
        for item in &here {
            match ahead_of(tx, item) {
                Ok(mut ahead) => {
                    ahead.extend(item.after.iter().filter(|_| ordered).cloned());
                    if is_enough(item, &ahead) {
                        return Ok(());
                    }
                    level.append(&mut ahead);
                }
                missing => of_these = missing.map(drop),
            }
        }
        of_these?;
    }
    Ok(())
}

/// What makes the records that an item mentions, and what stands before it in each of its own.
fn ahead_of(tx: &mut Tx<'_>, item: &Item) -> Ruled<Vec<String>> {
    let mut ahead = Vec::new();
    for mentioned in &item.mentions {
        ahead.extend(first_of(tx, mentioned)?);
    }
    for (table, sys_id) in item.behind_in() {
        let record = tx.readable::<Record>(&Record::at(tx.schema, table, sys_id))?;
        let items = record.map(|record| record.items).unwrap_or_default();
        // All of them: one in between may wait for none of these itself.
        ahead.extend(items.into_iter().take_while(|before| *before != item.id));
    }
    Ok(ahead)
}

/// The item with which an unsent record lands.
fn first_of(tx: &mut Tx<'_>, temporary: &str) -> Ruled<Option<String>> {
    let Some(alias) = tx.readable::<Alias>(&Alias::at(temporary))?.filter(Alias::is_open) else { return Ok(None) };
    let record = tx.readable::<Record>(&Record::at(tx.schema, &alias.table, temporary))?;
    Ok(record.and_then(|record| record.items.first().cloned()))
}

/// The items of two records that turn out to be one, each list in its order. What already waits for the other list goes
/// after it. Of two actions that have another record in common, each would wait for the other if this were not the order
/// that they have there: the user's.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn in_order(tx: &mut Tx<'_>, there: Vec<String>, here: Vec<String>) -> Ruled<Vec<String>> {
    let (mut there, mut here) = (VecDeque::from(there), VecDeque::from(here));
    let mut merged = Vec::new();
    loop {
        let here_first = match (there.front().cloned(), here.front().cloned()) {
            // To wait for any of the other list is to wait for its head: with this nothing goes before what it waits for.
            (Some(a), Some(b)) if wait_for(tx, vec![a.clone()], &b)? => true,
            (Some(a), Some(b)) if wait_for(tx, vec![b.clone()], &a)? => false,
            (Some(_), Some(_)) => match (next(tx, &there)?, next(tx, &here)?) {
                (Some(a), Some(b)) => is_after(tx, &a, &b)?,
                _ => false,
            },
            (there, _) => there.is_none(),
        };
        match if here_first { here.pop_front() } else { there.pop_front() } {
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
