//! What the engine asks of its surroundings. `browser/` answers in a browser, `testing/` in memory.

mod channel;
mod clock;
mod entropy;
mod lock;
mod remote;
mod store;

pub use channel::{Channel, Listener};
pub use clock::Clock;
pub use entropy::Entropy;
pub use lock::{Lock, Patience};
pub use remote::{AuthReason, AuthUnavailable, Headers, Remote, RemoteError};
pub use store::{Mark, Sift, Store, StoreError, Usage};

/// One of each, so that the engine has a single type to be generic over.
pub trait Ports: 'static {
    /// Where rows are kept.
    type Store: Store;
    /// The way to the instance.
    type Remote: Remote;
    /// The time.
    type Clock: Clock;
    /// Where fresh ids come from.
    type Entropy: Entropy;
    /// Picks the one sender.
    type Lock: Lock;
    /// The other contexts.
    type Channel: Channel;

    /// Where rows are kept.
    fn store(&self) -> &Self::Store;
    /// The way to the instance.
    fn remote(&self) -> &Self::Remote;
    /// The time.
    fn clock(&self) -> &Self::Clock;
    /// Where fresh ids come from.
    fn entropy(&self) -> &Self::Entropy;
    /// Picks the one sender.
    fn lock(&self) -> &Self::Lock;
    /// The other contexts.
    fn channel(&self) -> &Self::Channel;
}
