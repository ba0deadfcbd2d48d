//! Why a call failed.

use crate::{core::CoreError, ports::StoreError};

/// Why the engine could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A rule says no. Nothing was written.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The store could not. Nothing was written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Other contexts changed the same rows each time.
    #[error("Other tabs kept changing the same records; try again.")]
    Contended,
    /// The instance answered rows that its query does not ask for.
    #[error(
        "The instance did not honour the query of table {table}: it answered {sys_id}, which does not match “{query}”. Nothing was removed."
    )]
    QueryNotHonoured {
        /// The table.
        table: String,
        /// The query.
        query: String,
        /// A row that does not match.
        sys_id: String,
    },
    /// What answered is not an instance.
    #[error("What answered at {url} is not an instance: {why}")]
    NotAnInstance {
        /// Where.
        url: String,
        /// What it said.
        why: String,
    },
    /// What is given is no record, or what is stored is none of the app's type.
    #[error("What is given or kept of {table} cannot be read: {why}.")]
    NotJson {
        /// The table.
        table: String,
        /// What is wrong.
        why: String,
    },
    /// The instance said no to a pull.
    #[error("The instance would not give the records of {table}: {}{message}", said(*status))]
    PullRefused {
        /// The table.
        table: String,
        /// HTTP status.
        status: u16,
        /// The instance's sentence.
        message: String,
    },
}

impl EngineError {
    /// Stable; documented in the README.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Core(error) => error.code(),
            Self::Store(StoreError::Full(_)) => "storage_full",
            Self::Store(StoreError::Blocked) => "storage_blocked",
            Self::Store(StoreError::Newer) => "database_newer",
            Self::Store(StoreError::Superseded { .. }) => "superseded",
            Self::Store(StoreError::Closed) => "closed",
            Self::Store(StoreError::Unavailable(_)) => "storage_unavailable",
            Self::Store(StoreError::Corrupt { .. }) => "corrupt_row",
            Self::Store(StoreError::Failed { .. }) => "storage_failed",
            Self::Contended => "contended",
            Self::NotJson { .. } => "not_json",
            Self::QueryNotHonoured { .. } => "query_not_honoured",
            Self::NotAnInstance { .. } => "not_an_instance",
            Self::PullRefused { .. } => "pull_refused",
        }
    }

    /// Whether the same call may do better later, or after the user has made room.
    pub const fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Contended
                | Self::NotAnInstance { .. }
                | Self::PullRefused { .. }
                | Self::Core(CoreError::LeaseLost | CoreError::BeingSent(_) | CoreError::AnswerUnknown(_))
                | Self::Store(StoreError::Full(_) | StoreError::Blocked | StoreError::Failed { .. })
        )
    }
}

/// Nothing of a status that no answer had.
fn said(status: u16) -> String {
    if status == 0 { String::new() } else { format!("{status} ") }
}
