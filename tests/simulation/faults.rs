//! What goes wrong.

use super::{
    coverage::{ASKED, CALLS},
    trouble::{Fault, OnRequest},
    world::World,
};

impl World {
    pub fn strike(&self, fault: &Fault) {
        if let Some(name) = name(fault) {
            self.strikes(name);
        }
        if !self.setup.locks && matches!(fault, Fault::Kill { .. } | Fault::Freeze { .. }) {
            self.strikes("no Web Locks");
        }
        match fault {
            Fault::Kill { who } => self.kill(*who),
            Fault::Freeze { who, ms } => self.contexts.borrow_mut()[*who].frozen_until = self.elapsed.get() + ms,
            Fault::Full { commits } => self.full_commits.set(*commits),
            Fault::Broken { commits } => self.broken_calls.set(*commits),
            Fault::Unsure => self.unsure_commit.set(true),
            Fault::Cut => self.network.borrow_mut().cut = true,
            Fault::Mended => self.network.borrow_mut().cut = false,
            Fault::SessionEnds { renewable } => {
                self.instance.borrow_mut().session += 1;
                self.network.borrow_mut().renewable = *renewable;
            }
            Fault::Refuses(on) => self.instance.borrow_mut().refusing = *on,
            Fault::DropsField(on) => {
                self.instance.borrow_mut().dropping = on.then(|| "short_description".to_owned());
            }
            Fault::Changes { row, which } => self.colleague_changes(*row, *which),
            Fault::Removes { row } => {
                if let Some(id) = self.some_row(*row) {
                    self.instance.borrow_mut().remove(&id);
                    self.instance.borrow_mut().taken.insert(id);
                }
            }
            Fault::Adds => self.colleague_adds(),
            Fault::ClockSet { back } => {
                let now = self.device_now();
                self.clock.set(if *back { now - 3_600_000 } else { now + 3_600_000 });
                if *back {
                    self.set_back.set(true);
                } else {
                    self.lose_count();
                }
            }
            Fault::EventsLost => {
                self.hub.lose();
                self.reconciles.borrow_mut().clear();
            }
            Fault::OnRequest(fault) => self.network.borrow_mut().armed.push(fault.clone()),
            Fault::OnRequestOf { state, fault } => {
                let aimed = &mut self.network.borrow_mut().aimed;
                if *state == ASKED {
                    aimed.push((CALLS, OnRequest::AnswerLost { silently: false }));
                }
                aimed.push((state, fault.clone()));
            }
            Fault::When { state, fault } => self.ambushes.borrow_mut().push((state, (**fault).clone())),
        }
    }

    /// Strikes where an action stands where that was waited for.
    pub fn ambush(&self) {
        let place = self.ambushes.borrow().iter().position(|(state, _)| self.some_action_stands(state));
        if let Some((_, fault)) = place.map(|place| self.ambushes.borrow_mut().remove(place)) {
            self.tell(|| format!("      an action stands where that was waited for: {fault:?}"));
            self.strike(&fault);
        }
    }

    pub fn some_row(&self, row: usize) -> Option<String> {
        let instance = self.instance.borrow();
        let all: Vec<&String> = super::story::TABLES
            .iter()
            .flat_map(|table| instance.rows(table))
            .filter_map(|row| row.get("sys_id"))
            .collect();
        all.get(row % all.len().max(1)).map(|id| (*id).clone())
    }
}

/// None for those that are noted when they meet what they wait for, and for those that mend.
fn name(fault: &Fault) -> Option<&'static str> {
    Some(match fault {
        Fault::Kill { .. } => "context killed",
        Fault::Freeze { .. } => "context frozen",
        Fault::Full { .. } => "store full",
        Fault::Broken { .. } => "store fails",
        Fault::Unsure => "store fails, and has written",
        Fault::Cut => "line cut",
        Fault::SessionEnds { .. } => "session ends",
        Fault::Refuses(true) => "instance refuses",
        Fault::DropsField(true) => "field dropped",
        Fault::Changes { .. } => "another user changes",
        Fault::Removes { .. } => "another user removes",
        Fault::Adds => "another user adds",
        Fault::ClockSet { back: true } => "clock set back",
        Fault::ClockSet { back: false } => "clock set forward",
        Fault::EventsLost => "events lost",
        Fault::Mended | Fault::Refuses(false) | Fault::DropsField(false) => return None,
        Fault::OnRequest(_) | Fault::OnRequestOf { .. } | Fault::When { .. } => return None,
    })
}
