//! The Table API: records, alone or in a list, under `result`.
//!
//! A record to be sent is its [`Fields`], which are JSON as they are. One received is a [`Row`], whose values come in
//! several forms, depending on the field and on how it was asked for.

use std::collections::BTreeMap;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::value::{Fields, Type};

/// What the Table API wraps around an answer: a [`Row`] or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer<T> {
    /// What was asked for.
    pub result: T,
}

/// A record as the instance answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Row(pub BTreeMap<String, Cell>);

/// A field's value as the instance answers it: `"3"`, or `{"link","value"}` for a reference.
///
/// Read from any JSON: numbers, booleans and null become their string form, `{"display_value","value"}` the value, and
/// any other object or list its JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Value")]
pub struct Cell {
    /// In string form.
    pub value: String,
    /// Where the record referred to is, unless links were excluded.
    pub link: Option<String>,
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Some(link) = &self.link else {
            return to.serialize_str(&self.value);
        };
        let mut reference = to.serialize_struct("Cell", 2)?;
        reference.serialize_field("link", link)?;
        reference.serialize_field("value", &self.value)?;
        reference.end()
    }
}

impl From<Value> for Cell {
    fn from(json: Value) -> Self {
        if let Value::String(value) = json {
            return Self { value, link: None };
        }
        let link = json.get("link").and_then(Value::as_str);
        let wrapped = json.get("value").filter(|_| link.is_some() || json.get("display_value").is_some());
        match wrapped {
            Some(value) => Self { value: Type::Text.canonical(value), link: link.map(str::to_owned) },
            None => Self { value: Type::Text.canonical(&json), link: None },
        }
    }
}

impl From<Row> for Fields {
    fn from(row: Row) -> Self {
        row.0.into_iter().map(|(field, cell)| (field, cell.value)).collect()
    }
}

impl From<Fields> for Row {
    fn from(fields: Fields) -> Self {
        Self(fields.into_iter().map(|(field, value)| (field, Cell { value, link: None })).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::decode;

    #[test]
    fn every_form_of_value_becomes_its_string() {
        let answer: Answer<Row> = decode(
            "answer",
            br#"{"result":{"text":"Pump","number":3,"decimal":2.50,"flag":true,"nothing":null,
                "reference":{"link":"https://x/api/now/table/sys_user/42","value":"42"},"no_reference":{"link":"","value":""},
                "shown":{"display_value":"In Progress","value":"2"},"nested":{"value":[1]},"list":["a"]},"extra":1}"#,
        )
        .unwrap();
        let fields = Fields::from(answer.result);
        let kept: Vec<(&str, &str)> = fields.iter().map(|(field, value)| (field.as_str(), value.as_str())).collect();
        assert_eq!(
            kept,
            [
                ("decimal", "2.5"),
                ("flag", "true"),
                ("list", r#"["a"]"#),
                ("nested", r#"{"value":[1]}"#),
                ("no_reference", ""),
                ("nothing", ""),
                ("number", "3"),
                ("reference", "42"),
                ("shown", "2"),
                ("text", "Pump"),
            ]
        );
    }
}
