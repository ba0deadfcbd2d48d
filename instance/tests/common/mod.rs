//! What the tests share: databases to run on, an instance to ask, and what it answers.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod actions;
mod instance;
mod postgres;

pub use instance::{Home, Item};
pub use postgres::Postgres;

/// A temporary id that no other call gives.
pub fn temporary() -> String {
    format!("tmp_{}", uuid::Uuid::new_v4().simple())
}
