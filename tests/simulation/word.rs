//! What the user says of a conflict, and that it is so from then on; and what the mode says in his place.

use std::{collections::BTreeSet, rc::Rc};

use landfall::core::{
    conflict::Choice,
    schema::Conflict,
    stored::{Item, ItemKind},
};

use super::{
    conflicts::acted,
    doing::{Doing, Intent, Kind},
    draw::Draw,
    ledger::Done,
    model::{Fate, Write},
    story::references,
    world::World,
};

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

impl World {
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
        let (mut model, mirror) = (self.model.borrow_mut(), self.mirror.borrow());
        let (number, before, what) = (model.now(*number), &done.asked_about, &doing.what);
        let given_up = self.given_up_by(choice, before);
        if matches!(choice, Choice::Mine) {
            for was in before.iter().filter(|was| was.is_in_conflict()) {
                let now = mirror.items.get(&was.id);
                if now.is_none_or(|now| now.fields != was.fields || now.is_in_conflict()) {
                    self.broke(19, &format!("“{what}”, and {} is {now:?}", self.describe(was)));
                }
                let stamp = self.stamp();
                // Asked whichever fields it was, he has changed not all of them.
                let changed = |name: &&String| before.iter().any(|item| item.fields.contains_key(*name));
                for name in was.differs.keys().filter(changed) {
                    self.conflicts.borrow_mut().mine.insert((number, name.clone()), stamp);
                    let writes = model.records[number].writes.get_mut(name).into_iter().flatten();
                    // What an action is to bring, or has brought and waits to be paired, nobody has asked him about.
                    let is_his = |write: &Write| before.iter().any(|item| write.carriers.contains(&item.id));
                    let his = writes.filter(|write| write.fate == Fate::Pending && is_his(write));
                    his.for_each(|write| write.said = stamp);
                }
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
        let (mirror, model, instance) = (self.mirror.borrow(), self.model.borrow(), self.instance.borrow());
        // It may have landed with this very commit.
        let sys_id = model.plain(&item.sys_id);
        let record = mirror.records.values().find(|record| record.sys_id == sys_id && record.table == item.table);
        let there = record.and_then(|record| record.base.as_ref().unwrap_or(&record.fields).get(name));
        self.setup.conflict == Conflict::Server
            && record.is_some_and(|record| record.not_kept.iter().any(|kept| kept == name))
            && there.is_some_and(|there| {
                // A write rule, or a step of an action, may have made it so as well.
                let at = (sys_id.clone(), name.to_owned());
                instance.written.theirs(&sys_id, name, there).is_some()
                    || instance.loose.contains(&at)
                    || acted(&model, &sys_id, name, there)
                    // Written here to the one of two, which was not here any more when they turned out to be one.
                    || (self.order.borrow().forgotten.contains(&sys_id)
                        && instance.written.ours(&sys_id, name, there).is_some())
            })
    }
}

fn is_change(item: &Item) -> bool {
    item.kind == ItemKind::Update && !item.journal
}

/// What is unsent is given up by nobody but the user, and the mode that says so.
pub fn fate_of_overruled(world: &World, item: &Item) -> Option<Fate> {
    let time_alone = !item.fields.is_empty() && is_change(item);
    (time_alone && item.fields.keys().all(|name| world.is_overruled(item, name))).then_some(Fate::Undone)
}
