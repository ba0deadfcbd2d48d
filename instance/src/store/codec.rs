//! Values into a statement and out of a row, alike for both databases.

use sqlx::{Arguments, ColumnIndex, Database, Decode, Encode, Row, Type};

use super::error::StoreError;
use super::value::{Cells, Value};
use crate::schema::Storage;

/// A type both ways through a database.
pub trait Both<DB: Database>: for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB> + Type<DB> + Send {}

impl<DB: Database, T> Both<DB> for T where T: for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB> + Type<DB> + Send {}

/// Binds the values, in order.
pub fn arguments<DB>(values: &[Value]) -> Result<DB::Arguments, StoreError>
where
    DB: Database,
    Option<String>: Both<DB>,
    Option<i64>: Both<DB>,
    Option<f64>: Both<DB>,
    Option<bool>: Both<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in values {
        match value {
            Value::Text(text) => arguments.add(Some(text.clone())),
            Value::Integer(number) => arguments.add(Some(*number)),
            Value::Real(number) => arguments.add(Some(*number)),
            Value::Boolean(truth) => arguments.add(Some(*truth)),
            Value::Null(Storage::Text) => arguments.add(None::<String>),
            Value::Null(Storage::Integer) => arguments.add(None::<i64>),
            Value::Null(Storage::Real) => arguments.add(None::<f64>),
            Value::Null(Storage::Boolean) => arguments.add(None::<bool>),
        }
        .map_err(|_| StoreError::Shape("a value could not be bound"))?;
    }
    Ok(arguments)
}

/// Reads a row whose columns are of these types.
pub fn cells<R>(row: &R, columns: &[Storage]) -> Result<Cells, StoreError>
where
    R: Row,
    usize: ColumnIndex<R>,
    Option<String>: Both<R::Database>,
    Option<i64>: Both<R::Database>,
    Option<f64>: Both<R::Database>,
    Option<bool>: Both<R::Database>,
{
    let read = |(at, storage): (usize, &Storage)| match storage {
        Storage::Text => row.try_get::<Option<String>, _>(at),
        Storage::Integer => row.try_get::<Option<i64>, _>(at).map(printed),
        Storage::Real => row.try_get::<Option<f64>, _>(at).map(printed),
        Storage::Boolean => row.try_get::<Option<bool>, _>(at).map(printed),
    };
    let cells: Result<Cells, sqlx::Error> = columns.iter().enumerate().map(read).collect();
    cells.map_err(StoreError::while_doing("read a value"))
}

fn printed(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}
