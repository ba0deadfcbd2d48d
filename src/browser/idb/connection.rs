//! The connections of one database in one context: opened when needed, shared by everything in
//! flight, dropped when dead, opened anew when the browser has closed them, and closed when another
//! tab wants to upgrade.

use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::{Rc, Weak},
};

use futures_util::{
    FutureExt as _,
    future::{Either, LocalBoxFuture, Shared, select},
};
use rexie::{Rexie, TransactionMode};
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Event, IdbVersionChangeEvent};

use super::{
    open::{self, BLOCKED_MS},
    schema,
    sys::Database,
};
use crate::{
    browser::{
        clock,
        held::{Held, hold},
    },
    core::StoreName,
    ports::StoreError,
};

/// How long a connection that the browser has closed stays so, unless somebody asks: one that is closed each time must
/// not make us spin.
const REOPEN_MS: u64 = 200;

/// How often it is looked whether an event has come that is on its way.
const LOOK_MS: u64 = 20;

type Opening = Shared<LocalBoxFuture<'static, Result<(), StoreError>>>;

enum State {
    /// The next use opens.
    Idle,
    /// Everyone who needs it waits for the same opening.
    Opening(Opening),
    /// In use.
    Open(Rc<Open>),
    /// Never again, and why.
    Over(StoreError),
}

/// What a store tells unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreNews {
    /// Another context has taken the database away: [`StoreError::Superseded`] by upgrading it,
    /// [`StoreError::Closed`] by deleting it. Told once.
    Over(StoreError),
    /// The connection was lost, and there is another. It may lead to another database: browsers
    /// close connections also when they throw away what is behind them.
    Reopened,
}

/// Both connections, open.
pub struct Open {
    rexie: RefCell<Option<Rexie>>,
    raw: Database,
    /// Kept alive for as long as `raw` may call them.
    _listeners: [Closure<dyn Fn(Event)>; 2],
    _held: Held,
}

impl Open {
    fn new(rexie: Rexie, raw: Database, connection: &Weak<Connection>) -> Rc<Self> {
        let weak = connection.clone();
        let version_change = Closure::<dyn Fn(Event)>::new(move |event: Event| {
            let version = event.unchecked_into::<IdbVersionChangeEvent>().new_version();
            if let Some(connection) = weak.upgrade() {
                connection.lose(version.map_or(StoreError::Closed, |version| superseded(version as u32)));
            }
        });
        let weak = connection.clone();
        let close = Closure::<dyn Fn(Event)>::new(move |_| {
            // The browser closed it by itself: the user cleared the site's data, the device ran out of room, or
            // Safari lost its database server. Which of these is seen when it is open again, so that is done without
            // being asked: a page that only shows records would else never hear that they are gone.
            if let Some(connection) = weak.upgrade() {
                connection.drop_open();
                spawn_local(async move {
                    clock::sleep(REOPEN_MS).await;
                    drop(connection.connect().await);
                });
            }
        });
        raw.set_onversionchange(Some(version_change.as_ref().unchecked_ref()));
        raw.set_onclose(Some(close.as_ref().unchecked_ref()));
        Rc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            let let_go = move || {
                if let Some(open) = this.upgrade() {
                    open.close();
                }
            };
            let _listeners = [version_change, close];
            Self { rexie: RefCell::new(Some(rexie)), raw, _listeners, _held: hold(let_go) }
        })
    }

    /// The connection that reads. None once closed.
    pub fn rexie(&self) -> &RefCell<Option<Rexie>> {
        &self.rexie
    }

    /// The connection that writes.
    pub fn raw(&self) -> &Database {
        &self.raw
    }

    /// Whether the connection that reads is closed, and the one that writes is not. rexie does so on a `versionchange`,
    /// a task of its own for each connection; where it is the browser that closes, the other one's event is on its way, too.
    fn is_half_closed(&self) -> bool {
        let meta = StoreName::Meta.as_str();
        let reads = |rexie: &Rexie| rexie.transaction(&[meta], TransactionMode::ReadOnly).is_ok();
        self.rexie.borrow().as_ref().is_some_and(|rexie| !reads(rexie))
            && self.raw.begin(&JsValue::from_str(meta), "readonly", &JsValue::UNDEFINED).is_ok()
    }

    /// Transactions under way still end as they would have.
    fn close(&self) {
        self.raw.set_onversionchange(None);
        self.raw.set_onclose(None);
        self.raw.close();
        // Borrowed where a panic comes while it is being read from.
        if let Some(rexie) = self.rexie.try_borrow_mut().ok().and_then(|mut rexie| rexie.take()) {
            rexie.close();
        }
    }
}

/// See the module.
pub struct Connection {
    name: String,
    state: RefCell<State>,
    was_open: Cell<bool>,
    on_news: Box<dyn Fn(StoreNews)>,
}

impl Connection {
    pub fn new(name: &str, on_news: Box<dyn Fn(StoreNews)>) -> Rc<Self> {
        Rc::new(Self { name: name.to_owned(), state: RefCell::new(State::Idle), was_open: Cell::new(false), on_news })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connections, opened if need be. `Blocked` says only that it takes long: the opening
    /// goes on, and a later call finds it done.
    pub async fn connect(self: &Rc<Self>) -> Result<Rc<Open>, StoreError> {
        loop {
            let opening = match &*self.state.borrow() {
                State::Open(open) => return Ok(Rc::clone(open)),
                State::Over(why) => return Err(why.clone()),
                State::Opening(opening) => Some(opening.clone()),
                State::Idle => None,
            };
            let opening = opening.unwrap_or_else(|| self.begin());
            match select(opening, pin!(clock::sleep(BLOCKED_MS))).await {
                // Round again: it may have been closed since.
                Either::Left((Ok(()), _)) => {}
                Either::Left((Err(error), _)) => return Err(error),
                Either::Right(_) => return Err(StoreError::Blocked),
            }
        }
    }

    fn begin(self: &Rc<Self>) -> Opening {
        let this = Rc::clone(self);
        let opening = async move {
            let opened = open::open(&this.name).await;
            this.opened(opened)
        };
        let opening = opening.boxed_local().shared();
        self.state.replace(State::Opening(opening.clone()));
        // Goes on when all who wait for it have given up.
        spawn_local(opening.clone().map(|_| ()));
        opening
    }

    fn opened(self: &Rc<Self>, opened: Result<(Rexie, Database), StoreError>) -> Result<(), StoreError> {
        let opened = opened.map(|(rexie, raw)| Open::new(rexie, raw, &Rc::downgrade(self)));
        let mut state = self.state.borrow_mut();
        if let State::Over(why) = &*state {
            if let Ok(open) = opened {
                open.close();
            }
            return Err(why.clone());
        }
        match opened {
            Ok(open) => {
                *state = State::Open(open);
                drop(state);
                if self.was_open.replace(true) {
                    (self.on_news)(StoreNews::Reopened);
                }
                Ok(())
            }
            Err(error) => {
                *state = State::Idle;
                drop(state);
                // Upgraded while the connection was down: nobody could ask this one to let go.
                if error == StoreError::Newer && self.was_open.get() {
                    let why = superseded(schema::VERSION + 1);
                    self.lose(why.clone());
                    return Err(why);
                }
                Err(error)
            }
        }
    }

    /// Gives up `dead`, so that the next use opens afresh. Not what others opened since.
    ///
    /// Half closed, it is left for as long as it may take to hear why. Nobody gets the database before our own connection
    /// lets go; if it did so unheard, we would make a new one after a deletion, and call the old one evicted.
    pub async fn give_up(&self, dead: &Rc<Open>) {
        if dead.is_half_closed() {
            let mut looks = 0;
            while self.has(dead) && looks < BLOCKED_MS / LOOK_MS {
                clock::sleep(LOOK_MS).await;
                looks += 1;
            }
        }
        if self.has(dead) {
            self.state.replace(State::Idle);
        }
        dead.close();
    }

    fn has(&self, this: &Rc<Open>) -> bool {
        matches!(&*self.state.borrow(), State::Open(open) if Rc::ptr_eq(open, this))
    }

    fn drop_open(&self) {
        let state = self.state.replace(State::Idle);
        match state {
            State::Open(open) => open.close(),
            other => {
                self.state.replace(other);
            }
        }
    }

    /// Closes for good. Later uses answer `why`; the first reason stays.
    pub fn end(&self, why: StoreError) -> bool {
        if matches!(&*self.state.borrow(), State::Over(_)) {
            return false;
        }
        let state = self.state.replace(State::Over(why));
        if let State::Open(open) = state {
            open.close();
        }
        true
    }

    /// Another context wants the database for itself.
    fn lose(&self, why: StoreError) {
        // The app is told last, with nothing borrowed: it may call straight back.
        if self.end(why.clone()) {
            (self.on_news)(StoreNews::Over(why));
        }
    }

    /// Closes, and deletes the database. Other contexts' connections close when they are asked
    /// to; one that does not holds it up, and it goes when that one does.
    pub async fn delete(&self) -> Result<(), StoreError> {
        self.end(StoreError::Closed);
        open::delete(&self.name).await
    }
}

fn superseded(by_version: u32) -> StoreError {
    StoreError::Superseded { by_version }
}
