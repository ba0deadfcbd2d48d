//! What of an item can only follow it: it goes in another behind it.

use super::{
    circle::waits_for,
    ids,
    stored::{Item, ItemKind, Record},
    tx::{Ruled, Tx},
    values::Mention,
};
use crate::wire::value::Fields;

/// Takes out the fields that mention a record not older than `temporary`.
///
/// A create thus only ever waits for older ones, so that no circle of records, nor one that points to
/// itself, waits for ever: such a reference follows in an update once both have their ids.
pub(super) fn split_circular(fields: &mut Fields, open: &[Mention], temporary: &str) -> Fields {
    let mut later = Fields::new();
    for mention in open.iter().filter(|mention| mention.id.as_str() >= temporary) {
        later.extend(fields.remove_entry(&mention.field));
    }
    later
}

/// Takes out of an edit what can only follow the item, which from then on holds nothing in these fields either: else a
/// create would go on waiting for a record it no longer points to, and vanish with it.
///
/// An action that follows may make what a change is to point to, or wait for it: neither would ever go. The change then
/// holds what the instance has anyway by then.
pub(super) fn split_later(tx: &mut Tx<'_>, item: &mut Item, changes: &mut Fields, open: &[Mention]) -> Ruled<Fields> {
    let creates = item.kind == ItemKind::Create;
    let Some(record) = tx.record(&item.table, &item.sys_id)?.filter(|_| creates || !item.journal) else {
        // An entry has nothing else in it.
        return Ok(Fields::new());
    };
    let mut later = match creates {
        true => split_circular(changes, open, &item.sys_id),
        false if is_followed_by_action(tx, &record, &item.id)? => {
            split_circular(changes, open, &format!("{}{}", ids::PREFIX, item.id))
        }
        false => Fields::new(),
    };
    // What an action makes may be older than what the action waits for.
    for mention in open {
        if changes.contains_key(&mention.field) && waits_for(tx, &mention.id, &item.id)? {
            later.extend(changes.remove_entry(&mention.field));
        }
    }
    let had = if creates || later.is_empty() { Fields::new() } else { before(tx, &record, &item.id)? };
    for name in later.keys().filter(|name| item.fields.contains_key(*name)) {
        let had = had.get(name).cloned().unwrap_or_default();
        for id in ids::find(&had) {
            if tx.alias(id)?.is_some_and(|alias| alias.is_open()) {
                item.mentions.push(id.to_owned());
            }
        }
        changes.insert(name.clone(), had);
    }
    Ok(later)
}

/// The record as what goes before an item leaves it.
fn before(tx: &mut Tx<'_>, record: &Record, id: &str) -> Ruled<Fields> {
    let earlier: Vec<&String> = record.items.iter().take_while(|known| *known != id).collect();
    tx.want(earlier.iter().map(|id| Item::at(id)))?;
    let mut fields = record.base.clone().unwrap_or_default();
    for id in earlier {
        let Some(item) = tx.readable::<Item>(&Item::at(id))? else { continue };
        let part = item.action.as_ref().and_then(|action| action.part(tx.schema, &record.table, &record.sys_id));
        fields.extend(part.map_or(&item.fields, |part| &part.fields).clone());
    }
    Ok(fields)
}

/// Whether an action is among what is unsent of a record behind an item, which is none itself.
pub(super) fn is_followed_by_action(tx: &mut Tx<'_>, record: &Record, id: &str) -> Ruled<bool> {
    let later: Vec<&String> = record.items.iter().skip_while(|known| *known != id).collect();
    tx.want(later.iter().map(|id| Item::at(id)))?;
    let mut followed = false;
    for id in later {
        followed |= tx.readable::<Item>(&Item::at(id))?.is_some_and(|item| item.action.is_some());
    }
    Ok(followed)
}
