//! The way to the instance.

use crate::wire::http::{Request, Response};

/// Headers for each request, as the app's `auth` gives them. Never stored.
pub type Headers = Vec<(String, String)>;

/// Why `auth` is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthReason {
    /// A request is about to be sent.
    Send,
    /// The instance answered 401 to the headers given last.
    Expired,
}

/// `auth` had no answer: the outbox pauses until `signedIn()`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Not signed in: {0}")]
pub struct AuthUnavailable(pub String);

/// No answer came. Whether the request was carried out is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// The connection could not be made, or broke.
    #[error("The instance could not be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("The instance did not answer within {0} seconds.")]
    TimedOut(u64),
}

/// Sends requests. Adds nothing to them but what the transport itself needs.
pub trait Remote: 'static {
    /// Sends one request. Any status at all is an answer, not an error. `timeout_ms` bounds the
    /// whole exchange, body included.
    fn send(&self, request: &Request, timeout_ms: u64) -> impl Future<Output = Result<Response, RemoteError>>;
    /// The app's headers.
    fn authorize(&self, reason: AuthReason) -> impl Future<Output = Result<Headers, AuthUnavailable>>;
    /// `false` only if the browser is certain that there is no network; `true` means nothing.
    fn maybe_online(&self) -> bool;
    /// Whether anything answers at a URL, though its answer may not be read; none where that cannot be found out.
    fn answers_unread(&self, _url: &str) -> impl Future<Output = Option<bool>> {
        std::future::ready(None)
    }
}
