//! When the app says something else of its tables' parents than it did.

use std::collections::BTreeSet;

use super::{
    key::Key,
    row::{RowKey, StoreName},
    schema::Schema,
    stored::{Family, Pulled, Record, Stored as _},
    tx::{Ruled, Tx},
};

/// Keys every record by the topmost table of its family as it is now, and notes the parents.
///
/// Without this, a record made when `incident` had no parent could not be found once it extends `task`:
/// neither by the app nor by its own receipt.
///
/// # Errors
/// As [`Tx::get`].
pub fn settle(tx: &mut Tx<'_>) -> Ruled<()> {
    let schema = tx.schema;
    let known = tx.readable::<Family>(&Family::at())?;
    let now = Family { parents: schema.parents() };
    let Some(known) = known else { return tx.put(&now) };
    if known == now {
        return Ok(());
    }
    let mut before = Schema::default();
    before.remember(known.parents.clone());
    let tables = known.parents.keys().chain(now.parents.keys());
    let moved: BTreeSet<&str> =
        tables.filter(|table| !before.chain(table).eq(schema.chain(table))).map(|table| before.root(table)).collect();
    tx.each(moved, |tx, root| {
        let keys = tx.keyed_by(StoreName::Records, Key::from([root]))?;
        tx.each(keys, |tx, key| {
            let at = RowKey { store: StoreName::Records, key };
            if let Some(record) = tx.readable::<Record>(&at)? {
                if record.key(schema) != at.key {
                    tx.remove(at);
                }
                tx.put(&record)?;
            }
            Ok(())
        })
    })?;
    // What a pull has brought as a parent's may be a child's now: all of it is brought again.
    for key in tx.keyed_by(StoreName::Meta, Pulled::all())? {
        tx.remove(RowKey { store: StoreName::Meta, key });
    }
    tx.put(&now)
}
