//! The end of a history: the faults stop, the user mends or discards what was refused, and everything must drain.

use std::{collections::BTreeSet, rc::Rc};

use landfall::{
    core::{
        ids,
        present::ItemView,
        stored::{Item, ItemKind, ItemState},
    },
    wire::Fields,
};

use super::{
    doing::{Doing, Kind},
    hand::Hand,
    online::{HERE, by_the_app},
    runs::texts,
    story::{UID, references},
    word::Says,
    world::World,
};

/// After so many rounds nothing that still moves by itself can be left.
const PATIENCE: usize = 2;
/// Where the clock was set back, a wait that was over may be one of up to an hour again: the line's, and then the
/// item's.
const PATIENCE_SET_BACK: usize = 4;
const A_ROUND_MS: u64 = 2_000_000;
/// Where nothing waits for its time: whoever waits for a receipt looks once more meanwhile.
const A_MOMENT_MS: u64 = 11_000;
const MOST_ROUNDS: usize = 20;
/// After so many rounds of mending the user has had enough.
const ENOUGH: usize = 6;

impl World {
    pub fn drain(self: &Rc<Self>) {
        self.gates_down();
        self.intrude();
        self.until(|| !self.executor.any(|doing| doing.kind != Kind::Read));
        self.until(|| self.is_quiet());
        for by in 0..self.setup.contexts {
            self.finish(self.start(Doing::new(by, Kind::Read, "offline(false)".to_owned()), async |_, page, _| {
                let _ = page.set_offline(false).await;
            }));
            self.finish(self.sign_in(by));
        }
        let mut mended = 0;
        for round in 0..MOST_ROUNDS {
            let by = round % self.setup.contexts;
            self.finish(self.sync(by, true));
            let Some(outbox) = self.look(by) else {
                return if self.is_broken() {
                } else {
                    self.broke(1, "the outbox cannot be read")
                };
            };
            self.tell(|| format!("  round {round}: {} items", outbox.len()));
            for view in &outbox {
                self.tell(|| {
                    format!("    {:?} of {} {}: {}. {}", view.kind, view.table, view.sys_id, view.state, view.explain)
                });
            }
            if self.is_broken() || (outbox.is_empty() && round > 0) {
                return;
            }
            let patience = if self.set_back.get() { PATIENCE_SET_BACK } else { PATIENCE };
            // Most users do not wait; that what is left alone stays as it is, the others see.
            let hurried = !self.setup.seed.is_multiple_of(8) && round > 0 && self.only_the_user_can_help();
            if hurried || round >= patience {
                // What a pull has set free goes with the next sync.
                self.finish(self.sync(by, false));
                self.only_dependants();
                for view in &outbox {
                    self.mend(by, view, mended >= ENOUGH);
                }
                mended += 1;
            }
            self.pass(if hurried { A_MOMENT_MS } else { A_ROUND_MS });
        }
        let left: Vec<String> = self.mirror.borrow().items.values().map(|item| self.describe(item)).collect();
        if !left.is_empty() {
            self.broke(9, &format!("does not drain: {}", left.join(", ")));
        }
    }

    fn gates_down(&self) {
        self.tell(|| "  the faults stop".to_owned());
        let session = self.instance.borrow().session;
        let mut network = self.network.borrow_mut();
        network.armed.clear();
        network.aimed.clear();
        (network.cut, network.session) = (false, session);
        drop(network);
        self.ambushes.borrow_mut().clear();
        self.instance.borrow_mut().dropping = None;
        self.full_commits.set(0);
        self.broken_calls.set(0);
        self.unsure_commit.set(false);
        self.all_know.set(true);
        for context in self.contexts.borrow_mut().iter_mut() {
            context.frozen_until = 0;
            if let Some(page) = &context.page {
                page.register(HERE, by_the_app());
            }
        }
    }

    pub fn finish(self: &Rc<Self>, task: Option<u64>) {
        if let Some(task) = task {
            self.until(|| !self.executor.is_alive(task));
        }
    }

    /// What is left is refused, or cannot be told, or depends on such: everything else has gone.
    fn only_dependants(&self) {
        for item in self.moving(|item| {
            // Its key is spent, and who asks is not told where it led.
            let spent = item.kind == ItemKind::Create && item.sent_at.is_none();
            // Who runs actions knows them by their keys.
            !Self::goes_on(item) && !item.is_run_there() && (!self.setup.keyed || item.keyless || spent)
        }) {
            self.tell(|| format!("      {item:?}"));
            self.broke(9, &format!("{} depends on nothing that is refused and does not go", self.describe(&item)));
        }
    }

    fn only_the_user_can_help(&self) -> bool {
        self.moving(|_| false).is_empty()
    }

    /// The items that depend on nothing that is refused or to be paired, nor on an unknown one that `rests`.
    fn moving(&self, rests: impl Fn(&Item) -> bool) -> Vec<Item> {
        let mirror = self.mirror.borrow();
        let mentions = |item: &Item| -> BTreeSet<String> {
            if item.action.is_some() {
                return texts(item).iter().flat_map(|text| ids::find(text)).map(str::to_owned).collect();
            }
            let texts = item.fields.iter().filter(|(name, _)| *name != "correlation_id");
            texts.flat_map(|(_, text)| ids::find(text)).map(str::to_owned).collect()
        };
        let dropped = |id: &String| mirror.aliases.get(id).is_some_and(|alias| alias.dropped);
        let (mut blocked, mut resting): (BTreeSet<&str>, BTreeSet<&str>) = Default::default();
        loop {
            let before = blocked.len() + resting.len();
            for item in mirror.items.values() {
                let records = mirror.records.values().filter(|record| record.items.contains(&item.id));
                let earlier: Vec<&String> =
                    records.flat_map(|record| record.items.iter().take_while(|id| **id != item.id)).collect();
                let parents = mentions(item);
                let depends = |on: &BTreeSet<&str>| {
                    earlier.iter().any(|id| on.contains(id.as_str()))
                        || parents.iter().any(|id| {
                            let makes = |other: &&Item| other.makes().iter().any(|(_, made)| made == id);
                            let create = mirror.items.values().find(makes);
                            create.is_some_and(|create| create.id != item.id && on.contains(create.id.as_str()))
                        })
                };
                let refused = matches!(item.state, ItemState::Refused | ItemState::Unpaired) || item.is_in_conflict();
                // Only what may have been carried out holds up what merely comes after it.
                let turn = item.after.iter().any(|id| resting.contains(id.as_str()));
                if (item.state == ItemState::Unknown && rests(item)) || turn || depends(&resting) {
                    resting.insert(&item.id);
                }
                if refused || parents.iter().any(dropped) || resting.contains(item.id.as_str()) || depends(&blocked) {
                    blocked.insert(&item.id);
                }
            }
            if blocked.len() + resting.len() == before {
                break;
            }
        }
        mirror.items.values().filter(|item| !blocked.contains(item.id.as_str())).cloned().collect()
    }

    /// What the user does about one item.
    fn mend(self: &Rc<Self>, by: usize, view: &ItemView, enough: bool) {
        let Some(item) = self.mirror.borrow().items.get(&view.id).cloned() else { return };
        let choice = self.below(10);
        let task = match view.state {
            "conflict" => {
                let says = [Says::Mine, Says::Theirs, Says::Other { all: choice > 5 }][choice % 3];
                self.resolve(by, &item.table, &item.sys_id, says)
            }
            _ if enough && view.state != "unknown" => self.lay_hand(by, &view.id, Hand::Discard),
            "unpaired" => self.pair_next(by, &item),
            "refused" => {
                let parts = item.action.iter().flat_map(|action| &action.parts).map(|part| &part.fields);
                let mut all = parts.chain([&item.fields]);
                let bad = all.any(|fields| fields.get("u_level").is_some_and(|level| level.starts_with("bad")));
                let acts = item.action.is_some();
                match choice {
                    0 => self.lay_hand(by, &view.id, Hand::Discard),
                    1..5 if item.kind != ItemKind::Delete && !item.journal && !acts => {
                        self.lay_hand(by, &view.id, Hand::Edit { bad: false })
                    }
                    5..7 if bad && !acts => self.rewrite(by, &item, &["u_level"]),
                    1..10 if bad => {
                        self.instance.borrow_mut().refusing = false;
                        self.lay_hand(by, &view.id, Hand::Retry { knowing: true })
                    }
                    _ => self.lay_hand(by, &view.id, Hand::Retry { knowing: true }),
                }
            }
            "unknown" => {
                let hand = if self.is_there(&item) { Hand::Discard } else { Hand::Retry { knowing: true } };
                self.lay_hand(by, &view.id, hand)
            }
            _ => {
                let mirror = self.mirror.borrow();
                let dead =
                    |text: &str| ids::find(text).any(|id| mirror.aliases.get(id).is_some_and(|alias| alias.dropped));
                if item.action.is_some() {
                    let stuck = texts(&item).iter().any(|text| dead(text));
                    drop(mirror);
                    if stuck {
                        self.finish(self.lay_hand(by, &view.id, Hand::Discard));
                    }
                    return;
                }
                let names: Vec<String> =
                    item.fields.iter().filter(|(_, text)| dead(text)).map(|(name, _)| name.clone()).collect();
                drop(mirror);
                if names.is_empty() {
                    return;
                }
                if choice < 2 {
                    self.lay_hand(by, &view.id, Hand::Discard)
                } else {
                    self.rewrite(by, &item, &names.iter().map(String::as_str).collect::<Vec<_>>())
                }
            }
        };
        self.finish(task);
    }

    /// The user changes the record itself: good values, and no references to what is not there, but none, or others.
    fn rewrite(self: &Rc<Self>, by: usize, item: &Item, names: &[&str]) -> Option<u64> {
        let number = self.model.borrow().of_item(item)?;
        let (table, id) = self.name(number);
        let value = |name: &str| match references(&table).iter().find(|(field, _)| *field == name) {
            _ if name == "u_level" => format!("good{}", self.number()),
            Some((_, tables)) if self.below(2) == 0 => {
                let known = self.known(tables);
                let to = known.get(self.below(known.len())).filter(|to| **to != number);
                to.map_or_else(String::new, |to| self.pointing(name, *to))
            }
            _ => String::new(),
        };
        let fields: Fields = names.iter().map(|name| ((*name).to_owned(), value(name))).collect();
        self.write(by, number, table, id, fields)
    }

    /// Somebody has gone and looked.
    fn is_there(&self, item: &Item) -> bool {
        if item.action.is_some() {
            return self.call_is_there(item);
        }
        let instance = self.instance.borrow();
        match item.kind {
            ItemKind::Create => item.fields.get(UID).is_some_and(|uid| instance.rows_of.contains_key(uid)),
            _ => {
                let text =
                    item.fields.get("work_notes").map(|text| self.model.borrow().plain(text)).unwrap_or_default();
                instance.entries.iter().any(|entry| entry.row == item.sys_id && entry.text == text)
            }
        }
    }
}
