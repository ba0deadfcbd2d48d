//! The encoded query against whatever can be written in it.
#![cfg(not(target_family = "wasm"))]

use landfall::wire::query::{AnyOf, Group, Op, Order, Term};
use landfall::wire::{Key, Query, Type};
use proptest::collection::vec;
use proptest::prelude::*;

fn field() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_]{0,8}"
}

/// Any text, rich in what has a meaning in queries.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "(\\^|\\^OR|\\^NQ|ORDERBY|EQ|IN|=|<|@|,|%|_|é|[a-z0-9 ]){0,6}",]
        .prop_filter("scripts are refused", |value| !value.starts_with("javascript:"))
}

fn without(value: impl Strategy<Value = String>, what: &'static [char]) -> impl Strategy<Value = String> {
    value.prop_map(move |value| value.replace(what, ""))
}

fn bound() -> impl Strategy<Value = String> {
    value().prop_filter("would read as <= or >=", |value| !value.starts_with('='))
}

fn list() -> impl Strategy<Value = Vec<String>> {
    let entries = vec(without(value(), &[',']), 1..4);
    entries.prop_filter("would read as INSTANCEOF, or is a script", |list| {
        list.first().is_some_and(|first| !first.starts_with("STANCEOF") && !first.starts_with("javascript:"))
    })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        value().prop_map(Op::Equals),
        value().prop_map(Op::NotEquals),
        bound().prop_map(Op::Less),
        value().prop_map(Op::LessOrEqual),
        bound().prop_map(Op::Greater),
        value().prop_map(Op::GreaterOrEqual),
        value().prop_map(Op::Like),
        value().prop_map(Op::NotLike),
        value().prop_map(Op::StartsWith),
        value().prop_map(Op::EndsWith),
        list().prop_map(Op::In),
        list().prop_map(Op::NotIn),
        Just(Op::IsEmpty),
        Just(Op::IsNotEmpty),
        (without(value(), &['@']), value())
            .prop_filter("scripts are refused", |(low, _)| !low.starts_with("javascript:"))
            .prop_map(|(low, high)| Op::Between(low, high)),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let term = (field(), op()).prop_map(|(field, op)| Term { field, op });
    let any_of = vec(term, 1..3).prop_map(|any| AnyOf { any });
    let group = vec(any_of, 1..4).prop_map(|all| Group { all });
    let order = (field(), any::<bool>()).prop_map(|(field, descending)| Order { field, descending });
    (vec(group, 0..3), vec(order, 0..3)).prop_map(|(groups, order)| Query { groups, order })
}

fn any_type() -> impl Strategy<Value = Type> {
    prop::sample::select(vec![Type::Text, Type::Integer, Type::Decimal, Type::Boolean, Type::Datetime])
}

/// Values of every type, and ones that nearly are.
fn typed_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "-?[0-9]{1,3}(\\.[0-9]{1,2})?",
        prop::sample::select(vec!["true", "FALSE", "1", "0", "n/a", "É", "é", "NaN"]).prop_map(str::to_owned),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:00:00)?",
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn reading_what_was_printed_gives_the_same_query(query in query()) {
        prop_assert_eq!(query.to_string().parse(), Ok(query));
    }

    #[test]
    fn any_text_is_read_or_refused_within_it(text in value()) {
        match text.parse::<Query>() {
            Ok(query) => prop_assert_eq!(query.to_string().parse(), Ok(query)),
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.at), "{}", error),
        }
    }

    #[test]
    fn negatives_are_exact_opposites(value in typed_value(), other in typed_value(), of in any_type()) {
        let list = vec![other.clone(), "1".to_owned()];
        for (positive, negative) in [
            (Op::Equals(other.clone()), Op::NotEquals(other.clone())),
            (Op::Like(other.clone()), Op::NotLike(other.clone())),
            (Op::In(list.clone()), Op::NotIn(list)),
            (Op::IsEmpty, Op::IsNotEmpty),
        ] {
            prop_assert_ne!(positive.holds(&value, of), negative.holds(&value, of), "{:?}", positive);
        }
    }

    #[test]
    fn order_is_total(a in typed_value(), b in typed_value(), c in typed_value(), of in any_type()) {
        let (a, b, c) = (Key::of(&a, of), Key::of(&b, of), Key::of(&c, of));
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        if a <= b && b <= c {
            prop_assert!(a <= c);
        }
    }

    #[test]
    fn string_form_is_stable(value in typed_value(), of in any_type()) {
        let kept = of.canonical(&value.clone().into());
        prop_assert_eq!(of.canonical(&kept.clone().into()), kept.clone());
        prop_assert!(of.compare(&kept, &value).is_eq());
        prop_assert!(of.compare(&of.canonical(&of.to_json(&kept)), &kept).is_eq());
    }

    #[test]
    fn a_further_term_only_narrows(query in query(), term in (field(), op()), value in typed_value()) {
        let term = Term { field: term.0, op: term.1 };
        let get = |_: &str| value.as_str();
        let types = |_: &str| Type::Text;
        let both = query.matches(get, types) && term.op.holds(&value, Type::Text);
        prop_assert_eq!(query.and(term).matches(get, types), both);
    }
}
