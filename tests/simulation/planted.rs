//! Between the engine and its store and channel: where defects are planted on purpose.

use landfall::core::{Event, Found, Read, WriteSet};

use super::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {}

pub fn on_read(_world: &World, _by: usize, _reads: &[Read], _found: &mut [Found]) {}

pub fn on_commit(_world: &World, _by: usize, _set: &WriteSet) -> Option<WriteSet> {
    None
}

/// Whether the event is lost.
pub fn on_post(world: &World, _event: &Event) -> bool {
    world.bug.is_some()
}
