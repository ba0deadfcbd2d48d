//! What comes and goes in each commit: whether a pin is kept, whether what goes may go, and whether what comes is newer than
//! what was there.

use landfall::core::{
    RowKey, StoreName, WriteSet, ids,
    stored::{Item, Pin, Record, decode},
};

use super::{
    doing::{Doing, Kind},
    ledger::Done,
    runs::texts,
    world::World,
};

/// The records that an item points to, by the fields in which it does, or by what an action is told.
pub fn points_to(item: &Item, sys_id: &str) -> bool {
    let texts_of_fields = |name: &String| !["description", "short_description", "work_notes"].contains(&name.as_str());
    let parts = item.action.iter().flat_map(|action| &action.parts).map(|part| &part.fields);
    let fields = parts.chain([&item.fields]).flatten().filter(|(name, _)| texts_of_fields(name));
    let mut values = fields.flat_map(|(_, value)| value.split(','));
    let told = item.action.is_some() && texts(item).iter().any(|text| text.contains(&format!("\"{sys_id}\"")));
    values.any(|id| id.trim() == sys_id) || told
}

impl World {
    /// What a commit says of pins, and of what the app has asked for.
    pub fn note_kept(&self, doing: &Doing, set: &WriteSet, done: &Done) {
        let mut along = self.along.borrow_mut();
        let (mut unpinned, mut pinned): (Vec<&RowKey>, Vec<Pin>) = Default::default();
        for at in set.deletes.iter().filter(|at| at.store == StoreName::Meta) {
            match at.key.text(0) {
                "opened" => drop(along.notes.remove(&(at.key.text(1).to_owned(), at.key.text(2).to_owned()))),
                "pin" => unpinned.push(at),
                _ => {}
            }
        }
        for (_, row) in set.puts.iter().filter(|(store, _)| *store == StoreName::Meta) {
            match row.key.text(0) {
                "opened" => drop(along.notes.insert((row.key.text(1).to_owned(), row.key.text(2).to_owned()))),
                "wanted" => drop(along.own.insert(row.key.text(2).to_owned())),
                "pin" => pinned.push(decode(row).unwrap()),
                _ => {}
            }
        }
        along.came_along.extend(done.records.iter().filter(|it| it.is_along()).map(|it| it.sys_id.clone()));
        let by_the_app = doing.pins && done.records.is_empty() && done.left.is_empty();
        if by_the_app {
            let stays = |pin: &Pin| {
                !unpinned.contains(&&Pin::at(pin)) && !pinned.iter().any(|new| Pin::at(new) == Pin::at(pin))
            };
            along.pins.retain(stays);
            doing.commits.set(doing.commits.get() + u32::from(!unpinned.is_empty() || !pinned.is_empty()));
            along.pins.extend(pinned);
            return;
        }
        for at in unpinned {
            let (table, id) = (at.key.text(1), at.key.text(2));
            let now = done.reconciled.iter().find(|(temporary, _)| temporary == id).map(|(_, sys_id)| sys_id);
            match now {
                Some(now) if pinned.iter().any(|pin| pin.table == table && pin.sys_id == *now) => {}
                Some(_) => self.broke(13, &format!("{table} {id} has landed, and is pinned no more")),
                None if done.removed.iter().any(|record| record.sys_id == id) => {
                    along.pins.retain(|pin| Pin::at(pin) != *at);
                }
                None => self.broke(13, &format!("{table} {id} is pinned no more, and nobody has said so")),
            }
        }
        for pin in &mut along.pins {
            let now = done.reconciled.iter().find(|(temporary, _)| *temporary == pin.sys_id);
            if let Some((_, now)) = now {
                pin.sys_id.clone_from(now);
            }
        }
    }

    /// What a sync takes away is none that something unsent is about, or points to, nor one that is pinned or led to, as
    /// long as the instance has it.
    pub fn watch_removed(&self, doing: &Doing, done: &Done) {
        let is_moved = |id: &str| done.reconciled.iter().any(|(temporary, _)| temporary == id);
        let gone = done.removed.iter().filter(|record| doing.kind == Kind::Sync && !record.deleted);
        for Record { table, sys_id, items, .. } in gone.filter(|record| !is_moved(&record.sys_id)) {
            let mirror = self.mirror.borrow();
            if mirror.records.values().any(|record| record.sys_id == *sys_id) {
                continue;
            }
            // What an action has made, and a pull was first to bring, it has nothing more to do with.
            let about = |item: &&Item| items.contains(&item.id) || points_to(item, sys_id);
            if let Some(item) = mirror.items.values().find(about) {
                self.broke(13, &format!("{table} {sys_id} goes, and {} needs it", self.describe(item)));
            }
            if ids::is_temporary(sys_id) || self.instance.borrow().row(sys_id).is_none() {
                continue;
            }
            if self.along.borrow().pins.iter().any(|pin| pin.sys_id == *sys_id) {
                self.broke(13, &format!("{table} {sys_id} goes, and is pinned"));
            }
            if let Some(from) = mirror.records.values().find(|record| self.leads_to(record, sys_id)) {
                self.broke(13, &format!("{table} {sys_id} goes, and {} leads to it", from.sys_id));
            }
        }
    }

    /// What the instance has told of a record is never followed by what it had before.
    pub fn never_older(&self, doing: &Doing, done: &Done) {
        let count = |record: &Record| {
            let told = record.base.as_ref().unwrap_or(&record.fields);
            told.get("sys_mod_count").and_then(|count| count.parse::<u32>().ok())
        };
        for record in done.records.iter().filter(|_| doing.kind == Kind::Sync) {
            let Some(was) = done.before.iter().find(|was| was.sys_id == record.sys_id) else { continue };
            if let (Some(now), Some(before)) = (count(record), count(was))
                && now < before
            {
                let (table, id) = (&record.table, &record.sys_id);
                self.broke(13, &format!("{table} {id} was told of after {before} changes, and is as after {now}"));
            }
        }
    }
}
