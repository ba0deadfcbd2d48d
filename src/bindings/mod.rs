//! The JavaScript surface. Thin: arguments are checked, the engine is called, and what it says is handed back.
//!
//! * `landfall`, `table`, `transaction`, `outbox`, `action`: the exported classes. `opened`, `registry`: one client a database and page.
//! * `arguments`, `options`, `query`, `sync_options`, `signal`: what callers give. `fields`: records, checked to be JSON.
//! * `failure`, `promise`: what callers get back, also when the module crashes.
//! * `events`: listeners. `live`: queries whose answers are kept up to date. `auto_sync`: syncing without being asked.
//! * `js/`: the entry, what the app holds (`lasting`: it outlives a crash), the error class, the service worker's part and
//!   the types, as they are in the package.
//!
//! No Rust borrow is held while JavaScript of the app runs: it may call straight back.

mod action;
mod arguments;
mod auto_sync;
mod bell;
mod doctor;
mod events;
mod failure;
mod fields;
mod landfall;
mod live;
mod opened;
mod options;
mod outbox;
mod promise;
mod query;
mod registry;
mod signal;
mod sync_options;
mod table;
mod transaction;

pub use action::OnlineStep;
pub use landfall::{Landfall, open};
pub use live::LiveSource;
#[cfg(feature = "testing")]
pub use live::live;
pub use outbox::Outbox;
#[cfg(feature = "testing")]
pub use promise::{crash, revive};
pub use table::Table;
pub use transaction::{Transaction, TransactionTable};
