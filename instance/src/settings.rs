//! How the instance is told to run.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// The reference instance: ServiceNow's Table and Batch APIs, with Landfall's extras, over SQLite or PostgreSQL.
#[derive(Clone, Debug, Parser)]
#[command(name = "landfall-instance", version)]
pub struct Settings {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8600")]
    pub listen: String,
    /// The database: sqlite:FILE, made where it is missing, or postgres://USER@HOST/NAME.
    #[arg(long, value_name = "URL", default_value = "sqlite:landfall.db")]
    pub database: String,
    /// A folder to serve at `/`, such as the field app.
    #[arg(long, value_name = "DIR")]
    pub www: Option<PathBuf>,
    /// What to fill an empty database with.
    #[arg(long, value_name = "NAME")]
    pub seed: Option<Seed>,
    /// Behave as ServiceNow does: no extras, no idempotency keys, unknown fields and query terms passed over.
    #[arg(long)]
    pub plain: bool,
    /// Answer 401 to requests without basic or bearer credentials, or an X-Landfall-User header.
    #[arg(long)]
    pub require_auth: bool,
    /// How long one batch may take; what is not begun by then is left unserviced.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub batch_seconds: u64,
}

/// What a database can be filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Seed {
    /// Airports, their equipment, the people who mend it, and their work.
    Demo,
}
