//! What the [`doctor`](super::doctor) says.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What.
    pub check: Check,
    /// Of which table, where it is one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How it is.
    pub state: State,
    /// A sentence.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// Whether anything answers at `instance.url`.
    Reachable,
    /// Whether the browser lets the page read the answers, and their headers.
    Cors,
    /// Whether the instance takes the user's headers or cookies.
    SignIn,
    /// What `instance.extras` announces.
    Extras,
    /// Whether a table may be read.
    Table,
    /// Whether a table's records are found by the temporary id.
    Correlation,
    /// Whether several requests go in one.
    Batch,
    /// How it is noticed what has been deleted.
    Deletions,
    /// How many requests the instance allows.
    RateLimits,
    /// Where the records are kept.
    Storage,
    /// Whether a sender that is killed is followed at once.
    Locks,
    /// Whether anything is sent with the page closed.
    ServiceWorker,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// As it should be.
    Good,
    /// It works, with a drawback.
    Warning,
    /// It does not.
    Bad,
    /// It could not be looked at.
    Unknown,
}

impl Finding {
    /// As it should be.
    pub fn good(check: Check, message: impl Into<String>) -> Self {
        Self { check, table: None, state: State::Good, message: message.into(), advice: None }
    }

    /// It works, with a drawback that something can be done about.
    pub fn warning(check: Check, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Warning, advice: Some(advice.into()), ..Self::good(check, message) }
    }

    /// It does not work.
    pub fn bad(check: Check, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Bad, ..Self::warning(check, message, advice) }
    }

    /// It could not be looked at.
    pub fn unknown(check: Check, message: impl Into<String>) -> Self {
        Self { state: State::Unknown, ..Self::good(check, message) }
    }

    /// The same, of a table.
    pub fn of(self, table: &str) -> Self {
        Self { table: Some(table.to_owned()), ..self }
    }
}
