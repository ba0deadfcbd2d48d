//! The cached table: what is on the device of it, and what the instance has.

use std::collections::BTreeSet;

use landfall::{
    core::stored::{ItemKind, Record},
    wire::{
        Fields, Query, datetime,
        query::{Op, Term},
    },
};

use super::{ledger::Mirror, world::World};

pub const CACHED: &str = "incident";
const UPDATED: &str = "sys_updated_on";

impl World {
    /// The last refresh was a whole one, and nothing has changed since.
    pub fn check_cache(&self) {
        let (mirror, instance) = (self.mirror.borrow(), self.instance.borrow());
        let here: Vec<&Record> = mirror.records.values().filter(|record| record.table == CACHED).collect();
        for row in instance.rows(CACHED) {
            let sys_id = &row["sys_id"];
            let Some(record) = here.iter().find(|record| record.sys_id == *sys_id) else {
                self.broke(13, &format!("{sys_id} is at the instance, and no refresh has brought it"));
                continue;
            };
            let differs = |(name, value): &(&String, &String)| record.fields.get(*name) != Some(*value);
            if record.items.is_empty()
                && let Some((name, value)) = row.iter().find(differs)
            {
                let here = record.fields.get(name);
                self.broke(13, &format!("{name} of {sys_id} is “{value}” at the instance, and {here:?} here"));
            }
        }
        let there: BTreeSet<&String> = instance.rows(CACHED).map(|row| &row["sys_id"]).collect();
        for record in here {
            if record.items.is_empty() && !record.is_temporary() && !there.contains(&record.sys_id) {
                self.broke(13, &format!("{} has gone at the instance, and no refresh has removed it", record.sys_id));
            }
        }
    }

    /// Deleted here, a record is not shown again before the instance knows.
    pub fn watch_deleted(&self, mirror: &Mirror) {
        for record in mirror.records.values().filter(|record| !record.deleted) {
            let deletes = |id: &String| mirror.items.get(id).is_some_and(|item| item.kind == ItemKind::Delete);
            if record.items.iter().any(deletes) {
                self.broke(13, &format!("{} is deleted, and is shown again", record.sys_id));
            }
        }
    }
}

/// The text of a time is one of another zone, by so many hours.
pub fn in_zone(mut query: Query, hours: i64) -> Query {
    let shift = |text: &mut String| {
        let moved = datetime::parse(text).and_then(|at| datetime::to_servicenow(at + hours * 3600));
        *text = moved.unwrap_or_else(|| std::mem::take(text));
    };
    let terms = query.groups.iter_mut().flat_map(|group| &mut group.all).flat_map(|any_of| &mut any_of.any);
    for Term { op, .. } in terms.filter(|term| term.field == UPDATED) {
        match op {
            Op::Equals(at) | Op::Less(at) | Op::Greater(at) | Op::GreaterOrEqual(at) => shift(at),
            _ => {}
        }
    }
    query
}

/// What a page shows of its rows.
pub fn shown(mut row: Fields, fields: Option<&String>) -> Fields {
    let wanted: Option<Vec<&str>> = fields.map(|fields| fields.split(',').collect());
    row.retain(|name, _| wanted.as_ref().is_none_or(|wanted| wanted.contains(&name.as_str())));
    row
}
