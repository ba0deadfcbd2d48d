//! Syncing without being asked: at the start, after a write, when the network or the user comes back, and after a
//! failure, by a timer that waits longer each time.
//!
//! One loop, which does one thing at a time: there is never more than one timer, nor a second run behind the first.
//! In the service worker it only answers to writes; there, `serve` syncs when the browser says so, and a timer would
//! not outlive the worker.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    pin::pin,
    rc::Rc,
};

use futures_util::future::{Either, select};
use wasm_bindgen_futures::spawn_local;

use super::{bell::Bell, events::Events, failure::Failure};
use crate::{
    browser::{
        BrowserPorts, Scope, Wake, background_sync,
        connection::{self, Unmetered},
    },
    core::retry::backoff_ms,
    engine::{Client, EndedBy, EngineError, Occasion, STUCK_MS, SyncOptions, SyncReport},
    ports::{Clock as _, Entropy as _, Ports as _, StoreError},
};

/// What the service worker listens for.
const TAG: &str = "landfall";

/// Time between two runs of its own accord, in ms: an item that is due and yet does not move must not make it spin.
const LEAST_MS: u64 = 1_000;

/// How long another context has to send what it wrote, in ms. If it was killed over it, somebody else has to.
const LEFT_TO_OTHERS_MS: u64 = 10_000;

/// The loop, for as long as it is kept.
pub struct AutoSync {
    state: Rc<State>,
    _wake: Option<Wake>,
    _unmetered: Option<Unmetered>,
}

struct State {
    client: Client<BrowserPorts>,
    events: Rc<Events>,
    bell: Bell,
    /// Something unsent was heard of.
    unsent: Bell,
    stopped: Cell<bool>,
    /// The app has written since the last run.
    written: Cell<bool>,
    /// The cached tables are to be refreshed on this occasion.
    owed: Cell<Occasion>,
    /// Runs in a row that did not reach the instance.
    failures: Cell<u32>,
    last_error: RefCell<Option<String>>,
}

impl AutoSync {
    pub fn start(client: &Client<BrowserPorts>, events: &Rc<Events>) -> Self {
        let state = Rc::new(State {
            client: client.clone(),
            events: Rc::clone(events),
            bell: Bell::default(),
            unsent: Bell::default(),
            stopped: Cell::new(false),
            written: Cell::new(false),
            owed: Cell::default(),
            failures: Cell::new(0),
            last_error: RefCell::default(),
        });
        let served = Scope::current() == Scope::ServiceWorker;
        let wake = (!served).then(|| {
            let state = Rc::clone(&state);
            Wake::new(move || state.come_back())
        });
        // What was left out for the sake of the connection is owed still.
        let unmetered = (!served).then(|| {
            let state = Rc::clone(&state);
            Unmetered::new(move || state.bell.ring())
        });
        if !served {
            state.owe(Occasion { opened_at: Some(state.now()), ..Occasion::default() });
            state.bell.ring();
        }
        spawn_local(Rc::clone(&state).run(served));
        Self { state, _wake: wake, _unmetered: unmetered.flatten() }
    }

    /// The app has written.
    pub fn written(&self) {
        self.state.written.set(true);
        self.state.bell.ring();
    }

    /// Something is unsent, whoever wrote it.
    pub fn unsent(&self) {
        self.state.unsent.ring();
    }

    /// What held the traffic back is over: signed in, or online by the user's word.
    pub fn come_back(&self) {
        self.state.come_back();
    }

    /// Nothing is here any more.
    pub fn begin_anew(&self) {
        self.state.owe(Occasion { opened_at: Some(self.state.now()), ..Occasion::default() });
        self.state.come_back();
    }
}

impl Drop for AutoSync {
    fn drop(&mut self) {
        self.state.stopped.set(true);
        self.state.bell.ring();
    }
}

impl State {
    fn now(&self) -> u64 {
        self.client.ports().clock().now_ms()
    }

    fn owe(&self, occasion: Occasion) {
        self.owed.set(self.owed.get().and(occasion));
    }

    fn come_back(&self) {
        self.owe(Occasion { back_at: Some(self.now()), ..Occasion::default() });
        self.bell.ring();
    }

    async fn run(self: Rc<Self>, served: bool) {
        let (mut wait, mut refresh) = (None, None);
        // Orders Background Sync once for what an earlier visit left.
        let mut left_over = true;
        loop {
            self.rung_or_after(wait, refresh, served).await;
            // All the writes of one turn of the event loop go together.
            self.client.ports().clock().sleep(0).await;
            if self.stopped.get() {
                return;
            }
            let written = self.written.take();
            if written {
                // Before the attempt: it may take a minute to fail, and the tab may be closed by then.
                background_sync::register(TAG).await;
            }
            let ended = self.sync(served).await;
            if self.stopped.get() {
                return;
            }
            if let Ok(report) = &ended
                && report.remaining > 0
                && (served || std::mem::take(&mut left_over))
                && !written
            {
                background_sync::register(TAG).await;
            }
            if !served {
                (wait, refresh) = (self.next(&ended).await, self.next_refresh(&ended).await);
            }
            left_over = false;
        }
    }

    async fn rung_or_after(&self, wait: Option<u64>, refresh: Option<u64>, served: bool) {
        let due = async {
            match wait {
                Some(ms) => self.client.ports().clock().sleep(ms).await,
                None if served => pending().await,
                None => {
                    select(pin!(self.left_behind()), pin!(self.watch_what_stays())).await;
                }
            }
        };
        let refresh = async {
            match refresh {
                Some(ms) => self.client.ports().clock().sleep(ms).await,
                None => pending().await,
            }
        };
        match select(pin!(self.bell.wait()), select(pin!(due), pin!(refresh))).await {
            Either::Left(_) | Either::Right(_) => {}
        }
    }

    /// Resolves when something has been unsent for a while and is due: whoever wrote it may be gone.
    async fn left_behind(&self) {
        loop {
            self.unsent.wait().await;
            self.client.ports().clock().sleep(LEFT_TO_OTHERS_MS).await;
            match self.client.next_sync_in().await {
                Ok(Some(ms)) => return self.client.ports().clock().sleep(ms).await,
                Ok(None) => {}
                // Looked at once more.
                Err(_) => self.unsent.ring(),
            }
        }
    }

    /// Where all that is left waits for the user, no run comes that would say so.
    async fn watch_what_stays(&self) {
        loop {
            self.client.ports().clock().sleep(STUCK_MS).await;
            // What the store says against it the next run says too.
            let _ = self.client.look_for_standstill().await;
        }
    }

    async fn sync(&self, served: bool) -> Result<SyncReport, EngineError> {
        let metered = connection::is_metered();
        let owed = Occasion { metered, ..self.owed.take() };
        let pull = !served && (!owed.is_none() || matches!(self.client.next_refresh_in(metered).await, Ok(Some(0))));
        let ended = self.client.sync(SyncOptions { pull, only: Some(owed), ..SyncOptions::default() }).await;
        // What was not pulled is still owed; to whom that was done since, it is not done again.
        let left_out = self.client.spares(metered);
        match &ended {
            Ok(report) if report.ended_by == EndedBy::Done => {
                if left_out {
                    self.owe(owed);
                }
                self.failures.set(0);
                self.last_error.take();
            }
            Ok(report) => {
                if left_out || !report.refreshed {
                    self.owe(owed);
                }
                // Nothing was tried where the user holds the traffic back.
                if report.ended_by == EndedBy::Offline && report.requests > 0 {
                    self.failures.set(self.failures.get() + 1);
                }
            }
            Err(error) => {
                self.owe(owed);
                self.failures.set(self.failures.get() + 1);
                self.tell(error);
            }
        }
        ended
    }

    /// The same failure again and again is told once; that the database was closed under the run, by whoever did it.
    fn tell(&self, error: &EngineError) {
        if matches!(error, EngineError::Store(StoreError::Closed | StoreError::Superseded { .. })) {
            return;
        }
        let sentence = error.to_string();
        let known = self.last_error.replace(Some(sentence.clone()));
        if known.as_ref() != Some(&sentence) && !self.stopped.get() {
            self.events.fail(Failure::from(error.clone()));
        }
    }

    /// How long until the next run, if nobody asks for one before.
    async fn next(&self, ended: &Result<SyncReport, EngineError>) -> Option<u64> {
        // A store that does not say is asked again later: nothing else would, where all was written before.
        let later = || backoff_ms(self.failures.get(), self.client.ports().entropy().random());
        let due = match self.client.next_sync_in().await {
            Ok(due) => due,
            Err(EngineError::Store(StoreError::Closed | StoreError::Superseded { .. })) => None,
            Err(_) => Some(later()),
        };
        let failed = match ended {
            Ok(report) => report.ended_by == EndedBy::Offline && report.requests > 0,
            Err(_) => true,
        };
        // The engine knows when the outbox is due; that the cached tables are, only this loop does.
        let owed = (failed && !self.owed.get().is_none()).then(later);
        // After a failure that the engine does not know of, such as the store's, it is not asked again at once.
        let next = if ended.is_err() { owed.or(due)? } else { [due, owed].into_iter().flatten().min()? };
        Some(next.max(LEAST_MS))
    }

    /// How long until a table is due by its own interval.
    async fn next_refresh(&self, ended: &Result<SyncReport, EngineError>) -> Option<u64> {
        let due = self.client.next_refresh_in(connection::is_metered()).await.ok()??;
        let least = match ended {
            Ok(_) => LEAST_MS,
            Err(_) => backoff_ms(self.failures.get(), self.client.ports().entropy().random()),
        };
        Some(due.max(least))
    }
}
