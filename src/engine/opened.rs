//! Records that the app asks the instance for, and those that it pins.
//!
//! They are read by whoever sends, under the lease: what is read beside a sender may be older than an answer that he has
//! taken in meanwhile, or the record of a create whose receipt is on its way. So the record is noted on disk. A run under way
//! reads it between two of its steps; else a run is made for it alone, which sends nothing.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    pin::pin,
    task::{Poll, Waker},
};

use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{
    beforehand::AT_ONCE, client::Client, error::EngineError, exchange::Trouble, records::AppRow, sync::SyncOptions,
};
use crate::{
    core::{
        Durability, Found, Origin, Read, Scan, StoreName,
        along::{self, Include, gone_there},
        ids,
        lease::renew_lease,
        pull::{Came, take_in_as},
        stored::{Opened, Record},
    },
    ports::{Clock, Headers, Ports, Remote, Store},
    wire::{
        Fields, Query,
        query::{Op, Term},
    },
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
    /// it, stays on the device. Offline, or where it does not answer soon, it is what is here.
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
        if asks && !ids::is_temporary(&id) {
            self.read_now(&Opened { table: table.to_owned(), sys_id: id.clone(), pinned: false }).await?;
        }
        self.get(table, &id, deleted).await
    }

    /// Has a record, and what goes along with it, on the device until [`Client::unpin`]: from now on, when online, else from
    /// the next refresh on. Without `include` it is what its table's cache includes.
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
                    let abort = options.abort.clone();
                    let run = pin!(self.sync(options));
                    // It is not left alone halfway, or nobody would give the lock back. What it does once it has its turn
                    // is not stopped.
                    match select(run, limit.as_mut()).await {
                        Either::Left((report, _)) => report?,
                        Either::Right((_, run)) => {
                            abort.set(true);
                            run.await?
                        }
                    };
                }
            }
        }
    }

    /// Reads what the app has asked for, and what goes along with that. What could not be read is not tried again: the app
    /// may ask again, and nothing else waits for it.
    pub(super) async fn read_opened(&self, lease: u64) -> Result<u32, Trouble> {
        let read = [Read::Rows(Scan::key(StoreName::Meta, Opened::all()))];
        let found = self.ports().store().read(&read).await.map_err(EngineError::from)?;
        let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(0) };
        if rows.is_empty() {
            return Ok(0);
        }
        let opened = self.readable::<Opened>(&rows);
        let came = self.read_all_opened(lease, &opened).await;
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
        came
    }

    async fn read_all_opened(&self, lease: u64, opened: &[Opened]) -> Result<u32, Trouble> {
        let mut groups: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
        for one in opened.iter().filter(|one| self.schema().known(&one.table).is_ok()) {
            groups.entry((&one.table, one.pinned)).or_default().push(one.sys_id.clone());
        }
        let (mut headers, mut written, mut these) = (None, 0, BTreeSet::new());
        for ((table, pinned), ids) in groups {
            these.extend(ids.iter().map(|id| (table.to_owned(), id.clone())));
            let there: Vec<String> = ids.into_iter().filter(|id| !ids::is_temporary(id)).collect();
            for chunk in there.chunks(AT_ONCE) {
                written += self.read_opened_of(lease, &mut headers, table, pinned, chunk).await?;
            }
        }
        written += self.bring_along_with(lease, &mut headers, &these).await?;
        Ok(written)
    }

    async fn read_opened_of(
        &self,
        lease: u64,
        headers: &mut Option<Headers>,
        table: &str,
        pinned: bool,
        ids: &[String],
    ) -> Result<u32, Trouble> {
        let query = Query::default().and(Term { field: "sys_id".to_owned(), op: Op::In(ids.to_vec()) }).to_string();
        let size = u32::try_from(ids.len()).unwrap_or(u32::MAX);
        let asked = self.dialect().first_page(table, &query, None, size);
        let rows = match self.page(lease, table, &asked, headers).await {
            Ok(page) => page.rows,
            Err(trouble) if self.is_of_the_table(&trouble) => return Ok(0),
            Err(trouble) => return self.report_refusal(trouble).map(|()| 0),
        };
        let id = |row: &Fields| row.get("sys_id").cloned().unwrap_or_default();
        if let Some(sys_id) = rows.iter().map(id).find(|id| !ids.contains(id)) {
            let table = table.to_owned();
            return self.report_refusal(EngineError::QueryNotHonoured { table, query, sys_id }.into()).map(|()| 0);
        }
        let told: BTreeSet<String> = rows.iter().map(id).collect();
        let came = if pinned { Came::Along } else { Came::Asked };
        let missing: Vec<String> = ids.iter().filter(|id| !told.contains(*id)).cloned().collect();
        let here = self.records_of(table, &missing).await?;
        // One of another table of the family is none of this table there either.
        let gone: Vec<_> = here
            .iter()
            .filter(|record| self.schema().is_a(&record.table, table))
            .map(|record| Record::at(self.schema(), &record.table, &record.sys_id))
            .collect();
        let written = self.transact_parts(Durability::Relaxed, &rows, |tx, rows| {
            renew_lease(tx, lease)?;
            take_in_as(tx, table, None, rows, came)
        });
        let written = written.await?.into_iter().sum::<u32>();
        self.transact(Origin::Sync, Durability::Relaxed, |tx| {
            renew_lease(tx, lease)?;
            gone_there(tx, &gone)
        })
        .await?;
        Ok(written)
    }
}
