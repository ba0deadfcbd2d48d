//! The time.

/// A clock that can be set back by its owner at any moment: nothing that must be in order may
/// rely on it alone.
pub trait Clock: 'static {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> u64;
    /// Resolves after `ms` milliseconds, or later: a frozen page sleeps on.
    fn sleep(&self, ms: u64) -> impl Future<Output = ()>;
}
