//! The engine over the ports in memory.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

mod both;
mod support;

mod actions;
mod along;
mod answers;
mod audited;
mod calls;
mod changes;
mod conflicts;
mod declared;
mod doctor;
mod doubt;
mod elsewhere;
mod entries;
mod faults;
mod fields;
mod foreign;
mod gateways;
mod hand;
mod ids;
mod indexed;
mod limits;
mod live;
mod many;
mod meanwhile;
mod named;
mod opened;
mod passed_over;
mod path;
mod pulls;
mod refreshed;
mod refreshes;
mod resend;
mod runs;
mod senders;
mod sign_in;
mod slow_line;
mod statuses;
mod step_entries;
mod steps;
mod storage;
mod transaction;
mod twins;
mod typed;
mod waits;
mod walked;
