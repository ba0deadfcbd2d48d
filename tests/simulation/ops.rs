//! What the app does.

use std::rc::Rc;

use landfall::{
    core::CoreError,
    engine::{AppRow, EngineError},
    ports::StoreError,
    wire::Fields,
};
use serde_json::Value;

use super::{
    contexts::Page,
    doing::{Doing, Intent, Kind},
    hand::Hand,
    story::{Act, Change, TABLES, UID, references},
    world::World,
};

pub fn row(fields: &Fields) -> AppRow {
    fields.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect()
}

impl World {
    pub fn act(self: &Rc<Self>, act: &Act) {
        match act {
            Act::Create { by, table, change } => {
                let table = TABLES[*table];
                let fields = self.fresh(table, change);
                self.create(*by, table, vec![fields]);
            }
            Act::CreateMany { by, table, count, linked, bad } => {
                let table = TABLES[*table];
                let level = Change::Level { bad: *bad };
                let link = Change::Link { field: 0, to: usize::MAX };
                let changes = (0..*count).map(|at| {
                    if at == 0 {
                        &level
                    } else if *linked {
                        &link
                    } else {
                        &Change::Text
                    }
                });
                let rows = changes.map(|change| self.fresh(table, change)).collect();
                self.create(*by, table, rows);
            }
            Act::Update { by, record, change } => self.update(*by, *record, change),
            Act::Delete { by, record } => self.delete(*by, *record),
            Act::Transaction { by, table, record, change } => self.transaction(*by, TABLES[*table], *record, change),
            Act::Run { by, run } => self.run(*by, run),
            Act::Pair { by, item } => self.pair(*by, *item),
            Act::Retry { by, item } => self.hand(*by, *item, Hand::Retry { knowing: false }),
            Act::Edit { by, item, bad } => self.hand(*by, *item, Hand::Edit { bad: *bad }),
            Act::Discard { by, item } => self.hand(*by, *item, Hand::Discard),
            Act::Resolve { by, record, says } => drop(self.resolve_some(*by, *record, *says)),
            Act::Settled { by, item } => self.settled(*by, *item),
            Act::Sync { by, pull } => drop(self.sync(*by, *pull)),
            Act::Stop { by } => {
                for stop in &self.contexts.borrow()[*by].stops {
                    stop.set(true);
                }
            }
            Act::SignIn { by } => drop(self.sign_in(*by)),
            Act::Offline { by, on } => {
                let on = *on;
                self.start(Doing::new(*by, Kind::Hand, format!("offline({on})")), async move |_, page, _| {
                    let _ = page.set_offline(on).await;
                });
            }
            Act::Look { by } => drop(self.look(*by)),
            Act::Open { by, which, from } => self.open_record(*by, which, *from),
            Act::Pin { by, which, include } => self.pin(*by, which, include),
            Act::Unpin { by, which } => self.unpin(*by, which),
            Act::Wait { ms } => self.pass(*ms),
            Act::Strike(fault) => self.strike(fault),
        }
    }

    /// Starts a task of the app, in a page that is opened for it if need be.
    pub fn start<F>(self: &Rc<Self>, doing: Doing, run: F) -> Option<u64>
    where
        F: AsyncFnOnce(Rc<World>, Page, Rc<Doing>) + 'static,
    {
        let page = self.page(doing.by)?;
        let doing = Rc::new(doing);
        let (world, about) = (Rc::clone(self), Rc::clone(&doing));
        Some(self.executor.spawn(doing, Box::pin(async move { run(world, page, about).await })))
    }

    /// Fields of a new record. No two values of a history are alike.
    pub fn fresh(&self, table: &str, change: &Change) -> Fields {
        let mut fields = Fields::from([(UID.to_owned(), format!("u{}", self.number()))]);
        fields.insert("short_description".to_owned(), format!("v{}", self.number()));
        self.changed(table, None, change, &mut fields);
        fields
    }

    pub fn changed(&self, table: &str, own: Option<usize>, change: &Change, fields: &mut Fields) {
        let places = references(table);
        match change {
            Change::Text => drop(fields.insert("short_description".to_owned(), format!("v{}", self.number()))),
            Change::Level { bad } => {
                let level = if *bad { "bad" } else { "good" };
                fields.insert("u_level".to_owned(), format!("{level}{}", self.number()));
            }
            Change::Link { field, to } => {
                let (name, tables) = places[field % places.len()];
                let known = self.known(tables);
                let Some(to) =
                    known.get(if *to == usize::MAX { known.len().wrapping_sub(1) } else { to % known.len().max(1) })
                else {
                    return;
                };
                fields.insert(name.to_owned(), self.pointing(name, *to));
            }
            Change::Itself { field } => {
                let (name, tables) = places[field % places.len()];
                if let Some(own) = own.filter(|_| tables.contains(&table)) {
                    fields.insert(name.to_owned(), self.pointing(name, own));
                }
            }
            Change::Unlink { field } => drop(fields.insert(places[field % places.len()].0.to_owned(), String::new())),
            Change::Note => drop(fields.insert("work_notes".to_owned(), format!("n{}", self.number()))),
            Change::All(all) => all.iter().for_each(|change| self.changed(table, own, change, fields)),
        }
    }

    pub fn pointing(&self, field: &str, to: usize) -> String {
        let id = self.model.borrow().records[to].id.clone();
        match field {
            "description" => format!("v{} see {id}, please", self.number()),
            "watch" => match self.known(&["incident"]).first() {
                Some(first) if *first != to => format!("{},{id}", self.model.borrow().records[*first].id),
                _ => id,
            },
            _ => id,
        }
    }

    /// The records of these tables that the app knows and has not deleted.
    pub fn known(&self, tables: &[&str]) -> Vec<usize> {
        let model = self.model.borrow();
        let there = |number: &usize| {
            let record = &model.records[*number];
            record.told
                && !record.dropped
                && record.merged.is_none()
                && !record.is_deleted()
                && tables.contains(&record.table.as_str())
        };
        (0..model.records.len()).filter(there).collect()
    }

    /// One of all records on the device.
    pub fn choose(&self, record: usize) -> Option<usize> {
        let pulled: Vec<(String, String)> = {
            let (model, mirror) = (self.model.borrow(), self.mirror.borrow());
            let strange = mirror.records.values().filter(|record| model.find(&record.sys_id).is_none());
            strange.map(|record| (record.table.clone(), record.sys_id.clone())).collect()
        };
        for (table, id) in pulled {
            self.model.borrow_mut().adopt(&table, &id);
        }
        let known = self.known(&TABLES);
        known.get(record % known.len().max(1)).copied()
    }

    fn create(self: &Rc<Self>, by: usize, table: &str, rows: Vec<Fields>) {
        let table = table.to_owned();
        let what = format!("create in {table}: {rows:?}");
        self.start(Doing::new(by, Kind::Write, what), async move |world, page, doing| {
            let intent = |fields: &Fields| Intent::Create {
                uid: fields[UID].clone(),
                table: table.clone(),
                fields: fields.clone(),
            };
            doing.intents.replace(rows.iter().map(intent).collect());
            let made = page.create_many(&table, rows.iter().map(row).collect()).await;
            if let Ok(made) = &made {
                world.told(made);
            }
            world.answered(&doing, made.map(drop));
        });
    }

    /// The app has their ids from now on.
    pub fn told(&self, made: &[AppRow]) {
        let mut model = self.model.borrow_mut();
        for row in made {
            match row["sys_id"].as_str().and_then(|id| model.find(id)) {
                Some(number) if row[UID].as_str() == model.records[number].uid.as_deref() => {
                    model.records[number].told = true;
                }
                _ => self.broke(1, &format!("the app was told of a record that is not saved: {row:?}")),
            }
        }
    }

    fn update(self: &Rc<Self>, by: usize, record: usize, change: &Change) {
        let Some(number) = self.choose(record) else { return };
        let (table, id) = self.name(number);
        let mut fields = Fields::new();
        self.changed(&table, Some(number), change, &mut fields);
        self.write(by, number, table, id, fields);
    }

    pub fn write(self: &Rc<Self>, by: usize, number: usize, table: String, id: String, fields: Fields) -> Option<u64> {
        let what = format!("update {table} {id}: {fields:?}");
        self.start(Doing::new(by, Kind::Write, what), async move |world, page, doing| {
            doing.intents.replace(vec![Intent::Change { record: number, fields: fields.clone() }]);
            let done = page.update(&table, &id, row(&fields)).await;
            world.answered(&doing, done.map(drop));
        })
    }

    pub fn name(&self, number: usize) -> (String, String) {
        let model = self.model.borrow();
        (model.records[number].table.clone(), model.records[number].id.clone())
    }

    fn delete(self: &Rc<Self>, by: usize, record: usize) {
        let Some(number) = self.choose(record) else { return };
        let (table, id) = self.name(number);
        let doing = Doing { may_drop: true, ..Doing::new(by, Kind::Write, format!("delete {table} {id}")) };
        self.start(doing, async move |world, page, doing| {
            doing.intents.replace(vec![Intent::Delete { record: number }]);
            let done = page.delete(&table, &id).await;
            world.answered(&doing, done);
        });
    }

    fn transaction(self: &Rc<Self>, by: usize, table: &str, record: usize, change: &Change) {
        let chosen = self.choose(record);
        let table = table.to_owned();
        let (parent, mut child) = (self.fresh(&table, change), self.fresh("incident_task", &Change::Text));
        let what = format!("transaction: {table} {parent:?}, then incident_task {child:?}, and change another");
        let other = chosen.map(|number| (number, self.name(number), format!("v{}", self.number())));
        self.start(Doing::new(by, Kind::Write, what), async move |world, page, doing| {
            let result = async {
                loop {
                    let transaction = page.begin().await?;
                    let made = transaction.create(&table, row(&parent)).await;
                    let mut told = Vec::new();
                    let mut intents =
                        vec![Intent::Create { uid: parent[UID].clone(), table: table.clone(), fields: parent.clone() }];
                    let steps = async {
                        let made = made?;
                        if table != "log" {
                            child.insert("parent".to_owned(), made["sys_id"].as_str().unwrap_or_default().to_owned());
                        }
                        told.push(made);
                        told.push(transaction.create("incident_task", row(&child)).await?);
                        intents.push(Intent::Create {
                            uid: child[UID].clone(),
                            table: "incident_task".to_owned(),
                            fields: child.clone(),
                        });
                        if let Some((number, (table, id), text)) = &other {
                            let fields = Fields::from([("short_description".to_owned(), text.clone())]);
                            transaction.update(table, id, row(&fields)).await?;
                            intents.push(Intent::Change { record: *number, fields });
                        }
                        Ok::<_, EngineError>(())
                    };
                    if let Err(error) = steps.await {
                        if transaction.give_up().await? {
                            return Err(error);
                        }
                        continue;
                    }
                    doing.intents.replace(intents);
                    if transaction.commit().await? {
                        world.told(&told);
                        return Ok(());
                    }
                }
            };
            let result = result.await;
            world.answered(&doing, result);
        });
    }

    /// Saved means saved, and an error means that nothing was written.
    pub fn answered(&self, doing: &Doing, result: Result<(), EngineError>) {
        self.tell(|| format!("      ({}) “{}”: {}", doing.by, doing.what, told(&result)));
        let commits = doing.commits.get();
        match result {
            Ok(()) if commits > 1 => self.broke(1, &format!("“{}” took {commits} commits", doing.what)),
            Ok(()) => {
                let new = |intent: &Intent| matches!(intent, Intent::Create { .. } | Intent::Run { .. });
                let missing = doing.intents.borrow().iter().any(new);
                if missing {
                    self.broke(1, &format!("“{}” resolved, and nothing was written", doing.what));
                }
            }
            Err(error) if commits > 0 && !doing.unsure.get() => {
                self.broke(1, &format!("“{}” failed ({error}) and was written", doing.what))
            }
            Err(error) => {
                if !may_fail_so(&error) {
                    self.broke(1, &format!("“{}” failed: {error:?}", doing.what));
                }
            }
        }
    }
}

fn told(result: &Result<(), EngineError>) -> String {
    match result {
        Ok(()) => "saved".to_owned(),
        Err(error) => format!("refused: {error}"),
    }
}

/// What an app has to be ready for.
pub fn may_fail_so(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::Store(StoreError::Full(_) | StoreError::Failed { .. })
            | EngineError::Core(
                CoreError::NotFound { .. }
                    | CoreError::Deleted { .. }
                    | CoreError::DeletedReference { .. }
                    | CoreError::NoSuchItem(_)
                    | CoreError::BeingSent(_)
                    | CoreError::AnswerUnknown(_)
                    | CoreError::NotEditable { .. }
                    | CoreError::NotInConflict { .. }
            )
    )
}
