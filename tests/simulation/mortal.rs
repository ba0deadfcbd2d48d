//! Ports that end with their context.
//!
//! A run that is under way holds its client, and the client the run: dropping the tasks of a context that is killed
//! leaves both where they are, with the lock. So they are let run out instead, over ports that do nothing any more.

use std::{cell::Cell, pin::pin, rc::Rc, task::Poll};

use futures_util::future::{Either, select};
use landfall::{
    core::Event,
    ports::{Channel, Clock, Listener, Lock, Patience},
    testing::{ManualClock, MemoryChannel, MemoryGuard, MemoryLock},
};

use super::{planted, world::World};

/// Whether a context is dead.
#[derive(Clone, Default)]
pub struct Dead(Rc<Cell<bool>>);

impl Dead {
    pub fn set(&self) {
        self.0.set(true);
    }

    pub fn get(&self) -> bool {
        self.0.get()
    }

    /// What comes of `alive`; nothing, in a context that is dead.
    pub async fn or<T>(&self, alive: impl Future<Output = T>) -> Option<T> {
        let dead = std::future::poll_fn(|_| if self.get() { Poll::Ready(()) } else { Poll::Pending });
        match select(pin!(dead), pin!(alive)).await {
            Either::Left(_) => None,
            Either::Right((came, _)) => Some(came),
        }
    }
}

pub struct SimClock {
    pub dead: Dead,
    pub inner: ManualClock,
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        self.inner.now_ms()
    }

    async fn sleep(&self, ms: u64) {
        self.dead.or(self.inner.sleep(ms)).await;
    }
}

pub struct SimLock {
    pub dead: Dead,
    pub inner: MemoryLock,
}

impl Lock for SimLock {
    type Guard = MemoryGuard;

    async fn acquire(&self, patience: Patience) -> Option<MemoryGuard> {
        self.dead.or(self.inner.acquire(patience)).await.flatten()
    }

    fn excludes(&self) -> bool {
        self.inner.excludes()
    }
}

pub struct SimChannel {
    pub world: Rc<World>,
    pub dead: Dead,
    pub inner: MemoryChannel,
}

impl Channel for SimChannel {
    fn post(&self, event: &Event) {
        if !self.dead.get() && !planted::on_post(&self.world, event) {
            self.inner.post(event);
        }
    }

    fn listen(&self, listener: Listener) {
        self.inner.listen(listener);
    }

    fn close(&self) {
        self.inner.close();
    }
}
