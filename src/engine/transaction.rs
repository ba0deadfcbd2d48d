//! Several writes of the app, committed together or not at all.

use std::cell::{Cell, RefCell};

use super::{
    client::Client,
    error::EngineError,
    records::{AppRow, get},
};
use crate::{
    core::{
        CoreError, Halt, Origin, Read, Ref, Ruled, Tx, View, Work, act, ids, present,
        present::Pause,
        receive::refs,
        stored::{Action, Indexes},
        values::take,
        write,
    },
    ports::{Clock, Entropy, Ports, Store},
};

/// Writes that are collected, each seeing those before it, until [`Transaction::commit`].
///
/// Nothing is locked meanwhile. What the writes saw must still be so when they are committed: if another context has
/// changed any of it, nothing is written and the caller begins again.
pub struct Transaction<P: Ports> {
    client: Client<P>,
    group: String,
    pause: Option<Pause>,
    /// The item of the action whose offline step this is.
    action: Option<String>,
    state: RefCell<Option<State>>,
    /// Steps under way: where the app has not awaited one, it would be left out.
    running: Cell<usize>,
}

struct State {
    view: View,
    work: Work,
}

impl<P: Ports> Client<P> {
    /// Begins a transaction.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(&self) -> Result<Transaction<P>, EngineError> {
        let uuid = || self.ports().entropy().uuid();
        Ok(Transaction {
            client: self.clone(),
            group: uuid().simple().to_string(),
            pause: self.pause().await?,
            action: None,
            state: RefCell::new(Some(State { view: View::default(), work: Work::new(uuid()) })),
            running: Cell::new(0),
        })
    }

    /// Begins the offline step of an action: what is written in it is the action's, and is not sent as such.
    ///
    /// # Errors
    /// As [`act::begin`]; the store's.
    pub async fn act(&self, action: Action) -> Result<Transaction<P>, EngineError> {
        let mut transaction = self.begin().await?;
        let id = self.ports().entropy().uuid().simple().to_string();
        transaction.action = Some(transaction.step(|tx| act::begin(tx, &id, action.clone())).await?);
        Ok(transaction)
    }
}

impl<P: Ports> Transaction<P> {
    /// As [`Client::create_many`], for one record.
    ///
    /// # Errors
    /// [`CoreError`]; the store's.
    pub async fn create(&self, table: &str, given: AppRow) -> Result<AppRow, EngineError> {
        self.client.schema().known(table)?;
        let fields = take(self.client.schema(), table, given)?;
        let id = ids::temporary(self.client.ports().entropy().uuid());
        self.one(|tx| {
            let record = match &self.action {
                Some(item) => act::create(tx, item, table, &id, &fields)?,
                None => write::create(tx, table, &id, &fields)?,
            };
            tx.glance(|tx| present::records(tx, &[record], self.pause))
        })
        .await
    }

    /// As [`Client::update`].
    ///
    /// # Errors
    /// [`CoreError`]; the store's.
    pub async fn update(&self, table: &str, sys_id: &str, changes: AppRow) -> Result<AppRow, EngineError> {
        self.client.schema().known(table)?;
        let changes = take(self.client.schema(), table, changes)?;
        self.one(|tx| {
            let record = match &self.action {
                Some(item) => act::update(tx, item, table, sys_id, &changes)?,
                None => write::update(tx, table, sys_id, &changes)?,
            };
            tx.glance(|tx| present::records(tx, &[record], self.pause))
        })
        .await
    }

    /// As [`Client::delete`].
    ///
    /// # Errors
    /// [`CoreError`]; the store's.
    pub async fn delete(&self, table: &str, sys_id: &str) -> Result<(), EngineError> {
        self.client.schema().known(table)?;
        self.step(|tx| match &self.action {
            Some(item) => act::delete(tx, item, table, sys_id),
            None => write::delete(tx, table, sys_id),
        })
        .await
    }

    /// As [`Client::get`].
    ///
    /// # Errors
    /// [`CoreError::UnknownTable`]; the store's.
    pub async fn get(&self, table: &str, sys_id: &str, deleted: bool) -> Result<Option<AppRow>, EngineError> {
        self.client.schema().known(table)?;
        let rows = self.step(|tx| get(tx, table, sys_id, deleted, self.pause)).await?;
        Ok(rows.into_iter().next())
    }

    /// Of an offline step: the action's item, and the records that it has changed so far.
    ///
    /// # Errors
    /// [`CoreError::TransactionOver`]; the store's.
    pub async fn acted(&self) -> Result<(String, Vec<Ref>), EngineError> {
        let id = self.action.clone().unwrap_or_default();
        let item = self.step(|tx| tx.item(&id)).await?;
        Ok((id, item.as_ref().map(refs).unwrap_or_default()))
    }

    /// Writes it all. `false` if something it was made from has changed meanwhile: nothing is written, and the whole
    /// is to be done again. Of no use afterwards, either way.
    ///
    /// # Errors
    /// [`CoreError::TransactionOver`]; the store's.
    pub async fn commit(&self) -> Result<bool, EngineError> {
        // One that is not awaited may end meanwhile, and would be left out all the same.
        if let Some(item) = self.action.as_ref().filter(|_| self.running.get() == 0) {
            self.step(|tx| act::end(tx, item)).await?;
        }
        let state = self.state.take().filter(|_| self.running.get() == 0);
        let State { view, work } = state.ok_or(CoreError::TransactionOver)?;
        let durability = self.client.settings().durability;
        self.client.commit(work, &view, Origin::Here, durability).await
    }

    /// Gives it up. `false` if something it saw has changed meanwhile: what went wrong may have come of that.
    ///
    /// # Errors
    /// [`CoreError::TransactionOver`]; the store's.
    pub async fn give_up(&self) -> Result<bool, EngineError> {
        let State { view, .. } = self.state.take().ok_or(CoreError::TransactionOver)?;
        let mut now = View::default();
        now.absorb(view.reads(), self.client.ports().store().read(&view.reads()).await?);
        Ok(now.is_as(&view))
    }

    async fn one(&self, rule: impl FnMut(&mut Tx<'_>) -> Ruled<Vec<AppRow>>) -> Result<AppRow, EngineError> {
        Ok(self.step(rule).await?.into_iter().next().unwrap_or_default())
    }

    async fn step<T>(&self, mut rule: impl FnMut(&mut Tx<'_>) -> Ruled<T>) -> Result<T, EngineError> {
        let mut value = None;
        let mut keep = |tx: &mut Tx<'_>| rule(tx).map(|given| value = Some(given));
        let _running = Running::one(&self.running);
        self.run_step(&mut keep).await?;
        value.ok_or(EngineError::Contended)
    }

    /// Steps may overlap, as in `Promise.all`: between two readings another may be done, and this one then runs over
    /// what that one has left.
    async fn run_step(&self, rule: &mut dyn FnMut(&mut Tx<'_>) -> Ruled<()>) -> Result<(), EngineError> {
        // Each reading brings what was missing, and there is only so much.
        loop {
            let missing = {
                let mut state = self.state.borrow_mut();
                let State { view, work } = state.as_mut().ok_or(CoreError::TransactionOver)?;
                let mut tx = Tx::after(self.client.schema(), self.client.ports().clock().now_ms(), view, work);
                tx.group = Some(self.group.clone());
                match rule(&mut tx) {
                    Ok(()) => {
                        let step = tx.into_work();
                        work.absorb(step);
                        return Ok(());
                    }
                    Err(Halt::Refuse(error)) => return Err(error.into()),
                    Err(Halt::Missing) => {
                        let mut missing = tx.missing();
                        let looked_at = Read::Row(Indexes::at());
                        if view.reads().is_empty() && !missing.contains(&looked_at) {
                            missing.push(looked_at);
                        }
                        missing
                    }
                }
            };
            let found = self.client.ports().store().read(&missing).await?;
            let mut state = self.state.borrow_mut();
            state.as_mut().ok_or(CoreError::TransactionOver)?.view.absorb(missing, found);
        }
    }
}

struct Running<'a>(&'a Cell<usize>);

impl<'a> Running<'a> {
    fn one(count: &'a Cell<usize>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
