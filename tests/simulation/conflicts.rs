//! Conflicts: what the user says of them, and whether each change is there or was asked about.
//!
//! They have no number in the design; what is broken of them is told as promise 19.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use landfall::{
    core::{
        conflict::Choice,
        schema::Conflict,
        stored::{Item, ItemKind, Pulled},
    },
    wire::{
        Fields, Method, Request, Response, decode,
        table::{Answer, Row},
    },
};

use super::{
    colleagues::{GoneOver, may_be_changed},
    doing::{Doing, Intent, Kind},
    draw::Draw,
    instance::split,
    ledger::Done,
    model::{Fate, Model},
    online::{At, MARK},
    story::{UID, references},
    watch::body_of,
    world::World,
};

/// What the instance has told so lately is not asked for, in ms: as the engine has it.
const FRESH_MS: u64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    Mine,
    Theirs,
    /// Something else: of all that is in conflict, or of one field of it.
    Other {
        all: bool,
    },
}

impl Says {
    pub fn draw(draw: &mut Draw) -> Self {
        let all = draw.percent(60);
        draw.of(&[Self::Mine, Self::Theirs, Self::Other { all }])
    }
}

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

/// What the device knows of what colleagues have written.
#[derive(Default)]
pub struct Conflicts {
    /// When it was first told: by row, field and value.
    told: BTreeMap<(String, String, String), u64>,
    reads: BTreeMap<String, Vec<Read>>,
    /// Tables that were brought as a whole, as of when.
    pulls: BTreeMap<String, Vec<Read>>,
    /// The instance did not let it be read.
    in_vain: BTreeMap<String, Vec<Read>>,
    /// Who knows what the instance can do, in which of its lives.
    announced: BTreeSet<(usize, u32)>,
    /// When the user last said that his own change is to stand: by the model's record and field.
    mine: BTreeMap<(usize, String), u64>,
}

impl Conflicts {
    fn told(&self, sys_id: &str, field: &str, value: &str) -> Option<u64> {
        self.told.get(&(sys_id.to_owned(), field.to_owned(), value.to_owned())).copied()
    }

    fn mine(&self, number: usize, field: &str) -> u64 {
        self.mine.get(&(number, field.to_owned())).copied().unwrap_or_default()
    }
}

impl World {
    /// A colleague changes a record, now and then the same that is changed here.
    pub fn colleague_changes(&self, row: usize, which: usize) {
        let here: Vec<(String, Vec<String>)> = {
            let (mirror, instance) = (self.mirror.borrow(), self.instance.borrow());
            let there = |item: &Item| match item.fields.get(UID).filter(|_| item.kind == ItemKind::Create) {
                Some(uid) => instance.rows_of.get(uid)?.last().cloned(),
                None => Some(item.sys_id.clone()),
            };
            let names = |item: &Item| item.fields.keys().filter(|name| may_be_changed(name)).cloned().collect();
            let items = mirror.items.values().filter(|item| item.action.is_none());
            items.filter_map(|item| Some((there(item)?, names(item)))).collect()
        };
        let chosen = here.get(row % here.len().max(1)).filter(|_| row % 3 > 0).cloned();
        let (id, names) = match chosen {
            Some(chosen) => chosen,
            None => (self.some_row(row).unwrap_or_default(), Vec::new()),
        };
        let mut instance = self.instance.borrow_mut();
        instance.now = self.elapsed.get();
        let Some(table) = instance.row(&id).map(|row| row["sys_class_name"].clone()) else { return };
        let all = super::colleagues::fields(&table);
        match names.get(which % names.len().max(1)).filter(|_| which % 4 > 0) {
            Some(name) => instance.change(&id, name),
            None => instance.change(&id, all[which % all.len()]),
        }
    }

    /// The user settles one of the records that he is asked about.
    pub fn resolve_some(self: &Rc<Self>, by: usize, record: usize, says: Says) -> Option<u64> {
        let asked: Vec<(String, String)> = {
            let mirror = self.mirror.borrow();
            let asked = mirror.items.values().filter(|item| item.is_in_conflict());
            asked.map(|item| (item.table.clone(), item.sys_id.clone())).collect()
        };
        let (table, id) = asked.get(record % asked.len().max(1))?;
        self.resolve(by, table, id, says)
    }

    pub fn resolve(self: &Rc<Self>, by: usize, table: &str, id: &str, says: Says) -> Option<u64> {
        let (table, id) = (table.to_owned(), id.to_owned());
        let mut names: BTreeSet<String> = {
            let mirror = self.mirror.borrow();
            let its = mirror.items.values().filter(|item| item.sys_id == id && item.table == table);
            its.flat_map(|item| item.differs.keys().cloned()).collect()
        };
        if let Says::Other { all: false } = says {
            names.pop_last().filter(|_| names.is_empty()).map(|last| names.insert(last));
        }
        let value = |name: &str| match references(&table).iter().any(|(field, _)| *field == name) {
            true => String::new(),
            false => format!("v{}", self.number()),
        };
        let choice = match says {
            Says::Mine => Choice::Mine,
            Says::Theirs => Choice::Theirs,
            Says::Other { .. } => Choice::Fields(names.iter().map(|name| (name.clone(), value(name))).collect()),
        };
        let number = self.model.borrow_mut().adopt(&table, &id);
        let doing = Doing {
            may_drop: true,
            word: Some((number, choice.clone())),
            ..Doing::new(by, Kind::Hand, format!("resolve {table} {id}: {choice:?}"))
        };
        self.start(doing, async move |world, page, doing| {
            if let Choice::Fields(fields) = &choice {
                doing.intents.replace(vec![Intent::Change { record: number, fields: fields.clone() }]);
            }
            let done = page.resolve_conflict(&table, &id, &choice).await;
            world.answered(&doing, done.map(drop));
        })
    }

    /// What was unsent of the record of which the user says something.
    pub fn asked_about(&self, doing: &Doing) -> Vec<Item> {
        let Some((number, _)) = &doing.word else { return Vec::new() };
        let (model, mirror) = (self.model.borrow(), self.mirror.borrow());
        let number = Some(model.now(*number));
        mirror.items.values().filter(|item| item.action.is_none() && model.of_item(item) == number).cloned().collect()
    }

    /// Whether the user's word gives up this one.
    pub fn gives_up(&self, doing: &Doing, done: &Done, item: &Item) -> bool {
        let Some((_, choice)) = &doing.word else { return false };
        let given_up = self.given_up_by(choice, &done.asked_about);
        is_change(item)
            && done.asked_about.iter().any(|asked| asked.id == item.id)
            && item.fields.keys().all(|name| given_up.contains(name))
    }

    fn given_up_by(&self, choice: &Choice, before: &[Item]) -> BTreeSet<String> {
        let open: BTreeSet<String> = before.iter().flat_map(|item| item.differs.keys().cloned()).collect();
        match choice {
            Choice::Mine => BTreeSet::new(),
            Choice::Fields(values) => values.keys().cloned().collect(),
            Choice::Theirs if self.setup.conflict == Conflict::Ask && !open.is_empty() => {
                before.iter().filter(|item| is_change(item)).flat_map(|item| item.fields.keys().cloned()).collect()
            }
            Choice::Theirs => open,
        }
    }

    /// What the user has said is so from now on.
    pub fn keeps_word(&self, doing: &Doing, done: &Done) {
        let Some((number, choice)) = &doing.word else { return };
        let (model, mirror) = (self.model.borrow(), self.mirror.borrow());
        let (number, before, what) = (model.now(*number), &done.asked_about, &doing.what);
        let given_up = self.given_up_by(choice, before);
        if matches!(choice, Choice::Mine) {
            for was in before.iter().filter(|was| was.is_in_conflict()) {
                let now = mirror.items.get(&was.id);
                if now.is_none_or(|now| now.fields != was.fields || now.is_in_conflict()) {
                    self.broke(19, &format!("“{what}”, and {} is {now:?}", self.describe(was)));
                }
                let stamp = self.stamp();
                let names = was.differs.keys().map(|name| (number, name.clone()));
                self.conflicts.borrow_mut().mine.extend(names.map(|key| (key, stamp)));
            }
        }
        for was in before.iter().filter(|was| is_change(was)) {
            let Some(now) = mirror.items.get(&was.id).filter(|_| *choice != Choice::Mine) else { continue };
            let kept = now.fields.iter().find(|(name, value)| {
                given_up.contains(*name) && !matches!(choice, Choice::Fields(said) if said.get(*name) == Some(*value))
            });
            if let Some((name, value)) = kept {
                self.broke(19, &format!("“{what}”, and {} still sends {name}={value}", self.describe(was)));
            }
        }
    }

    /// What mode “server” has given up is told; anything else goes on.
    pub fn overruled(&self, done: &Done) {
        for (before, item) in done.changed.iter().filter(|(before, _)| is_change(before)) {
            let lost: Vec<&String> = before.fields.keys().filter(|name| !item.fields.contains_key(*name)).collect();
            if lost.is_empty() {
                continue;
            }
            if let Some(name) = lost.iter().find(|name| !self.is_overruled(item, name)) {
                self.broke(19, &format!("{} does not send {name} any more, and nobody is told", self.describe(item)));
            }
            self.model.borrow_mut().loosen(item);
        }
    }

    /// The instance's value stands, and the record says so.
    pub fn is_overruled(&self, item: &Item, name: &str) -> bool {
        let (mirror, instance) = (self.mirror.borrow(), self.instance.borrow());
        let record = mirror.records.values().find(|record| record.sys_id == item.sys_id && record.table == item.table);
        let there = record.and_then(|record| record.base.as_ref().unwrap_or(&record.fields).get(name));
        self.setup.conflict == Conflict::Server
            && record.is_some_and(|record| record.not_kept.iter().any(|kept| kept == name))
            && there.is_some_and(|there| instance.written.theirs(&item.sys_id, name, there).is_some())
    }

    /// The device has been told of what colleagues have written.
    pub fn note_told(&self, done: &Done) {
        let instance = self.instance.borrow();
        let stamp = self.stamp();
        for record in done.records.iter().filter(|record| !record.is_temporary()) {
            for (name, value) in record.base.as_ref().unwrap_or(&record.fields) {
                if instance.written.theirs(&record.sys_id, name, value).is_some() {
                    let at = (record.sys_id.clone(), name.clone(), value.clone());
                    self.conflicts.borrow_mut().told.entry(at).or_insert(stamp);
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
            let number = model.find(sys_id);
            let told = self.conflicts.borrow().told(sys_id, name, now);
            let edit = number.and_then(|number| {
                let writes = model.records[number].writes.get(name).into_iter().flatten();
                let own = writes.filter(|write| write.carriers.contains(id)).map(|write| write.at).max()?;
                Some(own.max(self.conflicts.borrow().mine(number, name)))
            });
            let known = told.is_some_and(|told| edit.is_some_and(|edit| told < edit));
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
            let rows = rows.into_iter().filter(|_| !body_of(part).contains_key(MARK));
            for row in rows.map(Fields::from) {
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
        if let Some(told) = conflicts.told(sys_id, field, theirs).filter(|told| *told < sent.stamp) {
            let said = model.find(sys_id).map(|number| {
                let writes = model.records[number].writes.get(field).into_iter().flatten();
                let is_this = |value: &str| {
                    model.same(value, ours) || model.truly(value, &instance.rows_of).iter().any(|meant| meant == ours)
                };
                let before = writes.filter(|write| write.at < sent.stamp && is_this(&write.value));
                let edit = before.map(|write| write.at).max().unwrap_or_default();
                edit.max(Some(conflicts.mine(number, field)).filter(|at| *at < sent.stamp).unwrap_or_default())
            });
            return (said.unwrap_or_default() < told).then_some("the device knew it, and the user was not asked");
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
        if told.is_some_and(|told| told < last.at.max(conflicts.mine(number, name))) {
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

fn is_change(item: &Item) -> bool {
    item.kind == ItemKind::Update && !item.journal
}

/// An action has made it so.
fn acted(model: &Model, sys_id: &str, name: &str, value: &str) -> bool {
    model.runs.iter().any(|run| {
        let made = run.plan.makes().map(|made| &made.fields);
        let deeds = run.plan.deeds.iter().filter(|deed| match &deed.at {
            At::There(_, id) => model.plain(id) == sys_id,
            At::Made(_) => true,
        });
        let mut all = made.chain(deeds.filter_map(|deed| deed.fields()));
        all.any(|fields| fields.get(name).is_some_and(|said| model.plain(said) == value))
    })
}

/// What is unsent is given up by nobody but the user, and the mode that says so.
pub fn fate_of_overruled(world: &World, item: &Item) -> Option<Fate> {
    let time_alone = !item.fields.is_empty() && is_change(item);
    (time_alone && item.fields.keys().all(|name| world.is_overruled(item, name))).then_some(Fate::Undone)
}
