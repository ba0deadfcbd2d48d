//! What planted bugs write in the place of what should be.

use landfall::{
    core::{
        Row, RowKey, StoreName, WriteSet,
        schema::Schema,
        stored::{Action, Alias, Birth, Item, ItemKind, ItemState, Record, Stored, decode},
    },
    wire::Fields,
};

use super::{runs::brings, world::World};

pub struct Altered<'a> {
    pub world: &'a World,
    pub set: WriteSet,
}

pub fn again<T: Stored>(schema: &Schema, row: &mut Row, form: &T) {
    row.body = serde_json::to_string(form).unwrap().into();
    row.index = form.index(schema);
}

impl Altered<'_> {
    pub fn items(&mut self, change: impl Fn(&mut Item, Option<&Item>)) {
        let mirror = self.world.mirror.borrow();
        for (_, row) in self.set.puts.iter_mut().filter(|(store, _)| *store == StoreName::Outbox) {
            let mut item: Item = decode(row).unwrap();
            let before = mirror.items.get(&item.id);
            change(&mut item, before);
            again(&self.world.schema, row, &item);
        }
    }

    /// The second is the action as it was, or as it is if it is new.
    pub fn actions(&mut self, change: impl Fn(&mut Action, &Action)) {
        self.items(|item, before| {
            if let Some(action) = item.action.as_deref_mut() {
                let before = before.and_then(|before| before.action.as_deref()).unwrap_or(action).clone();
                change(action, &before);
            }
        });
    }

    /// The items that go with this.
    pub fn gone(&self) -> Vec<Item> {
        let gone = |at: &RowKey| self.world.mirror.borrow().items.get(at.key.text(0)).cloned();
        let outbox = self.set.deletes.iter().filter(|at| at.store == StoreName::Outbox);
        outbox.filter_map(gone).collect()
    }

    pub fn leave_what_is_undone(&mut self) {
        let gone = self.gone();
        self.records(|record| {
            let gone = gone.iter().filter(|item| item.action.is_some());
            let fields = gone.filter_map(|item| brings(item, |id| id == record.sys_id));
            record.fields.extend(fields.flatten().map(|(name, value)| (name.clone(), value.clone())));
        });
    }

    pub fn leave_what_is_deleted(&mut self) {
        let gone = self.gone();
        self.records(|record| {
            let mut parts = gone.iter().filter_map(|item| item.action.as_ref()).flat_map(|action| &action.parts);
            record.deleted |= parts.any(|part| part.kind == ItemKind::Delete && part.sys_id == record.sys_id);
        });
    }

    pub fn forget_what_is_named(&mut self) {
        let records = self.set.puts.iter().filter(|(store, _)| *store == StoreName::Records);
        let here: Vec<String> = records.map(|(_, row)| decode::<Record>(row).unwrap().sys_id).collect();
        let mirror = self.world.mirror.borrow();
        self.set.puts.retain(|(_, row)| {
            let sys_id = row.key.text(2);
            row.key.text(0) != "wanted"
                || here.iter().any(|id| id == sys_id)
                || mirror.records.values().any(|record| record.sys_id == sys_id)
        });
    }

    pub fn records(&mut self, change: impl Fn(&mut Record)) {
        for (_, row) in self.set.puts.iter_mut().filter(|(store, _)| *store == StoreName::Records) {
            let mut record: Record = decode(row).unwrap();
            change(&mut record);
            again(&self.world.schema, row, &record);
        }
    }

    pub fn forget_the_owner(&mut self) {
        for (_, row) in self.set.puts.iter_mut().filter(|(_, row)| row.key == Birth::at().key) {
            let birth = Birth { id: decode::<Birth>(row).unwrap().id, ..Birth::default() };
            again(&self.world.schema, row, &birth);
        }
    }

    pub fn drop_first(&mut self, which: impl Fn(&Item) -> bool) {
        let found = self
            .set
            .puts
            .iter()
            .position(|(store, row)| *store == StoreName::Outbox && which(&decode::<Item>(row).unwrap()));
        if let Some(place) = found {
            self.set.puts.remove(place);
        }
    }

    pub fn leave_a_reference(&mut self) {
        if self.set.puts.iter().any(|(store, _)| *store == StoreName::Aliases) {
            self.items(|item, before| {
                if let Some(before) = before.filter(|before| before.mentions.len() > item.mentions.len()) {
                    item.fields.clone_from(&before.fields);
                }
            });
        }
    }

    pub fn drop_refused(&mut self) {
        let refused: Vec<Item> = self
            .set
            .puts
            .iter()
            .filter(|(store, _)| *store == StoreName::Outbox)
            .map(|(_, row)| decode::<Item>(row).unwrap())
            .filter(|item| item.state == ItemState::Refused && item.kind == ItemKind::Update)
            .collect();
        for item in refused {
            self.set.puts.retain(|(_, row)| row.key != Item::at(&item.id).key);
            self.set.deletes.push(Item::at(&item.id));
            let mirror = self.world.mirror.borrow();
            let held = mirror.records.values().find(|record| record.items.contains(&item.id)).cloned();
            drop(mirror);
            if let Some(mut record) = held {
                record.items.retain(|id| *id != item.id);
                self.put(&record);
            }
        }
    }

    pub fn keep_creates(&mut self) {
        let aliases = self.set.puts.iter().filter(|(store, _)| *store == StoreName::Aliases);
        let aliases: Vec<Alias> = aliases.map(|(_, row)| decode(row).unwrap()).collect();
        for (temporary, sys_id) in aliases.into_iter().filter_map(|alias| Some((alias.temporary, alias.sys_id?))) {
            let mirror = self.world.mirror.borrow();
            let create = |item: &&Item| item.kind == ItemKind::Create && item.sys_id == temporary;
            let Some(item) = mirror.items.values().find(create).cloned() else { continue };
            drop(mirror);
            self.set.deletes.retain(|at| at.key != Item::at(&item.id).key);
            self.put(&Item { state: ItemState::Queued, sys_id, ..item });
        }
    }

    pub fn put<T: Stored>(&mut self, form: &T) {
        let key = form.key(&self.world.schema);
        self.set.puts.retain(|(store, row)| *store != T::STORE || row.key != key);
        let body = serde_json::to_string(form).unwrap();
        let row =
            Row { key, rev: f64::from(self.world.number()), index: form.index(&self.world.schema), body: body.into() };
        self.set.puts.push((T::STORE, row));
    }

    /// Makes the record's newest item part of the one before it.
    pub fn fold(&mut self, which: impl Fn(&Item, &Item) -> bool) {
        let decoded = self.set.puts.iter().filter(|(store, _)| *store == StoreName::Records);
        let records: Vec<Record> = decoded.map(|(_, row)| decode(row).unwrap()).collect();
        for mut record in records {
            let [.., before, fresh] = record.items.as_slice() else { continue };
            let at: RowKey = Item::at(fresh);
            let put = self.set.puts.iter().find(|(store, row)| *store == StoreName::Outbox && row.key == at.key);
            let Some(fresh) = put.map(|(_, row)| decode::<Item>(row).unwrap()) else { continue };
            let Some(mut item) = self.world.mirror.borrow().items.get(before).cloned() else { continue };
            let known = self.world.mirror.borrow().items.contains_key(&fresh.id);
            if known || !which(&item, &fresh) {
                continue;
            }
            let fields: Fields = fresh.fields.clone();
            item.fields.extend(fields);
            item.mentions.extend(fresh.mentions.clone());
            record.items.pop();
            self.set.puts.retain(|(store, row)| *store != StoreName::Outbox || row.key != at.key);
            self.put(&item);
            self.put(&record);
        }
    }
}
