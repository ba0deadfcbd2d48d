//! What becomes of an action when its online step has answered.

use std::collections::BTreeMap;

use super::{
    calls::row_of,
    error::CoreError,
    event::{Event, Receipt, Ref, Settled},
    ids::{self, is_temporary},
    lay::lay_anew,
    order,
    pairing::{Pairing, pairing, taken_for},
    reconcile::{Made, land, removed, replace, settle},
    stored::{Item, ItemKind, ItemState, Part, Record, Wanted},
    tx::{Ruled, Tx},
};
use crate::wire::{
    action::{ActionAnswer, RecordForSync},
    value::Fields,
};

/// The online step was carried out. Where it is clear which record is which, all of them are reconciled at once, and the
/// item is done; else all of it waits for [`pair`]. `false` then.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn acted(tx: &mut Tx<'_>, mut item: Item, answer: &ActionAnswer) -> Ruled<bool> {
    let held = held(tx, &answer.records_for_sync)?;
    let Some(action) = item.action.as_mut() else { return Ok(false) };
    if action.answer.is_none() {
        action.held = held;
    }
    let pairing = pairing(tx.schema, action, &answer.records_for_sync, &action.held);
    if pairing.is_clear() {
        return finish(tx, &item, &pairing, answer).map(|()| true);
    }
    action.answer = Some(answer.clone());
    tx.unsettled = true;
    (item.state, item.error) = (ItemState::Unpaired, None);
    (item.sent_under, item.left_at, item.next_attempt_at) = (None, None, None);
    for (table, sys_id) in item.records() {
        tx.changed(table, sys_id);
    }
    tx.tell(Event::Status);
    tx.put(&item)?;
    leave_landed(tx, &item).map(|()| false)
}

/// Which of these records the device holds.
fn held(tx: &mut Tx<'_>, named: &[RecordForSync]) -> Ruled<Vec<RecordForSync>> {
    let known: Vec<&RecordForSync> = named.iter().filter(|named| tx.schema.known(&named.table).is_ok()).collect();
    tx.want(known.iter().map(|named| Record::at(tx.schema, &named.table, &named.sys_id)).collect::<Vec<_>>())?;
    let mut held = Vec::new();
    for named in known {
        if tx.record(&named.table, &named.sys_id)?.is_some() {
            held.push(named.clone());
        }
    }
    Ok(held)
}

/// The table of the record made here, if nothing but the user's word says that there is such a record: it is neither among
/// those that the step has named nor on this device.
///
/// # Errors
/// As [`Tx::get`].
pub fn is_only_said(tx: &mut Tx<'_>, id: &str, temporary: &str, sys_id: &str) -> Ruled<Option<String>> {
    let item = tx.item(id)?.filter(|item| item.state == ItemState::Unpaired);
    let Some(action) = item.and_then(|item| item.action).filter(|_| !sys_id.is_empty() && !is_temporary(sys_id)) else {
        return Ok(None);
    };
    let named = action.answer.iter().flat_map(|answer| &answer.records_for_sync).any(|named| named.sys_id == sys_id);
    let Some(table) = action.made().find(|part| part.sys_id == temporary).map(|part| part.table.clone()) else {
        return Ok(None);
    };
    let is_known = named || tx.record(&table, sys_id)?.is_some();
    Ok(Some(table).filter(|_| !is_known))
}

/// The user's word that a record made here is that of the instance. Once it is clear of all of them, the item is done.
///
/// # Errors
/// [`CoreError::NoSuchItem`], [`CoreError::NotPairable`].
pub fn pair(tx: &mut Tx<'_>, id: &str, temporary: &str, sys_id: &str) -> Ruled<()> {
    let mut item = tx.item(id)?.ok_or_else(|| CoreError::NoSuchItem(id.to_owned()))?;
    let no = |why: String| Err(CoreError::NotPairable { item: id.to_owned(), why }.into());
    let answer = item.action.as_ref().and_then(|action| action.answer.clone()).unwrap_or_default();
    let (ItemState::Unpaired, Some(action)) = (item.state, item.action.as_mut()) else {
        return no("it is not waiting for that".to_owned());
    };
    if sys_id.is_empty() || is_temporary(sys_id) {
        return no(format!("“{sys_id}” is no id of the instance's"));
    }
    let Pairing { pairs, open, .. } = pairing(tx.schema, action, &answer.records_for_sync, &action.held);
    let Some((table, _)) = open.iter().find(|(_, open)| open == temporary) else {
        return no(format!("“{temporary}” is none of the records that wait to be paired"));
    };
    let mut named = answer.records_for_sync.iter().filter(|named| named.sys_id == sys_id).peekable();
    if let Some(first) = named.peek().map(|named| named.table.clone())
        && !named.any(|named| tx.schema.related(table, &named.table))
    {
        return no(format!("{sys_id} is a record of {first}, and “{temporary}” one of {table}"));
    }
    if let Some(other) = taken_for(tx.schema, action, &pairs, table, sys_id) {
        return no(format!("{sys_id} is the record made here as {other}"));
    }
    action.pairs.insert(temporary.to_owned(), sys_id.to_owned());
    acted(tx, item, &answer)?;
    tx.unsettled = true;
    order::hold_up_nobody(tx)
}

/// The instance's record for one that an offline step made was come by before the step's answer: it is that record, and
/// none of the answer's need be found for it.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn echoed(tx: &mut Tx<'_>, mut item: Item, temporary: &str, row: &Fields) -> Ruled<()> {
    let Some(action) = item.action.as_mut() else { return Ok(()) };
    let Some(part) = action.parts.iter_mut().find(|part| part.sys_id == temporary) else { return Ok(()) };
    let sys_id = row.get("sys_id").cloned().unwrap_or_default();
    (part.landed, part.behind) = (Some(sys_id.clone()), false);
    let mut part = part.clone();
    action.pairs.insert(temporary.to_owned(), sys_id);
    put_in_place(tx, &mut action.parts, &action.pairs);
    item.behind = action.parts.iter().any(|part| part.behind);
    tx.put(&item)?;
    // What points to one that is still open, the instance's row says better: the instance has no temporary id.
    let open: Vec<&str> = item.makes().into_iter().map(|(_, temporary)| temporary).collect();
    part.fields.retain(|_, text| !ids::find(text).any(|id| open.contains(&id)));
    // The app's step may have been cut short, and do more to it when it is run again; where the instance runs it, it has
    // done all of it.
    let goes_on = item.state != ItemState::Unpaired && !item.is_run_there();
    let made = Made { looks: u32::from(item.keyless), goes_on, ..made(tx, &item, &part) };
    land(tx, &made, row, |_, _| Ok(()))?;
    // Of the others, it may be clear now.
    let Some(item) = tx.item(&item.id)?.filter(|item| item.state == ItemState::Unpaired) else { return Ok(()) };
    let answer = item.action.as_ref().and_then(|action| action.answer.clone()).unwrap_or_default();
    acted(tx, item, &answer).map(drop)
}

/// What an action's records say of one another, by the permanent ids.
fn put_in_place(tx: &Tx<'_>, parts: &mut [Part], pairs: &BTreeMap<String, String>) {
    for part in parts {
        for (temporary, sys_id) in pairs {
            replace(tx, &part.table, &mut part.fields, temporary, sys_id);
        }
    }
}

fn made<'a>(tx: &Tx<'_>, item: &'a Item, part: &'a Part) -> Made<'a> {
    // Without a key what the step has asked for may have been carried out more than once. What does not carry the temporary
    // id cannot be looked for by it, and says nothing of the table.
    let field = tx.schema.correlation_field(&part.table);
    let carries = |row: Fields| field.as_ref().and_then(|field| row.get(field)).is_some_and(|id| *id == part.sys_id);
    let mut calls = item.action.iter().flat_map(|action| &action.calls);
    let carried = calls.any(|call| call.key.contains(&part.sys_id) || row_of(call).is_some_and(carries));
    Made {
        item: &item.id,
        table: &part.table,
        temporary: &part.sys_id,
        fields: &part.fields,
        looks: u32::from(item.keyless && carried),
        goes_on: false,
    }
}

/// Its step has been carried out: it does nothing more to the records that landed before, and what follows on them goes.
fn leave_landed(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    let Some(action) = &item.action else { return Ok(()) };
    tx.each(&action.parts, |tx, part| {
        // One that it has changed as another's, too, is put right as that.
        let Some(sys_id) = &part.landed else { return Ok(()) };
        if action.part(tx.schema, &part.table, sys_id).is_some() {
            return Ok(());
        }
        let record = tx.record(&part.table, sys_id)?.filter(|record| record.items.contains(&item.id));
        let Some(mut record) = record else { return Ok(()) };
        record.items.retain(|id| *id != item.id);
        // What the app's step has done to it since it was come by is nobody else's.
        if action.by_app {
            let open = |text: &str| item.makes().into_iter().any(|(_, id)| text.contains(id));
            let schema = tx.schema;
            let own = part.fields.iter().filter(|(name, text)| !schema.is_journal(&part.table, name) && !open(text));
            record.acted = own.map(|(name, text)| (name.clone(), text.clone())).collect();
        }
        lay_anew(tx, record)
    })
}

fn finish(tx: &mut Tx<'_>, item: &Item, pairing: &Pairing, answer: &ActionAnswer) -> Ruled<()> {
    let mut parts: Vec<Part> = item.action.iter().flat_map(|action| action.parts.clone()).collect();
    put_in_place(tx, &mut parts, &pairing.pairs);
    leave_landed(tx, item)?;
    let mut records: Vec<Ref> = Vec::new();
    tx.each(&parts, |tx, part| {
        match part.kind {
            ItemKind::Create if part.landed.is_some() => {
                records.push(Ref { table: part.table.clone(), sys_id: part.id().to_owned() });
            }
            ItemKind::Create => {
                let Some(sys_id) = pairing.pairs.get(&part.sys_id) else { return Ok(()) };
                let row: Fields = [("sys_id".to_owned(), sys_id.clone())].into();
                if let Some(record) = land(tx, &made(tx, item, part), &row, |_, _| Ok(()))? {
                    records.push(Ref { table: record.table, sys_id: record.sys_id });
                }
            }
            ItemKind::Delete => {
                if let Some(record) = tx.record(&part.table, &part.sys_id)? {
                    removed(tx, &record, &item.id)?;
                }
                want(tx, &part.table, &part.sys_id)?;
            }
            ItemKind::Update | ItemKind::Action => {
                if let Some(record) = tx.record(&part.table, &part.sys_id)? {
                    records.push(Ref { table: record.table.clone(), sys_id: record.sys_id.clone() });
                    settle(tx, record, &item.id, &part.fields, None)?;
                }
            }
        }
        Ok(())
    })?;
    for RecordForSync { table, sys_id, .. } in &answer.records_for_sync {
        let is_this = |known: &Ref| known.sys_id == *sys_id && tx.schema.related(&known.table, table);
        if !sys_id.is_empty() && !is_temporary(sys_id) && !records.iter().any(is_this) {
            records.push(Ref { table: table.clone(), sys_id: sys_id.clone() });
        }
    }
    for record in &records {
        want(tx, &record.table, &record.sys_id)?;
    }
    order::let_follow(tx, &item.id)?;
    tx.remove(Item::at(&item.id));
    tx.settled(Receipt {
        item: item.id.clone(),
        state: Settled::Done,
        records,
        result: Some(answer.result.clone()).filter(|result| !result.is_null()),
        error: None,
    });
    Ok(())
}

/// The instance has carried it out, whatever becomes of it here.
pub(super) fn want_all(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    let named =
        item.action.iter().filter_map(|action| action.answer.as_ref()).flat_map(|answer| &answer.records_for_sync);
    let named = named.map(|record| (record.table.as_str(), record.sys_id.as_str()));
    for (table, sys_id) in item.records().into_iter().chain(named) {
        if !sys_id.is_empty() && !is_temporary(sys_id) {
            want(tx, table, sys_id)?;
        }
    }
    Ok(())
}

/// What an action has touched is read again: what the instance has made of it only the instance knows.
pub(super) fn want(tx: &mut Tx<'_>, table: &str, sys_id: &str) -> Ruled<()> {
    if tx.schema.known(table).is_err() {
        return Ok(());
    }
    outdate(tx, table, sys_id)?;
    tx.put(&Wanted { table: table.to_owned(), sys_id: sys_id.to_owned() })
}

/// What the device has of a record is older than what an action has made of it.
pub(super) fn outdate(tx: &mut Tx<'_>, table: &str, sys_id: &str) -> Ruled<()> {
    let record = tx.readable::<Record>(&Record::at(tx.schema, table, sys_id))?;
    let Some(mut record) = record.filter(|record| !record.outdated) else { return Ok(()) };
    record.outdated = true;
    tx.put(&record)
}

/// Whatever is said of a change that went again: what left before may have been carried out, and is nobody else's then. By
/// an edit it would be forgotten.
pub(super) fn may_be_there(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    if !item.in_doubt || !item.is_weighed(tx.schema) {
        return Ok(());
    }
    let record = tx.readable::<Record>(&Record::at(tx.schema, &item.table, &item.sys_id))?;
    let Some(mut record) = record else { return Ok(()) };
    record.acted.extend(item.fields.clone());
    tx.put(&record)
}
