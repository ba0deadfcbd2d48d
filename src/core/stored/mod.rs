//! The stored forms: what the bodies of rows mean, and how they are found.
//!
//! Fields are only ever added, each with a default, so that rows of older versions are read as they
//! stand; the snapshots in `tests/snapshots` hold one of each form.

mod action;
mod alias;
mod facts;
mod form;
mod indexes;
mod item;
mod opened;
mod pin;
mod pulled;
mod record;
mod wanted;

pub use action::{Action, Again, Asked, Call, Calling, Part};
pub use alias::Alias;
pub use facts::{Announced, Birth, Course, Fact, Family, LEASE_MS, Lease, Proofs, Unaudited};
use form::is_zero;
pub use form::{Stored, decode, mention};
pub use indexes::{Index, Indexes};
pub use item::{Item, ItemError, ItemKind, ItemState};
pub use opened::Opened;
pub use pin::Pin;
pub use pulled::{Deletions, Pulled};
pub use record::{Record, UPDATED};
pub use wanted::Wanted;
