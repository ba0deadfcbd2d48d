//! Drives the rules over the ports. Knows no browser: it runs natively and in Wasm alike.
//!
//! * [`Client`]: what the app calls, and the loop that reads, rules, commits and starts over when stale.
//! * `sync`: who sends, and for how long. `push`: what goes next; `round`: claims, requests, receipts; `batch_size`: how much goes in one. `twins`: what was made twice.
//!   `pull`: the cached tables; `refresh`: which of them, and when; `meanwhile`: what does not wait for its end. `course`: how it goes, and when to try next.
//! * `actions`: online steps that the app runs itself; `step`: what one is given; `call`: its calls. `wanted`: what an action has touched, read again.
//! * `along`: what goes along with other records, step by step; `led_to`: the questions of one step. `opened`: what the app asks the instance for, and pins.
//! * `doctor`: what a new set-up gets wrong.
//! * `find`: what a query finds; `fill`: indexes that are new; `live`: a query whose answer is kept up to date.
//! * `typed`: records as a type of the app's own; `typed_writes`: those of one transaction.
//! * `foreign`: ids that another device made.
//! * `hand`: what a person may do about an item, and waiting for one.
//! * [`dialect`]: how intents become requests, and answers receipts.

pub mod dialect;

mod actions;
mod along;
mod audit;
mod batch_size;
mod beforehand;
mod call;
mod changes;
mod client;
mod course;
mod doctor;
mod doctor_table;
mod error;
mod eviction;
mod exchange;
mod fill;
mod find;
mod finding;
mod foreign;
mod gone;
mod hand;
mod led_to;
mod live;
mod lost;
mod meanwhile;
mod opened;
mod pull;
mod push;
mod records;
mod refresh;
mod report;
mod round;
mod settings;
mod standstill;
mod status;
mod step;
mod sync;
mod transaction;
mod twins;
mod typed;
mod typed_writes;
mod wanted;

pub use actions::{OnlineStep, StepFailed, StepResult};
pub use client::Client;
pub use error::EngineError;
pub use finding::{Check, Finding, State};
pub use live::LiveQuery;
pub use opened::FromRemote;
pub use records::{AppRow, query_of};
pub use refresh::Occasion;
pub use report::{EndedBy, Phase, Progress, SyncReport};
pub use settings::Settings;
pub use standstill::STUCK_MS;
pub use status::{Audit, CachedTable, Orphan, Status};
pub use step::{CallFailed, Step};
pub use sync::SyncOptions;
pub use transaction::Transaction;
pub use typed::{RowSync, Typed, TypedRow};
pub use typed_writes::TypedWrites;
