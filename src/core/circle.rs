//! Who waits for whom. A create waits only for records that are older, and for those of actions; an action waits for
//! whatever it mentions, and for what goes before it in each of its records. What would close a circle goes later.

use std::collections::{BTreeSet, VecDeque};

use super::{
    stored::{Alias, Item, Record},
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
    let mut seen = BTreeSet::new();
    let mut ahead = items;
    while let Some(id) = ahead.pop() {
        if id == item {
            return Ok(true);
        }
        if !seen.insert(id.clone()) {
            continue;
        }
        let Some(other) = tx.readable::<Item>(&Item::at(&id))? else { continue };
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

/// An item of a record, and when the user acted that it goes before, or is.
type Turn = (Option<(u64, String)>, String);

/// The items of two records that turn out to be one, each list in its order, the user's first action before the other: of
/// two that have another record in common, each would wait for the other else.
///
/// # Errors
/// As [`Tx::want`].
pub(super) fn in_order(tx: &mut Tx<'_>, there: Vec<String>, here: Vec<String>) -> Ruled<Vec<String>> {
    tx.want(there.iter().chain(&here).map(|id| Item::at(id)))?;
    let mut acted_at = |ids: Vec<String>| -> Ruled<VecDeque<Turn>> {
        let mut next = None;
        let mut all = VecDeque::new();
        for id in ids.into_iter().rev() {
            if let Some(item) = tx.readable::<Item>(&Item::at(&id))?.filter(|item| item.action.is_some()) {
                next = Some((item.queued_at, item.id));
            }
            all.push_front((next.clone(), id));
        }
        Ok(all)
    };
    let (mut there, mut here) = (acted_at(there)?, acted_at(here)?);
    let mut merged = Vec::new();
    loop {
        let first = match (there.front(), here.front()) {
            (Some((Some(a), _)), Some((Some(b), _))) if b < a => &mut here,
            (Some((None, _)), Some((Some(_), _))) => &mut here,
            (Some(_), _) => &mut there,
            (None, _) => &mut here,
        };
        match first.pop_front() {
            Some((_, id)) => merged.push(id),
            None => return Ok(merged),
        }
    }
}
