//! What there is to mend, how it breaks, and what is done about it.
//!
//! Makers and models are invented; the faults are the kind technicians write down.

mod airfield;
mod kind;
mod terminal;

pub use airfield::AIRFIELD;
pub use kind::{Fault, Kind};
pub use terminal::TERMINAL;
