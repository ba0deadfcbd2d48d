//! How a query is answered: by which index, if one fits.

use super::{
    key::{Key, Part},
    part,
    row::StoreName,
    schema::Schema,
    stored::{Index, Indexes, Record},
    write_set::Scan,
};
use crate::wire::{
    query::{AnyOf, Op, Query, Term},
    value::Type,
};

/// More values of one field than this are looked for by reading all.
const MOST_VALUES: usize = 32;

/// Where the records lie that a query may find.
#[derive(Clone, Debug, PartialEq)]
pub struct Seek {
    /// The index, by its fields; none where all records of the table are read.
    pub by: Option<Vec<String>>,
    /// What is to be read, one after the other.
    pub scans: Vec<Scan>,
    /// All that is found matches.
    pub exact: bool,
    /// It is found in the order that the query asks for, but that those it takes for equal may stand in any.
    pub ordered: bool,
    /// These stand by their ids.
    pub by_id: bool,
}

impl Seek {
    /// Of the indexes that fit, the one that leaves the least to be read.
    pub fn of(schema: &Schema, indexes: &Indexes, table: &str, query: &Query) -> Self {
        let same_types = |index: &&Index| {
            index.fields.iter().zip(&index.types).all(|(field, of)| schema.type_of(table, field) == *of)
        };
        let usable = indexes.all.iter().filter(|index| index.table == table && index.filled).filter(same_types);
        let fitting = usable.filter_map(|index| Fit::of(index, query));
        let best =
            fitting.max_by_key(|fit| (fit.equal, fit.bounded, fit.ordered, std::cmp::Reverse(fit.index.fields.len())));
        best.map_or_else(|| Self::through(table, query), |fit| fit.seek(query))
    }

    /// All records of the table.
    fn through(table: &str, query: &Query) -> Self {
        let scans = vec![Scan::index(StoreName::Records, Record::of_table(table))];
        let unordered = query.order.is_empty();
        Self { by: None, scans, exact: query.groups.is_empty(), ordered: unordered, by_id: unordered }
    }
}

/// A part of a query that an index answers.
struct Fit<'q> {
    index: &'q Index,
    /// So many of its fields are to equal something.
    equal: usize,
    /// Each combination of what these are to equal.
    values: Vec<Vec<Part>>,
    /// The next is to lie between two.
    bounded: bool,
    from: Option<Part>,
    to: Option<Part>,
    /// What is answered by that.
    answered: Vec<&'q AnyOf>,
    ordered: bool,
    by_id: bool,
}

impl<'q> Fit<'q> {
    /// None, if nothing is gained by it.
    fn of(index: &'q Index, query: &'q Query) -> Option<Self> {
        let all: &[AnyOf] = match query.groups.as_slice() {
            [group] => &group.all,
            _ => &[],
        };
        let (values, answered) = (vec![Vec::new()], Vec::new());
        let mut fit = Self {
            index,
            equal: 0,
            values,
            bounded: false,
            from: None,
            to: None,
            answered,
            ordered: false,
            by_id: false,
        };
        for (field, of) in index.fields.iter().zip(&index.types) {
            let Some((any_of, parts)) = all.iter().find_map(|any_of| Some((any_of, equal(any_of, field, *of)?))) else {
                fit.bound(all, field, *of);
                break;
            };
            if fit.values.len() * parts.len() > MOST_VALUES {
                break;
            }
            let each = |before: &Vec<Part>| -> Vec<Vec<Part>> {
                parts.iter().map(|part| before.iter().cloned().chain([part.clone()]).collect()).collect()
            };
            fit.values = fit.values.iter().flat_map(each).collect();
            fit.equal += 1;
            fit.answered.push(any_of);
        }
        fit.see_to_order(query);
        (fit.equal > 0 || fit.bounded || (fit.ordered && !query.order.is_empty())).then_some(fit)
    }

    fn bound(&mut self, all: &'q [AnyOf], field: &str, of: Type) {
        for any_of in all {
            let [Term { field: named, op }] = any_of.any.as_slice() else { continue };
            let Some((from, to)) = Some(op).filter(|_| named == field).and_then(|op| bounds(op, of)) else { continue };
            self.from = self.from.take().max(from);
            self.to = match (self.to.take(), to) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            self.bounded = true;
            self.answered.push(any_of);
        }
    }

    fn see_to_order(&mut self, query: &Query) {
        let [_] = self.values.as_slice() else { return };
        let (fixed, rest) = self.index.fields.split_at(self.equal.min(self.index.fields.len()));
        // What is the same for all decides nothing.
        let order: Vec<_> = query.order.iter().filter(|order| !fixed.contains(&order.field)).collect();
        let descending = order.first().is_some_and(|order| order.descending);
        let along = order.iter().map(|order| &order.field).zip(rest).all(|(asked, has)| asked == has);
        self.ordered = along && order.len() <= rest.len() && order.iter().all(|order| order.descending == descending);
        self.by_id = self.ordered && order.len() == rest.len() && !descending;
        // Nothing orders them but their ids, and it is not by these that they are found.
        self.ordered &= !order.is_empty() || self.by_id;
    }

    fn seek(self, query: &Query) -> Seek {
        let descending = |order: &&crate::wire::query::Order| !self.fixes(&order.field);
        let reverse = self.ordered && query.order.iter().find(descending).is_some_and(|order| order.descending);
        let scan = |values: &Vec<Part>| {
            let prefix = self.index.prefix().with(&Key::from(values.clone()));
            let behind = |part: &Option<Part>| part.as_ref().map(|part| prefix.with(&Key::from(vec![part.clone()])));
            let (from, to) = (behind(&self.from), behind(&self.to));
            Scan { from, to, reverse, ..Scan::index(StoreName::Records, prefix) }
        };
        let answered = query.groups.len() <= 1
            && query
                .groups
                .iter()
                .flat_map(|group| &group.all)
                .all(|any_of| self.answered.iter().any(|known| std::ptr::eq(*known, any_of)));
        Seek {
            by: Some(self.index.fields.clone()),
            scans: self.values.iter().map(scan).collect(),
            exact: answered,
            ordered: self.ordered,
            by_id: self.by_id,
        }
    }

    fn fixes(&self, field: &str) -> bool {
        self.index.fields.iter().take(self.equal).any(|fixed| fixed == field)
    }
}

/// The values that a field is to equal one of; each once, or what has it were found twice.
fn equal(any_of: &AnyOf, field: &str, of: Type) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for term in &any_of.any {
        match &term.op {
            _ if term.field != field => return None,
            Op::Equals(value) => parts.push(part::of(value, of)),
            Op::IsEmpty => parts.push(part::of("", of)),
            Op::In(values) => parts.extend(values.iter().map(|value| part::of(value, of))),
            _ => return None,
        }
    }
    parts.sort();
    parts.dedup();
    Some(parts).filter(|parts| (1..=MOST_VALUES).contains(&parts.len()))
}

/// Between which parts the values lie that an operator holds of, if they lie between any.
fn bounds(op: &Op, of: Type) -> Option<(Option<Part>, Option<Part>)> {
    let part = |value: &str| crate::wire::key::Key::of(value, of).is_of(of).then(|| part::of(value, of));
    let (first, end) = part::all_of(of);
    Some(match op {
        Op::Less(value) => (Some(first), Some(part(value)?)),
        Op::LessOrEqual(value) => (Some(first), Some(part::next(&part(value)?))),
        Op::Greater(value) => (Some(part::next(&part(value)?)), end),
        Op::GreaterOrEqual(value) => (Some(part(value)?), end),
        Op::Between(low, high) => (Some(part(low)?), Some(part::next(&part(high)?))),
        Op::StartsWith(text) if of == Type::Text && !text.is_empty() => {
            let (from, to) = part::beginning_with(text);
            (Some(from), Some(to))
        }
        Op::IsNotEmpty => (Some(part::not_empty()), None),
        _ => return None,
    })
}
