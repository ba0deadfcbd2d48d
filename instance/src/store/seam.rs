//! The seam between the two databases: begin, execute, fetch, commit, and the little they spell differently.
//!
//! Everything above writes one SQL for both. Both take `$1` for a parameter, and both compare text byte by
//! byte here: SQLite by its nature, PostgreSQL because its text columns are declared `COLLATE "C"`.

use sqlx::{Postgres, Sqlite, Transaction};

use super::error::StoreError;
use super::postgres::{self, PostgresStore};
use super::sqlite::{self, SqliteStore};
use super::value::{Cells, Value};
use crate::schema::Storage;

/// A database.
#[derive(Debug)]
pub enum Store {
    /// A SQLite file.
    Sqlite(SqliteStore),
    /// A PostgreSQL database.
    Postgres(PostgresStore),
}

/// What the two databases spell differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's words.
    Sqlite,
    /// PostgreSQL's words.
    Postgres,
}

/// A transaction. Dropped without `commit`, it never was.
#[derive(Debug)]
pub enum Session {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
}

impl Store {
    /// Opens the database the URL names, and makes the tables it lacks.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = if url.starts_with("sqlite:") {
            Self::Sqlite(SqliteStore::open(url).await?)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Self::Postgres(PostgresStore::open(url).await?)
        } else {
            return Err(StoreError::UnknownUrl(url.to_owned()));
        };
        super::ddl::prepare(&store).await?;
        Ok(store)
    }

    /// Which words it speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Begins a transaction that may write.
    pub async fn write(&self) -> Result<Session, StoreError> {
        Ok(match self {
            Self::Sqlite(store) => Session::Sqlite(store.write().await?),
            Self::Postgres(store) => Session::Postgres(store.write().await?),
        })
    }

    /// Begins a transaction that reads one moment's state.
    pub async fn read(&self) -> Result<Session, StoreError> {
        Ok(match self {
            Self::Sqlite(store) => Session::Sqlite(store.read().await?),
            Self::Postgres(store) => Session::Postgres(store.read().await?),
        })
    }

    /// Waits for what is under way, then closes.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

impl Session {
    /// Which words it speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement; answers how many rows it touched.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(tx) => sqlite::execute(tx, sql, values).await,
            Self::Postgres(tx) => postgres::execute(tx, sql, values).await,
        }
    }

    /// Runs a query whose columns are of these types.
    pub async fn fetch(&mut self, sql: &str, values: &[Value], columns: &[Storage]) -> Result<Vec<Cells>, StoreError> {
        match self {
            Self::Sqlite(tx) => sqlite::fetch(tx, sql, values, columns).await,
            Self::Postgres(tx) => postgres::fetch(tx, sql, values, columns).await,
        }
    }

    /// The first row's only column, as text.
    pub async fn one(&mut self, sql: &str, values: &[Value], column: Storage) -> Result<Option<String>, StoreError> {
        let rows = self.fetch(sql, values, &[column]).await?;
        Ok(rows.into_iter().next().and_then(|cells| cells.into_iter().next().flatten()))
    }

    /// Makes everything done in it last.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(StoreError::while_doing("commit"))
    }
}
