//! The Batch API, `POST /api/now/v1/batch`: several requests in one, each with an answer of its own.
//!
//! The items serviced and those not serviced are listed apart. An item in neither list may or may not have run, and
//! nothing here decides that: the lists are given as they came.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use super::error::WireError;
use super::http::{Method, Request, Response};
use super::json::{number, or_default, text};

/// Several requests in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRequest {
    /// Comes back in the answer.
    #[serde(default, deserialize_with = "text")]
    pub batch_request_id: String,
    /// In the order they are to run, where the instance keeps it.
    #[serde(default, deserialize_with = "or_default")]
    pub rest_requests: Vec<RestRequest>,
}

/// One request of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestRequest {
    /// Unique in its batch.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// As outside a batch.
    pub method: Method,
    /// From the instance's root on, as in `/api/now/table/incident`.
    pub url: String,
    /// Nothing is taken over from the batch's own: an item with a body needs `Content-Type` and `Accept` here.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: Vec<Header>,
    /// Left out of the JSON when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Encoded>,
    /// Spares the headers in the answer, `Retry-After` among them.
    #[serde(default, deserialize_with = "or_default")]
    pub exclude_response_headers: bool,
}

/// The answers to a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchResponse {
    /// As in the request.
    #[serde(default, deserialize_with = "text")]
    pub batch_request_id: String,
    /// Those that ran, well or not.
    #[serde(default, deserialize_with = "or_default")]
    pub serviced_requests: Vec<ServicedRequest>,
    /// The ids of those that did not run.
    #[serde(default, deserialize_with = "or_default")]
    pub unserviced_requests: Vec<String>,
}

/// The answer to one request of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicedRequest {
    /// The request's.
    #[serde(deserialize_with = "text")]
    pub id: String,
    /// As outside a batch.
    pub status_code: u16,
    /// Such as `Created`.
    #[serde(default, deserialize_with = "or_default")]
    pub status_text: String,
    /// Empty when they were excluded.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: Vec<Header>,
    /// Empty when there is none.
    #[serde(default, deserialize_with = "or_default")]
    pub body: Encoded,
    /// In milliseconds.
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub execution_time: Option<u64>,
    /// Why the instance could not run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// Where a 3xx points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
}

/// `{"name","value"}`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// In any case.
    pub name: String,
    /// A number from some gateways, hence read as text.
    #[serde(deserialize_with = "text")]
    pub value: String,
}

/// A body in base64. Decoded only when asked for, so that one that is damaged costs its own item and no other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoded(String);

/// Padding may be missing: some gateways take it off.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Encoded {
    /// Encodes a body.
    pub fn new(body: &[u8]) -> Self {
        Self(BASE64.encode(body))
    }

    /// The bytes again. Line breaks are skipped, as MIME's way of writing base64 has them.
    pub fn decode(&self) -> Result<Vec<u8>, base64::DecodeError> {
        BASE64.decode(self.0.split_ascii_whitespace().collect::<String>())
    }
}

impl RestRequest {
    /// Packs a request. Its path must start at the instance's root.
    pub fn new(id: impl Into<String>, request: &Request) -> Self {
        Self {
            id: id.into(),
            method: request.method,
            url: request.path.clone(),
            headers: packed(&request.headers),
            body: request.body.as_deref().map(Encoded::new),
            exclude_response_headers: false,
        }
    }

    /// The request as if it had come alone.
    pub fn unpack(&self) -> Result<Request, WireError> {
        let body = self.body.as_ref().map(Encoded::decode).transpose();
        Ok(Request {
            method: self.method,
            path: self.url.clone(),
            headers: unpacked(&self.headers),
            body: body.map_err(|source| WireError::Base64 { id: self.id.clone(), source })?,
        })
    }
}

impl ServicedRequest {
    /// Packs an answer.
    pub fn new(id: impl Into<String>, response: &Response) -> Self {
        Self {
            id: id.into(),
            status_code: response.status,
            headers: packed(&response.headers),
            body: Encoded::new(&response.body),
            redirect_url: response.redirected_to.clone(),
            ..Self::default()
        }
    }

    /// The answer as if it had come alone.
    pub fn unpack(&self) -> Result<Response, WireError> {
        let body = self.body.decode();
        Ok(Response {
            status: self.status_code,
            headers: unpacked(&self.headers),
            body: body.map_err(|source| WireError::Base64 { id: self.id.clone(), source })?,
            redirected_to: self.redirect_url.clone().filter(|url| !url.is_empty()),
        })
    }
}

fn packed(headers: &[(String, String)]) -> Vec<Header> {
    headers.iter().map(|(name, value)| Header { name: name.clone(), value: value.clone() }).collect()
}

fn unpacked(headers: &[Header]) -> Vec<(String, String)> {
    headers.iter().map(|header| (header.name.clone(), header.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::json::decode;

    #[test]
    fn what_gateways_leave_out_or_change_is_read() {
        let answer: BatchResponse = decode(
            "answer to a batch",
            br#"{"batch_request_id":7,"extra":{},"serviced_requests":[
                {"id":1,"status_code":201,"headers":null,"body":"e30","execution_time":"12 ms"},
                {"id":"2","status_code":204,"body":null,"redirect_url":""},
                {"id":"3","status_code":429,"headers":[{"name":"Retry-After","value":30}],"body":"e3\r\n0="}]}"#,
        )
        .unwrap();
        assert_eq!(answer.batch_request_id, "7");
        assert!(answer.unserviced_requests.is_empty());
        let bodies: Vec<Vec<u8>> = answer.serviced_requests.iter().map(|item| item.body.decode().unwrap()).collect();
        assert_eq!(bodies, [b"{}".to_vec(), vec![], b"{}".to_vec()]);
        assert_eq!(answer.serviced_requests[1].unpack().unwrap().redirected_to, None);
        let limited = answer.serviced_requests[2].unpack().unwrap();
        assert_eq!(limited.retry_after(0), Some(30_000));
    }

    #[test]
    fn a_damaged_body_costs_its_own_item_only() {
        let answer: BatchResponse = decode(
            "answer to a batch",
            br#"{"serviced_requests":[{"id":"1","status_code":200,"body":"%"},{"id":"2","status_code":200,"body":"e30="}]}"#,
        )
        .unwrap();
        let read: Vec<bool> = answer.serviced_requests.iter().map(|item| item.unpack().is_ok()).collect();
        assert_eq!(read, [false, true]);
        let error = answer.serviced_requests[0].unpack().unwrap_err();
        assert_eq!(
            error.to_string(),
            "The body of item `1` in the batch cannot be decoded: Invalid symbol 37, offset 0."
        );
    }

    #[test]
    fn packing_loses_nothing() {
        let request = Request {
            method: Method::Patch,
            path: "/api/now/table/incident/42".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: Some(vec![0, 159, 146, 150]),
        };
        assert_eq!(RestRequest::new("1", &request).unpack().unwrap(), request);
        let response = Response { status: 200, headers: request.headers, body: vec![255], redirected_to: None };
        assert_eq!(ServicedRequest::new("1", &response).unpack().unwrap(), response);
    }
}
