//! The ports in memory, and the suite every store must pass.

mod channel;
mod clock;
mod device;
mod entropy;
pub mod instance;
mod lock;
mod memory_store;
mod remote;
pub mod store_conformance;

pub use channel::{MemoryChannel, MemoryHub};
pub use clock::ManualClock;
pub use device::{Device, MemoryPorts, listening};
pub use entropy::SeededEntropy;
pub use instance::MemoryInstance;
pub use lock::{MemoryGuard, MemoryLock};
pub use memory_store::{MemoryDatabase, MemoryStore};
pub use remote::{Fault, MemoryRemote};

/// Lets every other task run once. The in-memory ports do so where the browser would, so that
/// what interleaves there interleaves here too.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}
