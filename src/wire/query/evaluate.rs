//! Tells which records a query matches, and in which order.

use std::cmp::Ordering;

use super::ast::{Group, Op, Query};
use crate::wire::key::{Key, fold};
use crate::wire::value::Type;

impl Query {
    /// Whether a record matches. `get` gives a field's value in string form, empty when it is absent.
    pub fn matches<'r>(&self, get: impl Fn(&str) -> &'r str, types: impl Fn(&str) -> Type) -> bool {
        let all_of = |group: &Group| {
            group
                .all
                .iter()
                .all(|any_of| any_of.any.iter().any(|term| term.op.holds(get(&term.field), types(&term.field))))
        };
        self.groups.is_empty() || self.groups.iter().any(all_of)
    }

    /// Which of two records comes first. `Equal` ones are the caller's to tell apart, by `sys_id`.
    pub fn compare<'a, 'b>(
        &self,
        a: impl Fn(&str) -> &'a str,
        b: impl Fn(&str) -> &'b str,
        types: impl Fn(&str) -> Type,
    ) -> Ordering {
        self.order
            .iter()
            .map(|order| {
                let ascending = types(&order.field).compare(a(&order.field), b(&order.field));
                if order.descending { ascending.reverse() } else { ascending }
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl Op {
    /// Whether it holds of a value in string form.
    pub fn holds(&self, value: &str, of: Type) -> bool {
        let equals = |other: &str| of.compare(value, other).is_eq();
        let ranks = |other: &str, wanted: fn(Ordering) -> bool| range(value, other, of).is_some_and(wanted);
        match self {
            Self::Equals(other) => equals(other),
            Self::NotEquals(other) => !equals(other),
            Self::Less(other) => ranks(other, Ordering::is_lt),
            Self::LessOrEqual(other) => ranks(other, Ordering::is_le),
            Self::Greater(other) => ranks(other, Ordering::is_gt),
            Self::GreaterOrEqual(other) => ranks(other, Ordering::is_ge),
            Self::Between(low, high) => ranks(low, Ordering::is_ge) && ranks(high, Ordering::is_le),
            Self::Like(text) => fold(value).contains(&fold(text)),
            Self::NotLike(text) => !fold(value).contains(&fold(text)),
            Self::StartsWith(text) => fold(value).starts_with(&fold(text)),
            Self::EndsWith(text) => fold(value).ends_with(&fold(text)),
            Self::In(list) => list.iter().any(|other| equals(other)),
            Self::NotIn(list) => !list.iter().any(|other| equals(other)),
            Self::IsEmpty => value.is_empty(),
            Self::IsNotEmpty => !value.is_empty(),
        }
    }
}

/// How two values rank, where both are of the type; `n/a` and the empty value rank nowhere.
fn range(a: &str, b: &str, of: Type) -> Option<Ordering> {
    let (a, b) = (Key::of(a, of), Key::of(b, of));
    (a.is_of(of) && b.is_of(of)).then(|| a.cmp(&b))
}
