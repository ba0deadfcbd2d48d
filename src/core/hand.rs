//! The user's hand on the outbox: what a person may do about an item that does not move by itself.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    acted::want_all,
    circle::waits_for,
    conflict::{agree, ask_on},
    error::CoreError,
    ids,
    later::split_later,
    lay::lay_anew,
    lease::turn_away,
    let_go::outgrown,
    order,
    plan::{Keys, Known, Step, next_step},
    receive::tell_of,
    row::{RowKey, StoreName},
    schema::{Reference, Schema},
    stored::{Item, ItemKind, ItemState, Lease, Proofs, Record, mention},
    tx::{Ruled, Tx},
    values::{check_correlation, check_size, settle_references},
    write::{Draft, append, drop_item, reword, vanish},
};
use crate::wire::value::Fields;

/// Has an item tried again now. One whose answer was lost is asked about first; where the instance cannot be asked,
/// this is the user's word that it is to be sent again. `keys` as in [`Known`].
///
/// # Errors
/// [`CoreError::NoSuchItem`]; [`CoreError::NotEditable`], if it has been carried out.
pub fn retry(tx: &mut Tx<'_>, id: &str, keys: Option<Keys>) -> Ruled<()> {
    let mut item = there(tx, id)?;
    if is_being_sent(tx, &item)? {
        return Ok(());
    }
    if item.state == ItemState::Unpaired {
        let why = "the instance has carried it out: pair its records, or discard it".to_owned();
        return Err(CoreError::NotEditable { item: id.to_owned(), why }.into());
    }
    if item.is_in_conflict() && item.state != ItemState::Refused {
        let why = "somebody else has changed the same: say which is to stand with resolveConflict()".to_owned();
        return Err(CoreError::NotEditable { item: id.to_owned(), why }.into());
    }
    let proofs = tx.fact::<Proofs>()?;
    let step = next_step(&Known { schema: tx.schema, proofs: &proofs, keys, now: tx.now }, &item);
    // Also where it is only asked about: an answer on its way to a frozen sender was asked for too early to be worth anything.
    turn_away(tx, &item)?;
    if step == Step::Ask || (step == Step::Send && item.is_held()) {
        let in_doubt = item.state == ItemState::Unknown;
        item.may_be_made |= in_doubt && item.kind == ItemKind::Create;
        // On the user's word, and not to be asked about once more for its key's sake.
        item.keyless |= in_doubt && step == Step::Ask && item.action.is_none();
        item.state = ItemState::Queued;
        item.error = None;
    }
    item.next_attempt_at = None;
    tell_of(tx, &item);
    tx.put(&item)
}

/// Changes what an item will send, and the record with it, then has it tried again. An empty value clears a field.
///
/// A changed item is another request: the old one's answer must not come back for it.
///
/// # Errors
/// [`CoreError::NoSuchItem`]; [`CoreError::BeingSent`] and [`CoreError::AnswerUnknown`]: it may be at the instance;
/// [`CoreError::NotEditable`]; what [`check_correlation`], [`settle_references`] and [`check_size`] refuse.
pub fn edit(tx: &mut Tx<'_>, id: &str, changes: &Fields) -> Ruled<()> {
    let mut item = there(tx, id)?;
    if is_being_sent(tx, &item)? {
        return Err(CoreError::BeingSent(id.to_owned()).into());
    }
    if item.state == ItemState::Unknown {
        return Err(CoreError::AnswerUnknown(id.to_owned()).into());
    }
    if let Some(why) = misfit(tx, &item, changes) {
        return Err(CoreError::NotEditable { item: id.to_owned(), why }.into());
    }
    if item.kind == ItemKind::Create {
        check_correlation(tx.schema, &item.table, changes)?;
    }
    let Some(mut record) = tx.record(&item.table, &item.sys_id)? else {
        return Err(CoreError::NoSuchItem(id.to_owned()).into());
    };
    let mut changes = changes.clone();
    let open = settle_references(tx, &item.table, &mut changes, &record.fields)?;
    // An entry goes as a whole: nothing of it can follow what is to follow it.
    for mention in open.iter().filter(|_| item.journal) {
        if waits_for(tx, &mention.id, &item.id)? {
            let why = format!("{} can only be made after it: write a new entry", mention.id);
            return Err(CoreError::NotEditable { item: id.to_owned(), why }.into());
        }
    }
    let entries = if has_left(&item) { take_entries(tx, &item, &mut changes) } else { Fields::new() };
    let after = order::naming(tx, &record.sys_id, None)?;
    let later = split_later(tx, &mut item, &mut changes, &open)?;
    reword(tx, &mut item, changes, &open);
    check_size(&item.fields)?;
    tx.put(&item)?;
    if !later.is_empty() {
        append(
            tx,
            &mut record,
            Draft { kind: ItemKind::Update, fields: later, after: after.clone(), ..Draft::default() },
            &open,
        )?;
    }
    for entry in entries {
        check_size(&[entry.clone()].into())?;
        append(
            tx,
            &mut record,
            Draft { kind: ItemKind::Update, fields: [entry].into(), journal: true, after: after.clone() },
            &open,
        )?;
    }
    record.changed_at = Some(tx.now);
    lay_anew(tx, record.clone())?;
    agree(tx, &record)?;
    tx.unsettled = true;
    order::hold_up_nobody(tx)
}

fn misfit(tx: &Tx<'_>, item: &Item, changes: &Fields) -> Option<String> {
    let journal = |name: &String| tx.schema.is_journal(&item.table, name);
    match item.kind {
        ItemKind::Delete => Some("a deletion has no fields".to_owned()),
        ItemKind::Action => Some("it is an action: discard it, and run it again as it should be".to_owned()),
        ItemKind::Create => changes
            .iter()
            .find(|(name, text)| {
                let brought = item.fields.get(*name).filter(|brought| !brought.is_empty());
                journal(name) && has_left(item) && brought.is_some_and(|brought| brought != *text)
            })
            .map(|(name, _)| format!("it has left before, and may have brought its entry of “{name}” with it")),
        ItemKind::Update if item.journal => changes
            .keys()
            .find(|name| !item.fields.contains_key(*name))
            .map(|name| format!("it is an entry of its own, and “{name}” is not in it")),
        ItemKind::Update => changes
            .keys()
            .find(|name| journal(name))
            .map(|name| format!("each entry of “{name}” is an item of its own: write it to the record")),
    }
}

/// Whether a create may be at the instance as it was, though the instance has said that it is not.
fn has_left(item: &Item) -> bool {
    // What was refused when it went again may have been made by the request before.
    let may_be = item.state != ItemState::Refused || item.may_be_made;
    item.kind == ItemKind::Create && item.sent_at.is_some() && may_be
}

/// The entries that are to follow the create: journals read back empty, and no row that comes of it would tell
/// whether they had been in it.
fn take_entries(tx: &Tx<'_>, item: &Item, changes: &mut Fields) -> Fields {
    let (mut entries, plain): (Fields, Fields) =
        std::mem::take(changes).into_iter().partition(|(name, _)| tx.schema.is_journal(&item.table, name));
    *changes = plain;
    entries.retain(|name, text| !text.is_empty() && item.fields.get(name) != Some(text));
    entries
}

/// What [`discard`] makes of an item and of what depends on it.
pub(super) struct Dropping {
    /// These go: the item first.
    pub gone: Vec<Item>,
    /// These go on without the fields that point to what vanishes.
    pub loosened: Vec<Item>,
}

/// An item and all that depends on it, the item first: what [`discard`] drops.
///
/// # Errors
/// [`CoreError::NoSuchItem`].
pub fn with_dependants(tx: &mut Tx<'_>, id: &str) -> Ruled<Vec<Item>> {
    let item = there(tx, id)?;
    Ok(dropping(tx, &item)?.gone)
}

/// A record made here vanishes with its create, and the records made here that point to it vanish with it: they could
/// never be sent. One that was pointed elsewhere since its create left only loses the mention. A change of a record that
/// stays only loses the fields in which it is mentioned. What follows an update on the same record depends on it no more
/// than any later change does, and stays.
pub(super) fn dropping(tx: &mut Tx<'_>, item: &Item) -> Ruled<Dropping> {
    let mut found = vec![item.clone()];
    let mut past: BTreeMap<String, Item> = BTreeMap::new();
    let mut looked = 0;
    while let Some(item) = found.get(looked).cloned() {
        looked += 1;
        for (table, sys_id) in item.makes() {
            let at = Record::at(tx.schema, table, sys_id);
            let mut ids = tx.readable::<Record>(&at)?.map(|record| record.items).unwrap_or_default();
            let pointing = tx.found_by(StoreName::Outbox, mention(sys_id))?;
            let pointing = pointing.iter().map(|key| key.text(0).to_owned()).filter(|id| !ids.contains(id));
            ids.extend(pointing.collect::<Vec<_>>());
            tx.want(ids.iter().map(|id| Item::at(id)))?;
            let mut others = Vec::new();
            for id in ids {
                others.extend(tx.readable::<Item>(&Item::at(&id))?);
            }
            others.retain(|other| found.iter().all(|known| known.id != other.id));
            tx.want(others.iter().map(|other| Record::at(tx.schema, &other.table, &other.sys_id)))?;
            for other in others {
                match outgrown(tx, past.get(&other.id).unwrap_or(&other), sys_id)? {
                    Some(kept) => past.insert(other.id, kept),
                    None => {
                        let known = past.remove(&other.id);
                        found.push(other);
                        known
                    }
                };
            }
        }
    }
    let made = found.iter().flat_map(Item::makes);
    let vanished: BTreeSet<String> = made.map(|(_, sys_id)| sys_id.to_owned()).collect();
    let mut dropping = Dropping { gone: Vec::new(), loosened: past.into_values().collect() };
    for (place, item) in found.into_iter().enumerate() {
        let stays = place > 0 && item.kind == ItemKind::Update && !item.journal && !vanished.contains(&item.sys_id);
        match stays.then(|| loosened(tx, &item, &vanished)).flatten() {
            Some(item) => dropping.loosened.push(item),
            None => dropping.gone.push(item),
        }
    }
    Ok(dropping)
}

/// A change without what points to the `vanished`, if it is one without that.
fn loosened(tx: &Tx<'_>, item: &Item, vanished: &BTreeSet<String>) -> Option<Item> {
    let mut kept = item.clone();
    for (name, _) in item.fields.iter().filter(|(_, text)| ids::find(text).any(|id| vanished.contains(id))) {
        kept.fields.remove(name);
        if let Some(Reference::Named { table }) = tx.schema.reference(&item.table, name) {
            kept.fields.remove(&table);
        }
    }
    let time = tx.schema.acted_at_field(&item.table);
    kept.fields.keys().any(|name| Some(name) != time.as_ref()).then_some(kept)
}

/// Drops an item and all that depends on it, and puts the records back to what the instance last had.
///
/// # Errors
/// [`CoreError::NoSuchItem`]; [`CoreError::BeingSent`], also if it is one that depends on it.
pub fn discard(tx: &mut Tx<'_>, id: &str) -> Ruled<()> {
    let item = there(tx, id)?;
    let Dropping { gone, loosened } = dropping(tx, &item)?;
    for item in gone.iter().chain(&loosened) {
        if is_being_sent(tx, item)? && !may_be_stopped(item) {
            return Err(CoreError::BeingSent(item.id.clone()).into());
        }
    }
    for item in gone.iter().chain(&loosened) {
        // Who was only frozen, or lives by another clock, would send it once more.
        turn_away(tx, item)?;
    }
    for item in &gone {
        if may_have_acted(item) {
            want_all(tx, item)?;
        }
        drop_item(tx, &item.id)?;
    }
    for mut item in loosened.iter().cloned() {
        if item.kind == ItemKind::Update {
            reword(tx, &mut item, Fields::new(), &[]);
        }
        tx.put(&item)?;
    }
    let records: BTreeSet<(&str, &str)> = gone.iter().chain(&loosened).flat_map(Item::records).collect();
    let schema = tx.schema;
    tx.each(records, |tx, (table, sys_id)| {
        let Some(mut record) = tx.record(table, sys_id)? else { return Ok(()) };
        // The instance has it as it is here: nothing unsent of it goes.
        if !gone.iter().chain(&loosened).any(|item| record.items.contains(&item.id)) {
            return Ok(());
        }
        let dropped = |kind| gone.iter().any(|item| does(schema, item, table, sys_id) == Some(kind));
        record.items.retain(|id| gone.iter().all(|item| item.id != *id));
        if dropped(ItemKind::Create) {
            vanish(tx, &record)?;
            return forget(tx, sys_id);
        }
        if dropped(ItemKind::Delete) {
            bring_back(tx, &mut record)?;
        }
        let mut asked = if record.deleted { Fields::new() } else { std::mem::take(&mut record.unasked) };
        let of_this = gone.iter().filter(|item| does(schema, item, table, sys_id).is_some());
        asked.extend(of_this.flat_map(|item| item.differs.clone()));
        ask_on(tx, &mut record, asked)?;
        lay_anew(tx, record)
    })?;
    order::hold_up_nobody(tx)
}

/// A deletion of the record is dropped. Of two records that turned out to be one, each may have been deleted.
pub(super) fn bring_back(tx: &mut Tx<'_>, record: &mut Record) -> Ruled<()> {
    record.deleted = false;
    for id in &record.items {
        let item = tx.readable::<Item>(&Item::at(id))?;
        let does = item.and_then(|item| does(tx.schema, &item, &record.table, &record.sys_id));
        record.deleted |= does == Some(ItemKind::Delete);
    }
    Ok(())
}

/// Whether an item under way is a step of the app's of which nothing is on its way: no call of it leaves any more once it is
/// discarded. One that never ends could not be got rid of otherwise.
fn may_be_stopped(item: &Item) -> bool {
    item.action.as_ref().is_some_and(|action| action.by_app && action.calling.is_empty())
}

/// Whether the instance may have carried out an action, or a part of it.
fn may_have_acted(item: &Item) -> bool {
    let acted = matches!(item.state, ItemState::Unpaired | ItemState::Unknown);
    item.action.as_ref().is_some_and(|action| {
        let landed = action.parts.iter().any(|part| part.landed.is_some());
        acted || landed || !action.calls.is_empty() || !action.calling.is_empty()
    })
}

/// What an item does to a record.
fn does(schema: &Schema, item: &Item, table: &str, sys_id: &str) -> Option<ItemKind> {
    match &item.action {
        Some(action) => action.part(schema, table, sys_id).map(|part| part.kind),
        None => (item.sys_id == sys_id).then_some(item.kind),
    }
}

/// What still mentions a record that has vanished, without anything unsent, holds plain text from now on.
fn forget(tx: &mut Tx<'_>, temporary: &str) -> Ruled<()> {
    let records = tx.found_by(StoreName::Records, mention(temporary))?;
    tx.each(records, |tx, key| {
        let Some(mut record) = tx.readable::<Record>(&RowKey { store: StoreName::Records, key })? else {
            return Ok(());
        };
        record.mentions.retain(|id| id != temporary);
        tx.put(&record)
    })
}

fn there(tx: &mut Tx<'_>, id: &str) -> Ruled<Item> {
    Ok(tx.item(id)?.ok_or_else(|| CoreError::NoSuchItem(id.to_owned()))?)
}

/// Under a lease that has lapsed nobody waits for the answer any more, as far as this clock tells.
pub(super) fn is_being_sent(tx: &mut Tx<'_>, item: &Item) -> Ruled<bool> {
    if item.state != ItemState::Unknown {
        return Ok(false);
    }
    let lease = tx.fact::<Lease>()?;
    Ok(item.sent_under == Some(lease.number) && lease.is_held(tx.now))
}
