//! Every commit is looked at in the moment it is done: what it wrote, who wrote it, and whether it may.

use std::collections::{BTreeMap, BTreeSet};

use landfall::core::{
    Event, Row, StoreName, WriteSet, ids,
    stored::{Alias, Item, ItemKind, ItemState, Lease, Record, decode},
};

use super::{
    doing::{Doing, Kind},
    model::{Fate, Write},
    online::Plan,
    runs::{goes_on, made_by, plan_of, stands, texts},
    story::UID,
    world::World,
};

/// What is on the device's disk.
#[derive(Default)]
pub struct Mirror {
    pub items: BTreeMap<String, Item>,
    pub records: BTreeMap<(String, String), Record>,
    pub aliases: BTreeMap<String, Alias>,
    pub lease: Lease,
    /// Whose the lease is.
    pub owner: Option<usize>,
    /// The last lease each context has taken.
    pub taken: BTreeMap<usize, u64>,
    /// Since when each item has met something that counts as an attempt.
    pub tried: BTreeSet<String>,
}

/// What one commit did.
#[derive(Default)]
pub struct Done {
    pub left: Vec<Item>,
    pub put: Vec<Item>,
    pub fresh: Vec<Item>,
    /// Items that have come to hold something else.
    pub reworded: BTreeSet<String>,
    pub records: Vec<Record>,
    /// What was there in the place of these, and of those removed.
    pub before: Vec<Record>,
    /// Of these, what went.
    pub removed: Vec<Record>,
    pub reconciled: Vec<(String, String)>,
    /// Actions in whose place there is another run now.
    pub replaced: Vec<Item>,
    /// Items as they were, and as they are.
    pub changed: Vec<(Item, Item)>,
    /// Items and fields that the user is asked about from now on.
    pub questions: Vec<(String, String)>,
    /// What was unsent of a record of which the user has said something.
    pub asked_about: Vec<Item>,
    touched: bool,
}

/// What a record was pointed away from is taken out of its items, so that none waits for it: that is no part of a later write.
fn holds_more(item: &Item, before: &Item) -> bool {
    item.fields.iter().any(|(name, text)| match before.fields.get(name) {
        Some(was) => was != text && !before.mentions.iter().any(|id| was.contains(id.as_str())),
        None => true,
    })
}

fn key_pair(row: &landfall::core::Key) -> (String, String) {
    (row.text(0).to_owned(), row.text(1).to_owned())
}

impl World {
    /// Called by the store with each commit that is done.
    pub fn committed(&self, set: &WriteSet) {
        let Some(doing) = self.executor.current() else { return };
        let mut done = Done { asked_about: self.asked_about(&doing), ..Done::default() };
        for at in &set.deletes {
            let mut mirror = self.mirror.borrow_mut();
            match at.store {
                StoreName::Outbox => done.left.extend(mirror.items.remove(at.key.text(0))),
                StoreName::Records => {
                    let gone = mirror.records.remove(&key_pair(&at.key));
                    done.before.extend(gone.clone());
                    done.removed.extend(gone);
                }
                StoreName::Aliases => self.broke(6, "an alias was removed"),
                StoreName::Meta => {}
            }
        }
        for (store, row) in &set.puts {
            self.put(&doing, *store, row, &mut done);
        }
        self.note_kept(&doing, set, &done);
        self.watch_removed(&doing, &done);
        done.touched = !done.left.is_empty() || !done.put.is_empty() || !done.records.is_empty();
        if !done.touched {
            return;
        }
        self.never_older(&doing, &done);
        doing.commits.set(doing.commits.get() + 1);
        if doing.kind == Kind::Sync && self.mirror.borrow().owner != Some(doing.by) {
            self.broke(12, &format!("context {} has written answers under a lease that is not its own", doing.by));
        }
        self.made_once(&doing, &done);
        self.led_to(&doing, &done);
        self.hold_together(&done);
        self.paired_whole(&done);
        self.drops_no_more(&doing, &done);
        self.settle_model(&doing, &done);
        self.keeps_word(&doing, &done);
        self.asked_rightly(&done);
        self.note_told(&done);
        self.note_order(&doing, &done);
        self.unsent_stands_over(&done);
        self.watch_deleted(&self.mirror.borrow());
        if !done.reconciled.is_empty() {
            self.nothing_mentions(&done.reconciled);
            self.note_reconciled(doing.by, &done.reconciled);
        }
    }

    fn put(&self, doing: &Doing, store: StoreName, row: &Row, done: &mut Done) {
        let mut mirror = self.mirror.borrow_mut();
        match store {
            StoreName::Outbox => {
                let item: Item = decode(row).unwrap();
                let before = mirror.items.insert(item.id.clone(), item.clone());
                let attempts = before.as_ref().map_or(0, |before| before.attempts);
                if item.attempts > attempts && !mirror.tried.remove(&item.id) {
                    self.broke(10, &format!("an attempt of {} was counted that was none", self.describe(&item)));
                }
                // What was taken out of it may have been carried out all the same.
                if let Some(before) = before.as_ref().filter(|before| before.state == ItemState::Unknown) {
                    let gone = before.fields.keys().filter(|name| !item.fields.contains_key(*name));
                    self.instance.borrow_mut().loose.extend(gone.map(|name| (item.sys_id.clone(), name.clone())));
                }
                let asked = |item: &Item, name: &String| item.differs.contains_key(name);
                let was_asked = |name: &&String| before.as_ref().is_some_and(|before| asked(before, name));
                let questions = item.differs.keys().filter(|name| !was_asked(name));
                done.questions.extend(questions.map(|name| (item.id.clone(), name.clone())));
                if let Some(before) = before.as_ref().filter(|_| doing.kind == Kind::Sync) {
                    let leaves = item.sent_under.is_some() && item.sent_under != before.sent_under;
                    if leaves && (before.is_in_conflict() || item.is_in_conflict()) {
                        self.broke(19, &format!("{} leaves, and the user is asked about it", self.describe(&item)));
                    }
                    done.changed.push((before.clone(), item.clone()));
                }
                let run = |item: &Item| plan_of(item).map(|Plan { run, .. }| run);
                let is_same = |one: &Item, other: &Item| match (&one.action, &other.action) {
                    (Some(one), Some(other)) => one.input == other.input,
                    (one, other) => one.is_none() && other.is_none(),
                };
                let is_other = |before: &&Item| !is_same(before, &item) && run(before) != run(&item);
                done.replaced.extend(before.as_ref().filter(is_other).cloned());
                if before.as_ref().is_some_and(|before| holds_more(&item, before)) {
                    done.reworded.insert(item.id.clone());
                }
                match before {
                    None => done.fresh.push(item.clone()),
                    Some(before) if doing.kind == Kind::Hand && item.state == ItemState::Queued => {
                        self.by_hand(doing, &item, &before);
                    }
                    Some(_) => {}
                }
                done.put.push(item);
            }
            StoreName::Records => {
                let record: Record = decode(row).unwrap();
                done.before.extend(mirror.records.insert(key_pair(&row.key), record.clone()));
                done.records.push(record);
            }
            StoreName::Aliases => {
                let alias: Alias = decode(row).unwrap();
                let before = mirror.aliases.insert(alias.temporary.clone(), alias.clone());
                let known = before.and_then(|before| before.sys_id);
                if known.is_some() && known != alias.sys_id {
                    self.broke(6, &format!("{} was {known:?} and is {:?}", alias.temporary, alias.sys_id));
                }
                if known.is_none()
                    && let Some(sys_id) = alias.sys_id
                {
                    done.reconciled.push((alias.temporary, sys_id));
                }
            }
            StoreName::Meta if row.key.text(0) == "lease" => {
                let lease: Lease = decode(row).unwrap();
                if lease.number > mirror.lease.number {
                    mirror.owner = (doing.kind == Kind::Sync).then_some(doing.by);
                    if doing.kind == Kind::Sync {
                        mirror.taken.insert(doing.by, lease.number);
                    }
                } else if lease.number < mirror.lease.number || mirror.owner != Some(doing.by) {
                    self.broke(12, &format!("context {} has renewed a lease that is not its own", doing.by));
                }
                mirror.lease = lease;
            }
            StoreName::Meta if row.key.text(0) == "pulled" => self.note_pulled(&decode(row).unwrap()),
            StoreName::Meta => {}
        }
    }

    /// What has landed is a record like any other: nothing is left that would make it again.
    fn made_once(&self, doing: &Doing, done: &Done) {
        let mirror = self.mirror.borrow();
        let landed = |id: &str| mirror.aliases.get(id).is_some_and(|alias| alias.sys_id.is_some());
        let creates = |item: &&Item| item.kind == ItemKind::Create;
        for item in &done.put {
            if item.makes().into_iter().any(|(_, id)| landed(id) || !ids::is_temporary(id)) {
                self.broke(14, &format!("{} has landed, and is to be made again", self.describe(item)));
            }
        }
        if let Some(item) = done.fresh.iter().filter(creates).find(|_| doing.kind == Kind::Sync) {
            self.broke(14, &format!("a sync has made {}", self.describe(item)));
        }
    }

    /// A record that has landed is found by the id it had before. What the user drops does not land by that: the instance's
    /// record may have been opened before, and a change of it go with what is dropped.
    fn led_to(&self, doing: &Doing, done: &Done) {
        for item in done.left.iter().filter(|item| item.kind == ItemKind::Create && !doing.may_drop) {
            let landed = done.records.iter().find(|record| {
                !record.is_temporary() && record.fields.get(UID).is_some_and(|uid| item.fields.get(UID) == Some(uid))
            });
            if landed.is_some() && !done.reconciled.iter().any(|(temporary, _)| *temporary == item.sys_id) {
                self.broke(6, &format!("{} has landed, and its old id leads nowhere", self.describe(item)));
            }
        }
    }

    /// A record and its items are written together, whoever writes them.
    fn hold_together(&self, done: &Done) {
        let mirror = self.mirror.borrow();
        for record in &done.records {
            for (place, id) in record.items.iter().enumerate() {
                match mirror.items.get(id) {
                    None => {
                        self.broke(1, &format!("{} {} lists an item that is not there", record.table, record.sys_id))
                    }
                    Some(item) if !stands(item, record, place) => {
                        self.broke(
                            1,
                            &format!("{} does not stand where {} lists it", self.describe(item), record.sys_id),
                        );
                    }
                    Some(_) => {}
                }
            }
        }
        let listed = |item: &Item| {
            item.records().into_iter().all(|(_, id)| {
                let lists = |record: &&Record| record.sys_id == id && record.items.contains(&item.id);
                done.records.iter().any(|record| lists(&record)) || mirror.records.values().any(|record| lists(&record))
            })
        };
        for item in done.fresh.iter().filter(|item| !listed(item)) {
            self.broke(1, &format!("{} was written without its record", self.describe(item)));
        }
        for item in &done.put {
            for part in goes_on(item) {
                let mut there = mirror.records.values().filter(|record| record.sys_id == part.id());
                if there.any(|record| !record.items.contains(&item.id)) {
                    let id = part.id();
                    self.broke(9, &format!("{} may change {id} yet, and nothing waits for it", self.describe(item)));
                }
            }
        }
        let lost = |item: &&Item| item.after.iter().any(|id| !mirror.items.contains_key(id));
        if let Some(item) = mirror.items.values().find(lost) {
            self.broke(9, &format!("{} is to go after what is not there", self.describe(item)));
        }
        for item in &done.left {
            if mirror.records.values().any(|record| record.items.contains(&item.id)) {
                self.broke(1, &format!("{} has left and its record still lists it", self.describe(item)));
            }
        }
    }

    fn settle_model(&self, doing: &Doing, done: &Done) {
        let mut model = self.model.borrow_mut();
        model.now = self.stamp();
        let mut deleted = made_by(&done.left);
        let mut merged = BTreeSet::new();
        for (temporary, sys_id) in &done.reconciled {
            let there = model.note_alias(temporary, sys_id);
            if there.is_some() {
                let mut order = self.order.borrow_mut();
                order.merged.insert(sys_id.clone());
                if !done.before.iter().any(|record| record.sys_id == *sys_id) {
                    order.forgotten.insert(sys_id.clone());
                }
            }
            merged.extend(there);
            deleted.remove(temporary);
        }
        drop(model);
        for (_, sys_id) in done.reconciled.iter().filter(|(_, sys_id)| self.order.borrow().merged.contains(sys_id)) {
            self.note_merged(sys_id);
        }
        done.replaced.iter().for_each(|before| self.run_replaced(before));
        for item in &done.left {
            let fate = match doing.kind {
                Kind::Sync | Kind::Hand if item.action.is_some() && (doing.kind == Kind::Sync || doing.pairs) => {
                    self.fate_of_run(item)
                }
                Kind::Sync => self.fate_in_sync(item, done),
                _ if self.goes_with_its_record(doing, item) => self.fate_in_sync(item, done),
                _ if doing.may_drop && item.action.is_some() => {
                    self.run_dropped(item);
                    Fate::Undone
                }
                _ if doing.may_drop => {
                    self.dropped(doing, item);
                    Fate::Undone
                }
                _ => {
                    self.broke(16, &format!("{} was dropped by “{}”", self.describe(item), doing.what));
                    Fate::Undone
                }
            };
            self.model.borrow_mut().leave(item, fate);
        }
        let mut model = self.model.borrow_mut();
        for temporary in &deleted {
            if let Some(number) = model.find(temporary) {
                model.records[number].dropped = true;
            }
        }
        for item in &done.put {
            let parts = item.action.iter().flat_map(|action| action.made());
            parts.filter_map(|part| part.landed.as_deref()).for_each(|id| model.land(&item.id, id));
        }
        if doing.kind == Kind::Sync {
            for item in &done.fresh {
                model.follow(item);
            }
        }
        let mirror = self.mirror.borrow();
        let id_of = |uid: &str| {
            let found = mirror.records.values().find(|record| record.fields.get(UID).is_some_and(|is| is == uid));
            found.map(|record| record.sys_id.clone())
        };
        if let Some((number, text)) = doing.replaced.take() {
            model.replace_entry(number, &text);
        }
        for intent in doing.intents.borrow().iter() {
            if let Err(why) = model.write(intent, &id_of, &done.put) {
                self.broke(1, &format!("“{}”: {why}", doing.what));
            }
        }
        doing.intents.borrow_mut().clear();
        drop((model, mirror));
        let undone = done.left.iter().filter(|_| doing.may_drop);
        self.leaves_no_trace(&undone.chain(&done.replaced).collect::<Vec<_>>());
        self.overruled(done);
        let mut model = self.model.borrow_mut();
        if doing.kind == Kind::Hand {
            for item in done.put.iter().filter(|_| doing.may_drop) {
                model.loosen(item);
            }
        }
        for record in &done.records {
            let number = model.find(&record.sys_id);
            if let Some(number) = number.filter(|number| doing.kind == Kind::Hand || merged.contains(number)) {
                model.in_order(number, &record.items);
            }
        }
    }

    /// What the app wrote last stands in the record, until it is sent.
    fn unsent_stands_over(&self, done: &Done) {
        let (model, mirror) = (self.model.borrow(), self.mirror.borrow());
        for record in done.records.iter().filter(|record| !record.deleted) {
            let Some(number) = model.find(&record.sys_id) else { continue };
            for (name, writes) in &model.records[number].writes {
                let Some(last) = writes.iter().rev().find(|write| write.fate != Fate::Undone) else { continue };
                let has = record.fields.get(name).map_or("", String::as_str);
                // What one action did to two records that are one, it did in an order of its own.
                let by_the_same = |write: &Write| {
                    let acts = |id: &&String| mirror.items.get(*id).is_some_and(|item| item.action.is_some());
                    let mut both = last.carriers.intersection(&write.carriers);
                    write.fate == Fate::Pending && model.same(has, &write.value) && both.any(|id| acts(&id))
                };
                let merged = model.records.iter().any(|other| other.merged == Some(number));
                if merged && writes.iter().any(by_the_same) {
                    continue;
                }
                if last.fate == Fate::Pending && !model.same(has, &last.value) {
                    let (table, id) = (&record.table, &record.sys_id);
                    self.broke(8, &format!("{table} {id} shows {name}={has}, and {} is unsent", last.value));
                }
            }
        }
    }

    /// The commit of a receipt leaves the temporary id nowhere.
    fn nothing_mentions(&self, reconciled: &[(String, String)]) {
        let mirror = self.mirror.borrow();
        let correlation = |table: &str, name: &str| self.schema.correlation_field(table).as_deref() == Some(name);
        for (temporary, _) in reconciled {
            let within = |table: &str, fields: &landfall::wire::Fields| {
                fields.iter().any(|(name, text)| ids::find(text).any(|id| id == temporary) && !correlation(table, name))
            };
            for record in mirror.records.values() {
                let base = record.base.as_ref().is_some_and(|base| within(&record.table, base));
                if record.sys_id == *temporary || base || within(&record.table, &record.fields) {
                    self.broke(5, &format!("{} {} still mentions {temporary}", record.table, record.sys_id));
                }
            }
            for item in mirror.items.values() {
                let acted = item.action.is_some() && texts(item).iter().any(|text| text.contains(temporary.as_str()));
                let names = item.sys_id == *temporary || item.mentions.contains(temporary);
                if names || acted || within(&item.table, &item.fields) {
                    self.broke(5, &format!("{} still mentions {temporary}", self.describe(item)));
                }
            }
        }
    }

    fn note_reconciled(&self, by: usize, reconciled: &[(String, String)]) {
        let life = self.contexts.borrow()[by].life;
        for (temporary, sys_id) in reconciled {
            self.tell(|| format!("      ({by}) {temporary} is now {sys_id}"));
            self.reconciles.borrow_mut().push((by, life, self.stamp(), temporary.clone()));
        }
    }

    pub fn hears(&self, event: &Event) {
        if let Event::Error { code, message, .. } = event
            && code == "twins"
        {
            self.reported.borrow_mut().extend(ids::find(message).map(str::to_owned));
        }
    }
}
