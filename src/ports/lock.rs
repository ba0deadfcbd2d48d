//! Picks the one sender among all contexts of this database.

/// How long to wait for the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Not at all.
    None,
    /// At most so many milliseconds.
    Ms(u64),
    /// Take it from whoever has it. Only for a holder whose lease has lapsed; the holder's
    /// late commits are turned away by their lease number, not by the lock.
    Steal,
}

/// A lock that all contexts of one database share, and that is free again when its holder dies.
pub trait Lock: 'static {
    /// Dropping it gives the lock back.
    type Guard: 'static;
    /// The lock, or `None` if another context kept it for as long as `patience` lasted.
    fn acquire(&self, patience: Patience) -> impl Future<Output = Option<Self::Guard>>;
    /// Whether having it keeps others out, as far as is known. Where it does not, only the lease in the store tells
    /// whether another context is sending.
    fn excludes(&self) -> bool;
}
