//! Planted bugs of conflicts: what is not asked, not held, or not as the user has said.

use landfall::core::{
    Found, Read, StoreName,
    conflict::Choice,
    stored::{Item, ItemKind, Record, Stored, decode},
};

use super::{
    altered::Altered,
    doing::{Doing, Kind},
    planted::Bug,
    world::World,
};

/// A sync does not see that the user is asked.
pub fn on_read(world: &World, read: &Read, found: &mut Found) {
    let syncs = world.executor.current().is_some_and(|doing| doing.kind == Kind::Sync);
    let (Read::Row(_) | Read::Rows(_), true) = (read, syncs && world.bug == Some(Bug::ConflictNotHeld)) else { return };
    let rows = match found {
        Found::Row(row) => row.iter_mut().collect(),
        Found::Rows(rows) => rows.iter_mut().collect(),
        _ => Vec::new(),
    };
    for row in rows {
        let is_one = world.mirror.borrow().items.contains_key(row.key.text(0));
        if let Some(mut item) = is_one.then(|| decode::<Item>(row).unwrap()).filter(Item::is_in_conflict) {
            item.differs.clear();
            row.body = serde_json::to_string(&item).unwrap().into();
        }
    }
}

pub fn on_commit(altered: &mut Altered<'_>, bug: Bug, doing: &Doing) {
    let word = doing.word.as_ref().map(|(_, choice)| choice);
    match (bug, doing.kind) {
        (Bug::ConflictUnasked, Kind::Sync) => altered.items(|item, before| {
            item.differs.retain(|name, _| before.is_some_and(|before| before.differs.contains_key(name)));
        }),
        (Bug::ConflictNotHeld, _) => altered.hide_conflicts(),
        (Bug::TheirsSent, Kind::Hand) if word == Some(&Choice::Theirs) => altered.send_what_is_given_up(),
        (Bug::MineGivenUp, Kind::Hand) if word == Some(&Choice::Mine) => altered.items(|item, before| {
            if let Some(before) = before {
                item.fields.retain(|name, _| !before.differs.contains_key(name));
            }
        }),
        (Bug::EchoTaken, Kind::Sync) => {
            let gone = altered.gone();
            altered.items(|item, _| {
                let is_change = |item: &Item| item.kind == ItemKind::Update && !item.journal;
                let before = gone.iter().filter(|gone| is_change(gone) && gone.sys_id == item.sys_id);
                if is_change(item) {
                    let names =
                        before.flat_map(|gone| gone.fields.keys()).filter(|name| item.fields.contains_key(*name));
                    item.differs.extend(names.map(|name| (name.clone(), "before".to_owned())));
                }
            });
        }
        (Bug::BaseKept, Kind::Sync) => {
            let before: Vec<Record> = altered.world.mirror.borrow().records.values().cloned().collect();
            altered.records(|record| {
                let was = before.iter().find(|was| was.sys_id == record.sys_id).and_then(|was| was.base.clone());
                record.base = record.base.take().map(|base| was.unwrap_or(base));
            });
        }
        _ => {}
    }
}

impl Altered<'_> {
    fn hide_conflicts(&mut self) {
        for (_, row) in self.set.puts.iter_mut().filter(|(store, _)| *store == StoreName::Outbox) {
            let mut item: Item = decode(row).unwrap();
            item.differs.clear();
            row.index = item.index(&self.world.schema);
        }
    }

    fn send_what_is_given_up(&mut self) {
        let asked: Vec<Item> =
            self.world.mirror.borrow().items.values().filter(|item| item.is_in_conflict()).cloned().collect();
        self.items(|item, before| {
            if let Some(before) = before.filter(|before| before.is_in_conflict()) {
                item.fields.clone_from(&before.fields);
            }
        });
        let dropped = |item: &&Item| self.set.deletes.iter().any(|at| *at == Item::at(&item.id));
        let dropped: Vec<Item> = asked.iter().filter(dropped).cloned().collect();
        for item in dropped {
            let records = self.set.puts.iter().filter(|(store, _)| *store == StoreName::Records);
            let mut records = records.map(|(_, row)| decode::<Record>(row).unwrap());
            let is_its = |record: &Record| record.sys_id == item.sys_id && record.items.is_empty();
            let Some(mut record) = records.find(is_its) else { continue };
            record.items.push(item.id.clone());
            self.set.deletes.retain(|at| *at != Item::at(&item.id));
            self.put(&Item { differs: Default::default(), behind: false, ..item });
            self.put(&record);
        }
    }
}
