//! The rules, without I/O: a pure function of what was read, what happened, the time and fresh ids.
//!
//! A rule runs over a [`Tx`] and leaves a [`WriteSet`] and events. The engine reads what the rule
//! asks for, commits what it leaves, and runs it again when the store says *stale*.

pub mod act;
pub mod acted;
pub mod along;
pub mod birth;
pub mod cache;
pub mod calls;
pub mod claim;
pub mod conflict;
pub mod family;
pub mod hand;
pub mod ids;
pub mod indexes;
pub mod lease;
pub mod pairing;
pub mod plan;
pub mod present;
pub mod pull;
pub mod receive;
pub mod reconcile;
pub mod retry;
pub mod schema;
pub mod seek;
pub mod stored;
pub mod twins;
pub mod values;
pub mod walk;
pub mod write;

mod body;
mod circle;
mod error;
mod event;
mod explain;
mod key;
mod later;
mod lay;
mod let_go;
mod order;
mod part;
mod row;
mod tx;
mod work;
mod write_set;

pub use error::CoreError;
pub use event::{Event, Evicted, Origin, Receipt, Ref, Settled};
pub use key::{Key, Part};
pub use row::{Row, RowKey, StoreName};
pub use tx::{Halt, Ruled, Tx, View};
pub use work::Work;
pub use write_set::{By, Commit, Durability, Expect, Found, Read, Scan, WriteSet};
