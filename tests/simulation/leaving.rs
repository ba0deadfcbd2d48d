//! What leaves the outbox: whether it may, and what has become of it.

use landfall::core::{
    ids,
    stored::{Item, ItemKind, ItemState},
};

use super::{
    doing::{Doing, Intent, Kind},
    ledger::Done,
    model::Fate,
    runs::texts,
    story::UID,
    word::fate_of_overruled,
    world::World,
};

impl World {
    /// A deletion drops what its record has. `discard` drops the item it names; and if that makes a record, what else
    /// that one has, and what refers to it, as the device shows it: not what the user has pointed elsewhere since.
    pub fn drops_no_more(&self, doing: &Doing, done: &Done) {
        let model = self.model.borrow();
        let deletes = |item: &Item| {
            let intents = doing.intents.borrow();
            let number = model.of_item(item);
            // What is before an action goes as it was.
            !intents.iter().any(|intent| matches!(intent, Intent::Run { .. }))
                && intents
                    .iter()
                    .any(|intent| matches!(intent, Intent::Delete { record } if Some(model.now(*record)) == number))
        };
        let may = |item: &Item| {
            doing.discards.as_ref() == Some(&item.id) || deletes(item) || self.gives_up(doing, done, item)
        };
        let (mut dropped, mut rest): (Vec<&Item>, Vec<&Item>) = done.left.iter().partition(|item| may(item));
        let shows = |item: &Item, name: &String, id: &str| {
            let record = done.before.iter().find(|record| record.sys_id == item.sys_id && record.table == item.table);
            let text = record.and_then(|record| record.fields.get(name));
            text.is_some_and(|text| ids::find(text).any(|found| found == id))
        };
        let mut at = 0;
        while let Some(made) = dropped.get(at).copied() {
            at += 1;
            for (_, gone) in made.makes().into_iter().filter(|_| doing.kind == Kind::Hand) {
                let (go, stay) = rest.into_iter().partition(|item| {
                    let acts = item.action.is_some() && texts(item).iter().any(|text| text.contains(gone));
                    // A change that says nothing else is nothing without it, whatever has been said since.
                    let mentions =
                        item.kind == ItemKind::Update && item.fields.values().any(|text| text.contains(gone));
                    acts || mentions || item.sys_id == gone || item.fields.keys().any(|name| shows(item, name, gone))
                });
                let go: Vec<&Item> = go;
                dropped.extend(go);
                rest = stay;
            }
        }
        let paired = |item: &Item| doing.pairs && (item.action.is_some() || self.goes_with_its_record(doing, item));
        // A record that comes back was changed by others meanwhile: in mode “server” that stands.
        let overruled = |item: &Item| {
            let mut before = done.before.iter().filter(|record| record.sys_id == item.sys_id);
            before.any(|record| record.deleted) && fate_of_overruled(self, item).is_some()
        };
        let excused = |item: &Item| paired(item) || overruled(item);
        if let Some(item) = rest.into_iter().find(|item| doing.kind != Kind::Sync && !excused(item)) {
            self.broke(16, &format!("“{}” has dropped {} too", doing.what, self.describe(item)));
        }
    }

    /// The action that is through with this pairing has deleted its record.
    pub fn goes_with_its_record(&self, doing: &Doing, item: &Item) -> bool {
        doing.pairs && item.action.is_none() && self.instance.borrow().gone.contains(&item.sys_id)
    }

    /// An item has left in a sync: the instance has carried it out, or there was nothing left to carry out.
    pub fn fate_in_sync(&self, item: &Item, done: &Done) -> Fate {
        if let Some(fate) = fate_of_overruled(self, item) {
            return fate;
        }
        let instance = self.instance.borrow();
        let model = self.model.borrow();
        let number = model.of_item(item);
        let deleted = number.is_some_and(|number| model.records[number].is_deleted());
        let gone = instance.gone.contains(&item.sys_id);
        let uid = item.fields.get(UID).map(String::as_str).unwrap_or_default();
        let rows = instance.rows_of.get(uid).cloned().unwrap_or_default();
        let carried = |name: &String, value: &String| {
            let on = |row: &String| {
                let mut meant = model.truly(value, &instance.rows_of);
                meant.push(model.plain(value));
                meant.into_iter().any(|value| instance.applied.contains(&(row.clone(), name.clone(), value)))
            };
            let later = |later: &Item| later.fields.get(name).is_some_and(|later| model.same(later, value));
            let here = |later: &&Item| number.is_some() && model.of_item(later) == number && later.id != item.id;
            rows.iter().chain([&item.sys_id]).any(on)
                || self.mirror.borrow().items.values().filter(here).any(later)
                || done.put.iter().filter(here).any(later)
        };
        match item.kind {
            ItemKind::Create if rows.is_empty() && deleted => return Fate::Undone,
            ItemKind::Create if rows.is_empty() => {
                self.broke(16, &format!("{} has left and was never made", self.describe(item)));
            }
            ItemKind::Delete if !gone && instance.row(&item.sys_id).is_some() => {
                self.broke(16, &format!("{} has left and the row is still there", self.describe(item)));
            }
            ItemKind::Delete | ItemKind::Action => {}
            _ if gone || (deleted && rows.iter().all(|row| instance.gone.contains(row)) && !rows.is_empty()) => {}
            ItemKind::Update if item.journal => {
                let text = item.fields.get("work_notes").map(|text| model.plain(text)).unwrap_or_default();
                if !instance.entries.iter().any(|entry| entry.row == item.sys_id && entry.text == text) {
                    // Its record is to be deleted: it was refused, or nobody could tell.
                    if deleted {
                        return Fate::Undone;
                    }
                    self.broke(3, &format!("{} has left and never arrived", self.describe(item)));
                }
            }
            ItemKind::Create | ItemKind::Update => {
                let lost = |(name, value): &(&String, &String)| *name != "work_notes" && !carried(name, value);
                // Its record is to be deleted, and it had not arrived.
                if deleted && item.kind == ItemKind::Update && item.fields.iter().any(|field| lost(&field)) {
                    return Fate::Undone;
                }
                let lost = item.fields.iter().filter(|(_, value)| !value.is_empty()).find(lost);
                if let Some((name, value)) = lost {
                    self.broke(8, &format!("{} has left, and {name}={value} never arrived", self.describe(item)));
                }
            }
        }
        Fate::Sent
    }

    /// Dropped by the user's hand, or with a deletion. What may be at the instance all the same is in doubt then.
    pub fn dropped(&self, doing: &Doing, item: &Item) {
        let mut model = self.model.borrow_mut();
        let Some(number) = model.of_item(item) else { return };
        let sent = item.state == ItemState::Unknown || item.may_be_made;
        // Of a change that nobody can tell of the user has said enough.
        let told = item.in_vain && item.kind == ItemKind::Update;
        if sent && !told && doing.kind == Kind::Write {
            self.broke(16, &format!("{} was dropped by a deletion while it may be carried out", self.describe(item)));
        }
        let sys_id = model.plain(&item.sys_id);
        let mut instance = self.instance.borrow_mut();
        // Carried out, its answer lost, and refused when it was sent again, in other words perhaps: then nobody here
        // knows, either.
        let in_doubt = |name: &&String| {
            let writes = model.records[number].writes.get(*name).into_iter().flatten();
            let unsent = writes.filter(|write| write.fate != Fate::Sent);
            let mut unsent = unsent.flat_map(|write| {
                let mut meant = model.truly(&write.value, &instance.rows_of);
                meant.push(model.plain(&write.value));
                meant
            });
            sent || unsent.any(|value| instance.applied.contains(&(sys_id.clone(), (*name).clone(), value)))
        };
        let loose: Vec<_> = item.fields.keys().filter(in_doubt).map(|name| (sys_id.clone(), name.clone())).collect();
        let made =
            doing.kind == Kind::Hand && item.fields.get(UID).is_some_and(|uid| instance.rows_of.contains_key(uid));
        instance.loose.extend(loose);
        model.records[number].doubt |= sent || made;
    }
}
