//! What every stored form has in common.

use serde::{Serialize, de::DeserializeOwned};

use super::Indexes;
use crate::core::{
    error::CoreError,
    key::Key,
    row::{Row, StoreName},
    schema::Schema,
};

/// A form that is kept in one of the stores.
pub trait Stored: Clone + Serialize + DeserializeOwned + 'static {
    /// Which.
    const STORE: StoreName;
    /// Its primary key.
    fn key(&self, schema: &Schema) -> Key;
    /// Whether it may be the row at `key`. Not every part is looked at: a record's family may have changed since.
    fn is_at(&self, key: &Key) -> bool;
    /// The index entries it is found by.
    fn index(&self, schema: &Schema) -> Vec<Key>;
    /// And those of the app's own indexes.
    fn declared(&self, _schema: &Schema, _indexes: &Indexes) -> Vec<Key> {
        Vec::new()
    }
}

/// Reads a row's body.
///
/// # Errors
/// [`CoreError::Corrupt`], if it is not of this form, or says that it is another row: what is done to it would be done
/// to that one, and this one be found again for ever.
pub fn decode<T: Stored>(row: &Row) -> Result<T, CoreError> {
    let corrupt = |why: String| CoreError::Corrupt { store: T::STORE.as_str(), why };
    let form: T = match row.body.known() {
        Some(form) => form,
        None => serde_json::from_str(&row.body).map_err(|why| corrupt(why.to_string()))?,
    };
    if form.is_at(&row.key) { Ok(form) } else { Err(corrupt("it names another row".to_owned())) }
}

/// Index prefix, in records and outbox alike: the rows that mention a temporary id.
pub fn mention(id: &str) -> Key {
    Key::from(["mention", id])
}

/// A count that a row need not tell of.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
pub(super) fn is_zero(count: &u32) -> bool {
    *count == 0
}
