//! What a status says, whatever stands beside it.

use futures_executor::block_on;
use landfall::{
    engine::EndedBy,
    ports::AuthReason,
    testing::{Device, Fault, MemoryInstance},
};
use serde_json::json;

use super::both::{both, create, is_clean, proved, tables};
use super::doubt::outbox;
use super::limits::batch;
use super::support::{push, resp};

#[test]
fn a_create_whose_key_is_still_being_worked_on_is_asked_about_after_the_wait() {
    for made in [true, false] {
        block_on(async {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            let before = instance.log().len();
            create(&page, "incident", json!({ "short_description": "a" })).await;
            let mut busy = resp(409, r#"{"error":{"message":"This Idempotency-Key is being worked on"}}"#);
            busy.headers.push(("Retry-After".into(), "30".into()));
            // What is being worked on may come to something or to nothing.
            device.remote.plan(Some(if made { Fault::Garble(busy) } else { Fault::Answer(busy) }));
            let report = page.sync(push()).await.unwrap();
            assert_eq!((report.refused, report.ended_by), (0, EndedBy::Backoff), "{report:?}");
            assert_eq!(outbox(&page).await[0].0, "unknown");
            assert_eq!(page.next_sync_in().await.unwrap(), Some(30_000));
            device.clock.advance(29_999);
            assert_eq!(page.sync(push()).await.unwrap().requests, 0);
            device.clock.advance(1);
            page.sync(push()).await.unwrap();
            let log = instance.log().split_off(before);
            let (get, post) = ("GET /api/now/table/incident", "POST /api/now/table/incident");
            assert_eq!(log[..2], if made { [post, get] } else { [get, post] }, "asked about before it goes again");
            assert_eq!(log.iter().filter(|line| *line == post).count(), 1, "{log:?}");
            assert_eq!(instance.rows("incident").len(), 2);
            is_clean(&page).await;
        });
    }
}

#[test]
fn a_409_that_names_no_time_is_a_refusal() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "a" })).await;
        let said = resp(409, r#"{"error":{"message":"There is one like it"}}"#);
        device.remote.plan(Some(Fault::Answer(said)));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.refused, report.ended_by), (1, EndedBy::Done), "{report:?}");
        let left = outbox(&page).await;
        assert_eq!((left[0].0, left[0].1.contains("There is one like it")), ("refused", true), "{left:?}");
        assert_eq!(page.next_sync_in().await.unwrap(), None, "only the user can move it");
        assert_eq!(instance.rows("incident").len(), 1);
    });
}

/// An instance passes on what a service behind it has said.
#[test]
fn the_status_decides_and_not_what_the_message_says() {
    for together in [1, 3] {
        block_on(async {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            for number in 0..together {
                create(&page, "incident", json!({ "short_description": number.to_string() })).await;
            }
            let failed = resp(500, r#"{"error":{"message":"401 Unauthorized: the service said “400 Bad Request”"}}"#);
            let answer = if together == 1 { failed.clone() } else { batch(&vec![failed.clone(); together]) };
            device.remote.plan(Some(Fault::Answer(answer)));
            let report = page.sync(push()).await.unwrap();
            assert_eq!((report.refused, report.ended_by), (0, EndedBy::Backoff), "{report:?}");
            let left = outbox(&page).await;
            assert_eq!(left.len(), together);
            assert!(left.iter().all(|(state, _)| *state == "unknown"), "{left:?}");
            assert!(!device.remote.auth_asked().contains(&AuthReason::Expired));
            assert_eq!(page.status().await.unwrap().paused, None);
            device.clock.advance(400_000);
            page.sync(push()).await.unwrap();
            assert_eq!(instance.rows("incident").len(), 1 + together);
            is_clean(&page).await;
        });
    }
}
