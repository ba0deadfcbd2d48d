//! The user's order between an action and a change of a record that it names, or that it changes where another names it:
//! whichever he did first goes first. Else a work order that is split and then closed would be closed first, and the split
//! refused.
//!
//! What waits for the user holds up nobody: neither that item, nor what cannot go before it.

use std::collections::BTreeSet;

use super::{
    circle::waits_for_the_user,
    row::{RowKey, StoreName},
    stored::{Item, ItemKind, Record, mention},
    tx::{Ruled, Tx},
};

/// The changes of a record that an action which names it is to go after. Its making is among what the action mentions.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn changes_of(tx: &mut Tx<'_>, record: &Record) -> Ruled<Vec<String>> {
    let mut before = Vec::new();
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    for id in &record.items {
        let Some(item) = tx.readable::<Item>(&Item::at(id))? else { continue };
        // Whatever is behind that one waits for the user too.
        if waits_for_the_user(tx, &item)? {
            break;
        }
        if item.kind != ItemKind::Create {
            before.push(item.id);
        }
    }
    Ok(before)
}

/// The actions that name a record: a change of it is to go after them, but for `item`, which is that change.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn naming(tx: &mut Tx<'_>, sys_id: &str, item: Option<&str>) -> Ruled<Vec<String>> {
    let naming = tx.found_by(StoreName::Outbox, Item::about(sys_id))?;
    tx.want(naming.iter().map(|key| Item::at(key.text(0))))?;
    let mut before = Vec::new();
    for id in naming.iter().map(|key| key.text(0)).filter(|id| Some(*id) != item) {
        let Some(action) = tx.readable::<Item>(&Item::at(id))? else { continue };
        if !waits_for_the_user(tx, &action)? {
            before.push(action.id);
        }
    }
    Ok(before)
}

/// The changes of a record that an action which names it is to go after: it is to find the record as they leave it, and
/// nothing that was done later may become part of them.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn followed(tx: &mut Tx<'_>, record: &Record) -> Ruled<BTreeSet<String>> {
    let naming = tx.found_by(StoreName::Outbox, Item::about(&record.sys_id))?;
    tx.want(naming.iter().map(|key| Item::at(key.text(0))))?;
    let mut followed = BTreeSet::new();
    for key in naming {
        let Some(action) = tx.readable::<Item>(&Item::at(key.text(0)))? else { continue };
        // Its making.
        followed.extend(record.items.first().filter(|_| action.mentions.contains(&record.sys_id)).cloned());
        followed.extend(action.after);
    }
    Ok(followed)
}

/// What was to go after this item, which is no more, goes after what it was to go after itself.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn let_follow(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    // A create is in nobody's `after`.
    if item.kind == ItemKind::Create {
        return Ok(());
    }
    let following = tx.found_by(StoreName::Outbox, mention(&item.id))?;
    // As it is now: one that it waited for may just have gone, too.
    let before = tx.readable::<Item>(&Item::at(&item.id))?.map_or_else(|| item.after.clone(), |now| now.after);
    tx.each(following, |tx, key| {
        let Some(mut next) = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key })? else { return Ok(()) };
        let after: BTreeSet<String> = next.after.drain(..).chain(before.iter().cloned()).collect();
        next.after = after.into_iter().filter(|id| *id != item.id).collect();
        tx.put(&next)
    })
}

/// This item waits for the user from now on, and with it whatever cannot go before it: to have been before something else is
/// no reason to hold that up.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn hold_up_nobody(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    let mut seen = BTreeSet::new();
    let mut held = vec![item.clone()];
    while let Some(item) = held.pop() {
        if !seen.insert(item.id.clone()) {
            continue;
        }
        let_follow(tx, &item)?;
        held.extend(held_by(tx, &item)?);
    }
    Ok(())
}

/// What waits for an item itself: what mentions that which it makes, and what is behind it.
fn held_by(tx: &mut Tx<'_>, item: &Item) -> Ruled<Vec<Item>> {
    let mut ids = Vec::new();
    for (table, sys_id) in item.records() {
        let record = tx.readable::<Record>(&Record::at(tx.schema, table, sys_id))?;
        let items = record.map(|record| record.items).unwrap_or_default();
        ids.extend(items.into_iter().skip_while(|id| *id != item.id).skip(1));
    }
    for (_, temporary) in item.makes() {
        let mentioning = tx.found_by(StoreName::Outbox, mention(temporary))?;
        ids.extend(mentioning.iter().map(|key| key.text(0).to_owned()));
    }
    tx.want(ids.iter().map(|id| Item::at(id)))?;
    let mut held = Vec::new();
    for id in ids {
        held.extend(tx.readable::<Item>(&Item::at(&id))?);
    }
    Ok(held)
}
