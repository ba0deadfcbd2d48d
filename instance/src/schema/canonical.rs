//! From what a request holds to the one form a column keeps.

use landfall::wire::{Key, datetime};
use serde_json::Value as Json;

use super::column::{Column, Kind};

/// Why a value cannot be kept, as the end of a sentence that begins with the field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Not a whole number, or one beyond what JavaScript holds exactly.
    #[error("must be a whole number of at most 15 digits")]
    Integer,
    /// Not a number.
    #[error("must be a plain decimal number, such as -12.5")]
    Decimal,
    /// Not a truth value.
    #[error("must be true or false")]
    Boolean,
    /// Not a time.
    #[error("must be a UTC time, such as 2026-01-31 08:00:00")]
    DateTime,
    /// Not a day.
    #[error("must be a date, such as 2026-01-31")]
    Date,
    /// Neither an id nor an object with one.
    #[error("must be a sys_id")]
    Reference,
    /// A character that PostgreSQL's text cannot hold.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// Whole numbers up to here are exact in JSON everywhere.
const LARGEST: f64 = 999_999_999_999_999.0;

impl Column {
    /// The string form this column keeps of a JSON value, `""` for none.
    pub fn canonical(&self, json: &Json) -> Result<String, Unfit> {
        let text = match (self.kind, json) {
            // A row read from the Table API may be written back as it came: `{"link", "value"}`.
            (Kind::Reference(_), Json::Object(object)) => match object.get("value") {
                Some(Json::String(id)) => id.clone(),
                _ => return Err(Unfit::Reference),
            },
            (Kind::Reference(_) | Kind::List(_), Json::Array(_) | Json::Bool(_)) => {
                return Err(Unfit::Reference);
            }
            _ => self.compared_as().canonical(json),
        };
        if text.contains('\0') {
            return Err(Unfit::Nul);
        }
        match (Key::of(&text, self.compared_as()), self.kind) {
            (Key::Empty, _) => Ok(String::new()),
            (Key::Number(number), Kind::Integer) if number.fract() == 0.0 && number.abs() <= LARGEST => {
                Ok(number.to_string())
            }
            (Key::Number(number), Kind::Decimal) => Ok(number.to_string()),
            (Key::Boolean(truth), Kind::Boolean) => Ok(truth.to_string()),
            (Key::Moment(seconds), Kind::DateTime) => datetime::to_servicenow(seconds).ok_or(Unfit::DateTime),
            (Key::Moment(seconds), Kind::Date) => day(seconds).ok_or(Unfit::Date),
            (_, Kind::Integer) => Err(Unfit::Integer),
            (_, Kind::Decimal) => Err(Unfit::Decimal),
            (_, Kind::Boolean) => Err(Unfit::Boolean),
            (_, Kind::DateTime) => Err(Unfit::DateTime),
            (_, Kind::Date) => Err(Unfit::Date),
            _ => Ok(text),
        }
    }
}

fn day(seconds: i64) -> Option<String> {
    let moment = datetime::to_servicenow(seconds)?;
    moment.split_once(' ').map(|(day, _)| day.to_owned())
}
