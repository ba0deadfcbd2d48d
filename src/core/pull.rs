//! Taking in what the instance has, without hurting what is here.

use std::collections::BTreeSet;

use super::{
    acted::{echoed, want},
    along::{any_pinned, may_lead},
    conflict::weigh,
    ids,
    key::Key,
    lay::rebase,
    order,
    receive::prove,
    reconcile::{Told, class_of, created},
    row::{RowKey, StoreName},
    schema::Schema,
    stored::{Item, Pulled, Record, UPDATED},
    twins,
    tx::{Ruled, Tx},
    values::open_mentions,
};
use crate::wire::value::Fields;

/// How rows have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// The table's own query has found them, under this lease: it may miss them another time.
    Found(u64),
    /// With others, which lead to them.
    Along,
    /// The app has asked for them.
    Asked,
    /// An action has touched them, or has named them, under this lease. One that the query would find counts as found, or the
    /// next refresh would take it for one too many; any other is here for what it was here for.
    Named(u64),
}

impl Came {
    fn mark(self, record: &mut Record) {
        match self {
            Self::Found(lease) => record.pulled_under = Some(lease),
            Self::Along | Self::Named(_) => {}
            Self::Asked => record.along = false,
        }
    }

    fn of_row(self, schema: &Schema, class: &str, row: &Fields) -> Self {
        match self {
            Self::Named(lease) if schema.is_cached(class, row) => Self::Found(lease),
            came => came,
        }
    }
}

/// Takes in rows of `table` that its own query has found. See [`take_in_as`].
///
/// # Errors
/// As [`Tx::get`].
pub fn take_in(tx: &mut Tx<'_>, table: &str, rows: &[Fields], lease: u64) -> Ruled<u32> {
    take_in_as(tx, table, None, rows, Came::Found(lease))
}

/// Takes in rows of `table`, under the sender's lease. Gives how many were written. Where only some fields were `asked` for, of
/// the others they say nothing.
///
/// Unsent work stays as it is, over what the row says. A row that carries a temporary id of this device whose
/// receipt never came is that receipt: it reconciles, and no twin is shown.
///
/// # Errors
/// As [`Tx::get`].
pub fn take_in_as(tx: &mut Tx<'_>, table: &str, asked: Option<&[String]>, rows: &[Fields], came: Came) -> Ruled<u32> {
    let mut written = 0;
    tx.each(rows, |tx, row| {
        let Some(sys_id) = row.get("sys_id").filter(|id| !id.is_empty()) else { return Ok(()) };
        let class = class_of(tx, table, row);
        let came = came.of_row(tx.schema, &class, row);
        // It is read through its own table next: a line that is cut before that leaves it without its own fields.
        let lacks_own = class != table && matches!(came, Came::Along | Came::Asked);
        if let Some(item) = waiting_for(tx, &class, row)? {
            if asked.is_some() {
                // Its receipt is the whole of it: what was not kept, or put in, a part would not tell.
                return want(tx, &class, sys_id);
            }
            written += 1;
            tx.unsettled = true;
            if item.action.is_some() {
                let temporary = tx.schema.correlation_field(&class).and_then(|field| row.get(&field).cloned());
                echoed(tx, item, &temporary.unwrap_or_default(), row)?;
            } else {
                prove(tx, &item, row)?;
                created(tx, &item, row, Told::Unasked)?;
            }
            let Some(mut record) = tx.record(&class, sys_id)? else { return Ok(()) };
            came.mark(&mut record);
            record.in_part |= lacks_own;
            return tx.put(&record);
        }
        let there = tx.record(&class, sys_id)?;
        let (row, in_part) = &whole(&class, table, asked, there.as_ref(), row);
        let in_part = &(*in_part || lacks_own);
        if let Some(record) = there.clone().filter(|record| !record.items.is_empty() || record.deleted) {
            written += u32::from(take_in_under(tx, record, row, *in_part, came)?);
            return Ok(());
        }
        let same = there.as_ref().is_some_and(|record| record.fields == *row);
        let brought = |it: &Record| it.pulled_under.is_some_and(|under| came == Came::Found(under));
        if there.as_ref().is_some_and(|it| same && it.table == class && brought(it) && !it.outdated) {
            return Ok(());
        }
        let mut record = Record {
            table: class.clone(),
            sys_id: sys_id.clone(),
            fields: row.clone(),
            fetched_at: Some(tx.now),
            pulled_under: there.as_ref().and_then(|it| it.pulled_under),
            along: there.as_ref().map_or(came == Came::Along, |it| it.along),
            in_part: *in_part,
            not_kept: there.map_or_else(Vec::new, |it| it.not_kept),
            ..Record::default()
        };
        came.mark(&mut record);
        record.mentions = open_mentions(tx, &record)?;
        if !same {
            written += 1;
            tx.changed(&class, sys_id);
            look_for_twin(tx, &class, row)?;
        }
        tx.put(&record)
    })?;
    order::hold_up_nobody(tx)?;
    Ok(written)
}

/// Asked for as one of its parent's, a record comes without the fields of its own table; and asked for in part, without
/// those that were not. And whether what it is left with is of an older row.
fn whole(class: &str, table: &str, asked: Option<&[String]>, there: Option<&Record>, row: &Fields) -> (Fields, bool) {
    let comes_in_part = |record: &&Record| asked.is_some() || (class != table && record.table == class);
    let Some(record) = there.filter(comes_in_part) else { return (row.clone(), false) };
    let mut fields = record.base.as_ref().unwrap_or(&record.fields).clone();
    let was_of = fields.get(UPDATED).cloned();
    if class == table {
        // What was asked for and did not come is not there.
        fields.retain(|name, _| !asked.is_some_and(|asked| asked.contains(name)));
    }
    let is_left = fields.keys().any(|name| !row.contains_key(name));
    fields.extend(row.clone());
    let is_older = record.in_part || was_of.as_ref() != row.get(UPDATED);
    (fields, is_left && is_older)
}

/// The unsent changes of a record go on standing over what the instance has now: it is not told once more when they are given
/// up. Whether that changes what the app sees.
fn take_in_under(tx: &mut Tx<'_>, mut record: Record, row: &Fields, in_part: bool, came: Came) -> Ruled<bool> {
    if record.base.as_ref() == Some(row) && !record.outdated && record.in_part == in_part {
        return note_brought(tx, record, came).map(|()| false);
    }
    came.mark(&mut record);
    record.in_part = in_part;
    record.table = class_of(tx, &record.table, row);
    let seen = record.fields.clone();
    let had = record.base.take().unwrap_or_default();
    weigh(tx, &mut record, &had, row, &Fields::new())?;
    rebase(tx, &mut record, row.clone(), false)?;
    let differs = record.fields != seen && !record.deleted;
    if differs {
        tx.changed(&record.table, &record.sys_id);
    }
    Ok(differs)
}

/// Takes in rows that were read before what is unsent of them is sent. No refresh has brought them.
///
/// # Errors
/// As [`Tx::get`].
pub fn read_again(tx: &mut Tx<'_>, table: &str, rows: &[Fields]) -> Ruled<()> {
    tx.each(rows, |tx, row| {
        let Some(sys_id) = row.get("sys_id") else { return Ok(()) };
        let record = tx.record(table, sys_id)?.filter(|record| !record.items.is_empty());
        record.map_or(Ok(()), |record| take_in_under(tx, record, row, false, Came::Along).map(drop))
    })?;
    order::hold_up_nobody(tx)
}

/// Found by its table's query, it counts among what the pulls have brought.
fn note_brought(tx: &mut Tx<'_>, record: Record, came: Came) -> Ruled<()> {
    let mut marked = record.clone();
    came.mark(&mut marked);
    if marked == record { Ok(()) } else { tx.put(&marked) }
}

/// What is here of a table is as the instance had it at this time, in ms: see [`Pulled::fresh_at`].
///
/// # Errors
/// As [`Tx::get`].
pub fn note_fresh(tx: &mut Tx<'_>, of: &Pulled, at: u64) -> Ruled<()> {
    let Pulled { table, query, fields, .. } = of.clone();
    let known = tx.readable::<Pulled>(&Pulled::at(&table))?.unwrap_or_default();
    tx.put(&Pulled { table, query, fields, fresh_at: at, tried_at: None, ..known })
}

/// At this time it was tried in vain to find out: see [`Pulled::tried_at`].
///
/// # Errors
/// As [`Tx::get`].
pub fn note_tried(tx: &mut Tx<'_>, of: Pulled, at: u64) -> Ruled<()> {
    let known = tx.readable::<Pulled>(&Pulled::at(&of.table))?;
    let known = known.filter(|known| known.query == of.query && known.fields == of.fields).unwrap_or(of);
    tx.put(&Pulled { tried_at: Some(at), ..known })
}

/// When the instance last had a record as it is here, in ms, unsent changes aside.
pub(super) fn known_since(tx: &mut Tx<'_>, record: &Record) -> Ruled<Option<u64>> {
    let mut at = record.fetched_at;
    if record.pulled_under.is_some() {
        for table in tx.schema.chain(&record.table).map(str::to_owned).collect::<Vec<_>>() {
            at = at.max(tx.readable::<Pulled>(&Pulled::at(&table))?.map(|pulled| pulled.fresh_at));
        }
    }
    if record.is_along() {
        at = at.max(tx.readable::<Pulled>(&Pulled::at(Pulled::ALONG))?.map(|pulled| pulled.fresh_at));
    }
    Ok(at)
}

/// The create of this device that the row is the answer to, if that answer never came.
fn waiting_for(tx: &mut Tx<'_>, table: &str, row: &Fields) -> Ruled<Option<Item>> {
    let Some(field) = tx.schema.correlation_field(table) else { return Ok(None) };
    let Some(temporary) = row.get(&field).filter(|id| ids::is_temporary(id)) else { return Ok(None) };
    if !tx.alias(temporary)?.is_some_and(|alias| alias.is_open()) {
        return Ok(None);
    }
    let Some(record) = tx.record(table, temporary)? else { return Ok(None) };
    let Some(first) = record.items.first() else { return Ok(None) };
    Ok(tx.item(first)?.filter(|item| item.makes().iter().any(|(_, made)| *made == temporary)))
}

/// A row that carries the temporary id of a record made here and is another one than that: a request was repeated on
/// its way, or arrived after it had been asked for in vain.
fn look_for_twin(tx: &mut Tx<'_>, table: &str, row: &Fields) -> Ruled<()> {
    let Some(field) = tx.schema.correlation_field(table) else { return Ok(()) };
    let (Some(temporary), Some(sys_id)) = (row.get(&field), row.get("sys_id")) else { return Ok(()) };
    if !ids::is_temporary(temporary) {
        return Ok(());
    }
    if let Some(alias) = tx.alias(temporary)?
        && let Some(first) = alias.sys_id.clone().filter(|first| first != sys_id)
    {
        let mut found = [alias.twins.as_slice(), &[first, sys_id.clone()]].concat();
        found.sort();
        found.dedup();
        twins::note(tx, alias, &found)?;
    }
    Ok(())
}

/// What became of rows that a refresh has not brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// So many went.
    pub removed: u32,
    /// So many may still be led to: a walk finds that out.
    pub marked: u32,
}

/// Removes rows that the refresh under `lease` did not bring, if they are still such as it may remove, and no
/// unsent work mentions them; perhaps only those that the instance has not been seen to have since a time, in ms. Where
/// something may lead to them, that is found out next.
///
/// # Errors
/// As [`Tx::get`].
pub fn sweep(tx: &mut Tx<'_>, lease: u64, not_since: Option<u64>, gone: &[RowKey]) -> Ruled<Swept> {
    let mut swept = Swept::default();
    let Some(needed) = needed(tx)? else { return Ok(swept) };
    // What is too old goes wherever it may lead from, but for a pin, which says that it is to stay.
    let may_lead = match not_since {
        None => may_lead(tx)?,
        Some(_) => any_pinned(tx)?,
    };
    tx.each(gone, |tx, at| {
        let Some(record) = tx.get::<Record>(at)? else { return Ok(()) };
        let known = not_since.map_or(Ok(None), |_| known_since(tx, &record))?;
        if may_go(&record, lease) && !needed.contains(&record.sys_id) && known.is_none_or(|at| Some(at) < not_since) {
            if may_lead {
                swept.marked += 1;
                return tx.put(&Record { pulled_under: None, along: true, ..record });
            }
            tx.remove(at.clone());
            tx.changed(&record.table, &record.sys_id);
            swept.removed += 1;
        }
        Ok(())
    })?;
    Ok(swept)
}

/// Whether a refresh under `lease` that did not bring `record` may remove it: an earlier one brought it, and
/// nothing unsent is about it.
pub fn may_go(record: &Record, lease: u64) -> bool {
    !record.deleted && record.items.is_empty() && record.pulled_under.is_some_and(|under| under < lease)
}

/// The ids that unsent work mentions; none where an item cannot be read, since it may mention any. Read in the sweep's
/// own transaction: an item that another tab queues meanwhile makes it stale.
pub(super) fn needed(tx: &mut Tx<'_>) -> Ruled<Option<BTreeSet<String>>> {
    let items = tx.keyed_by(StoreName::Outbox, Key::default())?;
    let mut needed = Some(BTreeSet::new());
    tx.each(items, |tx, key| {
        let item = tx.readable::<Item>(&RowKey { store: StoreName::Outbox, key })?;
        needed = needed.take().zip(item).map(|(mut needed, item)| {
            let action = item.action.as_deref();
            let input = action.map(|action| action.input.to_string()).unwrap_or_default();
            let parts = action.iter().flat_map(|action| &action.parts).flat_map(|part| part.fields.values());
            let values = item.fields.values().chain(parts).flat_map(|text| text.split(','));
            needed.extend(values.chain(input.split('"')).map(|id| id.trim().to_owned()));
            needed
        });
        Ok(())
    })?;
    Ok(needed)
}
