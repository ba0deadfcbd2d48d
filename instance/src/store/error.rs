//! What can go wrong with a database.

/// A failure of the database, as opposed to a refusal of the request.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names no database this program knows.
    #[error("`{0}` is not a database URL: use sqlite:FILE or postgres://USER@HOST/NAME")]
    UnknownUrl(String),
    /// The database answered with an error, or not at all.
    #[error("the database failed while it was asked to {doing}: {source}")]
    Database {
        /// What it was asked to do.
        doing: &'static str,
        /// Its answer.
        source: sqlx::Error,
    },
    /// A row came back in another shape than the one asked for.
    #[error("the database answered in a shape that was not asked for: {0}")]
    Shape(&'static str),
}

impl StoreError {
    /// For `map_err`: says what was being done.
    pub fn while_doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}
