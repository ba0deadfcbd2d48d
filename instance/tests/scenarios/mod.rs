//! What an instance must do, whichever database is under it.

pub mod action_input;
pub mod action_repeats;
pub mod actions;
pub mod batches;
pub mod checks;
pub mod idempotency;
pub mod queries;
pub mod records;
pub mod temporary_ids;
pub mod versions;
