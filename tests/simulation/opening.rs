//! What the app asks the instance for, pins, and unpins.

use std::rc::Rc;

use landfall::{
    core::{CoreError, along::Include, stored::Pin},
    engine::{EngineError, FromRemote},
    ports::StoreError,
};

use super::{
    along::candidates,
    doing::{Doing, Kind},
    draw::Draw,
    ops::may_fail_so,
    story::TABLES,
    world::World,
};

/// Which record, and by which name of its table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Which {
    record: usize,
    /// As one of the parent's.
    parent: bool,
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Instance,
    Device,
    /// Somebody has removed it.
    Gone,
}

impl Which {
    pub fn draw(draw: &mut Draw) -> Self {
        let of = draw.of(&[Of::Instance, Of::Instance, Of::Instance, Of::Device, Of::Device, Of::Gone]);
        Self { record: draw.below(64), parent: draw.percent(20), of }
    }
}

impl World {
    fn which(&self, which: &Which) -> Option<(String, String)> {
        let (table, id) = match which.of {
            Of::Device => self.name(self.choose(which.record)?),
            Of::Instance => {
                let id = self.some_row(which.record)?;
                (self.instance.borrow().row(&id)?["sys_class_name"].clone(), id)
            }
            Of::Gone => {
                let instance = self.instance.borrow();
                let gone = instance.gone.iter().nth(which.record % instance.gone.len().max(1))?;
                (TABLES[which.record % 2].to_owned(), gone.clone())
            }
        };
        let table = if which.parent && table != "log" { "task".to_owned() } else { table };
        Some((table, id))
    }

    pub fn open_record(self: &Rc<Self>, by: usize, which: &Which, from: FromRemote) {
        let Some((table, id)) = self.which(which) else { return };
        self.along.borrow_mut().own.insert(id.clone());
        // It may make a run of its own, or drive one that is under way.
        let doing = Doing::new(by, Kind::Sync, format!("get {table} {id}, {from:?}"));
        self.start(doing, async move |world, page, doing| {
            let found = page.get_from(&table, &id, false, from).await;
            world.tell(|| format!("      ({by}) “{}”: {found:?}", doing.what));
            if let Err(error) = found
                && !matches!(error, EngineError::Store(_))
            {
                world.broke(13, &format!("“{}” failed: {error:?}", doing.what));
            }
            while let Some(run) = page.run_under_way() {
                run.await;
            }
        });
    }

    /// `include`: which of what may be named; none of it says what the table's cache does.
    pub fn pin(self: &Rc<Self>, by: usize, which: &Which, include: &[usize]) {
        let Some((table, id)) = self.which(which) else { return };
        let all = candidates(&table);
        let chosen: Vec<Include> = include.iter().map(|at| all[at % all.len()].clone()).collect();
        let chosen = (!chosen.is_empty()).then_some(chosen);
        let doing = Doing { pins: true, ..Doing::new(by, Kind::Sync, format!("pin {table} {id} with {chosen:?}")) };
        self.start(doing, async move |world, page, doing| {
            let done = page.pin(&table, &id, chosen).await;
            world.tell(|| format!("      ({by}) “{}”: {done:?}", doing.what));
            world.may_have_failed(&doing, done);
            while let Some(run) = page.run_under_way() {
                run.await;
            }
        });
    }

    /// One that is pinned, most often.
    pub fn unpin(self: &Rc<Self>, by: usize, which: &Which) {
        let pinned = {
            let along = self.along.borrow();
            let pin = along.pins.get(which.record % along.pins.len().max(1));
            pin.map(|pin| (pin.table.clone(), pin.sys_id.clone()))
        };
        let Some((table, id)) = pinned.or_else(|| self.which(which)) else { return };
        let doing = Doing { pins: true, ..Doing::new(by, Kind::Hand, format!("unpin {table} {id}")) };
        self.start(doing, async move |world, page, doing| {
            let are_of_it = |world: &World| -> Vec<Pin> {
                let id = world.model.borrow().plain(&id);
                let model = world.model.borrow();
                let is_of_it = |pin: &&Pin| model.plain(&pin.sys_id) == id && world.schema.related(&pin.table, &table);
                world.along.borrow().pins.iter().filter(is_of_it).cloned().collect()
            };
            let before = are_of_it(&world);
            let done = page.unpin(&table, &id).await;
            if done.is_ok() && doing.commits.get() == 0 && !before.is_empty() && are_of_it(&world) == before {
                world.broke(13, &format!("{table} {id} was unpinned, and is pinned"));
            }
            world.tell(|| format!("      ({by}) “{}”: {done:?}", doing.what));
            world.may_have_failed(&doing, done);
        });
    }

    fn may_have_failed(&self, doing: &Doing, done: Result<(), EngineError>) {
        if let Err(error) = done
            && !may_fail_so(&error)
            && !matches!(
                error,
                EngineError::Store(StoreError::Closed) | EngineError::Core(CoreError::WrongTable { .. })
            )
        {
            self.broke(13, &format!("“{}” failed: {error:?}", doing.what));
        }
    }

    /// With nothing in the way, what the instance has is what the app is given, and stays.
    pub fn open_at_the_end(self: &Rc<Self>) {
        let gone = self.instance.borrow().gone.first().cloned();
        let some: Vec<String> = (0..3).filter_map(|_| self.some_row(self.below(64))).chain(gone).collect();
        for id in some {
            let row = self.instance.borrow().row(&id).cloned();
            let table = row.as_ref().map_or_else(|| TABLES[0].to_owned(), |row| row["sys_class_name"].clone());
            self.along.borrow_mut().own.insert(id.clone());
            if row.is_some() {
                self.along.borrow_mut().opened_last.insert(id.clone());
            }
            let by = self.below(self.setup.contexts);
            let doing = Doing::new(by, Kind::Sync, format!("get {table} {id} at the end"));
            self.finish(self.start(doing, async move |world, page, _| {
                let found = page.get_from(&table, &id, false, FromRemote::Always).await;
                let Ok(found) = found else { return world.broke(13, &format!("{table} {id} is not given: {found:?}")) };
                let differs = |(name, value): &(&String, &String)| {
                    let given = found.as_ref().and_then(|found| found.get(*name)).and_then(|given| given.as_str());
                    !name.starts_with("sys_") && given.unwrap_or_default() != *value
                };
                match &row {
                    None if found.is_some() => world.broke(13, &format!("{table} {id} is gone, and is given")),
                    Some(_) if found.is_none() => world.broke(13, &format!("{table} {id} is there, and is not given")),
                    _ => {
                        if let Some((name, value)) = row.iter().flatten().find(differs) {
                            let what = format!("{table} {id} has {name}=“{value}” at the instance: {found:?}");
                            world.broke(13, &what);
                        }
                    }
                }
                while let Some(run) = page.run_under_way() {
                    run.await;
                }
            }));
        }
        self.finish(self.sync(0, true));
    }
}
