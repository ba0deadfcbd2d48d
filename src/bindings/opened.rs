//! One database that is open in this page, and the handles on it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen_futures::spawn_local;

use super::{action::Actions, auto_sync::AutoSync, events::Events, failure::Failure, options::Options, registry};
use crate::{
    browser::{BrowserPorts, BrowserRemote, StoreNews, storage},
    core::{CoreError, Event, Origin},
    engine::{Client, EngineError},
    ports::StoreError,
};

thread_local! {
    static ASKED_TO_PERSIST: Cell<bool> = const { Cell::new(false) };
    static NEXT_HANDLE: Cell<u64> = const { Cell::new(0) };
}

/// One database, its client and what goes with it. All handles of the page share it.
pub struct Opened {
    database: String,
    client: Client<BrowserPorts>,
    events: Rc<Events>,
    actions: Actions,
    auto_sync: RefCell<Option<AutoSync>>,
    handles: Cell<u32>,
    recognising: Cell<bool>,
    /// Why it can be used no more.
    over: RefCell<Option<Failure>>,
}

impl Opened {
    /// Opens it. Every context of the app does so, each with a client of its own.
    pub async fn new(options: Options) -> Result<Rc<Self>, Failure> {
        let Options { database, schema, settings, remote, auto_sync } = options;
        let remote = BrowserRemote::new(remote).map_err(Failure::option)?;
        let lost = Rc::new(RefCell::new(std::rc::Weak::<Self>::new()));
        let told = Rc::clone(&lost);
        let ports = BrowserPorts::new(&database, remote, move |news| {
            let Some(opened) = told.borrow().upgrade() else { return };
            match news {
                StoreNews::Over(why) => opened.lose(why),
                StoreNews::Reopened => opened.recognise(),
            }
        });
        let client = Client::open(ports, schema, settings).await?;
        let opened = Rc::new(Self {
            database,
            client,
            events: Rc::default(),
            actions: Actions::default(),
            auto_sync: RefCell::default(),
            handles: Cell::default(),
            recognising: Cell::default(),
            over: RefCell::default(),
        });
        lost.replace(Rc::downgrade(&opened));
        opened.events.belong_to(&opened);
        let weak = Rc::downgrade(&opened);
        opened.client.listen(Rc::new(move |event| {
            if let Some(opened) = weak.upgrade() {
                opened.hear(event);
            }
        }));
        let client = opened.client.clone();
        // Where the store fails, whoever opens the database next goes on with it.
        spawn_local(async move { drop(client.fill_indexes().await) });
        if auto_sync {
            opened.auto_sync.replace(Some(AutoSync::start(&opened.client, &opened.events)));
        }
        Ok(opened)
    }

    pub fn client(&self) -> &Client<BrowserPorts> {
        &self.client
    }

    pub fn events(&self) -> &Rc<Events> {
        &self.events
    }

    pub fn actions(&self) -> &Actions {
        &self.actions
    }

    fn hear(&self, event: &Event) {
        self.events.hear(event);
        match event {
            Event::Change { origin: Origin::Here, .. } => self.with_auto_sync(AutoSync::written),
            Event::Outbox { pending: 1.., .. } | Event::Change { origin: Origin::Elsewhere, .. } => {
                self.with_auto_sync(AutoSync::unsent)
            }
            // What the instance has is fetched again.
            Event::Evicted { .. } => self.with_auto_sync(AutoSync::begin_anew),
            _ => {}
        }
    }

    pub fn with_auto_sync(&self, what: impl Fn(&AutoSync)) {
        if let Some(auto_sync) = &*self.auto_sync.borrow() {
            what(auto_sync);
        }
    }

    /// Something unsent is on the device now: asks the browser, once a page, not to evict it. Not any sooner, since
    /// a browser may put the question to the user.
    pub fn keep(&self) {
        if !ASKED_TO_PERSIST.replace(true) {
            spawn_local(async {
                storage::persist().await;
            });
        }
    }

    /// The database had to be opened anew: is it still the same? To ask it may mean to open it once more, so one
    /// question at a time: where every connection dies, that would never end.
    fn recognise(self: &Rc<Self>) {
        if self.recognising.replace(true) {
            return;
        }
        let this = Rc::clone(self);
        spawn_local(async move {
            // Where it cannot be told, the next call that opens the database asks again.
            let _ = this.client.recognise().await;
            this.recognising.set(false);
        });
    }

    /// Another context took the database away.
    fn lose(&self, why: StoreError) {
        let by_version = if let StoreError::Superseded { by_version } = why { Some(by_version) } else { None };
        let failure = Failure::from(EngineError::from(why));
        match by_version {
            Some(version) => self.events.superseded(version, failure.clone()),
            None => self.events.fail(failure.clone()),
        }
        self.end(failure);
        let client = self.client.clone();
        spawn_local(async move { client.close().await });
    }

    /// No handle can use it from here on.
    fn end(&self, why: Failure) {
        self.over.borrow_mut().get_or_insert(why);
        drop(self.auto_sync.take());
        registry::forget(&self.database, self);
    }
}

/// One `open` of a database: what the app holds.
pub struct Handle {
    opened: Rc<Opened>,
    number: u64,
    closed: Cell<bool>,
}

impl Handle {
    pub fn new(opened: Rc<Opened>) -> Rc<Self> {
        opened.handles.set(opened.handles.get() + 1);
        let number = NEXT_HANDLE.replace(NEXT_HANDLE.get() + 1);
        Rc::new(Self { opened, number, closed: Cell::new(false) })
    }

    /// Its owner's number with [`Events`].
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The database, unless this handle was closed or it was taken away.
    pub fn opened(&self) -> Result<&Rc<Opened>, Failure> {
        if self.closed.get() {
            return Err(Failure::closed());
        }
        match &*self.opened.over.borrow() {
            Some(why) => Err(why.clone()),
            None => Ok(&self.opened),
        }
    }

    /// The client, as [`Handle::opened`].
    pub fn client(&self) -> Result<&Client<BrowserPorts>, Failure> {
        Ok(self.opened()?.client())
    }

    /// The last handle to be closed closes the database. Closing twice is no error.
    pub async fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        let opened = &self.opened;
        opened.events.remove_of(self.number);
        opened.handles.set(opened.handles.get().saturating_sub(1));
        if opened.handles.get() == 0 {
            opened.end(Failure::closed());
            opened.client.close().await;
        }
    }

    /// Removes the database from under all handles of this page.
    pub async fn delete_database(&self, discard_unsent: bool) -> Result<(), Failure> {
        let opened = self.opened()?;
        let deleted = opened.client.delete_database(discard_unsent).await;
        // Once it has begun nothing of it can be used any more, however it ends: the next open starts afresh.
        if !matches!(deleted, Err(EngineError::Core(CoreError::UnsentWork(_)))) {
            opened.end(Failure::closed());
        }
        Ok(deleted?)
    }
}
