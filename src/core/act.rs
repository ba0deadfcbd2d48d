//! The offline step of a write-back action: it changes records of this device only, and all it does is one outbox item.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    conflict::{ask_nobody, ask_on},
    error::CoreError,
    hand::bring_back,
    ids,
    lay::lay_anew,
    order,
    row::{RowKey, StoreName},
    schema::Schema,
    stored::{Action, Alias, Item, ItemKind, Part, Record, mention},
    tx::{Ruled, Tx},
    values::{check_correlation, check_size, settle_references},
    write::{find, save, stamp, vanish},
};
use crate::wire::value::Fields;

/// The largest input of an action, in bytes of JSON: one item of a Batch API call may be 5 MB, in base64.
pub const MAX_INPUT_BYTES: usize = 3 * 1024 * 1024;
/// The longest text in an input that may be an id, in bytes. ServiceNow's have 32 digits.
const LONGEST_ID: usize = 64;

/// Begins an action: what the offline step writes from here on belongs to it. Gives its item's id: `id`, or that of the
/// run before it, which it takes the place of.
///
/// # Errors
/// [`CoreError::TooLarge`]; [`CoreError::DeletedReference`], if its input names a record that was never sent.
pub fn begin(tx: &mut Tx<'_>, id: &str, mut action: Action) -> Ruled<String> {
    let text = action.input.to_string();
    if text.len() > MAX_INPUT_BYTES {
        return Err(CoreError::TooLarge { bytes: text.len(), most: MAX_INPUT_BYTES }.into());
    }
    let found: BTreeSet<&str> = ids::find(&text).collect();
    tx.want(found.iter().map(|id| Alias::at(id)))?;
    for id in found {
        let Some(alias) = tx.alias(id)? else { continue };
        if alias.dropped {
            return Err(CoreError::DeletedReference { field: "input".to_owned(), id: id.to_owned() }.into());
        }
        if let Some(sys_id) = alias.sys_id {
            replace_in(&mut action, id, &sys_id);
        }
    }
    let (about, after) = named_in(tx, &action.input)?;
    action.about = about;
    let before = run_before(tx, &action)?;
    if let Some(before) = &before {
        undo(tx, before)?;
        order::hold_up_nobody(tx)?;
    }
    let (id, after) = match before {
        Some(before) => {
            let both: BTreeSet<String> = before.after.into_iter().chain(after).filter(|id| *id != before.id).collect();
            (before.id, both.into_iter().collect())
        }
        None => (id.to_owned(), after),
    };
    let item = Item {
        id: id.clone(),
        after,
        kind: ItemKind::Action,
        idempotency_key: tx.fresh().simple().to_string(),
        queued_at: tx.now,
        action: Some(Box::new(action)),
        ..Item::default()
    };
    put(tx, item).map(|()| id)
}

/// Ends its offline step: what it waits for is known now.
///
/// # Errors
/// As [`Tx::get`].
pub fn end(tx: &mut Tx<'_>, id: &str) -> Ruled<()> {
    order::part(tx, &[id.to_owned()])
}

/// The records of this device that stand in an input, by their ids, and what is to go first because of them.
fn named_in(tx: &mut Tx<'_>, input: &Value) -> Ruled<(Vec<String>, Vec<String>)> {
    let mut texts = BTreeSet::new();
    gather(input, &mut texts);
    let schema = tx.schema;
    let roots = roots(schema);
    tx.want(texts.iter().flat_map(|id| roots.iter().map(|root| Record::at(schema, root, id))).collect::<Vec<_>>())?;
    let (mut named, mut before) = (Vec::new(), BTreeSet::new());
    for id in texts {
        let mut there = false;
        for root in &roots {
            let Some(record) = tx.readable::<Record>(&Record::at(schema, root, id))? else { continue };
            there = true;
            before.extend(order::changes_of(tx, &record)?);
        }
        if there {
            named.push(id.to_owned());
        }
    }
    Ok((named, before.into_iter().collect()))
}

fn roots(schema: &Schema) -> Vec<&str> {
    let mut roots: Vec<&str> = schema.tables().map(|(table, _)| schema.root(table)).collect();
    roots.sort_unstable();
    roots.dedup();
    roots
}

fn gather<'v>(input: &'v Value, texts: &mut BTreeSet<&'v str>) {
    match input {
        Value::String(text) if (1..=LONGEST_ID).contains(&text.len()) => drop(texts.insert(text)),
        Value::Array(all) => all.iter().for_each(|one| gather(one, texts)),
        Value::Object(fields) => fields.values().for_each(|one| gather(one, texts)),
        _ => {}
    }
}

/// The unsent run that becomes one with this: of all that it changed, nothing was changed or pointed to since, and nothing
/// that the user did since is to go after it.
fn run_before(tx: &mut Tx<'_>, action: &Action) -> Ruled<Option<Item>> {
    let Some(key) = &action.consolidate else { return Ok(None) };
    let Some(last) = tx.found_by(StoreName::Outbox, Item::runs(&action.name, key))?.pop() else { return Ok(None) };
    let Some(item) = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key: last })? else { return Ok(None) };
    let mut last = true;
    for (table, sys_id) in item.records() {
        let record = tx.readable::<Record>(&Record::at(tx.schema, table, sys_id))?;
        last &= record.is_some_and(|record| record.items.last() == Some(&item.id));
    }
    for id in item.makes().into_iter().map(|(_, temporary)| temporary).chain([item.id.as_str()]) {
        last &= tx.found_by(StoreName::Outbox, mention(id))?.is_empty();
    }
    Ok(Some(item).filter(|_| last))
}

/// Puts the records back to what they were without it.
fn undo(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    for part in item.action.iter().flat_map(|action| &action.parts) {
        let Some(mut record) = tx.record(&part.table, part.id())? else { continue };
        record.items.retain(|id| *id != item.id);
        match part.kind {
            ItemKind::Create => vanish(tx, &record)?,
            ItemKind::Delete => {
                bring_back(tx, &mut record)?;
                if !record.deleted {
                    let asked = std::mem::take(&mut record.unasked);
                    ask_on(tx, &mut record, asked)?;
                }
                lay_anew(tx, record)?;
            }
            ItemKind::Update | ItemKind::Action => lay_anew(tx, record)?,
        }
    }
    Ok(())
}

/// Makes a record that the online step will name.
///
/// # Errors
/// As [`write::create`](super::write::create).
pub fn create(tx: &mut Tx<'_>, id: &str, table: &str, temporary: &str, fields: &Fields) -> Ruled<Record> {
    if tx.alias(temporary)?.is_some() {
        return find(tx, table, temporary);
    }
    check_correlation(tx.schema, table, fields)?;
    let mut fields = fields.clone();
    stamp(tx, table, &mut fields);
    check_size(&fields)?;
    settle_references(tx, table, &mut fields, &Fields::new())?;
    let record =
        Record { table: table.to_owned(), sys_id: temporary.to_owned(), fields: fields.clone(), ..Record::default() };
    tx.put(&Alias { temporary: temporary.to_owned(), table: table.to_owned(), ..Alias::default() })?;
    note(tx, id, record, ItemKind::Create, fields)
}

/// Changes fields of a record. Entries of journals, too, are the online step's to make.
///
/// # Errors
/// As [`write::update`](super::write::update).
pub fn update(tx: &mut Tx<'_>, id: &str, table: &str, sys_id: &str, changes: &Fields) -> Ruled<Record> {
    let mut record = find(tx, table, sys_id)?;
    if record.deleted {
        return Err(CoreError::Deleted { table: table.to_owned(), sys_id: sys_id.to_owned() }.into());
    }
    if record.is_temporary() {
        check_correlation(tx.schema, &record.table, changes)?;
    }
    let mut changes = changes.clone();
    settle_references(tx, &record.table, &mut changes, &record.fields)?;
    if changes.is_empty() {
        return Ok(record);
    }
    // Also what is so already: the online step will write it, and what the user changes next goes after it.
    stamp(tx, &record.table, &mut changes);
    keep_base(&mut record);
    record.fields.extend(changes.clone());
    check_size(&record.fields)?;
    note(tx, id, record, ItemKind::Update, changes)
}

/// Deletes a record. One that the same step has made is gone at once.
///
/// # Errors
/// As [`write::delete`](super::write::delete).
pub fn delete(tx: &mut Tx<'_>, id: &str, table: &str, sys_id: &str) -> Ruled<()> {
    let mut record = find(tx, table, sys_id)?;
    if record.deleted {
        return Ok(());
    }
    let mut item = there(tx, id)?;
    let schema = tx.schema;
    let is_this = |part: &Part| part.sys_id == record.sys_id && schema.root(&part.table) == schema.root(&record.table);
    if let Some(action) = &mut item.action
        && action.made().any(is_this)
    {
        action.parts.retain(|part| !is_this(part));
        record.items.clear();
        // First, or the action would wait for it where something else that it made points to it.
        vanish(tx, &record)?;
        return put(tx, item);
    }
    keep_base(&mut record);
    ask_nobody(tx, &mut record)?;
    record.deleted = true;
    note(tx, id, record, ItemKind::Delete, Fields::new()).map(drop)
}

/// What it is put back to, should the action be discarded.
fn keep_base(record: &mut Record) {
    if !record.is_temporary() && record.base.is_none() {
        record.base = Some(record.fields.clone());
    }
}

/// Writes the record, and what was done to it into the action's item.
fn note(tx: &mut Tx<'_>, id: &str, mut record: Record, kind: ItemKind, fields: Fields) -> Ruled<Record> {
    let mut item = there(tx, id)?;
    // Those that name it found it as it was before.
    let mut after: BTreeSet<String> = item.after.drain(..).collect();
    after.extend(order::naming(tx, &record.sys_id, Some(id))?);
    item.after = after.into_iter().collect();
    let Some(action) = item.action.as_mut() else { return Err(CoreError::NoSuchItem(id.to_owned()).into()) };
    record.changed_at = Some(tx.now);
    match action.part_mut(tx.schema, &record.table, &record.sys_id) {
        Some(part) => {
            if kind == ItemKind::Delete {
                (part.kind, part.fields) = (kind, Fields::new());
            }
            part.fields.extend(fields);
        }
        None => {
            let (table, sys_id) = (record.table.clone(), record.sys_id.clone());
            let behind = !record.items.is_empty();
            action.parts.push(Part { table, sys_id, kind, fields, behind, ..Part::default() });
            record.items.push(id.to_owned());
        }
    }
    put(tx, item)?;
    save(tx, record)
}

fn there(tx: &mut Tx<'_>, id: &str) -> Ruled<Item> {
    Ok(tx.item(id)?.ok_or_else(|| CoreError::NoSuchItem(id.to_owned()))?)
}

/// Writes an action's item, with what it waits for: the unsent records it mentions, but for those that it makes itself,
/// and whatever goes first in one of its records.
pub(super) fn put(tx: &mut Tx<'_>, mut item: Item) -> Ruled<()> {
    let Some(action) = &item.action else { return tx.put(&item) };
    let made: BTreeSet<&str> = action.made().map(|part| part.sys_id.as_str()).collect();
    let input = action.input.to_string();
    let values = action.parts.iter().flat_map(|part| part.fields.values().chain([&part.sys_id]));
    let found: BTreeSet<String> = values
        .chain([&input])
        .flat_map(|text| ids::find(text))
        .filter(|id| !made.contains(id))
        .map(str::to_owned)
        .collect();
    item.behind = action.parts.iter().any(|part| part.behind);
    tx.want(found.iter().map(|id| Alias::at(id)))?;
    item.mentions.clear();
    for id in found {
        if tx.alias(&id)?.is_some_and(|alias| alias.is_open()) {
            item.mentions.push(id);
        }
    }
    tx.put(&item)
}

/// Puts a permanent id in the place of a temporary one, wherever it stands in an input, and in what tells the runs apart that
/// become one. What was JSON still is.
pub(super) fn replace_in(action: &mut Action, temporary: &str, sys_id: &str) {
    let text = ids::replace(&action.input.to_string(), temporary, &escaped(sys_id));
    if let Some(new) = text.and_then(|text| serde_json::from_str(&text).ok()) {
        action.input = new;
    }
    let run = action.consolidate.as_mut();
    if let Some((run, new)) = run.and_then(|run| ids::replace(run, temporary, sys_id).map(|new| (run, new))) {
        *run = new;
    }
}

/// An id as it stands within a JSON string: those of ServiceNow are plain, others need not be.
fn escaped(sys_id: &str) -> String {
    let quoted = Value::from(sys_id).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}
