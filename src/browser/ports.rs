//! All ports of one database.

use super::{BrowserChannel, BrowserClock, BrowserEntropy, BrowserLock, BrowserRemote, IdbStore, StoreNews};
use crate::ports::Ports;

/// The ports in a browser.
#[derive(Debug)]
pub struct BrowserPorts {
    store: IdbStore,
    remote: BrowserRemote,
    lock: BrowserLock,
    channel: BrowserChannel,
}

impl BrowserPorts {
    /// The ports of the database called `database`; its store is yet to be opened. `on_news` is
    /// as for [`IdbStore::new`].
    pub fn new(database: &str, remote: BrowserRemote, on_news: impl Fn(StoreNews) + 'static) -> Self {
        Self {
            store: IdbStore::new(database, on_news),
            remote,
            lock: BrowserLock::new(database),
            channel: BrowserChannel::new(database),
        }
    }
}

impl Ports for BrowserPorts {
    type Store = IdbStore;
    type Remote = BrowserRemote;
    type Clock = BrowserClock;
    type Entropy = BrowserEntropy;
    type Lock = BrowserLock;
    type Channel = BrowserChannel;

    fn store(&self) -> &IdbStore {
        &self.store
    }

    fn remote(&self) -> &BrowserRemote {
        &self.remote
    }

    fn clock(&self) -> &BrowserClock {
        &BrowserClock
    }

    fn entropy(&self) -> &BrowserEntropy {
        &BrowserEntropy
    }

    fn lock(&self) -> &BrowserLock {
        &self.lock
    }

    fn channel(&self) -> &BrowserChannel {
        &self.channel
    }
}
