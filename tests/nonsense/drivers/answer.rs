//! One answer, read by everything that reads answers.

use arbitrary::{Arbitrary, Unstructured};
use landfall::{
    core::{
        receive::Answer,
        stored::{Item, ItemKind},
    },
    engine::{
        Settings,
        dialect::{Asked, Batch, Dialect, Intent, ServiceNow, Verdict},
    },
    wire::{
        Capabilities, ErrorBody, Request, Response,
        action::ActionAnswer,
        batch::{BatchRequest, BatchResponse},
        decode, encode,
        http::LONGEST_WAIT_MS,
        table::{Answer as TableAnswer, Row},
    },
};

use super::{
    spoil::{Page, Touch},
    world::schema,
};

/// Answers as an instance gives them.
const RIGHT: [(u16, &str); 7] = [
    (200, r#"{"result":[{"sys_id":"a1","correlation_id":"tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f","active":"true"}]}"#),
    (
        201,
        r#"{"result":{"sys_id":"a1","parent":{"link":"https://x/api/now/table/task/b2","value":"b2"},"priority":"3"}}"#,
    ),
    (403, r#"{"error":{"message":"Operation Failed","detail":"ACL"},"status":"failure"}"#),
    (200, r#"{"capabilities":{"idempotency_key":true,"ordered_batch":true,"key_ttl_seconds":60}}"#),
    (
        200,
        r#"{"result":[{"element_id":"a1","element":"work_notes","value":"so","sys_created_on":"2026-01-31 08:00:00"}]}"#,
    ),
    (200, r#"{"result":{"number":"1"},"records_for_sync":[{"table":"incident","sys_id":"a1","temp_sys_id":null}]}"#),
    (204, ""),
];

#[derive(Arbitrary, Debug)]
struct Story {
    right: Option<u8>,
    page: Page,
    batch: bool,
    touches: Vec<Touch>,
    link: String,
    now: u64,
}

impl Story {
    fn response(&self) -> Response {
        let right = self.right.map(|index| RIGHT[usize::from(index) % RIGHT.len()]);
        let mut response = match right {
            Some((status, body)) => Response {
                status,
                headers: vec![("Content-Type".to_owned(), "application/json;charset=UTF-8".to_owned())],
                body: body.into(),
                redirected_to: None,
            },
            None => self.page.response(None),
        };
        if self.batch {
            let serviced = (0..3).map(|id| landfall::wire::batch::ServicedRequest::new(id.to_string(), &response));
            let batch = BatchResponse { serviced_requests: serviced.collect(), ..BatchResponse::default() };
            response.body = encode("batch", &batch).unwrap();
        }
        self.touches.iter().take(4).for_each(|touch| touch.apply(&mut response));
        response
    }
}

/// Reads the answer that `bytes` stand for: nothing panics, nothing is waited for too long, no request leaves the
/// instance's own root, and what is no JSON settles nothing.
pub fn answer(bytes: &[u8]) {
    let Ok(story) = Story::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let response = story.response();
    wire(&response, story.now);
    let dialect = ServiceNow::new(&Settings { url: "/api/now".to_owned(), ..Settings::default() });
    for link in response.next_link().into_iter().chain([story.link.as_str()]) {
        if let Some(Request { path, .. }) = dialect.next_page(link) {
            assert!(path.starts_with("/api/now/table/"), "{link} leads to {path}");
        }
    }
    if let Ok(page) = dialect.page(&response) {
        assert!(response.is_json(), "{page:?}");
    }
    if let Some(busy) = dialect.asks_for_time(&response, story.now) {
        assert!(busy.wait_ms.is_none_or(|ms| ms <= LONGEST_WAIT_MS));
    }
    if let Batch::Items(items) = dialect.unbatch("1", &response, 3) {
        assert_eq!(items.len(), 3);
    }
    verdicts(&dialect, &response, story.now);
}

fn wire(response: &Response, now: u64) {
    let body = response.body.as_slice();
    let _ = decode::<TableAnswer<Row>>("row", body);
    let _ = decode::<TableAnswer<Vec<Row>>>("rows", body);
    let _ = decode::<ActionAnswer>("answer", body);
    let _ = (Capabilities::announced(response), ErrorBody::read(body));
    for request in decode::<BatchRequest>("batch", body).unwrap_or_default().rest_requests {
        let _ = request.unpack();
    }
    for item in decode::<BatchResponse>("answers", body).unwrap_or_default().serviced_requests {
        let _ = item.unpack();
    }
    assert!(response.retry_after(now).is_none_or(|ms| ms <= LONGEST_WAIT_MS));
}

fn verdicts(dialect: &ServiceNow, response: &Response, now: u64) {
    let schema = schema();
    let capabilities = Capabilities { idempotency_key: now.is_multiple_of(2), ..Capabilities::default() };
    for kind in [ItemKind::Create, ItemKind::Update, ItemKind::Delete] {
        for (journal, intent) in [(false, Intent::Send), (false, Intent::Probe), (true, Intent::Probe)] {
            let item = Item {
                kind,
                journal,
                table: "incident".to_owned(),
                sys_id: "a1".to_owned(),
                fields: [("work_notes".to_owned(), "so".to_owned())].into(),
                sent_at: Some(now),
                sent_after: Some("2026-01-31 07:00:00".to_owned()),
                ..Item::default()
            };
            let asked = Asked { schema: &schema, item: &item, intent, capabilities: &capabilities };
            let Verdict::Answer(answer) = dialect.verdict(&asked, response, now) else { continue };
            let settles = !matches!(answer, Answer::Unknown { .. } | Answer::NotRun { .. });
            assert!(!settles || response.is_json() || [204, 413].contains(&response.status), "{answer:?}");
            let no = matches!(answer, Answer::Refused(_) | Answer::Missing(_) | Answer::Spent(_));
            assert!(!no || (400..500).contains(&response.status), "{answer:?}");
            let done = matches!(answer, Answer::Done(_) | Answer::Found(_) | Answer::Absent);
            assert!(!done || (200..300).contains(&response.status), "{answer:?}");
        }
    }
}
