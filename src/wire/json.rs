//! Messages to bytes and back, and the leniencies the messages share.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::error::WireError;
use super::value::Type;

/// Reads a message; `what` names it in the error.
pub fn decode<T: DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(body).map_err(|source| WireError::Json { what, source })
}

/// Writes a message; `what` names it in the error.
pub fn encode(what: &'static str, message: &impl Serialize) -> Result<Vec<u8>, WireError> {
    serde_json::to_vec(message).map_err(|source| WireError::Json { what, source })
}

/// Null is as good as absent.
pub(super) fn or_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(from).map(Option::unwrap_or_default)
}

/// A string, or whatever stands where one should: ids come back as numbers from some gateways.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Value::deserialize(from).map(|value| Type::Text.canonical(&value))
}

/// A whole number, or none where something else stands: for what is only good to know.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Value::deserialize(from).map(|value| value.as_u64())
}
