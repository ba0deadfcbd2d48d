//! A record is what the instance has of it, with what is unsent laid over that.

use super::{
    stored::{Item, Record},
    tx::{Ruled, Tx},
    values::open_mentions,
};
use crate::wire::value::Fields;

/// Lays the record's unsent items over what the instance has now, and writes the record.
pub(super) fn rebase(tx: &mut Tx<'_>, record: &mut Record, base: Fields, outdated: bool) -> Ruled<()> {
    record.fetched_at = Some(tx.now);
    record.outdated = outdated;
    record.acted.retain(|_, _| outdated);
    lay(tx, record, base)
}

/// Lays the record's unsent items over `base`, frees the first of them to be sent, and writes the record.
pub(super) fn lay(tx: &mut Tx<'_>, record: &mut Record, base: Fields) -> Ruled<()> {
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    record.fields.clone_from(&base);
    for (position, id) in record.items.clone().iter().enumerate() {
        let Some(mut item) = tx.item(id)? else { continue };
        if let Some(action) = &mut item.action {
            if let Some(part) = action.part_mut(tx.schema, &record.table, &record.sys_id) {
                record.fields.extend(part.fields.clone());
                part.table.clone_from(&record.table);
                part.behind = position > 0;
            }
            item.behind = action.parts.iter().any(|part| part.behind);
        } else {
            record.fields.extend(item.fields.clone());
            item.sys_id.clone_from(&record.sys_id);
            item.table.clone_from(&record.table);
            item.behind = position > 0;
        }
        tx.put(&item)?;
    }
    record.base = (!record.items.is_empty() && !record.is_temporary()).then_some(base);
    record.mentions = open_mentions(tx, record)?;
    tx.put(record)
}

/// The same, over what lies under them now.
pub(super) fn lay_anew(tx: &mut Tx<'_>, mut record: Record) -> Ruled<()> {
    // None where the instance has never had it.
    let base = record.base.take().unwrap_or_default();
    tx.changed(&record.table, &record.sys_id);
    lay(tx, &mut record, base)
}
