//! The reference instance: what Landfall's client reconciles with when no ServiceNow instance is at hand.
//!
//! ```text
//! main → settings, serve          the program: flags, the listener, stopping
//!          api                    requests and answers; a batch's items come through the same door as HTTP
//!            actions              write-back actions: each a type with an input and what it does
//!            writing              what a write is, whoever asks for it
//!            rules                what the instance does to a record by itself
//!            schema               which tables and columns there are
//!            store                where records are kept: SQL for both databases behind one seam
//!          seed                   the demo's airports, equipment, people and work
//! ```
//!
//! It shares `landfall::wire` with the client: one parser and one meaning for queries and values on both sides.

mod actions;
mod api;
mod clock;
mod instance;
mod refusal;
mod rules;
pub mod schema;
mod seed;
mod serve;
mod settings;
pub mod store;
mod writing;

pub use serve::{ServeError, Server};
pub use settings::{Seed, Settings};
