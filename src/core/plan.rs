//! What to send next, and how much of it at once.

use std::collections::BTreeSet;

use super::{
    retry::EXCHANGE_MS,
    schema::{Reference, Schema},
    stored::{Again, Calling, Item, ItemKind, ItemState, Proofs},
};
use crate::wire::http::LONGEST_WAIT_MS;

/// How much may go in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Most items.
    pub items: usize,
    /// Most items where they are all of one call: no fewer than `items`.
    pub group: usize,
    /// Most bytes of their fields. One larger item still goes, alone.
    pub bytes: usize,
}

/// What goes in the next request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Items whose answer never came: the instance is asked about them, they are not sent.
    pub probe: Vec<Item>,
    /// To be sent, in this order.
    pub send: Vec<Item>,
    /// Set where all that is left is waiting for its time: the earliest, in ms.
    pub next_at: Option<u64>,
    /// Something that is due did not fit any more: whatever else is due would not either.
    pub full: bool,
    /// Something that is due was left for another run.
    pub left: bool,
}

impl Plan {
    /// Whether there is nothing to do now.
    pub fn is_empty(&self) -> bool {
        self.probe.is_empty() && self.send.is_empty()
    }

    /// Whether an item of this call goes before all else.
    pub fn begins_with(&self, group: &str) -> bool {
        self.probe.is_empty() && self.send.first().is_some_and(|item| item.group.as_deref() == Some(group))
    }

    /// Whether it is nothing but items of one call.
    fn is_of(&self, group: Option<&str>) -> bool {
        group.is_some() && self.probe.is_empty() && self.send.iter().all(|item| item.group.as_deref() == group)
    }
}

/// What is known of the instance when it is decided what may be done with an item.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The declared tables.
    pub schema: &'a Schema,
    /// What their answers have shown.
    pub proofs: &'a Proofs,
    /// Set where the instance takes the same request twice as one, by its key.
    pub keys: Option<Keys>,
    /// The time, in ms.
    pub now: u64,
}

/// How an instance honours `Idempotency-Key`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// How long it remembers a key, in ms; for ever, as far as is known, if absent.
    pub ttl_ms: Option<u64>,
}

impl Keys {
    /// Whether it still knows the key of what left first at this time. Not where the device's clock has been set back since:
    /// nobody knows how long ago that was.
    pub fn remember(self, sent_at: u64, now: u64) -> bool {
        self.ttl_ms.is_none_or(|ttl| sent_at <= now && now < sent_at.saturating_add(ttl))
    }
}

impl Known<'_> {
    /// Whether the same request under the same key is still taken as one with the first.
    fn repeats(&self, item: &Item) -> bool {
        // What has not left under its key is nothing that the instance could know.
        let Some(sent_at) = item.sent_at.filter(|_| !item.keyless) else { return false };
        let keys = self.keys.or_else(|| item.is_run_there().then(Keys::default));
        keys.is_some_and(|keys| keys.remember(sent_at, self.now))
    }

    /// Whether a step that the app runs can go on where it was cut: nothing of it is on its way, or what is may be repeated,
    /// or can be asked for.
    fn goes_on(&self, item: &Item) -> bool {
        let Some(action) = item.action.as_ref().filter(|action| action.by_app) else { return false };
        action.calling.iter().all(|calling| match &calling.again {
            Again::Send | Again::Entry { .. } => true,
            Again::Probe { table, .. } => self.correlates(table) == Some(true) || self.schema.resends(table),
            Again::Ask => false,
        })
    }

    /// Whether no row with the temporary id means that there is no record: `None` while that is not known.
    fn correlates(&self, table: &str) -> Option<bool> {
        match self.schema.correlation_field(table) {
            Some(_) if self.keys.is_some() => self.proofs.keeps(table),
            Some(_) => self.proofs.finds(table),
            None => Some(false),
        }
    }
}

/// Chooses from `due`, in the order given.
///
/// The items of one call go in one request where they fit in one. As long as it is not known whether a table keeps the
/// temporary id, and the instance knows no keys, its creates leave one by one: should the answer be lost, no more
/// than that one is in doubt.
pub fn plan(known: &Known<'_>, due: Vec<Item>, room: Room) -> Plan {
    let mut plan = Plan::default();
    let mut bytes = 0;
    let mut trying: BTreeSet<String> = BTreeSet::new();
    let mut cut = None;
    for item in due {
        let step = next_step(known, &item);
        // What must go again waits for a record that it has come to mention since, as what has not left does. To be asked
        // about it need not.
        if step == Step::Ask
            || item.behind
            || !item.after.is_empty()
            || (step == Step::Send && !item.mentions.is_empty())
        {
            continue;
        }
        if let Some(at) = waits(&item, item.keyless || known.keys.is_none(), known.now) {
            plan.next_at = Some(plan.next_at.map_or(at, |first| first.min(at)));
            continue;
        }
        let unproved = item.kind == ItemKind::Create && known.keys.is_none() && known.correlates(&item.table).is_none();
        if unproved && !trying.insert(item.table.clone()) {
            continue;
        }
        let size = size(&item);
        let full = match plan.probe.len() + plan.send.len() {
            count if count < room.items => false,
            count if count < room.group => !plan.is_of(item.group.as_deref()),
            _ => true,
        };
        if full || (bytes + size > room.bytes && !plan.is_empty()) {
            plan.full = true;
            cut = item.group;
            break;
        }
        bytes += size;
        if step == Step::Probe { plan.probe.push(item) } else { plan.send.push(item) }
    }
    // What did not fit goes with the next request, and what belongs with it too.
    if cut.is_some() && !plan.is_of(cut.as_deref()) {
        plan.send.retain(|item| item.group != cut);
    }
    plan
}

/// When an item may go, if that is not now. A wait longer than any that is ever asked for comes from a clock
/// that has been set back since: it is over.
pub fn waits_until(item: &Item, now: u64) -> Option<u64> {
    waits(item, item.keyless, now)
}

/// `keyless`: it has left without a key, or its key is not known any more.
fn waits(item: &Item, keyless: bool, now: u64) -> Option<u64> {
    let waits = item.next_attempt_at.filter(|at| *at > now && *at <= now + LONGEST_WAIT_MS);
    waits.max(call_may_arrive_until(item, now).filter(|_| keyless))
}

/// Until when a call of an online step may still arrive that is to be asked for: before, an empty answer is worth nothing.
fn call_may_arrive_until(item: &Item, now: u64) -> Option<u64> {
    let action = item.action.as_ref()?;
    let asked_for =
        action.calling.iter().filter(|calling| matches!(calling.again, Again::Probe { .. } | Again::Entry { .. }));
    let until = asked_for.map(|calling| calling.left_at + EXCHANGE_MS).max()?;
    Some(until).filter(|at| *at > now && *at <= now + EXCHANGE_MS)
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

/// An ordinary change, or a delete, may be repeated. Anything else whose answer was lost is asked for first, where the
/// instance may be able to tell: also where it knows keys, since keys expire. Where it could not tell, it is repeated
/// under its key, or else left to the user.
pub fn next_step(known: &Known<'_>, item: &Item) -> Step {
    let in_vain = |resends: bool| if resends || known.repeats(item) { Step::Send } else { Step::Ask };
    match (item.state, item.kind) {
        (ItemState::Refused | ItemState::Unpaired, _) => Step::Ask,
        _ if item.is_in_conflict() => Step::Ask,
        (ItemState::Queued, _) => Step::Send,
        // Nobody can be asked about it.
        (ItemState::Unknown, ItemKind::Action) if known.goes_on(item) => Step::Send,
        (ItemState::Unknown, ItemKind::Action) => in_vain(item.is_run_there() && resends(known.schema, item)),
        (ItemState::Unknown, ItemKind::Create) => {
            if item.in_vain || known.correlates(&item.table) == Some(false) {
                in_vain(false)
            } else {
                Step::Probe
            }
        }
        (ItemState::Unknown, ItemKind::Update) if item.journal => {
            if item.in_vain || known.repeats(item) {
                in_vain(known.schema.resends(&item.table))
            } else {
                Step::Probe
            }
        }
        (ItemState::Unknown, _) => Step::Send,
    }
}

/// Whether an action whose answer was lost goes again although it may have been carried out: so the app has said of all
/// tables that it changes.
pub fn resends(schema: &Schema, item: &Item) -> bool {
    let records = item.records();
    !records.is_empty() && records.iter().all(|(table, _)| schema.resends(table))
}

/// Whether only the user could tell what became of a queued item, should its answer be lost now.
pub fn is_beyond_asking(known: &Known<'_>, item: &Item) -> bool {
    let found_by_its_id = item.kind == ItemKind::Create && known.correlates(&item.table) == Some(true);
    let mut lost = Item { state: ItemState::Unknown, in_vain: true, sent_at: Some(known.now), ..item.clone() };
    if let Some(action) = &mut lost.action {
        let again = if resends(known.schema, item) { Again::Send } else { Again::Ask };
        action.calling = vec![Calling { again, ..Calling::default() }];
    }
    item.state == ItemState::Queued && !found_by_its_id && next_step(known, &lost) == Step::Ask
}

/// Adds items that wait only for records made in the same request, where the instance puts the
/// permanent ids in place by itself. It does so in whole references only, not in lists or text.
///
/// Only items of the call `only`, if it is given, and none of the calls `later`. Gives the call whose items do not all
/// fit.
pub fn add_dependants(
    schema: &Schema,
    plan: &mut Plan,
    held: Vec<Item>,
    only: Option<&str>,
    later: &BTreeSet<String>,
    room: Room,
    now: u64,
) -> Option<String> {
    let mut made: BTreeSet<String> =
        plan.send.iter().filter(|item| item.kind == ItemKind::Create).map(|item| item.sys_id.clone()).collect();
    let mut bytes: usize = plan.send.iter().map(size).sum();
    for item in held {
        let asked_for = match &item.group {
            Some(group) => only.is_none_or(|only| only == group) && !later.contains(group),
            None => only.is_none(),
        };
        let held = item.behind || !item.after.is_empty();
        let due = item.state == ItemState::Queued && !held && waits_until(&item, now).is_none();
        let there = plan.send.iter().any(|sent| sent.id == item.id);
        if !asked_for || !due || there || !resolvable(schema, &item, &made) {
            continue;
        }
        let most = if plan.is_of(item.group.as_deref()) { room.group } else { room.items };
        if plan.probe.len() + plan.send.len() < most && bytes + size(&item) <= room.bytes {
            bytes += size(&item);
            if item.kind == ItemKind::Create {
                made.insert(item.sys_id.clone());
            }
            plan.send.push(item);
        } else if item.group.is_some() && plan.send.iter().any(|sent| sent.group == item.group) {
            return item.group;
        }
    }
    None
}

/// Whether all that an item waits for is among `made`, and stands where the instance looks for it.
pub fn resolvable(schema: &Schema, item: &Item, made: &BTreeSet<String>) -> bool {
    !item.mentions.is_empty()
        && item.action.is_none()
        && item.mentions.iter().all(|id| made.contains(id))
        && item.fields.iter().all(|(name, value)| {
            let whole = item.mentions.contains(value);
            let reference = matches!(schema.reference(&item.table, name), Some(Reference::One(_)));
            (whole && reference) || !item.mentions.iter().any(|id| value.contains(id.as_str()))
        })
}

/// Bytes an item takes in a request, about.
pub fn size(item: &Item) -> usize {
    let input = item.action.as_ref().map_or(0, |action| action.input.to_string().len());
    200 + input + item.fields.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>()
}
