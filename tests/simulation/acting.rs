//! Write-back actions: what of them is drawn, and their offline steps.

use std::rc::Rc;

use landfall::{
    core::{
        CoreError, Settled,
        stored::{Action, Item, ItemState},
    },
    engine::EngineError,
    wire::Fields,
};

use super::{
    doing::{Doing, Intent, Kind},
    draw::Draw,
    network::short,
    online::{Changed, FIRST, HERE, Made, Naming, Plan, THERE, filled},
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
    /// A record that it changes.
    pub changes: Option<(usize, Change)>,
    /// With an entry of its journal.
    pub notes: bool,
    /// A record that its input mentions.
    pub about: Option<usize>,
    pub naming: Naming,
    pub carries: bool,
    pub consolidates: bool,
}

impl Run {
    pub fn draw(setup: &Setup, draw: &mut Draw) -> Self {
        let by_app = !setup.actions || draw.percent(55);
        let many = draw.of(&[0, 1, 1, 2, 2, 2]);
        let table = draw.below(2);
        let makes = (0..many).map(|_| (if draw.percent(75) { table } else { 1 - table }, change(draw))).collect();
        let linked = draw.of(&[None, None, Some(true), Some(false)]);
        let changes = (many == 0 || draw.percent(40)).then(|| (draw.below(64), change(draw)));
        Self {
            by_app,
            makes,
            linked,
            changes,
            notes: draw.percent(50),
            about: draw.percent(40).then(|| draw.below(64)),
            naming: draw.of(&[Naming::ById, Naming::ById, Naming::InOrder, Naming::Backwards, Naming::Short]),
            carries: setup.carries && draw.percent(80),
            consolidates: draw.percent(15),
        }
    }
}

impl World {
    pub fn run(self: &Rc<Self>, by: usize, run: &Run) {
        let text = || format!("v{}", self.number());
        let mut made: Vec<Made> = Vec::new();
        for (table, change) in &run.makes {
            let table = TABLES[*table];
            let mut fields = self.fresh(table, change);
            fields.remove("work_notes");
            match run.linked.filter(|_| !made.is_empty()) {
                Some(true) => drop(fields.insert("parent".to_owned(), FIRST.to_owned())),
                Some(false) => drop(fields.insert("description".to_owned(), format!("{} see {FIRST}, please", text()))),
                None => {}
            }
            made.push(Made { table: table.to_owned(), fields });
        }
        let changed = run.changes.as_ref().and_then(|(record, change)| {
            let number = self.choose(*record)?;
            let (table, sys_id) = self.name(number);
            let mut fields = Fields::new();
            self.changed(&table, Some(number), change, &mut fields);
            fields.remove("work_notes");
            // What is no change here would be one of the step's only, and nothing that follows would wait for it.
            fields.insert("short_description".to_owned(), text());
            let note = run.notes.then(|| format!("n{}", self.number()));
            Some((number, Changed { table, sys_id, fields, note }))
        });
        let about = run.about.and_then(|record| self.choose(record)).map(|number| self.name(number));
        let plan = Plan {
            run: format!("r{}", self.number()),
            made,
            change: changed.as_ref().map(|(_, change)| change.clone()),
            about,
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
                    let (mut told, mut intents) = (Vec::new(), Vec::new());
                    let mut first: Option<String> = None;
                    let steps = async {
                        for Made { table, fields } in &plan.made {
                            let fields = filled(fields, first.as_deref());
                            let made = transaction.create(table, row(&fields)).await?;
                            first = first.take().or_else(|| made["sys_id"].as_str().map(str::to_owned));
                            intents.push(Intent::Create { uid: fields[UID].clone(), table: table.clone(), fields });
                            told.push(made);
                        }
                        if let Some((number, change)) = &changed {
                            transaction.update(&change.table, &change.sys_id, row(&change.fields)).await?;
                            intents.push(Intent::Change { record: *number, fields: change.fields.clone() });
                        }
                        let (item, _) = transaction.acted().await?;
                        intents.push(Intent::Run { plan: plan.clone(), item: item.clone() });
                        Ok::<_, EngineError>(item)
                    };
                    let item = match steps.await {
                        Ok(item) => item,
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
