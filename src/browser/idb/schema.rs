//! What the database is made of. Tables, fields and indexes of the app are not: they live inside
//! rows, so no app ever needs a version of its own.
//!
//! This file names nothing of the browser, so that a native test can read it.

use crate::core::StoreName;

/// Goes up when a store is added. Older code then gets `VersionError` instead of the database.
pub const VERSION: u32 = 1;

/// Of every store: the property that holds the primary key.
pub const KEY: &str = "key";

/// Of every store: its one index, and the property it is over.
pub const INDEX: &str = "index";

/// All stores. rexie deletes those it is not told of, rows and all, without a word: so this is
/// the whole list, always, and `tests/store_schema.rs` sees to it that it only grows.
pub fn stores() -> [&'static str; StoreName::ALL.len()] {
    StoreName::ALL.map(StoreName::as_str)
}
