//! Which fault has struck while an item stood where: every fault must have met every state.

use std::{collections::BTreeMap, fmt};

use landfall::core::stored::{Item, ItemState};

use super::{answers, world::World};

/// Where an item of the outbox may stand, as far as a fault may make a difference.
pub const STATES: [&str; 9] =
    ["ready", "needs id", "behind", "backing off", "in flight", "unknown", "untold", "refused", "landed"];

/// Faults that are none of a request's.
pub const OTHERS: [&str; 15] = [
    "context killed",
    "context frozen",
    "store full",
    "store fails",
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

    fn faults() -> impl Iterator<Item = &'static str> {
        answers::NAMES.into_iter().chain(OTHERS)
    }

    fn at(&self, fault: &'static str, state: &'static str) -> u64 {
        self.0.get(&(fault, state)).copied().unwrap_or_default()
    }

    pub fn empty(&self) -> Vec<(&'static str, &'static str)> {
        let cells = Self::faults().flat_map(|fault| STATES.map(|state| (fault, state)));
        cells.filter(|(fault, state)| self.at(fault, state) == 0).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26}", "fault × item state")?;
        for state in STATES {
            write!(f, "{state:>12}")?;
        }
        for fault in Self::faults() {
            write!(f, "\n{fault:<26}")?;
            for state in STATES {
                write!(f, "{:>12}", self.at(fault, state))?;
            }
        }
        writeln!(f)
    }
}

impl World {
    /// Notes a fault, by where each item of the outbox stands at that moment.
    pub fn strikes(&self, fault: &'static str) {
        let mut coverage = self.coverage.borrow_mut();
        let mirror = self.mirror.borrow();
        for item in mirror.items.values() {
            *coverage.0.entry((fault, self.state_of(item))).or_default() += 1;
        }
        if mirror.aliases.values().any(|alias| alias.sys_id.is_some()) {
            *coverage.0.entry((fault, "landed")).or_default() += 1;
        }
    }

    fn state_of(&self, item: &Item) -> &'static str {
        let now = self.device_now();
        let lease = self.mirror.borrow().lease;
        match item.state {
            ItemState::Refused => "refused",
            ItemState::Unknown if item.sent_under == Some(lease.number) && lease.until > now => "in flight",
            ItemState::Unknown if item.in_vain => "untold",
            ItemState::Unknown => "unknown",
            ItemState::Queued if item.behind => "behind",
            ItemState::Queued if !item.mentions.is_empty() => "needs id",
            ItemState::Queued if item.next_attempt_at.is_some_and(|at| at > now) => "backing off",
            ItemState::Queued => "ready",
        }
    }
}
