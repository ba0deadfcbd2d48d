//! The user's order: between an action and a change of a record that it names, whichever he did first is the first to leave.

use std::collections::{BTreeMap, BTreeSet};

use landfall::core::stored::{Item, ItemState};

use super::{
    doing::{Doing, Kind},
    ledger::{Done, Mirror},
    world::World,
};

#[derive(Default)]
pub struct Order {
    /// When the user first, and last, put something into an item of his.
    done: BTreeMap<String, (u64, u64)>,
    /// These have waited for him: what he did before and after has no order with them any more.
    waited: BTreeSet<String>,
    /// Records that have turned out to be one: nobody knew before.
    pub merged: BTreeSet<String>,
}

impl World {
    pub fn note_order(&self, doing: &Doing, done: &Done) {
        let mirror = self.mirror.borrow();
        let mut order = self.order.borrow_mut();
        if doing.kind == Kind::Write {
            let now = self.stamp();
            for item in &done.put {
                // Of what he wrote into an item only what came of it goes along: not that it may go.
                let fresh = done.fresh.iter().any(|fresh| fresh.id == item.id);
                let known = order.done.get(&item.id).map(|(first, _)| *first);
                if fresh || done.replaced.iter().any(|before| before.id == item.id) {
                    order.done.insert(item.id.clone(), (now, now));
                } else if let Some(first) = known.filter(|_| done.reworded.contains(&item.id)) {
                    order.done.insert(item.id.clone(), (first, now));
                }
            }
        }
        let waits = waiting(&mirror);
        order.waited.extend(waits);
    }

    /// An item leaves: nothing that the user did before, and that could go, may be left behind.
    pub fn watch_order(&self, mirror: &Mirror, item: &Item) {
        let order = self.order.borrow();
        let Some((_, at)) = order.done.get(&item.id).filter(|_| !order.waited.contains(&item.id)) else { return };
        for other in mirror.items.values().filter(|other| other.id != item.id && !order.waited.contains(&other.id)) {
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
        // What an action has made, and is known to be there, is changed by nobody any more.
        let landed = |id: &str| {
            let mut parts = change.action.iter().flat_map(|action| &action.parts);
            parts.any(|part| part.landed.as_deref() == Some(id))
        };
        let changes = |id: &String| change.records().iter().any(|(_, changed)| changed == id) && !landed(id);
        about.into_iter().any(|id| !order.merged.contains(id) && changes(id))
    };
    names(one, other) || names(other, one)
}

/// What waits for the user, or for something that does.
fn waiting(mirror: &Mirror) -> BTreeSet<String> {
    let dropped = |id: &String| mirror.aliases.get(id).is_some_and(|alias| alias.dropped);
    let is_first = |item: &&Item| {
        matches!(item.state, ItemState::Refused | ItemState::Unpaired) || item.mentions.iter().any(dropped)
    };
    let mut found: BTreeSet<String> = mirror.items.values().filter(is_first).map(|item| item.id.clone()).collect();
    loop {
        let count = found.len();
        if count == 0 {
            return found;
        }
        let makes: BTreeSet<&str> =
            found.iter().filter_map(|id| mirror.items.get(id)).flat_map(Item::makes).map(|(_, id)| id).collect();
        let mentioning =
            mirror.items.values().filter(|item| item.mentions.iter().any(|id| makes.contains(id.as_str())));
        let behind =
            mirror.records.values().flat_map(|record| record.items.iter().skip_while(|id| !found.contains(*id)));
        let more: Vec<String> = mentioning.map(|item| item.id.clone()).chain(behind.cloned()).collect();
        found.extend(more);
        if found.len() == count {
            return found;
        }
    }
}
