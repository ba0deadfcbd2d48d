//! The tables in the database: one for each ServiceNow table, those of a lineage sharing the record's sys_id.
//!
//! A child table holds only what it adds, as ServiceNow's own do, so `task` lists every kind of work without
//! a union, and a sys_id is unique along the lineage because the root's key is.

use super::error::StoreError;
use super::seam::{Dialect, Session, Store};
use crate::schema::{Column, Kind, Storage, Table, tables};

/// The name of a column's case-folded copy.
pub fn folded(column: &str) -> String {
    format!("{column}__folded")
}

/// Makes the tables and indexes that are not there yet.
pub async fn prepare(store: &Store) -> Result<(), StoreError> {
    let dialect = store.dialect();
    let mut session = store.write().await?;
    if dialect == Dialect::Postgres {
        // Two instances that start at once would otherwise both make the tables, and one would fail.
        session.execute("SELECT pg_advisory_xact_lock(5263447)", &[]).await?;
    }
    for table in tables() {
        create_table(&mut session, table).await?;
    }
    for sql in HOUSEKEEPING {
        session.execute(&sql.replace("TEXT", text(dialect)), &[]).await?;
    }
    session.commit().await
}

/// Tables that are not ServiceNow's: the number counters, and what idempotency keys were answered.
const HOUSEKEEPING: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS landfall_counter (prefix TEXT PRIMARY KEY, last BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS landfall_key (
        user_name TEXT NOT NULL, table_name TEXT NOT NULL, idempotency_key TEXT NOT NULL,
        sent_hash TEXT NOT NULL, resolved_hash TEXT, status BIGINT, location TEXT, body TEXT,
        made_at BIGINT NOT NULL,
        PRIMARY KEY (user_name, table_name, idempotency_key))",
    "CREATE INDEX IF NOT EXISTS landfall_key_made_at ON landfall_key (made_at)",
];

/// Makes a table and its indexes, unless they are there.
pub async fn create_table(session: &mut Session, table: &Table) -> Result<(), StoreError> {
    let dialect = session.dialect();
    let name = table.name;
    let mut columns = Vec::new();
    if table.parent.is_some() {
        columns.push(format!("\"sys_id\" {} PRIMARY KEY", text(dialect)));
    }
    for column in table.kept_columns() {
        let Some(storage) = column.storage() else {
            continue;
        };
        let key = if column.kind == Kind::SysId { " PRIMARY KEY" } else { "" };
        columns.push(format!("\"{}\" {}{key}", column.name, spelled(storage, dialect)));
        if column.is_folded() {
            columns.push(format!("\"{}\" {}", folded(column.name), text(dialect)));
        }
    }
    session.execute(&format!("CREATE TABLE IF NOT EXISTS \"{name}\" ({})", columns.join(", ")), &[]).await?;

    let by_default: &[&str] = if table.parent.is_none() { &["sys_created_on", "sys_updated_on"] } else { &[] };
    for column in by_default {
        index(session, name, column, &format!("\"{column}\", \"sys_id\"")).await?;
    }
    for column in table.kept_columns().filter(|column| is_looked_up(column)) {
        index(session, name, column.name, &format!("\"{}\"", folded(column.name))).await?;
    }
    Ok(())
}

/// Columns by which records are found one at a time: pointers, numbers, and the correlation id.
fn is_looked_up(column: &Column) -> bool {
    matches!(column.kind, Kind::Reference(_))
        || matches!(column.name, "correlation_id" | "number" | "documentkey" | "element_id")
}

async fn index(session: &mut Session, table: &str, name: &str, on: &str) -> Result<(), StoreError> {
    let sql = format!("CREATE INDEX IF NOT EXISTS \"{table}_by_{name}\" ON \"{table}\" ({on})");
    session.execute(&sql, &[]).await.map(|_| ())
}

fn text(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "TEXT",
        Dialect::Postgres => "TEXT COLLATE \"C\"",
    }
}

fn spelled(storage: Storage, dialect: Dialect) -> &'static str {
    match (storage, dialect) {
        (Storage::Text, _) => text(dialect),
        (Storage::Integer, _) => "BIGINT",
        (Storage::Real, _) => "DOUBLE PRECISION",
        (Storage::Boolean, _) => "BOOLEAN",
    }
}
