//! What every store must do, asked of each in the same words.
//!
//! [`store_conformance_cases`](crate::store_conformance_cases) lists the cases, so that each
//! place that runs them (natively, in a page, in a worker) gives them the attribute it needs.

// A test that is compiled as a library: its way to say no is to panic.
#![allow(clippy::panic)]

mod commits;
mod life;
mod rows;
mod scans;

pub use commits::*;
pub use life::*;
pub use rows::*;
pub use scans::*;

use crate::{
    core::{Commit, Expect, Found, Key, Part, Read, Row, RowKey, Scan, StoreName, WriteSet},
    ports::{Store, StoreError},
};

/// Opens databases of one kind of store.
pub trait Databases {
    /// The kind.
    type Store: Store;
    /// One more context's store of the database called `name`, which is made where there is none.
    fn open(&self, name: &str) -> impl Future<Output = Result<Self::Store, StoreError>>;
}

/// How a case ends: by an assertion, or by an error no store should give.
pub type Outcome = Result<(), StoreError>;

/// Calls `$with!` with the names of all cases.
#[macro_export]
macro_rules! store_conformance_cases {
    ($with:ident) => {
        $with! {
            a_row_is_read_as_it_was_written
            odd_text_survives
            a_put_replaces_row_and_index
            a_delete_removes_row_and_index
            one_read_answers_in_order_and_sees_one_state
            scans_by_key_take_a_prefix
            scans_by_index_answer_once_for_each_entry
            keys_are_ordered_as_indexeddb_does
            scans_go_on_after_a_key
            scans_take_a_limit
            scans_go_backwards
            scans_keep_within_bounds
            rows_are_sifted_a_few_at_a_time
            a_commit_with_the_right_revision_is_done
            a_commit_with_a_wrong_revision_writes_nothing
            a_row_made_again_is_another_row
            a_phantom_makes_a_commit_stale
            expected_keys_heed_limit_and_order
            a_put_wins_over_a_delete_of_the_same_row
            an_empty_commit_is_done
            a_commit_is_all_or_nothing
            of_two_commits_from_one_revision_one_is_done
            many_at_once_in_one_context
            two_thousand_rows
            rows_survive_close_and_reopen
            a_closed_store_says_so
            a_destroyed_store_is_empty_when_made_again
        }
    };
}

fn text(parts: &[&str]) -> Key {
    Key(parts.iter().map(|part| Part::from(*part)).collect())
}

fn row(key: &[&str], rev: f64, index: &[&[&str]]) -> Row {
    Row {
        key: text(key),
        rev,
        index: index.iter().map(|entry| text(entry)).collect(),
        body: format!(r#"{{"key":{key:?}}}"#).into(),
    }
}

fn at(store: StoreName, key: &[&str]) -> RowKey {
    RowKey { store, key: text(key) }
}

fn puts(store: StoreName, rows: impl IntoIterator<Item = Row>) -> WriteSet {
    WriteSet { puts: rows.into_iter().map(|row| (store, row)).collect(), ..WriteSet::default() }
}

fn expecting(expect: Expect, set: WriteSet) -> WriteSet {
    WriteSet { expect: vec![expect], ..set }
}

async fn write(store: &impl Store, set: WriteSet) -> Outcome {
    assert_eq!(store.commit(&set).await?, Commit::Done);
    Ok(())
}

async fn get(store: &impl Store, at: RowKey) -> Result<Option<Row>, StoreError> {
    match store.read(&[Read::Row(at)]).await?.pop() {
        Some(Found::Row(row)) => Ok(row),
        other => panic!("asked for a row, got {other:?}"),
    }
}

/// The primary keys a scan finds. Its rows and its count are asked for as well, in the same
/// breath, and must agree.
async fn keys(store: &impl Store, scan: Scan) -> Result<Vec<Key>, StoreError> {
    let reads = [Read::Keys(scan.clone()), Read::Rows(scan.clone()), Read::Count(scan.clone())];
    let found = store.read(&reads).await?;
    let [Found::Keys(keys), Found::Rows(rows), Found::Count(count)] = found.as_slice() else {
        panic!("asked for keys, rows and a count, got {found:?}");
    };
    let of_rows: Vec<Key> = rows.iter().map(|row| row.key.clone()).collect();
    assert_eq!(*keys, of_rows, "keys and rows of {scan:?} differ");
    assert_eq!(keys.len(), *count as usize, "keys and count of {scan:?} differ");
    Ok(keys.clone())
}
