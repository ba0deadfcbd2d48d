//! Why the instance says no, in sentences for the person who asked.

use axum::http::StatusCode;
use landfall::wire::QueryError;

use crate::rules::Aborted;
use crate::schema::Unfit;
use crate::store::{FilterError, StoreError};

/// A request that is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// No such table.
    #[error("Invalid table {0}")]
    UnknownTable(String),
    /// No such record, in ServiceNow's words.
    #[error("No Record found")]
    NoRecord,
    /// No such place.
    #[error("Requested URI does not represent any resource")]
    NoResource(String),
    /// A place that does not do this.
    #[error("Method not supported")]
    Method(String),
    /// No such action.
    #[error("There is no action `{name}` here")]
    UnknownAction {
        /// What was asked for.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// An action's input that is not as it should be, in a sentence.
    #[error("{0}")]
    Input(String),
    /// What cannot be done to a record as it is, in a sentence.
    #[error("{0}")]
    Conflict(String),
    /// Fields the table does not have.
    #[error("Table {table} has no field {}", names(.fields))]
    UnknownFields {
        /// The table written to.
        table: String,
        /// What it does not have.
        fields: Vec<String>,
    },
    /// Values the fields cannot hold.
    #[error("{}", unfit(.0))]
    Unfit(Vec<(String, Unfit)>),
    /// A reference to nothing.
    #[error("Field `{field}` refers to no {table} record: `{value}` is the sys_id of none")]
    DanglingReference {
        /// The reference field.
        field: String,
        /// The table it points to.
        table: String,
        /// What it was to hold.
        value: String,
    },
    /// A temporary id in a reference that no record carries yet.
    #[error(
        "Field `{field}` waits for a record that has not been created here: no {table} record carries `{id}` as its correlation_id"
    )]
    UnresolvedTemporary {
        /// The reference field.
        field: String,
        /// The table it points to.
        table: String,
        /// The temporary id.
        id: String,
    },
    /// A query that cannot be read.
    #[error("{0}")]
    Query(#[from] QueryError),
    /// A query that cannot be asked of this table.
    #[error("The query cannot be asked: {0}")]
    Filter(#[from] FilterError),
    /// A parameter that is not what it should be.
    #[error("Parameter {name} must be a whole number of zero or more, not `{value}`")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What it held.
        value: String,
    },
    /// A body that cannot be read.
    #[error("The body cannot be read: {0}")]
    Body(String),
    /// A body of another kind than JSON, or of none that was named.
    #[error("Unsupported Media Type")]
    MediaType,
    /// A body beyond the limit.
    #[error("The body is larger than {0} MB")]
    TooLarge(usize),
    /// An idempotency key that cannot be one.
    #[error("Idempotency-Key must have 1 to 255 characters")]
    BadKey,
    /// An idempotency key that was used for something else.
    #[error("This Idempotency-Key was used before for another request")]
    KeyReused,
    /// An `If-Match` that cannot be read.
    #[error("If-Match must be `*` or a list of entity tags, each in quotes")]
    BadTags,
    /// A record that is not any more what the write was made for.
    #[error("The record was changed since it was read")]
    Changed {
        /// How often it was changed by now.
        mod_count: String,
    },
    /// A business rule that will not have it, in ServiceNow's words.
    #[error("Operation Failed")]
    Aborted(#[from] Aborted),
    /// A table that users may not read, in ServiceNow's words.
    #[error("User Not Authorized")]
    NotAuthorized,
    /// Nobody is signed in.
    #[error("User Not Authenticated")]
    NotAuthenticated,
    /// The database failed.
    #[error("The instance could not carry this out")]
    Store(#[from] StoreError),
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoRecord | Self::NoResource(_) | Self::UnknownAction { .. } => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnresolvedTemporary { .. } => StatusCode::FAILED_DEPENDENCY,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Aborted(_) | Self::NotAuthorized => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Changed { .. } => StatusCode::PRECONDITION_FAILED,
            Self::NotAuthenticated => StatusCode::UNAUTHORIZED,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The same of a field that stands within another.
    #[must_use]
    pub fn below(self, place: &str) -> Self {
        let named = |field: String| format!("{place}.{field}");
        match self {
            Self::Unfit(fields) => Self::Unfit(fields.into_iter().map(|(field, why)| (named(field), why)).collect()),
            Self::DanglingReference { field, table, value } => {
                Self::DanglingReference { field: named(field), table, value }
            }
            Self::UnresolvedTemporary { field, table, id } => {
                Self::UnresolvedTemporary { field: named(field), table, id }
            }
            other => other,
        }
    }

    /// What to know besides.
    pub fn detail(&self) -> String {
        match self {
            Self::NoRecord => "Record doesn't exist or ACL restricts the record retrieval".into(),
            Self::NoResource(path) => format!("Nothing is served at {path}"),
            Self::Method(method) => format!("{method} is not done here"),
            Self::UnknownAction { known, .. } => format!("There are {}", known.join(", ")),
            Self::UnknownFields { .. }
            | Self::Unfit(_)
            | Self::DanglingReference { .. }
            | Self::Input(_)
            | Self::Conflict(_) => "Nothing was written".into(),
            Self::UnresolvedTemporary { .. } => {
                "Nothing was written. Create that record first, or before this one in the same batch".into()
            }
            Self::MediaType => "Send the body as Content-Type: application/json".into(),
            Self::KeyReused => {
                "Nothing was written. A key stands for one request: the same method, path and body".into()
            }
            Self::Changed { mod_count } => format!("Nothing was written. Its sys_mod_count is {mod_count} by now"),
            Self::NotAuthorized => "Failed API level ACL Validation".into(),
            Self::NotAuthenticated => "Required to provide Auth information".into(),
            Self::Aborted(rule) => rule.to_string(),
            Self::Store(error) => error.to_string(),
            _ => String::new(),
        }
    }
}

fn names(fields: &[String]) -> String {
    fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ")
}

fn unfit(fields: &[(String, Unfit)]) -> String {
    fields.iter().map(|(field, why)| format!("Field `{field}` {why}")).collect::<Vec<_>>().join(". ")
}
