//! Conflicts: whether each change is there or was asked about.
//!
//! They have no number in the design; what is broken of them is told as promise 19.

use std::collections::{BTreeMap, BTreeSet};

use landfall::{
    core::{
        ids,
        schema::Conflict,
        stored::{Item, Pulled, Record, UPDATED},
    },
    wire::{
        Fields, Method, Request, Response, decode,
        table::{Answer, Row},
    },
};

use super::{
    colleagues::GoneOver,
    instance::split,
    ledger::Done,
    model::Model,
    online::{At, MARK},
    runs::brings,
    watch::body_of,
    world::World,
};

/// What the instance has told so lately is not asked for, in ms: as the engine has it.
const FRESH_MS: u64 = 30_000;

/// When a request left, who sent it, and in which of its lives.
#[derive(Clone, Copy)]
pub struct Sent {
    pub at: u64,
    pub stamp: u64,
    pub by: usize,
    pub life: u32,
}

/// When the instance read a record for the device, and when that had it.
#[derive(Clone, Copy)]
struct Read {
    served: u64,
    came: u64,
    stamp: u64,
}

/// When the device was told of a colleague's value, and whether it can know that it is one.
#[derive(Clone, Copy)]
struct Told {
    at: u64,
    news: bool,
}

/// What the device knows of what colleagues have written.
#[derive(Default)]
pub struct Conflicts {
    /// When it was first told: by row, field and value.
    told: BTreeMap<(String, String, String), Told>,
    reads: BTreeMap<String, Vec<Read>>,
    /// Tables that were brought as a whole, as of when.
    pulls: BTreeMap<String, Vec<Read>>,
    /// The instance did not let it be read.
    in_vain: BTreeMap<String, Vec<Read>>,
    /// Who knows what the instance can do, in which of its lives.
    announced: BTreeSet<(usize, u32)>,
    /// When the user last said that his own change is to stand: by the model's record and field.
    pub mine: BTreeMap<(usize, String), u64>,
}

impl Conflicts {
    fn told(&self, sys_id: &str, field: &str, value: &str) -> Option<Told> {
        self.told.get(&(sys_id.to_owned(), field.to_owned(), value.to_owned())).copied()
    }

    fn mine(&self, number: usize, field: &str) -> u64 {
        self.mine.get(&(number, field.to_owned())).copied().unwrap_or_default()
    }
}

impl World {
    /// The device has been told of what colleagues have written.
    pub fn note_told(&self, done: &Done) {
        let instance = self.instance.borrow();
        let at = self.stamp();
        for record in done.records.iter().filter(|record| !record.is_temporary()) {
            for (name, value) in record.base.as_ref().unwrap_or(&record.fields) {
                if instance.written.theirs(&record.sys_id, name, value).is_some() {
                    let key = (record.sys_id.clone(), name.clone(), value.clone());
                    let told = Told { at, news: is_news(done, record, name) };
                    self.conflicts.borrow_mut().told.entry(key).or_insert(told);
                }
            }
        }
    }

    /// The user is asked only where somebody else has changed something since.
    pub fn asked_rightly(&self, done: &Done) {
        let (mirror, model, instance) = (self.mirror.borrow(), self.model.borrow(), self.instance.borrow());
        for (id, name) in &done.questions {
            let (Some(item), Some(record)) =
                (mirror.items.get(id), mirror.records.values().find(|record| record.items.contains(id)))
            else {
                continue;
            };
            let sys_id = &record.sys_id;
            let now = record.base.as_ref().and_then(|base| base.get(name)).map_or("", String::as_str);
            let what = || format!("{} is asked about: {name} is “{now}” at the instance", self.describe(item));
            if !matches!(self.setup.conflict, Conflict::Merge | Conflict::Ask) {
                self.broke(19, &what());
            }
            if instance.loose.contains(&(sys_id.clone(), name.clone())) || acted(&model, sys_id, name, now) {
                continue;
            }
            if done.left.iter().any(|gone| gone.differs.contains_key(name)) {
                continue;
            }
            let number = model.find(sys_id);
            if number.is_some_and(|number| model.records.iter().any(|other| other.merged == Some(number))) {
                continue;
            }
            let told = self.conflicts.borrow().told(sys_id, name, now);
            let edit = number.and_then(|number| {
                let writes = model.records[number].writes.get(name).into_iter().flatten();
                let own = writes.filter(|write| write.carriers.contains(id)).map(|write| write.at).max()?;
                Some(own.max(self.conflicts.borrow().mine(number, name)))
            });
            let known = told.is_some_and(|told| edit.is_some_and(|edit| told.at < edit));
            if known || instance.written.theirs(sys_id, name, now).is_none() {
                self.broke(19, &format!("{}, and nobody else has changed that since", what()));
            }
        }
    }

    /// Notes which records an answer tells of, and which the instance would not tell.
    pub fn note_read(&self, part: &Request, response: Option<&Response>, served: u64) {
        let read = Read { served, came: self.elapsed.get(), stamp: self.stamp() };
        let mut conflicts = self.conflicts.borrow_mut();
        let body = response.filter(|response| response.is_success()).map(|response| &response.body);
        let list = body.and_then(|body| decode::<Answer<Vec<Row>>>("answer", body).ok()).map(|answer| answer.result);
        let one = body.and_then(|body| decode::<Answer<Row>>("answer", body).ok()).map(|answer| vec![answer.result]);
        if let Some(rows) = list.or(one) {
            // What is answered to a step, the device does not look at.
            let by_step = body_of(part).contains_key(MARK);
            for row in rows.into_iter().filter(|_| !by_step).map(Fields::from) {
                if let Some(id) = row.get("sys_id") {
                    conflicts.reads.entry(id.clone()).or_default().push(read);
                }
            }
            return;
        }
        let (_, parameters) = split(&part.path);
        let asked = parameters.get("sysparm_query").filter(|_| part.method == Method::Get);
        if let Some(ids) = asked.and_then(|query| query.strip_prefix("sys_idIN")) {
            for id in ids.split(',') {
                conflicts.in_vain.entry(id.to_owned()).or_default().push(read);
            }
        }
    }

    pub fn note_announced(&self, by: usize) {
        let life = self.contexts.borrow()[by].life;
        self.conflicts.borrow_mut().announced.insert((by, life));
    }

    pub fn note_pulled(&self, pulled: &Pulled) {
        let since = self.device_now().saturating_sub(pulled.fresh_at);
        let at = self.elapsed.get().saturating_sub(since);
        let read = Read { served: at, came: at, stamp: self.stamp() };
        self.conflicts.borrow_mut().pulls.entry(pulled.table.clone()).or_default().push(read);
    }

    /// What requests have just gone over, each may have.
    pub fn judge_gone_over(&self, sent: Sent) {
        let gone_over = std::mem::take(&mut self.instance.borrow_mut().written.gone_over);
        for over in gone_over.iter().filter(|_| self.setup.conflict != Conflict::Client) {
            if let Some(why) = self.may_not_go_over(over, sent) {
                let GoneOver { sys_id, field, theirs, ours, .. } = over;
                self.broke(19, &format!("{field}={ours} of {sys_id} goes over a colleague's {theirs}: {why}"));
            }
        }
    }

    fn may_not_go_over(&self, over: &GoneOver, sent: Sent) -> Option<&'static str> {
        let (conflicts, model, instance) = (self.conflicts.borrow(), self.model.borrow(), self.instance.borrow());
        let GoneOver { sys_id, field, theirs, ours, request } = over;
        let written = instance.written.theirs(sys_id, field, theirs)?;
        if let Some(told) = conflicts.told(sys_id, field, theirs).filter(|told| told.at < sent.stamp) {
            let deleted = model.find(sys_id).is_some_and(|number| model.records[number].is_deleted());
            // Of two that turned out to be one, nobody knew.
            let merged = |number| model.records.iter().any(|other| other.merged == Some(number));
            if deleted || !told.news || model.find(sys_id).is_some_and(merged) {
                return None;
            }
            let said = model.find(sys_id).map(|number| {
                let writes = model.records[number].writes.get(field).into_iter().flatten();
                let is_this = |value: &str| {
                    model.same(value, ours) || model.truly(value, &instance.rows_of).iter().any(|meant| meant == ours)
                };
                let before = writes.filter(|write| write.at < sent.stamp && is_this(&write.value));
                let edit = before.map(|write| write.at).max().unwrap_or_default();
                edit.max(Some(conflicts.mine(number, field)).filter(|at| *at < sent.stamp).unwrap_or_default())
            });
            return (said.unwrap_or_default() < told.at).then_some("the device knew it, and the user was not asked");
        }
        if written.at >= sent.at {
            return None;
        }
        let lately = |read: &&Read| read.stamp < sent.stamp && sent.at.saturating_sub(read.came) < FRESH_MS;
        let table = instance.row(sys_id).map(|row| row["sys_class_name"].clone()).unwrap_or_default();
        let reads = conflicts.reads.get(sys_id).into_iter().chain(conflicts.pulls.get(&table)).flatten();
        let fresh = reads.filter(lately).any(|read| read.served <= written.at);
        let in_vain = conflicts.in_vain.get(sys_id).into_iter().flatten().filter(lately).count() > 0;
        let guarded = request.headers.iter().any(|(name, _)| name == "If-Match");
        let knows = self.setup.if_match && conflicts.announced.contains(&(sent.by, sent.life));
        match (in_vain, knows || guarded) {
            (true, _) => None,
            (false, true) => Some("the instance would have said so, had it been asked"),
            (false, false) => (!fresh).then_some("nobody had looked"),
        }
    }

    /// Whether a colleague's value may stand at the end, where the user wrote another last.
    pub fn stands_over(&self, model: &Model, number: usize, id: &str, name: &str, has: &str) -> bool {
        let (conflicts, instance) = (self.conflicts.borrow(), self.instance.borrow());
        let Some(theirs) = instance.written.theirs(id, name, has) else { return false };
        let Some(last) = model.records[number].last(name) else { return true };
        let told = conflicts.told(id, name, has);
        if told.is_some_and(|told| told.at < last.said) {
            return false;
        }
        let mut values = model.truly(&last.value, &instance.rows_of);
        values.push(model.plain(&last.value));
        values.iter().filter_map(|value| instance.written.ours(id, name, value)).any(|ours| ours.turn < theirs.turn)
    }

    /// Whether the device has been told that.
    pub fn was_told(&self, id: &str, name: &str, value: &str) -> bool {
        self.conflicts.borrow().told(id, name, value).is_some()
    }
}

/// What a record was made with is known before it is read, and all of it then, unless that was as one of its parent's: anything
/// else may be the instance's own.
fn is_news(done: &Done, record: &Record, name: &str) -> bool {
    let fields = record.base.as_ref().unwrap_or(&record.fields);
    if let Some(was) = done.before.iter().find(|was| was.sys_id == record.sys_id && was.table == record.table) {
        let known = was.base.as_ref().unwrap_or(&was.fields);
        return known.contains_key(name) || (known.contains_key(UPDATED) && !was.in_part);
    }
    let temporary = done.reconciled.iter().find(|(_, sys_id)| *sys_id == record.sys_id).map(|(temporary, _)| temporary);
    let made = |item: &Item| {
        // What was edited since it left may not be what it was made with.
        let brought = brings(item, |id| Some(id) == temporary.map(String::as_str));
        brought.and_then(|made| made.get(name)).is_some_and(|made| !made.contains(ids::PREFIX))
            && !item.amended.contains(name)
    };
    fields.get("sys_created_on") != fields.get(UPDATED) && done.left.iter().chain(&done.put).any(made)
}

/// An action has made it so, or may have moved on what the device takes the instance to have.
pub fn acted(model: &Model, sys_id: &str, name: &str, value: &str) -> bool {
    if name == MARK {
        return true;
    }
    model.runs.iter().any(|run| {
        let mut made = run.plan.makes().map(|made| &made.fields);
        let mut deeds = run.plan.deeds.iter().filter_map(|deed| Some((&deed.at, deed.fields()?)));
        made.any(|fields| fields.get(name).is_some_and(|said| model.plain(said) == value))
            || deeds.any(|(at, fields)| match at {
                At::There(_, id) => model.plain(id) == sys_id && fields.contains_key(name),
                At::Made(_) => fields.get(name).is_some_and(|said| model.plain(said) == value),
            })
    })
}
