//! What has come of each action in the end.

use super::{
    model::{Fate, Model},
    online::Plan,
    runs::{Told, in_vain},
    world::World,
};

impl World {
    /// Each run that was done was done once, and each that was undone not at all.
    pub fn check_runs(&self) {
        let model = self.model.borrow();
        for run in &model.runs {
            self.check_times(&model, run);
            self.check_others(&model, run);
        }
    }

    fn check_times(&self, model: &Model, run: &Told) {
        let instance = self.instance.borrow();
        let name = format!("run {}", run.plan.run);
        let times = instance.runs.get(&run.plan.run).copied().unwrap_or_default();
        if times > 1 {
            self.broke(3, &format!("{name} was carried out {times} times"));
        }
        match run.fate {
            Fate::Pending => self.broke(16, &format!("{name} is neither done nor undone")),
            Fate::Sent if !run.by_app && times == 0 => {
                self.broke(16, &format!("{name} is done, and never was carried out"));
            }
            Fate::Undone if times > 0 && !run.doubt && !self.run_may_be_late(run) => {
                self.broke(16, &format!("{name} was undone, and is at the instance"));
            }
            Fate::Sent | Fate::Undone => {}
        }
        let in_vain = in_vain(&run.plan, model, run.by_app);
        for once in run.once_only() {
            let entries = instance.entries.iter().filter(|entry| entry.text == once).count();
            let there = entries + instance.rows_of.get(once).map_or(0, Vec::len);
            let never = in_vain.iter().any(|deed| deed.note().is_some_and(|note| note == once));
            if (there == 0 && run.fate == Fate::Sent && !never) || (there > 1 && !run.may_repeat.contains(once)) {
                self.broke(3, &format!("{once} of {name} is there {there} times"));
            }
            if there > 0 && run.fate == Fate::Undone && !run.doubt && !self.run_may_be_late(run) {
                self.broke(16, &format!("{name} was undone, and {once} of it is at the instance"));
            }
        }
        if run.brief.as_ref().is_some_and(|uid| instance.rows_of.contains_key(uid)) {
            self.broke(2, &format!("what {name} had deleted again was made"));
        }
    }

    /// What its step has named, and no record made here stands for, has joined the cache, as what it is.
    fn check_others(&self, model: &Model, run: &Told) {
        let (mirror, instance) = (self.mirror.borrow(), self.instance.borrow());
        let name = format!("run {}", run.plan.run);
        for sys_id in self.others(model, &run.plan) {
            if let Some((temporary, _)) = model.aliases.iter().find(|(_, taken)| **taken == sys_id)
                && model.find(temporary).is_some_and(|number| model.records[number].uid != uid_at(&instance, &sys_id))
            {
                self.broke(5, &format!("{sys_id}, which {name} has named besides, is taken for {temporary}"));
            }
            let there = mirror.records.values().any(|record| record.sys_id == sys_id);
            let untold = self.watch.borrow().untold.contains(&sys_id);
            if run.fate == Fate::Sent && run.plan.names_others() && !there && !untold && !self.may_be_away(&sys_id) {
                // It has no number among the promises, either.
                self.broke(18, &format!("{sys_id}, which {name} has named, is not on the device"));
            }
        }
    }

    /// Of these, those that are still there. What was made more than once is named once.
    fn others(&self, model: &Model, plan: &Plan) -> Vec<String> {
        let instance = self.instance.borrow();
        let rows = |uid: &str| instance.rows_of.get(uid).filter(|rows| rows.len() == 1).cloned();
        let made = plan.besides.iter().filter_map(|made| rows(made.uid())).flatten();
        let about = plan.about.iter().map(|(_, sys_id)| model.plain(sys_id));
        made.chain(about).filter(|sys_id| instance.row(sys_id).is_some()).collect()
    }

    /// Under its key it may arrive when nobody waits for it any more.
    fn run_may_be_late(&self, run: &Told) -> bool {
        self.may_be_late() || self.setup.knows_keys(!run.by_app)
    }
}

fn uid_at(instance: &super::instance::Instance, sys_id: &str) -> Option<String> {
    instance.rows_of.iter().find(|(_, rows)| rows.iter().any(|row| row == sys_id)).map(|(uid, _)| uid.clone())
}
