//! The instance itself: its database and how it was asked to behave.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::store::{Session, Store, StoreError, keys};

/// How long an idempotency key is remembered: 30 days.
pub const KEY_TTL_SECONDS: i64 = 30 * 24 * 60 * 60;

/// How often keys past that are forgotten.
const PRUNE_EVERY_SECONDS: i64 = 60 * 60;

/// What every request shares.
#[derive(Debug)]
pub struct Instance {
    /// Where records are kept.
    pub store: Store,
    /// Whether it behaves as ServiceNow does, without anything of Landfall's.
    pub plain: bool,
    /// Whether a request must say who sends it.
    pub require_auth: bool,
    /// How long one batch may take; what is not begun by then is left unserviced.
    pub batch_time: Duration,
    pruned_at: AtomicI64,
}

impl Instance {
    /// An instance over an open database.
    pub fn new(store: Store, plain: bool, require_auth: bool, batch_time: Duration) -> Self {
        Self { store, plain, require_auth, batch_time, pruned_at: AtomicI64::new(0) }
    }

    /// Forgets expired keys, if that was not done within the hour.
    pub async fn prune_keys(&self, session: &mut Session, now: i64) -> Result<(), StoreError> {
        let before = self.pruned_at.load(Ordering::Relaxed);
        if now - before < PRUNE_EVERY_SECONDS {
            return Ok(());
        }
        self.pruned_at.store(now, Ordering::Relaxed);
        keys::prune(session, now - KEY_TTL_SECONDS).await.map(|_| ())
    }
}
