//! The user's order between an action and a change of a record that it names, or that it changes where another names it:
//! whichever he did first goes first. Else a work order that is split and then closed would be closed first, and the split
//! refused. Two that only name the same record are as two that read: neither waits for the other.
//!
//! What waits for the user holds up nobody that does not wait for the same: see [`hold_up_nobody`].

use std::collections::BTreeSet;

use super::{
    circle::wait_for_the_user,
    row::{RowKey, StoreName},
    stored::{Item, ItemKind, Record, mention},
    tx::{Ruled, Tx},
};

/// The changes of a record that an action which names it is to go after. Its making is among what the action mentions.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn changes_of(tx: &mut Tx<'_>, record: &Record) -> Ruled<Vec<String>> {
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    let mut changes = Vec::new();
    for id in &record.items {
        let item = tx.readable::<Item>(&Item::at(id))?;
        changes.extend(item.filter(|item| item.kind != ItemKind::Create).map(|item| item.id));
    }
    Ok(changes)
}

/// The actions that name a record: a change of it is to go after them, but for `item`, which is that change.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn naming(tx: &mut Tx<'_>, sys_id: &str, item: Option<&str>) -> Ruled<Vec<String>> {
    let naming = tx.found_by(StoreName::Outbox, Item::about(sys_id))?;
    let others = naming.iter().map(|key| key.text(0)).filter(|id| Some(*id) != item);
    Ok(others.map(str::to_owned).collect())
}

/// Whether one of these items waits for something of the user that the other does not wait for: they are in no order then.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn is_parted(tx: &mut Tx<'_>, item: &str, from: &str) -> Ruled<bool> {
    let waits = wait_for_the_user(tx, vec![item.to_owned(), from.to_owned()])?;
    let of = |id: &str| waits.get(id).cloned().unwrap_or_default();
    Ok(!of(item).is_subset(&of(from)))
}

/// The changes of a record that an action which names it is to go after: it is to find the record as these leave it.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn followed(tx: &mut Tx<'_>, record: &Record) -> Ruled<BTreeSet<String>> {
    let naming = naming(tx, &record.sys_id, None)?;
    tx.want(naming.iter().map(|id| Item::at(id)))?;
    let mut followed = BTreeSet::new();
    for id in naming {
        let action = tx.readable::<Item>(&Item::at(&id))?;
        followed.extend(action.into_iter().flat_map(|action| action.after));
    }
    Ok(followed)
}

/// What the engine itself puts before the later changes of a record goes before the actions that name it, too.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn put_before_naming(tx: &mut Tx<'_>, sys_id: &str, items: &[String]) -> Ruled<()> {
    let naming = naming(tx, sys_id, None)?;
    tx.each(naming, |tx, id| {
        let Some(mut action) = tx.readable::<Item>(&Item::at(&id))? else { return Ok(()) };
        action.after.extend(items.iter().cloned());
        tx.put(&action)
    })
}

/// Nothing goes after this item any more: it is leaving.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn let_follow(tx: &mut Tx<'_>, item: &str) -> Ruled<()> {
    let following = tx.found_by(StoreName::Outbox, mention(item))?;
    tx.each(following, |tx, key| {
        let Some(mut next) = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key })? else { return Ok(()) };
        next.after.retain(|id| id != item);
        tx.put(&next)
    })
}

/// Lets go what would wait for the user only because he did something else before: where that is refused, is to be paired,
/// or waits for such a one, to have been first is no reason to hold up what does not depend on it. What waits for the same
/// anyway keeps its order.
///
/// For the end of a rule that may have brought that about (`unsettled`): in the middle of one, a half of what belongs together
/// seems to wait alone.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn hold_up_nobody(tx: &mut Tx<'_>) -> Ruled<()> {
    if !tx.unsettled {
        return Ok(());
    }
    let ordered = tx.found_by(StoreName::Outbox, Item::ordered())?;
    let ordered: Vec<String> = ordered.iter().map(|key| key.text(0).to_owned()).collect();
    part(tx, &ordered)
}

/// The same of these items: nothing else has come to wait for anything.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn part(tx: &mut Tx<'_>, items: &[String]) -> Ruled<()> {
    tx.want(items.iter().map(|id| Item::at(id)))?;
    let mut ordered = Vec::new();
    for id in items {
        ordered.extend(tx.readable::<Item>(&Item::at(id))?.filter(|item| !item.after.is_empty()));
    }
    let both = ordered.iter().flat_map(|item| item.after.iter().chain([&item.id])).cloned().collect();
    let waits = wait_for_the_user(tx, both)?;
    let of = |id: &str| waits.get(id).into_iter().flatten().collect::<BTreeSet<&String>>();
    for mut item in ordered {
        let own = of(&item.id);
        let mut kept = Vec::new();
        for id in &item.after {
            // What nobody can read holds up nothing but itself.
            if tx.readable::<Item>(&Item::at(id))?.is_some() && of(id).is_subset(&own) {
                kept.push(id.clone());
            }
        }
        if kept.len() < item.after.len() {
            item.after = kept;
            tx.put(&item)?;
        }
    }
    Ok(())
}
