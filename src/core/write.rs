//! The app's writes: a record and its outbox items change together or not at all.

use std::collections::BTreeSet;

use super::{
    act,
    along::forget_pins,
    conflict::{agree, ask_nobody},
    error::CoreError,
    event::{Receipt, Settled},
    ids,
    later::{split_circular, split_later},
    let_go::let_go,
    order,
    receive::is_kept_for_deletion,
    stored::{Alias, Item, ItemKind, ItemState, Part, Record},
    tx::{Ruled, Tx},
    values::{Mention, check_correlation, check_size, mentioned, open_mentions, settle_references},
};
use crate::wire::{datetime, value::Fields};

/// Makes a record under the temporary id `temporary`, and the item that sends it.
///
/// Run again after a commit whose outcome never became known, it finds the record made and leaves
/// it as it is.
///
/// # Errors
/// What [`check_correlation`], [`settle_references`] and [`check_size`] refuse.
pub fn create(tx: &mut Tx<'_>, table: &str, temporary: &str, fields: &Fields) -> Ruled<Record> {
    if tx.alias(temporary)?.is_some() {
        return find(tx, table, temporary);
    }
    check_correlation(tx.schema, table, fields)?;
    let mut fields = fields.clone();
    stamp(tx, table, &mut fields);
    check_size(&fields)?;
    let open = settle_references(tx, table, &mut fields, &Fields::new())?;
    let mut record = Record {
        table: table.to_owned(),
        sys_id: temporary.to_owned(),
        fields: fields.clone(),
        changed_at: Some(tx.now),
        ..Record::default()
    };
    let later = split_circular(&mut fields, &open, temporary);
    append(tx, &mut record, Draft { kind: ItemKind::Create, fields, ..Draft::default() }, &open)?;
    if !later.is_empty() {
        append(tx, &mut record, Draft { kind: ItemKind::Update, fields: later, ..Draft::default() }, &open)?;
    }
    tx.put(&Alias { temporary: temporary.to_owned(), table: table.to_owned(), ..Alias::default() })?;
    save(tx, record)
}

/// Changes fields of a record. An empty value clears a field. What is no change is not sent.
///
/// # Errors
/// As [`create`], and [`CoreError::NotFound`], [`CoreError::WrongTable`], [`CoreError::Deleted`].
pub fn update(tx: &mut Tx<'_>, table: &str, sys_id: &str, changes: &Fields) -> Ruled<Record> {
    let mut record = find(tx, table, sys_id)?;
    if record.deleted {
        return Err(CoreError::Deleted { table: table.to_owned(), sys_id: sys_id.to_owned() }.into());
    }
    let own_table = record.table.clone();
    if record.is_temporary() {
        check_correlation(tx.schema, &own_table, changes)?;
    }
    let mut changes = changes.clone();
    let open = settle_references(tx, &own_table, &mut changes, &record.fields)?;
    changes.retain(|name, value| {
        let has = record.fields.get(name).map_or("", String::as_str);
        has != value || (!value.is_empty() && tx.schema.is_journal(&own_table, name))
    });
    if changes.is_empty() {
        return Ok(record);
    }
    let after = order::naming(tx, &record.sys_id, None)?;
    let mut acted = Fields::new();
    stamp(tx, &own_table, &mut acted);
    acted.retain(|name, _| !changes.contains_key(name));
    record.base = record.base.or_else(|| (!ids::is_temporary(&record.sys_id)).then(|| record.fields.clone()));
    record.fields.extend(acted.clone());
    record.fields.extend(changes.clone());
    check_size(&record.fields)?;
    record.changed_at = Some(tx.now);
    record.not_kept.retain(|name| !changes.contains_key(name));

    let (entries, mut plain): (Fields, Fields) =
        changes.into_iter().partition(|(name, _)| tx.schema.is_journal(&own_table, name));
    if !plain.is_empty() {
        plain.extend(acted.clone());
    }
    let held = record.items.len();
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    for id in &record.items {
        let item = tx.readable::<Item>(&Item::at(id))?;
        // What becomes part of it may have it wait for something else.
        tx.unsettled |= item.is_some_and(|item| item.state == ItemState::Refused || !item.mentions.is_empty());
    }
    tx.unsettled |= held > 0 && !open.is_empty();
    let into = if plain.is_empty() { None } else { foldable(tx, &record, &plain, &open)? };
    let_go(tx, &record, into.as_ref(), &plain, &open)?;
    if let Some(item) = into {
        let again = fold_into_later(tx, &record, &item, &plain, &open)?;
        plain = fold(tx, item, plain, &open)?;
        plain.extend(again);
    }
    if !plain.is_empty() {
        append(
            tx,
            &mut record,
            Draft { kind: ItemKind::Update, fields: plain, after: after.clone(), ..Draft::default() },
            &open,
        )?;
    }
    for entry in entries {
        // The time goes along with the entry, not in an item of its own.
        let mut fields = acted.clone();
        fields.extend([entry]);
        append(tx, &mut record, Draft { kind: ItemKind::Update, fields, journal: true, after: after.clone() }, &open)?;
    }
    let record = save(tx, record)?;
    agree(tx, &record)?;
    order::part(tx, record.items.get(held..).unwrap_or_default())?;
    order::hold_up_nobody(tx)?;
    Ok(record)
}

/// Deletes a record. One the instance never heard of is gone at once, and nothing is sent.
///
/// # Errors
/// As [`update`]; deleting twice is no error.
pub fn delete(tx: &mut Tx<'_>, table: &str, sys_id: &str) -> Ruled<()> {
    let mut record = find(tx, table, sys_id)?;
    if record.deleted {
        return Ok(());
    }
    let after = order::naming(tx, &record.sys_id, None)?;
    // An action goes all the same, and is to find the record as it was when the user acted; one that only names it, too. But
    // what has not landed yet is not made for that alone.
    let followed = match ids::is_temporary(&record.sys_id) {
        true => BTreeSet::new(),
        false => order::followed(tx, &record)?,
    };
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    let mut items = Vec::new();
    for id in std::mem::take(&mut record.items) {
        items.push((tx.item(&id)?, id));
    }
    let acted = items
        .iter()
        .rposition(|(item, id)| item.as_ref().is_some_and(|item| item.action.is_some()) || followed.contains(id));
    let mut kept = Vec::new();
    for (at, (item, id)) in items.into_iter().enumerate() {
        match item {
            _ if acted.is_some_and(|last| at <= last) => kept.push(id),
            // Its answer is still to come, or whether it was made is not known: the delete follows it. Of a change only
            // the user could tell, who has: it is to go with the record.
            Some(item)
                if is_kept_for_deletion(&item, tx.now)
                    || (item.state == ItemState::Unknown
                        && !(item.in_vain && item.kind == ItemKind::Update && item.sent_under.is_none())) =>
            {
                kept.push(id);
            }
            _ => drop_item(tx, &id)?,
        }
    }
    record.items = kept;
    ask_nobody(tx, &mut record)?;
    if record.is_temporary() && record.items.is_empty() {
        vanish(tx, &record)?;
        return order::hold_up_nobody(tx);
    }
    // What it is put back to, should the deletion be discarded.
    record.base = record.base.or_else(|| (!ids::is_temporary(&record.sys_id)).then(|| record.fields.clone()));
    record.deleted = true;
    record.changed_at = Some(tx.now);
    append(tx, &mut record, Draft { kind: ItemKind::Delete, after, ..Draft::default() }, &[])?;
    let record = save(tx, record)?;
    order::part(tx, &record.items)?;
    order::hold_up_nobody(tx)
}

/// Removes a record the instance never made, with what is left of its items.
///
/// # Errors
/// As [`Tx::get`].
pub fn vanish(tx: &mut Tx<'_>, record: &Record) -> Ruled<()> {
    for id in &record.items {
        release(tx, record, id)?;
    }
    tx.remove(Record::at(tx.schema, &record.table, &record.sys_id));
    tx.unsettled = true;
    tx.put(&Alias {
        temporary: record.sys_id.clone(),
        table: record.table.clone(),
        dropped: true,
        ..Alias::default()
    })?;
    tx.changed(&record.table, &record.sys_id);
    forget_pins(tx, &record.table, &record.sys_id)
}

/// Takes an item away that nobody will carry out.
pub(super) fn drop_item(tx: &mut Tx<'_>, id: &str) -> Ruled<()> {
    order::let_follow(tx, id)?;
    tx.unsettled = true;
    tx.remove(Item::at(id));
    tx.settled(Receipt { item: id.to_owned(), state: Settled::Discarded, ..Receipt::default() });
    Ok(())
}

/// Takes an item away with its record. An action may be about others, too: these it keeps.
pub(super) fn release(tx: &mut Tx<'_>, record: &Record, id: &str) -> Ruled<()> {
    let schema = tx.schema;
    let Some(mut item) = tx.readable::<Item>(&Item::at(id))?.filter(|item| item.action.is_some()) else {
        return drop_item(tx, id);
    };
    if let Some(action) = &mut item.action {
        let is_of =
            |part: &Part| part.sys_id == record.sys_id && schema.root(&part.table) == schema.root(&record.table);
        action.parts.retain(|part| !is_of(part));
    }
    act::put(tx, item)
}

/// The permanent id once known, else the id given.
///
/// # Errors
/// As [`Tx::get`].
pub fn resolve(tx: &mut Tx<'_>, sys_id: &str) -> Ruled<String> {
    if !ids::is_temporary(sys_id) {
        return Ok(sys_id.to_owned());
    }
    Ok(tx.alias(sys_id)?.and_then(|alias| alias.sys_id).unwrap_or_else(|| sys_id.to_owned()))
}

/// The record `sys_id`, by its old or its new id, if it is one of `table`.
///
/// # Errors
/// [`CoreError::NotFound`], [`CoreError::WrongTable`].
pub fn find(tx: &mut Tx<'_>, table: &str, sys_id: &str) -> Ruled<Record> {
    let id = resolve(tx, sys_id)?;
    let wrong = |found: &str| CoreError::WrongTable {
        sys_id: sys_id.to_owned(),
        expected: table.to_owned(),
        found: found.to_owned(),
    };
    if let Some(record) = tx.record(table, &id)? {
        return if tx.schema.is_a(&record.table, table) { Ok(record) } else { Err(wrong(&record.table).into()) };
    }
    let schema = tx.schema;
    let mut roots: Vec<&str> = schema.tables().map(|(name, _)| schema.root(name)).collect();
    roots.dedup();
    tx.want(roots.iter().map(|root| Record::at(schema, root, &id)))?;
    for root in roots {
        if let Some(record) = tx.record(root, &id)? {
            return Err(wrong(&record.table).into());
        }
    }
    Err(CoreError::NotFound { table: table.to_owned(), sys_id: sys_id.to_owned() }.into())
}

/// What an item is to be made of.
#[derive(Default)]
pub(super) struct Draft {
    pub kind: ItemKind,
    pub fields: Fields,
    pub journal: bool,
    pub after: Vec<String>,
}

/// Queues an item behind those the record has.
pub(super) fn append(tx: &mut Tx<'_>, record: &mut Record, draft: Draft, open: &[Mention]) -> Ruled<()> {
    let id = tx.fresh().simple().to_string();
    let key = if draft.kind == ItemKind::Create { record.sys_id.clone() } else { id.clone() };
    let correlation = tx.schema.correlation_field(&record.table);
    let item = Item {
        kind: draft.kind,
        table: record.table.clone(),
        sys_id: record.sys_id.clone(),
        mentions: mentioned(&draft.fields, correlation.as_deref(), open.iter().map(|mention| mention.id.clone())),
        fields: draft.fields,
        behind: !record.items.is_empty(),
        after: draft.after.into_iter().filter(|id| !record.items.contains(id)).collect(),
        journal: draft.journal,
        group: tx.group.clone(),
        idempotency_key: key,
        queued_at: tx.now,
        id: id.clone(),
        ..Item::default()
    };
    tx.put(&item)?;
    record.items.push(id);
    Ok(())
}

/// Whether an edit may become part of it.
pub(super) fn takes_edits(item: &Item) -> bool {
    !matches!(item.kind, ItemKind::Delete | ItemKind::Action) && item.state != ItemState::Unknown && !item.journal
}

/// The item that a later edit becomes part of: the first, if the instance has refused it or it waits for a record that
/// will never be, since nothing else of the record moves before that one is mended; else the last, if it has not left.
///
/// What would have to wait for a record only because of the edit is left alone, and goes.
fn foldable(tx: &mut Tx<'_>, record: &Record, edit: &Fields, open: &[Mention]) -> Ruled<Option<Item>> {
    let (Some(first), Some(last)) = (record.items.first(), record.items.last()) else { return Ok(None) };
    tx.want([Item::at(first), Item::at(last)])?;
    if let Some(item) = tx.item(first)?.filter(takes_edits) {
        let mut stuck = item.state == ItemState::Refused;
        for id in &item.mentions {
            stuck |= tx.alias(id)?.is_some_and(|alias| alias.dropped);
        }
        if stuck {
            return Ok(Some(item));
        }
    }
    let time = tx.schema.acted_at_field(&record.table);
    let waits_for_more = |item: &Item| {
        let apart = edit.keys().all(|name| Some(name) == time.as_ref() || !item.fields.contains_key(name));
        let newly = |mention: &Mention| edit.contains_key(&mention.field) && !item.mentions.contains(&mention.id);
        item.kind == ItemKind::Update && apart && open.iter().any(newly)
    };
    let last = tx.item(last)?.filter(takes_edits).filter(|item| !waits_for_more(item));
    let Some(item) = last else { return Ok(None) };
    // An action that names the record, and does not go before it anyway, is to find the record as it was when the user acted.
    let naming = order::naming(tx, &record.sys_id, None)?;
    let mut apart = true;
    for id in naming.iter().filter(|id| !item.after.contains(id) && !record.items.contains(id)) {
        // Nor is it in any order with what waits for the user. But that finds the record, if it finds it at all, by its create.
        apart &= item.kind != ItemKind::Create && order::is_parted(tx, id, &item.id)?;
    }
    Ok(Some(item).filter(|_| apart))
}

/// What follows the mended item must not bring back the value the edit replaces. An action does what it did: gives what has
/// to follow it.
fn fold_into_later(
    tx: &mut Tx<'_>,
    record: &Record,
    mended: &Item,
    changes: &Fields,
    open: &[Mention],
) -> Ruled<Fields> {
    let mut again = Fields::new();
    let later: Vec<&String> = record.items.iter().skip_while(|id| **id != mended.id).skip(1).collect();
    tx.want(later.iter().map(|id| Item::at(id)))?;
    for id in later {
        let Some(item) = tx.item(id)?.filter(|item| !item.journal) else { continue };
        let part = item.action.as_ref().and_then(|action| action.part(tx.schema, &record.table, &record.sys_id));
        let does = part.map_or(&item.fields, |part| &part.fields);
        let mut same = changes.clone();
        same.retain(|name, _| does.contains_key(name));
        if item.action.is_some() {
            again.extend(same);
        } else if !same.is_empty() {
            again.retain(|name, _| !same.contains_key(name));
            // Of what points to a later record it has taken nothing.
            again.extend(fold(tx, item, same, open)?);
        }
    }
    let time = tx.schema.acted_at_field(&record.table);
    if again.keys().all(|name| Some(name) == time.as_ref()) {
        again.clear();
    }
    Ok(again)
}

/// Makes an edit part of an unsent item, and gives back what has to follow it instead.
pub(super) fn fold(tx: &mut Tx<'_>, mut item: Item, mut changes: Fields, open: &[Mention]) -> Ruled<Fields> {
    let later = split_later(tx, &mut item, &mut changes, open)?;
    if !changes.is_empty() {
        reword(tx, &mut item, changes, open);
        tx.put(&item)?;
    }
    Ok(later)
}

/// Puts other values into an item, which is then sent anew.
///
/// Another body is another request. A change gets another key, so that no answer to what it was can be taken for its
/// own. A create keeps its key, the temporary id, as long as it can: should the instance have made the record after
/// all, it refuses the key with another body, and no second record is made. What was edited is noted then, for it is
/// in no row that comes of the first request.
pub(super) fn reword(tx: &mut Tx<'_>, item: &mut Item, changes: Fields, open: &[Mention]) {
    if item.sent_at.is_some() {
        match item.kind {
            ItemKind::Create => item.amended.extend(changes.keys().cloned()),
            ItemKind::Update | ItemKind::Delete | ItemKind::Action => {
                item.idempotency_key = tx.fresh().simple().to_string();
                (item.sent_at, item.keyless) = (None, false);
            }
        }
    }
    item.fields.extend(changes);
    let correlation = tx.schema.correlation_field(&item.table);
    let known = item.mentions.iter().cloned().chain(open.iter().map(|mention| mention.id.clone()));
    item.mentions = mentioned(&item.fields, correlation.as_deref(), known);
    item.state = ItemState::Queued;
    item.error = None;
    item.failures = 0;
    item.next_attempt_at = None;
}

pub(super) fn stamp(tx: &Tx<'_>, table: &str, fields: &mut Fields) {
    if let Some(field) = tx.schema.acted_at_field(table) {
        let now = datetime::to_servicenow(i64::try_from(tx.now / 1000).unwrap_or_default());
        fields.entry(field).or_insert(now.unwrap_or_default());
    }
}

pub(super) fn save(tx: &mut Tx<'_>, mut record: Record) -> Ruled<Record> {
    record.mentions = open_mentions(tx, &record)?;
    tx.put(&record)?;
    tx.changed(&record.table, &record.sys_id);
    Ok(record)
}
