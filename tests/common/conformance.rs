//! IndexedDB passes the suite every store must pass.

use landfall::{
    browser::IdbStore,
    ports::StoreError,
    testing::store_conformance::{self, Databases},
};
use wasm_bindgen_test::wasm_bindgen_test;

struct IndexedDb;

impl Databases for IndexedDb {
    type Store = IdbStore;

    async fn open(&self, name: &str) -> Result<IdbStore, StoreError> {
        super::open(name).await
    }
}

macro_rules! cases {
    ($($case:ident)*) => {
        $(
            #[wasm_bindgen_test]
            async fn $case() {
                store_conformance::$case(&IndexedDb, &super::fresh(stringify!($case))).await.unwrap();
            }
        )*
    };
}

landfall::store_conformance_cases!(cases);
