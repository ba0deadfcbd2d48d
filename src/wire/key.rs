//! How two values compare. This is the one place that decides it: queries, sorting and index keys all come here.

use std::cmp::Ordering;

use super::datetime;
use super::value::Type;

/// What a value is compared by. Values of one field sort in this order: the empty value, then values of the field's
/// type, then text that is not of that type (`"n/a"` in an integer field).
#[derive(Clone, Debug)]
pub enum Key {
    /// `""`, null or absent: one and the same.
    Empty,
    /// `false` before `true`.
    Boolean(bool),
    /// Always finite and never `-0`. Doubles, since JavaScript, IndexedDB and both databases have no more in common:
    /// whole numbers are exact up to 2^53.
    Number(f64),
    /// Seconds since 1970, UTC.
    Moment(i64),
    /// Folded, so that `Pump` and `pump` are one.
    Text(String),
}

impl Key {
    /// The key of a value in its string form.
    pub fn of(value: &str, of: Type) -> Self {
        if value.is_empty() {
            return Self::Empty;
        }
        let typed = match of {
            Type::Text => None,
            Type::Integer | Type::Decimal => number(value).map(Self::Number),
            Type::Boolean => boolean(value).map(Self::Boolean),
            Type::Datetime => datetime::parse(value).map(Self::Moment),
        };
        typed.unwrap_or_else(|| Self::Text(fold(value)))
    }

    /// Whether the key is of the type, rather than empty or text that could not be read as the type.
    pub fn is_of(&self, of: Type) -> bool {
        match self {
            Self::Empty => false,
            Self::Text(_) => of == Type::Text,
            Self::Boolean(_) => of == Type::Boolean,
            Self::Number(_) => matches!(of, Type::Integer | Type::Decimal),
            Self::Moment(_) => of == Type::Datetime,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::Boolean(_) => 1,
            Self::Number(_) => 2,
            Self::Moment(_) => 3,
            Self::Text(_) => 4,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Moment(a), Self::Moment(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// Lower case, one character at a time: what makes text comparison case-insensitive.
///
/// Not `str::to_lowercase`, which writes a capital sigma differently at the end of a word, so that `ΟΔΟΣ` would not be
/// found as the start of `ΟΔΟΣΑ`. No further folding: `ß` is not `ss`, `é` is not `e`.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Reads `-12` or `-12.50`. No exponents, signs of plus or blanks, which databases disagree on.
pub(crate) fn number(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    // Adding zero turns -0 into 0.
    text.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n + 0.0)
}

/// Reads `true`, `false`, `1` and `0`, as ServiceNow does.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" => Some(true),
        "0" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_then_the_type_then_other_text() {
        let sorted = ["", "-10", "-3", "0.5", "2", "10", "N/A"];
        for (a, b) in sorted.iter().zip(sorted.iter().skip(1)) {
            assert!(Key::of(a, Type::Decimal) < Key::of(b, Type::Decimal), "{a} {b}");
        }
    }

    #[test]
    fn numbers_written_differently_are_equal() {
        assert_eq!(Key::of("-0", Type::Integer), Key::of("0.0", Type::Integer));
        assert_eq!(Key::of("007", Type::Integer), Key::of("7", Type::Integer));
        assert_ne!(Key::of("007", Type::Text), Key::of("7", Type::Text));
    }

    #[test]
    fn only_plain_numbers_are_numbers() {
        for text in ["", "-", "1e5", "+1", " 1", ".5", "5.", "inf", "NaN", "1_000", "0x10", "--1", "1.2.3", "٣"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn folding_goes_character_by_character() {
        assert_eq!(fold("ÉCOLE"), "école");
        assert!(fold("ΟΔΟΣΑ").starts_with(&fold("ΟΔΟΣ")));
        assert_ne!(fold("STRASSE"), fold("Straße"));
    }
}
