//! Which action a request is about, and what became of each call of a step that the app runs.

use landfall::{
    core::stored::{Again, Item},
    wire::{Fields, Method, Request},
};

use super::{
    doing::Doing,
    instance::split,
    online::{At, MARK, Plan, What, is_action, plan_asked_for},
    runs::plan_of,
    story::UID,
    watch::body_of,
    world::World,
};

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

    fn is_at(&self, plan: &Plan, at: &At, sys_id: &str) -> bool {
        match at {
            At::There(_, there) => there == sys_id,
            At::Made(nth) => {
                let instance = self.instance.borrow();
                let rows = instance.rows_of.get(plan.made[*nth].uid());
                rows.is_some_and(|rows| rows.iter().any(|row| row == sys_id))
            }
        }
    }

    /// The number of a call that has been noted under `key`.
    fn number_of(&self, item: &Item, key: &str) -> Option<usize> {
        if let Ok(number) = key.parse() {
            return Some(number);
        }
        let plan = plan_of(item)?;
        let mut words = key.split(' ');
        let (method, path, what, nth) =
            (words.next()?, words.next()?, words.next()?, words.next()?.parse::<usize>().ok()?);
        if method == "DELETE" {
            // By its mark, as when it leaves: two records may have turned out to be one, and each path is its own first.
            let mark = path.split_once('?')?.1.strip_prefix(MARK)?.strip_prefix('=')?;
            return (0..plan.deeds.len()).find(|deed| plan.mark(*deed) == mark).map(|deed| plan.call_of(deed));
        }
        if method != "POST" {
            let sys_id = path.rsplit_once('/')?.1;
            let is_this = |deed: &usize| {
                let deed = &plan.deeds[*deed];
                deed.what != What::Delete && self.is_at(&plan, &deed.at, sys_id)
            };
            return (0..plan.deeds.len()).filter(is_this).nth(nth - 1).map(|deed| plan.call_of(deed));
        }
        if !what.is_empty() {
            return item.action.as_ref()?.made().position(|part| part.sys_id == what).map(|at| at + 1);
        }
        let table = path.rsplit_once('/')?.1;
        let carries = plan.carries && self.schema.correlation_field(table).is_some();
        let mut bare = plan.makes().enumerate().skip(if carries { plan.made.len() } else { 0 });
        let mut of_table = bare.by_ref().filter(|(_, made)| made.table == table);
        of_table.nth(nth - 1).map(|(at, _)| at + 1)
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
        if action.calling.iter().all(|calling| self.number_of(item, &calling.key) != Some(call)) {
            self.broke(4, &format!("call {call} of {} leaves and is not noted", self.describe(item)));
        }
        if action.calls.iter().any(|known| self.number_of(item, &known.key) == Some(call)) {
            let what = request.method.as_str();
            self.broke(3, &format!("{what}, call {call} of {}, was answered and is made again", self.describe(item)));
        }
    }

    /// The user has a step go on whose last call is in doubt: that one, and no other, may have been carried out.
    pub fn call_by_hand(&self, doing: &Doing, before: &Item) {
        let (Some(plan), Some(action)) = (plan_of(before), &before.action) else { return };
        let call = action.calling.last().and_then(|calling| self.number_of(before, &calling.key));
        let Some(call) = call.filter(|_| doing.unknowing) else { return };
        let mut model = self.model.borrow_mut();
        let made = plan.made.get(call - 1);
        let is_this = |uid: &String| made.is_some_and(|made| made.uid() == uid);
        let part = action.made().find(|part| part.fields.get(UID).is_some_and(is_this));
        if let Some(number) = part.and_then(|part| model.find(part.id())) {
            model.records[number].may_twin = true;
            return;
        }
        let beside = plan.makes().nth(call - 1).map(|made| made.uid().to_owned());
        let note = plan.deed_of(call).and_then(|deed| deed.note()).cloned();
        if let Some(run) = model.run_of(&before.id) {
            run.may_repeat.extend(beside.or(note));
        }
    }

    /// Somebody has gone and looked what became of the call that is in doubt.
    pub fn call_is_there(&self, item: &Item) -> bool {
        let (Some(plan), Some(action)) = (plan_of(item), &item.action) else { return false };
        let call = action.calling.last().and_then(|calling| self.number_of(item, &calling.key));
        let instance = self.instance.borrow();
        let Some(call) = call else { return instance.runs.contains_key(&plan.run) };
        if let Some(made) = plan.makes().nth(call - 1) {
            return instance.rows_of.contains_key(made.uid());
        }
        let Some(deed) = plan.deed_of(call) else { return false };
        match (&deed.what, &deed.at) {
            (What::Delete, At::There(_, sys_id)) => instance.row(sys_id).is_none(),
            // A change without an entry may be repeated.
            _ => deed.note().is_some_and(|note| instance.entries.iter().any(|entry| entry.text == *note)),
        }
    }

    /// By what the parts of an action would be recognised.
    pub fn once_only_of(item: &Item) -> Vec<String> {
        let Some(plan) = plan_of(item) else { return Vec::new() };
        let made = plan.makes().map(|made| made.uid().to_owned());
        made.chain(plan.notes().cloned()).chain([plan.run.clone()]).collect()
    }
}

/// The call of a step that a request is: its number, from 1.
fn call_of(plan: &Plan, request: &Request, body: &Fields) -> Option<usize> {
    let (_, mut parameters) = split(&request.path);
    let mark = match request.method {
        Method::Post => {
            let uid = body.get(UID)?;
            return plan.makes().position(|made| made.uid() == uid).map(|place| place + 1);
        }
        Method::Patch => body.get(MARK).cloned(),
        Method::Delete => parameters.remove(MARK),
        _ => None,
    };
    (0..plan.deeds.len()).find(|deed| mark.as_ref() == Some(&plan.mark(*deed))).map(|deed| plan.call_of(deed))
}
