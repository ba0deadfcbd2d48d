//! A run: one sender, under the lock and a lease, pushes and then pulls.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    pin::pin,
    rc::Rc,
};

use futures_util::{
    FutureExt,
    future::{Either, FusedFuture, LocalBoxFuture, Shared, select},
};

use super::{
    client::Client,
    error::EngineError,
    exchange::Trouble,
    opened::Served,
    refresh::Occasion,
    report::{EndedBy, Progress, SyncReport},
};
use crate::{
    core::{
        CoreError, Durability, Event, Key, Origin, Scan, StoreName,
        lease::{Stood, confirm_lease, give_lease_back, take_free_lease, take_lapsed_lease},
        stored::Lease,
    },
    ports::{Clock, Lock, Patience, Ports},
    wire::Capabilities,
};

/// How long to wait for the lock before looking whether its holder is still alive, in ms.
const PATIENCE_MS: u64 = 5_000;

/// How often in a row the capabilities may be unreadable before an instance is taken to have none.
const MOST_UNREAD: u32 = 2;

pub(super) type Run = Shared<LocalBoxFuture<'static, Result<SyncReport, EngineError>>>;

/// What a sync is to do.
#[derive(Clone)]
pub struct SyncOptions {
    /// Send what is due.
    pub push: bool,
    /// Then refresh the cached tables.
    pub pull: bool,
    /// Only those that are due on this occasion; all of them, if none is given.
    pub only: Option<Occasion>,
    /// Set it to stop at the next step.
    pub abort: Rc<Cell<bool>>,
    /// Told how far it is.
    pub on_progress: Option<Rc<dyn Fn(Progress)>>,
}

impl SyncOptions {
    /// Whether a run with these does what one with others would.
    fn cover(&self, others: &Self) -> bool {
        let refreshes = self.pull && (self.only.is_none() || self.only == others.only);
        (self.push || !others.push) && (refreshes || !others.pull)
    }
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self { push: true, pull: true, only: None, abort: Rc::default(), on_progress: None }
    }
}

/// What this context knows of the sending and forgets with the page.
#[derive(Default)]
pub(super) struct Session {
    run: RefCell<Option<(Run, SyncOptions)>>,
    closed: Cell<bool>,
    capabilities: Cell<Option<Capabilities>>,
    requests: Cell<u32>,
    /// Whether the last request of this context had an answer of the instance.
    pub(super) reached: Cell<Option<bool>>,
    /// Somebody has led the last request elsewhere, to sign in most likely: so does a portal.
    pub(super) led_away: Cell<bool>,
    /// A call joined the run: what was written before it goes too.
    joined: Cell<bool>,
    /// The run is past the point where it would look for more: whoever comes now starts the next.
    closing: Cell<bool>,
    /// How often in a row what the instance announces could not be read.
    pub(super) unread: Cell<u32>,
    /// Tables by which this run could not find out whether the line holds.
    pub(super) silent: RefCell<BTreeSet<String>>,
    /// Tables of which records could not be read before they were changed, though the line held.
    pub(super) unread_tables: RefCell<BTreeSet<String>>,
    /// Tables that could not be searched for twins in this run.
    pub(super) unsearched: RefCell<BTreeSet<String>>,
    /// The line had failed before this run, and has not answered in it yet.
    pub(super) line_failed: Cell<bool>,
    /// Who waits for what the app has asked the instance for.
    pub(super) served: Served,
    /// This context has said that a row cannot be read.
    pub(super) told_corrupt: Cell<bool>,
    pub(super) no_batch: Cell<bool>,
    /// How many items the next batch takes; 0 until the first.
    pub(super) batch: Cell<usize>,
    /// The most bytes of fields that go in one batch, once one was too large: by count it would grow to that size again.
    pub(super) batch_bytes: Cell<Option<usize>>,
    /// The same, once one got no answer. The line may be another by now, so this one grows again.
    pub(super) line_bytes: Cell<Option<usize>>,
}

impl Session {
    pub(super) fn abort(&self) {
        self.closed.set(true);
    }
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }
    pub(super) fn count_request(&self) {
        self.requests.set(self.requests.get() + 1);
    }
    pub(super) fn capabilities(&self) -> Option<Capabilities> {
        self.capabilities.get()
    }
    pub(super) fn set_capabilities(&self, capabilities: Capabilities) {
        self.capabilities.set(Some(capabilities));
    }
    pub(super) fn forget_capabilities(&self) {
        self.capabilities.set(None);
    }
    /// Notes whether the instance answered; tells whether that is news.
    pub(super) fn note_reached(&self, reached: bool) -> bool {
        self.reached.replace(Some(reached)) != Some(reached)
    }
    /// Whether it was asked often enough what it can do, and never said so that it could be read.
    pub(super) fn passes_for_plain(&self) -> bool {
        self.unread.get() > MOST_UNREAD
    }
    pub(super) fn run_under_way(&self) -> Option<Run> {
        self.run.borrow().as_ref().map(|(run, _)| run.clone())
    }
    pub(super) fn is_running(&self) -> bool {
        self.run.borrow().is_some()
    }
}

impl<P: Ports> Client<P> {
    /// Sends what is due, reconciles, then pulls. Resolves when nothing more can move now.
    ///
    /// One run at a time: a call during a run of this context joins it, and a call during another
    /// context's run waits for that one first.
    ///
    /// # Errors
    /// The store's. What the instance refuses, and that it cannot be reached, is in the report.
    pub async fn sync(&self, options: SyncOptions) -> Result<SyncReport, EngineError> {
        let mut joined_before = false;
        loop {
            let joined =
                self.session().run.borrow().as_ref().map(|(run, under_way)| (run.clone(), under_way.cover(&options)));
            match joined {
                Some((run, true)) if !self.session().closing.get() => {
                    self.session().joined.set(true);
                    let report = run.await?;
                    let answers = match report.ended_by {
                        EndedBy::Done => true,
                        // That the other caller had enough is no answer to this one.
                        EndedBy::Aborted => false,
                        // Nor is it that the line was dead before this one asked: by now the instance may be back,
                        // and the next try of its own accord minutes away.
                        EndedBy::Offline | EndedBy::Auth | EndedBy::Backoff => {
                            std::mem::replace(&mut joined_before, true)
                        }
                    };
                    if answers || self.is_stopped(&options) {
                        return Ok(report);
                    }
                }
                // That run will not do all this one is to do: it follows.
                Some((run, _)) => drop(run.await),
                None => break,
            }
        }
        let client = self.clone();
        let its_options = options.clone();
        let run: Run = async move {
            let result = client.run(&its_options).await;
            *client.session().run.borrow_mut() = None;
            client.tell(&[Event::Status]);
            result
        }
        .boxed_local()
        .shared();
        *self.session().run.borrow_mut() = Some((run.clone(), options));
        self.tell(&[Event::Status]);
        run.await
    }

    /// The run under way. Whoever may have begun one and not seen its end has to have it driven on: one that nobody polls
    /// keeps the lock.
    pub fn run_under_way(&self) -> Option<impl Future + use<P>> {
        self.session().run_under_way()
    }

    async fn run(&self, options: &SyncOptions) -> Result<SyncReport, EngineError> {
        let mut report = SyncReport::default();
        self.session().requests.set(0);
        self.session().no_batch.set(false);
        self.session().silent.take();
        self.session().unsearched.take();
        self.session().closing.set(false);
        if let Some(held_back) = self.held_back().await? {
            return self.finish(report, held_back).await;
        }
        let worked = loop {
            let Some((_guard, lease)) = self.become_sender(options).await? else {
                return self.finish(report, EndedBy::Aborted).await;
            };
            self.session().closing.set(false);
            let worked = self.work(lease, options, &mut report).await;
            self.session().closing.set(true);
            self.transact(Origin::Sync, Durability::Relaxed, |tx| give_lease_back(tx, lease)).await?;
            // Frozen too long, or a newer sender was not seen in time: the other one goes first.
            if worked != Err(Trouble::Engine(CoreError::LeaseLost.into())) {
                break worked;
            }
        };
        let ended = match worked {
            Ok(ended_by) => ended_by,
            Err(Trouble::SignIn) => {
                self.note_signed_out(true).await?;
                EndedBy::Auth
            }
            Err(Trouble::Unreachable(_)) => {
                self.session().forget_capabilities();
                self.note_failure(None).await?;
                EndedBy::Offline
            }
            Err(Trouble::Busy { wait_ms, .. }) => {
                self.note_failure(wait_ms).await?;
                EndedBy::Backoff
            }
            Err(Trouble::NotTheInstance(why)) => {
                // A portal's page, most often, and gone in a while: so it counts as being offline. But a wrong URL
                // answers just so, and nobody would ever know.
                let error = EngineError::NotAnInstance { url: self.settings().url.clone(), why };
                self.tell(&[Event::Error {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                    retryable: error.retryable(),
                }]);
                self.session().forget_capabilities();
                self.note_failure(None).await?;
                EndedBy::Offline
            }
            Err(Trouble::Engine(error)) => return Err(error),
        };
        if report.sent + report.refused > 0 {
            self.note_moved().await?;
        } else {
            self.look_for_standstill().await?;
        }
        self.finish(report, ended).await
    }

    /// Why nothing may be sent: the user, or the instance, has said so.
    async fn held_back(&self) -> Result<Option<EndedBy>, EngineError> {
        let course = self.course().await?;
        self.session().line_failed.set(course.failures > 0);
        let busy = course.busy_at(self.ports().clock().now_ms()).map(|_| EndedBy::Backoff);
        Ok(if course.offline { Some(EndedBy::Offline) } else { busy })
    }

    async fn work(&self, lease: u64, options: &SyncOptions, report: &mut SyncReport) -> Result<EndedBy, Trouble> {
        // Another may have been told while this one waited for its turn.
        if let Some(held_back) = self.held_back().await? {
            return Ok(held_back);
        }
        self.note_signed_out(false).await?;
        let mut ended = EndedBy::Done;
        report.pulled += self.read_opened(lease).await?;
        let mut ready = 0;
        if options.push {
            ended = self.push(lease, options, report).await?;
            ready = self.ready(options).await?;
            if matches!(ended, EndedBy::Done | EndedBy::Backoff) {
                self.look_for_twins(lease, options).await?;
                report.pulled += self.read_wanted(lease).await?;
            }
        }
        if options.pull && matches!(ended, EndedBy::Done | EndedBy::Backoff) {
            let pulled = self.pull(lease, options, report, ready).await?;
            if pulled != EndedBy::Done {
                ended = pulled;
            }
            // What came in part and is the answer to a create, say.
            report.pulled += self.read_wanted(lease).await?;
        }
        // A run that only reads what the app has asked for has neither sent what was due nor refreshed anything.
        if ended == EndedBy::Done && (options.push || options.pull) {
            self.note_success(lease).await?;
        }
        // Who has asked meanwhile in another tab would else wait for that one's turn. Nothing is
        // awaited after the last look for who has joined.
        if matches!(ended, EndedBy::Done | EndedBy::Backoff) {
            report.pulled += self.read_opened(lease).await?;
        }
        while options.push && ended == EndedBy::Done && self.session().joined.replace(false) {
            ended = self.push(lease, options, report).await?;
        }
        Ok(ended)
    }

    async fn finish(&self, mut report: SyncReport, ended_by: EndedBy) -> Result<SyncReport, EngineError> {
        let all = Scan::key(StoreName::Outbox, Key::default());
        let [remaining, held] = self.counts([all, Scan::index(StoreName::Outbox, Key::from(["held"]))]).await?;
        report.remaining = remaining;
        report.waiting = held;
        report.requests = self.session().requests.get();
        report.ended_by = ended_by;
        Ok(report)
    }

    /// The lock, or, if its holder has let its lease lapse, the lock taken from it. Where the lock keeps nobody out, or its
    /// holder is not the lease's, the lease does: then a sender that is killed is followed when it lapses.
    ///
    /// Of several that see a lease lapsed only one takes it, and only that one then takes the lock by force.
    async fn become_sender(
        &self,
        options: &SyncOptions,
    ) -> Result<Option<(<P::Lock as Lock>::Guard, u64)>, EngineError> {
        let (lock, clock) = (self.ports().lock(), self.ports().clock());
        let mut stood = Stood::default();
        while !self.is_stopped(options) {
            let seen = self.look(|tx| tx.fact::<Lease>()).await?;
            stood = stood.seen(seen, PATIENCE_MS);
            // A browser may refuse the request itself, at once and every time: then nobody has waited yet.
            let mut pause = pin!(clock.sleep(PATIENCE_MS).fuse());
            let guard = match select(pin!(lock.acquire(Patience::Ms(PATIENCE_MS))), pause.as_mut()).await {
                Either::Left((guard, _)) => guard,
                Either::Right(((), acquiring)) => acquiring.await,
            };
            if guard.is_some() && lock.excludes() && !seen.lockless {
                match self.transact(Origin::Sync, Durability::Relaxed, |tx| take_free_lease(tx, seen.number)).await? {
                    Some(lease) => return Ok(guard.map(|guard| (guard, lease))),
                    None => continue,
                }
            }
            let locked = guard.is_none();
            let taken =
                self.transact(Origin::Sync, Durability::Relaxed, |tx| take_lapsed_lease(tx, stood, locked)).await?;
            match (taken, guard) {
                // A lock that everyone has: whoever sends is heard of by its lease alone.
                (Some(lease), Some(guard)) => return Ok(Some((guard, lease))),
                (Some(lease), None) => match lock.acquire(Patience::Steal).await {
                    Some(guard) => {
                        if self.transact(Origin::Sync, Durability::Relaxed, |tx| confirm_lease(tx, lease)).await? {
                            return Ok(Some((guard, lease)));
                        }
                    }
                    None => self.transact(Origin::Sync, Durability::Relaxed, |tx| give_lease_back(tx, lease)).await?,
                },
                (None, _) => {}
            }
            if !pause.is_terminated() {
                pause.await;
            }
        }
        Ok(None)
    }

    pub(super) fn is_stopped(&self, options: &SyncOptions) -> bool {
        options.abort.get() || self.session().closed.get()
    }
}
