//! Histories of bad days, played over the real engine and checked against every promise.
//!
//! * [`story`], [`trouble`]: what happens, drawn from a seed. [`play`]: lets it happen.
//! * [`world`]: one device, one instance, time, and who goes next; [`executor`] runs the tasks.
//! * [`contexts`], [`ops`], [`hand`]: pages and workers, and what the app and the user do in them. [`acting`], [`online`]: actions,
//!   their offline and their online steps. [`faults`]: what goes wrong.
//! * [`network`], [`answers`], [`store`], [`mortal`], [`instance`]: the surroundings.
//! * [`model`]: what the app was told. [`ledger`], [`leaving`], [`runs`], [`calls`], [`watch`], [`verdict`], [`summed`]: the
//!   checks, at each commit, at each request, and at the end, after [`drain`].
//! * [`opening`]: what the app asks the instance for, and pins. [`along`], [`kept`]: what goes along with what is here, and whether what
//!   goes may go.
//! * [`colleagues`], [`word`], [`conflicts`]: what others change of the same, what the user says of that, and whether any change has gone
//!   unasked.
//! * [`coverage`]: which fault met which state. [`planted`], [`altered`], [`tampered`], [`unasked`], [`led_astray`]: defects that must be found. [`shrink`]: makes a
//!   failing history short. [`tests`]: the runs.
#![cfg(not(target_family = "wasm"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a failed test may panic"
)]
#![allow(missing_docs, reason = "read by whoever mends a test")]

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod acting;
mod along;
mod altered;
mod answers;
mod cached;
mod calls;
mod colleagues;
mod conflicts;
mod contexts;
mod coverage;
mod doing;
mod drain;
mod draw;
mod executor;
mod faults;
mod hand;
mod instance;
mod kept;
mod leaving;
mod led_astray;
mod ledger;
mod model;
mod mortal;
mod network;
mod online;
mod opening;
mod ops;
mod order;
mod planted;
mod play;
mod runs;
mod shrink;
mod store;
mod story;
mod summed;
mod tampered;
mod tests;
mod trouble;
mod unasked;
mod verdict;
mod watch;
mod word;
mod world;
