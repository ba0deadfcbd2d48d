//! Records in and out of the database: one row in each table of the class's lineage.

use landfall::wire::{Fields, fold};

use super::ddl::folded;
use super::error::StoreError;
use super::filter::Filter;
use super::seam::{Dialect, Session};
use super::value::{Cells, Value};
use crate::schema::{Class, Field, Storage};

/// How many values one insert binds. More would save little, and SQLite looks each parameter up among all the others.
const VALUES_AT_ONCE: usize = 300;

/// The record with this sys_id, if the class has it.
pub async fn find(session: &mut Session, class: &Class, sys_id: &str) -> Result<Option<Fields>, StoreError> {
    let sql = format!("SELECT {} FROM {} WHERE t0.\"sys_id\" = $1", columns(class), joined(class));
    let rows = session.fetch(&sql, &[sys_id.into()], &types(class)).await?;
    Ok(rows.into_iter().next().map(|cells| record(class, cells)))
}

/// As [`find`], and no other transaction may change the record until this one ends.
pub async fn find_to_change(session: &mut Session, class: &Class, sys_id: &str) -> Result<Option<Fields>, StoreError> {
    if session.dialect() == Dialect::Postgres {
        // On SQLite a write has the whole file to itself already.
        let sql = format!("SELECT 1 FROM \"{}\" WHERE \"sys_id\" = $1 FOR UPDATE", class.root());
        session.fetch(&sql, &[sys_id.into()], &[]).await?;
    }
    find(session, class, sys_id).await
}

/// Whether the class has a record with this sys_id.
pub async fn exists(session: &mut Session, class: &Class, sys_id: &str) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM \"{}\" WHERE \"sys_id\" = $1", class.name);
    Ok(!session.fetch(&sql, &[sys_id.into()], &[]).await?.is_empty())
}

/// The sys_id of the class's record that carries this correlation id; of several, the first that was made.
pub async fn correlated(session: &mut Session, class: &Class, id: &str) -> Result<Option<String>, StoreError> {
    first_with(session, class, "correlation_id", id).await
}

/// No other transaction holds this correlation id until this one ends, so that whoever looks whether it is there and
/// then writes it does both alone.
pub async fn hold_correlation(session: &mut Session, id: &str) -> Result<(), StoreError> {
    if session.dialect() == Dialect::Postgres {
        // On SQLite a write has the whole file to itself already.
        session.execute("SELECT pg_advisory_xact_lock(hashtext($1))", &[id.into()]).await?;
    }
    Ok(())
}

/// The sys_id of the class's record with this text in the column, in whichever case; of several, the first that was
/// made.
pub async fn first_with(
    session: &mut Session,
    class: &Class,
    column: &str,
    text: &str,
) -> Result<Option<String>, StoreError> {
    let Some(field) = class.field(column).filter(|field| field.column.is_folded()) else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT t0.\"sys_id\" FROM {} WHERE t{}.\"{}\" = $1 ORDER BY t0.\"sys_created_on\", t0.\"sys_id\" LIMIT 1",
        joined(class),
        field.level,
        folded(column),
    );
    session.one(&sql, &[fold(text).into()], Storage::Text).await
}

/// The records the filter lets through, in its order.
pub async fn page(
    session: &mut Session,
    class: &Class,
    filter: &Filter,
    limit: i64,
    offset: i64,
) -> Result<Vec<Fields>, StoreError> {
    let mut values = filter.values.clone();
    let at = values.len();
    values.extend([limit.into(), offset.into()]);
    let sql = format!(
        "SELECT {} FROM {} WHERE {} ORDER BY {} LIMIT ${} OFFSET ${}",
        columns(class),
        joined(class),
        filter.condition,
        filter.order,
        at + 1,
        at + 2,
    );
    let rows = session.fetch(&sql, &values, &types(class)).await?;
    Ok(rows.into_iter().map(|cells| record(class, cells)).collect())
}

/// How many records the filter lets through.
pub async fn count(session: &mut Session, class: &Class, filter: &Filter) -> Result<i64, StoreError> {
    let sql = format!("SELECT COUNT(*) FROM {} WHERE {}", joined(class), filter.condition);
    let count = session.one(&sql, &filter.values, Storage::Integer).await?;
    count.and_then(|count| count.parse().ok()).ok_or(StoreError::Shape("a count was no number"))
}

/// Writes a new record: a row in each table of its lineage.
pub async fn insert(session: &mut Session, class: &Class, record: &Fields) -> Result<(), StoreError> {
    insert_many(session, class, std::slice::from_ref(record)).await
}

/// Writes new records, as many as a statement holds at a time.
pub async fn insert_many(session: &mut Session, class: &Class, records: &[Fields]) -> Result<(), StoreError> {
    for (level, table) in class.lineage.iter().enumerate() {
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let mut row = Bound::default();
            if level > 0 {
                row.add("sys_id", text_of(record, "sys_id").into());
            }
            for field in class.stored_at(level) {
                row.field(field, text_of(record, field.column.name));
            }
            rows.push(row);
        }
        let Some(names) = rows.first().map(|row| row.names.join(", ")) else {
            continue;
        };
        let width = rows.first().map_or(1, |row| row.values.len()).max(1);
        for rows in rows.chunks((VALUES_AT_ONCE / width).max(1)) {
            let places: Vec<String> = (0..rows.len()).map(|row| places(row * width + 1, width)).collect();
            let sql = format!("INSERT INTO \"{table}\" ({names}) VALUES {}", places.join(", "));
            let values: Vec<Value> = rows.iter().flat_map(|row| row.values.iter().cloned()).collect();
            session.execute(&sql, &values).await?;
        }
    }
    Ok(())
}

fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|place| format!("${place}")).collect();
    format!("({})", places.join(", "))
}

/// Writes the changed fields of a record that exists.
pub async fn update(session: &mut Session, class: &Class, sys_id: &str, changes: &Fields) -> Result<(), StoreError> {
    for (level, table) in class.lineage.iter().enumerate() {
        let mut row = Bound::default();
        for field in class.stored_at(level) {
            if let Some(text) = changes.get(field.column.name) {
                row.field(field, text);
            }
        }
        if row.names.is_empty() {
            continue;
        }
        let assignments: Vec<String> =
            (1..).zip(&row.names).map(|(place, name)| format!("{name} = ${place}")).collect();
        let sql =
            format!("UPDATE \"{table}\" SET {} WHERE \"sys_id\" = ${}", assignments.join(", "), row.values.len() + 1);
        row.values.push(sys_id.into());
        session.execute(&sql, &row.values).await?;
    }
    Ok(())
}

/// Takes the record out of every table of its lineage.
pub async fn delete(session: &mut Session, class: &Class, sys_id: &str) -> Result<(), StoreError> {
    for table in class.lineage.iter().rev() {
        session.execute(&format!("DELETE FROM \"{table}\" WHERE \"sys_id\" = $1"), &[sys_id.into()]).await?;
    }
    Ok(())
}

/// The next number of that prefix.
pub async fn next_number(session: &mut Session, prefix: &str) -> Result<String, StoreError> {
    let numbers = next_numbers(session, prefix, 1).await?;
    numbers.into_iter().next().ok_or(StoreError::Shape("a counter gave no number"))
}

/// The next numbers of that prefix. The counter's row is locked until the transaction ends, so a number given to a
/// record that is then refused is given again.
pub async fn next_numbers(session: &mut Session, prefix: &str, count: usize) -> Result<Vec<String>, StoreError> {
    let count = i64::try_from(count).map_err(|_| StoreError::Shape("too many numbers at once"))?;
    let sql = "INSERT INTO landfall_counter AS c (prefix, last) VALUES ($1, 10000 + $2) \
               ON CONFLICT (prefix) DO UPDATE SET last = c.last + $2 RETURNING last";
    let last = session.one(sql, &[prefix.into(), count.into()], Storage::Integer).await?;
    let last = last.and_then(|last| last.parse::<i64>().ok()).ok_or(StoreError::Shape("a counter was no number"))?;
    Ok((last - count + 1..=last).map(|number| format!("{prefix}{number:07}")).collect())
}

fn text_of<'r>(record: &'r Fields, name: &str) -> &'r str {
    record.get(name).map_or("", String::as_str)
}

/// Columns and the values bound for them.
#[derive(Default)]
struct Bound {
    names: Vec<String>,
    values: Vec<Value>,
}

impl Bound {
    fn add(&mut self, name: &str, value: Value) {
        self.names.push(format!("\"{name}\""));
        self.values.push(value);
    }

    /// A field's own column, and its folded copy where it has one.
    fn field(&mut self, field: &Field, text: &str) {
        let Some(storage) = field.column.storage() else {
            return;
        };
        self.add(field.column.name, stored(text, storage));
        if field.column.is_folded() {
            let copy = if text.is_empty() { Value::Null(Storage::Text) } else { fold(text).into() };
            self.add(&folded(field.column.name), copy);
        }
    }
}

/// The database's form of a canonical string. The empty value is null, and so is what is not of the column's type,
/// which cannot come this far: `Column::canonical` stands before it.
fn stored(text: &str, storage: Storage) -> Value {
    if text.is_empty() {
        return Value::Null(storage);
    }
    let value = match storage {
        Storage::Text => Some(text.into()),
        Storage::Integer => text.parse().ok().map(Value::Integer),
        Storage::Real => text.parse().ok().map(Value::Real),
        Storage::Boolean => text.parse().ok().map(Value::Boolean),
    };
    value.unwrap_or(Value::Null(storage))
}

fn columns(class: &Class) -> String {
    let names: Vec<String> =
        class.stored().map(|field| format!("t{}.\"{}\"", field.level, field.column.name)).collect();
    names.join(", ")
}

fn types(class: &Class) -> Vec<Storage> {
    class.stored().filter_map(|field| field.column.storage()).collect()
}

/// The lineage's tables joined, as `t0` (the root), `t1`, and so on.
fn joined(class: &Class) -> String {
    let mut sql = format!("\"{}\" t0", class.root());
    for (level, table) in class.lineage.iter().enumerate().skip(1) {
        sql.push_str(&format!(" JOIN \"{table}\" t{level} ON t{level}.\"sys_id\" = t0.\"sys_id\""));
    }
    sql
}

fn record(class: &Class, cells: Cells) -> Fields {
    let names = class.stored().map(|field| field.column.name.to_owned());
    names.zip(cells.into_iter().map(Option::unwrap_or_default)).collect()
}
