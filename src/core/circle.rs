//! Who waits for whom. A create waits only for records that are older, and for those of actions; an action waits for
//! whatever it mentions, and for what goes before it in each of its records. What would close a circle goes later.

use std::collections::BTreeSet;

use super::{
    stored::{Alias, Item, Record},
    tx::{Ruled, Tx},
};

/// Whether the unsent record `temporary` can only land once `item` has gone.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn waits_for(tx: &mut Tx<'_>, temporary: &str, item: &str) -> Ruled<bool> {
    let mut seen = BTreeSet::new();
    let mut ahead: Vec<String> = first_of(tx, temporary)?.into_iter().collect();
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
