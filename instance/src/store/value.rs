//! The values that cross the seam.

use crate::schema::Storage;

/// The most parameters a statement may have: the smaller of the two databases' limits, with room to spare.
pub const MOST_VALUES: usize = 30_000;

/// A bound parameter. Both databases are typed, so an empty value says of what type it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Real(f64),
    /// A truth value.
    Boolean(bool),
    /// Nothing, in a column of that type.
    Null(Storage),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// One row as read: each value in ServiceNow's string form, `None` where there is none.
pub type Cells = Vec<Option<String>>;
