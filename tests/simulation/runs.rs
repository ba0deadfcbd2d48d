//! What became of each action, at each commit.

use std::collections::BTreeSet;

use landfall::{
    core::{
        Receipt, Settled, ids,
        stored::{Item, ItemKind, ItemState, Part, Record},
    },
    wire::Fields,
};

use super::{
    ledger::{Done, Mirror},
    model::{Fate, Model},
    network::short,
    online::{At, Deed, Made, Plan, What},
    story::UID,
    world::World,
};

/// One run of an action, as the app was told of it.
pub struct Told {
    pub plan: Plan,
    pub item: String,
    /// What its offline step has made, and deleted again.
    pub brief: Option<String>,
    pub by_app: bool,
    pub fate: Fate,
    /// What of it the instance has was not known when the user dropped it.
    pub doubt: bool,
    /// These of what it does may have been done twice: on the user's word, or by a network that repeats requests.
    pub may_repeat: BTreeSet<String>,
}

impl Told {
    /// By what is recognised what it does once, but for the records that the device has made.
    pub fn once_only(&self) -> impl Iterator<Item = &str> {
        self.plan.besides.iter().map(Made::uid).chain(self.plan.notes().map(String::as_str))
    }
}

/// Of two records that turned out to be one the instance's step deletes the one, and then comes to change the other: it
/// changes nothing. The app's would be told that there is none.
pub fn in_vain<'p>(plan: &'p Plan, model: &Model, by_app: bool) -> Vec<&'p Deed> {
    let at = |deed: &Deed| if let At::There(_, id) = &deed.at { Some(model.plain(id)) } else { None };
    let deleted = |deed: &Deed| {
        let earlier = plan.deeds.iter().take_while(|other| !std::ptr::eq(*other, deed));
        at(deed).is_some() && earlier.filter(|other| other.what == What::Delete).any(|other| at(other) == at(deed))
    };
    plan.deeds.iter().filter(|deed| !by_app && deed.what != What::Delete && deleted(deed)).collect()
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
            let stands = match here {
                Some(part) => part.behind == behind,
                None => goes_on(item).any(|part| part.id() == record.sys_id && !part.behind),
            };
            stands && item.behind == action.parts.iter().any(|part| part.behind)
        }
    }
}

/// What a step that the app runs has made, and a pull has brought before the step had come to its end: what follows on it
/// waits.
pub fn goes_on(item: &Item) -> impl Iterator<Item = &Part> {
    let action = item.action.iter().filter(|action| action.by_app && item.state != ItemState::Unpaired);
    action.flat_map(|action| action.made()).filter(|part| part.landed.is_some())
}

/// Every text in which an action may mention a record.
pub fn texts(item: &Item) -> Vec<String> {
    let action = item.action.as_deref();
    let parts = action.iter().flat_map(|action| &action.parts);
    let texts = parts.flat_map(|part| part.fields.values().cloned().chain([part.id().to_owned()]));
    texts.chain(action.map(|action| action.input.to_string())).collect()
}

impl Model {
    /// The newest run that an item stands for.
    pub fn run_of(&mut self, item: &str) -> Option<&mut Told> {
        self.runs.iter_mut().rev().find(|run| run.item == item)
    }
}

impl World {
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
        for made in &plan.besides {
            if !instance.rows_of.contains_key(made.uid()) {
                self.broke(16, &format!("{name} has left and {} was never made", made.uid()));
            }
        }
        let in_vain = in_vain(&plan, &model, item.action.as_ref().is_some_and(|action| action.by_app));
        for deed in plan.deeds.iter().filter(|deed| !in_vain.contains(deed)) {
            let rows = match &deed.at {
                At::There(_, sys_id) => vec![model.plain(sys_id)],
                At::Made(nth) => instance.rows_of.get(plan.made[*nth].uid()).cloned().unwrap_or_default(),
            };
            let kept = deed.what == What::Delete && rows.iter().any(|row| instance.row(row).is_some());
            if kept {
                self.broke(16, &format!("{name} has left, and {rows:?} is still there"));
            }
            let arrived = |name: &String, value: &String| {
                rows.iter().any(|row| instance.applied.contains(&(row.clone(), name.clone(), model.plain(value))))
            };
            let lost = deed.fields().into_iter().flatten().find(|(name, value)| !arrived(name, value));
            if let Some((field, value)) = lost {
                self.broke(8, &format!("{name} has left, and {field}={value} never arrived"));
            }
        }
        if let Some(run) = model.run_of(&item.id) {
            run.fate = Fate::Sent;
        }
        Fate::Sent
    }

    /// What it has made was on the device already, as one that nobody knew to be that, and was changed as such.
    pub fn note_merged(&self, sys_id: &str) {
        let (model, instance) = (self.model.borrow(), self.instance.borrow());
        let uid = instance.rows_of.iter().find(|(_, rows)| rows.iter().any(|row| row == sys_id)).map(|(uid, _)| uid);
        let Some(uid) = uid.cloned() else { return };
        drop(instance);
        model.runs.iter().for_each(|run| self.loosen_own(&run.plan, Some(&uid), sys_id));
    }

    /// What a step does to this record, which it has made itself.
    pub fn loosen_own(&self, plan: &Plan, uid: Option<&String>, sys_id: &str) {
        let is_this = |at: &At| matches!(at, At::Made(nth) if plan.made[*nth].fields.get(UID) == uid);
        let changed = plan.deeds.iter().filter(|deed| is_this(&deed.at)).filter_map(Deed::fields).flatten();
        let loose = changed.map(|(name, _)| (sys_id.to_owned(), name.clone()));
        self.instance.borrow_mut().loose.extend(loose);
    }

    /// Dropped by the user's hand: what the instance has of it stays there.
    pub fn run_dropped(&self, item: &Item) {
        let Some(action) = item.action.as_deref() else { return };
        let mut model = self.model.borrow_mut();
        let mut instance = self.instance.borrow_mut();
        // Tried again on the user's word it is not in doubt any more, and the call that had left may have arrived.
        let called = !action.calls.is_empty() || !action.calling.is_empty();
        let in_part = called || action.parts.iter().any(|part| part.landed.is_some());
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
        // What it changed before it was to delete it, no part tells.
        for deed in plan_of(item).into_iter().flat_map(|plan| plan.deeds).filter(|_| sent) {
            let At::There(_, sys_id) = &deed.at else { continue };
            let names = deed.fields().into_iter().flat_map(|fields| fields.keys().cloned());
            instance.loose.extend(names.map(|name| (model.plain(sys_id), name)));
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
                let Some(record) = mirror.records.values().find(|record| record.sys_id == part.id()) else {
                    let dropped = mirror.aliases.get(part.id()).is_some_and(|alias| alias.dropped);
                    if part.kind == ItemKind::Delete && !dropped {
                        let what = self.describe(item);
                        self.broke(16, &format!("{what} is undone, and {} is not there again", part.id()));
                    }
                    continue;
                };
                if part.kind == ItemKind::Delete && record.deleted && !is_deleted_by_another(&mirror, record) {
                    let what = self.describe(item);
                    self.broke(16, &format!("{what} is undone, and {} is still deleted", record.sys_id));
                }
                for name in ["short_description", "u_level"] {
                    let Some(value) = part.fields.get(name) else { continue };
                    let there = instance.applied.contains(&(model.plain(part.id()), name.to_owned(), value.clone()));
                    // What has landed before is the instance's, but for what its row says nothing of: that is read again.
                    let untold =
                        part.landed.is_some() && instance.row(part.id()).is_none_or(|row| !row.contains_key(name));
                    if record.fields.get(name) == Some(value) && !there && !untold {
                        let what = self.describe(item);
                        self.broke(16, &format!("{what} is undone, and {} still has {name}={value}", record.sys_id));
                    }
                }
            }
        }
    }

    pub fn check_receipt(&self, receipt: &Receipt) {
        let (mut model, instance) = (self.model.borrow_mut(), self.instance.borrow());
        let aliases = model.aliases.clone();
        let Some(run) = model.run_of(&receipt.item) else { return };
        let name = format!("run {} of {}", run.plan.run, short(&receipt.item));
        match receipt.state {
            Settled::Done => {
                let result = receipt.result.as_ref().and_then(|result| result["run"].as_str());
                if run.fate != Fate::Sent || result != Some(&run.plan.run) {
                    self.broke(9, &format!("{name} is said to be done: {receipt:?}"));
                }
                let named = |id: &String| receipt.records.iter().any(|record| record.sys_id == *id);
                let mut others = run.plan.besides.iter().map(|made| instance.rows_of.get(made.uid()));
                if run.plan.names_others() && others.any(|rows| !rows.is_some_and(|rows| rows.iter().any(named))) {
                    self.broke(9, &format!("{name} is done, and its receipt does not name all: {:?}", receipt.records));
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
}

fn is_deleted_by_another(mirror: &Mirror, record: &Record) -> bool {
    record.items.iter().filter_map(|id| mirror.items.get(id)).any(|item| match &item.action {
        None => item.kind == ItemKind::Delete,
        Some(action) => action.parts.iter().any(|part| part.kind == ItemKind::Delete && part.sys_id == record.sys_id),
    })
}

/// The ids that items of these would leave without a record.
pub fn made_by<'a>(items: impl IntoIterator<Item = &'a Item>) -> BTreeSet<String> {
    items.into_iter().flat_map(Item::makes).map(|(_, id)| id.to_owned()).collect()
}
