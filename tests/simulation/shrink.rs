//! Makes a history that fails as short as it gets: whatever it fails without is left out.

use super::{planted::Bug, play::play, story::Story};

/// So many histories are tried at most.
const MOST_TRIES: usize = 1500;

/// The same promise is broken in fewer events.
pub fn shrink(story: &Story, promise: u32, bug: Option<Bug>) -> Story {
    let mut best = story.clone();
    let mut tries = 0;
    let mut size = best.events.len().div_ceil(2);
    while size > 0 && tries < MOST_TRIES {
        let mut at = 0;
        let mut shorter = false;
        while at < best.events.len() && tries < MOST_TRIES {
            let mut without = best.clone();
            without.events.drain(at..(at + size).min(best.events.len()));
            tries += 1;
            if play(&without, bug, false).broken.is_some_and(|broken| broken.promise == promise) {
                best = without;
                shorter = true;
            } else {
                at += size;
            }
        }
        if !shorter || size > 1 {
            size /= 2;
        }
    }
    best
}
