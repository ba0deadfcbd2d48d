//! Writes: one read-write transaction that checks what the write set expects, then puts and
//! deletes, and counts as done when the browser says `complete`.
//!
//! Between the transaction's first request and its end nothing is awaited but its own requests;
//! anything else and IndexedDB would commit the half that is there.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbObjectStore, IdbRequest, IdbTransaction};

use super::{
    codec,
    connection::Open,
    fault::{Fault, Trouble},
    promise,
    range::Range,
    schema,
};
use crate::{
    browser::held::hold,
    core::{By, Commit, Durability, Expect, RowKey, Scan, StoreName, WriteSet},
};

/// A write set made ready before its transaction begins, to keep that short.
pub struct Prepared {
    stores: Array,
    durability: &'static str,
    expect: Vec<Expect>,
    puts: Vec<(StoreName, JsValue)>,
    deletes: Vec<RowKey>,
    /// The rows it puts. Their revision is random, so to find any of them stored is to know that
    /// this very set was committed. One would not do: another context may have written over it since.
    proofs: Vec<Expect>,
    /// The transaction under way, for the watchdog to abort.
    running: RefCell<Option<IdbTransaction>>,
}

impl Prepared {
    pub fn of(set: &WriteSet) -> Result<Self, Fault> {
        let rows = codec::rows(set.puts.iter().map(|(_, row)| row))?;
        let stores: BTreeSet<&str> = (set.expect.iter().map(|expect| match expect {
            Expect::Rev(at, _) => at.store,
            Expect::Keys(scan, _) => scan.store,
        }))
        .chain(set.puts.iter().map(|(store, _)| *store))
        .chain(set.deletes.iter().map(|at| at.store))
        .map(StoreName::as_str)
        .collect();
        Ok(Self {
            stores: stores.into_iter().map(JsValue::from_str).collect(),
            durability: match set.durability {
                Durability::Strict => "strict",
                Durability::Relaxed => "relaxed",
            },
            expect: set.expect.clone(),
            puts: set.puts.iter().map(|(store, _)| *store).zip(rows.iter()).collect(),
            deletes: set.deletes.clone(),
            proofs: set
                .puts
                .iter()
                .map(|(store, row)| Expect::Rev(RowKey { store: *store, key: row.key.clone() }, Some(row.rev)))
                .collect(),
            running: RefCell::new(None),
        })
    }

    /// Rolls back what is under way, if it still can be.
    pub fn abort(&self) {
        if let Some(transaction) = self.running.take() {
            // It throws if the transaction has ended, or is being committed.
            let _ = transaction.abort();
        }
    }
}

/// Commits `set`. On a second try the first may have been committed before its connection died:
/// then it is done, and must not be called stale.
pub async fn commit(open: Rc<Open>, set: Rc<Prepared>, again: bool) -> Result<Commit, Trouble> {
    if set.stores.length() == 0 {
        return Ok(Commit::Done);
    }
    let options = Object::new();
    Reflect::set(&options, &"durability".into(), &set.durability.into())?;
    let transaction = open.raw().begin(&set.stores, "readwrite", &options)?;
    let end = promise::end(&transaction);
    set.running.replace(Some(transaction.clone()));
    let outcome = check_and_write(&transaction, &set, again).await;
    let cut_off = matches!(&outcome, Err(Trouble::Fault(fault)) if *fault == Fault::aborted());
    // A failed request aborts by itself, and only then is its error the transaction's.
    if !matches!(outcome, Ok(Commit::Done)) && !cut_off {
        // Throws if there is nothing left to abort.
        let _ = transaction.abort();
    }
    let end = end.await;
    set.running.take();
    match outcome {
        Ok(Commit::Done) => end.map(|()| Commit::Done).map_err(Trouble::Fault),
        Ok(Commit::Stale) => Ok(Commit::Stale),
        Err(trouble) => Err(end.err().filter(|_| cut_off).map_or(trouble, Trouble::Fault)),
    }
}

async fn check_and_write(transaction: &IdbTransaction, set: &Prepared, again: bool) -> Result<Commit, Trouble> {
    let mut stores = BTreeMap::new();
    for name in set.stores.iter().filter_map(|name| name.as_string()) {
        stores.insert(name.clone(), transaction.object_store(&name)?);
    }
    let store = |name: StoreName| {
        stores.get(name.as_str()).ok_or_else(|| Fault::new("NotFoundError", "a store of the write set was not opened"))
    };

    if again && held(&set.proofs, &store).await?.contains(&true) {
        return Ok(Commit::Done);
    }
    if held(&set.expect, &store).await?.contains(&false) {
        return Ok(Commit::Stale);
    }
    let dying = transaction.clone();
    // The browser would commit the half that is there.
    let _held = hold(move || drop(dying.abort()));
    for at in &set.deletes {
        store(at.store)?.delete(&codec::key(&at.key))?;
    }
    for (name, row) in &set.puts {
        store(*name)?.put(row)?;
    }
    // Saves a round trip. Where it is missing or throws, the transaction commits by itself.
    #[allow(deprecated, reason = "web-sys calls a standard method deprecated")]
    let _ = transaction.commit();
    Ok(Commit::Done)
}

/// Which of `expect` are so. All are asked at once.
async fn held<'s>(
    expect: &[Expect],
    store: &impl Fn(StoreName) -> Result<&'s IdbObjectStore, Fault>,
) -> Result<Vec<bool>, Trouble> {
    let mut asked: Vec<(&Expect, Option<IdbRequest>)> = Vec::with_capacity(expect.len());
    for expect in expect {
        asked.push((
            expect,
            match expect {
                Expect::Rev(at, _) => Some(store(at.store)?.get(&codec::key(&at.key))?),
                Expect::Keys(scan, _) => keys(store(scan.store)?, scan)?,
            },
        ));
    }
    let answers: Array = asked.iter().filter_map(|(_, request)| request.as_ref()).map(promise::success).collect();
    if answers.length() > 0 && JsFuture::from(Promise::all(&answers)).await.is_err() {
        return Err(Fault::aborted().into());
    }
    asked
        .into_iter()
        .map(|(expect, request)| holds(expect, request.map_or(Ok(JsValue::UNDEFINED), |request| request.result())?))
        .collect()
}

fn holds(expect: &Expect, found: JsValue) -> Result<bool, Trouble> {
    match expect {
        Expect::Rev(_, rev) => {
            let there = if found.is_undefined() { None } else { Reflect::get(&found, &"rev".into())?.as_f64() };
            // A row without a revision is one that nobody can have read.
            Ok(there == *rev && found.is_undefined() == rev.is_none())
        }
        Expect::Keys(scan, keys) => {
            let found = if found.is_undefined() { Vec::new() } else { found.unchecked_into::<Array>().to_vec() };
            let mut there = codec::read_keys(scan.store, found)?;
            if scan.reverse {
                there.reverse();
            }
            there.truncate(scan.limit.map_or(usize::MAX, |limit| limit as usize));
            Ok(there == *keys)
        }
    }
}

/// Asks for a scan's primary keys, unless it can have none.
fn keys(store: &IdbObjectStore, scan: &Scan) -> Result<Option<IdbRequest>, JsValue> {
    let range = match Range::of(scan)? {
        Range::Nothing => return Ok(None),
        Range::All => JsValue::UNDEFINED,
        Range::Within(range) => range.into(),
    };
    // From behind there is no limit to give: the first keys would be the wrong ones.
    let limit = scan.limit.filter(|_| !scan.reverse).unwrap_or(u32::MAX);
    match scan.by {
        By::Key => store.get_all_keys_with_key_and_limit(&range, limit),
        By::Index => store.index(schema::INDEX)?.get_all_keys_with_key_and_limit(&range, limit),
    }
    .map(Some)
}
