//! Queries, as text or as an object.

use wasm_bindgen::JsValue;

use super::{arguments::Given, failure::Failure, fields};
use crate::{core::schema::Schema, engine::query_of};

/// The encoded query of what was given; none is every record.
pub fn encoded(schema: &Schema, table: &str, given: &JsValue) -> Result<String, Failure> {
    if given.is_undefined() {
        return Ok(String::new());
    }
    if let Some(text) = given.as_string() {
        return Ok(text);
    }
    if !given.is_object() {
        return Err(Failure::argument(format!(
            "A query is an encoded query in a string, or an object with equals and orderBy, not {}.",
            fields::kind(given)
        )));
    }
    let query = Given::new(given, "query")?;
    query.only(&["equals", "orderBy"])?;
    let equals = match query.get("equals") {
        Some(equals) => fields::taken(equals, "query.equals")?,
        None => serde_json::Map::new(),
    };
    let order_by = match query.get("orderBy").and_then(JsValue::as_string) {
        Some(one) => vec![one],
        None => query.texts("orderBy")?.unwrap_or_default(),
    };
    Ok(query_of(schema, table, equals, &order_by)?)
}
