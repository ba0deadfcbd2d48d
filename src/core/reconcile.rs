//! Putting the instance's answer in place: its row under the edits that are still unsent, and its
//! permanent id wherever the temporary one stood.

use super::{
    act::replace_in,
    along::{forget_pins, rename_pins},
    circle::in_order,
    conflict::{agree, is_later, is_next, weigh},
    event::{Event, Receipt, Ref, Settled},
    ids,
    lay::rebase,
    order,
    row::{RowKey, StoreName},
    stored::{Alias, Announced, Item, ItemKind, Part, Proofs, Record, UPDATED, mention},
    twins::LOOKS,
    tx::{Ruled, Tx},
    values::Mention,
    write::{Draft, append, release},
    write_set::Scan,
};
use crate::wire::value::{Fields, Type};

const CREATED: &str = "sys_created_on";

/// How the instance's row came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// As the answer to the item as it is now.
    InAnswer,
    /// Found by a probe or a pull: it may come of what the item was when it left first.
    Unasked,
}

/// The instance made the record an item was to make: its id takes the temporary one's place everywhere.
///
/// # Errors
/// As [`Tx::get`].
pub fn created(tx: &mut Tx<'_>, item: &Item, row: &Fields, told: Told) -> Ruled<()> {
    // Under a key there is never more than one; what had to be looked for may have come of any request.
    let mut fields = item.fields.clone();
    if told == Told::Unasked {
        // What was edited since has never been in the row: it follows, and given up then, it must not come to stay.
        fields.retain(|name, _| !item.amended.contains(name));
    }
    let looked_for = told == Told::Unasked;
    let looks = match item.keyless && (item.repeated || looked_for) {
        true => LOOKS,
        false => u32::from(item.keyless || looked_for || is_to_be_tried(tx, &item.table)?),
    };
    let made =
        Made { item: &item.id, table: &item.table, temporary: &item.sys_id, fields: &fields, looks, goes_on: false };
    let is_remembered = told == Told::InAnswer && may_be_remembered(item);
    let since = if is_remembered { read_since(tx, item, row)? } else { None };
    let mut now = row.clone();
    now.extend(since.iter().flat_map(Record::told).map(|(name, value)| (name.clone(), value.clone())));
    let landed = land(tx, &made, &now, |tx, record| {
        record.not_kept = not_kept(tx, &record.table, &item.fields, row);
        if told == Told::Unasked { follow_up(tx, record, item, row) } else { Ok(()) }
    })?;
    match landed {
        Some(record) => {
            if is_remembered && let Some(mut landed) = tx.record(&record.table, &record.sys_id)? {
                landed.outdated = true;
                landed.in_part |= since.is_some_and(|since| since.in_part);
                tx.put(&landed)?;
            }
            done(tx, item, Some(&record))
        }
        None => {
            tx.remove(Item::at(&item.id));
            Ok(())
        }
    }
}

/// Whether it is yet to be seen that records of the table are found by their temporary ids, where keys are forgotten: what
/// is in doubt for longer is asked for without them. One record is enough: thousands may land before the next look.
fn is_to_be_tried(tx: &mut Tx<'_>, table: &str) -> Ruled<bool> {
    if tx.fact::<Announced>()?.ttl_ms.is_none() || tx.fact::<Proofs>()?.finds.contains_key(table) {
        return Ok(false);
    }
    Ok(tx.found(Scan::index(StoreName::Aliases, Alias::unchecked()).limit(1))?.is_empty())
}

/// The record, where it was read before its answer came, and is as new as that: without the temporary id in it nobody knew it
/// for this one.
fn read_since(tx: &mut Tx<'_>, item: &Item, row: &Fields) -> Ruled<Option<Record>> {
    let Some(sys_id) = row.get("sys_id") else { return Ok(None) };
    let there = tx.record(&item.table, sys_id)?;
    Ok(there.filter(|there| !is_later(there.told(), row)))
}

/// A record made here that the instance has now.
pub(super) struct Made<'a> {
    /// By which item.
    pub item: &'a str,
    pub table: &'a str,
    pub temporary: &'a str,
    /// What it was made of.
    pub fields: &'a Fields,
    /// How often it is looked for whether the instance has made it more than once.
    pub looks: u32,
    /// It has more to do with it than to make it: what follows on the record goes on waiting.
    pub goes_on: bool,
}

/// The id that is in `row` takes the temporary one's place in the record's key, in every record and every queued item
/// that mentions it, and in the alias, all in this one write set. `also` may add to what is unsent of the record.
///
/// # Errors
/// As [`Tx::get`].
pub(super) fn land(
    tx: &mut Tx<'_>,
    made: &Made<'_>,
    row: &Fields,
    also: impl FnOnce(&mut Tx<'_>, &mut Record) -> Ruled<()>,
) -> Ruled<Option<Record>> {
    let temporary = made.temporary;
    let sys_id = row.get("sys_id").cloned().unwrap_or_default();
    let Some(mut record) = tx.record(made.table, temporary)? else { return Ok(None) };
    let there = tx.record(made.table, &sys_id)?;
    let base_there = there.as_ref().and_then(|there| there.base.clone());
    // Where no row is told, one that a pull was first to bring has it.
    let known = there.as_ref().filter(|_| !row.contains_key(UPDATED));
    let known = known.map(|there| there.told().clone());
    record.items.retain(|id| id != made.item);
    let mut base = made.fields.clone();
    record.table = class_of(tx, &record.table, row);
    also(tx, &mut record)?;
    let items: Vec<String> = [made.item.to_owned()].into_iter().chain(record.items.iter().cloned()).collect();
    if made.goes_on {
        record.items.clone_from(&items);
    }
    if let Some(there) = there {
        // Another record of this device has this id already: a pull was first, or the instance made one
        // record of two. From here on both are that one.
        report_merger(tx, &record, &there);
        tx.unsettled = true;
        // As it stands now: who waits for whom is asked of the rows. Also with what both have: what comes after that here
        // would seem to go before it.
        tx.put(&Record { items, ..record.clone() })?;
        record.items.retain(|id| !there.items.contains(id));
        record.items = in_order(tx, there.items, std::mem::take(&mut record.items))?;
        record.deleted |= there.deleted;
        record.unasked = there.unasked;
        record.acted = there.acted;
    }
    // Not before: what waits for it is asked for above.
    tx.remove(Record::at(tx.schema, &record.table, temporary));
    record.sys_id.clone_from(&sys_id);
    base.extend(known.unwrap_or_default());
    base.extend(row.clone());
    if tx.schema.is_cached(&record.table, &base) {
        // It is one that a refresh would have brought: should it be gone by then, it goes here too.
        record.pulled_under.get_or_insert(0);
    }
    rename_parts(tx, &record, temporary)?;
    // What follows was changed on what the record was made of. What the instance has put in as it made it, nobody has changed.
    let mut had = base_there.unwrap_or_else(|| row.clone());
    if row.get(CREATED) != row.get(UPDATED) {
        had.extend(made.fields.clone());
    }
    weigh(tx, &mut record, &had, row, &Fields::new())?;
    record.in_part &= !row.contains_key(UPDATED);
    rebase(tx, &mut record, base, !row.contains_key(UPDATED))?;
    tx.put(&Alias {
        temporary: temporary.to_owned(),
        table: record.table.clone(),
        sys_id: Some(sys_id.clone()),
        unchecked: made.looks > 0 && tx.schema.correlation_field(&record.table).is_some(),
        looks: made.looks.saturating_sub(1),
        ..Alias::default()
    })?;
    replace_mentions(tx, temporary, &sys_id)?;
    rename_pins(tx, temporary, &sys_id)?;
    tx.tell(Event::Reconciled { table: record.table.clone(), temporary: temporary.to_owned(), sys_id: sys_id.clone() });
    tx.changed(&record.table, &sys_id);
    Ok(Some(record))
}

/// Actions that follow on the record, under its new id. What one did to two records that turn out to be one, it did to
/// that one.
fn rename_parts(tx: &mut Tx<'_>, record: &Record, temporary: &str) -> Ruled<()> {
    let schema = tx.schema;
    for id in &record.items {
        let Some(mut item) = tx.item(id)? else { continue };
        let Some(action) = &mut item.action else { continue };
        // One that made it is asked for again as it was asked for first.
        let at = action.parts.iter().position(|part| part.kind != ItemKind::Create && part.sys_id == temporary);
        let Some(at) = at else { continue };
        let mut part = Part { sys_id: record.sys_id.clone(), ..action.parts.remove(at) };
        let was_first = !action.parts.iter().take(at).any(|known| known.is_of(schema, &record.table, &record.sys_id));
        match action.part_mut(schema, &record.table, &record.sys_id) {
            Some(known) if part.kind == ItemKind::Delete => (known.kind, known.fields) = (part.kind, part.fields),
            Some(known) if known.kind == ItemKind::Delete => {}
            // The later stands.
            Some(known) if was_first => {
                part.fields.append(&mut known.fields);
                known.fields = part.fields;
            }
            Some(known) => known.fields.extend(part.fields),
            None => action.parts.insert(at, part),
        }
        tx.put(&item)?;
    }
    Ok(())
}

/// What was edited since the create left first is not in a row that came of it: it follows, before any later change.
fn follow_up(tx: &mut Tx<'_>, record: &mut Record, item: &Item, row: &Fields) -> Ruled<()> {
    let differ = not_kept(tx, &record.table, &item.fields, row);
    let left_out: Fields = item
        .fields
        .iter()
        .filter(|(name, _)| item.amended.contains(*name) && !tx.schema.is_journal(&record.table, name))
        .filter(|(name, _)| differ.contains(name) || !row.contains_key(*name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    record.not_kept.retain(|name| !left_out.contains_key(name));
    let plain =
        (!left_out.is_empty()).then_some(Draft { kind: ItemKind::Update, fields: left_out, ..Draft::default() });
    // No row tells of entries. But where the key was spent, what was edited has never arrived.
    let entries = item.fields.iter().filter(|(name, text)| {
        item.sent_at.is_none()
            && item.amended.contains(*name)
            && tx.schema.is_journal(&record.table, name)
            && !text.is_empty()
    });
    let entry = |(name, text): (&String, &String)| Draft {
        kind: ItemKind::Update,
        fields: [(name.clone(), text.clone())].into(),
        journal: true,
        ..Draft::default()
    };
    let drafts: Vec<Draft> = plain.into_iter().chain(entries.map(entry)).collect();
    let open: Vec<Mention> = item.mentions.iter().map(|id| Mention { field: String::new(), id: id.clone() }).collect();
    let following = drafts.len();
    for draft in drafts {
        append(tx, record, draft, &open)?;
    }
    record.items.rotate_right(following);
    // Their actions found it in the create.
    order::put_before_naming(tx, &item.sys_id, record.items.get(..following).unwrap_or_default())?;
    Ok(())
}

/// Two records of this device that the instance made one of.
fn report_merger(tx: &mut Tx<'_>, record: &Record, there: &Record) {
    let made_here = tx
        .schema
        .correlation_field(&there.table)
        .and_then(|field| there.fields.get(&field))
        .is_some_and(|id| ids::is_temporary(id) && *id != record.sys_id);
    if made_here || there.pulled_under.is_none() {
        tx.tell(Event::Error {
            code: "merged".to_owned(),
            message: format!(
                "The instance has answered the {} record made here as {} with {}, which is another record of this \
                 device: from here on both are that one.",
                record.table, record.sys_id, there.sys_id
            ),
            retryable: false,
        });
    }
}

fn done(tx: &mut Tx<'_>, item: &Item, record: Option<&Record>) -> Ruled<()> {
    // A create is in nobody's `after`.
    if item.kind != ItemKind::Create {
        order::let_follow(tx, &item.id)?;
    }
    tx.remove(Item::at(&item.id));
    let records = record.map(|record| Ref { table: record.table.clone(), sys_id: record.sys_id.clone() });
    tx.settled(Receipt {
        item: item.id.clone(),
        state: Settled::Done,
        records: records.into_iter().collect(),
        ..Receipt::default()
    });
    Ok(())
}

/// The instance made the change.
///
/// # Errors
/// As [`Tx::get`].
pub fn updated(tx: &mut Tx<'_>, item: &Item, row: Option<&Fields>) -> Ruled<()> {
    let record = tx.record(&item.table, &item.sys_id)?;
    done(tx, item, record.as_ref())?;
    let Some(mut record) = record else { return Ok(()) };
    if let Some(row) = row {
        record.not_kept.retain(|name| !item.fields.contains_key(name));
        record.not_kept.extend(not_kept(tx, &record.table, &item.fields, row));
    }
    // A refresh under way that has passed it by, since its query did not find it then, is not to take it for gone.
    let is_found = row.is_some_and(|row| tx.schema.is_found(&record.table, row));
    if let Some(under) = item.sent_under.filter(|_| is_found && record.pulled_under.is_some()) {
        record.pulled_under = Some(under);
    }
    settle(tx, record, &item.id, &item.fields, row.filter(|_| !may_be_remembered(item)))
}

/// Whether the answer may be the one that was lost before, given once more for the item's key: it says nothing of what has
/// changed since. Also where a request between the two was refused.
fn may_be_remembered(item: &Item) -> bool {
    (item.in_doubt || (item.repeated && item.kind == ItemKind::Update)) && !item.keyless
}

/// What an item brought to a record is the instance's now, with the row that it has told, if it has.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    mut record: Record,
    item: &str,
    fields: &Fields,
    row: Option<&Fields>,
) -> Ruled<()> {
    record.items.retain(|id| id != item);
    record.unasked.retain(|name, _| !fields.contains_key(name));
    let had = record.base.take().unwrap_or_default();
    // Where nobody else was in between, what else it has changed the instance has done by itself.
    if let Some(row) = row.filter(|row| !is_next(&had, row)) {
        weigh(tx, &mut record, &had, row, fields)?;
    }
    let mut base = had;
    let plain = fields.iter().filter(|(name, _)| !tx.schema.is_journal(&record.table, name));
    base.extend(plain.map(|(name, value)| (name.clone(), value.clone())));
    base.extend(row.cloned().unwrap_or_default());
    // Of a journal entry that was looked for, only the time is told.
    let is_timed = row.is_some_and(|row| row.contains_key(UPDATED));
    let is_whole = row.is_some_and(|row| row.contains_key("sys_id"));
    record.in_part = (record.in_part || is_timed) && !is_whole;
    rebase(tx, &mut record, base, !is_timed)?;
    tx.changed(&record.table, &record.sys_id);
    Ok(())
}

/// The instance removed the record, or no longer has it.
///
/// # Errors
/// As [`Tx::get`].
pub fn deleted(tx: &mut Tx<'_>, item: &Item) -> Ruled<()> {
    let record = tx.record(&item.table, &item.sys_id)?;
    done(tx, item, None)?;
    record.map_or(Ok(()), |record| removed(tx, &record, &item.id))
}

/// A record that is no more, with what is left of its items, but for the one that has removed it.
pub(super) fn removed(tx: &mut Tx<'_>, record: &Record, by: &str) -> Ruled<()> {
    for id in record.items.iter().filter(|id| *id != by) {
        release(tx, record, id)?;
    }
    tx.remove(Record::at(tx.schema, &record.table, &record.sys_id));
    tx.changed(&record.table, &record.sys_id);
    forget_pins(tx, &record.table, &record.sys_id)
}

/// Rewrites every row that mentions `temporary`. The cost grows with these rows, not with the database.
fn replace_mentions(tx: &mut Tx<'_>, temporary: &str, sys_id: &str) -> Ruled<()> {
    let records = tx.found_by(StoreName::Records, mention(temporary))?;
    tx.each(&records, |tx, key| {
        let Some(mut record) = tx.readable::<Record>(&RowKey { store: StoreName::Records, key: key.clone() })? else {
            return Ok(());
        };
        for fields in [Some(&mut record.fields), record.base.as_mut()].into_iter().flatten() {
            replace(tx, &record.table, fields, temporary, sys_id);
        }
        record.mentions.retain(|id| id != temporary);
        tx.changed(&record.table, &record.sys_id);
        tx.put(&record)
    })?;
    let items = tx.found_by(StoreName::Outbox, mention(temporary))?;
    tx.each(items, |tx, key| {
        let Some(mut item) = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key })? else { return Ok(()) };
        let replaced = replace(tx, &item.table, &mut item.fields, temporary, sys_id);
        item.mentions.retain(|id| id != temporary);
        if let Some(action) = &mut item.action {
            replace_in(action, temporary, sys_id);
            for id in action.about.iter_mut().filter(|id| *id == temporary) {
                sys_id.clone_into(id);
            }
            for part in &mut action.parts {
                replace(tx, &part.table, &mut part.fields, temporary, sys_id);
            }
            return tx.put(&item);
        }
        // It had left with the temporary id in it. That was another request.
        if item.sent_at.is_some() {
            match item.kind {
                ItemKind::Create => item.amended.extend(replaced),
                ItemKind::Update if item.journal => item.amended.extend(item.fields.keys().cloned()),
                ItemKind::Update | ItemKind::Delete | ItemKind::Action => {
                    // It may be repeated as this one.
                    item.idempotency_key = tx.fresh().simple().to_string();
                    (item.sent_at, item.keyless) = (None, false);
                }
            }
        }
        tx.put(&item)
    })?;
    tx.each(records, |tx, key| {
        let record = tx.readable::<Record>(&RowKey { store: StoreName::Records, key })?;
        record.map_or(Ok(()), |record| agree(tx, &record))
    })
}

/// Gives the fields in which it stood. The correlation field keeps the temporary id: by it the instance's record is
/// found again.
pub(super) fn replace(tx: &Tx<'_>, table: &str, fields: &mut Fields, temporary: &str, sys_id: &str) -> Vec<String> {
    let correlation = tx.schema.correlation_field(table);
    let mut replaced = Vec::new();
    for (name, text) in fields {
        if Some(name) != correlation.as_ref()
            && let Some(new) = ids::replace(text, temporary, sys_id)
        {
            *text = new;
            replaced.push(name.clone());
        }
    }
    replaced
}

/// The row's own table, as far as the app has declared it.
pub(super) fn class_of(tx: &Tx<'_>, table: &str, row: &Fields) -> String {
    tx.schema.class_of(table, row)
}

/// The fields that were sent and came back otherwise; or not at all, in a row that is a whole one: what is no column of
/// the table is dropped. Journals read back empty, always.
fn not_kept(tx: &Tx<'_>, table: &str, sent: &Fields, row: &Fields) -> Vec<String> {
    let correlation = tx.schema.correlation_field(table);
    let whole = row.contains_key("sys_updated_on");
    sent.iter()
        .filter(|(name, value)| {
            Some(*name) != correlation.as_ref()
                && !tx.schema.is_journal(table, name)
                && row
                    .get(*name)
                    .map_or(whole && !value.is_empty(), |kept| !same(tx.schema.type_of(table, name), kept, value))
        })
        .map(|(name, _)| name.clone())
        .collect()
}

pub(super) fn same(of: Type, a: &str, b: &str) -> bool {
    a == b || (of != Type::Text && of.compare(a, b).is_eq())
}
