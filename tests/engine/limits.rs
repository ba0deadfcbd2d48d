//! What an instance can take: sessions that end, batches too large, time asked for; and what belongs together.

use futures_executor::block_on;
use landfall::{
    core::Event,
    engine::{EndedBy, SyncOptions},
    ports::AuthReason,
    testing::{Device, Fault, MemoryInstance, listening},
    wire::{
        Response,
        batch::{BatchResponse, ServicedRequest},
    },
};
use serde_json::json;

use super::support::{create, proved, push, resp, row, tables};

pub(super) fn batch(answers: &[Response]) -> Response {
    let serviced = answers.iter().enumerate().map(|(at, answer)| ServicedRequest::new(at.to_string(), answer));
    let body = BatchResponse { serviced_requests: serviced.collect(), ..BatchResponse::default() };
    resp(200, &serde_json::to_string(&body).unwrap())
}

#[test]
fn a_session_that_ends_within_a_batch_is_asked_for_once_and_the_rest_goes_on() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let rows = (0..3).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
        page.create_many("incident", rows).await.unwrap();
        let ended = batch(&[resp(401, "{}"), resp(401, "{}"), resp(401, "{}")]);
        device.remote.plan(Some(Fault::Answer(ended.clone())));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.reconciled, report.ended_by), (3, EndedBy::Done), "{report:?}");
        let asked = device.remote.auth_asked();
        assert_eq!(asked.iter().filter(|reason| **reason == AuthReason::Expired).count(), 1, "{asked:?}");

        // Once more in vain, and it waits for the user; no attempt is counted.
        create(&page, "incident", json!({})).await;
        create(&page, "incident", json!({})).await;
        device.remote.plan(Some(Fault::Answer(ended.clone())));
        device.remote.plan(Some(Fault::Answer(ended)));
        assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Auth);
        let items = page.outbox(None, None, None).await.unwrap();
        assert!(items.iter().all(|item| item.state == "queued" && item.attempts == 0), "{items:?}");
    });
}

#[test]
fn a_batch_too_large_comes_down_to_what_fits() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let rows = (0..20).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
        page.create_many("incident", rows).await.unwrap();
        device.remote.plan(None);
        // 20, 10, 5, 2: only one by one they fit.
        for _ in 0..4 {
            device.remote.plan(Some(Fault::Answer(resp(413, "{}"))));
        }
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.reconciled, report.ended_by), (20, EndedBy::Done), "{report:?}");
    });
}

#[test]
fn one_item_too_large_says_so() {
    block_on(async {
        let instance = MemoryInstance::plain();
        instance.refuse(|_, _| Some((413, "Request entity too large".into())));
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        create(&page, "incident", json!({})).await;
        page.sync(push()).await.unwrap();
        let explain = page.outbox(None, None, None).await.unwrap().remove(0).explain;
        assert_eq!(
            explain,
            "The instance refused it (“Request entity too large.”): it is too large for the instance; make it smaller and \
             it is sent again, or discard it."
        );
    });
}

#[test]
fn an_instance_that_asks_for_time_gets_it_whoever_asks() {
    block_on(async {
        let date = "Tue, 14 Nov 2023 22:23:20 GMT";
        for (status, pull, time) in
            [(429, false, "600"), (503, false, "600"), (408, false, "600"), (429, true, "600"), (503, false, date)]
        {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            if !pull {
                create(&page, "incident", json!({})).await;
                create(&page, "incident", json!({})).await;
                device.remote.plan(None);
            }
            let mut busy = resp(status, "{}");
            busy.headers.push(("Retry-After".into(), time.into()));
            device.remote.plan(Some(Fault::Answer(busy)));
            let report = page.sync(SyncOptions { pull, ..push() }).await.unwrap();
            assert_eq!(report.ended_by, EndedBy::Backoff, "{status}");
            let sent = device.remote.sent();
            // Another context, and a restart, know of it too.
            let worker = device.open().await.unwrap();
            device.clock.advance(599_000);
            create(&worker, "incident", json!({})).await;
            assert_eq!(worker.sync(push()).await.unwrap().ended_by, EndedBy::Backoff, "{status}");
            assert_eq!(device.remote.sent(), sent, "{status}");
            assert!(worker.next_sync_in().await.unwrap().unwrap() <= 1_000, "{status}");
            device.clock.advance(1_000);
            let report = worker.sync(push()).await.unwrap();
            assert_eq!((report.ended_by, report.remaining), (EndedBy::Done, 0), "{status}");
            assert_eq!(instance.rows("incident").len(), if pull { 1 } else { 3 });
        }
    });
}

#[test]
fn what_was_written_in_one_transaction_is_sent_in_one_request() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        for _ in 0..15 {
            create(&page, "incident", json!({})).await;
        }
        let rows = (0..10).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
        page.create_many("task", rows).await.unwrap();
        // The first batch takes 20: five of the ten would fit, and none goes.
        device.remote.plan(None);
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        assert_eq!((instance.rows("incident").len(), instance.rows("task").len()), (15, 0));
        // More than fits: it goes all the same, once the line is known to hold.
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let rows = (0..50).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
        page.create_many("task", rows).await.unwrap();
        assert_eq!(page.sync(push()).await.unwrap().requests, 2, "the capabilities and one batch");
        assert_eq!(instance.rows("task").len(), 50);
    });
}

#[test]
fn a_parent_and_its_children_of_one_transaction_go_in_one_request() {
    block_on(async {
        for before in [0, 1] {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            for _ in 0..before {
                create(&page, "task", json!({})).await;
            }
            let tx = page.begin().await.unwrap();
            let parent = tx.create("incident", row(json!({ "short_description": "parent" }))).await.unwrap();
            for _ in 0..30 {
                tx.create("incident_task", row(json!({ "incident": parent["sys_id"] }))).await.unwrap();
            }
            assert!(tx.commit().await.unwrap());
            // What another call has made of it goes as well, but not in place of the children.
            create(&page, "incident_task", json!({ "incident": parent["sys_id"] })).await;
            for _ in 0..=before {
                device.remote.plan(None);
            }
            device.remote.plan(Some(Fault::LoseRequest));
            let report = page.sync(push()).await.unwrap();
            assert_eq!((report.reconciled, instance.rows("incident").len()), (before, 0), "{report:?}");
            let lost = page.outbox(Some(&["unknown".to_owned()]), None, None).await.unwrap();
            assert_eq!((lost.len(), lost.iter().all(|item| item.group == lost[0].group)), (31, true));
            device.clock.advance(400_000);
            page.sync(push()).await.unwrap();
            assert_eq!(instance.rows("incident_task").len(), 31);
        }
    });
}

#[test]
fn children_of_one_call_that_do_not_fit_beside_their_parent_follow_it() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let parent = create(&page, "incident", json!({ "short_description": "parent" })).await;
        let children = (0..30).map(|_| row(json!({ "incident": parent }))).collect();
        page.create_many("incident_task", children).await.unwrap();
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (31, 0), "{report:?}");
        assert_eq!((instance.rows("incident").len(), instance.rows("incident_task").len()), (1, 30));
    });
}

#[test]
fn a_record_gone_there_keeps_the_edit_and_says_why() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        page.sync(push()).await.unwrap();
        instance.remove("incident", &page.resolve_id(&id).await.unwrap());
        page.update("incident", &id, row(json!({ "short_description": "y" }))).await.unwrap();
        page.sync(push()).await.unwrap();
        let item = page.outbox(None, None, None).await.unwrap().remove(0);
        assert!(item.explain.contains("deleted there, or is no longer yours to change; the edit is kept"), "{item:?}");
        assert_eq!(page.get("incident", &id, false).await.unwrap().unwrap()["short_description"], "y");
    });
}

#[test]
fn a_create_refused_for_want_of_a_reference_to_a_younger_record_says_what_it_went_without() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(|table, fields| {
            (table == "incident" && !fields.contains_key("parent")).then(|| (403, "parent is mandatory".into()))
        });
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let older = create(&page, "incident", json!({ "parent": "", "short_description": "older" })).await;
        let younger = create(&page, "incident", json!({ "parent": "x" })).await;
        page.update("incident", &older, row(json!({ "parent": younger }))).await.unwrap();
        instance.refuse(|_, fields| {
            (!fields.contains_key("parent") || fields["parent"].is_empty()).then(|| (403, "parent is mandatory".into()))
        });
        page.sync(push()).await.unwrap();
        let explain = page.outbox(None, None, None).await.unwrap().remove(0).explain;
        assert!(
            explain.contains(", and it went without parent, which can only follow once both records are there:"),
            "{explain}"
        );
    });
}

#[test]
fn standing_still_is_said_once_in_a_while() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(|_, _| Some((500, "boom".into())));
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let heard = listening(&page);
        create(&page, "incident", json!({ "short_description": "x" })).await;
        let told = || heard.borrow().iter().filter(|event| matches!(event, Event::Stuck { pending: 1, .. })).count();
        page.sync(push()).await.unwrap();
        assert_eq!(told(), 0);
        device.clock.advance(4 * 60_000);
        page.sync(push()).await.unwrap();
        assert_eq!(told(), 0);
        device.clock.advance(2 * 60_000);
        page.sync(push()).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(told(), 1);
        device.remote.set_offline(true);
        device.clock.advance(60 * 60_000);
        page.sync(push()).await.unwrap();
        assert_eq!(told(), 1, "nothing moves because nobody is reached");
        device.remote.set_offline(false);
        page.sync(push()).await.unwrap();
        assert_eq!(told(), 2);
        instance.accept();
        device.clock.advance(60 * 60_000);
        page.sync(push()).await.unwrap();
        assert_eq!((told(), instance.rows("incident").len()), (2, 1));
    });
}

#[test]
fn a_batch_does_not_grow_again_to_what_was_too_large() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let rows = (0..60).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
        page.create_many("incident", rows).await.unwrap();
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Answer(resp(413, "{}"))));
        let report = page.sync(push()).await.unwrap();
        // The capabilities, 60 in vain, and never again more than half of that.
        assert_eq!((report.reconciled, report.requests), (60, 5), "{report:?}");
    });
}

#[test]
fn the_time_an_item_was_given_holds_in_the_next_context_too() {
    let mut later = resp(429, "{}");
    later.headers.push(("Retry-After".into(), "120".into()));
    let later = batch(&[later.clone(), later]);
    let cases = [(resp(500, "{}"), vec!["unknown"], 500..=1_000), (later, vec!["queued"; 2], 120_000..=120_000)];
    for (answer, states, given) in cases {
        block_on(async {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            for state in &states {
                create(&page, "incident", json!({ "short_description": state })).await;
            }
            device.remote.plan(Some(Fault::Answer(answer)));
            page.sync(push()).await.unwrap();
            drop(page);
            let next = device.open().await.unwrap();
            let left = next.outbox(None, None, None).await.unwrap();
            assert_eq!(left.iter().map(|item| item.state).collect::<Vec<_>>(), states);
            // It is the items that wait, and not the line.
            assert_eq!(next.status().await.unwrap().paused, None);
            let wait = next.next_sync_in().await.unwrap().unwrap();
            assert!(given.contains(&wait), "{wait}");
            device.clock.advance(wait - 1);
            assert_eq!(next.sync(push()).await.unwrap().requests, 0);
            device.clock.advance(1);
            assert_eq!(next.sync(push()).await.unwrap().remaining, 0);
            assert_eq!(instance.rows("incident").len(), 1 + states.len());
        });
    }
}
