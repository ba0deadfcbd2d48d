//! Which fault has struck while an item stood where: every fault must have met every state that it can meet.
//!
//! A fault of the world meets all items there are. A fault of a request meets those of the records that the request is
//! about, and those that mention one of these: whatever else is in the outbox has nothing to do with it.

use std::{collections::BTreeMap, fmt};

use landfall::{
    core::stored::{Item, ItemState},
    wire::{Method, Request},
};

use super::{answers, world::World};

/// Where an item of the outbox may stand, as far as a fault may make a difference.
const STATES: [&str; 11] = [
    "ready",
    "needs id",
    "behind",
    "backing off",
    "in flight",
    BETWEEN_CALLS,
    "unknown",
    "untold",
    "refused",
    "unpaired",
    "landed",
];
/// Of a step that the app runs: one call is answered, the next has not left.
const BETWEEN_CALLS: &str = "next call";

/// Where it may stand when a request is about its record: what is ready, waits for a time, or is refused has none,
/// nor has what waits to be paired, behind which everything of its records waits, nor what stands between two calls.
const IN_REQUESTS: [&str; 5] = ["needs id", "behind", "in flight", ASKED, "landed"];
/// It has left, and the instance is asked what became of it.
const ASKED: &str = "asked about";

/// Faults that are none of a request's.
const OTHERS: [&str; 16] = [
    "context killed",
    "context frozen",
    "store full",
    "store fails",
    "store fails, and has written",
    "line cut",
    "session ends",
    "instance refuses",
    "field dropped",
    "another user changes",
    "another user removes",
    "another user adds",
    "clock set back",
    "clock set forward",
    "events lost",
    "no Web Locks",
];

#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<(&'static str, &'static str), u64>);

impl Coverage {
    pub fn absorb(&mut self, other: &Self) {
        for (cell, count) in &other.0 {
            *self.0.entry(*cell).or_default() += count;
        }
    }

    fn at(&self, fault: &'static str, state: &'static str) -> u64 {
        self.0.get(&(fault, state)).copied().unwrap_or_default()
    }

    /// Cells that no history has filled.
    pub fn empty(&self) -> Vec<(&'static str, &'static str)> {
        let of_requests = answers::NAMES.into_iter().flat_map(|fault| IN_REQUESTS.map(|state| (fault, state)));
        let others = OTHERS.into_iter().flat_map(|fault| STATES.map(|state| (fault, state)));
        of_requests.chain(others).filter(|(fault, state)| self.at(fault, state) == 0).collect()
    }

    /// Faults that have met nothing, and states that nothing has met.
    pub fn empty_lines(&self) -> Vec<&'static str> {
        let faults = answers::NAMES.into_iter().chain(OTHERS);
        let unmet = faults.filter(|fault| STATES.iter().all(|state| self.at(fault, state) == 0));
        let of_requests = |state: &&'static str| answers::NAMES.iter().all(|fault| self.at(fault, state) == 0);
        let of_others = |state: &&'static str| OTHERS.iter().all(|fault| self.at(fault, state) == 0);
        unmet.chain(IN_REQUESTS.into_iter().filter(of_requests)).chain(STATES.into_iter().filter(of_others)).collect()
    }

    fn table(
        &self,
        f: &mut fmt::Formatter<'_>,
        title: &str,
        faults: &[&'static str],
        states: &[&'static str],
    ) -> fmt::Result {
        write!(f, "{title:<30}")?;
        for state in states {
            write!(f, "{state:>12}")?;
        }
        for fault in faults {
            write!(f, "\n{fault:<30}")?;
            for state in states {
                write!(f, "{:>12}", self.at(fault, state))?;
            }
        }
        writeln!(f)
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(f, "of a request × its items", &answers::NAMES, &IN_REQUESTS)?;
        self.table(f, "of the world × all items", &OTHERS, &STATES)
    }
}

impl World {
    /// Notes a fault of the world, by where each item of the outbox stands at that moment.
    pub fn strikes(&self, fault: &'static str) {
        let mirror = self.mirror.borrow();
        let landed = mirror.aliases.values().any(|alias| alias.sys_id.is_some());
        self.note(fault, mirror.items.values(), landed, false);
    }

    /// Notes a fault of a request, by where the items stand that have to do with it.
    pub fn strikes_request(&self, fault: &'static str, parts: &[Request]) {
        let mirror = self.mirror.borrow();
        for part in parts {
            let about = self.records_of(part);
            let concerned = |item: &&Item| {
                item.records().iter().any(|(_, id)| about.iter().any(|about| about == id))
                    || item.mentions.iter().any(|id| about.contains(id))
            };
            let landed =
                mirror.aliases.values().any(|alias| alias.sys_id.as_ref().is_some_and(|id| about.contains(id)));
            self.note(fault, mirror.items.values().filter(concerned), landed, part.method == Method::Get);
        }
    }

    fn note<'a>(&self, fault: &'static str, items: impl Iterator<Item = &'a Item>, landed: bool, asked: bool) {
        let mut coverage = self.coverage.borrow_mut();
        let state = |item: &Item| match item.state {
            ItemState::Unknown if asked => ASKED,
            _ => self.state_of(item),
        };
        for state in items.map(state).chain(landed.then_some("landed")) {
            *coverage.0.entry((fault, state)).or_default() += 1;
        }
    }

    fn state_of(&self, item: &Item) -> &'static str {
        let now = self.device_now();
        let lease = self.mirror.borrow().lease;
        match item.state {
            ItemState::Refused => "refused",
            ItemState::Unpaired => "unpaired",
            ItemState::Unknown if item.sent_under == Some(lease.number) && lease.until > now => match &item.action {
                Some(action) if action.is_settled() && !action.calls.is_empty() => BETWEEN_CALLS,
                _ => "in flight",
            },
            _ if item.next_attempt_at.is_some_and(|at| at > now) => "backing off",
            // What was answered is noted, and nothing is on its way: it just goes on.
            ItemState::Unknown if item.action.as_ref().is_some_and(|action| action.is_settled()) => "ready",
            ItemState::Unknown if item.in_vain => "untold",
            ItemState::Unknown => "unknown",
            ItemState::Queued if item.behind => "behind",
            ItemState::Queued if !item.mentions.is_empty() => "needs id",
            ItemState::Queued => "ready",
        }
    }
}
