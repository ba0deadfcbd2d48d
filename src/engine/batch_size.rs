//! How much goes in one request: what the instance and the line have shown that they can take.

use super::{
    client::Client,
    dialect::{Asked, Intent},
};
use crate::{
    core::plan::{Room, size},
    ports::Ports,
};

/// A first batch, before it is known how fast the instance is.
const FIRST_BATCH: usize = 20;
/// More does not pay: the instance's time goes into the records, not into the requests.
const LARGEST_BATCH: usize = 200;
/// Bytes of fields in one request. Base64 and escapes make it larger: 5 MB is the instance's limit.
const BATCH_BYTES: usize = 3 * 1024 * 1024;
/// A batch that takes less may grow, in ms.
const QUICK_MS: u64 = 2_000;
/// A batch that takes longer must shrink, in ms: at 30 seconds the instance leaves the rest undone.
const SLOW_MS: u64 = 8_000;

impl<P: Ports> Client<P> {
    pub(super) fn room(&self, trying: bool) -> Room {
        let most = self.settings().batch_size.unwrap_or(LARGEST_BATCH).max(1);
        let items = match self.session().batch.get() {
            _ if trying || self.session().no_batch.get() => 1,
            0 => FIRST_BATCH.min(most),
            size => size.min(most),
        };
        let limits = [self.session().batch_bytes.get(), self.session().line_bytes.get()];
        let bytes = limits.into_iter().flatten().min().unwrap_or(BATCH_BYTES);
        // What belongs together goes together, as far as the instance allows, once the line is known to hold.
        Room { items, group: if items == 1 { 1 } else { most }, bytes }
    }

    /// What was answered in `took_ms` says how much more the next request may take. A question is next to nothing, and
    /// a request that was not full says little of what fits.
    pub(super) fn adapt(&self, asked: &[Asked<'_>], took_ms: u64) {
        let (sent, bytes) = load(asked);
        let before = self.session().batch.get();
        if asked.len() > 1 || before == 1 {
            self.session().batch.set(match took_ms {
                0..QUICK_MS => (sent * 2).min(LARGEST_BATCH).max(if before == 0 { FIRST_BATCH } else { before }),
                QUICK_MS..SLOW_MS => asked.len().max(before),
                _ => (asked.len() / 2).max(1),
            });
        }
        if let Some(most) = self.session().line_bytes.get()
            && bytes > most / 2
            && took_ms < QUICK_MS
        {
            self.session().line_bytes.set(Some(bytes.max(most).saturating_mul(2)));
        }
    }

    /// A batch that has come to nothing, be it that a slow line had no time for it, or that one item spoils it for all:
    /// the same again would fail again. The bytes count as well as the items: what belongs together goes together
    /// however many it is.
    pub(super) fn shrink(&self, asked: &[Asked<'_>]) {
        let (sent, bytes) = load(asked);
        self.session().batch.set((asked.len() / 2).max(1));
        if sent > 0 {
            self.session().line_bytes.set(Some((bytes / 2).max(1)));
        }
    }
}

/// How many of these carry something, and how many bytes.
fn load(asked: &[Asked<'_>]) -> (usize, usize) {
    let sent = || asked.iter().filter(|asked| asked.intent == Intent::Send);
    (sent().count(), sent().map(|asked| size(asked.item)).sum())
}
