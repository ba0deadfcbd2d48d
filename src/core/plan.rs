//! What to send next, and how much of it at once.

use std::collections::BTreeSet;

use super::{
    schema::{Reference, Schema},
    stored::{Item, ItemKind, ItemState},
};
use crate::wire::http::LONGEST_WAIT_MS;

/// How much may go in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Most items.
    pub items: usize,
    /// Most bytes of their fields. One larger item still goes, alone.
    pub bytes: usize,
}

/// What goes in the next request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Creates whose answer never came: asked for by their correlation, not sent.
    pub probe: Vec<Item>,
    /// To be sent, in this order.
    pub send: Vec<Item>,
    /// Set where all that is left is waiting for its time: the earliest, in ms.
    pub next_at: Option<u64>,
}

impl Plan {
    /// Whether there is nothing to do now.
    pub fn is_empty(&self) -> bool {
        self.probe.is_empty() && self.send.is_empty()
    }
}

/// Chooses from `due`, in the order given. `resends` tells whether the instance takes the same request
/// twice as one, by its idempotency key.
pub fn plan(schema: &Schema, due: Vec<Item>, room: Room, now: u64, resends: bool) -> Plan {
    let mut plan = Plan::default();
    let mut bytes = 0;
    for item in due {
        if let Some(at) = waits_until(&item, now) {
            plan.next_at = Some(plan.next_at.map_or(at, |first| first.min(at)));
            continue;
        }
        let probe = match next_step(schema, &item, resends) {
            Step::Probe => true,
            Step::Send => false,
            Step::Ask => continue,
        };
        let size = size(&item);
        if plan.probe.len() + plan.send.len() >= room.items || (bytes + size > room.bytes && !plan.is_empty()) {
            break;
        }
        bytes += size;
        if probe { plan.probe.push(item) } else { plan.send.push(item) }
    }
    plan
}

/// When an item may go, if that is not now. A wait longer than any that is ever asked for comes from a clock
/// that has been set back since: it is over.
pub fn waits_until(item: &Item, now: u64) -> Option<u64> {
    item.next_attempt_at.filter(|at| *at > now && *at <= now + LONGEST_WAIT_MS)
}

/// What may be done with an item now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the instance whether it was carried out.
    Probe,
    /// Send it, be it once more.
    Send,
    /// Neither: only the user can tell.
    Ask,
}

/// An ordinary change, or a delete, may be repeated. A create may only be repeated where the instance
/// knows its key; where it carries a correlation, it is asked for first in any case, since keys expire.
/// A journal entry whose answer was lost is never repeated without a key.
pub fn next_step(schema: &Schema, item: &Item, resends: bool) -> Step {
    match item.state {
        ItemState::Queued => Step::Send,
        ItemState::Refused => Step::Ask,
        ItemState::Unknown => match item.kind {
            ItemKind::Create if schema.correlation_field(&item.table).is_some() => Step::Probe,
            ItemKind::Create if !resends => Step::Ask,
            ItemKind::Update if item.journal && !resends => Step::Ask,
            _ => Step::Send,
        },
    }
}

/// Adds items that wait only for records made in the same request, where the instance puts the
/// permanent ids in place by itself. It does so in whole references only, not in lists or text.
pub fn add_dependants(schema: &Schema, plan: &mut Plan, held: Vec<Item>, room: Room, now: u64) -> bool {
    let mut made: BTreeSet<String> =
        plan.send.iter().filter(|item| item.kind == ItemKind::Create).map(|item| item.sys_id.clone()).collect();
    let mut bytes: usize = plan.send.iter().map(size).sum();
    let mut added = false;
    for item in held {
        let fits = plan.probe.len() + plan.send.len() < room.items && bytes + size(&item) <= room.bytes;
        let due = waits_until(&item, now).is_none();
        let there = plan.send.iter().any(|sent| sent.id == item.id);
        if fits && due && !there && item.state == ItemState::Queued && !item.behind && resolvable(schema, &item, &made)
        {
            bytes += size(&item);
            if item.kind == ItemKind::Create {
                made.insert(item.sys_id.clone());
            }
            plan.send.push(item);
            added = true;
        }
    }
    added
}

/// Whether all that an item waits for is among `made`, and stands where the instance looks for it.
pub fn resolvable(schema: &Schema, item: &Item, made: &BTreeSet<String>) -> bool {
    !item.mentions.is_empty()
        && item.mentions.iter().all(|id| made.contains(id))
        && item.fields.iter().all(|(name, value)| {
            let whole = item.mentions.contains(value);
            let reference = matches!(schema.reference(&item.table, name), Some(Reference::One(_)));
            (whole && reference) || !item.mentions.iter().any(|id| value.contains(id.as_str()))
        })
}

/// Bytes an item takes in a request, about.
pub fn size(item: &Item) -> usize {
    200 + item.fields.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>()
}
