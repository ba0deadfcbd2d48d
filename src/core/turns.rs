//! The turn of an action that names a record without changing it: what the user did to the record before goes first, what
//! he does to it next goes after, so that the instance finds it as it was when he acted.

use super::{
    act::keep_base,
    circle::wait_for,
    hand::lay_anew,
    row::{RowKey, StoreName},
    stored::{Item, ItemKind, ItemState, Part, Record},
    tx::{Ruled, Tx},
};

/// Puts the actions that name a record among what is unsent of it, before the user changes it by the action `by`, if it is
/// one. One that was refused, or that was carried out, holds nothing up.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn let_turns_be_taken(tx: &mut Tx<'_>, record: &mut Record, by: &str) -> Ruled<()> {
    for key in tx.found_by(StoreName::Outbox, Item::about(&record.sys_id))? {
        let Some(mut item) = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key })? else { continue };
        let waits = matches!(item.state, ItemState::Queued | ItemState::Unknown);
        // Two contexts may act in the same moment, and which came first nobody can tell then by the ids.
        if waits && item.id != by && !record.items.contains(&item.id) && !wait_for(tx, record.items.clone(), &item.id)?
        {
            take_turn(tx, &mut item, record);
            tx.put(&item)?;
        }
    }
    Ok(())
}

/// Puts an action last. Nothing of the record changes by it before the instance has spoken.
pub(super) fn take_turn(tx: &Tx<'_>, item: &mut Item, record: &mut Record) {
    let Some(action) = item.action.as_mut() else { return };
    if action.part(tx.schema, &record.table, &record.sys_id).is_some() {
        return;
    }
    keep_base(record);
    let (table, sys_id, behind) = (record.table.clone(), record.sys_id.clone(), !record.items.is_empty());
    action.parts.push(Part { table, sys_id, behind, kind: ItemKind::Update, ..Part::default() });
    item.behind |= behind;
    record.items.push(item.id.clone());
}

/// Gives back the turns of an action that waits for the user: what he did to records that it only names goes on.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn give_turns_back(tx: &mut Tx<'_>, item: &mut Item) -> Ruled<()> {
    let Some(action) = item.action.as_mut() else { return Ok(()) };
    let (turns, kept): (Vec<Part>, Vec<Part>) = std::mem::take(&mut action.parts).into_iter().partition(Part::is_turn);
    action.parts = kept;
    item.behind = action.parts.iter().any(|part| part.behind);
    tx.put(item)?;
    let id = item.id.clone();
    tx.each(turns, |tx, part| {
        let Some(mut record) = tx.record(&part.table, &part.sys_id)? else { return Ok(()) };
        record.items.retain(|known| *known != id);
        lay_anew(tx, record)
    })
}
