//! What an instance says when it says no, and why a message could not be read.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json;

/// A message that could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No JSON, or JSON of another shape. The source tells line and column.
    #[error("The {what} is not as expected: {source}.")]
    Json {
        /// Such as "answer to a batch".
        what: &'static str,
        /// What the reader stumbled over.
        source: serde_json::Error,
    },
    /// A body within a batch that is not base64.
    #[error("The body of item `{id}` in the batch cannot be decoded: {source}")]
    Base64 {
        /// The item's.
        id: String,
        /// Which character is wrong.
        source: base64::DecodeError,
    },
}

/// `{"error":{"message","detail"},"status":"failure"}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorAnswer {
    /// What went wrong.
    pub error: ErrorBody,
    /// Always `failure`.
    #[serde(default)]
    pub status: String,
}

/// The instance's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct ErrorBody {
    /// Short, such as `Operation Failed`.
    pub message: String,
    /// Longer; often the rule or the field. ServiceNow writes null for none.
    pub detail: Option<String>,
}

impl ErrorAnswer {
    /// The form ServiceNow gives an error.
    pub fn new(message: impl Into<String>, detail: Option<String>) -> Self {
        Self { error: ErrorBody { message: message.into(), detail }, status: "failure".to_owned() }
    }
}

impl ErrorBody {
    /// The error in an answer's body, if there is one: a proxy's page has none.
    pub fn read(body: &[u8]) -> Option<Self> {
        json::decode::<ErrorAnswer>("error", body).ok().map(|answer| answer.error)
    }
}

/// Sign-in services put a plain string where the Table API puts an object.
impl From<Value> for ErrorBody {
    fn from(error: Value) -> Self {
        let text = |field: &str| error.get(field).and_then(Value::as_str).map(str::to_owned);
        let message = error.as_str().map(str::to_owned).or_else(|| text("message"));
        Self { message: message.unwrap_or_default(), detail: text("detail").filter(|detail| !detail.is_empty()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_error_is_read() {
        let read = |text: &str| ErrorBody::read(text.as_bytes());
        let said = |message: &str, detail: Option<&str>| {
            Some(ErrorBody { message: message.into(), detail: detail.map(str::to_owned) })
        };
        assert_eq!(
            read(r#"{"error":{"message":"No Record found","detail":"ACL"},"status":"failure"}"#),
            said("No Record found", Some("ACL"))
        );
        assert_eq!(read(r#"{"error":{"message":"No","detail":null}}"#), said("No", None));
        assert_eq!(read(r#"{"error":"invalid_grant","error_description":"…"}"#), said("invalid_grant", None));
        assert_eq!(read("<html>Sign in</html>"), None);
        assert_eq!(read(r#"{"result":{}}"#), None);
    }

    #[test]
    fn an_unreadable_message_says_what_and_where() {
        let error = json::decode::<ErrorAnswer>("answer", b"{\n  oops").unwrap_err();
        assert_eq!(error.to_string(), "The answer is not as expected: key must be a string at line 2 column 3.");
    }
}
