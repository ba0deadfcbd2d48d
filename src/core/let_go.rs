//! What has left the record is to leave its items too: an item waits for every record it mentions, and is dropped with
//! it.

use super::{
    schema::Reference,
    stored::{Item, ItemKind, ItemState, Record},
    tx::{Ruled, Tx},
    values::Mention,
    write::{fold, reword, takes_edits},
};
use crate::wire::value::Fields;

/// Whatever item the edit goes into, an earlier one would still wait for the record that it points away from, and be
/// dropped with that one.
pub(super) fn let_go(
    tx: &mut Tx<'_>,
    record: &Record,
    into: Option<&Item>,
    changes: &Fields,
    open: &[Mention],
) -> Ruled<()> {
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    for id in record.items.iter().filter(|id| into.is_none_or(|into| into.id != **id)) {
        let Some(item) = tx.item(id)?.filter(takes_edits) else { continue };
        let mentions = |text: &String| item.mentions.iter().any(|id| text.contains(id.as_str()));
        let held = changes.iter().filter(|(name, _)| item.fields.get(*name).is_some_and(mentions));
        let mut held: Fields = held.map(|(name, value)| (name.clone(), value.clone())).collect();
        // An id goes nowhere without the table that it is of.
        for name in held.keys().cloned().collect::<Vec<_>>() {
            if let Some(Reference::Named { table }) = tx.schema.reference(&record.table, &name)
                && let Some(value) = changes.get(&table)
            {
                held.insert(table, value.clone());
            }
        }
        if !held.is_empty() {
            fold(tx, item, held, open)?;
        }
    }
    Ok(())
}

/// A create that had left when its record was pointed away from `id`, or whose record an action has pointed away, without
/// the fields that still do: they have a later value, and it goes in a later item. `None` where the record itself still points there.
///
/// Only for when `id` is given up: as long as it is not, that later item may be given up first.
pub(super) fn outgrown(tx: &mut Tx<'_>, item: &Item, id: &str) -> Ruled<Option<Item>> {
    if item.kind != ItemKind::Create {
        return Ok(None);
    }
    let Some(record) = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))? else {
        return Ok(None);
    };
    let (past, fields): (Fields, Fields) = item.fields.clone().into_iter().partition(|(name, text)| {
        let shown = record.fields.get(name).is_some_and(|shown| shown.contains(id));
        text.contains(id) && !shown && !tx.schema.is_journal(&item.table, name)
    });
    if fields.values().any(|text| text.contains(id)) {
        return Ok(None);
    }
    let mut kept = Item { fields, ..item.clone() };
    reword(tx, &mut kept, Fields::new(), &[]);
    if item.sent_at.is_some() {
        kept.amended.extend(past.into_keys());
    }
    if item.state == ItemState::Unknown {
        // It is another request now, but what became of the first is known no better.
        kept = Item { fields: kept.fields, mentions: kept.mentions, amended: kept.amended, ..item.clone() };
    }
    Ok(Some(kept))
}
