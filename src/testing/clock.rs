//! A clock that stands still until it is told to go on.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::ports::Clock;

#[derive(Debug, Default)]
struct Shared {
    now: Cell<u64>,
    /// How far sleeping has come. Apart from `now`, which its owner may set back.
    slept: Cell<u64>,
    sequence: Cell<u64>,
    /// Who sleeps, by when it ends and then by who lay down first.
    sleepers: RefCell<BTreeMap<(u64, u64), Option<Waker>>>,
}

/// A clock that several contexts share.
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Rc<Shared>);

impl ManualClock {
    /// A clock that shows `now` (milliseconds since 1970).
    pub fn new(now: u64) -> Self {
        let clock = Self::default();
        clock.0.now.set(now);
        clock
    }

    /// Lets `ms` pass. Sleeps that end in it end in order, each at its own time.
    pub fn advance(&self, ms: u64) {
        let until = self.0.slept.get() + ms;
        loop {
            let first = self.0.sleepers.borrow().first_key_value().map(|(at, _)| *at);
            let Some(at) = first.filter(|(due, _)| *due <= until) else { break };
            self.pass_to(at.0);
            let waker = self.0.sleepers.borrow_mut().remove(&at).flatten();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        self.pass_to(until);
    }

    /// How long until the next sleep ends, if anyone sleeps.
    pub fn next_wake(&self) -> Option<u64> {
        self.0.sleepers.borrow().first_key_value().map(|((due, _), _)| due.saturating_sub(self.0.slept.get()))
    }

    /// Sets the time shown, as a device's owner may, also back. Nobody wakes from it.
    pub fn set(&self, now: u64) {
        self.0.now.set(now);
    }

    fn pass_to(&self, slept: u64) {
        let passed = slept.saturating_sub(self.0.slept.get());
        self.0.slept.set(self.0.slept.get() + passed);
        self.0.now.set(self.0.now.get() + passed);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.0.now.get()
    }

    async fn sleep(&self, ms: u64) {
        let sequence = self.0.sequence.get();
        self.0.sequence.set(sequence + 1);
        let sleep = Sleep { shared: Rc::clone(&self.0), at: (self.0.slept.get() + ms, sequence) };
        self.0.sleepers.borrow_mut().insert(sleep.at, None);
        std::future::poll_fn(|context| match self.0.sleepers.borrow_mut().get_mut(&sleep.at) {
            Some(waker) => {
                *waker = Some(context.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }
}

/// Takes a sleeper who is dropped out of the list, so that `next_wake` does not wait for the dead.
struct Sleep {
    shared: Rc<Shared>,
    at: (u64, u64),
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.shared.sleepers.borrow_mut().remove(&self.at);
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::LocalPool;
    use futures_util::task::LocalSpawnExt as _;

    use super::*;

    #[test]
    fn sleeps_end_in_order_and_at_their_time() {
        let clock = ManualClock::new(1000);
        let woken = Rc::new(RefCell::new(Vec::new()));
        let mut pool = LocalPool::new();
        for ms in [30_u64, 10, 20, 10] {
            let (clock, woken) = (clock.clone(), Rc::clone(&woken));
            pool.spawner()
                .spawn_local(async move {
                    clock.sleep(ms).await;
                    woken.borrow_mut().push(ms);
                })
                .unwrap();
        }
        pool.run_until_stalled();
        assert_eq!(clock.next_wake(), Some(10));
        clock.advance(25);
        pool.run_until_stalled();
        assert_eq!(*woken.borrow(), [10, 10, 20]);
        assert_eq!((clock.now_ms(), clock.next_wake()), (1025, Some(5)));
        drop(pool);
        assert_eq!(clock.next_wake(), None);
    }
}
