//! Single rules of the core.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

mod hand;
mod plan;
mod receive;
mod support;
