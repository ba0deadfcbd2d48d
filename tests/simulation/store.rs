//! The store of one context, which may be full or fail, and through which planted bugs reach what is written.

use std::rc::Rc;

use landfall::{
    core::{Commit, Found, Read, Scan, WriteSet},
    ports::{Sift, Store, StoreError, Usage},
    testing::MemoryStore,
};

use super::{mortal::Dead, planted, world::World};

pub struct SimStore {
    pub world: Rc<World>,
    pub by: usize,
    pub dead: Dead,
    pub inner: MemoryStore,
}

impl SimStore {
    fn broken(&self) -> Result<(), StoreError> {
        if self.dead.get() {
            return Err(StoreError::Closed);
        }
        let left = self.world.broken_calls.get();
        if left == 0 {
            return Ok(());
        }
        self.world.broken_calls.set(left - 1);
        Err(failed("the disk"))
    }
}

fn failed(why: &str) -> StoreError {
    StoreError::Failed { doing: "writing", name: "UnknownError".to_owned(), message: why.to_owned() }
}

impl Store for SimStore {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Found>, StoreError> {
        self.broken()?;
        let mut found = self.dead.or(self.inner.read(reads)).await.unwrap_or(Err(StoreError::Closed))?;
        planted::on_read(&self.world, self.by, reads, &mut found);
        Ok(found)
    }

    async fn sift(&self, scans: &[Scan], many: u32, sift: Rc<dyn Sift>) -> Result<(), StoreError> {
        self.broken()?;
        self.dead.or(self.inner.sift(scans, many, sift)).await.unwrap_or(Err(StoreError::Closed))
    }

    async fn commit(&self, set: &WriteSet) -> Result<Commit, StoreError> {
        self.broken()?;
        let left = self.world.full_commits.get();
        if left > 0 {
            self.world.full_commits.set(left - 1);
            return Err(StoreError::Full("QuotaExceededError".to_owned()));
        }
        let done = match planted::on_commit(&self.world, set) {
            Some(altered) => self.dead.or(self.inner.commit(&altered)).await,
            None => self.dead.or(self.inner.commit(set)).await,
        };
        if matches!(done, Some(Ok(Commit::Done))) && self.world.unsure_commit.take() {
            self.world.said_to_have_failed(self.by);
            return Err(failed("the connection was lost"));
        }
        done.unwrap_or(Err(StoreError::Closed))
    }

    async fn usage(&self) -> Usage {
        self.inner.usage().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }

    async fn destroy(&self) -> Result<(), StoreError> {
        self.inner.destroy().await
    }
}
