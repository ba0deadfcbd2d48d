//! Records and outbox items as the app sees them.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    event::Ref,
    explain::{said, standing},
    pairing::{Pairing, pairing},
    plan::waits_until,
    pull::known_since,
    receive::refs,
    schema::Schema,
    stored::{Course, Item, ItemError, ItemKind, ItemState, Lease, Record},
    tx::{Ruled, Tx},
    values::give,
};
use crate::wire::{datetime, value::Fields};

/// Why nothing is sent at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Pause {
    /// The app's `auth` has no answer, or the instance did not take it.
    Auth,
    /// The user said so.
    Offline,
    /// The instance could not be reached, or asked for time.
    Backoff,
}

/// An outbox item as `outbox.list` gives it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: ItemKind,
    /// Items of one call share it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The record's table; none of an action.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub table: String,
    /// The record's id; none of an action.
    #[serde(rename = "sys_id", skip_serializing_if = "String::is_empty")]
    pub sys_id: String,
    /// An action's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The records that an action is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Ref>,
    /// `queued`, `sending`, `unknown`, `waiting`, `refused`, `conflict` or `unpaired`.
    pub state: &'static str,
    /// How often it was tried.
    pub attempts: u32,
    /// When the user acted.
    pub queued_at: String,
    /// Not before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    /// The items that must go first.
    pub depends_on: Vec<String>,
    /// Why it is still here, and what will move it.
    pub explain: String,
    /// What the instance said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ItemError>,
    /// Of one that is unpaired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unpaired: Option<Unpaired>,
}

/// What is to be said of an action's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unpaired {
    /// Made here, and it is not clear which of the instance's each is.
    pub open: Vec<Ref>,
    /// The instance's that may be meant.
    pub named: Vec<Ref>,
}

fn unpaired(schema: &Schema, item: &Item) -> Option<Unpaired> {
    let action = item.action.as_ref().filter(|_| item.state == ItemState::Unpaired)?;
    let Pairing { open, left, .. } = pairing(schema, action, &action.answer.as_ref()?.records_for_sync, &action.held);
    Some(Unpaired {
        open: open.into_iter().map(|(table, sys_id)| Ref { table, sys_id }).collect(),
        named: left.into_iter().map(|record| Ref { table: record.table, sys_id: record.sys_id }).collect(),
    })
}

/// Milliseconds as ISO 8601 in UTC.
pub fn iso(ms: u64) -> String {
    datetime::to_iso(i64::try_from(ms / 1000).unwrap_or_default()).unwrap_or_default()
}

/// The outbox items as the app sees them. Of the `idle` ones, nobody in this context can have them carried out.
///
/// # Errors
/// As [`Tx::get`].
pub fn items(tx: &mut Tx<'_>, items: &[Item], pause: Option<Pause>, idle: &BTreeSet<String>) -> Ruled<Vec<ItemView>> {
    let lease = tx.fact::<Lease>()?;
    let busy_until = tx.fact::<Course>()?.busy_at(tx.now);
    let mut views = Vec::new();
    tx.each(items, |tx, item| {
        let standing = standing(tx, item, &lease, pause, idle)?;
        views.push(ItemView {
            id: item.id.clone(),
            kind: item.kind,
            group: item.group.clone(),
            table: item.table.clone(),
            sys_id: item.sys_id.clone(),
            action: item.action.as_ref().map(|action| action.name.clone()),
            records: if item.action.is_some() { refs(item) } else { Vec::new() },
            state: standing.state,
            attempts: item.attempts,
            queued_at: iso(item.queued_at),
            next_attempt_at: waits_until(item, tx.now).max(busy_until).map(iso),
            depends_on: standing.depends_on,
            explain: standing.explain,
            // What the line did is in the sentence; this is what the instance said.
            error: item.error.clone().filter(|error| error.status > 0),
            unpaired: unpaired(tx.schema, item),
        });
        Ok(())
    })?;
    Ok(views)
}

/// The records as the app sees them: fields by type, `sys_id` and `$sync`.
///
/// # Errors
/// As [`Tx::get`].
pub fn records(tx: &mut Tx<'_>, records: &[Record], pause: Option<Pause>) -> Ruled<Vec<Map<String, Value>>> {
    let mut rows = Vec::new();
    let lease =
        if records.iter().all(|record| record.items.is_empty()) { Lease::default() } else { tx.fact::<Lease>()? };
    tx.each(records, |tx, record| {
        let (state, reason) = state_of(tx, record, &lease, pause)?;
        let theirs = theirs(tx, record)?;
        let fetched_at = known_since(tx, record)?;
        let mut row = give(tx.schema, &record.table, &record.fields);
        row.insert("sys_id".to_owned(), json!(record.sys_id));
        let mut sync = Map::new();
        sync.insert("state".to_owned(), json!(state));
        sync.insert("isTemporary".to_owned(), json!(record.is_temporary()));
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                sync.insert(name.to_owned(), json!(value));
            }
        };
        say("reason", reason);
        say("changedAt", record.changed_at.map(iso));
        say("fetchedAt", fetched_at.map(iso));
        if !theirs.is_empty() {
            sync.insert("theirs".to_owned(), Value::Object(theirs));
        }
        if !record.not_kept.is_empty() {
            sync.insert("notKept".to_owned(), json!(record.not_kept));
        }
        row.insert("$sync".to_owned(), Value::Object(sync));
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// What the instance has in the fields that the user is asked about.
fn theirs(tx: &mut Tx<'_>, record: &Record) -> Ruled<Map<String, Value>> {
    let mut theirs = Fields::new();
    for id in &record.items {
        let item = tx.readable::<Item>(&Item::at(id))?;
        for (name, _) in item.into_iter().flat_map(|item| item.differs) {
            let there = record.base.as_ref().and_then(|base| base.get(&name)).cloned();
            theirs.insert(name, there.unwrap_or_default());
        }
    }
    Ok(give(tx.schema, &record.table, &theirs))
}

/// A record is refused, in conflict, sending or waiting as the item that holds it up is; a record that only waits its
/// turn is what it is to the user: made, changed or deleted here.
fn state_of(
    tx: &mut Tx<'_>,
    record: &Record,
    lease: &Lease,
    pause: Option<Pause>,
) -> Ruled<(&'static str, Option<String>)> {
    tx.want(record.items.iter().map(|id| Item::at(id)))?;
    for id in &record.items {
        let Some(item) = tx.readable::<Item>(&Item::at(id))? else { continue };
        let standing = standing(tx, &item, lease, pause, &BTreeSet::new())?;
        match standing.state {
            "refused" => return Ok(("refused", item.error.as_ref().map(said))),
            "sending" => return Ok(("sending", None)),
            "conflict" => return Ok(("conflict", Some(standing.explain))),
            "unknown" | "unpaired" => return Ok(("waiting", Some(standing.explain))),
            _ if standing.stuck => return Ok(("waiting", Some(standing.explain))),
            _ => {}
        }
    }
    Ok(match record {
        _ if record.deleted => ("deleted", None),
        _ if record.is_temporary() => ("local", None),
        _ if !record.items.is_empty() => ("changed", None),
        _ => ("synced", None),
    })
}
