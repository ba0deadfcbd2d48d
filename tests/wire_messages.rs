//! The wire forms as they are, and bytes that are none.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "clippy exempts test functions, not their helpers")]

use landfall::wire::action::{ActionAnswer, ActionRequest, OpenRecord, RecordForSync};
use landfall::wire::batch::{BatchRequest, BatchResponse, RestRequest, ServicedRequest};
use landfall::wire::capabilities::CapabilitiesAnswer;
use landfall::wire::table::{Answer, Cell, Row};
use landfall::wire::{Capabilities, ErrorAnswer, ErrorBody, Fields, Method, Request, Response, decode, encode};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

const TEMPORARY: &str = "tmp_019a8c3e5b7c7d1e9f00112233445566";
const PERMANENT: &str = "9d385017c611228701d22104cc95c371";

/// Checks the form, and that it is read back as it was.
#[track_caller]
fn snapshot<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, message: &T) {
    insta::assert_snapshot!(name, serde_json::to_string_pretty(message).unwrap());
    assert_eq!(&decode::<T>("message", &encode("message", message).unwrap()).unwrap(), message);
}

fn json_headers() -> Vec<(String, String)> {
    vec![("Content-Type".into(), "application/json".into()), ("Accept".into(), "application/json".into())]
}

#[test]
fn batch_request() {
    let fields = Fields::from([
        ("correlation_id".into(), TEMPORARY.into()),
        ("short_description".into(), "Pump 7 leaks".into()),
    ]);
    let create = Request {
        method: Method::Post,
        path: "/api/now/table/incident".into(),
        headers: json_headers(),
        body: Some(encode("fields", &fields).unwrap()),
    };
    let delete = Request {
        method: Method::Delete,
        path: format!("/api/now/table/incident/{PERMANENT}"),
        headers: vec![],
        body: None,
    };
    let batch = BatchRequest {
        batch_request_id: "b1".into(),
        rest_requests: vec![RestRequest::new("1", &create), RestRequest::new("2", &delete)],
    };
    snapshot("batch_request", &batch);
}

#[test]
fn batch_response() {
    let created = Response {
        status: 201,
        headers: json_headers(),
        body: br#"{"result":{"sys_id":"9d385017c611228701d22104cc95c371"}}"#.to_vec(),
        redirected_to: None,
    };
    let mut served = ServicedRequest::new("1", &created);
    served.status_text = "Created".into();
    served.execution_time = Some(42);
    let mut failed = ServicedRequest::new(
        "2",
        &Response { status: 302, redirected_to: Some("/login.do".into()), ..Response::default() },
    );
    failed.error_message = Some("Session expired".into());
    let batch = BatchResponse {
        batch_request_id: "b1".into(),
        serviced_requests: vec![served, failed],
        unserviced_requests: vec!["3".into()],
    };
    snapshot("batch_response", &batch);
}

#[test]
fn table_row() {
    let caller = Cell { value: "42".into(), link: Some("https://instance/api/now/table/sys_user/42".into()) };
    let mut row = Row::from(Fields::from([
        ("sys_id".into(), PERMANENT.into()),
        ("priority".into(), "3".into()),
        ("close_notes".into(), String::new()),
    ]));
    row.0.insert("caller_id".into(), caller);
    snapshot("table_row", &Answer { result: row.clone() });
    snapshot("table_rows", &Answer { result: vec![row] });
}

#[test]
fn error() {
    let detail = "Record doesn't exist or ACL restricts the record retrieval".to_owned();
    snapshot("error", &ErrorAnswer::new("No Record found", Some(detail)));
    snapshot("error_without_detail", &ErrorAnswer::new("User Not Authenticated", None));
}

#[test]
fn capabilities() {
    let all = Capabilities {
        idempotency_key: true,
        resolves_temp_ids: true,
        ordered_batch: true,
        if_match: true,
        actions: true,
        key_ttl_seconds: Some(604_800),
    };
    snapshot("capabilities", &CapabilitiesAnswer { capabilities: all });
    snapshot("capabilities_plain", &CapabilitiesAnswer::default());
}

#[test]
fn action() {
    let request = ActionRequest {
        input: serde_json::json!({"site": "North"}),
        acted_at: "2026-01-31T08:00:00Z".into(),
        records: vec![OpenRecord { table: "incident".into(), temp_sys_id: TEMPORARY.into() }],
    };
    snapshot("action_request", &request);
    let record = |temp_sys_id| RecordForSync { table: "incident".into(), sys_id: PERMANENT.into(), temp_sys_id };
    let answer = ActionAnswer {
        result: serde_json::json!({"number": "INC0010001"}),
        records_for_sync: vec![record(Some(TEMPORARY.into())), record(None)],
    };
    snapshot("action_answer", &answer);
}

/// Whatever is decoded anywhere, from one body.
fn decode_as_everything(body: &[u8]) {
    let _ = decode::<Answer<Row>>("row", body);
    let _ = decode::<Answer<Vec<Row>>>("rows", body);
    let _ = decode::<CapabilitiesAnswer>("capabilities", body);
    let _ = decode::<ActionRequest>("action", body);
    let _ = decode::<ActionAnswer>("answer", body);
    let _ = ErrorBody::read(body);
    for request in decode::<BatchRequest>("batch", body).unwrap_or_default().rest_requests {
        let _ = request.unpack();
    }
    for item in decode::<BatchResponse>("answers", body).unwrap_or_default().serviced_requests {
        let _ = item.unpack();
    }
}

/// JSON that is nearly a message: its names and shapes, in the wrong places.
fn nearly_a_message() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let names = prop::sample::select(vec![
        "result",
        "error",
        "message",
        "detail",
        "link",
        "value",
        "display_value",
        "batch_request_id",
        "rest_requests",
        "serviced_requests",
        "unserviced_requests",
        "id",
        "method",
        "url",
        "headers",
        "body",
        "status_code",
        "capabilities",
        "actions",
        "key_ttl_seconds",
        "records",
        "records_for_sync",
        "table",
        "sys_id",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec!["GET", "e30=", "1"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(names.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in any::<Vec<u8>>()) {
        decode_as_everything(&body);
    }

    #[test]
    fn nearly_a_message_never_panics(json in nearly_a_message()) {
        decode_as_everything(json.to_string().as_bytes());
    }

    #[test]
    fn arbitrary_headers_never_panic(
        status in any::<u16>(),
        name in prop::sample::select(vec!["Retry-After", "Date", "Link", "Content-Type", "X-RateLimit-Reset"]),
        value in prop_oneof![any::<String>(), "[<>;,=\" a-z0-9]{0,24}"],
        now in any::<u64>(),
    ) {
        let headers = vec![(name.to_owned(), value)];
        let response = Response { status, headers, ..Response::default() };
        let wait = response.retry_after(now);
        prop_assert!(wait.is_none_or(|ms| ms <= landfall::wire::http::LONGEST_WAIT_MS));
        let _ = (response.next_link(), response.is_json());
    }

    #[test]
    fn a_row_survives_the_wire(fields in any::<std::collections::BTreeMap<String, String>>()) {
        let sent = encode("answer", &Answer { result: Row::from(fields.clone()) }).unwrap();
        prop_assert_eq!(Fields::from(decode::<Answer<Row>>("answer", &sent).unwrap().result), fields);
    }
}
