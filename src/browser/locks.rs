//! The sender's lock: a Web Lock, which the browser gives back when its holder dies.

use std::{cell::Cell, pin::pin, rc::Rc};

use futures_util::future::{Either, select};
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

use super::{
    clock,
    held::{Held, hold},
    js,
};
use crate::ports::{Lock, Patience};

#[wasm_bindgen]
extern "C" {
    /// `LockManager`, which web-sys has only behind an unstable flag.
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(this: &LockManager, name: &str, options: &Object, granted: &JsValue) -> Result<Promise, JsValue>;
}

/// The lock of one database's sender.
///
/// Where the browser has no Web Locks everyone gets it, always: the lease in the database, which
/// each of the sender's commits checks, is then all that keeps two senders apart.
#[derive(Clone, Debug)]
pub struct BrowserLock {
    name: String,
    /// It was given to everyone.
    open_to_all: Rc<Cell<bool>>,
}

/// The lock, until it is dropped.
#[derive(Debug)]
pub struct BrowserGuard {
    /// Settles the promise that the browser waits for.
    release: Function,
    _held: Held,
}

impl BrowserGuard {
    fn new(release: Function) -> Self {
        let dying = release.clone();
        let let_go = move || drop(dying.call0(&JsValue::UNDEFINED));
        Self { release, _held: hold(let_go) }
    }
}

impl Drop for BrowserGuard {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// A request in line. Dropped, it steps out of it; and should the lock come all the same, its
/// guard, dropped too, has given it back before.
struct InLine {
    guard: Option<BrowserGuard>,
    abort: Option<AbortController>,
}

impl Drop for InLine {
    fn drop(&mut self) {
        if let (Some(_), Some(abort)) = (&self.guard, &self.abort) {
            abort.abort();
        }
    }
}

impl BrowserLock {
    /// The sender's lock of the database called `database`.
    pub fn new(database: &str) -> Self {
        Self { name: format!("landfall/1/{database}/sender"), open_to_all: Rc::default() }
    }

    async fn request(&self, locks: &LockManager, patience: Patience) -> Result<Option<BrowserGuard>, JsValue> {
        let options = Object::new();
        let set = |name: &str, value: &JsValue| Reflect::set(&options, &name.into(), value);
        let mut line = InLine { guard: None, abort: None };
        match patience {
            Patience::None => set("ifAvailable", &JsValue::TRUE)?,
            Patience::Steal => set("steal", &JsValue::TRUE)?,
            Patience::Ms(_) => {
                let abort = line.abort.insert(AbortController::new()?);
                set("signal", &abort.signal())?
            }
        };
        let (held, release) = settled_by_hand();
        let (granted, grant) = settled_by_hand();
        line.guard = Some(BrowserGuard::new(release));
        // Freed by its one call. If that never comes it is the garbage collector's: to drop it
        // here would make a call that is already on its way throw.
        let callback = Closure::once_into_js(move |lock: JsValue| {
            let _ = grant.call1(&JsValue::UNDEFINED, &JsValue::from_bool(!lock.is_null()));
            held
        });
        // Also what swallows the rejection when the lock is stolen from us: whose commits are
        // late is told by the lease, not here.
        let ended = JsFuture::from(locks.request(&self.name, &options, &callback)?);
        let mut granted = pin!(first(JsFuture::from(granted), ended));
        let granted = match patience {
            Patience::Ms(ms) => match select(granted.as_mut(), pin!(clock::sleep(ms))).await {
                Either::Left((granted, _)) => granted,
                Either::Right(_) => {
                    if let Some(abort) = &line.abort {
                        abort.abort();
                    }
                    // It may have been granted in the same breath. A browser that heeds no signal is not waited for: what it
                    // grants then has been given back before.
                    match select(granted, pin!(clock::sleep(ms))).await {
                        Either::Left((granted, _)) => granted,
                        Either::Right(_) => Ok(false),
                    }
                }
            },
            Patience::None | Patience::Steal => granted.await,
        };
        Ok(if granted? { line.guard.take() } else { None })
    }
}

/// Whether the lock was granted, or how the request failed before that.
async fn first(granted: JsFuture, ended: JsFuture) -> Result<bool, JsValue> {
    match select(granted, ended).await {
        Either::Left((granted, _)) => Ok(granted?.is_truthy()),
        Either::Right((ended, granted)) => match ended {
            // Over already, so it had been called.
            Ok(_) => Ok(granted.await?.is_truthy()),
            Err(thrown) => Err(thrown),
        },
    }
}

/// A promise, and what resolves it. `Function::default()` would be an `eval`, which a page's content
/// security policy may forbid.
fn settled_by_hand() -> (Promise, Function) {
    let mut by_hand = JsValue::UNDEFINED;
    let promise = Promise::new(&mut |resolve, _| by_hand = resolve.into());
    (promise, by_hand.unchecked_into())
}

impl Lock for BrowserLock {
    type Guard = BrowserGuard;

    fn excludes(&self) -> bool {
        !self.open_to_all.get()
    }

    async fn acquire(&self, patience: Patience) -> Option<BrowserGuard> {
        let everyone = || {
            self.open_to_all.set(true);
            Some(BrowserGuard::new(settled_by_hand().1))
        };
        let Some(locks) = js::navigator("locks") else { return everyone() };
        match self.request(locks.unchecked_ref(), patience).await {
            Ok(guard) => guard,
            Err(thrown) => {
                let name = js::get(&thrown, "name").and_then(|name| name.as_string());
                // An origin that may have no locks; as good as a browser that has none.
                if name.as_deref() == Some("SecurityError") { everyone() } else { None }
            }
        }
    }
}
