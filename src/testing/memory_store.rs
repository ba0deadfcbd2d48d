//! A store in memory that several contexts share, and that fails when told to.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    fmt,
    rc::Rc,
};

use futures_util::future::LocalBoxFuture;

use super::yield_now;
use crate::{
    core::{By, Commit, Expect, Found, Key, Part, Read, Row, Scan, StoreName, WriteSet},
    ports::{Mark, Sift, Store, StoreError, Usage},
};

/// One store: its rows by key, and where each index entry leads.
#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<Key, Row>,
    index: BTreeSet<(Key, Key)>,
}

impl Rows {
    fn remove(&mut self, key: &Key) {
        if let Some(row) = self.rows.remove(key) {
            for entry in row.index {
                self.index.remove(&(entry, key.clone()));
            }
        }
    }

    fn put(&mut self, row: Row) {
        self.remove(&row.key);
        for entry in &row.index {
            self.index.insert((entry.clone(), row.key.clone()));
        }
        self.rows.insert(row.key.clone(), row);
    }

    /// The primary keys of a scan, in its order.
    fn keys(&self, scan: &Scan) -> Vec<&Key> {
        // All keys that begin with the prefix follow one another, the prefix itself first.
        let ahead = scan.after.as_ref().filter(|_| !scan.reverse);
        let start = ahead.max(scan.from.as_ref()).filter(|at| **at > scan.prefix).unwrap_or(&scan.prefix).clone();
        let within = |at: &Key| at.starts_with(&scan.prefix) && scan.to.as_ref().is_none_or(|to| at < to);
        let keys: Box<dyn Iterator<Item = (&Key, &Key)>> = match scan.by {
            By::Key => Box::new(self.rows.range(start..).map(|(key, _)| (key, key))),
            By::Index => Box::new(self.index.range((start, Key::default())..).map(|(at, key)| (at, key))),
        };
        let limit = scan.limit.map_or(usize::MAX, |limit| limit as usize);
        let found = keys.take_while(|(at, _)| within(at)).filter(|(at, _)| scan.holds(at)).map(|(_, key)| key);
        if !scan.reverse {
            return found.take(limit).collect();
        }
        let mut found: Vec<&Key> = found.collect();
        found.reverse();
        found.truncate(limit);
        found
    }
}

type Data = BTreeMap<StoreName, Rows>;

fn find(data: &Data, read: &Read) -> Found {
    let keys = |scan: &Scan| data.get(&scan.store).map(|rows| rows.keys(scan)).unwrap_or_default();
    let row = |store: StoreName, key: &Key| data.get(&store).and_then(|rows| rows.rows.get(key)).cloned();
    match read {
        Read::Row(at) => Found::Row(row(at.store, &at.key)),
        Read::Rows(scan) => Found::Rows(keys(scan).into_iter().filter_map(|key| row(scan.store, key)).collect()),
        Read::Keys(scan) => Found::Keys(keys(scan).into_iter().cloned().collect()),
        Read::Count(scan) => Found::Count(u32::try_from(keys(scan).len()).unwrap_or(u32::MAX)),
    }
}

fn holds(data: &Data, expect: &Expect) -> bool {
    match expect {
        Expect::Rev(at, rev) => data.get(&at.store).and_then(|rows| rows.rows.get(&at.key)).map(|row| row.rev) == *rev,
        Expect::Keys(scan, keys) => {
            let found = data.get(&scan.store).map(|rows| rows.keys(scan)).unwrap_or_default();
            found.into_iter().eq(keys)
        }
    }
}

/// IndexedDB takes no key that holds what is not a number.
fn is_valid(key: &Key) -> bool {
    key.0.iter().all(|part| !matches!(part, Part::Number(number) if number.is_nan()))
}

/// Called after each commit that wrote something.
type AfterCommit = Rc<dyn Fn(&WriteSet)>;

#[derive(Default)]
struct Shared {
    data: RefCell<Data>,
    /// Grows when the database is destroyed: handles of the one before are closed.
    generation: Cell<u64>,
    fail_next: RefCell<Option<StoreError>>,
    after_commit: RefCell<Option<AfterCommit>>,
    meanwhile: RefCell<Option<LocalBoxFuture<'static, ()>>>,
    mark: RefCell<Option<Mark>>,
    reads: Cell<usize>,
}

/// A database: what is left when every context is gone.
#[derive(Clone, Default)]
pub struct MemoryDatabase(Rc<Shared>);

impl fmt::Debug for MemoryDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryDatabase").field(&self.0.data).finish()
    }
}

impl MemoryDatabase {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// One context's way in.
    pub fn open(&self) -> MemoryStore {
        MemoryStore {
            shared: Rc::clone(&self.0),
            generation: self.0.generation.get(),
            closed: Rc::new(Cell::new(false)),
        }
    }

    /// The next commit, in whatever context, writes nothing and answers `error`.
    pub fn fail_next_commit(&self, error: StoreError) {
        self.0.fail_next.replace(Some(error));
    }

    /// The next commit is done, and told as stale once `meanwhile` is over: its connection died before it could be told, and
    /// all that it had written has been written over since.
    pub fn forget_next_commit(&self, meanwhile: impl Future<Output = ()> + 'static) {
        self.0.meanwhile.replace(Some(Box::pin(meanwhile)));
    }

    /// Calls `hook` after each commit that was done, before its context hears of it: the moment
    /// at which a crash leaves rows on disk that nobody was told about. Replaces the hook before.
    pub fn after_commit(&self, hook: impl Fn(&WriteSet) + 'static) {
        self.0.after_commit.replace(Some(Rc::new(hook)));
    }

    /// Throws everything away, as a browser that is short of room: contexts go on, over nothing.
    pub fn evict(&self) {
        self.0.data.take();
    }

    /// How often it was read, for writing or not.
    pub fn reads(&self) -> usize {
        self.0.reads.get()
    }

    /// Every row of `store`, in the order of the keys.
    pub fn rows(&self, store: StoreName) -> Vec<Row> {
        self.0.data.borrow().get(&store).map(|rows| rows.rows.values().cloned().collect()).unwrap_or_default()
    }
}

/// One context's store.
#[derive(Clone)]
pub struct MemoryStore {
    shared: Rc<Shared>,
    generation: u64,
    closed: Rc<Cell<bool>>,
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("closed", &self.closed.get()).finish_non_exhaustive()
    }
}

impl MemoryStore {
    fn usable(&self) -> Result<(), StoreError> {
        if self.closed.get() || self.generation != self.shared.generation.get() {
            return Err(StoreError::Closed);
        }
        Ok(())
    }
}

impl Store for MemoryStore {
    async fn read(&self, reads: &[Read]) -> Result<Vec<Found>, StoreError> {
        yield_now().await;
        self.usable()?;
        self.shared.reads.set(self.shared.reads.get() + 1);
        let data = self.shared.data.borrow();
        Ok(reads.iter().map(|read| find(&data, read)).collect())
    }

    async fn sift(&self, scans: &[Scan], many: u32, sift: Rc<dyn Sift>) -> Result<(), StoreError> {
        yield_now().await;
        self.usable()?;
        self.shared.reads.set(self.shared.reads.get() + 1);
        let data = self.shared.data.borrow();
        sift.begin();
        for scan in scans {
            let Found::Rows(rows) = find(&data, &Read::Rows(scan.clone())) else { continue };
            if !rows.chunks(many as usize).all(|rows| sift.take(rows.to_vec())) {
                break;
            }
        }
        Ok(())
    }

    async fn commit(&self, set: &WriteSet) -> Result<Commit, StoreError> {
        yield_now().await;
        self.usable()?;
        if let Some(error) = self.shared.fail_next.take() {
            return Err(error);
        }
        let meanwhile = self.shared.meanwhile.take();
        {
            let mut data = self.shared.data.borrow_mut();
            if !set.expect.iter().all(|expect| holds(&data, expect)) {
                return Ok(Commit::Stale);
            }
            if set.puts.iter().any(|(_, row)| !is_valid(&row.key)) {
                return Err(StoreError::Failed {
                    doing: "writing",
                    name: "DataError".to_owned(),
                    message: "a key holds a number that is none".to_owned(),
                });
            }
            for at in &set.deletes {
                data.entry(at.store).or_default().remove(&at.key);
            }
            for (store, row) in &set.puts {
                // A disk keeps the text alone: what is read back has to be all in it.
                let body = row.body.to_string().into();
                data.entry(*store).or_default().put(Row { body, ..row.clone() });
            }
        }
        // Out of its cell first: the hook may well set another.
        let hook = self.shared.after_commit.borrow().clone();
        if let Some(hook) = hook {
            hook(set);
        }
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
            return Ok(Commit::Stale);
        }
        yield_now().await;
        Ok(Commit::Done)
    }

    async fn usage(&self) -> Usage {
        Usage::default()
    }

    fn mark(&self) -> Option<Mark> {
        self.shared.mark.borrow().clone()
    }

    fn leave_mark(&self, mark: &Mark) {
        self.shared.mark.replace(Some(mark.clone()));
    }

    async fn close(&self) {
        self.closed.set(true);
    }

    async fn destroy(&self) -> Result<(), StoreError> {
        self.closed.set(true);
        self.shared.data.take();
        self.shared.mark.take();
        self.shared.generation.set(self.shared.generation.get() + 1);
        Ok(())
    }
}
