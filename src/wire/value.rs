//! Values in ServiceNow's string form (`"3"`, `"true"`, `""`), and their way from and to JSON.
//!
//! The instance answers strings, so strings are what is kept. A field's [`Type`] says how to compare them and what an
//! app gets back. Null, absent and `""` are one empty value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{datetime, key};

/// A record's fields in string form. A field that is absent is empty.
pub type Fields = BTreeMap<String, String>;

/// The largest whole number JavaScript holds exactly; beyond it an app gets the string.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Plain text; also references, choices and anything else not named below.
    #[default]
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers with a fraction.
    Decimal,
    /// `"true"` or `"false"`.
    Boolean,
    /// `YYYY-MM-DD HH:MM:SS` in UTC, or a date alone.
    Datetime,
}

impl Type {
    /// The string form of a JSON value. What is not of the type is kept as text rather than lost.
    ///
    /// ```
    /// use landfall::wire::Type;
    /// use serde_json::json;
    ///
    /// assert_eq!(Type::Integer.canonical(&json!(3.0)), "3");
    /// assert_eq!(Type::Boolean.canonical(&json!(1)), "true");
    /// assert_eq!(Type::Datetime.canonical(&json!("2026-01-31T10:00:00+02:00")), "2026-01-31 08:00:00");
    /// assert_eq!(Type::Text.canonical(&json!(null)), "");
    /// ```
    pub fn canonical(self, json: &Value) -> String {
        let text = match json {
            Value::Null => String::new(),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => plain(n),
            Value::String(s) => s.clone(),
            Value::Array(_) | Value::Object(_) => json.to_string(),
        };
        let other_form = match self {
            Self::Boolean => key::boolean(&text).map(|b| b.to_string()),
            Self::Datetime if datetime::is_date(&text) => None,
            Self::Datetime => datetime::parse(&text).and_then(datetime::to_servicenow),
            Self::Text | Self::Integer | Self::Decimal => None,
        };
        other_form.unwrap_or(text)
    }

    /// What an app gets for a value in string form: a value not of the type comes back as the string it is.
    ///
    /// ```
    /// use landfall::wire::Type;
    /// use serde_json::json;
    ///
    /// assert_eq!(Type::Integer.to_json("3"), json!(3));
    /// assert_eq!(Type::Integer.to_json("n/a"), json!("n/a"));
    /// assert_eq!(Type::Integer.to_json(""), json!(null));
    /// assert_eq!(Type::Datetime.to_json("2026-01-31 08:00:00"), json!("2026-01-31T08:00:00Z"));
    /// ```
    pub fn to_json(self, value: &str) -> Value {
        if self == Self::Text {
            return value.into();
        }
        if value.is_empty() {
            return Value::Null;
        }
        let typed = match self {
            Self::Text => None,
            Self::Integer => key::number(value).and_then(whole).map(Value::from),
            Self::Decimal => key::number(value).map(|n| whole(n).map_or_else(|| Value::from(n), Value::from)),
            Self::Boolean => key::boolean(value).map(Value::from),
            Self::Datetime if datetime::is_date(value) => None,
            Self::Datetime => datetime::parse(value).and_then(datetime::to_iso).map(Value::from),
        };
        typed.unwrap_or_else(|| value.into())
    }

    /// Compares two values in string form: numbers as numbers, moments by time, text without regard to case; empty
    /// first, and what is not of the type last. Values that are equal for a query are `Equal` here.
    pub fn compare(self, a: &str, b: &str) -> std::cmp::Ordering {
        key::Key::of(a, self).cmp(&key::Key::of(b, self))
    }
}

/// A number without exponent, and without a fraction where it has none.
fn plain(number: &Number) -> String {
    match number.as_f64() {
        Some(n) if number.is_f64() => (n + 0.0).to_string(),
        _ => number.to_string(),
    }
}

fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= MAX_SAFE_INTEGER).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_becomes_servicenows_strings() {
        for (of, given, kept) in [
            (Type::Text, json!("Pump"), "Pump"),
            (Type::Text, json!(true), "true"),
            (Type::Text, json!(-0.0), "0"),
            (Type::Text, json!({"b": [1, null], "a": "x"}), r#"{"a":"x","b":[1,null]}"#),
            (Type::Integer, json!(u64::MAX), "18446744073709551615"),
            (Type::Integer, json!("n/a"), "n/a"),
            (Type::Decimal, json!(1e21), "1000000000000000000000"),
            (Type::Decimal, json!(1e-7), "0.0000001"),
            (Type::Boolean, json!("0"), "false"),
            (Type::Boolean, json!("TRUE"), "true"),
            (Type::Boolean, json!(null), ""),
            (Type::Datetime, json!("2026-01-31T08:00:00.123Z"), "2026-01-31 08:00:00"),
            (Type::Datetime, json!("2026-01-31"), "2026-01-31"),
            (Type::Datetime, json!("soon"), "soon"),
        ] {
            assert_eq!(of.canonical(&given), kept, "{of:?} {given}");
        }
    }

    #[test]
    fn strings_become_what_the_app_expects() {
        for (of, kept, given) in [
            (Type::Text, "", json!("")),
            (Type::Text, "3", json!("3")),
            (Type::Integer, "007", json!(7)),
            (Type::Integer, "3.5", json!("3.5")),
            (Type::Integer, "9007199254740993", json!("9007199254740993")),
            (Type::Decimal, "2.50", json!(2.5)),
            (Type::Decimal, "-10", json!(-10)),
            (Type::Boolean, "1", json!(true)),
            (Type::Boolean, "perhaps", json!("perhaps")),
            (Type::Boolean, "", json!(null)),
            (Type::Datetime, "2026-01-31", json!("2026-01-31")),
            (Type::Datetime, "soon", json!("soon")),
        ] {
            assert_eq!(of.to_json(kept), given, "{of:?} {kept}");
        }
    }

    #[test]
    fn types_are_written_as_in_the_public_contract() {
        assert_eq!(
            json!([Type::Integer, Type::Decimal, Type::Boolean, Type::Datetime]),
            json!(["integer", "decimal", "boolean", "datetime"])
        );
    }
}
