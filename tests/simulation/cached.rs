//! The cached table: its time, its pages, and what was deleted of it.

use landfall::{
    core::stored::ItemKind,
    wire::{
        Fields, Query, datetime,
        query::{Op, Term},
    },
};

use super::{ledger::Mirror, story::PARENT, world::World};

pub const CACHED: &str = "incident";
const UPDATED: &str = "sys_updated_on";

impl World {
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
pub fn shown(table: &str, mut row: Fields, fields: Option<&String>) -> Fields {
    if table == PARENT {
        // It has not the fields of its children.
        row.remove("incident");
    }
    let wanted: Option<Vec<&str>> = fields.map(|fields| fields.split(',').collect());
    row.retain(|name, _| wanted.as_ref().is_none_or(|wanted| wanted.contains(&name.as_str())));
    row
}
