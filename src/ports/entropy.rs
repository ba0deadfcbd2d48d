//! Where fresh ids come from.

/// A source of ids that no other device makes.
pub trait Entropy: 'static {
    /// A new `UUIDv7`, later than all before it in this context.
    fn uuid(&self) -> uuid::Uuid;
    /// 64 random bits.
    fn random(&self) -> u64;
}
