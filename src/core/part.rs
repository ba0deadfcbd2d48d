//! A field's value as a part of a key, so that an index has records in the order in which a query puts them.

use super::key::Part;
use crate::wire::{key::Key as Value, value::Type};

/// Before any number, and so before any value.
const EMPTY: Part = Part::Number(f64::MIN);

/// The empty value first, then what is of the type, then other text. See [`Value`].
pub fn of(value: &str, of: Type) -> Part {
    match Value::of(value, of) {
        Value::Empty => EMPTY,
        Value::Boolean(truth) => Part::Number(f64::from(u8::from(truth))),
        Value::Number(number) => Part::Number(number),
        #[expect(clippy::cast_precision_loss, reason = "years have four digits")]
        Value::Moment(seconds) => Part::Number(seconds as f64),
        Value::Text(text) => Part::Text(by_code_point(&text)),
    }
}

/// What is of the type: at or behind the first part, and before the second, if there is an end to it.
pub fn all_of(of: Type) -> (Part, Option<Part>) {
    match of {
        Type::Text => (Part::Text(String::new()), None),
        _ => (next(&EMPTY), Some(Part::Text(String::new()))),
    }
}

/// What is not empty begins here.
pub fn not_empty() -> Part {
    next(&EMPTY)
}

/// The first part behind this one.
pub fn next(part: &Part) -> Part {
    match part {
        Part::Number(number) => Part::Number(number.next_up()),
        Part::Text(text) => Part::Text(format!("{text}\0")),
    }
}

/// What begins with a text: from the first part on, and before the second.
pub fn beginning_with(text: &str) -> (Part, Part) {
    let text = by_code_point(&crate::wire::key::fold(text));
    let end = format!("{text}\u{FFFF}\u{FFFF}");
    (Part::Text(text), Part::Text(end))
}

/// IndexedDB compares by UTF-16 code units, in which what is beyond U+FFFF comes before U+E000.
fn by_code_point(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let parts = text.chars().flat_map(|char| (char > '\u{FFFF}').then_some('\u{FFFF}').into_iter().chain([char]));
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_the_order_of_the_values() {
        let values = [
            "",
            "-3",
            "-3.5",
            "0",
            "2",
            "10",
            "n/a",
            "Pump",
            "pump 2",
            "true",
            "2026-01-31",
            "\u{E000}",
            "\u{1F600}",
            "é",
        ];
        for kind in [Type::Text, Type::Integer, Type::Decimal, Type::Boolean, Type::Datetime] {
            for (a, b) in values.iter().flat_map(|a| values.iter().map(move |b| (a, b))) {
                assert_eq!(of(a, kind).cmp(&of(b, kind)), kind.compare(a, b), "{kind:?} {a} {b}");
            }
        }
    }

    #[test]
    fn what_is_of_a_type_lies_within() {
        for (kind, value, within) in [
            (Type::Text, "", false),
            (Type::Text, "a", true),
            (Type::Integer, "", false),
            (Type::Integer, "-5", true),
            (Type::Integer, "n/a", false),
            (Type::Datetime, "2026-01-31", true),
        ] {
            let (from, to) = all_of(kind);
            let part = of(value, kind);
            assert_eq!(part >= from && to.is_none_or(|to| part < to), within, "{kind:?} {value}");
        }
        let (from, to) = beginning_with("Pum");
        for (value, within) in
            [("pum", true), ("PUMP \u{1F600}", true), ("pul", false), ("pun", false), ("pum\u{1F600}\u{1F600}", true)]
        {
            let part = of(value, Type::Text);
            assert_eq!(part >= from && part < to, within, "{value}");
        }
    }

    #[test]
    fn nothing_lies_between_a_part_and_the_next() {
        assert_eq!(next(&Part::Number(2.0)), Part::Number(2.000_000_000_000_000_4));
        assert!(next(&Part::from("a")) < Part::from("a\u{1}"));
    }
}
