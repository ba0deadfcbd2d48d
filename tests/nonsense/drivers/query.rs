//! Encoded queries.

use std::cmp::Ordering;

use landfall::wire::{Query, Type};

/// What has a meaning in a query. A byte stands for one of these, or for itself.
const WORDS: [&str; 32] = [
    "^",
    "^^",
    "^OR",
    "^NQ",
    "^EQ",
    "^ORDERBY",
    "^ORDERBYDESC",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "LIKE",
    "NOT LIKE",
    "STARTSWITH",
    "ENDSWITH",
    "IN",
    "NOT IN",
    "BETWEEN",
    "@",
    ",",
    "ISEMPTY",
    "ISNOTEMPTY",
    "INSTANCEOF",
    "state",
    "caller_id.name",
    "javascript:",
    "2026-01-31 08:00:00",
    "é",
    "DOES NOT CONTAIN",
    "1",
];

/// Reads the text that `bytes` stand for. What can be read is printed and read again, and asked of a record; what
/// cannot be is refused with a place in it.
pub fn query(bytes: &[u8]) {
    let text = match bytes.split_first() {
        Some((first, rest)) if first % 2 == 1 => words(rest),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    match text.parse::<Query>() {
        Ok(query) => {
            assert_eq!(query.to_string().parse(), Ok(query.clone()), "{text:?}");
            for of in [Type::Text, Type::Integer, Type::Decimal, Type::Boolean, Type::Datetime] {
                query.matches(|_| &text, |_| of);
                assert_eq!(query.compare(|_| "2", |_| "2", |_| of), Ordering::Equal);
                let (there, back) =
                    (query.compare(|_| &text, |_| "2", |_| of), query.compare(|_| "2", |_| &text, |_| of));
                assert_eq!(there, back.reverse(), "{text:?}");
            }
        }
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.at), "{text:?}: {error}");
            assert!(!error.to_string().is_empty());
        }
    }
}

fn words(bytes: &[u8]) -> String {
    let one = |byte: &u8| match WORDS.get(usize::from(*byte)) {
        Some(word) => (*word).to_owned(),
        None => char::from(*byte).to_string(),
    };
    bytes.iter().map(one).collect()
}
