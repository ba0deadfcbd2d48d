//! One request and its answer, whether it came by HTTP or inside a batch.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use landfall::wire::{ErrorAnswer, Response, encode};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::refusal::Refusal;

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is to be done.
    pub method: Method,
    /// Where, without the query string.
    pub path: String,
    /// The query string's pairs, decoded.
    pub query: Vec<(String, String)>,
    /// Its headers; inside a batch, the item's own.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Who asks.
    pub user: String,
    /// The scheme and host the instance was reached by, which links begin with.
    pub base: String,
}

impl Call {
    /// The last value given for a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header's value, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; an empty one is an empty object.
    pub fn json(&self) -> Result<Json, Refusal> {
        if self.body.is_empty() {
            return Ok(json!({}));
        }
        let kind = self.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default().trim());
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
            return Err(Refusal::MediaType);
        }
        serde_json::from_slice(&self.body).map_err(|error| Refusal::Body(error.to_string()))
    }
}

/// Decodes a query string, or a form.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, JSON unless it is empty.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without a body.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Vec::new() }
    }

    /// An answer in JSON.
    pub fn json(status: StatusCode, message: &impl Serialize) -> Self {
        match encode("answer", message) {
            Ok(body) => Self::bytes(status, body),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                Self::empty(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// An answer in JSON that is written already.
    pub fn bytes(status: StatusCode, body: Vec<u8>) -> Self {
        let answer = Self { body, ..Self::empty(status) };
        if answer.body.is_empty() {
            return answer;
        }
        answer.with(header::CONTENT_TYPE, "application/json;charset=UTF-8")
    }

    /// The same with one more header; a value that cannot be one is left out.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.detail();
        if let Refusal::Store(error) = &refusal {
            tracing::error!(%error, "a request failed");
        }
        let message = ErrorAnswer::new(refusal.to_string(), Some(detail).filter(|detail| !detail.is_empty()));
        Self::json(refusal.status(), &message)
    }
}

impl From<Answer> for Response {
    fn from(answer: Answer) -> Self {
        let text = |value: &HeaderValue| Some(value.to_str().ok()?.to_owned());
        Self {
            status: answer.status.as_u16(),
            headers: answer.headers.iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?))).collect(),
            body: answer.body,
            redirected_to: None,
        }
    }
}
