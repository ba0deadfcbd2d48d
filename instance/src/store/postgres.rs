//! PostgreSQL: many writers, ordered by row locks.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use super::codec::{arguments, cells};
use super::error::StoreError;
use super::value::{Cells, Value};
use crate::schema::Storage;

/// A PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    pool: PgPool,
}

impl PostgresStore {
    /// Connects.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .connect(url)
            .await
            .map_err(StoreError::while_doing("connect"))?;
        Ok(Self { pool })
    }

    /// Begins a transaction that may write.
    pub async fn write(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.pool.begin().await.map_err(StoreError::while_doing("begin a write"))
    }

    /// Begins a transaction that reads one moment's state.
    pub async fn read(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        self.pool
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(StoreError::while_doing("begin a read"))
    }

    /// Waits for connections in use, then leaves.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// Runs a statement; answers how many rows it touched.
pub async fn execute(tx: &mut Transaction<'static, Postgres>, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments::<Postgres>(values)?);
    let done = query.execute(&mut **tx).await.map_err(StoreError::while_doing("write"))?;
    Ok(done.rows_affected())
}

/// Runs a query whose columns are of these types.
pub async fn fetch(
    tx: &mut Transaction<'static, Postgres>,
    sql: &str,
    values: &[Value],
    columns: &[Storage],
) -> Result<Vec<Cells>, StoreError> {
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments::<Postgres>(values)?);
    let rows = query.fetch_all(&mut **tx).await.map_err(StoreError::while_doing("read"))?;
    rows.iter().map(|row| cells(row, columns)).collect()
}
