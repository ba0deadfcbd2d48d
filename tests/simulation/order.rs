//! The user's order: between an action and a change of a record that it names, whichever he did first is the first to leave.

use std::collections::{BTreeMap, BTreeSet};

use landfall::core::stored::{Item, ItemKind, ItemState};

use super::{
    doing::{Doing, Kind},
    ledger::{Done, Mirror},
    runs::goes_on,
    world::World,
};

#[derive(Default)]
pub struct Order {
    /// When the user first, and last, put something into an item of his.
    done: BTreeMap<String, (u64, u64)>,
    /// Of these, the second has waited for him, and the first has not, or not for the same: they are in no order any more.
    parted: BTreeSet<(String, String)>,
    /// What waits for him now.
    waiting: BTreeMap<String, BTreeSet<String>>,
    /// Records that have turned out to be one: nobody knew before.
    pub merged: BTreeSet<String>,
    /// Of these, those of which the one had gone from the device by then, and with it whose its values were.
    pub forgotten: BTreeSet<String>,
}

impl World {
    pub fn note_order(&self, doing: &Doing, done: &Done) {
        let mirror = self.mirror.borrow();
        let mut order = self.order.borrow_mut();
        let now = self.stamp();
        for item in &done.put {
            let fresh = done.fresh.iter().any(|fresh| fresh.id == item.id);
            let again = done.replaced.iter().any(|before| before.id == item.id);
            let known = order.done.get(&item.id).map(|(first, _)| *first);
            // What was edited in a create after it had left follows it.
            let temporary = done.reconciled.iter().find(|(_, sys_id)| *sys_id == item.sys_id).map(|(id, _)| id);
            let made = |left: &&Item| left.kind == ItemKind::Create && Some(&left.sys_id) == temporary;
            let create = done.left.iter().find(made);
            let at = match (doing.kind, known) {
                (Kind::Sync, _) if fresh => create.and_then(|create| order.done.get(&create.id).copied()),
                (Kind::Write | Kind::Hand, _) if fresh || again => Some((now, now)),
                // What mends an item, or what follows it, takes its place.
                (Kind::Write, Some(first))
                    if done.reworded.contains(&item.id) && !order.waiting.contains_key(&item.id) =>
                {
                    Some((first, now))
                }
                _ => None,
            };
            if let Some(at) = at {
                order.done.insert(item.id.clone(), at);
            }
        }
        let waits = waits(&mirror);
        for (second, its) in &waits {
            let others = mirror.items.keys().filter(|first| waits.get(*first).is_none_or(|own| !its.is_subset(own)));
            order.parted.extend(others.map(|first| (first.clone(), second.clone())));
        }
        order.waiting = waits;
    }

    /// An item leaves: nothing that the user did before, and that could go, may be left behind.
    pub fn watch_order(&self, mirror: &Mirror, item: &Item) {
        let order = self.order.borrow();
        let Some((_, at)) = order.done.get(&item.id) else { return };
        let parted = |other: &Item| order.parted.contains(&(item.id.clone(), other.id.clone()));
        for other in mirror.items.values().filter(|other| other.id != item.id && !parted(other)) {
            let first = order.done.get(&other.id).is_some_and(|(first, _)| first < at);
            if first && is_in_order(&order, item, other) {
                let how =
                    format!("{} leaves before {}, which the user did first", self.describe(item), self.describe(other));
                // It has no number among the promises: it is what the issue of actions asks for.
                self.broke(17, &how);
            }
        }
    }
}

/// Whether one of them is an action that names a record which the other changes.
fn is_in_order(order: &Order, one: &Item, other: &Item) -> bool {
    let names = |action: &Item, change: &Item| {
        let about = action.action.iter().flat_map(|action| &action.about);
        // What an action has made, and is known to be there, it changes no more, unless its step may go on.
        let landed = |id: &str| {
            let mut parts = change.action.iter().flat_map(|action| &action.parts);
            parts.any(|part| part.landed.as_deref() == Some(id)) && goes_on(change).all(|part| part.id() != id)
        };
        let changes = |id: &String| change.records().iter().any(|(_, changed)| changed == id) && !landed(id);
        about.into_iter().any(|id| !order.merged.contains(id) && changes(id))
    };
    names(one, other) || names(other, one)
}

/// What waits for the user, whatever he did before it, and for which of the items and records that he has to do something
/// about.
fn waits(mirror: &Mirror) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in mirror.items.values() {
        let dropped = |id: &&String| mirror.aliases.get(*id).is_some_and(|alias| alias.dropped);
        let refused = matches!(item.state, ItemState::Refused | ItemState::Unpaired) || item.is_in_conflict();
        let own = item.mentions.iter().filter(dropped).cloned().chain(refused.then(|| item.id.clone()));
        let own: BTreeSet<String> = own.collect();
        if !own.is_empty() {
            found.insert(item.id.clone(), own);
        }
    }
    let lost = mirror.items.values().any(|item| item.state == ItemState::Unknown);
    if found.is_empty() && !lost {
        return found;
    }
    let mut ahead: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for record in mirror.records.values() {
        for (at, id) in record.items.iter().enumerate() {
            ahead.entry(id).or_default().extend(record.items.iter().take(at));
        }
    }
    let makers = mirror.items.values().flat_map(|item| item.makes().into_iter().map(move |(_, made)| (made, &item.id)));
    let makers: BTreeMap<&str, &String> = makers.collect();
    for item in mirror.items.values() {
        let parents = item.mentions.iter().filter_map(|id| makers.get(id.as_str()).copied());
        ahead.entry(&item.id).or_default().extend(parents.filter(|parent| **parent != item.id));
    }
    let in_doubt = |id: &&&String| mirror.items.get(**id).is_some_and(|it| it.state == ItemState::Unknown);
    loop {
        let before: usize = found.values().map(BTreeSet::len).sum();
        for item in mirror.items.values() {
            let Some(ahead) = ahead.get(&item.id) else { continue };
            let mut more: BTreeSet<String> = ahead.iter().filter_map(|id| found.get(*id)).flatten().cloned().collect();
            more.extend(ahead.iter().filter(in_doubt).map(|id| (*id).clone()));
            if !more.is_empty() {
                found.entry(item.id.clone()).or_default().extend(more);
            }
        }
        if found.values().map(BTreeSet::len).sum::<usize>() == before {
            return found;
        }
    }
}
