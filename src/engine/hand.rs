//! The user's hand on the outbox, and waiting for what becomes of an item.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::poll_fn,
    pin::pin,
    task::{Poll, Waker},
};

use futures_util::future::{Either, select};

use super::{client::Client, dialect::keys, error::EngineError, records::AppRow};
use crate::{
    core::{
        CoreError, Event, Origin, Receipt, Settled, acted, hand, present,
        receive::refs,
        stored::{Announced, Item, ItemState},
        values::take,
    },
    ports::{Clock, Ports, StoreError},
};

/// How many receipts a context remembers, for who asks after the item has left.
const REMEMBERED: usize = 256;
/// When the outbox is looked at by who waits, in ms: an event of another context may be lost. Then half as often each time,
/// up to the longest.
const LOOK_MS: u64 = 10_000;
const LONGEST_LOOK_MS: u64 = 320_000;

/// The receipts this context has heard of, and who waits for one.
#[derive(Default)]
pub(super) struct Receipts {
    heard: Cell<usize>,
    /// Each with its number.
    known: RefCell<VecDeque<(usize, Receipt)>>,
    /// For what item, and who is to be woken, by the number of the waiting.
    waiting: RefCell<BTreeMap<u64, (String, Option<Waker>)>>,
    next: Cell<u64>,
}

/// One waiting for a receipt.
struct Waiting<'a> {
    receipts: &'a Receipts,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.receipts.waiting.borrow_mut().remove(&self.id);
    }
}

impl Receipts {
    pub(super) fn hear(&self, event: &Event) {
        if let Event::Settled { receipts } = event {
            // One event may tell of more than are remembered, and the next may come before who waits is awake: neither may
            // push out what somebody waits for.
            let waited_for: BTreeSet<String> = self.waiting.borrow().values().map(|(item, _)| item.clone()).collect();
            let mut known = self.known.borrow_mut();
            let mut surplus = known.len().saturating_sub(REMEMBERED);
            known.retain(|(_, receipt)| {
                let goes = surplus > 0 && !waited_for.contains(&receipt.item);
                surplus -= usize::from(goes);
                !goes
            });
            let first = self.heard.replace(self.heard.get() + receipts.len());
            known.extend(receipts.iter().cloned().enumerate().map(|(at, receipt)| (first + at, receipt)));
            drop(known);
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        let wakers: Vec<Waker> = self.waiting.borrow_mut().values_mut().filter_map(|(_, waker)| waker.take()).collect();
        for waker in wakers {
            waker.wake();
        }
    }

    fn wait(&self, item: &str) -> Waiting<'_> {
        let id = self.next.replace(self.next.get() + 1);
        self.waiting.borrow_mut().insert(id, (item.to_owned(), None));
        Waiting { receipts: self, id }
    }

    /// Whether the item has left the outbox, as far as was heard.
    pub(super) fn has(&self, item: &str) -> bool {
        self.of(item, 0).is_some_and(|receipt| receipt.state != Settled::Refused)
    }

    /// The item's newest receipt among those heard after the first `since`.
    fn of(&self, item: &str, since: usize) -> Option<Receipt> {
        let known = self.known.borrow();
        let fresh = known.iter().rev().take_while(|(number, _)| *number >= since);
        fresh.map(|(_, receipt)| receipt).find(|receipt| receipt.item == item).cloned()
    }
}

impl<P: Ports> Client<P> {
    /// Has an item tried again now; see [`hand::retry`]. The next sync takes it.
    ///
    /// # Errors
    /// [`CoreError::NoSuchItem`]; the store's.
    pub async fn retry(&self, item: &str) -> Result<(), EngineError> {
        let known = self.session().capabilities();
        self.transact(Origin::Here, self.settings().durability, |tx| {
            let keys = match &known {
                Some(known) => keys(known),
                None => tx.fact::<Announced>()?.keys(),
            };
            hand::retry(tx, item, keys)
        })
        .await
    }

    /// Changes what an item will send, and the record with it; see [`hand::edit`].
    ///
    /// # Errors
    /// As [`hand::edit`]; the store's.
    pub async fn edit(&self, item: &str, changes: AppRow) -> Result<(), EngineError> {
        self.transact(Origin::Here, self.settings().durability, |tx| {
            let table = tx.item(item)?.ok_or_else(|| CoreError::NoSuchItem(item.to_owned()))?.table;
            let changes = take(tx.schema, &table, changes.clone())?;
            hand::edit(tx, item, &changes)
        })
        .await
    }

    /// Drops an item and all that depends on it; see [`hand::discard`]. Gives what went, as it stood.
    ///
    /// # Errors
    /// As [`hand::discard`]; the store's.
    pub async fn discard(&self, item: &str) -> Result<Vec<present::ItemView>, EngineError> {
        let pause = self.pause().await?;
        self.transact(Origin::Here, self.settings().durability, |tx| {
            let gone = hand::with_dependants(tx, item)?;
            let gone = tx.glance(|tx| present::items(tx, &gone, pause, &BTreeSet::new()))?;
            hand::discard(tx, item)?;
            Ok(gone)
        })
        .await
    }

    /// Says which of the instance's records is one that an action made here; see [`acted::pair`]. For one that its step has
    /// not named the instance is asked first: a slip of the pen would be a record that is nowhere.
    ///
    /// # Errors
    /// As [`acted::pair`], also where the instance has no such record, or cannot be asked; the store's.
    pub async fn pair(&self, item: &str, temporary: &str, sys_id: &str) -> Result<(), EngineError> {
        let id = sys_id.trim();
        if let Some(table) = self.look(|tx| acted::is_only_said(tx, item, temporary, id)).await? {
            let no = |why: String| CoreError::NotPairable { item: item.to_owned(), why };
            match self.has(&table, id).await? {
                Some(true) => {}
                Some(false) => {
                    return Err(no(format!("the instance has no {table} “{id}”, or does not show it")).into());
                }
                None => {
                    let why =
                        "its step has not named it, and the instance cannot be asked for it now: try it again online";
                    return Err(no(format!("“{id}”: {why}")).into());
                }
            }
        }
        let durability = self.settings().durability;
        self.transact(Origin::Here, durability, |tx| acted::pair(tx, item, temporary, id)).await
    }

    /// Waits until an item has left the outbox or is refused.
    ///
    /// # Errors
    /// [`CoreError::NoSuchItem`], if it left before this context could hear of it; [`StoreError::Closed`].
    pub async fn settled(&self, item: &str) -> Result<Receipt, EngineError> {
        let receipts = self.receipts();
        let waiting = receipts.wait(item);
        let mut look_ms = LOOK_MS;
        loop {
            let since = receipts.heard.get();
            match self.look(|tx| tx.item(item)).await? {
                Some(item) if item.state == ItemState::Refused => return Ok(refused(item)),
                Some(_) => {}
                None => {
                    // What was refused stays: since then it was edited, or tried again, and has left.
                    let receipt = receipts.of(item, 0).filter(|receipt| receipt.state != Settled::Refused);
                    return receipt.ok_or_else(|| CoreError::NoSuchItem(item.to_owned()).into());
                }
            }
            let heard = pin!(poll_fn(|context| {
                if self.session().is_closed() {
                    return Poll::Ready(None);
                }
                if let Some(receipt) = receipts.of(item, since) {
                    return Poll::Ready(Some(receipt));
                }
                if let Some((_, waker)) = receipts.waiting.borrow_mut().get_mut(&waiting.id) {
                    *waker = Some(context.waker().clone());
                }
                Poll::Pending
            }));
            match select(heard, pin!(self.ports().clock().sleep(look_ms))).await {
                // Edited since, it is another request: whether it is still refused stands in the outbox.
                Either::Left((Some(receipt), _)) if receipt.state == Settled::Refused => {}
                Either::Left((Some(receipt), _)) => return Ok(receipt),
                Either::Left((None, _)) => return Err(StoreError::Closed.into()),
                Either::Right(_) => look_ms = (look_ms * 2).min(LONGEST_LOOK_MS),
            }
        }
    }
}

fn refused(item: Item) -> Receipt {
    let records = refs(&item);
    Receipt { item: item.id, state: Settled::Refused, records, error: item.error, ..Receipt::default() }
}
