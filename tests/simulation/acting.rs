//! Write-back actions: what of them is drawn, and their offline steps.

use std::rc::Rc;

use landfall::{
    core::{
        CoreError, Settled,
        stored::{Action, Item, ItemState},
    },
    engine::{AppRow, EngineError, Transaction},
    wire::Fields,
};

use super::{
    contexts::SimPorts,
    doing::{Doing, Intent, Kind},
    draw::Draw,
    network::short,
    online::{At, Deed, FIRST, HERE, Made, Naming, Plan, THERE, What, filled},
    ops::row,
    story::{Change, Setup, TABLES, UID, change},
    world::World,
};

/// One action. Numbers choose among what there is when it happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The app runs its online step; else the instance does.
    pub by_app: bool,
    /// The records it makes: their tables, and what is in them.
    pub makes: Vec<(usize, Change)>,
    /// The second points to the first, in a reference or in a text.
    pub linked: Option<bool>,
    /// What it does to records, one after the other.
    pub does: Vec<Does>,
    /// It makes one more, and deletes it again.
    pub briefly: Option<usize>,
    /// A record that its input mentions.
    pub about: Option<usize>,
    /// The table of a record of another user's that its step names.
    pub of_another: Option<usize>,
    /// Tables in which its step makes a record of which the device knows nothing.
    pub besides: Option<usize>,
    pub naming: Naming,
    pub carries: bool,
    pub consolidates: bool,
}

/// What an action does to a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    /// With an entry of its journal.
    Change {
        record: usize,
        change: Change,
        notes: bool,
    },
    /// One that it has made itself.
    ChangeOwn {
        which: usize,
        change: Change,
    },
    Delete {
        record: usize,
    },
}

impl Does {
    fn draw(many: usize, draw: &mut Draw) -> Self {
        let (record, change) = (draw.below(64), change(draw));
        match draw.below(10) {
            0..2 if many > 0 => Self::ChangeOwn { which: draw.below(many), change },
            2..4 => Self::Delete { record },
            _ => Self::Change { record, change, notes: draw.percent(50) },
        }
    }
}

impl Run {
    pub fn draw(setup: &Setup, draw: &mut Draw) -> Self {
        let by_app = !setup.actions || draw.percent(55);
        let many = draw.of(&[0, 1, 1, 2, 2, 2]);
        let table = draw.below(2);
        let makes = (0..many).map(|_| (if draw.percent(75) { table } else { 1 - table }, change(draw))).collect();
        let linked = draw.of(&[None, None, Some(true), Some(false)]);
        // Of an action that does nothing here nobody would see much.
        let count = draw.of(if many == 0 { &[0, 1, 1, 1, 1, 2, 2, 3] } else { &[0, 0, 0, 0, 1, 1, 2, 3] });
        Self {
            by_app,
            makes,
            linked,
            does: (0..count).map(|_| Does::draw(many, draw)).collect(),
            briefly: draw.percent(8).then(|| draw.below(3)),
            about: draw.percent(40).then(|| draw.below(64)),
            of_another: draw.percent(12).then(|| draw.below(3)),
            besides: draw.percent(12).then(|| draw.below(3)),
            naming: draw.of(&[Naming::ById, Naming::ById, Naming::InOrder, Naming::Backwards, Naming::Short]),
            carries: setup.carries && draw.percent(80),
            consolidates: draw.percent(15),
        }
    }
}

impl World {
    pub fn run(self: &Rc<Self>, by: usize, run: &Run) {
        let mut made: Vec<Made> = Vec::new();
        for (table, change) in &run.makes {
            let mut made_here = self.makes(*table, change);
            match run.linked.filter(|_| !made.is_empty()) {
                Some(true) => drop(made_here.fields.insert("parent".to_owned(), FIRST.to_owned())),
                Some(false) => {
                    let text = format!("v{} see {FIRST}, please", self.number());
                    made_here.fields.insert("description".to_owned(), text);
                }
                None => {}
            }
            made.push(made_here);
        }
        let mut deeds: Vec<Deed> = Vec::new();
        run.does.iter().for_each(|does| deeds.extend(self.does(does, &deeds)));
        let besides = run.besides.iter().map(|table| self.makes(*table, &Change::Text)).collect();
        let about = run.about.and_then(|record| self.choose(record)).map(|number| self.name(number));
        let of_another = run.of_another.map(|table| {
            let (table, seconds) = (TABLES[table], self.elapsed.get() / 1000);
            let fields = Fields::from([("u_other".to_owned(), format!("o{}", self.number()))]);
            (table.to_owned(), self.instance.borrow_mut().put(table, fields, seconds))
        });
        let brief = run.briefly.map(|table| self.makes(table, &Change::Text));
        let plan = Plan {
            run: format!("r{}", self.number()),
            made,
            besides,
            deeds,
            about: about.into_iter().chain(of_another).collect(),
            naming: run.naming,
            carries: run.carries,
        };
        let action = Action {
            name: if run.by_app { HERE } else { THERE }.to_owned(),
            input: serde_json::to_value(&plan).unwrap(),
            pairs_in_order: run.naming == Naming::InOrder,
            consolidate: run.consolidates.then(|| "the same".to_owned()),
            by_app: run.by_app,
            ..Action::default()
        };
        let what = format!("action “{}” {plan:?}", action.name);
        self.start(Doing::new(by, Kind::Write, what), async move |world, page, doing| {
            let result = async {
                loop {
                    let transaction = page.act(action.clone()).await?;
                    let steps = async {
                        let (told, mut intents) = offline(&world, &transaction, &plan, brief.as_ref()).await?;
                        let (item, _) = transaction.acted().await?;
                        let brief = brief.as_ref().map(|brief| brief.uid().to_owned());
                        intents.push(Intent::Run { plan: plan.clone(), item: item.clone(), brief });
                        Ok::<_, EngineError>((item, told, intents))
                    };
                    let (item, told, intents) = match steps.await {
                        Ok(done) => done,
                        Err(error) if transaction.give_up().await? => return Err(error),
                        Err(_) => continue,
                    };
                    doing.intents.replace(intents);
                    if transaction.commit().await? {
                        world.told(&told);
                        return Ok(item);
                    }
                }
            };
            let result = result.await;
            let item = result.as_ref().ok().cloned();
            world.answered(&doing, result.map(drop));
            if let Some(item) = item.filter(|_| world.below(10) < 4) {
                world.wait_for_receipt(by, item);
            }
        });
    }

    fn makes(&self, table: usize, change: &Change) -> Made {
        let mut fields = self.fresh(TABLES[table], change);
        fields.remove("work_notes");
        Made { table: TABLES[table].to_owned(), fields }
    }

    /// Nothing more is done to what was deleted before.
    fn does(&self, does: &Does, before: &[Deed]) -> Option<Deed> {
        let (number, at, change, notes) = match does {
            Does::ChangeOwn { which, change } => (None, At::Made(*which), Some(change), false),
            Does::Delete { record } => {
                let number = self.choose(*record)?;
                (Some(number), self.there(number), None, false)
            }
            Does::Change { record, change, notes } => {
                let number = self.choose(*record)?;
                (Some(number), self.there(number), Some(change), *notes)
            }
        };
        if before.iter().any(|deed| deed.at == at && deed.what == What::Delete) {
            return None;
        }
        let Some(change) = change else { return Some(Deed { at, what: What::Delete }) };
        let table = match &at {
            At::There(table, _) => table.clone(),
            At::Made(_) => String::new(),
        };
        let mut fields = Fields::new();
        // What it has made itself is of this table or of that: what both have is changed.
        let change = if table.is_empty() && !matches!(change, Change::Level { .. }) { &Change::Text } else { change };
        self.changed(&table, number, change, &mut fields);
        fields.remove("work_notes");
        // What is no change here would be one of the step's only, and nothing that follows would wait for it.
        fields.insert("short_description".to_owned(), format!("v{}", self.number()));
        let note = notes.then(|| format!("n{}", self.number()));
        Some(Deed { at, what: What::Change(fields, note) })
    }

    fn there(&self, number: usize) -> At {
        let (table, sys_id) = self.name(number);
        At::There(table, sys_id)
    }

    fn wait_for_receipt(self: &Rc<Self>, by: usize, item: String) {
        let doing = Doing::new(by, Kind::Read, format!("receipt of {}", short(&item)));
        self.start(doing, async move |world, page, doing| {
            let receipt = page.settled(&item).await;
            world.tell(|| format!("      ({by}) “{}”: {receipt:?}", doing.what));
            match receipt {
                Ok(receipt) if receipt.state != Settled::Refused => world.check_receipt(&receipt),
                Ok(_) | Err(EngineError::Core(CoreError::NoSuchItem(_)) | EngineError::Store(_)) => {}
                Err(error) => world.broke(9, &format!("who waits for {item} is told {error:?}")),
            }
        });
    }

    /// The user says which record of one that waits for it is which.
    pub fn pair(self: &Rc<Self>, by: usize, which: usize) {
        let waiting: Vec<Item> = {
            let mirror = self.mirror.borrow();
            mirror.items.values().filter(|item| item.state == ItemState::Unpaired).cloned().collect()
        };
        if let Some(item) = waiting.get(which % waiting.len().max(1)) {
            self.pair_next(by, item);
        }
    }

    pub fn pair_next(self: &Rc<Self>, by: usize, item: &Item) -> Option<u64> {
        let action = item.action.as_deref()?;
        let open = |temporary: &str| !action.pairs.contains_key(temporary);
        let part = action.made().find(|part| part.landed.is_none() && open(&part.sys_id))?.clone();
        let sys_id = {
            let instance = self.instance.borrow();
            let rows = instance.rows_of.get(&part.fields[UID])?.clone();
            let named = action.answer.iter().flat_map(|answer| &answer.records_for_sync);
            let named: Vec<&String> = named.map(|named| &named.sys_id).collect();
            rows.iter().find(|row| named.contains(row)).or(rows.last())?.clone()
        };
        let (id, temporary) = (item.id.clone(), part.sys_id);
        let doing = Doing { pairs: true, ..Doing::new(by, Kind::Hand, format!("pair {temporary} with {sys_id}")) };
        self.start(doing, async move |world, page, doing| {
            let done = page.pair(&id, &temporary, &sys_id).await;
            // What is clear since is not to be paired any more.
            if !matches!(done, Err(EngineError::Core(CoreError::NotPairable { .. }))) {
                world.answered(&doing, done);
            }
        })
    }
}

/// The offline step. Gives what the app is told of what it makes, and what must come true.
async fn offline(
    world: &World,
    transaction: &Transaction<SimPorts>,
    plan: &Plan,
    brief: Option<&Made>,
) -> Result<(Vec<AppRow>, Vec<Intent>), EngineError> {
    let mut told: Vec<AppRow> = Vec::new();
    let mut first: Option<String> = None;
    let mut ids: Vec<String> = Vec::new();
    // What is said of a record last stands: of one that it has made, by its place, and of one that was there.
    let mut all: Vec<(Result<usize, usize>, Intent)> = Vec::new();
    for (at, Made { table, fields }) in plan.made.iter().enumerate() {
        let fields = filled(fields, first.as_deref());
        let made = transaction.create(table, row(&fields)).await?;
        ids.push(made["sys_id"].as_str().unwrap_or_default().to_owned());
        first = first.take().or_else(|| ids.first().cloned());
        all.push((Ok(at), Intent::Create { uid: fields[UID].clone(), table: table.clone(), fields }));
        told.push(made);
    }
    if let Some(Made { table, fields }) = brief {
        let made = transaction.create(table, row(fields)).await?;
        transaction.delete(table, made["sys_id"].as_str().unwrap_or_default()).await?;
    }
    for Deed { at, what } in &plan.deeds {
        let (table, sys_id) = match at {
            At::There(table, sys_id) => (table, sys_id),
            At::Made(nth) => (&plan.made[*nth].table, &ids[*nth]),
        };
        let number =
            world.model.borrow().find(sys_id).map(|number| world.model.borrow().now(number)).unwrap_or_default();
        let of = if let At::Made(nth) = at { Ok(*nth) } else { Err(number) };
        match what {
            What::Change(changes, _) => {
                transaction.update(table, sys_id, row(changes)).await?;
                match all.iter_mut().find(|(known, _)| *known == of) {
                    Some((_, Intent::Create { fields, .. } | Intent::Change { fields, .. })) => {
                        fields.extend(changes.clone());
                    }
                    _ => all.push((of, Intent::Change { record: number, fields: changes.clone() })),
                }
            }
            What::Delete => {
                transaction.delete(table, sys_id).await?;
                all.retain(|(known, _)| *known != of);
                all.push((of, Intent::Delete { record: number }));
            }
        }
    }
    Ok((told, all.into_iter().map(|(_, intent)| intent).collect()))
}
