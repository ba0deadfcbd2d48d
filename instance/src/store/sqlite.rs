//! SQLite: one writer, several readers, in one file.
//!
//! Every receipt must survive a killed process, so a commit is on disk before it is answered
//! (`synchronous = FULL`). Writers queue for the one writing connection inside this process, and other
//! processes are waited for by the busy timeout; since each write begins with `BEGIN IMMEDIATE`, none can
//! fail half-way for want of the lock.

use std::str::FromStr;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Sqlite, SqlitePool, Transaction};

use super::codec::{arguments, cells};
use super::error::StoreError;
use super::value::{Cells, Value};
use crate::schema::Storage;

/// How long one connection waits for another's lock.
const BUSY: Duration = Duration::from_secs(30);
/// Enough for every statement this program makes, so that each is prepared once.
const STATEMENTS: usize = 500;

/// A SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file, making it where it is missing.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(StoreError::while_doing("read its URL"))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .statement_cache_capacity(STATEMENTS);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(BUSY)
            .connect_with(options.clone())
            .await
            .map_err(StoreError::while_doing("open its file"))?;
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(BUSY)
            .connect_with(options)
            .await
            .map_err(StoreError::while_doing("open its file for reading"))?;
        Ok(Self { writer, readers })
    }

    /// Begins a transaction that may write.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(StoreError::while_doing("begin a write"))
    }

    /// Begins a transaction that reads one moment's state.
    pub async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(StoreError::while_doing("begin a read"))
    }

    /// Waits for connections in use, then closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Runs a statement; answers how many rows it touched.
pub async fn execute(tx: &mut Transaction<'static, Sqlite>, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments::<Sqlite>(values)?);
    let done = query.execute(&mut **tx).await.map_err(StoreError::while_doing("write"))?;
    Ok(done.rows_affected())
}

/// Runs a query whose columns are of these types.
pub async fn fetch(
    tx: &mut Transaction<'static, Sqlite>,
    sql: &str,
    values: &[Value],
    columns: &[Storage],
) -> Result<Vec<Cells>, StoreError> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments::<Sqlite>(values)?);
    let rows = query.fetch_all(&mut **tx).await.map_err(StoreError::while_doing("read"))?;
    rows.iter().map(|row| cells(row, columns)).collect()
}
