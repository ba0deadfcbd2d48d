//! Colleagues: they change at the instance what the users change on their devices, each time to a value that nobody else writes.

use std::collections::BTreeMap;

use landfall::{
    core::stored::{Item, ItemKind},
    wire::{Fields, Method, Request},
};

use super::{
    instance::{CORRELATION, Instance, split, stamp},
    online::MARK,
    story::{PARENT, TABLES, UID, references},
    world::World,
};

/// What the instance has been told of one value, last.
#[derive(Clone, Copy)]
pub struct Stored {
    /// In ms, as time really passes.
    pub at: u64,
    /// Among all that was stored.
    pub turn: u64,
}

/// A colleague's value that a request of the device has gone over.
pub struct GoneOver {
    pub sys_id: String,
    pub field: String,
    pub theirs: String,
    pub ours: String,
    pub request: Request,
}

type Value = (String, String, String);

/// Who has written what at the instance.
#[derive(Default)]
pub struct Written {
    /// By the row, the field, and the value.
    by_colleagues: BTreeMap<Value, Stored>,
    by_devices: BTreeMap<Value, Stored>,
    turn: u64,
    pub gone_over: Vec<GoneOver>,
}

impl Written {
    pub fn theirs(&self, sys_id: &str, field: &str, value: &str) -> Option<Stored> {
        self.by_colleagues.get(&(sys_id.to_owned(), field.to_owned(), value.to_owned())).copied()
    }

    pub fn ours(&self, sys_id: &str, field: &str, value: &str) -> Option<Stored> {
        self.by_devices.get(&(sys_id.to_owned(), field.to_owned(), value.to_owned())).copied()
    }

    pub fn note_ours(&mut self, sys_id: &str, field: &str, value: &str, at: u64) {
        self.turn += 1;
        let stored = Stored { at, turn: self.turn };
        self.by_devices.insert((sys_id.to_owned(), field.to_owned(), value.to_owned()), stored);
    }
}

impl Instance {
    /// As another user would.
    pub fn change(&mut self, sys_id: &str, field: &str) {
        self.written.turn += 1;
        let stored = Stored { at: self.now, turn: self.written.turn };
        // In a list a colleague may name any: nobody else writes the same all the same.
        let any: Vec<&String> = self.rows(PARENT).filter_map(|row| row.get("sys_id")).collect();
        let named = any.get(usize::try_from(stored.turn).unwrap_or_default() % any.len().max(1));
        let value = match named.filter(|_| field == "watch") {
            Some(id) => format!("c{},{id}", stored.turn),
            None => format!("c{}", stored.turn),
        };
        let was = self.row(sys_id).cloned();
        self.before.extend(was.map(|row| (sys_id.to_owned(), row)));
        let updated = stamp(self.now / 1000);
        let Some(row) = self.row_mut(sys_id) else { return };
        count_up(row);
        row.insert(field.to_owned(), value.clone());
        row.insert("sys_updated_on".to_owned(), updated);
        self.written.by_colleagues.insert((sys_id.to_owned(), field.to_owned(), value), stored);
    }

    /// Changes what a request is about, as its user does.
    pub fn outrun(&mut self, request: &Request, which: usize) {
        let (path, parameters) = split(&request.path);
        let asked = parameters.get("sysparm_query").and_then(|query| query.strip_prefix("sys_idIN"));
        let ids: Vec<String> = match asked.filter(|_| request.method == Method::Get) {
            Some(ids) => ids.split(',').map(str::to_owned).collect(),
            None => path.rsplit_once('/').map(|(_, id)| id.to_owned()).into_iter().collect(),
        };
        let body = super::watch::body_of(request);
        for id in ids {
            let Some(table) = self.row(&id).map(|row| row["sys_class_name"].clone()) else { continue };
            let own: Vec<&str> = body.keys().map(String::as_str).filter(|name| may_be_changed(name)).collect();
            let all = fields(&table);
            let field = if own.is_empty() { all[which % all.len()] } else { own[which % own.len()] };
            self.change(&id, field);
        }
    }

    /// A request of a device, and no step of an action, changes a row.
    pub fn goes_over(&mut self, row: &Fields, field: &str, ours: &str, request: &Request) {
        let (sys_id, theirs) = (&row["sys_id"], row.get(field).map_or("", String::as_str));
        let kept = self.dropping.as_deref() != Some(field);
        if kept && theirs != ours && self.written.theirs(sys_id, field, theirs).is_some() {
            self.written.gone_over.push(GoneOver {
                sys_id: sys_id.clone(),
                field: field.to_owned(),
                theirs: theirs.to_owned(),
                ours: ours.to_owned(),
                request: request.clone(),
            });
        }
    }

    /// Whether the row is not any more as the request takes it to be.
    pub fn is_outdated(&self, request: &Request, row: &Fields) -> bool {
        let only_at = request.headers.iter().find(|(name, _)| name == "If-Match").map(|(_, count)| count);
        let count = format!("\"{}\"", row.get("sys_mod_count").map_or("", String::as_str));
        self.setup.if_match && only_at.is_some_and(|only_at| *only_at != count)
    }
}

impl World {
    /// A colleague makes a record, which may point to others.
    pub fn colleague_adds(&self) {
        let table = TABLES[[0, 0, 1, 2][self.below(4)]];
        let mut fields = Fields::new();
        if self.below(3) > 0 {
            fields.insert("u_other".to_owned(), format!("o{}", self.number()));
        }
        let mut instance = self.instance.borrow_mut();
        for (name, tables) in references(table).iter().filter(|(name, _)| *name != "description") {
            let all: Vec<&String> =
                tables.iter().flat_map(|of| instance.rows(of)).filter_map(|row| row.get("sys_id")).collect();
            if let Some(id) = all.get(self.below(all.len() * 2)) {
                fields.insert((*name).to_owned(), (*id).clone());
            }
        }
        instance.put(table, fields, self.elapsed.get() / 1000);
    }

    /// A colleague changes a record, now and then the same that is changed here.
    pub fn colleague_changes(&self, row: usize, which: usize) {
        let here: Vec<(String, Vec<String>)> = {
            let (mirror, instance) = (self.mirror.borrow(), self.instance.borrow());
            let there = |item: &Item| match item.fields.get(UID).filter(|_| item.kind == ItemKind::Create) {
                Some(uid) => instance.rows_of.get(uid)?.last().cloned(),
                None => Some(item.sys_id.clone()),
            };
            let names = |item: &Item| item.fields.keys().filter(|name| may_be_changed(name)).cloned().collect();
            let items = mirror.items.values().filter(|item| item.action.is_none());
            items.filter_map(|item| Some((there(item)?, names(item)))).collect()
        };
        let chosen = here.get(row % here.len().max(1)).filter(|_| !row.is_multiple_of(3)).cloned();
        let (id, names) = match chosen {
            Some(chosen) => chosen,
            None => (self.some_row(row).unwrap_or_default(), Vec::new()),
        };
        let mut instance = self.instance.borrow_mut();
        instance.now = self.elapsed.get();
        let Some(table) = instance.row(&id).map(|row| row["sys_class_name"].clone()) else { return };
        let all = fields(&table);
        match names.get(which % names.len().max(1)).filter(|_| !which.is_multiple_of(4)) {
            Some(name) => instance.change(&id, name),
            None => instance.change(&id, all[which % all.len()]),
        }
    }
}

/// With each change.
pub fn count_up(row: &mut Fields) {
    let count = row.get("sys_mod_count").and_then(|count| count.parse::<u32>().ok());
    row.insert("sys_mod_count".to_owned(), count.map_or(0, |count| count + 1).to_string());
}

/// What colleagues change: what the users change, more and less often, and what none does.
pub fn fields(table: &str) -> Vec<&'static str> {
    let mut fields = vec!["short_description", "short_description", "short_description", "u_level", "u_other"];
    fields.extend(references(table).iter().map(|(name, _)| *name));
    fields
}

/// Nobody has a say in the others, or they are only added to.
pub fn may_be_changed(field: &str) -> bool {
    ![CORRELATION, UID, MARK, "work_notes"].contains(&field)
}
