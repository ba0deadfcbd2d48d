//! What became of each action: here, at each commit and each request, and in the end.

use std::collections::BTreeSet;

use landfall::{
    core::{
        Receipt, Settled, ids,
        stored::{Again, Item, ItemState, Record},
    },
    wire::{Fields, Method, Request},
};

use super::{
    doing::Doing,
    ledger::Done,
    model::{Fate, Model},
    network::short,
    online::{MARK, Plan, is_action, plan_asked_for},
    story::UID,
    watch::body_of,
    world::World,
};

/// One run of an action, as the app was told of it.
pub struct Told {
    pub plan: Plan,
    pub item: String,
    pub by_app: bool,
    pub fate: Fate,
    /// What of it the instance has was not known when the user dropped it.
    pub doubt: bool,
    /// Its entry may have gone twice: on the user's word, or by a network that repeats requests.
    pub may_repeat: bool,
}

/// What an item holds of a record.
pub fn brings(item: &Item, is: impl Fn(&str) -> bool) -> Option<&Fields> {
    match &item.action {
        None => is(&item.sys_id).then_some(&item.fields),
        Some(action) => action.parts.iter().find(|part| is(part.id())).map(|part| &part.fields),
    }
}

pub fn plan_of(item: &Item) -> Option<Plan> {
    serde_json::from_value(item.action.as_ref()?.input.clone()).ok()
}

/// Whether an item stands where its record lists it.
pub fn stands(item: &Item, record: &Record, place: usize) -> bool {
    let behind = place > 0;
    match &item.action {
        None => item.behind == behind && item.sys_id == record.sys_id,
        Some(action) => {
            let here = action.parts.iter().find(|part| part.landed.is_none() && part.sys_id == record.sys_id);
            here.is_some_and(|part| part.behind == behind) && item.behind == action.parts.iter().any(|part| part.behind)
        }
    }
}

/// Every text in which an action may mention a record.
pub fn texts(item: &Item) -> Vec<String> {
    let action = item.action.as_deref();
    let parts = action.iter().flat_map(|action| &action.parts);
    let texts = parts.flat_map(|part| part.fields.values().cloned().chain([part.id().to_owned()]));
    texts.chain(action.map(|action| action.input.to_string())).collect()
}

/// The call of a step that a request is: its number, from 1.
fn call_of(plan: &Plan, request: &Request, body: &Fields) -> Option<usize> {
    match request.method {
        Method::Post => {
            let uid = body.get(UID)?;
            plan.made.iter().position(|made| made.uid() == uid).map(|place| place + 1)
        }
        Method::Patch => (body.get(MARK) == Some(&plan.run)).then_some(plan.made.len() + 1),
        _ => None,
    }
}

/// The number of a call that has been noted under `key`.
fn number_of(item: &Item, key: &str) -> Option<usize> {
    if let Ok(number) = key.parse() {
        return Some(number);
    }
    let plan = plan_of(item)?;
    let mut words = key.split(' ');
    let (method, path, what, nth) = (words.next()?, words.next()?, words.next()?, words.next()?.parse::<usize>().ok()?);
    if method == "PATCH" {
        return Some(plan.made.len() + 1);
    }
    if !what.is_empty() {
        return item.action.as_ref()?.made().position(|part| part.sys_id == what).map(|at| at + 1);
    }
    let mut of_table = plan.made.iter().enumerate().filter(|(_, made)| path == format!("table/{}", made.table));
    of_table.nth(nth - 1).map(|(at, _)| at + 1)
}

impl Model {
    /// The newest run that an item stands for.
    pub fn run_of(&mut self, item: &str) -> Option<&mut Told> {
        self.runs.iter_mut().rev().find(|run| run.item == item)
    }
}

impl World {
    /// The action that a request is about, and which call of its step it is.
    pub fn acts(&self, request: &Request) -> Option<(Item, Option<usize>)> {
        let mirror = self.mirror.borrow();
        let mut actions = mirror.items.values().filter(|item| item.action.is_some());
        if is_action(request) {
            let asked = plan_asked_for(request)?;
            return actions
                .find(|item| plan_of(item).is_some_and(|plan| plan.run == asked.run))
                .map(|item| (item.clone(), None));
        }
        if request.method == Method::Get {
            return None;
        }
        let body = body_of(request);
        actions.filter(|item| item.action.as_ref().is_some_and(|action| action.by_app)).find_map(|item| {
            let call = call_of(&plan_of(item)?, request, &body)?;
            Some((item.clone(), Some(call)))
        })
    }

    /// Whether an action's step just goes on: nothing is on its way, or what is changes nothing twice.
    pub fn goes_on(item: &Item) -> bool {
        item.action
            .as_ref()
            .is_some_and(|action| action.by_app && action.calling.iter().all(|calling| calling.again == Again::Send))
    }

    /// A call of a step is noted before it leaves, and one that was answered does not leave again.
    pub fn watch_call(&self, item: &Item, call: usize, request: &Request) {
        let Some(action) = &item.action else { return };
        if action.calling.iter().all(|calling| number_of(item, &calling.key) != Some(call)) {
            self.broke(4, &format!("call {call} of {} leaves and is not noted", self.describe(item)));
        }
        if action.calls.iter().any(|known| number_of(item, &known.key) == Some(call)) {
            let what = request.method.as_str();
            self.broke(3, &format!("{what}, call {call} of {}, was answered and is made again", self.describe(item)));
        }
    }

    /// The user has a step go on whose last call is in doubt: that one, and no other, may have been carried out.
    pub fn call_by_hand(&self, doing: &Doing, before: &Item) {
        let Some(plan) = plan_of(before) else { return };
        let call = before.action.as_ref().and_then(|action| action.calling.last());
        let call = call.and_then(|calling| number_of(before, &calling.key));
        let mut model = self.model.borrow_mut();
        let made = call.and_then(|call| plan.made.get(call - 1));
        let number = made.and_then(|made| {
            let part = before
                .action
                .as_ref()?
                .made()
                .find(|part| part.fields.get(UID).is_some_and(|uid| uid == made.uid()))?;
            model.find(part.id())
        });
        if !doing.unknowing {
            return;
        }
        if let Some(number) = number {
            model.records[number].may_twin = true;
        } else if call == Some(plan.made.len() + 1)
            && let Some(run) = model.run_of(&before.id)
        {
            run.may_repeat = true;
        }
    }

    /// Somebody has gone and looked what became of the call that is in doubt.
    pub fn call_is_there(&self, item: &Item) -> bool {
        let (Some(plan), Some(action)) = (plan_of(item), &item.action) else { return false };
        let call = action.calling.last().and_then(|calling| number_of(item, &calling.key));
        let instance = self.instance.borrow();
        let note = || plan.change.as_ref().and_then(|change| change.note.as_ref());
        match call.map(|call| plan.made.get(call - 1)) {
            Some(Some(made)) => instance.rows_of.contains_key(made.uid()),
            // A change without an entry may be repeated.
            Some(None) => note().is_some_and(|note| instance.entries.iter().any(|entry| entry.text == *note)),
            None => instance.runs.contains_key(&plan.run),
        }
    }

    /// By what the parts of an action would be recognised.
    pub fn once_only_of(item: &Item) -> Vec<String> {
        let Some(plan) = plan_of(item) else { return Vec::new() };
        let note = plan.change.as_ref().and_then(|change| change.note.clone());
        plan.made.iter().map(|made| made.uid().to_owned()).chain(note).chain([plan.run.clone()]).collect()
    }

    /// Of the records of an action all are permanent, or none, but for those that a pull was first to bring.
    pub fn paired_whole(&self, done: &Done) {
        let mirror = self.mirror.borrow();
        let landed = |id: &str| mirror.aliases.get(id).is_some_and(|alias| alias.sys_id.is_some());
        for item in done.put.iter().filter(|item| mirror.items.contains_key(&item.id)) {
            for part in item.action.iter().flat_map(|action| action.made()) {
                if landed(&part.sys_id) != part.landed.is_some() {
                    self.broke(5, &format!("{} has landed, and not with {}", part.sys_id, self.describe(item)));
                }
            }
        }
    }

    /// An action has left after its answer, or when its records were paired: it was carried out, and each record is the
    /// one that was made for it.
    pub fn fate_of_run(&self, item: &Item) -> Fate {
        let Some(plan) = plan_of(item) else { return Fate::Sent };
        let name = self.describe(item);
        let instance = self.instance.borrow();
        let mut model = self.model.borrow_mut();
        for part in item.action.iter().flat_map(|action| action.made()) {
            let uid = part.fields.get(UID).map(String::as_str).unwrap_or_default();
            let rows = instance.rows_of.get(uid).map(Vec::as_slice).unwrap_or_default();
            let used = model.aliases.get(&part.sys_id);
            if rows.is_empty() {
                self.broke(16, &format!("{name} has left and {uid} was never made"));
            } else if used.is_none_or(|used| !rows.contains(used)) {
                self.broke(5, &format!("{name} has left, and {uid} is taken for {used:?}"));
            }
        }
        if let Some(change) = &plan.change {
            let sys_id = model.plain(&change.sys_id);
            let lost = change.fields.iter().find(|(name, value)| {
                !instance.applied.contains(&(sys_id.clone(), (*name).clone(), model.plain(value)))
            });
            if let Some((field, value)) = lost {
                self.broke(8, &format!("{name} has left, and {field}={value} never arrived"));
            }
        }
        if let Some(run) = model.run_of(&item.id) {
            run.fate = Fate::Sent;
        }
        Fate::Sent
    }

    /// Dropped by the user's hand: what the instance has of it stays there.
    pub fn run_dropped(&self, item: &Item) {
        let Some(action) = item.action.as_deref() else { return };
        let mut model = self.model.borrow_mut();
        let mut instance = self.instance.borrow_mut();
        let in_part = !action.calls.is_empty();
        let sent = matches!(item.state, ItemState::Unknown | ItemState::Unpaired) || in_part;
        let mut doubt = sent;
        for part in &action.parts {
            let Some(number) = model.find(part.id()) else { continue };
            let sys_id = model.plain(part.id());
            let there = |(name, value): &(&String, &String)| {
                sent || instance.applied.contains(&(sys_id.clone(), (*name).clone(), model.plain(value)))
            };
            let loose: Vec<_> =
                part.fields.iter().filter(there).map(|(name, _)| (sys_id.clone(), name.clone())).collect();
            let made = part.fields.get(UID).is_some_and(|uid| instance.rows_of.contains_key(uid));
            doubt |= made || !loose.is_empty();
            instance.loose.extend(loose);
            model.records[number].doubt |= sent || made;
        }
        if let Some(run) = model.run_of(&item.id) {
            doubt |= instance.runs.contains_key(&run.plan.run);
            run.fate = Fate::Undone;
            run.doubt = doubt;
        }
    }

    /// A later run has taken its place.
    pub fn run_replaced(&self, before: &Item) {
        if before.state != ItemState::Queued || before.sent_at.is_some() {
            self.broke(16, &format!("{} had left, and another run has taken its place", self.describe(before)));
        }
        let mut model = self.model.borrow_mut();
        model.leave(before, Fate::Undone);
        for (_, temporary) in before.makes() {
            if let Some(number) = model.find(temporary) {
                model.records[number].dropped = true;
            }
        }
        if let Some(run) = model.run_of(&before.id) {
            run.fate = Fate::Undone;
        }
    }

    /// What was dropped has left nothing on the device.
    pub fn leaves_no_trace(&self, gone: &[&Item]) {
        let (mirror, model, instance) = (self.mirror.borrow(), self.model.borrow(), self.instance.borrow());
        for item in gone {
            for (_, temporary) in item.makes() {
                let there = mirror.records.values().any(|record| record.sys_id == temporary);
                if there || !mirror.aliases.get(temporary).is_some_and(|alias| alias.dropped) {
                    self.broke(16, &format!("{} is undone, and {temporary} is still here", self.describe(item)));
                }
            }
            for part in item.action.iter().flat_map(|action| &action.parts) {
                let Some(record) = mirror.records.values().find(|record| record.sys_id == part.id()) else { continue };
                for name in ["short_description", "u_level"] {
                    let Some(value) = part.fields.get(name) else { continue };
                    let there = instance.applied.contains(&(model.plain(part.id()), name.to_owned(), value.clone()));
                    if record.fields.get(name) == Some(value) && !there {
                        let what = self.describe(item);
                        self.broke(16, &format!("{what} is undone, and {} still has {name}={value}", record.sys_id));
                    }
                }
            }
        }
    }

    pub fn check_receipt(&self, receipt: &Receipt) {
        let mut model = self.model.borrow_mut();
        let aliases = model.aliases.clone();
        let Some(run) = model.run_of(&receipt.item) else { return };
        let name = format!("run {} of {}", run.plan.run, short(&receipt.item));
        match receipt.state {
            Settled::Done => {
                let result = receipt.result.as_ref().and_then(|result| result["run"].as_str());
                if run.fate != Fate::Sent || result != Some(&run.plan.run) {
                    self.broke(9, &format!("{name} is said to be done: {receipt:?}"));
                }
                if receipt
                    .records
                    .iter()
                    .any(|record| ids::is_temporary(&record.sys_id) && aliases.contains_key(&record.sys_id))
                {
                    self.broke(5, &format!("{name} is done, and its receipt names {:?}", receipt.records));
                }
            }
            _ if run.fate != Fate::Undone => self.broke(9, &format!("{name} is said to be {:?}", receipt.state)),
            _ => {}
        }
    }

    /// Each run that was done was done once, and each that was undone not at all.
    pub fn check_runs(&self) {
        let (model, instance) = (self.model.borrow(), self.instance.borrow());
        for run in &model.runs {
            let name = format!("run {}", run.plan.run);
            let times = instance.runs.get(&run.plan.run).copied().unwrap_or_default();
            let note = run.plan.change.as_ref().and_then(|change| change.note.as_ref());
            let notes = note.map(|note| instance.entries.iter().filter(|entry| entry.text == *note).count());
            if times > 1 {
                self.broke(3, &format!("{name} was carried out {times} times"));
            }
            match run.fate {
                Fate::Pending => self.broke(16, &format!("{name} is neither done nor undone")),
                Fate::Sent => {
                    if !run.by_app && times == 0 {
                        self.broke(16, &format!("{name} is done, and never was carried out"));
                    }
                    if notes.is_some_and(|notes| notes == 0 || (notes > 1 && !run.may_repeat)) {
                        self.broke(3, &format!("the entry of {name} is there {notes:?} times"));
                    }
                }
                Fate::Undone => {
                    if !run.doubt && (times > 0 || notes.is_some_and(|notes| notes > 0)) && !self.may_be_late() {
                        self.broke(16, &format!("{name} was undone, and is at the instance"));
                    }
                    if notes.is_some_and(|notes| notes > 1 && !run.may_repeat) {
                        self.broke(3, &format!("the entry of {name} is there {notes:?} times"));
                    }
                }
            }
        }
    }
}

/// The ids that items of these would leave without a record.
pub fn made_by<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeSet<String> {
    items.into_iter().flat_map(Item::makes).map(|(_, id)| id.to_owned()).collect()
}
