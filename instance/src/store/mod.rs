//! Where records are kept: SQLite or PostgreSQL behind one seam, and the SQL that both understand.

mod codec;
mod ddl;
mod error;
mod filter;
pub mod keys;
mod postgres;
pub mod records;
mod seam;
mod sqlite;
mod value;

pub use ddl::create_table;
pub use error::StoreError;
pub use filter::{Filter, FilterError};
pub use seam::{Dialect, Session, Store};
pub use value::{Cells, Value};
