//! Records that the app asks the instance for, and those that it pins.
//!
//! They are read by whoever sends, under the lease: what is read beside a sender may be older than an answer that he has
//! taken in meanwhile, or the record of a create whose receipt is on its way. So the record is noted on disk. A run under way
//! reads it between two of its steps; else a run is made for it alone, which sends nothing.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::poll_fn,
    pin::pin,
    task::{Poll, Waker},
};

use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{along::Walk, client::Client, error::EngineError, exchange::Trouble, records::AppRow, sync::SyncOptions};
use crate::{
    core::{
        Durability, Found, Origin, Read, Scan, StoreName,
        along::{self, Include, gone_there},
        ids,
        lease::renew_lease,
        pull::Came,
        stored::{Opened, Record},
    },
    ports::{Clock, Ports, Remote, Store},
};

/// How long the app is kept waiting for another run to come to it, in ms. A long push may take many minutes.
const TURN_MS: u64 = 5_000;

/// When the instance is asked for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FromRemote {
    /// Where the record is not here.
    IfMissing,
    /// Each time.
    Always,
}

/// Wakes those who wait for a record to be read.
#[derive(Default)]
pub(super) struct Served {
    times: Cell<u64>,
    waiting: RefCell<Vec<Waker>>,
}

impl Served {
    fn note(&self) {
        self.times.set(self.times.get() + 1);
        for waker in self.waiting.take() {
            waker.wake();
        }
    }

    /// Once something has been read after the first `since` times.
    async fn after(&self, since: u64) {
        poll_fn(|context| {
            if self.times.get() != since {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl<P: Ports> Client<P> {
    /// As [`Client::get`], but the instance is asked, when online. What it answers, and what the table's cache includes of
    /// it, stays on the device. Offline, or where it does not answer soon, it is what is here: then the run that asks is to
    /// be driven on, see [`Client::run_under_way`].
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_from(
        &self,
        table: &str,
        sys_id: &str,
        deleted: bool,
        from: FromRemote,
    ) -> Result<Option<AppRow>, EngineError> {
        self.schema().known(table)?;
        let id = self.resolve_id(sys_id).await?;
        let asks = from == FromRemote::Always || self.get(table, &id, true).await?.is_none();
        // What has a comma in it is no id: in a question it would be two.
        if asks && !ids::is_temporary(&id) && !id.contains(',') {
            self.read_now(&Opened { table: table.to_owned(), sys_id: id.clone(), pinned: false }).await?;
        }
        self.get(table, &id, deleted).await
    }

    /// Has a record, and what goes along with it, on the device until [`Client::unpin`]: from now on, when online, else from
    /// the next refresh on. Without `include` it is what its table's cache includes. As after [`Client::get_from`], the run
    /// under way is to be driven on.
    ///
    /// # Errors
    /// As [`along::pin`]; the store's.
    pub async fn pin(&self, table: &str, sys_id: &str, include: Option<Vec<Include>>) -> Result<(), EngineError> {
        self.schema().known(table)?;
        let id = self.resolve_id(sys_id).await?;
        let durability = self.settings().durability;
        let pin = self.transact(Origin::Here, durability, |tx| along::pin(tx, table, &id, include.as_deref())).await?;
        self.read_now(&Opened { table: pin.table, sys_id: pin.sys_id, pinned: true }).await
    }

    /// Lets go of a record that was pinned: it goes at the next refresh, unless it is here for another reason.
    ///
    /// # Errors
    /// That the table is not declared; the store's.
    pub async fn unpin(&self, table: &str, sys_id: &str) -> Result<(), EngineError> {
        self.transact(Origin::Here, self.settings().durability, |tx| along::unpin(tx, table, sys_id)).await
    }

    /// Has it read by the run under way, or by one of its own.
    async fn read_now(&self, opened: &Opened) -> Result<(), EngineError> {
        if self.pause().await?.is_some() || !self.ports().remote().maybe_online() {
            return Ok(());
        }
        self.transact(Origin::Here, Durability::Relaxed, |tx| tx.put(opened)).await?;
        let at = Opened::at(&opened.table, &opened.sys_id);
        let mut limit = pin!(self.ports().clock().sleep(TURN_MS).fuse());
        let mut tried = false;
        loop {
            let served = &self.session().served;
            let since = served.times.get();
            if self.look(|tx| tx.readable::<Opened>(&at)).await?.is_none() {
                return Ok(());
            }
            match self.session().run_under_way() {
                Some(run) => {
                    let served = pin!(served.after(since));
                    if let Either::Right(_) = select(select(served, run), limit.as_mut()).await {
                        return Ok(());
                    }
                }
                None if tried => return Ok(()),
                None => {
                    tried = true;
                    let options = SyncOptions { push: false, pull: false, ..SyncOptions::default() };
                    match select(pin!(self.sync(options)), limit.as_mut()).await {
                        Either::Left((report, _)) => drop(report?),
                        Either::Right(_) => return Ok(()),
                    }
                }
            }
        }
    }

    /// Reads what the app has asked for, and what goes along with that. What could not be read is not tried again: the app
    /// may ask again, and nothing else waits for it.
    pub(super) async fn read_opened(&self, lease: u64) -> Result<u32, Trouble> {
        self.read_opened_into(lease, &mut BTreeSet::new()).await
    }

    /// The same, in the midst of a walk, which does not come to what has only come with these: `with` has that afterwards.
    pub(super) async fn read_opened_into(
        &self,
        lease: u64,
        with: &mut BTreeSet<(String, String)>,
    ) -> Result<u32, Trouble> {
        let read = [Read::Rows(Scan::key(StoreName::Meta, Opened::all()))];
        let found = self.ports().store().read(&read).await.map_err(EngineError::from)?;
        let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(0) };
        if rows.is_empty() {
            return Ok(0);
        }
        let opened = self.readable::<Opened>(&rows);
        let mut walk = Walk::new(lease, None);
        let came = self.read_all_opened(&mut walk, &opened).await;
        if !matches!(came, Err(Trouble::Engine(_))) {
            self.transact(Origin::Sync, Durability::Relaxed, |tx| {
                for one in &opened {
                    tx.remove(Opened::at(&one.table, &one.sys_id));
                }
                Ok(())
            })
            .await?;
        }
        self.session().served.note();
        with.extend(walk.there.into_iter().filter_map(|(at, is_there)| is_there.then_some(at)));
        came.map(|()| walk.written)
    }

    async fn read_all_opened(&self, walk: &mut Walk<'_, '_>, opened: &[Opened]) -> Result<(), Trouble> {
        let mut these = Vec::new();
        for Opened { table, sys_id, pinned } in opened.iter().filter(|one| self.schema().known(&one.table).is_ok()) {
            these.push((table.clone(), sys_id.clone()));
            // Of what was made here, and pinned, the instance knows nothing yet.
            if ids::is_temporary(sys_id) {
                continue;
            }
            let came = if *pinned { Came::Along } else { Came::Asked };
            self.read_these(walk, vec![(table.clone(), vec![sys_id.clone()])], came).await?;
            if walk.there.get(&(self.schema().root(table).to_owned(), sys_id.clone())) == Some(&true) {
                continue;
            }
            // One of another table of the family is none of this table there either.
            let here = self.records_of(table, std::slice::from_ref(sys_id)).await?;
            if here.iter().any(|record| self.schema().is_a(&record.table, table)) {
                let (lease, gone) = (walk.lease, [Record::at(self.schema(), table, sys_id)]);
                self.transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, lease)?;
                    gone_there(tx, &gone)
                })
                .await?;
            }
        }
        self.bring_along_with(walk, &these).await
    }
}
