//! Which fault has struck while an item stood where: every fault must have met every state that it can meet.
//!
//! A fault of the world meets all items there are. A fault of a request meets those of the records that the request is
//! about, and those that mention one of these: whatever else is in the outbox has nothing to do with it.
//!
//! Actions are among all these, and counted once more apart: what they go through is not what a mutation does.

use std::{collections::BTreeMap, fmt};

use landfall::{
    core::{
        ids,
        stored::{Item, ItemState, Record},
    },
    wire::{Method, Request},
};

use super::{answers, instance::split, ledger::Mirror, world::World};

/// Where an item of the outbox may stand, as far as a fault may make a difference.
const STATES: [&str; 12] = [
    "ready",
    "needs id",
    "behind",
    "backing off",
    "in flight",
    BETWEEN_CALLS,
    "unknown",
    "untold",
    "refused",
    IN_CONFLICT,
    "unpaired",
    "landed",
];
/// The user is asked whose change is to stand.
const IN_CONFLICT: &str = "conflict";
/// Of a step that the app runs: one call is answered, the next has not left.
const BETWEEN_CALLS: &str = "next call";

/// Where it may stand when a request is about its record: what is ready, waits for a time, is refused, or in conflict has none,
/// nor has what waits to be paired, behind which everything of its records waits, nor what stands between two calls.
const IN_REQUESTS: [&str; 5] = ["needs id", "behind", "in flight", ASKED, "landed"];
/// It has left, and the instance is asked what became of it.
pub const ASKED: &str = "asked about";

/// Where an action may stand. What the instance runs leaves once, what the app runs call by call.
const ACTIONS: [&str; 11] = [
    "ready",
    "needs id",
    "behind",
    IN_TURN,
    "backing off",
    CALLS,
    RUNS,
    BETWEEN_CALLS,
    "unknown",
    "refused",
    "unpaired",
];
/// Something that the user did before goes first.
const IN_TURN: &str = "in turn";
pub const CALLS: &str = "call leaves";
const RUNS: &str = "run leaves";

/// Where few stand for long, or few requests have to do with them.
pub const RARE: [&str; 7] = [IN_TURN, "backing off", "backing off", CALLS, RUNS, RUNS, BETWEEN_CALLS];
pub const RARE_IN_REQUESTS: [&str; 5] = [IN_TURN, CALLS, RUNS, ASKED, ASKED];

const ACTIONS_IN_REQUESTS: [&str; 6] = ["needs id", "behind", IN_TURN, CALLS, RUNS, ASKED];

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

/// What a request asks of the records that are led to, or asked for.
const ALONG_IN_REQUESTS: [&str; 2] = ["compared", "read by id"];
/// What is there of such.
const ALONG: [&str; 4] = ["asked for", "pinned tmp", "came along", "and unsent"];

pub const OF_ACTIONS: &str = "an action";
pub const OF_ALONG: &str = "what goes along";

/// A fault, and a state that it has met.
type Cell = (&'static str, &'static str);

#[derive(Clone, Debug, Default)]
pub struct Coverage {
    all: Table,
    actions: Table,
    along: Table,
}

#[derive(Clone, Debug, Default)]
struct Table(BTreeMap<Cell, u64>);

impl Coverage {
    pub fn absorb(&mut self, other: &Self) {
        self.all.absorb(&other.all);
        self.actions.absorb(&other.actions);
        self.along.absorb(&other.along);
    }

    /// Cells that no history has filled.
    pub fn empty(&self) -> Vec<(&'static str, Cell)> {
        let all = self.all.empty(&IN_REQUESTS, &STATES).into_iter().map(|cell| ("an item", cell));
        let actions = self.actions.empty(&ACTIONS_IN_REQUESTS, &ACTIONS);
        let along = self.along.empty(&ALONG_IN_REQUESTS, &ALONG).into_iter().filter(|(fault, _)| is_of_one(fault));
        let actions = actions.into_iter().filter(can_be).map(|cell| (OF_ACTIONS, cell));
        all.chain(actions).chain(along.map(|cell| (OF_ALONG, cell))).collect()
    }

    /// Faults that have met nothing, and states that nothing has met.
    pub fn empty_lines(&self) -> Vec<(&'static str, &'static str)> {
        let all = self.all.empty_lines(&IN_REQUESTS, &STATES).into_iter().map(|line| ("an item", line));
        let actions = self.actions.empty_lines(&ACTIONS_IN_REQUESTS, &ACTIONS);
        let along = self.along.empty_lines(&ALONG_IN_REQUESTS, &ALONG).into_iter().filter(is_of_one);
        all.chain(actions.into_iter().map(|line| (OF_ACTIONS, line)))
            .chain(along.map(|line| (OF_ALONG, line)))
            .collect()
    }
}

/// What is led to is asked for in no batch.
fn is_of_one(fault: &&str) -> bool {
    !fault.starts_with("batch")
}

/// The calls of a step go one by one, in no batch.
fn can_be((fault, state): &Cell) -> bool {
    !(fault.starts_with("batch") && [CALLS, ASKED].contains(state))
}

impl Table {
    fn absorb(&mut self, other: &Self) {
        for (cell, count) in &other.0 {
            *self.0.entry(*cell).or_default() += count;
        }
    }

    fn count(&mut self, cell: Cell) {
        *self.0.entry(cell).or_default() += 1;
    }

    fn at(&self, fault: &'static str, state: &'static str) -> u64 {
        self.0.get(&(fault, state)).copied().unwrap_or_default()
    }

    fn empty(&self, in_requests: &[&'static str], states: &[&'static str]) -> Vec<Cell> {
        let of_requests =
            answers::NAMES.into_iter().flat_map(|fault| in_requests.iter().map(move |state| (fault, *state)));
        let others = OTHERS.into_iter().flat_map(|fault| states.iter().map(move |state| (fault, *state)));
        of_requests.chain(others).filter(|(fault, state)| self.at(fault, state) == 0).collect()
    }

    fn empty_lines(&self, in_requests: &[&'static str], states: &[&'static str]) -> Vec<&'static str> {
        let met = |fault: &str| self.0.keys().any(|(known, _)| *known == fault);
        let faults = answers::NAMES.into_iter().chain(OTHERS).filter(|fault| !met(fault));
        let unmet =
            |faults: &[&'static str], state: &'static str| faults.iter().all(|fault| self.at(fault, state) == 0);
        let of_requests = in_requests.iter().copied().filter(|state| unmet(&answers::NAMES, state));
        let of_others = states.iter().copied().filter(|state| unmet(&OTHERS, state));
        faults.chain(of_requests).chain(of_others).collect()
    }

    fn print(
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
        self.all.print(f, "of a request × its items", &answers::NAMES, &IN_REQUESTS)?;
        self.all.print(f, "of the world × all items", &OTHERS, &STATES)?;
        self.actions.print(f, "of a request × its actions", &answers::NAMES, &ACTIONS_IN_REQUESTS)?;
        self.actions.print(f, "of the world × all actions", &OTHERS, &ACTIONS)?;
        self.along.print(f, "of a request × what it asks", &answers::NAMES, &ALONG_IN_REQUESTS)?;
        self.along.print(f, "of the world × what is led to", &OTHERS, &ALONG)
    }
}

impl World {
    /// Notes a fault of the world, by where each item of the outbox stands at that moment.
    pub fn strikes(&self, fault: &'static str) {
        let mirror = self.mirror.borrow();
        let landed = mirror.aliases.values().any(|alias| alias.sys_id.is_some());
        self.note(fault, mirror.items.values(), landed, false);
        let (mut coverage, along) = (self.coverage.borrow_mut(), self.along.borrow());
        let unsent = |record: &Record| !record.items.is_empty();
        let came_along = || mirror.records.values().filter(|record| record.is_along());
        let there = [
            !along.notes.is_empty(),
            along.pins.iter().any(|pin| ids::is_temporary(&pin.sys_id)),
            came_along().next().is_some(),
            came_along().any(unsent),
        ];
        for (state, _) in ALONG.into_iter().zip(there).filter(|(_, there)| *there) {
            coverage.along.count((fault, state));
        }
    }

    /// Notes a fault of a request, by where the items stand that have to do with it.
    pub fn strikes_request(&self, fault: &'static str, parts: &[Request]) {
        let mirror = self.mirror.borrow();
        for part in parts {
            if let Some(asks) = asks_along(part) {
                self.coverage.borrow_mut().along.count((fault, asks));
            }
            let (about, items) = self.concerned(&mirror, part);
            let landed =
                mirror.aliases.values().any(|alias| alias.sys_id.as_ref().is_some_and(|id| about.contains(id)));
            self.note(fault, items.into_iter(), landed, part.method == Method::Get);
        }
    }

    /// The records that a request is about, and the items that have to do with these, or with the action that it is of.
    fn concerned<'a>(&self, mirror: &'a Mirror, part: &Request) -> (Vec<String>, Vec<&'a Item>) {
        let about = self.records_of(part);
        let acts = self.acts(part).map(|(item, _)| item.id);
        let has = |item: &Item| item.records().iter().any(|(_, id)| about.iter().any(|about| about == id));
        let concerned = |item: &&Item| {
            let before = |id: &String| acts.as_ref() == Some(id) || mirror.items.get(id).is_some_and(has);
            before(&item.id) || item.mentions.iter().any(|id| about.contains(id)) || item.after.iter().any(before)
        };
        let items = mirror.items.values().filter(concerned).collect();
        (about, items)
    }

    /// Whether one of these has to do with an action that stands there.
    pub fn some_action_is_met(&self, parts: &[Request], state: &str) -> bool {
        let mirror = self.mirror.borrow();
        let met = |part: &Request| {
            let (_, items) = self.concerned(&mirror, part);
            let mut actions = items.into_iter().filter(|item| item.action.is_some());
            actions.any(|item| of_action(item, self.state_in(item, part.method == Method::Get)) == state)
        };
        parts.iter().any(met)
    }

    fn note<'a>(&self, fault: &'static str, items: impl Iterator<Item = &'a Item>, landed: bool, asked: bool) {
        let mut coverage = self.coverage.borrow_mut();
        for item in items {
            let state = self.state_in(item, asked);
            coverage.all.count((fault, state));
            if item.action.is_some() {
                coverage.actions.count((fault, of_action(item, state)));
            }
        }
        if landed {
            coverage.all.count((fault, "landed"));
        }
    }

    fn state_in(&self, item: &Item, asked: bool) -> &'static str {
        match item.state {
            ItemState::Unknown if asked && !item.is_in_conflict() => ASKED,
            _ => self.state_of(item),
        }
    }

    /// Whether an action stands there.
    pub fn some_action_stands(&self, state: &str) -> bool {
        let mirror = self.mirror.borrow();
        let mut actions = mirror.items.values().filter(|item| item.action.is_some());
        actions.any(|item| of_action(item, self.state_of(item)) == state)
    }

    fn state_of(&self, item: &Item) -> &'static str {
        let now = self.device_now();
        let lease = self.mirror.borrow().lease;
        match item.state {
            ItemState::Refused => "refused",
            ItemState::Unpaired => "unpaired",
            _ if item.is_in_conflict() => IN_CONFLICT,
            ItemState::Unknown if item.sent_under == Some(lease.number) && lease.until > now => match &item.action {
                Some(action) if Self::goes_on(item) && !action.calls.is_empty() => BETWEEN_CALLS,
                _ => "in flight",
            },
            _ if item.next_attempt_at.is_some_and(|at| at > now) => "backing off",
            // What was answered is noted, and nothing is on its way: it just goes on.
            ItemState::Unknown if Self::goes_on(item) => "ready",
            ItemState::Unknown if item.in_vain => "untold",
            ItemState::Unknown => "unknown",
            ItemState::Queued if item.behind => "behind",
            ItemState::Queued if !item.mentions.is_empty() => "needs id",
            ItemState::Queued => "ready",
        }
    }
}

fn of_action(item: &Item, state: &'static str) -> &'static str {
    match state {
        "ready" if !item.after.is_empty() => IN_TURN,
        "in flight" if item.is_run_there() => RUNS,
        "in flight" => CALLS,
        state => state,
    }
}

fn asks_along(part: &Request) -> Option<&'static str> {
    let (_, parameters) = split(&part.path);
    let query = parameters.get("sysparm_query").filter(|_| part.method == Method::Get)?;
    let in_part = parameters.get("sysparm_fields");
    match query.starts_with("sys_idIN") {
        true if in_part.is_none() => Some("read by id"),
        is_by_id => {
            // What points to records is listed by when it was changed, with that.
            let is_listed = query.contains("^ORDERBYDESC") && (query.contains("IN0") || query.contains("LIKE"));
            (is_by_id || is_listed).then_some("compared")
        }
    }
}
