//! A device in memory: one database, any number of contexts, one line to one instance.

use std::{collections::BTreeMap, rc::Rc};

use super::{
    ManualClock, MemoryChannel, MemoryDatabase, MemoryHub, MemoryInstance, MemoryLock, MemoryRemote, MemoryStore,
    SeededEntropy,
    instance::{EXTRAS, ROOT},
};
use crate::{
    core::{
        Durability,
        schema::{Schema, TableOptions},
    },
    engine::{Client, EngineError, Settings},
    ports::Ports,
};

/// The ports of one context.
#[derive(Debug)]
pub struct MemoryPorts {
    store: MemoryStore,
    remote: MemoryRemote,
    clock: ManualClock,
    entropy: SeededEntropy,
    lock: MemoryLock,
    channel: MemoryChannel,
}

impl Ports for MemoryPorts {
    type Store = MemoryStore;
    type Remote = MemoryRemote;
    type Clock = ManualClock;
    type Entropy = SeededEntropy;
    type Lock = MemoryLock;
    type Channel = MemoryChannel;

    fn store(&self) -> &MemoryStore {
        &self.store
    }
    fn remote(&self) -> &MemoryRemote {
        &self.remote
    }
    fn clock(&self) -> &ManualClock {
        &self.clock
    }
    fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }
    fn lock(&self) -> &MemoryLock {
        &self.lock
    }
    fn channel(&self) -> &MemoryChannel {
        &self.channel
    }
}

/// One device of one user.
#[derive(Debug)]
pub struct Device {
    /// What its contexts share on disk.
    pub database: MemoryDatabase,
    /// Its time.
    pub clock: ManualClock,
    /// What carries events between its contexts.
    pub hub: MemoryHub,
    /// Its line to the instance.
    pub remote: MemoryRemote,
    /// The lock of its sender.
    pub lock: MemoryLock,
    settings: Settings,
    tables: BTreeMap<String, TableOptions>,
    seeds: std::cell::Cell<u64>,
}

impl Device {
    /// A device with an empty database. `tables` as in the options given to `open`.
    pub fn new(instance: &MemoryInstance, tables: BTreeMap<String, TableOptions>, seed: u64) -> Self {
        let clock = ManualClock::new(1_700_000_000_000);
        Self {
            database: MemoryDatabase::new(),
            hub: MemoryHub::new(),
            remote: MemoryRemote::new(instance.clone()),
            lock: MemoryLock::new(clock.clone()),
            clock,
            settings: Settings {
                user: "tech.demo".to_owned(),
                url: ROOT.to_owned(),
                extras: Some(EXTRAS.to_owned()),
                batch_size: None,
                durability: Durability::Strict,
            },
            tables,
            seeds: std::cell::Cell::new(seed),
        }
    }

    /// Who is signed in from now on.
    pub fn set_user(&mut self, user: &str) {
        user.clone_into(&mut self.settings.user);
    }

    /// Sends so many items at once at most; 1 sends them singly.
    pub fn set_batch_size(&mut self, items: usize) {
        self.settings.batch_size = Some(items);
    }

    /// Nobody has said that the instance may have extras: it is not asked for them.
    pub fn without_extras(&mut self) {
        self.settings.extras = None;
    }

    /// As in a browser without Web Locks.
    pub fn without_locks(&mut self) {
        self.lock = MemoryLock::open_to_all(self.clock.clone());
    }

    /// What the next context opened declares.
    pub fn set_tables(&mut self, tables: BTreeMap<String, TableOptions>) {
        self.tables = tables;
    }

    /// Opens a page, a worker or a service worker.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub async fn open(&self) -> Result<Client<MemoryPorts>, EngineError> {
        let seed = self.seeds.replace(self.seeds.get() + 1);
        let ports = MemoryPorts {
            store: self.database.open(),
            remote: self.remote.clone(),
            clock: self.clock.clone(),
            entropy: SeededEntropy::new(seed),
            lock: self.lock.clone(),
            channel: self.hub.join(),
        };
        Client::open(ports, Schema::new(self.tables.clone())?, self.settings.clone()).await
    }
}

/// A listener that keeps what it hears.
pub fn listening<P: Ports>(client: &Client<P>) -> Rc<std::cell::RefCell<Vec<crate::core::Event>>> {
    let heard: Rc<std::cell::RefCell<Vec<_>>> = Rc::default();
    let keep = Rc::clone(&heard);
    client.listen(Rc::new(move |event| keep.borrow_mut().push(event.clone())));
    heard
}
