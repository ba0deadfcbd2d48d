//! What becomes of items when the instance answers, or does not.

use super::{
    acted::{acted, may_be_there, outdate},
    event::{Event, Receipt, Ref, Settled},
    ids::is_temporary,
    later::is_followed_by_action,
    lay::lay,
    lease::renew_lease,
    order,
    reconcile::{self, Told},
    retry::{EXCHANGE_MS, backoff_ms},
    row::{RowKey, StoreName},
    stored::{Item, ItemError, ItemKind, ItemState, Proofs, Record},
    tx::{Ruled, Tx},
    write,
};
use crate::wire::{action::ActionAnswer, value::Fields};

/// The instance's answer to one item.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Carried out; with the whole row as it is now, where it was told.
    Done(Option<Fields>),
    /// There is no such record there, or none this user may see.
    Missing(ItemError),
    /// The instance said no.
    Refused(ItemError),
    /// Not carried out.
    NotRun {
        /// What was said.
        error: Option<ItemError>,
        /// How long to wait, in ms.
        wait_ms: Option<u64>,
    },
    /// It is not known whether it was carried out.
    Unknown {
        /// What was said, if anything.
        error: ItemError,
        /// How long to wait, in ms.
        wait_ms: Option<u64>,
    },
    /// A probe's answer: the rows that carry the temporary id.
    Found(Vec<Fields>),
    /// A probe's answer: it was not carried out.
    Absent,
    /// A probe's answer: the instance cannot tell.
    Untold,
    /// Of an action: its online step was carried out.
    Acted(ActionAnswer),
    /// Of a change: the record is not any more as this device knows it, and nothing was done.
    Outdated,
    /// Its key stands for another request that was carried out: what it was when it left before. An id that has been
    /// put in place since, or an edit, makes it another one.
    Spent(ItemError),
}

/// What one round of answers came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items the instance carried out.
    pub done: u32,
    /// Of these, records that got their permanent id.
    pub reconciled: u32,
    /// Items the instance said no to.
    pub refused: u32,
    /// Items whose answer was lost and that were asked for: what may be done with them is known now.
    pub settled: u32,
}

impl Tally {
    /// Whether anything came of the round.
    pub const fn moved(&self) -> bool {
        self.done + self.refused + self.settled > 0
    }
}

/// Takes in the answers to claimed items.
///
/// # Errors
/// As [`renew_lease`]: another sender has taken over, and will probe.
pub fn receive(tx: &mut Tx<'_>, number: u64, answers: &[(String, Answer)]) -> Ruled<Tally> {
    renew_lease(tx, number)?;
    let mut tally = Tally::default();
    tx.each(answers, |tx, (id, answer)| {
        // An item that is gone, or was claimed by a later sender, has been dealt with.
        match tx.item(id)? {
            Some(item) if item.state == ItemState::Unknown && item.sent_under == Some(number) => {
                receive_one(tx, item, answer, &mut tally)
            }
            _ => Ok(()),
        }
    })?;
    order::hold_up_nobody(tx)?;
    Ok(tally)
}

fn receive_one(tx: &mut Tx<'_>, mut item: Item, answer: &Answer, tally: &mut Tally) -> Ruled<()> {
    let mixed_up = match (item.kind, answer) {
        (ItemKind::Create, Answer::Done(Some(row))) => is_of_another(tx, &item, row)?,
        _ => false,
    };
    match (item.kind, answer) {
        (ItemKind::Create, Answer::Done(Some(row))) if names_itself(row) && !mixed_up => {
            tally.done += 1;
            tally.reconciled += 1;
            prove(tx, &item, row)?;
            return reconcile::created(tx, &item, row, Told::InAnswer);
        }
        (ItemKind::Create, Answer::Found(rows)) => {
            if let Some(row) = oldest_carrying(tx, &item, rows) {
                tally.done += 1;
                tally.reconciled += 1;
                prove(tx, &item, row)?;
                if rows.iter().all(|row| carries(tx, &item, row)) {
                    prove_found(tx, &item.table, true)?;
                }
                return reconcile::created(tx, &item, row, Told::Unasked);
            }
            tally.settled += 1;
            if !rows.is_empty() {
                // The instance dropped the query, and gives any rows: whether this one is among the others is not told.
                prove_found(tx, &item.table, false)?;
            }
            let proofs = tx.fact::<Proofs>()?;
            // What left under its key, and is there all the same, is not made again by being sent under it.
            let proved = if item.keyless { proofs.finds(&item.table) } else { proofs.keeps(&item.table) };
            match (proved, item.next_attempt_at) {
                (Some(true), None) => {
                    (item.state, item.may_be_made) = (ItemState::Queued, false);
                    if item.sent_at.is_none() {
                        // Its key was spent, and yet there is no record: what goes now, under another, is its first
                        // request.
                        item.amended.clear();
                    }
                }
                (Some(true), Some(_)) => {}
                _ => item.in_vain = true,
            }
        }
        (ItemKind::Action, Answer::Acted(answer)) => {
            tally.done += 1;
            let makes = u32::try_from(item.makes().len()).unwrap_or(u32::MAX);
            if acted(tx, item, answer)? {
                tally.reconciled += makes;
            }
            return Ok(());
        }
        (ItemKind::Update, Answer::Spent(_)) if !item.amended.is_empty() => {
            // The key was this entry's alone: the request it stands for was the entry, in the words it had then.
            tally.done += 1;
            return reconcile::updated(tx, &item, None);
        }
        // The same request again cannot be another under its key: then the instance says no to what it says.
        (ItemKind::Create, Answer::Spent(error)) if !item.amended.is_empty() => {
            // The first request arrived. Where it led the probe tells; under the old key nothing can be sent any more.
            item.idempotency_key = tx.fresh().simple().to_string();
            item.sent_at = None;
            wait(tx, &mut item, Some(error), None);
        }
        (_, Answer::Absent) => {
            tally.settled += 1;
            prove_entries(tx, &item, true)?;
            if item.next_attempt_at.is_none() {
                (item.state, item.may_be_made) = (ItemState::Queued, false);
            }
        }
        (_, Answer::Untold) => {
            tally.settled += 1;
            prove_entries(tx, &item, false)?;
            item.in_vain = item.next_attempt_at.is_none();
        }
        (ItemKind::Update, Answer::Outdated) => {
            // What is sent once it has been read again is another request.
            item.idempotency_key = tx.fresh().simple().to_string();
            (item.state, item.left_at, item.sent_at, item.keyless) = (ItemState::Queued, None, None, false);
            outdate(tx, &item.table, &item.sys_id)?;
            may_be_there(tx, &item)?;
        }
        // Answers have been mixed up, and which is this one's nobody knows.
        (ItemKind::Update, Answer::Done(Some(row))) if names_another(&item, row) => {
            unreadable(tx, &mut item, "The instance's answer is about another record.");
        }
        // A probe's word that an entry is there comes without a row.
        (ItemKind::Update, Answer::Done(row)) => {
            tally.done += 1;
            return reconcile::updated(tx, &item, row.as_ref());
        }
        (ItemKind::Delete, Answer::Done(_) | Answer::Missing(_)) => {
            tally.done += 1;
            return reconcile::deleted(tx, &item);
        }
        (_, Answer::Refused(error) | Answer::Missing(error) | Answer::Spent(error)) => {
            tally.refused += 1;
            may_be_there(tx, &item)?;
            item.attempts = item.attempts.saturating_add(1);
            (item.state, item.left_at) = (ItemState::Refused, None);
            tx.unsettled = true;
            item.error = Some(error.clone());
            tx.settled(Receipt {
                item: item.id.clone(),
                state: Settled::Refused,
                records: refs(&item),
                error: Some(error.clone()),
                ..Receipt::default()
            });
        }
        (_, Answer::NotRun { error, wait_ms }) => {
            // This request was not run. What became of the one before it is still not known.
            if !item.in_doubt {
                (item.state, item.left_at) = (ItemState::Queued, None);
            }
            wait(tx, &mut item, error.as_ref(), *wait_ms);
        }
        (_, Answer::Unknown { error, wait_ms }) => {
            item.in_vain = false;
            tx.unsettled = true;
            wait(tx, &mut item, Some(error), *wait_ms);
        }
        (ItemKind::Create, Answer::Done(_)) => {
            unreadable(tx, &mut item, "The instance says it made the record but does not say which.");
        }
        (ItemKind::Update | ItemKind::Delete, Answer::Found(_)) => item.in_vain = true,
        (_, Answer::Acted(_) | Answer::Outdated) | (ItemKind::Action, Answer::Found(_) | Answer::Done(_)) => {
            item.in_vain = true
        }
    }
    // Nobody waits for its answer any more.
    item.sent_under = None;
    tell_of(tx, &item);
    match item.kind {
        // Deleted here while its create was under way, and now known not to exist: nothing to send.
        ItemKind::Create if item.state != ItemState::Unknown && !is_kept_for_deletion(&item, tx.now) => {
            if let Some(record) = deleted_here(tx, &item)? {
                return write::vanish(tx, &record);
            }
        }
        // A change that has not arrived, or of which only the user could tell, would keep the deletion waiting, for ever
        // perhaps: it goes as it does where it is there before the record is deleted.
        ItemKind::Update if item.state != ItemState::Unknown || item.in_vain => {
            if let Some(mut record) = deleted_here(tx, &item)? {
                write::drop_item(tx, &item.id)?;
                record.items.retain(|id| *id != item.id);
                let base = record.base.take().unwrap_or_default();
                return lay(tx, &mut record, base);
            }
        }
        _ => {}
    }
    tx.put(&item)
}

/// Tells that the records of an item stand otherwise.
pub(super) fn tell_of(tx: &mut Tx<'_>, item: &Item) {
    for (table, sys_id) in item.records() {
        tx.changed(table, sys_id);
    }
}

/// The records of an item, for its receipt.
pub fn refs(item: &Item) -> Vec<Ref> {
    let of = |(table, sys_id): (&str, &str)| Ref { table: table.to_owned(), sys_id: sys_id.to_owned() };
    item.records().into_iter().map(of).collect()
}

/// Its record, if that is deleted here and no action follows: one that does is to find the record as it was when the user
/// acted.
fn deleted_here(tx: &mut Tx<'_>, item: &Item) -> Ruled<Option<Record>> {
    let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?;
    let Some(record) = record.filter(|record| record.deleted) else { return Ok(None) };
    let acted = is_followed_by_action(tx, &record, &item.id)? || order::followed(tx, &record)?.contains(&item.id);
    Ok(Some(record).filter(|_| !acted))
}

/// Until when what left may still arrive: its sender was killed, or the line failed under it, and whoever asks may be
/// faster than the request. An empty answer to what was asked before that is worth nothing without a key; under one it
/// goes again, and only what is deleted here must not be given up.
pub(super) fn may_arrive_until(item: &Item, now: u64) -> Option<u64> {
    item.left_at.map(|at| at + EXCHANGE_MS).filter(|until| *until > now)
}

/// Whether a deletion has to wait for it: it may be there, or arrive yet.
pub(super) fn is_kept_for_deletion(item: &Item, now: u64) -> bool {
    item.may_be_made || (item.kind == ItemKind::Create && may_arrive_until(item, now).is_some())
}

fn wait(tx: &Tx<'_>, item: &mut Item, error: Option<&ItemError>, wait_ms: Option<u64>) {
    if error.is_some() {
        item.attempts = item.attempts.saturating_add(1);
        item.error = error.cloned();
    }
    item.next_attempt_at = wait_ms.map(|ms| tx.now + ms);
    item.failures = item.failures.saturating_add(u32::from(wait_ms.is_some()));
}

/// An answer that says nothing of what became of the item.
fn unreadable(tx: &Tx<'_>, item: &mut Item, message: &str) {
    let error = ItemError { status: 0, message: message.to_owned(), detail: None };
    let wait_ms = backoff_ms(item.failures.saturating_add(1), u64::MAX);
    wait(tx, item, Some(&error), Some(wait_ms));
}

/// The oldest of the rows that truly carry the item's temporary id: an instance drops the query terms it does not know,
/// and then answers with any rows at all.
fn oldest_carrying<'r>(tx: &Tx<'_>, item: &Item, rows: &'r [Fields]) -> Option<&'r Fields> {
    let carrying = rows.iter().filter(|row| carries(tx, item, row) && names_itself(row));
    carrying.min_by_key(|row| (row.get("sys_created_on"), row.get("sys_id")))
}

fn carries(tx: &Tx<'_>, item: &Item, row: &Fields) -> bool {
    tx.schema.correlation_field(&item.table).is_some_and(|field| row.get(&field) == Some(&item.sys_id))
}

/// The row of another record made on this device: answers have been mixed up. An id that a rule of the instance has
/// copied, from the parent say, is in another row than its own.
fn is_of_another(tx: &mut Tx<'_>, item: &Item, row: &Fields) -> Ruled<bool> {
    let carried = tx.schema.correlation_field(&item.table).and_then(|field| row.get(&field));
    let Some(id) = carried.filter(|id| is_temporary(id) && **id != item.sys_id) else { return Ok(false) };
    Ok(tx.alias(id)?.is_some_and(|alias| {
        let akin = tx.schema.root(&alias.table) == tx.schema.root(&item.table);
        akin && (alias.is_open() || alias.sys_id.as_ref() == row.get("sys_id"))
    }))
}

fn names_another(item: &Item, row: &Fields) -> bool {
    row.get("sys_id").is_some_and(|id| !id.is_empty() && *id != item.sys_id)
}

fn names_itself(row: &Fields) -> bool {
    row.get("sys_id").is_some_and(|id| !id.is_empty())
}

/// Notes whether the table has kept the temporary id.
pub(super) fn prove(tx: &mut Tx<'_>, item: &Item, row: &Fields) -> Ruled<()> {
    let Some(field) = tx.schema.correlation_field(&item.table) else { return Ok(()) };
    let keeps = row.get(&field) == Some(&item.sys_id);
    let mut proofs = tx.fact::<Proofs>()?;
    if proofs.keeps.insert(item.table.clone(), keeps) != Some(keeps) {
        tx.tell(Event::Status);
        tx.put(&proofs)?;
    }
    Ok(())
}

/// Notes whether it is told of entries that they have arrived. That it was not told of one may have had a reason of its own.
fn prove_entries(tx: &mut Tx<'_>, item: &Item, tells: bool) -> Ruled<()> {
    let proofs = tx.fact::<Proofs>()?;
    if !item.journal || proofs.entries == Some(tells) || proofs.entries == Some(true) {
        return Ok(());
    }
    tx.tell(Event::Status);
    tx.put(&Proofs { entries: Some(tells), ..proofs })
}

/// Notes whether records of the table are found by their temporary ids: from then on it is known what an empty answer
/// to a probe means, and what was asked about in vain can be told.
pub fn prove_found(tx: &mut Tx<'_>, table: &str, finds: bool) -> Ruled<()> {
    let mut proofs = tx.fact::<Proofs>()?;
    if proofs.finds.insert(table.to_owned(), finds) == Some(finds) {
        return Ok(());
    }
    tx.tell(Event::Status);
    tx.put(&proofs)?;
    if !finds {
        return Ok(());
    }
    let unknown = tx.found_by(StoreName::Outbox, Item::unknown())?;
    tx.each(unknown, |tx, key| {
        let Some(mut item) = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key })? else { return Ok(()) };
        if item.in_vain && item.kind == ItemKind::Create && item.table == table {
            item.in_vain = false;
            tx.put(&item)?;
        }
        Ok(())
    })
}
