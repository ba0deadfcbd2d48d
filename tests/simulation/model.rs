//! What the app was told, and what must therefore come true: kept apart from everything the engine keeps.

use std::collections::{BTreeMap, BTreeSet};

use landfall::{
    core::{
        ids,
        stored::{Item, ItemKind},
    },
    wire::Fields,
};

use super::{
    doing::Intent,
    online::HERE,
    runs::{Told, brings},
    story::UID,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In the outbox.
    Pending,
    /// At the instance.
    Sent,
    /// Dropped by the user, by name; or replaced by a later write in the same item.
    Undone,
}

/// One value written to one field, one entry of a journal, or one deletion.
#[derive(Clone, Debug)]
pub struct Write {
    pub value: String,
    /// The items that carry it.
    pub carriers: BTreeSet<String>,
    pub fate: Fate,
    /// When the user wrote it, and when he last said that it is to stand.
    pub at: u64,
    pub said: u64,
    /// When one of these last brought it to the instance, counted in items that have left; 0 if none has.
    sent: u64,
    /// It was to come once more, behind an action, and does not.
    not_again: bool,
}

impl Write {
    fn new(value: String, carriers: BTreeSet<String>, at: u64) -> Self {
        Self { value, carriers, fate: Fate::Pending, at, said: at, sent: 0, not_again: false }
    }

    /// Its last carrier has not brought it.
    fn loses_its_last(&mut self, fate: Fate) {
        self.not_again = self.sent > 0;
        self.fate = if self.not_again { Fate::Sent } else { fate };
    }
}

#[derive(Clone, Debug, Default)]
pub struct Rec {
    pub uid: Option<String>,
    pub table: String,
    /// The id it had first: temporary, if it was made here.
    pub id: String,
    pub here: bool,
    /// The app was told that it is saved.
    pub told: bool,
    pub writes: BTreeMap<String, Vec<Write>>,
    pub entries: Vec<Write>,
    pub deletions: Vec<Write>,
    /// Its create was dropped, by name or with a deletion: the instance must not have it.
    pub dropped: bool,
    /// Whether it was made could not be known when the user decided about it.
    pub doubt: bool,
    /// A request without a key may have been carried out twice: twins, reported, are within the promise.
    pub may_twin: bool,
    /// It is the one that was made here, as is known since an action was answered: a pull had been first.
    pub merged: Option<usize>,
}

impl Rec {
    pub fn is_deleted(&self) -> bool {
        self.deletions.iter().any(|deletion| deletion.fate != Fate::Undone)
    }

    /// What the field must come to hold, if it was ever written and not undone.
    pub fn last(&self, field: &str) -> Option<&Write> {
        self.writes.get(field)?.iter().rev().find(|write| write.fate != Fate::Undone)
    }

    /// A value that came with one item, and does not come again with another, came before what has followed that first one.
    fn set_back(&mut self) {
        for writes in self.writes.values_mut() {
            while let Some(place) = writes.iter().position(|write| write.not_again) {
                let write = Write { not_again: false, ..writes.remove(place) };
                let follows = |other: &Write| other.fate == Fate::Pending || other.sent > write.sent;
                let to = writes.iter().position(follows).map_or(place, |first| first.min(place));
                writes.insert(to, write);
            }
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Write> {
        self.writes.values_mut().flatten().chain(&mut self.entries).chain(&mut self.deletions)
    }
}

#[derive(Default)]
pub struct Model {
    pub records: Vec<Rec>,
    pub runs: Vec<Told>,
    by_id: BTreeMap<String, usize>,
    /// When what is written now is written.
    pub now: u64,
    /// Items that have left.
    left: u64,
    /// The permanent ids of temporary ones, as the device has them.
    pub aliases: BTreeMap<String, String>,
}

impl Model {
    /// With permanent ids in place of temporary ones.
    pub fn plain(&self, value: &str) -> String {
        let mut text = value.to_owned();
        let found: Vec<String> = ids::find(value).map(str::to_owned).collect();
        for id in found {
            if let Some(sys_id) = self.aliases.get(&id) {
                text = text.replace(&id, sys_id);
            }
        }
        text
    }

    /// With what the instance has put in place of temporary ids, which the device may not know yet, or not any more. Of a
    /// record that it may have twice, either may be meant.
    pub fn truly(&self, value: &str, rows_of: &BTreeMap<String, Vec<String>>) -> Vec<String> {
        ids::find(value).fold(vec![value.to_owned()], |texts, id| {
            let record = self.find(id).map(|number| &self.records[number]);
            let rows = record.and_then(|record| rows_of.get(record.uid.as_ref()?));
            let rows = rows.map(Vec::as_slice).unwrap_or_default();
            let likely = if record.is_some_and(|record| record.may_twin) { 0 } else { rows.len().saturating_sub(1) };
            let rows = rows.get(likely..).unwrap_or_default();
            if rows.is_empty() {
                return texts;
            }
            rows.iter().flat_map(|row| texts.iter().map(move |text| text.replace(id, row))).collect()
        })
    }

    pub fn same(&self, one: &str, other: &str) -> bool {
        one == other || self.plain(one) == self.plain(other)
    }

    /// The record that has or had this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub fn of_item(&self, item: &Item) -> Option<usize> {
        self.find(&item.sys_id)
    }

    /// Gives the record, if it turns out to be one that is known by the permanent id already.
    pub fn note_alias(&mut self, temporary: &str, sys_id: &str) -> Option<usize> {
        self.aliases.insert(temporary.to_owned(), sys_id.to_owned());
        let number = self.find(temporary)?;
        let there = self.find(sys_id).filter(|there| *there != number);
        if let Some(there) = there {
            self.merge(number, there);
        }
        self.by_id.insert(sys_id.to_owned(), number);
        there.map(|_| number)
    }

    /// What was written to the row that a pull had brought was written to the record that is made here.
    fn merge(&mut self, number: usize, there: usize) {
        self.records[there].merged = Some(number);
        let other = std::mem::take(&mut self.records[there].writes);
        let (entries, deletions) =
            (std::mem::take(&mut self.records[there].entries), std::mem::take(&mut self.records[there].deletions));
        let (doubt, may_twin) = (self.records[there].doubt, self.records[there].may_twin);
        let record = &mut self.records[number];
        (record.doubt, record.may_twin) = (record.doubt || doubt, record.may_twin || may_twin);
        for (name, writes) in other {
            let mine = record.writes.entry(name).or_default();
            // After what it was made of, before what follows here.
            let place = mine.iter().position(|write| write.fate != Fate::Undone).map_or(mine.len(), |first| first + 1);
            mine.splice(place..place, writes);
        }
        record.entries.extend(entries);
        record.deletions.extend(deletions);
    }

    /// The same record, if it is known to be another one since.
    pub fn now(&self, number: usize) -> usize {
        self.records[number].merged.unwrap_or(number)
    }

    fn brings<'a>(&self, item: &'a Item, number: usize) -> Option<&'a Fields> {
        brings(item, |id| self.find(id) == Some(number))
    }

    /// A record the instance had first.
    pub fn adopt(&mut self, table: &str, id: &str) -> usize {
        if let Some(number) = self.find(id) {
            return number;
        }
        self.add(Rec { table: table.to_owned(), id: id.to_owned(), told: true, ..Rec::default() })
    }

    fn add(&mut self, record: Rec) -> usize {
        let number = self.records.len();
        self.by_id.insert(record.id.clone(), number);
        self.records.push(record);
        number
    }

    /// A write of the app is on disk, carried by these items.
    pub fn write(
        &mut self,
        intent: &Intent,
        id_of: &dyn Fn(&str) -> Option<String>,
        put: &[Item],
    ) -> Result<(), String> {
        match intent {
            Intent::Create { uid, table, fields } => {
                let id = id_of(uid).ok_or_else(|| format!("the record {uid} was not written"))?;
                let record = Rec { uid: Some(uid.clone()), table: table.clone(), id, here: true, ..Rec::default() };
                let number = self.add(record);
                self.take(number, fields, put)
            }
            Intent::Change { record, fields } => self.take(self.now(*record), fields, put),
            Intent::Run { plan, item, brief } => {
                let put = put.iter().find(|put| put.id == *item);
                let action = put.and_then(|item| item.action.as_ref()).ok_or("its item was not written")?;
                self.runs.push(Told {
                    plan: plan.clone(),
                    item: item.clone(),
                    brief: brief.clone(),
                    by_app: action.name == HERE,
                    fate: Fate::Pending,
                    doubt: false,
                    may_repeat: BTreeSet::new(),
                });
                match brief.as_deref().and_then(id_of) {
                    Some(id) => Err(format!("what was deleted again is there as {id}")),
                    None => Ok(()),
                }
            }
            Intent::Delete { record } => {
                let record = self.now(*record);
                let deletes = |item: &&Item| match &item.action {
                    None => item.kind == ItemKind::Delete && self.of_item(item) == Some(record),
                    Some(action) => {
                        let mut deleted = action.parts.iter().filter(|part| part.kind == ItemKind::Delete);
                        deleted.any(|part| self.find(part.id()) == Some(record))
                    }
                };
                let items = put.iter().filter(deletes);
                let carriers: BTreeSet<String> = items.map(|item| item.id.clone()).collect();
                if carriers.is_empty() {
                    return Ok(());
                }
                self.records[record].deletions.push(Write::new(String::new(), carriers, self.now));
                Ok(())
            }
        }
    }

    fn take(&mut self, number: usize, fields: &Fields, put: &[Item]) -> Result<(), String> {
        for (name, value) in fields.iter().filter(|(name, _)| *name != UID) {
            let carries = |item: &&Item| {
                let fields = self.brings(item, number);
                fields.and_then(|fields| fields.get(name)).is_some_and(|carried| self.same(carried, value))
            };
            let carriers: BTreeSet<String> = put.iter().filter(carries).map(|item| item.id.clone()).collect();
            let entry = name == "work_notes";
            self.reword(number, name, put);
            if carriers.is_empty() {
                let known = self.records[number].last(name);
                if entry || known.is_some_and(|known| !self.same(&known.value, value)) {
                    return Err(format!("no item carries {name}={value}"));
                }
                continue;
            }
            let at = self.now;
            let record = &mut self.records[number];
            let write = Write::new(value.clone(), carriers, at);
            if entry { record.entries.push(write) } else { record.writes.entry(name.clone()).or_default().push(write) }
        }
        Ok(())
    }

    /// What an item carries no more, because it has another value of the field now, does not arrive with it.
    fn reword(&mut self, number: usize, name: &str, put: &[Item]) {
        let mut writes = self.records[number].writes.remove(name).unwrap_or_default();
        for write in &mut writes {
            let carried = |item: &&Item| {
                brings(item, |id| self.find(id) == Some(number)).and_then(|fields| fields.get(name)).cloned()
            };
            let other = |item: &&Item| carried(item).is_some_and(|carried| !self.same(&carried, &write.value));
            let reworded: Vec<&String> = put.iter().filter(other).map(|item| &item.id).collect();
            let before = write.carriers.len();
            write.carriers.retain(|id| !reworded.contains(&id));
            if write.carriers.is_empty() && write.carriers.len() < before && write.fate == Fate::Pending {
                write.loses_its_last(Fate::Undone);
            }
        }
        if !writes.is_empty() {
            self.records[number].writes.insert(name.to_owned(), writes);
            self.records[number].set_back();
        }
    }

    /// An item has left: carried out, or dropped.
    pub fn leave(&mut self, item: &Item, fate: Fate) {
        let numbers: BTreeSet<usize> = item.records().into_iter().filter_map(|(_, id)| self.find(id)).collect();
        self.left += 1;
        for number in numbers {
            for write in self.records[number].all() {
                let carried = write.carriers.remove(&item.id);
                if carried && fate == Fate::Sent {
                    write.sent = self.left;
                }
                match (carried && write.carriers.is_empty() && write.fate == Fate::Pending, fate) {
                    (true, Fate::Sent) => write.fate = fate,
                    (true, _) => write.loses_its_last(fate),
                    (false, _) => {}
                }
            }
            self.records[number].set_back();
        }
    }

    /// What an action was to bring to a record has arrived: the record has.
    pub fn land(&mut self, item: &str, id: &str) {
        let Some(number) = self.find(id) else { return };
        for write in self.records[number].all() {
            if write.carriers.remove(item) {
                write.sent = self.left;
                if write.carriers.is_empty() && write.fate == Fate::Pending {
                    write.fate = Fate::Sent;
                }
            }
        }
    }

    /// What an item no longer has in it, because what it pointed to was dropped, does not arrive with it.
    pub fn loosen(&mut self, item: &Item) {
        let Some(number) = self.of_item(item) else { return };
        for (_, writes) in self.records[number].writes.iter_mut().filter(|(name, _)| !item.fields.contains_key(*name)) {
            for write in writes {
                let carried = write.carriers.remove(&item.id);
                if carried && write.carriers.is_empty() && write.fate == Fate::Pending {
                    write.loses_its_last(Fate::Undone);
                }
            }
        }
        self.records[number].set_back();
    }

    /// An edited item may stand before others, as may one of another record that turns out to be this: what the last of them
    /// carries is what stands.
    pub fn in_order(&mut self, number: usize, items: &[String]) {
        let place = |write: &Write| {
            let places = write.carriers.iter().filter_map(|id| items.iter().position(|item| item == id));
            places.max().map_or(0, |place| place + 1)
        };
        for writes in self.records[number].writes.values_mut() {
            writes.sort_by_key(place);
        }
    }

    /// An entry was edited into another before it was carried out.
    pub fn replace_entry(&mut self, number: usize, item: &str) {
        let number = self.now(number);
        for entry in self.records[number].entries.iter_mut().filter(|entry| entry.carriers.contains(item)) {
            entry.fate = Fate::Undone;
            entry.carriers.clear();
        }
    }

    /// An item that the engine has made to send what a first request did not have in it.
    pub fn follow(&mut self, item: &Item) {
        let Some(number) = self.of_item(item) else { return };
        for (name, value) in &item.fields {
            let last = self.records[number].writes.get(name).map_or(0, Vec::len);
            for place in (0..last).rev() {
                let write = &self.records[number].writes[name][place];
                if write.fate != Fate::Undone && self.same(&write.value, value) {
                    let write = &mut self.records[number].writes.get_mut(name).unwrap()[place];
                    write.carriers.insert(item.id.clone());
                    write.fate = Fate::Pending;
                    break;
                }
            }
        }
    }
}
