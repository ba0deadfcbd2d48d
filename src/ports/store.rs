//! Where rows are kept.

use std::rc::Rc;

use crate::core::{Commit, Found, Read, Row, Scan, WriteSet};

/// A transactional store of rows. `testing::store_conformance` holds every implementation to this:
///
/// * `read` sees one state of all stores; its answers stand in the order of the reads.
/// * `commit` checks what the write set expects and writes, in one transaction that no other
///   commit interleaves with; on [`Commit::Stale`] and on any error nothing is written.
/// * When `commit` answers [`Commit::Done`], the rows are as durable as the set asked.
pub trait Store: 'static {
    /// Reads in one transaction.
    fn read(&self, reads: &[Read]) -> impl Future<Output = Result<Vec<Found>, StoreError>>;
    /// Gives `sift` the rows of scans of one store, one after the other, `many` at a time, all of one state of it, until it
    /// has had enough. Of a scan by the index a row has no more than one entry.
    fn sift(&self, scans: &[Scan], many: u32, sift: Rc<dyn Sift>) -> impl Future<Output = Result<(), StoreError>>;
    /// Checks and writes in one transaction.
    fn commit(&self, set: &WriteSet) -> impl Future<Output = Result<Commit, StoreError>>;
    /// How much room there is.
    fn usage(&self) -> impl Future<Output = Usage>;
    /// The mark that was left last, if it can be known.
    fn mark(&self) -> Option<Mark> {
        None
    }
    /// Leaves a mark outside of the store, where it may outlive what is in it. [`Store::destroy`] takes it away.
    fn leave_mark(&self, _mark: &Mark) {}
    /// Gives the store's connections back. Later calls answer [`StoreError::Closed`].
    fn close(&self) -> impl Future<Output = ()>;
    /// Closes the store and removes everything in it.
    fn destroy(&self) -> impl Future<Output = Result<(), StoreError>>;
}

/// Takes of rows what is wanted of them, so that not all of them are in memory at once.
pub trait Sift {
    /// The rows come from the first on, perhaps once more.
    fn begin(&self);
    /// The next rows. Whether more are wanted.
    fn take(&self, rows: Vec<Row>) -> bool;
}

/// That a database was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which: its birth.
    pub birth: String,
    /// When, in ms.
    pub seen_at: u64,
    /// Items in its outbox.
    pub unsent: u32,
}

/// The room a store takes and has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Bytes taken, by the origin as a whole.
    pub usage_bytes: f64,
    /// Bytes that may be taken.
    pub quota_bytes: f64,
    /// Whether the browser promised not to evict it.
    pub persisted: bool,
}

/// Why a store could not do what was asked. Nothing was written, unless [`StoreError::Failed`] says that it may have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The quota is used up, or the disk is full.
    #[error("The browser's storage for this site is full ({0}).")]
    Full(String),
    /// Another page holds an older version open and does not let go.
    #[error("Another tab holds an older version of this database open; close it and try again.")]
    Blocked,
    /// The database was made by a newer version of Landfall.
    #[error("This database was made by a newer version of the app; reload to get it.")]
    Newer,
    /// A newer version of the app, in another tab, has taken the database over.
    #[error("A newer version of the app has upgraded the database; this page must reload.")]
    Superseded {
        /// The version it has now, or the least it can have.
        by_version: u32,
    },
    /// `close` was called.
    #[error("The database was closed.")]
    Closed,
    /// There is no storage here, as in some private windows.
    #[error("This browser gives the page no storage: {0}")]
    Unavailable(String),
    /// A stored row cannot be understood.
    #[error("A stored row of `{store}` cannot be read: {why}")]
    Corrupt {
        /// The store it is in.
        store: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The browser failed for a reason of its own, also after one try on a fresh connection.
    #[error("The browser's database failed while {doing}: {name}: {message}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The `DOMException`'s name.
        name: String,
        /// Its message.
        message: String,
    },
}
