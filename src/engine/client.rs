//! The client: one database of one user, in one context.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use super::{
    actions::OnlineStep,
    dialect::{Dialect, ServiceNow},
    error::EngineError,
    eviction::Identity,
    hand::Receipts,
    settings::Settings,
    sync::Session,
};
use crate::{
    core::{
        Commit, CoreError, Durability, Event, Expect, Found, Halt, Key, Origin, Read, Row, RowKey, Ruled, Scan,
        StoreName, Tx, View, Work, WriteSet,
        schema::Schema,
        stored::{Family, Indexes, Item, Stored, decode},
    },
    ports::{Channel, Clock, Entropy, Ports, Store},
};

/// How often a rule is computed again before the call gives up. Each time, some other commit got through.
pub(super) const MOST_TRIES: u32 = 100;

/// Told each event, in this context's order of commits.
pub type Listener = Rc<dyn Fn(&Event)>;

/// One database of one user of one instance, as one context sees it. A handle: clones are the same client.
pub struct Client<P: Ports> {
    inner: Rc<Inner<P>>,
}

impl<P: Ports> Clone for Client<P> {
    fn clone(&self) -> Self {
        Self { inner: Rc::clone(&self.inner) }
    }
}

struct Inner<P: Ports> {
    ports: P,
    schema: Schema,
    settings: Settings,
    dialect: Box<dyn Dialect>,
    session: Session,
    receipts: Receipts,
    identity: Identity,
    steps: RefCell<BTreeMap<String, OnlineStep<P>>>,
    listeners: RefCell<Vec<(u64, Listener)>>,
    next_listener: Cell<u64>,
}

impl<P: Ports> Client<P> {
    /// A client over a store that is open. Speaks ServiceNow's dialect.
    ///
    /// # Errors
    /// The store's, if it cannot be read.
    pub async fn open(ports: P, mut schema: Schema, settings: Settings) -> Result<Self, EngineError> {
        let read = [Read::Row(Family::at())];
        if let Some(Found::Row(Some(row))) = ports.store().read(&read).await?.into_iter().next() {
            schema.remember(decode::<Family>(&row).unwrap_or_default().parents);
        }
        let dialect = Box::new(ServiceNow::new(&settings));
        let client = Self {
            inner: Rc::new(Inner {
                ports,
                schema,
                dialect,
                settings,
                session: Session::default(),
                receipts: Receipts::default(),
                identity: Identity::default(),
                steps: RefCell::default(),
                listeners: RefCell::default(),
                next_listener: Cell::new(0),
            }),
        };
        client.recognise().await?;
        let weak = Rc::downgrade(&client.inner);
        client.ports().channel().listen(Box::new(move |event| {
            if let Some(inner) = weak.upgrade() {
                Self { inner }.dispatch(&from_elsewhere(event));
            }
        }));
        Ok(client)
    }

    /// The surroundings.
    pub fn ports(&self) -> &P {
        &self.inner.ports
    }

    /// The declared tables.
    pub fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn dialect(&self) -> &dyn Dialect {
        &*self.inner.dialect
    }

    pub(super) fn receipts(&self) -> &Receipts {
        &self.inner.receipts
    }

    pub(super) fn steps(&self) -> &RefCell<BTreeMap<String, OnlineStep<P>>> {
        &self.inner.steps
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.inner.identity
    }

    pub(super) fn session(&self) -> &Session {
        &self.inner.session
    }

    /// Adds a listener for all events; the number takes it away again.
    pub fn listen(&self, listener: Listener) -> u64 {
        let id = self.inner.next_listener.replace(self.inner.next_listener.get() + 1);
        self.inner.listeners.borrow_mut().push((id, listener));
        id
    }

    /// Takes a listener away.
    pub fn unlisten(&self, id: u64) {
        self.inner.listeners.borrow_mut().retain(|(other, _)| *other != id);
    }

    /// Tells this context and all others.
    pub(super) fn tell(&self, events: &[Event]) {
        for event in events {
            self.ports().channel().post(event);
            self.dispatch(event);
        }
    }

    /// A listener may call back into the client, or take itself away: no borrow is held while it runs.
    fn dispatch(&self, event: &Event) {
        if !self.is_news(event) {
            return;
        }
        self.receipts().hear(event);
        let listeners: Vec<Listener> =
            self.inner.listeners.borrow().iter().map(|(_, listener)| Rc::clone(listener)).collect();
        for listener in listeners {
            listener(event);
        }
    }

    /// Runs a rule until it has read all it needs and its write set is committed.
    pub(super) async fn transact<T>(
        &self,
        origin: Origin,
        durability: Durability,
        mut rule: impl FnMut(&mut Tx<'_>) -> Ruled<T>,
    ) -> Result<T, EngineError> {
        let mut value = None;
        let mut keep = |tx: &mut Tx<'_>| rule(tx).map(|given| value = Some(given));
        self.run_rule(Some((origin, durability)), &mut keep).await?;
        value.ok_or(EngineError::Contended)
    }

    /// Runs a rule of a sync over many at once, and, should it come upon a row that nobody can read, over each alone:
    /// what is damaged holds up nothing but itself.
    pub(super) async fn transact_parts<I, T>(
        &self,
        durability: Durability,
        many: &[I],
        rule: impl Fn(&mut Tx<'_>, &[I]) -> Ruled<T>,
    ) -> Result<Vec<T>, EngineError> {
        let corrupt = |error: &EngineError| matches!(error, EngineError::Core(CoreError::Corrupt { .. }));
        match self.transact(Origin::Sync, durability, |tx| rule(tx, many)).await {
            Err(error) if corrupt(&error) => self.tell_corrupt(&error),
            all => return Ok(vec![all?]),
        }
        let mut parts = Vec::new();
        for one in many {
            match self.transact(Origin::Sync, durability, |tx| rule(tx, std::slice::from_ref(one))).await {
                Err(error) if corrupt(&error) => {}
                part => parts.push(part?),
            }
        }
        Ok(parts)
    }

    /// The rows that can be read. Of the others, and once only, an `error` event tells.
    pub(super) fn readable<T: Stored>(&self, rows: &[Row]) -> Vec<T> {
        let read = |row| decode::<T>(row).map_err(|error| self.tell_corrupt(&error.into())).ok();
        rows.iter().filter_map(read).collect()
    }

    pub(super) fn tell_corrupt(&self, error: &EngineError) {
        if !self.session().told_corrupt.replace(true) {
            let (code, message) = (error.code().to_owned(), error.to_string());
            self.tell(&[Event::Error { code, message, retryable: false }]);
        }
    }

    /// Runs a rule that only reads.
    pub(super) async fn look<T>(&self, mut rule: impl FnMut(&mut Tx<'_>) -> Ruled<T>) -> Result<T, EngineError> {
        let mut value = None;
        let mut keep = |tx: &mut Tx<'_>| rule(tx).map(|given| value = Some(given));
        self.run_rule(None, &mut keep).await?;
        value.ok_or(EngineError::Contended)
    }

    /// One loop for all rules, so that it is compiled once and not once for each: half the module was that.
    ///
    /// What a rule sees is read in several rounds, and another context may write between two of them. A commit finds
    /// that out. A refusal, or a rule that only reads, has no commit: what came of more than one round is compared with
    /// a single one, or a record would be missed in the moment it changes its id.
    async fn run_rule(
        &self,
        writes: Option<(Origin, Durability)>,
        rule: &mut dyn FnMut(&mut Tx<'_>) -> Ruled<()>,
    ) -> Result<(), EngineError> {
        let fresh = self.ports().entropy().uuid();
        let mut view = View::default();
        let mut rounds = 0;
        let mut tries = 0;
        while tries < MOST_TRIES {
            let mut tx = Tx::new(self.schema(), self.ports().clock().now_ms(), fresh, &view);
            let ruled = rule(&mut tx);
            match (ruled, writes) {
                (Err(Halt::Missing), _) => {
                    let mut missing = tx.missing();
                    // Whatever is written, this is looked at: not in a round of its own.
                    let looked_at = Read::Row(Indexes::at());
                    if rounds == 0 && writes.is_some() && !missing.contains(&looked_at) {
                        missing.push(looked_at);
                    }
                    rounds += 1;
                    self.read_into(missing, &mut view).await?;
                }
                (Ok(()), Some((origin, durability))) => {
                    if self.commit(tx.into_work(), &view, origin, durability).await? {
                        return Ok(());
                    }
                    tries += 1;
                    (view, rounds) = (View::default(), 0);
                }
                (ended, _) => {
                    let all = view.reads();
                    let mut now = View::default();
                    if rounds > 1 {
                        self.read_into(all, &mut now).await?;
                    }
                    if rounds <= 1 || now.is_as(&view) {
                        return match ended {
                            Err(Halt::Refuse(error)) => Err(error.into()),
                            _ => Ok(()),
                        };
                    }
                    tries += 1;
                    (view, rounds) = (now, 1);
                }
            }
        }
        Err(EngineError::Contended)
    }

    /// Writes what rules have left, and tells everyone. `false` if what they saw has changed meanwhile: nothing is
    /// written.
    pub(super) async fn commit(
        &self,
        work: Work,
        view: &View,
        origin: Origin,
        durability: Durability,
    ) -> Result<bool, EngineError> {
        work.write_down()?;
        let (set, events) = work.finish(view, self.revision(), origin, durability);
        if set.puts.is_empty() && set.deletes.is_empty() {
            return Ok(true);
        }
        let mut done = self.ports().store().commit(&set).await? == Commit::Done;
        if !done && origin == Origin::Here {
            done = self.was_done(&set).await?;
        }
        if done {
            self.announce(&set, events).await;
        }
        Ok(done)
    }

    /// Whether a set that is called stale was committed all the same: its connection died before it was told so, and by the
    /// second try others have written over all of its rows. To do it again would be to do it twice.
    ///
    /// The names of what it makes are nobody else's. The note on a temporary id stays for ever; an item goes, but then a
    /// receipt tells of it.
    async fn was_done(&self, set: &WriteSet) -> Result<bool, EngineError> {
        let is = |at: &RowKey, rev: fn(&Option<f64>) -> bool| {
            set.expect.iter().any(|expect| matches!(expect, Expect::Rev(of, known) if of == at && rev(known)))
        };
        let makes = |at: &RowKey| match at.store {
            StoreName::Outbox => !is(at, Option::is_some),
            StoreName::Aliases => is(at, Option::is_none),
            _ => false,
        };
        let rows = set.puts.iter().map(|(store, row)| RowKey { store: *store, key: row.key.clone() });
        let made: Vec<RowKey> = rows.filter(makes).collect();
        if made.iter().any(|at| at.store == StoreName::Outbox && self.receipts().has(at.key.text(0))) {
            return Ok(true);
        }
        if made.is_empty() {
            return Ok(false);
        }
        let reads: Vec<Read> = made.into_iter().map(Read::Row).collect();
        Ok(self.ports().store().read(&reads).await?.iter().any(|found| matches!(found, Found::Row(Some(_)))))
    }

    pub(super) async fn read_into(&self, reads: Vec<Read>, view: &mut View) -> Result<(), EngineError> {
        let found = self.ports().store().read(&reads).await?;
        view.absorb(reads, found);
        Ok(())
    }

    /// A random whole number that JavaScript holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are held exactly")]
    fn revision(&self) -> f64 {
        (self.ports().entropy().random() >> 11) as f64
    }

    /// What is committed is committed: nothing here may make a saved write look like a failed one.
    async fn announce(&self, set: &WriteSet, events: Vec<Event>) {
        // First, as the count takes time in which the page may be killed.
        self.tell(&events);
        let outbox = set.puts.iter().map(|(store, _)| *store).chain(set.deletes.iter().map(|at| at.store));
        if outbox.into_iter().any(|store| store == StoreName::Outbox) {
            let all = Scan::key(StoreName::Outbox, Key::default());
            let of = |prefix| Scan::index(StoreName::Outbox, prefix);
            let counted = self.counts([all, of(Item::refused()), of(Item::in_conflict())]).await;
            if let Ok([pending, refused, conflicts]) = counted {
                self.tell(&[Event::Outbox { pending, refused, conflicts }]);
            }
        }
    }

    pub(super) async fn counts<const N: usize>(&self, scans: [Scan; N]) -> Result<[u32; N], EngineError> {
        let found = self.ports().store().read(&scans.map(Read::Count)).await?;
        let mut counts = [0; N];
        for (count, found) in counts.iter_mut().zip(found) {
            if let Found::Count(number) = found {
                *count = number;
            }
        }
        Ok(counts)
    }

    /// Gives the store, the channel and the listeners back.
    pub async fn close(&self) {
        self.inner.listeners.borrow_mut().clear();
        self.session().abort();
        self.receipts().wake();
        self.ports().channel().close();
        self.ports().store().close().await;
    }

    /// Removes the database.
    ///
    /// # Errors
    /// [`CoreError::UnsentWork`], unless it is to be lost too.
    pub async fn delete_database(&self, discard_unsent: bool) -> Result<(), EngineError> {
        let [pending] = self.counts([Scan::key(StoreName::Outbox, Key::default())]).await?;
        if pending > 0 && !discard_unsent {
            return Err(CoreError::UnsentWork(pending).into());
        }
        self.session().abort();
        self.receipts().wake();
        self.ports().channel().close();
        Ok(self.ports().store().destroy().await?)
    }
}

fn from_elsewhere(event: Event) -> Event {
    match event {
        Event::Change { table, sys_ids, origin: Origin::Here } => {
            Event::Change { table, sys_ids, origin: Origin::Elsewhere }
        }
        event => event,
    }
}
