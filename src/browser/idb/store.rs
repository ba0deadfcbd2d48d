//! IndexedDB as a [`Store`].

use std::{fmt, future::Future, rc::Rc};

use super::{
    commit::{self, Prepared},
    connection::{Connection, Open, StoreNews},
    fault::{Fault, Trouble},
    promise::{WATCHDOG_MS, within},
    query,
};
use crate::{
    browser::{mark, storage},
    core::{Commit, Found, Read, Scan, WriteSet},
    ports::{Mark, Sift, Store, StoreError, Usage},
};

/// One context's store of one database. Clones share its connections.
#[derive(Clone)]
pub struct IdbStore(Rc<Connection>);

impl fmt::Debug for IdbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdbStore").finish_non_exhaustive()
    }
}

/// What a commit is doing.
const WRITING: &str = "writing";

impl IdbStore {
    /// The store of the database called `name`; nothing is opened yet. `on_news` is told what happens to it.
    pub fn new(name: &str, on_news: impl Fn(StoreNews) + 'static) -> Self {
        Self(Connection::new(name, Box::new(on_news)))
    }

    /// Opens, and upgrades where need be. After [`StoreError::Blocked`] the store is as good as
    /// before: it opens as soon as the other tab lets go.
    pub async fn open(&self) -> Result<(), StoreError> {
        self.0.connect().await.map(drop)
    }

    /// Does `task` on an open connection; if that turns out dead, once more on a fresh one.
    /// `stop` is for a task that does not end.
    async fn run<T: 'static, F: Future<Output = Result<T, Trouble>> + 'static>(
        &self,
        doing: &'static str,
        task: impl Fn(Rc<Open>, bool) -> F,
        stop: impl Fn(),
    ) -> Result<T, StoreError> {
        let mut again = false;
        loop {
            let open = self.0.connect().await?;
            let fault = match within(WATCHDOG_MS, task(Rc::clone(&open), again)).await {
                Some(Ok(value)) => return Ok(value),
                Some(Err(Trouble::Store(error))) => return Err(error),
                Some(Err(Trouble::Fault(fault))) => fault,
                None => {
                    stop();
                    Fault::timed_out()
                }
            };
            let dead = fault.is_dead_connection();
            if dead || fault == Fault::timed_out() {
                self.0.give_up(&open).await;
            }
            if again || !dead {
                // Of a commit nobody could wait for it is not known what became.
                let unsure = doing == WRITING && (again || fault == Fault::timed_out());
                return Err(fault.while_doing(if unsure {
                    "writing, and may have written all the same"
                } else {
                    doing
                }));
            }
            again = true;
        }
    }
}

impl Store for IdbStore {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Found>, StoreError> {
        let reads: Rc<[Read]> = reads.into();
        self.run("reading", |open, _| query::read(open, Rc::clone(&reads)), || {}).await
    }

    async fn sift(&self, scans: &[Scan], many: u32, sift: Rc<dyn Sift>) -> Result<(), StoreError> {
        let scans: Rc<[Scan]> = scans.into();
        self.run("reading", |open, _| query::sift(open, Rc::clone(&scans), many, Rc::clone(&sift)), || {}).await
    }

    async fn commit(&self, set: &WriteSet) -> Result<Commit, StoreError> {
        let set = Rc::new(Prepared::of(set).map_err(|fault| fault.while_doing(WRITING))?);
        let write = |open, again| commit::commit(open, Rc::clone(&set), again);
        self.run(WRITING, write, || set.abort()).await
    }

    async fn usage(&self) -> Usage {
        storage::usage().await
    }

    fn mark(&self) -> Option<Mark> {
        mark::read(self.0.name())
    }

    fn leave_mark(&self, mark: &Mark) {
        mark::leave(self.0.name(), mark);
    }

    async fn close(&self) {
        self.0.end(StoreError::Closed);
    }

    async fn destroy(&self) -> Result<(), StoreError> {
        mark::remove(self.0.name());
        let deleted = self.0.delete().await;
        // Another tab may have left one before it let go.
        mark::remove(self.0.name());
        deleted
    }
}
