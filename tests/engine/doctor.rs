//! What a new set-up gets wrong, and is told.

use std::collections::BTreeMap;

use futures_executor::block_on;
use landfall::{
    core::{
        Durability, Found, Origin, Read, Tx, View,
        schema::TableOptions,
        stored::{Indexes, Record},
    },
    engine::{Check, Finding, State},
    ports::{AuthUnavailable, Store},
    testing::{Device, Fault, MemoryInstance},
    wire::{Method, Response},
};
use serde_json::json;
use uuid::Uuid;

use super::support::{create, push, resp};

fn device(instance: &MemoryInstance) -> Device {
    let tables = json!({
        "incident": { "cache": { "query": "active=true" } },
        "note": { "correlationField": null },
    });
    let tables: BTreeMap<String, TableOptions> = serde_json::from_value(tables).unwrap();
    Device::new(instance, tables, 1)
}

async fn examined(device: &Device) -> Vec<Finding> {
    device.open().await.unwrap().doctor().await.unwrap()
}

/// How one thing was found to be, and the sentence on it.
fn of(found: &[Finding], check: Check, table: Option<&str>) -> (State, String) {
    let all: Vec<_> = found.iter().filter(|it| it.check == check && it.table.as_deref() == table).collect();
    assert_eq!(all.len(), 1, "{check:?} {table:?}: {all:?}");
    let one = all[0];
    assert_eq!(one.advice.is_some(), matches!(one.state, State::Warning | State::Bad), "{one:?}");
    (one.state, one.message.clone())
}

#[test]
fn all_is_told_of_an_instance_that_is_in_order_and_nothing_is_changed_there() {
    block_on(async {
        for (instance, extras) in
            [(MemoryInstance::plain(), State::Warning), (MemoryInstance::with_extras(), State::Good)]
        {
            instance.put("incident", &[("correlation_id", "")]);
            let device = device(&instance);
            let writes = std::rc::Rc::new(std::cell::Cell::new(0));
            let noted = std::rc::Rc::clone(&writes);
            device.remote.set_rule(move |request| {
                let batch = request.path.ends_with("/batch");
                noted.set(noted.get() + u32::from(request.method != Method::Get && !batch));
                None
            });
            let found = examined(&device).await;
            for check in [Check::Reachable, Check::SignIn, Check::Batch, Check::Cors, Check::Locks] {
                assert_eq!(of(&found, check, None).0, State::Good, "{check:?}");
            }
            // The app says that it has some.
            assert_eq!(of(&found, Check::Extras, None).0, extras);
            assert_eq!(of(&found, Check::Table, Some("incident")).0, State::Good);
            assert_eq!(of(&found, Check::Correlation, Some("incident")).0, State::Good);
            assert_eq!(of(&found, Check::Correlation, Some("note")).0, State::Warning);
            assert_eq!(of(&found, Check::RateLimits, None).0, State::Unknown);
            assert_eq!(writes.get(), 0);
            assert_eq!(device.open().await.unwrap().status().await.unwrap().last_sync_at, None);
        }
    });
}

#[test]
fn what_a_record_has_shown_counts_for_more_than_what_the_table_looks_like() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({})).await;
        page.sync(push()).await.unwrap();
        let found = examined(&device).await;
        assert_eq!(
            of(&found, Check::Correlation, Some("incident")),
            (State::Good, "A record of incident was found by its correlation_id.".to_owned())
        );
    });
}

#[test]
fn who_is_not_signed_in_or_not_reached_hears_that_and_no_more_of_the_instance() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let asked = |device: Device, check, state| async move {
            let found = examined(&device).await;
            let about: Vec<_> = found.iter().filter(|it| it.state == State::Bad || it.check == check).collect();
            assert_eq!(about.iter().filter(|it| it.check == check && it.state == state).count(), 1, "{about:?}");
            assert!(found.iter().all(|it| it.table.is_none()), "{found:?}");
            assert!(found.iter().any(|it| it.check == Check::Storage));
        };
        let d = device(&instance);
        d.remote.set_auth(Err(AuthUnavailable("nobody".into())));
        asked(d, Check::SignIn, State::Bad).await;
        let d = device(&instance);
        d.remote.set_signed_out(true);
        asked(d, Check::SignIn, State::Bad).await;
        let d = device(&instance);
        d.remote.set_rule(|_| Some(Fault::LoseRequest));
        asked(d, Check::Reachable, State::Bad).await;
        let d = device(&instance);
        d.remote.set_offline(true);
        asked(d, Check::Reachable, State::Unknown).await;
        let d = device(&instance);
        let html = Response {
            status: 200,
            headers: vec![("Content-Type".into(), "text/html".into())],
            body: b"<h1>Welcome</h1>".to_vec(),
            redirected_to: None,
        };
        d.remote.set_rule(move |_| Some(Fault::Answer(html.clone())));
        asked(d, Check::Reachable, State::Bad).await;
        let d = device(&instance);
        d.open().await.unwrap().set_offline(true).await.unwrap();
        let sent = d.remote.sent();
        let found = examined(&d).await;
        assert_eq!((of(&found, Check::Reachable, None).0, d.remote.sent()), (State::Unknown, sent));
    });
}

#[test]
fn each_table_and_each_api_is_judged_by_its_own_answers() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let id = instance.put("incident", &[]);
        let device = device(&instance);
        device.remote.set_rule(move |request| {
            let no =
                |status, why| Some(Fault::Answer(resp(status, &format!("{{\"error\":{{\"message\":\"{why}\"}}}}"))));
            match request.path.as_str() {
                path if path.contains("/note") => no(403, "Not yours"),
                path if path.contains("sys_audit_delete") => no(403, "Admins only"),
                path if path.ends_with("/batch") => no(404, "No such thing"),
                // The term is dropped, and anybody's record is found.
                path if path.contains("correlation_id%3D") => {
                    Some(Fault::Answer(resp(200, &format!("{{\"result\":[{{\"sys_id\":\"{id}\"}}]}}"))))
                }
                _ => None,
            }
        });
        let found = examined(&device).await;
        let (state, message) = of(&found, Check::Table, Some("note"));
        assert_eq!((state, message.contains("403, “Not yours”")), (State::Bad, true), "{message}");
        assert_eq!(of(&found, Check::Correlation, Some("incident")).0, State::Bad);
        // For the few that are here that is no drawback.
        assert_eq!(of(&found, Check::Deletions, None).0, State::Good);
        assert_eq!(of(&found, Check::Batch, None), (State::Warning, "There is no Batch API.".to_owned()));
    });
}

#[test]
fn what_has_no_answer_is_not_taken_for_a_no() {
    block_on(async {
        let instance = MemoryInstance::plain();
        instance.put("incident", &[("correlation_id", "")]);
        let device = device(&instance);
        device.remote.set_rule(|request| {
            let path = &request.path;
            (path.contains("sys_audit_delete") || path.ends_with("/batch")).then_some(Fault::LoseRequest)
        });
        let found = examined(&device).await;
        assert_eq!(of(&found, Check::Deletions, None).0, State::Unknown);
        let (state, message) = of(&found, Check::Batch, None);
        assert_eq!((state, message.contains("does not let this page read")), (State::Warning, true), "{message}");
    });
}

#[test]
fn deletions_that_may_not_be_read_are_a_drawback_where_many_records_are_here() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let mut view = View::default();
        view.absorb(vec![Read::Row(Indexes::at())], vec![Found::Row(None)]);
        let mut tx = Tx::new(page.schema(), 0, Uuid::nil(), &view);
        for number in 0..5_001 {
            let sys_id = format!("{number:032x}");
            tx.put(&Record { table: "incident".into(), sys_id, ..Record::default() }).unwrap();
        }
        device.database.open().commit(&tx.finish(1.0, Origin::Here, Durability::Relaxed).0).await.unwrap();
        device.remote.set_rule(|request| {
            let no = || Fault::Answer(resp(403, "{\"error\":{\"message\":\"Admins only\"}}"));
            request.path.contains("sys_audit_delete").then(no)
        });
        let (state, message) = of(&examined(&device).await, Check::Deletions, None);
        assert_eq!((state, message.contains("5001 are here")), (State::Warning, true), "{message}");
    });
}

#[test]
fn each_table_is_asked_for_once_and_searched_once() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let before = instance.log().len();
        examined(&device).await;
        let asked = instance.log().split_off(before);
        let of = |table: &str| asked.iter().filter(|line| **line == format!("GET /api/now/table/{table}")).count();
        // A batch of one, too, for the first of them.
        assert_eq!((of("incident"), of("note")), (3, 1), "{asked:?}");
    });
}

#[test]
fn a_table_whose_records_show_no_such_field_is_said_to_have_none() {
    block_on(async {
        let instance = MemoryInstance::plain();
        instance.put("incident", &[("name", "n")]);
        let found = examined(&device(&instance)).await;
        let (state, message) = of(&found, Check::Correlation, Some("incident"));
        assert_eq!((state, message.as_str()), (State::Bad, "The records of incident show no correlation_id."));
    });
}

#[test]
fn a_header_that_the_browser_hides_is_missed_where_there_must_be_one() {
    block_on(async {
        let instance = MemoryInstance::plain();
        instance.put("incident", &[]);
        instance.put("incident", &[]);
        for (hidden, state) in [("Link", State::Bad), ("X-Total-Count", State::Warning)] {
            let device = device(&instance);
            let other = instance.clone();
            device.remote.set_rule(move |request| {
                let mut response = other.run(request);
                response.headers.retain(|(name, _)| name != hidden);
                Some(Fault::Answer(response))
            });
            assert_eq!(of(&examined(&device).await, Check::Cors, None).0, state, "{hidden}");
        }
    });
}

#[test]
fn headers_that_have_run_out_are_asked_for_once_more() {
    block_on(async {
        let device = device(&MemoryInstance::plain());
        let first = std::cell::Cell::new(true);
        device.remote.set_rule(move |_| {
            first
                .replace(false)
                .then(|| Fault::Answer(resp(401, "{\"error\":{\"message\":\"User Not Authenticated\"}}")))
        });
        assert_eq!(of(&examined(&device).await, Check::SignIn, None).0, State::Good);
    });
}
