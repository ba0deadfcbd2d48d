//! All ports of one database.

use super::{BrowserChannel, BrowserClock, BrowserEntropy, BrowserLock, BrowserRemote, IdbStore};
use crate::ports::{Ports, StoreError};

/// The ports in a browser.
#[derive(Debug)]
pub struct BrowserPorts {
    store: IdbStore,
    remote: BrowserRemote,
    lock: BrowserLock,
    channel: BrowserChannel,
}

impl BrowserPorts {
    /// The ports of the database called `database`; its store is yet to be opened. `on_lost` is
    /// as for [`IdbStore::new`].
    pub fn new(database: &str, remote: BrowserRemote, on_lost: impl Fn(StoreError) + 'static) -> Self {
        Self {
            store: IdbStore::new(database, on_lost),
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
