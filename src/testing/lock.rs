//! The sender's lock among contexts that share one process.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::pin,
    rc::Rc,
    task::{Poll, Waker},
};

use futures_util::future::{Either, select};

use super::ManualClock;
use crate::ports::{Clock as _, Lock, Patience};

#[derive(Debug, Default)]
struct Shared {
    next: u64,
    holder: Option<u64>,
    /// Nobody gets it, nor waits for it.
    broken: bool,
    /// Who waits, first come first.
    waiting: VecDeque<(u64, Option<Waker>)>,
}

impl Shared {
    fn pass_on(&mut self) {
        self.holder = None;
        if let Some((id, waker)) = self.waiting.pop_front() {
            self.holder = Some(id);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// A lock that all clones share.
#[derive(Clone, Debug)]
pub struct MemoryLock {
    shared: Rc<RefCell<Shared>>,
    clock: ManualClock,
    open_to_all: bool,
}

impl MemoryLock {
    /// A free lock; patience is measured by `clock`.
    pub fn new(clock: ManualClock) -> Self {
        Self { shared: Rc::default(), clock, open_to_all: false }
    }

    /// One that everyone gets, as where a browser has none.
    pub fn open_to_all(clock: ManualClock) -> Self {
        Self { open_to_all: true, ..Self::new(clock) }
    }

    /// Has every request for it fail at once, or no longer.
    pub fn set_broken(&self, broken: bool) {
        self.shared.borrow_mut().broken = broken;
    }

    /// Its holder was killed: the browser gives it to whoever is next in line.
    pub fn kill_holder(&self) {
        self.shared.borrow_mut().pass_on();
    }

    /// Whether some context has it.
    pub fn is_held(&self) -> bool {
        self.shared.borrow().holder.is_some()
    }

    /// A place in the line, which is the lock itself if nobody has it.
    fn line_up(&self) -> MemoryGuard {
        let mut shared = self.shared.borrow_mut();
        let id = shared.next;
        shared.next += 1;
        if shared.holder.is_none() {
            shared.holder = Some(id);
        } else {
            shared.waiting.push_back((id, None));
        }
        MemoryGuard { shared: Rc::clone(&self.shared), id }
    }
}

/// The lock, until it is dropped. Another context may have stolen it meanwhile.
#[derive(Debug)]
pub struct MemoryGuard {
    shared: Rc<RefCell<Shared>>,
    id: u64,
}

impl MemoryGuard {
    /// Whether it was not stolen.
    pub fn is_held(&self) -> bool {
        self.shared.borrow().holder == Some(self.id)
    }
}

impl Drop for MemoryGuard {
    fn drop(&mut self) {
        let mut shared = self.shared.borrow_mut();
        if shared.holder == Some(self.id) {
            shared.pass_on();
        } else {
            shared.waiting.retain(|(id, _)| *id != self.id);
        }
    }
}

impl Lock for MemoryLock {
    type Guard = MemoryGuard;

    fn excludes(&self) -> bool {
        !self.open_to_all
    }

    async fn acquire(&self, patience: Patience) -> Option<MemoryGuard> {
        if self.open_to_all {
            return Some(Self::new(self.clock.clone()).line_up());
        }
        if self.shared.borrow().broken {
            return None;
        }
        match patience {
            Patience::None => {
                let guard = self.line_up();
                guard.is_held().then_some(guard)
            }
            Patience::Steal => {
                let guard = self.line_up();
                let mut shared = self.shared.borrow_mut();
                shared.waiting.retain(|(id, _)| *id != guard.id);
                shared.holder = Some(guard.id);
                drop(shared);
                Some(guard)
            }
            Patience::Ms(ms) => {
                let guard = self.line_up();
                let turn = std::future::poll_fn(|context| {
                    if guard.is_held() {
                        return Poll::Ready(());
                    }
                    let mut shared = self.shared.borrow_mut();
                    if let Some((_, waker)) = shared.waiting.iter_mut().find(|(id, _)| *id == guard.id) {
                        *waker = Some(context.waker().clone());
                    }
                    Poll::Pending
                });
                let (turn, sleep) = (pin!(turn), pin!(self.clock.sleep(ms)));
                let got = matches!(select(turn, sleep).await, Either::Left(_));
                got.then_some(guard)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use futures_util::{FutureExt as _, poll};

    use super::*;

    #[test]
    fn one_holder_a_line_and_a_thief() {
        block_on(async {
            let clock = ManualClock::new(0);
            let lock = MemoryLock::new(clock.clone());
            let first = lock.acquire(Patience::None).await.unwrap();
            assert!(lock.acquire(Patience::None).await.is_none());

            let mut second = Box::pin(lock.acquire(Patience::Ms(50)));
            let mut third = Box::pin(lock.acquire(Patience::Ms(10)));
            assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
            clock.advance(20);
            assert!(third.await.is_none());
            drop(first);
            let second = second.await.unwrap();
            assert!(second.is_held());

            let thief = lock.acquire(Patience::Steal).now_or_never().flatten().unwrap();
            assert!(!second.is_held() && thief.is_held());
            drop(second);
            assert!(lock.is_held());
            drop(thief);
            assert!(!lock.is_held());
        });
    }
}
