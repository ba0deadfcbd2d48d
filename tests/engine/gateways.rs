//! What stands between a device and its instance, and answers in its place or makes something else of its answers.

use futures_executor::block_on;
use landfall::{
    engine::EndedBy,
    testing::{Device, Fault, MemoryInstance},
    wire::{
        Response,
        batch::{BatchResponse, ServicedRequest},
    },
};
use serde_json::json;

use super::doubt::outbox;
use super::support::{create, proved, push, resp, tables};

#[test]
fn a_delete_is_done_where_the_instance_says_so_and_not_because_something_speaks_json() {
    block_on(async {
        let gateway = r#"{"error":{"message":"no healthy upstream"}}"#;
        for (answer, done) in [
            (resp(200, gateway), false),
            (resp(200, r#"{"result":{}}"#), true),
            (resp(200, ""), true),
            (resp(204, ""), true),
        ] {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let id = create(&page, "incident", json!({ "short_description": "x" })).await;
            page.sync(push()).await.unwrap();
            page.delete("incident", &id).await.unwrap();
            device.remote.plan(Some(Fault::Answer(answer.clone())));
            page.sync(push()).await.unwrap();
            assert_eq!(outbox(&page).await.is_empty(), done, "{answer:?}");
            device.clock.advance(400_000);
            page.sync(push()).await.unwrap();
            assert_eq!((outbox(&page).await.len(), instance.rows("incident").is_empty()), (0, !done), "{answer:?}");
        }
    });
}

#[test]
fn the_answer_to_another_batch_is_none_to_this() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        for name in ["a", "b"] {
            create(&page, "incident", json!({ "short_description": name })).await;
        }
        let others = |at: &str| {
            let id = format!("{at:0>32}");
            let made = resp(201, &json!({ "result": { "sys_id": id, "correlation_id": "" } }).to_string());
            ServicedRequest::new(at, &made)
        };
        let body = BatchResponse {
            batch_request_id: "another".to_owned(),
            serviced_requests: vec![others("0"), others("1")],
            ..BatchResponse::default()
        };
        device.remote.plan(Some(Fault::Answer(resp(200, &serde_json::to_string(&body).unwrap()))));
        assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Offline);
        let states: Vec<_> = outbox(&page).await.into_iter().map(|(state, _)| state).collect();
        assert_eq!(states, ["unknown", "unknown"]);
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        assert_eq!((outbox(&page).await, instance.rows("incident").len()), (vec![], 3));
    });
}

#[test]
fn capabilities_that_can_never_be_read_are_no_keys_and_that_is_said() {
    block_on(async {
        let spa = Response {
            status: 200,
            headers: vec![("Content-Type".into(), "text/html".into())],
            body: b"<!doctype html>".to_vec(),
            redirected_to: None,
        };
        for answer in [spa, resp(503, "{}")] {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            device.remote.set_rule(move |request| {
                request.path.ends_with("/capabilities").then(|| Fault::Answer(answer.clone()))
            });
            create(&page, "incident", json!({ "short_description": "x" })).await;
            assert_eq!(page.status().await.unwrap().caveats, [""; 0], "nothing is known yet");
            for _ in 0..3 {
                page.sync(push()).await.unwrap();
                device.clock.advance(400_000);
            }
            assert_eq!(instance.rows("incident").len(), 1);
            // The page that sent, and one that has only been opened.
            for context in [&page, &device.open().await.unwrap()] {
                let caveats = context.status().await.unwrap().caveats;
                assert!(!caveats.is_empty(), "{caveats:?}");
            }
        }
    });
}
