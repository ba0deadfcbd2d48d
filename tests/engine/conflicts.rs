//! What others have changed is looked for before a change leaves, and asked about where both have changed the same.

use futures_executor::block_on;
use landfall::{
    core::conflict::Choice,
    engine::{Client, EndedBy},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::{Method, Request},
};
use serde_json::{Value, json};

use super::{
    changes::sync,
    support::{push, resp, row},
};

const A_WHILE_MS: u64 = 60_000;

fn tables() -> std::collections::BTreeMap<String, landfall::core::schema::TableOptions> {
    serde_json::from_value(json!({ "incident": { "cache": {}, "references": { "parent": "incident" } }, "log": { "cache": {}, "conflict": "client" } }))
        .unwrap()
}

/// As a colleague would.
fn others_change(instance: &MemoryInstance, table: &str, id: &str, fields: &Value) {
    let request = Request {
        method: Method::Patch,
        path: format!("/api/now/table/{table}/{id}"),
        headers: Vec::new(),
        body: Some(fields.to_string().into()),
    };
    assert_eq!(instance.run(&request).status, 200);
}

fn there(instance: &MemoryInstance, table: &str, id: &str, name: &str) -> String {
    let row = instance.rows(table).into_iter().find(|row| row["sys_id"] == id).unwrap();
    row.get(name).cloned().unwrap_or_default()
}

async fn state(page: &Client<MemoryPorts>, id: &str) -> String {
    let row = page.get("incident", id, false).await.unwrap().unwrap();
    row["$sync"]["state"].as_str().unwrap().to_owned()
}

/// A device with a record that it has known for a while, in either kind of instance.
async fn known(instance: &MemoryInstance, table: &str) -> (Device, Client<MemoryPorts>, String) {
    let id = instance.put(table, &[("state", "1"), ("urgency", "3"), ("short_description", "A")]);
    let device = Device::new(instance, tables(), 1);
    let page = device.open().await.unwrap();
    sync(&page).await;
    device.clock.advance(A_WHILE_MS);
    (device, page, id)
}

fn both(test: impl AsyncFn(MemoryInstance)) {
    for instance in [MemoryInstance::plain(), MemoryInstance::with_extras(), MemoryInstance::with_if_match()] {
        block_on(test(instance));
    }
}

#[test]
fn nothing_goes_over_what_somebody_else_has_written_meanwhile() {
    both(async |instance| {
        let (_device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "state": "2", "urgency": "1" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7", "short_description": "B" }));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.sent, report.remaining, report.ended_by), (0, 1, EndedBy::Done));
        assert_eq!(there(&instance, "incident", &id, "state"), "7");
        let status = page.status().await.unwrap();
        assert_eq!((status.conflicts, status.pending, status.refused), (1, 1, 0));
        let shown = page.get("incident", &id, false).await.unwrap().unwrap();
        assert_eq!(shown["$sync"]["theirs"], json!({ "state": "7" }));
        assert_eq!(shown["short_description"], "B");
        // Asked once, it is not asked for at every sync: it waits for the user.
        assert_eq!(page.sync(push()).await.unwrap().requests, 0);

        page.resolve_conflict("incident", &id, &Choice::Mine).await.unwrap();
        assert_eq!(page.sync(push()).await.unwrap().sent, 1);
        assert_eq!(
            ["state", "urgency", "short_description"].map(|name| there(&instance, "incident", &id, name)),
            ["2", "1", "B"]
        );
        assert_eq!(state(&page, &id).await, "synced");
    });
}

#[test]
fn what_does_not_touch_goes_without_asking() {
    both(async |instance| {
        let (_device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "urgency": "1" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7" }));
        assert_eq!(page.sync(push()).await.unwrap().sent, 1);
        assert_eq!(["state", "urgency"].map(|name| there(&instance, "incident", &id, name)), ["7", "1"]);
    });
}

#[test]
fn theirs_stays_and_the_rest_of_the_change_goes() {
    both(async |instance| {
        let (_device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "state": "2", "urgency": "1" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7" }));
        sync(&page).await;
        assert_eq!(state(&page, &id).await, "conflict");
        page.resolve_conflict("incident", &id, &Choice::Theirs).await.unwrap();
        sync(&page).await;
        assert_eq!(["state", "urgency"].map(|name| there(&instance, "incident", &id, name)), ["7", "1"]);
        assert_eq!(state(&page, &id).await, "synced");
    });
}

#[test]
fn what_was_told_just_now_is_not_asked_for() {
    for instance in [MemoryInstance::plain(), MemoryInstance::with_extras()] {
        block_on(async {
            let (device, page, id) = known(&instance, "incident").await;
            page.update("incident", &id, row(json!({ "urgency": "1" }))).await.unwrap();
            page.sync(push()).await.unwrap();
            page.update("incident", &id, row(json!({ "urgency": "2" }))).await.unwrap();
            let just_now = page.sync(push()).await.unwrap().requests;
            device.clock.advance(A_WHILE_MS);
            page.update("incident", &id, row(json!({ "urgency": "3" }))).await.unwrap();
            assert_eq!(page.sync(push()).await.unwrap().requests, just_now + 1);
        });
    }
}

#[test]
fn where_it_may_not_be_read_or_is_gone_it_is_changed_all_the_same() {
    both(async |instance| {
        let (device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "urgency": "1" }))).await.unwrap();
        device.remote.set_rule(|request| {
            let reads = request.method == Method::Get && request.path.contains("/table/incident?");
            reads.then(|| Fault::Answer(resp(403, r#"{"error":{"message":"No"}}"#)))
        });
        assert_eq!(page.sync(push()).await.unwrap().sent, 1);
        device.clock.advance(A_WHILE_MS);
        device.remote.set_rule(|_| None);
        page.update("incident", &id, row(json!({ "urgency": "2" }))).await.unwrap();
        instance.remove("incident", &id);
        assert_eq!(page.sync(push()).await.unwrap().refused, 1, "which says so");
    });
}

#[test]
fn where_this_device_s_word_stands_nobody_is_asked() {
    both(async |instance| {
        let (_device, page, id) = known(&instance, "log").await;
        page.update("log", &id, row(json!({ "state": "2" }))).await.unwrap();
        others_change(&instance, "log", &id, &json!({ "state": "7" }));
        let reads = || instance.log().iter().filter(|line| *line == "GET /api/now/table/log").count();
        let before = reads();
        assert_eq!(page.sync(push()).await.unwrap().sent, 1);
        assert_eq!((there(&instance, "log", &id, "state").as_str(), reads()), ("2", before));
    });
}

#[test]
fn other_records_and_what_is_behind_it() {
    both(async |instance| {
        let (device, page, id) = known(&instance, "incident").await;
        let other = instance.put("incident", &[("state", "1")]);
        sync(&page).await;
        device.clock.advance(A_WHILE_MS);
        page.update("incident", &id, row(json!({ "state": "2" }))).await.unwrap();
        page.update("incident", &other, row(json!({ "state": "2" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7" }));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (1, 1));
        assert_eq!([&id, &other].map(|id| there(&instance, "incident", id, "state")), ["7", "2"]);
        // A second of the same record waits with it, and goes with it.
        page.update("incident", &id, row(json!({ "urgency": "1" }))).await.unwrap();
        assert_eq!(page.sync(push()).await.unwrap().sent, 0);
        page.resolve_conflict("incident", &id, &Choice::Fields([("state".to_owned(), "5".to_owned())].into()))
            .await
            .unwrap();
        sync(&page).await;
        assert_eq!(["state", "urgency"].map(|name| there(&instance, "incident", &id, name)), ["5", "1"]);
    });
}

fn patches(instance: &MemoryInstance) -> usize {
    instance.log().iter().filter(|line| line.starts_with("PATCH")).count()
}

#[test]
fn a_guarded_change_is_not_read_for_and_found_out_by_the_instance() {
    block_on(async {
        let instance = MemoryInstance::with_if_match();
        let (device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "urgency": "1" }))).await.unwrap();
        let guard: std::rc::Rc<std::cell::RefCell<Vec<String>>> = std::rc::Rc::default();
        let seen = std::rc::Rc::clone(&guard);
        device.remote.set_rule(move |request| {
            let is_match = request.headers.iter().find(|(name, _)| name == "If-Match");
            seen.borrow_mut().extend(is_match.map(|(_, tag)| tag.clone()));
            None
        });
        let before = page.sync(push()).await.unwrap();
        assert_eq!((before.sent, guard.take()), (1, vec!["\"0\"".to_owned()]));
        // Changed by somebody else in another field: refused, read, and sent again as it is.
        let asked = patches(&instance);
        page.update("incident", &id, row(json!({ "urgency": "2" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "short_description": "B" }));
        assert_eq!(page.sync(push()).await.unwrap().sent, 1);
        assert_eq!(guard.take(), ["\"1\"", "\"2\""]);
        assert_eq!(patches(&instance) - asked, 3);
        assert_eq!(["urgency", "short_description"].map(|name| there(&instance, "incident", &id, name)), ["2", "B"]);
        // In the same field: it is asked about, and what is said then goes by the count that was read.
        page.update("incident", &id, row(json!({ "urgency": "3" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "urgency": "1" }));
        assert_eq!(page.sync(push()).await.unwrap().sent, 0);
        assert_eq!(state(&page, &id).await, "conflict");
        page.resolve_conflict("incident", &id, &Choice::Mine).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "urgency": "0" }));
        assert_eq!(page.sync(push()).await.unwrap().sent, 0, "and that was changed again meanwhile");
        assert_eq!(
            (state(&page, &id).await.as_str(), there(&instance, "incident", &id, "urgency").as_str()),
            ("conflict", "0")
        );
    });
}

#[test]
fn an_answer_that_is_given_twice_is_no_news() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "state": "2" }))).await.unwrap();
        device.remote.set_rule(|request| (request.method == Method::Patch).then_some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        page.update("incident", &id, row(json!({ "urgency": "1" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "urgency": "2" }));
        device.remote.set_rule(|_| None);
        device.clock.advance(4_000_000);
        // The first goes again under its key, and is answered as it was then.
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (1, 1));
        assert_eq!(
            (there(&instance, "incident", &id, "urgency").as_str(), state(&page, &id).await.as_str()),
            ("2", "conflict")
        );
    });
}

#[test]
fn what_depends_on_a_record_that_is_made_is_read_for_too() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (_device, page, id) = known(&instance, "incident").await;
        let made = super::support::create(&page, "incident", json!({ "short_description": "new" })).await;
        page.update("incident", &id, row(json!({ "parent": made, "state": "6" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7" }));
        page.sync(push()).await.unwrap();
        assert_eq!(
            (there(&instance, "incident", &id, "state").as_str(), state(&page, &id).await.as_str()),
            ("7", "conflict")
        );
    });
}

#[test]
fn a_gateway_that_fails_once_is_no_leave_to_send_unread() {
    both(async |instance| {
        let (device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "state": "2" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7" }));
        let fails = |request: &Request| {
            let reads = request.method == Method::Get && request.path.contains("/table/incident?");
            reads.then(|| Fault::Answer(resp(502, "<html>Bad gateway</html>")))
        };
        device.remote.set_rule(fails);
        page.sync(push()).await.unwrap();
        assert_eq!(there(&instance, "incident", &id, "state"), "7");
        device.remote.set_rule(|_| None);
        device.clock.advance(4_000_000);
        page.sync(push()).await.unwrap();
        assert_eq!(
            (there(&instance, "incident", &id, "state").as_str(), state(&page, &id).await.as_str()),
            ("7", "conflict")
        );
    });
}

#[test]
fn a_clock_that_has_been_set_back_makes_nothing_known() {
    both(async |instance| {
        let (device, page, id) = known(&instance, "incident").await;
        page.update("incident", &id, row(json!({ "state": "2" }))).await.unwrap();
        others_change(&instance, "incident", &id, &json!({ "state": "7" }));
        device.clock.set(landfall::ports::Clock::now_ms(&device.clock) - 3_600_000);
        assert_eq!(page.sync(push()).await.unwrap().sent, 0);
        assert_eq!(there(&instance, "incident", &id, "state"), "7");
    });
}
