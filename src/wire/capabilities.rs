//! What an instance can do beyond ServiceNow's own APIs, announced at `GET {extras}/capabilities`.

use serde::{Deserialize, Serialize};

use super::http::Response;
use super::json;

/// The extras. The default has none of them: a *plain* instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// A request repeated under the same `Idempotency-Key` is carried out once.
    pub idempotency_key: bool,
    /// A temporary id used as a reference is replaced, if its record came earlier in the batch or before it.
    pub resolves_temp_ids: bool,
    /// A batch's items run in the order given.
    pub ordered_batch: bool,
    /// `If-Match` is honoured.
    pub if_match: bool,
    /// The instance runs actions' online steps.
    pub actions: bool,
    /// How long keys are remembered; unknown when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ttl_seconds: Option<u64>,
}

/// `{"capabilities":{…}}`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilitiesAnswer {
    /// What is announced.
    pub capabilities: Capabilities,
}

impl Capabilities {
    /// What an answer announces: nothing where an instance without extras says, in one way or another, that it does
    /// not know what was asked. `None` where that is not the instance's last word: a bad moment of its own, or another's
    /// page.
    pub fn announced(response: &Response) -> Option<Self> {
        match response.status {
            200 => json::decode("announcement of capabilities", &response.body)
                .ok()
                .map(|answer: CapabilitiesAnswer| answer.capabilities),
            404 | 405 => Some(Self::default()),
            408 | 409 | 429 => None,
            400..500 if response.is_json() && json::decode::<serde_json::Value>("refusal", &response.body).is_ok() => {
                Some(Self::default())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(status: u16, body: &str) -> Option<Capabilities> {
        Capabilities::announced(&Response { status, body: body.into(), ..Response::default() })
    }

    #[test]
    fn what_is_not_announced_is_not_there() {
        let some = announced(200, r#"{"capabilities":{"if_match":true,"later":true}}"#);
        assert_eq!(some, Some(Capabilities { if_match: true, ..Capabilities::default() }));
    }

    #[test]
    fn an_instance_that_does_not_know_the_question_is_plain() {
        assert_eq!(announced(404, "<h1>No such page"), Some(Capabilities::default()));
        for status in [400, 403, 404, 405] {
            assert_eq!(announced(status, r#"{"error":{}}"#), Some(Capabilities::default()), "{status}");
        }
    }

    #[test]
    fn what_is_not_its_word_settles_nothing() {
        for (status, body) in
            [(200, "<html>"), (200, "{}"), (200, r#"{"capabilities":null}"#), (400, "<h1>"), (400, "")]
        {
            assert_eq!(announced(status, body), None, "{status} {body}");
        }
        for status in [408, 429, 500, 503] {
            assert_eq!(announced(status, r#"{"error":{}}"#), None, "{status}");
        }
    }
}
