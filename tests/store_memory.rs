//! The in-memory store passes the suite every store must pass.
#![cfg(not(target_family = "wasm"))]

use futures_executor::block_on;
use landfall::{
    core::{Commit, Key, Row, StoreName, WriteSet},
    ports::{Store, StoreError},
    testing::{
        MemoryDatabase, MemoryStore,
        store_conformance::{self, Databases},
    },
};

struct Memory(MemoryDatabase);

impl Databases for Memory {
    type Store = MemoryStore;

    async fn open(&self, _: &str) -> Result<MemoryStore, StoreError> {
        Ok(self.0.open())
    }
}

macro_rules! cases {
    ($($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                let database = Memory(MemoryDatabase::new());
                block_on(store_conformance::$case(&database, stringify!($case))).unwrap();
            }
        )*
    };
}

landfall::store_conformance_cases!(cases);

#[test]
fn a_commit_fails_once_when_told_to_and_the_hook_sees_only_what_was_done() {
    let database = MemoryDatabase::new();
    let store = database.open();
    let seen = std::rc::Rc::new(std::cell::Cell::new(0));
    let counter = seen.clone();
    database.after_commit(move |set| counter.set(counter.get() + set.puts.len()));
    let row = Row { key: Key::from(["a"]), rev: 1.0, index: vec![], body: String::from("{}").into() };
    let set = WriteSet { puts: vec![(StoreName::Meta, row)], ..WriteSet::default() };
    database.fail_next_commit(StoreError::Full("no room".into()));
    assert_eq!(block_on(store.commit(&set)), Err(StoreError::Full("no room".into())));
    assert!(database.rows(StoreName::Meta).is_empty());
    assert_eq!(seen.get(), 0);
    assert_eq!(block_on(store.commit(&set)), Ok(Commit::Done));
    assert_eq!(seen.get(), 1);
}
