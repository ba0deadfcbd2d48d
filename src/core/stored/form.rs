//! What every stored form has in common.

use serde::{Serialize, de::DeserializeOwned};

use crate::core::{
    error::CoreError,
    key::Key,
    row::{Row, StoreName},
    schema::Schema,
};

/// A form that is kept in one of the stores.
pub trait Stored: Serialize + DeserializeOwned {
    /// Which.
    const STORE: StoreName;
    /// Its primary key.
    fn key(&self, schema: &Schema) -> Key;
    /// The index entries it is found by.
    fn index(&self, schema: &Schema) -> Vec<Key>;
}

/// Reads a row's body.
///
/// # Errors
/// [`CoreError::Corrupt`], if it is not of this form.
pub fn decode<T: Stored>(row: &Row) -> Result<T, CoreError> {
    serde_json::from_str(&row.body).map_err(|why| CoreError::Corrupt { store: T::STORE.as_str(), why: why.to_string() })
}

/// Index prefix, in records and outbox alike: the rows that mention a temporary id.
pub fn mention(id: &str) -> Key {
    Key::from(["mention", id])
}
