//! Answers as they really are: lost, refused, of a portal, cut short. And what is refused before it is ever sent.

use futures_executor::block_on;
use futures_util::poll;
use landfall::{
    core::present::Pause,
    engine::{Client, EndedBy, SyncOptions},
    ports::AuthReason,
    testing::{Device, Fault, MemoryInstance},
    wire::{
        Response,
        batch::{BatchResponse, ServicedRequest},
    },
};
use serde_json::json;

use super::both::{after_capabilities, both, create, is_clean, proved, row, row_of, state, tables, text};
use super::doubt::outbox;
use super::support::{push, resp};

#[test]
fn a_lost_answer_is_asked_for_and_nothing_is_made_twice() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let incident = create(&page, "incident", json!({ "short_description": "a" })).await;
        after_capabilities(&device, Fault::LoseAnswer);
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(report.ended_by, EndedBy::Offline);
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "unknown");
        // Killed, and another context takes over.
        drop(page);
        device.clock.advance(3_600_000);
        let worker = device.open().await.unwrap();
        let report = worker.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.reconciled, report.remaining), (1, 0), "{report:?}");
        assert_eq!(instance.rows("incident").len(), 1);
        assert_ne!(worker.resolve_id(&incident).await.unwrap(), incident);
        is_clean(&worker).await;
    });
}

#[test]
fn a_lost_request_is_asked_for_and_then_sent() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let before = instance.log().len();
        create(&page, "incident", json!({ "short_description": "a" })).await;
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(3_600_000);
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 2);
        let log = instance.log().split_off(before);
        let probe = log.iter().position(|line| line == "GET /api/now/table/incident").unwrap();
        let post = log.iter().position(|line| line == "POST /api/now/table/incident").unwrap();
        assert!(probe < post, "{log:?}");
        is_clean(&page).await;
    });
}

#[test]
fn a_lost_batch_is_asked_for_in_one_run() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        for _ in 0..15 {
            create(&page, "incident", json!({ "short_description": "a" })).await;
        }
        after_capabilities(&device, Fault::LoseRequest);
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(3_600_000);
        // That none of them had arrived is an answer, not a failure to wait for.
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.reconciled, report.ended_by), (15, EndedBy::Done), "{report:?}");
        assert_eq!(instance.rows("incident").len(), 15);
        is_clean(&page).await;
    });
}

#[test]
fn a_refusal_holds_its_dependants_and_nobody_else() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        instance.refuse(|table, fields| {
            (table == "incident" && fields["short_description"] == "bad").then(|| (403, "Not on a Sunday".into()))
        });
        let bad = create(&page, "incident", json!({ "short_description": "bad" })).await;
        let task = create(&page, "incident_task", json!({ "incident": bad })).await;
        create(&page, "incident", json!({ "short_description": "good" })).await;
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.sent, report.refused, report.waiting, report.remaining), (1, 1, 1, 2), "{report:?}");
        let row = page.get("incident", &bad, false).await.unwrap().unwrap();
        assert_eq!((state(&row).as_str(), row["$sync"]["reason"].as_str()), ("refused", Some("Not on a Sunday.")));
        let row = page.get("incident_task", &task, false).await.unwrap().unwrap();
        assert_eq!(state(&row), "waiting");
        assert_eq!(
            row["$sync"]["reason"],
            "It waits for the incident “bad”, which the instance refused, and which you have to mend or to discard."
        );
        // Mended by an edit, it goes, and its dependant after it.
        page.update("incident", &bad, row_of("short_description", "better")).await.unwrap();
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (2, 0));
        is_clean(&page).await;
    });
}

#[test]
fn sign_in_trouble_costs_nothing() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({})).await;
        device.remote.set_signed_out(true);
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(report.ended_by, EndedBy::Auth);
        let item = &page.outbox(None, None, None).await.unwrap()[0];
        assert_eq!((item.state, item.attempts), ("queued", 0));
        assert_eq!(item.explain, "It waits for you to sign in.");
        device.remote.set_signed_out(false);
        page.signed_in().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1);
        is_clean(&page).await;
    });
}

#[test]
fn what_a_session_ran_out_under_is_in_no_doubt_while_the_app_signs_in() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        for name in ["a", "b"] {
            create(&page, "incident", json!({ "short_description": name })).await;
        }
        let mut run = Box::pin(page.sync(push()));
        let sent = device.remote.sent();
        while device.remote.sent() == sent {
            assert!(poll!(&mut run).is_pending());
        }
        device.remote.set_signed_out(true);
        device.remote.set_auth_hangs(true);
        for _ in 0..200 {
            assert!(poll!(&mut run).is_pending());
        }
        assert_eq!(device.remote.auth_asked().last(), Some(&AuthReason::Expired));
        let states = outbox(&page).await.into_iter().map(|(state, _)| state);
        assert_eq!(states.collect::<Vec<_>>(), ["queued", "queued"]);
        assert_eq!(instance.rows("incident").len(), 1);
    });
}

#[test]
fn a_portal_that_answers_html_is_not_an_answer() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({})).await;
        let html = Response {
            status: 200,
            headers: vec![("Content-Type".into(), "text/html".into())],
            body: b"<html>Welcome to Airport WiFi</html>".to_vec(),
            redirected_to: None,
        };
        device.remote.plan(Some(Fault::Answer(html)));
        assert_eq!(page.sync(SyncOptions::default()).await.unwrap().ended_by, EndedBy::Offline);
        device.clock.advance(3_600_000);
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 2);
        is_clean(&page).await;
    });
}

/// Before the instance has ever said what it can do: a portal's page is no word of it, however often it comes.
#[test]
fn nothing_is_sent_into_a_portal_that_was_there_first() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({})).await;
        let html = Response {
            status: 200,
            headers: vec![("Content-Type".into(), "text/html".into())],
            body: b"<html>Welcome to Airport WiFi</html>".to_vec(),
            redirected_to: None,
        };
        for _ in 0..8 {
            // Capabilities, and whatever is asked after them.
            for _ in 0..2 {
                device.remote.plan(Some(Fault::Answer(html.clone())));
            }
            assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Offline);
            device.clock.advance(3_600_000);
            assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "queued");
        }
        for _ in 0..16 {
            page.sync(push()).await.unwrap();
            device.clock.advance(3_600_000);
        }
        assert_eq!(instance.rows("incident").len(), 1);
        is_clean(&page).await;
    });
}

#[test]
fn a_batch_cut_short_goes_on_where_it_stopped() {
    let instance = MemoryInstance::plain();
    instance.service_only(3);
    let device = Device::new(&instance, tables(), 1);
    block_on(async {
        let page = device.open().await.unwrap();
        let rows = (0..50).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
        page.create_many("incident", rows).await.unwrap();
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.reconciled, report.remaining), (50, 0), "{report:?}");
        assert_eq!(instance.rows("incident").len(), 50);
        is_clean(&page).await;
    });
}

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let device = Device::new(&MemoryInstance::plain(), tables(), 1);
    block_on(async {
        let page = device.open().await.unwrap();
        let incident = create(&page, "incident", json!({ "short_description": "x" })).await;
        let before = (page.audit().await.unwrap(), page.outbox(None, None, None).await.unwrap());
        let made_elsewhere = "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f";
        let too_large = "x".repeat(20 * 1024 * 1024);
        for (table, fields, code) in [
            ("nowhere", json!({}), "unknown_table"),
            ("incident", json!({ "short_description": too_large }), "record_too_large"),
            ("incident", json!({ "Bad Name": 1 }), "bad_field"),
            ("incident", json!({ "parent": made_elsewhere }), "unknown_temporary"),
            ("incident", json!({ "caller_id": incident }), "wrong_table"),
        ] {
            let error = page.create_many(table, vec![row(json!({})), row(fields)]).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        }
        let error = page.update("sys_user", &incident, row_of("name", "x")).await.unwrap_err();
        assert_eq!(error.code(), "wrong_table", "{error}");
        let error = page.update("incident", "no such", row_of("name", "x")).await.unwrap_err();
        assert_eq!(error.code(), "not_found", "{error}");
        let error = page.query("incident", "priority=1^^^ORx", 0, None).await.unwrap_err();
        assert_eq!(error.code(), "malformed_query", "{error}");
        // In plain text it is only text.
        page.create_many("incident", vec![row_of("description", format!("was {made_elsewhere}"))]).await.unwrap();
        let after = page.outbox(None, None, None).await.unwrap();
        assert_eq!((before.0.records + 1, before.1.len() + 1), (page.audit().await.unwrap().records, after.len()));
    });
}

#[test]
fn a_change_refused_with_422_when_it_goes_again_is_not_taken_for_done() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = text(&page.query("incident", "", 0, None).await.unwrap()[0], "sys_id");
        page.update("incident", &id, row_of("short_description", "b")).await.unwrap();
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(3_600_000);
        // 422 is what a spent key is answered with, and what a rule may answer.
        instance.refuse(|_, _| Some((422, "No such state".into())));
        page.sync(SyncOptions::default()).await.unwrap();
        let left = page.outbox(None, None, None).await.unwrap();
        assert_eq!((left.len(), left[0].state), (1, "refused"), "{left:?}");
        assert_eq!(instance.rows("incident")[0]["short_description"], "first");
    });
}

#[test]
fn an_answer_to_a_deletion_that_cannot_be_read_proves_nothing() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let incident = create(&page, "incident", json!({ "short_description": "a" })).await;
        page.sync(SyncOptions::default()).await.unwrap();
        page.delete("incident", &incident).await.unwrap();
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let cut = Response { status: 200, headers, body: b"{\"result\":{\"sys".to_vec(), redirected_to: None };
        device.remote.plan(Some(Fault::Answer(cut)));
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "unknown");
        device.clock.advance(3_600_000);
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 0);
        is_clean(&page).await;
    });
}

#[test]
fn an_entry_that_left_with_the_record_it_names_is_not_made_again_in_other_words() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let mut tables = tables();
        tables.get_mut("task").unwrap().journals.push("parent".to_owned());
        let device = Device::new(&instance, tables, 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let older = text(&page.query("incident", "", 0, None).await.unwrap()[0], "sys_id");
        let named = create(&page, "incident", json!({ "short_description": "named" })).await;
        page.update("incident", &older, row_of("parent", named)).await.unwrap();
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.log().iter().filter(|line| line.starts_with("PATCH")).count(), 1, "it went along");
        device.clock.advance(3_600_000);
        // The id that has been put in its place makes it another request under its key: that is refused, and is the
        // proof that it arrived.
        page.sync(SyncOptions::default()).await.unwrap();
        let left = page.outbox(None, None, None).await.unwrap();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(instance.rows("incident").len(), 2);
    });
}

#[test]
fn a_create_that_may_be_made_is_not_given_up_with_its_deletion() {
    for (deleted_first, then) in [(false, 412), (true, 412), (true, 429)] {
        block_on(async {
            let instance = MemoryInstance::with_extras();
            let mut tables = tables();
            // Nobody can ask whether it is there: it goes again under its key.
            tables.get_mut("task").unwrap().correlation_field = Some(None);
            let device = Device::new(&instance, tables, 1);
            let page = device.open().await.unwrap();
            let incident = create(&page, "incident", json!({ "short_description": "a" })).await;
            after_capabilities(&device, Fault::LoseAnswer);
            page.sync(SyncOptions::default()).await.unwrap();
            if deleted_first {
                page.delete("incident", &incident).await.unwrap();
            }
            device.clock.advance(3_600_000);
            let bad = |status| Some(Fault::Answer(resp(status, "{\"error\":{\"message\":\"A bad moment\"}}")));
            device.remote.plan(None);
            device.remote.plan(bad(412));
            page.sync(SyncOptions::default()).await.unwrap();
            if !deleted_first {
                page.delete("incident", &incident).await.unwrap();
            }
            let left = page.outbox(None, None, None).await.unwrap();
            assert_eq!(left.iter().map(|item| item.state).collect::<Vec<_>>(), ["refused", "waiting"], "{left:?}");
            page.retry(&left[0].id).await.unwrap();
            device.remote.plan(bad(then));
            page.sync(SyncOptions::default()).await.unwrap();
            device.clock.advance(3_600_000);
            let left = page.outbox(None, None, None).await.unwrap();
            page.retry(&left[0].id).await.unwrap();
            page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!(instance.rows("incident").len(), 0);
            is_clean(&page).await;
        });
    }
}

#[test]
fn a_422_for_the_same_create_again_is_a_refusal_and_its_key_is_kept() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "a" })).await;
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(3_600_000);
        instance.refuse(|_, _| Some((422, "No such state".into())));
        page.sync(SyncOptions::default()).await.unwrap();
        let left = page.outbox(None, None, None).await.unwrap();
        assert_eq!((left.len(), left[0].state), (1, "refused"), "{left:?}");
        instance.accept();
        page.retry(&left[0].id).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 2);
        is_clean(&page).await;
    });
}

#[test]
fn a_change_that_was_refused_when_it_went_again_does_not_hold_up_the_deletion() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = text(&page.query("incident", "", 0, None).await.unwrap()[0], "sys_id");
        page.update("incident", &id, row_of("short_description", "b")).await.unwrap();
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(3_600_000);
        instance.refuse(|_, fields| (!fields.is_empty()).then(|| (403, "No".into())));
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "refused");
        page.delete("incident", &id).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 0);
        is_clean(&page).await;
    });
}

#[test]
fn a_sign_in_anywhere_ends_the_pause_everywhere() {
    both(async |_, device| {
        let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        create(&page, "incident", json!({})).await;
        device.remote.set_signed_out(true);
        page.sync(SyncOptions::default()).await.unwrap();
        let paused = async |page: &Client<_>| page.status().await.unwrap().paused;
        assert_eq!((paused(&page).await, paused(&other).await), (Some(Pause::Auth), Some(Pause::Auth)));
        assert_eq!(other.next_sync_in().await.unwrap(), None);
        // Also in one that is opened later.
        let later = device.open().await.unwrap();
        assert_eq!(paused(&later).await, Some(Pause::Auth));
        other.signed_in().await.unwrap();
        assert_eq!((paused(&page).await, paused(&other).await), (None, None));
        device.remote.set_signed_out(false);
        later.sync(SyncOptions::default()).await.unwrap();
        is_clean(&page).await;
    });
}

#[test]
fn an_answer_about_another_record_is_none_to_a_change() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = instance.rows("incident")[0]["sys_id"].clone();
        let other = instance.put("incident", &[("short_description", "another's")]);
        page.update("incident", &id, row(json!({ "short_description": "mine" }))).await.unwrap();
        let row = format!(r#"{{"result":{{"sys_id":"{other}","short_description":"another's","priority":"1"}}}}"#);
        device.remote.plan(Some(Fault::Garble(resp(200, &row))));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (0, 1), "{report:?}");
        let here = page.get("incident", &id, false).await.unwrap().unwrap();
        assert_eq!((text(&here, "short_description"), here.get("priority")), ("mine".to_owned(), None));
        assert_eq!(page.get("incident", &other, false).await.unwrap(), None);
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        is_clean(&page).await;
        assert_eq!(instance.rows("incident")[0]["short_description"], "mine");
    });
}

#[test]
fn a_412_that_nobody_has_asked_for_is_a_refusal() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = instance.rows("incident")[0]["sys_id"].clone();
        page.update("incident", &id, row(json!({ "short_description": "mine" }))).await.unwrap();
        device.remote.plan(Some(Fault::Answer(resp(412, r#"{"error":{"message":"Not so"},"status":"failure"}"#))));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.refused, report.remaining), (1, 1), "{report:?}");
        let left = page.outbox(None, None, None).await.unwrap().remove(0);
        assert!(left.state == "refused" && left.explain.contains("“Not so.”"), "{left:?}");
        page.retry(&left.id).await.unwrap();
        page.sync(push()).await.unwrap();
        is_clean(&page).await;
    });
}

#[test]
fn answers_of_a_batch_are_told_by_their_ids_and_what_none_speaks_of_is_in_doubt() {
    for instance in [MemoryInstance::with_extras(), MemoryInstance::plain()] {
        block_on(async {
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            let rows = ["a", "b", "c"].map(|name| row(json!({ "short_description": name })));
            let made = page.create_many("incident", rows.into()).await.unwrap();
            let ids: Vec<String> = made.iter().map(|row| text(row, "sys_id")).collect();
            let answer = |at: usize, sys_id: &str| {
                let body = format!(r#"{{"result":{{"sys_id":"{sys_id}","correlation_id":"{}"}}}}"#, ids[at]);
                ServicedRequest::new(at.to_string(), &resp(201, &body))
            };
            // The last comes first, and the one in the middle is in neither list, though all were run.
            let there: Vec<String> = ids.iter().map(|id| instance.put("incident", &[("correlation_id", id)])).collect();
            let served = [2, 0].map(|at| answer(at, &there[at]));
            let body = BatchResponse { serviced_requests: served.into(), ..BatchResponse::default() };
            device.remote.plan(Some(Fault::Answer(resp(200, &serde_json::to_string(&body).unwrap()))));
            page.sync(push()).await.unwrap();
            for at in [0, 2] {
                assert_eq!(page.resolve_id(&ids[at]).await.unwrap(), there[at]);
            }
            device.clock.advance(400_000);
            page.sync(push()).await.unwrap();
            assert_eq!(page.resolve_id(&ids[1]).await.unwrap(), there[1]);
            assert_eq!((outbox(&page).await, instance.rows("incident").len()), (vec![], 4));
        });
    }
}
