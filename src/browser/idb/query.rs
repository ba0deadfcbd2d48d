//! Reads, through rexie: one read-only transaction, all requests issued before any is awaited.
//!
//! rexie's faults (`docs/decisions/0001-rexie.md`) are in its transactions' ends, which a read
//! has no use for: the answers are in its requests.

use std::rc::Rc;

use futures_util::future::join_all;
use rexie::{Direction, KeyRange, Store, StoreIndex, Transaction, TransactionMode};
use wasm_bindgen::JsValue;

use super::{
    codec,
    connection::Open,
    fault::{Fault, Trouble},
    range::Range,
    schema,
};
use crate::{
    core::{By, Found, Read, Row, Scan, StoreName},
    ports::Sift,
};

/// Answers `reads` from one state of the database.
pub async fn read(open: Rc<Open>, reads: Rc<[Read]>) -> Result<Vec<Found>, Trouble> {
    let mut stores: Vec<&str> = reads.iter().map(|read| store_of(read).as_str()).collect();
    stores.sort_unstable();
    stores.dedup();
    if stores.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = open.read_only(&stores)?;
    // `join_all`, not `try_join_all`: a request of rexie's that is dropped before its event
    // throws when the event comes.
    join_all(reads.iter().map(|read| answer(&transaction, read))).await.into_iter().collect()
}

/// Gives `sift` the rows of `scans`, in one transaction: each answer is taken, and the next asked for, before that can end.
pub async fn sift(open: Rc<Open>, scans: Rc<[Scan]>, many: u32, sift: Rc<dyn Sift>) -> Result<(), Trouble> {
    let Some(first) = scans.first() else { return Ok(()) };
    let transaction = open.read_only(&[first.store.as_str()])?;
    sift.begin();
    for scan in scans.iter() {
        let source = Source::of(&transaction, scan)?;
        let mut left = scan.limit.unwrap_or(u32::MAX);
        let mut next = scan.clone();
        loop {
            let asked = left.min(many);
            next.limit = Some(asked);
            let rows = source.rows(&next).await?;
            let count = u32::try_from(rows.len()).unwrap_or(asked);
            let last = rows.last().and_then(|row| match scan.by {
                By::Key => Some(row.key.clone()),
                By::Index => row.index.iter().find(|entry| next.holds(entry)).cloned(),
            });
            if !sift.take(rows) {
                return Ok(());
            }
            left = left.saturating_sub(count);
            if count < asked || left == 0 || last.is_none() {
                break;
            }
            next.after = last;
        }
    }
    Ok(())
}

impl Open {
    fn read_only(&self, stores: &[&str]) -> Result<Transaction, Trouble> {
        match &*self.rexie().borrow() {
            Some(rexie) => Ok(rexie.transaction(stores, TransactionMode::ReadOnly)?),
            None => Err(Fault::new("InvalidStateError", "the connection is closed").into()),
        }
    }
}

fn store_of(read: &Read) -> StoreName {
    match read {
        Read::Row(at) => at.store,
        Read::Rows(scan) | Read::Keys(scan) | Read::Count(scan) => scan.store,
    }
}

async fn answer(transaction: &Transaction, read: &Read) -> Result<Found, Trouble> {
    let source = |scan: &Scan| Source::of(transaction, scan);
    match read {
        Read::Row(at) => {
            let store = transaction.store(at.store.as_str())?;
            let row = store.get(codec::key(&at.key).into()).await?;
            let row = codec::read_rows(at.store, row.into_iter().collect())?;
            Ok(Found::Row(row.into_iter().next()))
        }
        Read::Rows(scan) => Ok(Found::Rows(source(scan)?.rows(scan).await?)),
        Read::Keys(scan) if scan.reverse && scan.limit.is_some() => {
            let rows = source(scan)?.rows(scan).await?;
            Ok(Found::Keys(rows.into_iter().map(|row| row.key).collect()))
        }
        Read::Keys(scan) => {
            let keys = match Range::of(scan)? {
                Range::Nothing => Vec::new(),
                range => source(scan)?.all_keys(range, scan.limit).await?,
            };
            let mut keys = codec::read_keys(scan.store, keys)?;
            if scan.reverse {
                keys.reverse();
            }
            Ok(Found::Keys(keys))
        }
        Read::Count(scan) => {
            let count = match Range::of(scan)? {
                Range::Nothing => 0,
                range => source(scan)?.count(range).await?,
            };
            Ok(Found::Count(count.min(scan.limit.unwrap_or(u32::MAX))))
        }
    }
}

/// What a scan goes by.
enum Source {
    Key(Store),
    Index(StoreIndex),
}

impl Source {
    fn of(transaction: &Transaction, scan: &Scan) -> rexie::Result<Self> {
        let store = transaction.store(scan.store.as_str())?;
        match scan.by {
            By::Key => Ok(Self::Key(store)),
            By::Index => Ok(Self::Index(store.index(schema::INDEX)?)),
        }
    }

    async fn rows(&self, scan: &Scan) -> Result<Vec<Row>, Trouble> {
        let range = match Range::of(scan)? {
            Range::Nothing => return Ok(Vec::new()),
            range => within(range),
        };
        // `getAll` knows no direction. A cursor does, but costs a round trip a row: only for
        // the few last rows of many.
        let few = scan.limit.filter(|_| scan.reverse);
        let values = match (self, few) {
            (Self::Key(store), None) => store.get_all(range, scan.limit).await?,
            (Self::Index(index), None) => index.get_all(range, scan.limit).await?,
            (Self::Key(store), few) => values(store.scan(range, few, None, Some(Direction::Prev)).await?),
            (Self::Index(index), few) => values(index.scan(range, few, None, Some(Direction::Prev)).await?),
        };
        let mut rows = codec::read_rows(scan.store, values)?;
        if scan.reverse && few.is_none() {
            rows.reverse();
        }
        Ok(rows)
    }

    async fn all_keys(&self, range: Range, limit: Option<u32>) -> rexie::Result<Vec<JsValue>> {
        match self {
            Self::Key(store) => store.get_all_keys(within(range), limit).await,
            Self::Index(index) => index.get_all_keys(within(range), limit).await,
        }
    }

    async fn count(&self, range: Range) -> rexie::Result<u32> {
        match self {
            Self::Key(store) => store.count(within(range)).await,
            Self::Index(index) => index.count(within(range)).await,
        }
    }
}

fn within(range: Range) -> Option<KeyRange> {
    match range {
        Range::Within(range) => Some(range.into()),
        Range::All | Range::Nothing => None,
    }
}

fn values(pairs: Vec<(JsValue, JsValue)>) -> Vec<JsValue> {
    pairs.into_iter().map(|(_, value)| value).collect()
}
