//! Write-back actions: what a device did offline in one go, brought about here in one transaction.

mod action;
mod close_order;
mod context;
mod input;
mod log_time;
mod reassign;
mod result;
mod split_order;

pub use action::Entry;
use close_order::CloseOrder;
pub use context::Context;
pub use input::read;
use log_time::LogTime;
use reassign::Reassign;
pub use result::ActionResult;
use split_order::SplitOrder;

/// Every action there is.
const ACTIONS: &[Entry] =
    &[Entry::of::<CloseOrder>(), Entry::of::<LogTime>(), Entry::of::<Reassign>(), Entry::of::<SplitOrder>()];

/// The action of that name.
pub fn action(name: &str) -> Option<&'static Entry> {
    ACTIONS.iter().find(|entry| entry.name == name)
}

/// The names there are.
pub fn names() -> Vec<&'static str> {
    ACTIONS.iter().map(|entry| entry.name).collect()
}
