//! Which of the instance's records is which of those that an offline step made.

use std::collections::BTreeMap;

use super::{
    ids,
    schema::Schema,
    stored::{Action, ItemKind},
};
use crate::wire::action::RecordForSync;

/// What the online step has named, held against what the offline step made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairing {
    /// Temporary → permanent.
    pub pairs: BTreeMap<String, String>,
    /// Made here, and it is not clear which record of the instance each is: table and temporary id.
    pub open: Vec<(String, String)>,
    /// Named, and none of those made here for all that is clear.
    pub left: Vec<RecordForSync>,
}

impl Pairing {
    /// Whether nothing is left to guess.
    pub fn is_clear(&self) -> bool {
        self.open.is_empty()
    }
}

/// By what is known already, and by the temporary ids that the step has given; else, where exactly one record of a table
/// is open and exactly one is named; else in order of creation, if the app has said so. Never a guess: what is left is
/// left open.
///
/// What the device holds already, `held` of those named, is itself: it could only be meant by its temporary id.
pub fn pairing(schema: &Schema, action: &Action, named: &[RecordForSync], held: &[RecordForSync]) -> Pairing {
    let mut pairs = action.pairs.clone();
    let mut open: Vec<(String, String)> = action.made().map(|part| (part.table.clone(), part.sys_id.clone())).collect();
    open.retain(|(_, temporary)| !pairs.contains_key(temporary));
    let mut left: Vec<RecordForSync> = Vec::new();
    // Named for a record that is not open, or there before: for which other one it should be taken is not to be guessed.
    let mut others: Vec<RecordForSync> = Vec::new();
    for record in named {
        let is_this = |table: &str, sys_id: &str| sys_id == record.sys_id && akin(schema, table, &record.table);
        let known = taken_for(schema, action, &pairs, &record.table, &record.sys_id).is_some()
            || left.iter().any(|other| is_this(&other.table, &other.sys_id))
            || action.parts.iter().any(|part| part.kind != ItemKind::Create && is_this(&part.table, &part.sys_id));
        if record.sys_id.is_empty() || ids::is_temporary(&record.sys_id) || known {
            continue;
        }
        let meant = record.temp_sys_id.as_ref().and_then(|temporary| {
            open.iter().position(|(table, open)| open == temporary && akin(schema, table, &record.table))
        });
        match meant {
            Some(at) => {
                let (_, temporary) = open.remove(at);
                pairs.insert(temporary, record.sys_id.clone());
            }
            None if record.temp_sys_id.is_some() || held.contains(record) => others.push(record.clone()),
            None => left.push(record.clone()),
        }
    }
    let besides: Vec<&RecordForSync> = others.iter().filter(|record| record.temp_sys_id.is_none()).collect();
    for (table, temporary) in open.clone() {
        let of_table: Vec<&RecordForSync> = left.iter().filter(|record| akin(schema, &table, &record.table)).collect();
        let could_be = |other: &str| of_table.iter().any(|record| akin(schema, other, &record.table));
        let others = open.iter().filter(|(other, _)| could_be(other)).count();
        let only_one = others == 1 && of_table.len() == 1;
        // In order only where each has its own: of what is missing, or named besides, nobody could tell which it is. Nor
        // of what the device holds: a pull may have brought just what the step has made.
        let in_order = action.pairs_in_order && of_table.len() == others;
        let clear = (only_one || in_order) && !besides.iter().any(|record| akin(schema, &table, &record.table));
        if let Some(first) = of_table.first().filter(|_| clear).map(|record| (*record).clone()) {
            open.retain(|(_, other)| *other != temporary);
            left.retain(|record| *record != first);
            pairs.insert(temporary, first.sys_id);
        }
    }
    left.extend(others);
    Pairing { pairs, open, left }
}

/// The record made here that this one of the instance is, if it is known to be one.
pub(super) fn taken_for<'a>(
    schema: &Schema,
    action: &Action,
    pairs: &'a BTreeMap<String, String>,
    table: &str,
    sys_id: &str,
) -> Option<&'a str> {
    let of_table =
        |temporary: &String| action.made().any(|part| part.sys_id == *temporary && akin(schema, &part.table, table));
    let mut is_this = pairs.iter().filter(|(temporary, taken)| *taken == sys_id && of_table(temporary));
    is_this.next().map(|(temporary, _)| temporary.as_str())
}

fn akin(schema: &Schema, one: &str, other: &str) -> bool {
    schema.related(one, other)
}
