//! The list of stores only grows, and never without a new version.
//!
//! rexie deletes every store it is not told of. A store left out of the list by a slip would go,
//! rows and all, from each device that opens the new version.
#![cfg(not(target_family = "wasm"))]

use landfall::core;

// Read as a file of this test: its room stands only in Wasm.
#[allow(dead_code, missing_docs)]
#[path = "../src/browser/idb/schema.rs"]
mod schema;

/// Every version there ever was, with its stores. Add to it; change nothing. `stored_databases` wants a database of each.
const HISTORY: [(u32, &[&str]); 1] = [(1, &["records", "outbox", "aliases", "meta"])];

#[test]
fn stores_only_grow() {
    for pair in HISTORY.windows(2) {
        assert!(pair[0].0 < pair[1].0);
        assert!(pair[0].1.iter().all(|store| pair[1].1.contains(store)));
    }
}

#[test]
fn the_list_is_that_of_its_version() {
    let (version, stores) = HISTORY[HISTORY.len() - 1];
    assert_eq!((schema::VERSION, schema::stores().as_slice()), (version, stores));
    assert_eq!((schema::KEY, schema::INDEX), ("key", "index"));
}
