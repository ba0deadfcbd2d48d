//! Indexes of the app's own: which there are, what of a record is in them, and how those are filled that are new.
//!
//! They live inside the rows, so that a change of them needs no new version of the database and closes no tab. Which there
//! are is a row of its own, and every rule that writes a record expects to find it unchanged: a page of another version of
//! the app that is still open keeps the entries of this one.

use super::{
    key::{Key, Part},
    part,
    row::{RowKey, StoreName},
    schema::Schema,
    stored::{Index, Indexes, Record, Stored as _},
    tx::{Ruled, Tx},
    write_set::Scan,
};

/// Records written again in one step: other writers wait no longer than it lasts.
const A_STEP: u32 = 250;

/// What the app has declared, of each table and of its children.
fn declared(schema: &Schema) -> Vec<Index> {
    let mut all: Vec<Index> = Vec::new();
    let parents = schema.tables().filter_map(|(_, options)| options.extends.as_deref());
    for table in schema.tables().map(|(table, _)| table).chain(parents) {
        for fields in schema.indexes(table) {
            let types = fields.iter().map(|field| schema.type_of(table, field)).collect();
            let index = Index { table: table.to_owned(), fields: fields.to_vec(), types, filled: false };
            if !all.iter().any(|known| known.is_as(&index)) {
                all.push(index);
            }
        }
    }
    all
}

/// Takes over which indexes the app has declared.
///
/// # Errors
/// As [`Tx::get`].
pub fn declare(tx: &mut Tx<'_>) -> Ruled<()> {
    let known: Indexes = tx.fact()?;
    let mut all = declared(tx.schema);
    for index in &mut all {
        index.filled = known.all.iter().any(|known| known.filled && known.is_as(index));
    }
    if all.len() == known.all.len() && all.iter().all(|index| known.all.iter().any(|known| known.is_as(index))) {
        return Ok(());
    }
    tx.put(&Indexes { all, after: None })
}

/// Writes some records again, so that they are in the indexes that are new. Whether there are more.
///
/// # Errors
/// As [`Tx::get`].
pub fn fill(tx: &mut Tx<'_>) -> Ruled<bool> {
    let mut indexes: Indexes = tx.fact()?;
    if indexes.are_filled() {
        return Ok(false);
    }
    let scan = Scan { after: indexes.after.take(), ..Scan::key(StoreName::Records, Key::default()).limit(A_STEP) };
    let keys = tx.found(scan)?;
    let at = |key: &Key| RowKey { store: StoreName::Records, key: key.clone() };
    tx.want(keys.iter().map(at))?;
    for key in &keys {
        // One that nobody can read is found by nothing anyway.
        if let Some(record) = tx.readable::<Record>(&at(key))?.filter(|record| record.key(tx.schema) == *key) {
            tx.put(&record)?;
        }
    }
    let more = keys.len() >= A_STEP as usize;
    match keys.into_iter().next_back().filter(|_| more) {
        Some(last) => indexes.after = Some(last),
        None => indexes.all.iter_mut().for_each(|index| index.filled = true),
    }
    tx.put(&indexes)?;
    Ok(more)
}

/// The entries of a record.
pub(super) fn entries(record: &Record, schema: &Schema, indexes: &Indexes) -> Vec<Key> {
    if record.deleted || indexes.all.is_empty() {
        return Vec::new();
    }
    let of_table = |table| indexes.all.iter().filter(move |index| index.table == table);
    schema.chain(&record.table).flat_map(of_table).map(|index| entry(record, index)).collect()
}

fn entry(record: &Record, index: &Index) -> Key {
    let values = index.fields.iter().zip(&index.types).map(|(field, of)| part::of(record.value(field), *of));
    let parts: Vec<Part> = values.chain([Part::from(record.sys_id.as_str())]).collect();
    index.prefix().with(&Key::from(parts))
}
