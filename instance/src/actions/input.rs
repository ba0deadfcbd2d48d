//! Typed input from JSON, with a sentence that names the field which is not as it should be.
//!
//! `serde_json` says what was wrong and not where, which is no help to somebody with five fields and a list in front
//! of them.

use std::fmt::{self, Display};

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value as Json};

use crate::refusal::Refusal;

/// Integers up to here are exact in a double, which is all a number is in JavaScript.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads what `what` names in a sentence. Nothing at all is read as an object without fields.
pub fn read<T: DeserializeOwned>(what: &str, json: &Json) -> Result<T, Refusal> {
    let empty = Json::Object(Map::new());
    let json = if json.is_null() { &empty } else { json };
    T::deserialize(Located(json)).map_err(|Misfit { path, why }| {
        Refusal::Input(if path.is_empty() { format!("{what} {why}") } else { format!("Field `{path}` {why}") })
    })
}

/// What does not fit, and where.
#[derive(Debug)]
struct Misfit {
    path: String,
    why: String,
}

impl Misfit {
    fn here(why: String) -> Self {
        Self { path: String::new(), why }
    }

    fn below(self, name: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{name}{dot}{}", self.path), ..self }
    }
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path, self.why)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: Display>(why: T) -> Self {
        Self::here(why.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = match expected.to_string() {
            text if text == "a string" => "a text".to_owned(),
            list if list == "a sequence" => "a list".to_owned(),
            truth if truth == "a boolean" => "true or false".to_owned(),
            object if object.starts_with("struct ") => "an object".to_owned(),
            number if number.starts_with(['i', 'u']) => "a whole number".to_owned(),
            other => other,
        };
        Self::here(format!("must be {wanted}, not {}", named(found)))
    }

    fn invalid_value(found: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::here(format!("cannot be {}", named(found)))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        Self { path: field.to_owned(), why: format!("is unknown here; known are {}", known.join(", ")) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: field.to_owned(), why: "is missing".to_owned() }
    }
}

fn named(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text `{}`", text.chars().take(40).collect::<String>()),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Float(number) => number.to_string(),
        Unexpected::Bool(truth) => truth.to_string(),
        Unexpected::Unit => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        other => other.to_string(),
    }
}

fn unexpected(json: &Json) -> Unexpected<'_> {
    match json {
        Json::Null => Unexpected::Unit,
        Json::Bool(truth) => Unexpected::Bool(*truth),
        Json::Number(number) => Unexpected::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Unexpected::Str(text),
        Json::Array(_) => Unexpected::Seq,
        Json::Object(_) => Unexpected::Map,
    }
}

/// A value of which whatever is said against it is told with its place.
#[derive(Clone, Copy)]
struct Located<'de>(&'de Json);

impl<'de> Deserializer<'de> for Located<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Json::Null => visitor.visit_unit(),
            Json::Bool(truth) => visitor.visit_bool(*truth),
            Json::Number(number) => visit(number, visitor),
            Json::String(text) => visitor.visit_borrowed_str(text),
            Json::Array(items) => visitor.visit_seq(Items(items.iter().enumerate())),
            Json::Object(fields) => visitor.visit_map(Fields { rest: fields.iter(), next: None }),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        // PostgreSQL's text cannot hold it, wherever it was going to.
        if self.0.as_str().is_some_and(|text| text.contains('\0')) {
            return Err(Misfit::here("must not contain the character U+0000".to_owned()));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        // A derived reader would also take a list for its fields, in the order they happen to be declared.
        match self.0 {
            Json::Object(_) => self.deserialize_any(visitor),
            other => Err(de::Error::invalid_type(unexpected(other), &visitor)),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

/// A whole number stays one, though it was written `45.0`.
fn visit<'de, V: Visitor<'de>>(number: &Number, visitor: V) -> Result<V::Value, Misfit> {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => visitor.visit_i64(whole),
        #[allow(clippy::cast_possible_truncation)]
        (None, Some(double)) if double.fract() == 0.0 && double.abs() < EXACT => visitor.visit_i64(double as i64),
        (None, double) => visitor.visit_f64(double.unwrap_or_default()),
    }
}

struct Items<'de>(std::iter::Enumerate<std::slice::Iter<'de, Json>>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some((at, item)) = self.0.next() else {
            return Ok(None);
        };
        seed.deserialize(Located(item)).map(Some).map_err(|misfit| misfit.below(&format!("[{at}]")))
    }
}

struct Fields<'de> {
    rest: serde_json::map::Iter<'de>,
    next: Option<(&'de str, &'de Json)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some((name, value)) = self.rest.next() else {
            return Ok(None);
        };
        self.next = Some((name, value));
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (name, value) = self.next.take().unwrap_or(("", &Json::Null));
        seed.deserialize(Located(value)).map_err(|misfit| misfit.below(name))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        name: String,
        #[serde(default)]
        count: Option<i32>,
        #[serde(default)]
        parts: Vec<Part>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        size: i32,
    }

    #[test]
    fn what_fits_is_read() {
        let order: Order =
            read("It", &json!({"name": "a", "count": 45.0, "parts": [{"size": 1}, {"size": -2}]})).unwrap();
        assert_eq!(
            order,
            Order { name: "a".into(), count: Some(45), parts: vec![Part { size: 1 }, Part { size: -2 }] }
        );
        let bare: Order = read("It", &json!({"name": "a", "count": null})).unwrap();
        assert_eq!(bare, Order { name: "a".into(), count: None, parts: Vec::new() });
        let anything = json!({"a": [null, true, 1.5, "x", {}]});
        assert_eq!(read::<Json>("It", &anything).unwrap(), anything);
    }

    #[test]
    fn what_does_not_is_named_with_its_place() {
        for (given, sentence) in [
            (json!(null), "Field `name` is missing"),
            (json!(3), "It must be an object, not 3"),
            (json!(["a", 1, []]), "It must be an object, not a list"),
            (json!({"name": 1}), "Field `name` must be a text, not 1"),
            (json!({"name": null}), "Field `name` must be a text, not null"),
            (json!({"name": "a\0"}), "Field `name` must not contain the character U+0000"),
            (json!({"name": "a", "count": "45"}), "Field `count` must be a whole number, not the text `45`"),
            (json!({"name": "a", "count": 1.5}), "Field `count` must be a whole number, not 1.5"),
            (json!({"name": "a", "count": 3_000_000_000_u32}), "Field `count` cannot be 3000000000"),
            (json!({"name": "a", "size": 1}), "Field `size` is unknown here; known are `name`, `count`, `parts`"),
            (json!({"name": "a", "parts": {}}), "Field `parts` must be a list, not an object"),
            (json!({"name": "a", "parts": [{"size": 1}, {}]}), "Field `parts[1].size` is missing"),
            (json!({"name": "a", "parts": [{"size": true}]}), "Field `parts[0].size` must be a whole number, not true"),
            (json!({"name": "a", "parts": ["x"]}), "Field `parts[0]` must be an object, not the text `x`"),
            (json!({"name": "a", "parts": [{"a": 1}]}), "Field `parts[0].a` is unknown here; known are `size`"),
        ] {
            assert_eq!(read::<Order>("It", &given).unwrap_err().to_string(), sentence);
        }
    }
}
