//! Runs tasks one step at a time, in whatever order it is told: what may interleave, does.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::future::LocalBoxFuture;

use super::doing::Doing;

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    number: u64,
    doing: Rc<Doing>,
    woken: Arc<Woken>,
    waker: Waker,
    /// Taken out while it runs: it may start others.
    future: Option<LocalBoxFuture<'static, ()>>,
}

#[derive(Default)]
pub struct Executor {
    next: Cell<u64>,
    tasks: RefCell<Vec<Task>>,
    current: RefCell<Option<Rc<Doing>>>,
}

impl Executor {
    /// Its number.
    pub fn spawn(&self, doing: Rc<Doing>, future: LocalBoxFuture<'static, ()>) -> u64 {
        let number = self.next.replace(self.next.get() + 1);
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        self.tasks.borrow_mut().push(Task { number, doing, woken, waker, future: Some(future) });
        number
    }

    /// What the running task is about.
    pub fn current(&self) -> Option<Rc<Doing>> {
        self.current.borrow().clone()
    }

    /// The tasks that can go on, in contexts that are not frozen.
    pub fn ready(&self, frozen: impl Fn(usize) -> bool) -> Vec<u64> {
        let ready = |task: &&Task| task.woken.0.load(Ordering::Relaxed) && !frozen(task.doing.by);
        self.tasks.borrow().iter().filter(ready).map(|task| task.number).collect()
    }

    pub fn is_alive(&self, number: u64) -> bool {
        self.tasks.borrow().iter().any(|task| task.number == number)
    }

    pub fn any(&self, which: impl Fn(&Doing) -> bool) -> bool {
        self.tasks.borrow().iter().any(|task| which(&task.doing))
    }

    pub fn step(&self, number: u64) {
        let taken = {
            let mut tasks = self.tasks.borrow_mut();
            let Some(task) = tasks.iter_mut().find(|task| task.number == number) else { return };
            task.woken.0.store(false, Ordering::Relaxed);
            task.future.take().map(|future| (future, task.waker.clone(), Rc::clone(&task.doing)))
        };
        let Some((mut future, waker, doing)) = taken else { return };
        self.current.replace(Some(doing));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        self.current.replace(None);
        let mut tasks = self.tasks.borrow_mut();
        let Some(place) = tasks.iter().position(|task| task.number == number) else { return };
        if polled == Poll::Pending {
            tasks[place].future = Some(future);
            return;
        }
        let over = tasks.remove(place);
        drop(tasks);
        drop(over);
    }

    /// Runs tasks that nothing waits for any more to their end.
    pub fn run_out(&self, which: impl Fn(&Doing) -> bool) {
        for _ in 0..1000 {
            let tasks = self.tasks.borrow();
            let left: Vec<u64> = tasks.iter().filter(|task| which(&task.doing)).map(|task| task.number).collect();
            drop(tasks);
            if left.is_empty() {
                break;
            }
            left.into_iter().for_each(|task| self.step(task));
        }
    }

    /// Ends tasks where they are, as when their context is killed.
    pub fn kill(&self, which: impl Fn(&Doing) -> bool) {
        let (gone, kept) = self.tasks.take().into_iter().partition(|task| which(&task.doing));
        self.tasks.replace(kept);
        let gone: Vec<Task> = gone;
        drop(gone);
    }
}
