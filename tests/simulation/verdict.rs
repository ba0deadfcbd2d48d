//! What must be true at the end, and whenever anyone looks.

use std::rc::Rc;

use landfall::{
    core::{Event, ids, present::ItemView, twins::LOOKS},
    engine::{Audit, Status},
};

use super::{
    doing::{Doing, Kind},
    model::{Fate, Model, Rec},
    online::{At, Deed},
    story::{BLIND, TABLES},
    world::World,
};

/// By then what was in doubt is looked for again.
const A_LOOK_MS: u64 = 6_100_000;

impl World {
    /// Read in one moment: the outbox, the counts, and the audit.
    pub fn check_look(&self, outbox: &[ItemView], status: &Status, audit: &Audit) {
        let mirror = self.mirror.borrow();
        let count = |is: &dyn Fn(&ItemView) -> bool| outbox.iter().filter(|view| is(view)).count();
        if outbox.len() != mirror.items.len() || status.pending as usize != mirror.items.len() {
            self.broke(16, &format!("{} items are unsent, and status says {}", mirror.items.len(), status.pending));
        }
        if status.refused as usize != count(&|view| view.state == "refused") {
            self.broke(16, &format!("status says that {} are refused", status.refused));
        }
        if status.conflicts as usize != count(&|view| view.state == "conflict") {
            self.broke(16, &format!("status says that the user is asked about {}", status.conflicts));
        }
        let temporary = mirror.records.values().filter(|record| record.is_temporary()).count();
        if status.temporary as usize != temporary {
            self.broke(16, &format!("{temporary} records are temporary, and status says {}", status.temporary));
        }
        for view in outbox {
            let sentence = view.explain.trim();
            if sentence.len() < 12 || !sentence.ends_with('.') || sentence.contains("..") {
                self.broke(9, &format!("an item is not explained: “{}”", view.explain));
            }
            if view.state == "unpaired" && !sentence.contains("pair") {
                self.broke(9, &format!("it is not said what to do: “{}”", view.explain));
            }
            if view.state == "waiting" && view.depends_on.is_empty() && !sentence.contains("deleted before it was sent")
            {
                self.broke(9, &format!("an item waits for nothing: “{}”", view.explain));
            }
        }
        for view in outbox.iter().filter(|view| view.state == "waiting") {
            let landed = |id: &str| mirror.aliases.get(id).is_some_and(|alias| alias.sys_id.is_some());
            let gone = view.depends_on.iter().any(|id| !mirror.items.contains_key(id));
            if gone || ids::find(&view.explain).any(landed) {
                self.broke(9, &format!("an item is said to wait for what is not unsent: “{}”", view.explain));
            }
        }
        if let Some(orphan) = audit.orphans.first() {
            self.broke(5, &format!("the audit finds {orphan:?}"));
        }
        let instance = self.instance.borrow();
        for (table, name, value) in &instance.leaked {
            let reference = self.schema.reference(table, name).is_some();
            let live = |id: &str| mirror.aliases.get(id).is_some_and(|alias| !alias.dropped);
            if reference || ids::find(value).any(live) {
                self.broke(7, &format!("{name}={value} has reached the instance in {table}"));
            }
        }
    }

    pub fn check_end(self: &Rc<Self>) {
        if self.is_broken() {
            return;
        }
        let sent = self.network.borrow().changes;
        for _ in 0..if self.setup.keyed { 0 } else { LOOKS } {
            self.pass(A_LOOK_MS);
            self.finish(self.sync(0, false));
        }
        for by in 0..self.setup.contexts {
            self.finish(self.sync(by, by == 0));
        }
        if self.network.borrow().changes != sent {
            self.broke(14, "everything had landed, and something was sent again");
        }
        self.open_at_the_end();
        for by in 0..self.setup.contexts {
            self.look(by);
        }
        self.rest();
        self.check_told();
        self.check_runs();
        self.check_cache();
        let model = self.model.borrow();
        for record in &model.records {
            if record.merged.is_some() {
                continue;
            }
            if record.here { self.check_made(&model, record) } else { self.check_values(&model, record, &record.id) }
        }
        drop(model);
        self.check_old_ids();
    }

    fn check_made(&self, model: &Model, record: &Rec) {
        let instance = self.instance.borrow();
        let uid = record.uid.as_deref().unwrap_or_default();
        let name = format!("{} {} ({uid})", record.table, record.id);
        let rows = instance.rows_of.get(uid).cloned().unwrap_or_default();
        let alive = rows.iter().filter(|row| !instance.gone.contains(*row)).count();
        let late = instance.late_made.contains(uid);
        let made = rows.iter().filter(|row| !instance.taken.contains(*row)).count();
        if made > 1 && !record.may_twin {
            return self.broke(2, &format!("{name} was made {} times", rows.len()));
        }
        if record.dropped {
            if alive > 0 && !record.doubt && !late {
                self.broke(16, &format!("{name} was dropped here and is at the instance"));
            }
            return;
        }
        if rows.is_empty() {
            return self.broke(2, &format!("{name} is not at the instance"));
        }
        let Some(used) = model.aliases.get(&record.id) else {
            return self.broke(5, &format!("{name} has landed, and has no permanent id here"));
        };
        if !rows.contains(used) {
            return self.broke(5, &format!("{name} is known here as {used}, which is another record"));
        }
        if record.is_deleted() {
            if !instance.gone.contains(used) {
                self.broke(16, &format!("{name} was deleted here and is at the instance"));
            }
            // What was deleted as another's, and is then said to be this one, is told of as not to be found.
            let number = model.find(&record.id);
            let merged = model.records.iter().any(|other| other.merged.is_some() && other.merged == number);
            if !merged && self.mirror.borrow().records.values().any(|here| here.sys_id == *used) {
                self.broke(13, &format!("{name} was deleted here and is on the device"));
            }
            return;
        }
        let seen = self.watch.borrow().seen_twins.contains(&record.id);
        let found = |row: &&String| instance.row(row).is_some_and(|row| self.is_found(row));
        let pulled = rows.iter().filter(found).count() > 1;
        // What an action brings about is the author's: two rows with one temporary id are none of the engine's.
        let mut plans = model.runs.iter().map(|run| &run.plan);
        let acted = plans.find(|plan| plan.made.iter().any(|made| made.uid() == uid));
        // What came while it was looked for again has been found; a repetition of one request may come at any time.
        // Where the temporary id is kept nowhere, or nothing is found by it, nobody can look.
        let found_by_nothing = (self.setup.blind || self.setup.uncorrelated) && record.table == BLIND;
        let searched = !self.setup.repeats && !found_by_nothing && alive > 1;
        let noted = self.mirror.borrow().aliases.get(&record.id).is_some_and(|alias| !alias.twins.is_empty());
        let told = noted || self.reported.borrow().contains(&record.id);
        if rows.len() > 1 && acted.is_none() && (seen || pulled || searched) && !told {
            self.broke(2, &format!("{name} has twins, and nobody was told"));
        }
        let twins = rows.len() > 1;
        drop(instance);
        // Of these the step has changed one, and the device may have taken the other.
        if let Some(plan) = acted.filter(|_| twins) {
            self.loosen_own(plan, record.uid.as_ref(), used);
        }
        self.check_values(model, record, used);
    }

    fn check_values(&self, model: &Model, record: &Rec, id: &str) {
        let instance = self.instance.borrow();
        let Some(row) = instance.row(id) else {
            // Another user may have removed it.
            if !instance.gone.contains(id) {
                self.broke(2, &format!("{} {id} is gone from the instance", record.table));
            }
            return;
        };
        if record.is_deleted() {
            return self.broke(16, &format!("{} {id} was deleted here and is at the instance", record.table));
        }
        let mirror = self.mirror.borrow();
        let local = mirror.records.values().find(|local| local.sys_id == id);
        for name in record.writes.keys() {
            let Some(last) = record.last(name) else { continue };
            if instance.loose.contains(&(id.to_owned(), name.clone())) {
                continue;
            }
            let (wanted, has) = (model.plain(&last.value), row.get(name).map_or("", String::as_str));
            // Where the instance has put in the id itself, somebody may have removed that row before the device knew of it.
            let made = model.find(&last.value).and_then(|number| model.records[number].uid.as_ref());
            let removed = instance.taken.contains(has)
                && made.and_then(|uid| instance.rows_of.get(uid)).is_some_and(|rows| rows.iter().any(|row| row == has));
            // An action whose input says the same as a change before it did that itself, also where the user drops that change.
            let undone =
                record.writes[name].iter().any(|write| write.fate == Fate::Undone && model.plain(&write.value) == has);
            let acted = undone
                && model.runs.iter().flat_map(|run| &run.plan.deeds).any(|deed| {
                    let At::There(_, sys_id) = &deed.at else { return false };
                    let value = deed.fields().and_then(|fields| fields.get(name)).map(|value| model.plain(value));
                    model.plain(sys_id) == id && value.as_deref() == Some(has)
                });
            // What an action did to two records that have turned out to be one, its step did one after the other.
            let outdone = || {
                model.runs.iter().filter(|run| run.fate == Fate::Sent).any(|run| {
                    let here = |at: &At| matches!(at, At::There(_, sys_id) if model.plain(sys_id) == id);
                    let deeds = run.plan.deeds.iter().filter(|deed| here(&deed.at)).filter_map(Deed::fields);
                    let values: Vec<String> =
                        deeds.filter_map(|fields| fields.get(name)).map(|value| model.plain(value)).collect();
                    values.last().is_some_and(|last| last == has) && values.contains(&wanted)
                })
            };
            let number = model.find(&record.id).map(|number| model.now(number));
            let stands_over = || number.is_some_and(|number| self.stands_over(model, number, id, name, has));
            if wanted != has
                && !stands_over()
                && !acted
                && !outdone()
                && !model.truly(&last.value, &instance.rows_of).iter().any(|meant| meant == has)
                && !removed
            {
                self.broke(8, &format!("{} {id} has {name}={has} at the instance; {wanted} was saved", record.table));
            }
            let shows = local.map(|local| local.fields.get(name).map_or("", String::as_str));
            let untold = instance.written.theirs(id, name, has).is_some() && !self.was_told(id, name, has);
            let away = local.is_none() && self.may_be_away(id);
            if shows != Some(has) && !untold && !away {
                self.broke(8, &format!("{} {id} shows {name}={shows:?}; the instance has {has}", record.table));
            }
        }
        for entry in record.entries.iter() {
            let text = model.plain(&entry.value);
            let count = instance.entries.iter().filter(|there| there.row == id && there.text == text).count();
            let wanted = usize::from(entry.fate != Fate::Undone);
            let late = entry.fate == Fate::Undone && count == 1 && self.may_be_late();
            if count != wanted && !late && !record.doubt && !record.may_twin {
                self.broke(3, &format!("the entry {text} of {} {id} is there {count} times", record.table));
            }
        }
    }

    /// Requests under a key may arrive when nobody waits for them any more.
    pub fn may_be_late(&self) -> bool {
        self.setup.keyed || self.setup.repeats
    }

    /// Every context that was there has heard of every receipt.
    fn check_told(&self) {
        let contexts = self.contexts.borrow();
        for (_, _, stamp, temporary) in self.reconciles.borrow().iter() {
            for (by, context) in contexts.iter().enumerate() {
                let heard = context.heard.borrow();
                let told = |event: &Event| matches!(event, Event::Reconciled { temporary: of, .. } if of == temporary);
                if context.page.is_some() && context.since < *stamp && !heard.iter().any(told) {
                    self.broke(12, &format!("context {by} was not told that {temporary} has landed"));
                }
            }
        }
    }

    /// The id a record had before it landed opens it.
    fn check_old_ids(self: &Rc<Self>) {
        let task = self.start(Doing::new(0, Kind::Read, "old ids".to_owned()), async |world, page, _| {
            let known: Vec<(String, String, Option<String>)> = {
                let model = world.model.borrow();
                let here = model.records.iter().filter(|record| record.here && !record.dropped && !record.is_deleted());
                here.map(|record| (record.table.clone(), record.id.clone(), model.aliases.get(&record.id).cloned()))
                    .collect()
            };
            for (table, old, sys_id) in known {
                let found = page.get(&table, &old, false).await;
                let id = found.ok().flatten().and_then(|row| row["sys_id"].as_str().map(str::to_owned));
                let gone = sys_id.as_ref().is_some_and(|id| world.instance.borrow().gone.contains(id));
                let away = id.is_none() && sys_id.as_ref().is_some_and(|id| world.may_be_away(id));
                if id != sys_id && !gone && !away {
                    world.broke(6, &format!("{table} {old} opens {id:?} instead of {sys_id:?}"));
                }
            }
            for table in TABLES {
                let listed = page.count(table, "").await.unwrap_or_default() as usize;
                let there = world.mirror.borrow().records.values().filter(|record| record.table == table).count();
                if listed != there {
                    world.broke(13, &format!("{table} lists {listed} of {there} records"));
                }
            }
        });
        self.finish(task);
    }
}
