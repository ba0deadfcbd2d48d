//! What this instance of the module holds and others wait for: connections, locks, channels.
//!
//! A panic is the end of the instance, and not of the page: the browser takes nothing back by itself, and what nobody
//! can drop any more would be held until the page is closed.

use std::{cell::RefCell, collections::BTreeMap};

type LetGo = Box<dyn Fn()>;

thread_local! {
    static HELD: RefCell<(u64, BTreeMap<u64, LetGo>)> = const { RefCell::new((0, BTreeMap::new())) };
}

/// Something that is let go of should the instance die before this is dropped.
#[derive(Debug)]
pub struct Held(u64);

impl Drop for Held {
    fn drop(&mut self) {
        let let_go = HELD.with_borrow_mut(|(_, held)| held.remove(&self.0));
        // Outside: what it owns may have a `Held` of its own.
        drop(let_go);
    }
}

/// `let_go` runs while the instance dies: it must do with what is borrowed for ever.
pub fn hold(let_go: impl Fn() + 'static) -> Held {
    HELD.with_borrow_mut(|(last, held)| {
        *last += 1;
        held.insert(*last, Box::new(let_go));
        Held(*last)
    })
}

/// Lets go of all of it. For the panic hook.
pub fn let_go_of_all() {
    let held = HELD.with(|held| held.try_borrow_mut().map(|mut held| std::mem::take(&mut held.1)));
    for let_go in held.unwrap_or_default().values() {
        let_go();
    }
}
