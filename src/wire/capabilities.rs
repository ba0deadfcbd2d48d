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
    /// What an answer announces; nothing where it is anything but an announcement, for an instance without extras
    /// answers in ways of its own, and is plain rather than out of reach.
    pub fn announced(response: &Response) -> Self {
        if response.status != 200 {
            return Self::default();
        }
        json::decode("announcement of capabilities", &response.body)
            .map(|answer: CapabilitiesAnswer| answer.capabilities)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(status: u16, body: &str) -> Capabilities {
        Capabilities::announced(&Response { status, body: body.into(), ..Response::default() })
    }

    #[test]
    fn what_is_not_announced_is_not_there() {
        let some = announced(200, r#"{"capabilities":{"if_match":true,"later":true}}"#);
        assert_eq!(some, Capabilities { if_match: true, ..Capabilities::default() });
    }

    #[test]
    fn anything_else_is_plain() {
        for (status, body) in [
            (404, r#"{"capabilities":{"actions":true}}"#),
            (200, "<html>"),
            (200, "{}"),
            (200, r#"{"capabilities":null}"#),
        ] {
            assert_eq!(announced(status, body), Capabilities::default(), "{status} {body}");
        }
    }
}
