//! Single rules of the core.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

mod act;
mod acted;
mod along;
mod answers;
mod conflict;
mod dependants;
mod explain;
mod hand;
mod lease;
mod let_go;
mod order;
mod pairing;
mod plan;
mod present;
mod pull;
mod receive;
mod reconcile;
mod retry;
mod support;
mod tx;
mod unasked;
mod values;
mod write;
