//! What goes along with the cached and the pinned records, told from the instance's rows: what is to be on the device at the
//! end, and what may be.

use std::collections::BTreeSet;

use landfall::{
    core::{
        along::{Include, Pointing, targets},
        ids,
        stored::{Pin, Record},
    },
    wire::Fields,
};
use serde_json::json;

use super::{cached::CACHED, instance::Instance, world::World};

/// What is told of records that are here for something else than their table's query.
#[derive(Default)]
pub struct Along {
    /// What the app has pinned, by the ids as they are now.
    pub pins: Vec<Pin>,
    /// Notes of what the app has asked the instance for, by table and id.
    pub notes: BTreeSet<(String, String)>,
    /// Records that the app has asked for, or an action has named: they may be here for themselves.
    pub own: BTreeSet<String>,
    /// Those that were here only because something led to them.
    pub came_along: BTreeSet<String>,
    /// Asked for at the end, with nothing in the way.
    pub opened_last: BTreeSet<String>,
}

/// What may be said to go along with records of a table.
pub fn candidates(table: &str) -> Vec<Include> {
    let all = match table {
        "incident" => json!([
            "parent", "watch", "parent.parent", "watch.parent",
            { "from": "log", "field": "about" },
            { "from": "log", "field": "about", "limit": 1 },
            { "from": "incident_task", "field": "incident", "limit": 2 },
            { "from": "incident_task", "field": "parent" },
            { "from": "incident_task", "field": "watch", "limit": 1 },
        ]),
        "incident_task" => json!([
            "incident", "parent.parent", "incident.watch",
            { "from": "incident_task", "field": "parent", "limit": 1 },
            { "from": "incident", "field": "parent" },
        ]),
        "log" => json!(["about", "before", "about.parent", { "from": "log", "field": "before", "limit": 2 }]),
        _ => json!(["parent", "watch", { "from": "incident_task", "field": "parent" }]),
    };
    serde_json::from_value(all).unwrap()
}

/// Where a walk may come to.
struct Reach<'a> {
    world: &'a World,
    instance: &'a Instance,
    /// What is here may lead on as it is here, too: it is not refreshed.
    also_as_here: bool,
    come_to: BTreeSet<String>,
}

impl Reach<'_> {
    fn set_out(&mut self, sys_id: &str, include: &[Include]) {
        for one in include {
            match one {
                Include::Path(path) => self.walk(sys_id, path),
                Include::From(pointing) => self.pointed_to_by(sys_id, pointing),
            }
        }
    }

    /// A record as the instance has it, and as it is here, where that may lead on.
    fn rows(&self, sys_id: &str) -> Vec<(String, Fields)> {
        let there = self.instance.row(sys_id).map(|row| (row["sys_class_name"].clone(), row.clone()));
        let mirror = self.world.mirror.borrow();
        let here = mirror.records.values().find(|record| self.also_as_here && record.sys_id == sys_id);
        there.into_iter().chain(here.map(|record| (record.table.clone(), record.fields.clone()))).collect()
    }

    fn walk(&mut self, sys_id: &str, path: &str) {
        let mut at = BTreeSet::from([sys_id.to_owned()]);
        for step in path.split('.') {
            let mut next = BTreeSet::new();
            for (table, fields) in at.iter().flat_map(|id| self.rows(id)) {
                for (table, id) in targets(&self.world.schema, &table, &fields, step) {
                    let is_one = |row: &Fields| self.world.schema.is_a(&row["sys_class_name"], &table);
                    // One that has gone at the instance leads on as long as it is here for itself.
                    if self.instance.row(&id).map_or(self.come_to.contains(&id), is_one) {
                        next.insert(id);
                    }
                }
            }
            self.come_to.extend(next.iter().cloned());
            at = next;
        }
    }

    fn pointed_to_by(&mut self, sys_id: &str, pointing: &Pointing) {
        let points = |row: &&Fields| {
            let to = targets(&self.world.schema, &pointing.from, row, &pointing.field);
            to.iter().any(|(_, id)| id == sys_id)
        };
        let mut found: Vec<&Fields> = self.instance.rows(&pointing.from).filter(points).collect();
        found.sort_by(|one, other| other["sys_updated_on"].cmp(&one["sys_updated_on"]));
        let most = pointing.limit.map_or(usize::MAX, |limit| limit as usize);
        self.come_to.extend(found.into_iter().take(most).map(|row| row["sys_id"].clone()));
    }
}

impl World {
    /// Whether the cached table's query finds it.
    pub fn is_found(&self, row: &Fields) -> bool {
        row["sys_class_name"] == CACHED && !(self.setup.query && row.get("u_other").is_some_and(|it| !it.is_empty()))
    }

    /// A record that was here may be so no more, though the instance has it: it only came along, or its query does not find
    /// it any more.
    pub fn may_be_away(&self, sys_id: &str) -> bool {
        let instance = self.instance.borrow();
        let left = |row: &Fields| row["sys_class_name"] == CACHED && !self.is_found(row);
        self.along.borrow().came_along.contains(sys_id) || instance.row(sys_id).is_some_and(left)
    }

    fn found(&self) -> BTreeSet<String> {
        let instance = self.instance.borrow();
        instance.rows(CACHED).filter(|row| self.is_found(row)).map(|row| row["sys_id"].clone()).collect()
    }

    fn included<'a>(&'a self, pin: &'a Pin) -> &'a [Include] {
        let cached = if pin.table == CACHED { self.setup.include.as_slice() } else { &[] };
        pin.include.as_deref().unwrap_or(cached)
    }

    /// All that is to be on the device.
    fn must_be_here(&self) -> BTreeSet<String> {
        let (instance, model, along) = (self.instance.borrow(), self.model.borrow(), self.along.borrow());
        let mut must = self.found();
        let mut reach =
            Reach { world: self, instance: &instance, also_as_here: false, come_to: along.opened_last.clone() };
        must.iter().for_each(|id| reach.set_out(id, &self.setup.include));
        for pin in &along.pins {
            let id = model.plain(&pin.sys_id);
            reach.set_out(&id, self.included(pin));
            reach.come_to.extend(instance.row(&id).map(|_| id.clone()));
        }
        must.append(&mut reach.come_to);
        must
    }

    /// What else may be: what is here for itself, and what that leads to, as it is here.
    fn may_be_here(&self) -> BTreeSet<String> {
        let (instance, model, along) = (self.instance.borrow(), self.model.borrow(), self.along.borrow());
        let mut may: BTreeSet<String> = along.own.iter().map(|id| model.plain(id)).collect();
        may.extend(model.records.iter().filter(|record| record.here).map(|record| model.plain(&record.id)));
        // What the query finds leads on through these, too.
        may.extend(self.found());
        let mut reach = Reach { world: self, instance: &instance, also_as_here: true, come_to: may.clone() };
        may.iter().for_each(|id| {
            if self.mirror.borrow().records.values().any(|record| record.sys_id == *id && record.table == CACHED) {
                reach.set_out(id, &self.setup.include);
            }
        });
        // One that is pinned may have gone at the instance, and be here still: it was opened, or changed.
        for pin in &along.pins {
            reach.set_out(&model.plain(&pin.sys_id), self.included(pin));
        }
        may.append(&mut reach.come_to);
        may
    }

    /// The last refresh was a whole one, its walk came to its end, and nothing has changed since.
    pub fn check_cache(&self) {
        let must = self.must_be_here();
        let (mirror, instance) = (self.mirror.borrow(), self.instance.borrow());
        for sys_id in &must {
            let row = instance.row(sys_id);
            let Some(row) = row.filter(|_| self.model.borrow().find(sys_id).is_none_or(|of| !self.is_deleted_here(of)))
            else {
                continue;
            };
            let Some(record) = mirror.records.values().find(|record| record.sys_id == *sys_id) else {
                self.broke(13, &format!("{sys_id} is at the instance, and no refresh has brought it"));
                continue;
            };
            let differs = |(name, value): &(&String, &String)| record.fields.get(*name) != Some(*value);
            if record.items.is_empty()
                && let Some((name, value)) = row.iter().find(differs)
            {
                let here = record.fields.get(name);
                self.broke(13, &format!("{name} of {sys_id} is “{value}” at the instance, and {here:?} here"));
            }
        }
        let may = self.may_be_here();
        let free = |record: &&Record| record.items.is_empty() && !record.deleted && !record.is_temporary();
        for record in mirror.records.values().filter(free) {
            let there = instance.row(&record.sys_id).is_some();
            let stays = must.contains(&record.sys_id) || may.contains(&record.sys_id);
            // One that was made here, or opened, and found by the query since, goes with what the query finds.
            let found_once = record.pulled_under.is_some() && record.table == CACHED;
            if !stays || (found_once && !must.contains(&record.sys_id)) {
                let why = if there { "nothing leads to it any more" } else { "it has gone at the instance" };
                self.broke(13, &format!("{} {} is still here, and {why}", record.table, record.sys_id));
            }
        }
        if let Some((table, id)) = self.along.borrow().notes.first() {
            self.broke(13, &format!("{table} {id} was asked for, and nobody is through with that"));
        }
    }

    fn is_deleted_here(&self, number: usize) -> bool {
        let model = self.model.borrow();
        model.records[model.now(number)].is_deleted()
    }

    /// Where a row of a commit is one that leads, whether it leads to this by its first step.
    pub fn leads_to(&self, record: &Record, sys_id: &str) -> bool {
        if record.table != CACHED || record.is_along() || record.deleted || !record.items.is_empty() {
            return false;
        }
        self.setup.include.iter().any(|include| match include {
            Include::Path(path) => {
                let step = path.split('.').next().unwrap_or_default();
                let to = targets(&self.schema, &record.table, &record.fields, step);
                to.iter().any(|(_, id)| id == sys_id && !ids::is_temporary(id))
            }
            Include::From(_) => false,
        })
    }
}
