//! IndexedDB. rexie opens, upgrades and reads; [`commit`] is a layer of our own and does all
//! that writes. `docs/decisions/0001-rexie.md` and `0002-commit.md` say why.

mod codec;
mod commit;
mod connection;
mod fault;
mod open;
mod promise;
mod query;
mod range;
mod schema;
mod store;
mod sys;

pub use connection::StoreNews;
pub use schema::VERSION;
pub use store::IdbStore;
