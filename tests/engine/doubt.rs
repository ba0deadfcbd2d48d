//! What was sent and not answered: asked about, believed only where that is proved, and never sent twice on a guess.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use futures_util::poll;
use landfall::{
    core::{
        Event, plan,
        schema::{Schema, TableOptions},
        stored,
    },
    engine::{Client, EndedBy},
    testing::{Device, Fault, MemoryInstance, MemoryPorts, MemoryRemote, listening},
    wire::{Method, Request, Response},
};
use serde_json::{Value, json};

use super::support::{create, proved, push, resp, row, tables};

const INCIDENTS: &str = "/api/now/table/incident?sysparm_exclude_reference_link=true";

pub(super) async fn outbox(page: &Client<MemoryPorts>) -> Vec<(&'static str, String)> {
    let items = page.outbox(None, None, None).await.unwrap();
    items.into_iter().map(|item| (item.state, item.explain)).collect()
}

pub(super) fn post(key: &str, body: &Value) -> Request {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Request {
        method: Method::Post,
        path: INCIDENTS.to_owned(),
        headers: vec![
            header("Accept", "application/json"),
            header("Content-Type", "application/json"),
            header("Idempotency-Key", key),
        ],
        body: Some(body.to_string().into_bytes()),
    }
}

#[test]
fn before_a_table_has_shown_that_it_keeps_the_id_an_empty_answer_proves_nothing() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        for name in ["a", "b", "c"] {
            create(&page, "incident", json!({ "short_description": name })).await;
        }
        create(&page, "task", json!({})).await;
        device.remote.plan(None); // capabilities
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        let states: Vec<_> = outbox(&page).await.into_iter().map(|(state, _)| state).collect();
        assert_eq!(states, ["unknown", "queued", "queued", "unknown"], "one of each table tries");

        // Asked about, the instance has none of it. The next of the table tells what that is worth.
        device.clock.advance(400_000);
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.reconciled, 3, "{report:?}");
        let left = outbox(&page).await;
        assert_eq!((left.len(), left[0].0), (1, "unknown"));
        assert!(left[0].1.contains("has not shown yet that task"), "{left:?}");
        // The first of the others is looked for a few times more. But this one, only the user can move.
        while let Some(wait) = page.next_sync_in().await.unwrap() {
            device.clock.advance(wait);
            page.sync(push()).await.unwrap();
        }
        assert_eq!(outbox(&page).await, left);
        let caveats = page.status().await.unwrap().caveats;
        assert!(caveats.iter().any(|said| said.contains("sys_user, task")), "{caveats:?}");

        create(&page, "task", json!({})).await;
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        assert_eq!((instance.rows("incident").len(), instance.rows("task").len()), (3, 2));
    });
}

#[test]
fn a_table_that_drops_the_id_is_known_for_it() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({ "short_description": "a" })).await;
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Answer(resp(201, r#"{"result":{"sys_id":"a1","correlation_id":""}}"#))));
        page.sync(push()).await.unwrap();
        assert!(page.status().await.unwrap().caveats[0].starts_with("incident keeps no correlation field"));

        create(&page, "incident", json!({ "short_description": "b" })).await;
        device.remote.plan(None); // whether the line holds
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.requests, 0, "no question that nobody can answer: {report:?}");
        let left = outbox(&page).await;
        assert!(left[0].1.contains("cannot say whether it arrived"), "{left:?}");
    });
}

#[test]
fn a_table_that_answers_what_it_makes_and_does_not_find_it_again_is_known_for_it() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({ "short_description": "a" })).await;
        // Capabilities, made, and looked for: a rule before each query hides what was made for another caller.
        for fault in [None, None, Some(Fault::Answer(resp(200, r#"{"result":[]}"#)))] {
            device.remote.plan(fault);
        }
        page.sync(push()).await.unwrap();
        assert!(page.status().await.unwrap().caveats[0].contains("does not let its records be found"));

        create(&page, "incident", json!({ "short_description": "b" })).await;
        device.remote.plan(None); // whether the line holds
        device.remote.plan(Some(Fault::LoseAnswer));
        for _ in 0..3 {
            page.sync(push()).await.unwrap();
            device.clock.advance(400_000);
        }
        assert_eq!((instance.rows("incident").len(), outbox(&page).await[0].0), (2, "unknown"));
        // Offline, and just opened, it is still known.
        device.remote.set_offline(true);
        assert_eq!(device.open().await.unwrap().status().await.unwrap().caveats.len(), 2);
    });
}

#[test]
fn what_nobody_could_ask_about_is_not_sent_into_the_void() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        // The first of its table, and an entry where entries cannot be read, made while the line is dead.
        let id = instance.rows("incident")[0]["sys_id"].clone();
        page.update("incident", &id, row(json!({ "work_notes": "a note" }))).await.unwrap();
        create(&page, "task", json!({ "short_description": "first" })).await;
        for fault in
            [Fault::LoseRequest, Fault::Answer(resp(502, "<h1>Bad gateway</h1>")), Fault::Answer(resp(200, "<p>"))]
        {
            device.remote.plan(Some(fault));
            page.sync(push()).await.unwrap();
            device.clock.advance(400_000);
            let left = outbox(&page).await;
            assert!(left.iter().all(|(state, _)| *state == "queued"), "{left:?}");
        }
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        assert_eq!(instance.rows("task").len(), 1);
    });
}

#[test]
fn keys_settle_what_a_table_cannot() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({ "short_description": "a" })).await;
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        assert_eq!((outbox(&page).await.len(), instance.rows("incident").len()), (0, 1));
    });
}

#[test]
fn a_key_is_worth_nothing_once_the_instance_has_forgotten_it() {
    let options = json!({ "note": { "correlationField": null, "journals": ["text"] }, "log": { "journals": ["text"], "unknown": "resend" } });
    let schema = Schema::new(serde_json::from_value(options).unwrap()).unwrap();
    let proofs = stored::Proofs::default();
    let item = |kind, table: &str, in_vain| stored::Item {
        kind,
        table: table.to_owned(),
        journal: kind == stored::ItemKind::Update,
        state: stored::ItemState::Unknown,
        sent_at: Some(1_000),
        in_vain,
        ..stored::Item::default()
    };
    let step = |item: &stored::Item, ttl_ms: Option<Option<u64>>, now| {
        let keys = ttl_ms.map(|ttl_ms| plan::Keys { ttl_ms });
        plan::next_step(&plan::Known { schema: &schema, proofs: &proofs, keys, now }, item)
    };
    use plan::Step::{Ask, Probe, Send};
    let create = item(stored::ItemKind::Create, "note", false);
    assert_eq!(step(&create, None, 2_000), Ask);
    assert_eq!(step(&create, Some(None), u64::MAX), Send);
    assert_eq!(step(&create, Some(Some(5_000)), 5_999), Send);
    assert_eq!(step(&create, Some(Some(5_000)), 6_000), Ask);
    assert_eq!(step(&create, Some(Some(5_000)), 999), Ask, "the device's clock was set back: it left who knows when");
    assert_eq!(step(&create, Some(None), 999), Send);
    let entry = item(stored::ItemKind::Update, "note", false);
    assert_eq!(step(&entry, Some(Some(5_000)), 2_000), Send, "under its key");
    assert_eq!(step(&entry, Some(Some(5_000)), 6_000), Probe);
    assert_eq!(step(&entry, None, 2_000), Probe);
    assert_eq!(step(&item(stored::ItemKind::Update, "note", true), None, 2_000), Ask);
    assert_eq!(step(&item(stored::ItemKind::Update, "log", true), None, 2_000), Send, "the app wants it so");
    assert_eq!(step(&item(stored::ItemKind::Create, "log", true), None, 2_000), Ask, "but never a record");
}

#[test]
fn what_a_context_could_not_sign_in_for_is_not_in_doubt() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "x" })).await;
        device.remote.set_auth_hangs(true);
        let asked = device.remote.auth_asked().len();
        let mut run = Box::pin(page.sync(push()));
        for _ in 0..1000 {
            assert!(poll!(&mut run).is_pending());
        }
        assert_eq!(device.remote.auth_asked().len(), asked + 1);
        assert_eq!(outbox(&device.open().await.unwrap()).await[0].0, "queued");
    });
}

#[test]
fn an_edit_of_a_create_that_had_left_is_not_lost_when_the_first_request_arrives_late() {
    block_on(async {
        for keys in [true, false] {
            let instance = if keys { MemoryInstance::with_extras() } else { MemoryInstance::plain() };
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            let id = create(&page, "incident", json!({ "short_description": "first", "priority": "1" })).await;
            device.remote.plan(Some(Fault::LoseRequest));
            page.sync(push()).await.unwrap();
            // Asked about, it is not there; the line goes down again before it is sent.
            device.clock.advance(400_000);
            device.remote.plan(None); // capabilities
            device.remote.plan(None); // the question
            device.remote.plan(Some(Fault::Answer(resp(429, "{}"))));
            page.sync(push()).await.unwrap();
            assert_eq!(outbox(&page).await[0].0, "queued");
            page.update("incident", &id, row(json!({ "short_description": "second" }))).await.unwrap();
            // Only now the first request arrives.
            let first = json!({ "correlation_id": id, "priority": "1", "short_description": "first" });
            instance.run(&post(&id, &first));
            device.clock.advance(4_000_000);
            if !keys {
                // Nothing but the correlation is there to tell: the question has to be put once more.
                device.remote.plan(Some(Fault::LoseRequest));
                page.sync(push()).await.unwrap();
                device.clock.advance(4_000_000);
            }
            page.sync(push()).await.unwrap();
            page.sync(push()).await.unwrap();
            assert_eq!(outbox(&page).await, [], "keys: {keys}");
            let rows = instance.rows("incident");
            assert_eq!(rows.len(), 2, "keys: {keys}");
            let now = rows.iter().find(|row| row["correlation_id"] == id).unwrap();
            assert_eq!((now["short_description"].as_str(), now["priority"].as_str()), ("second", "1"), "keys: {keys}");
            assert_eq!(page.get("incident", &id, false).await.unwrap().unwrap()["short_description"], "second");
        }
    });
}

#[test]
fn an_instance_that_has_once_announced_keys_is_sent_nothing_without() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let later = device.open().await.unwrap();
        create(&later, "incident", json!({ "short_description": "x" })).await;
        let gateway = Response { status: 404, body: b"default backend - 404".to_vec(), ..Response::default() };
        for answer in [resp(200, r#"{"capabilities":{"idem"#), resp(500, "{}"), resp(400, ""), gateway] {
            device.remote.plan(Some(Fault::Garble(answer)));
            device.clock.advance(400_000);
            assert_eq!(later.sync(push()).await.unwrap().ended_by, EndedBy::Offline);
        }
        assert_eq!(instance.rows("incident").len(), 1);
        device.clock.advance(400_000);
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Repeat));
        later.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 2);
    });
}

#[test]
fn a_change_that_left_with_its_parent_is_another_request_once_it_has_its_id() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let older = create(&page, "incident", json!({ "short_description": "older" })).await;
        page.sync(push()).await.unwrap();
        let parent = create(&page, "incident", json!({ "short_description": "parent" })).await;
        page.update("incident", &older, row(json!({ "parent": parent }))).await.unwrap();
        page.update("incident", &older, row(json!({ "work_notes": format!("see {parent}") }))).await.unwrap();
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        let rows = instance.rows("incident");
        let (older, parent) = (&rows[0], &rows[1]);
        assert_eq!((rows.len(), &older["parent"]), (2, &parent["sys_id"]));
    });
}

#[test]
fn what_left_with_a_record_that_has_gone_since_is_asked_about_and_then_waits() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "task").await;
        proved(&page, "incident").await;
        let parent = create(&page, "incident", json!({ "short_description": "parent" })).await;
        let child = create(&page, "task", json!({ "parent": parent, "short_description": "child" })).await;
        let other = create(&page, "task", json!({ "short_description": "other" })).await;
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        page.delete("incident", &parent).await.unwrap();
        device.clock.advance(400_000);
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.ended_by, report.remaining), (EndedBy::Done, 1), "{report:?}");
        assert_ne!(page.resolve_id(&other).await.unwrap(), other);
        let left = outbox(&page).await;
        assert!(left[0].1.contains("deleted before it was sent"), "{left:?}");
        page.update("task", &child, row(json!({ "parent": null }))).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        assert_eq!((instance.rows("incident").len(), instance.rows("task").len()), (1, 3));
    });
}

#[test]
fn what_left_without_a_key_is_not_sent_again_while_it_may_still_arrive() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "x" })).await;
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(5_000);
        page.sync(push()).await.unwrap();
        let left = outbox(&page).await;
        assert_eq!(left[0].0, "unknown");
        assert!(left[0].1.contains("is asked about it at 20"), "{left:?}");
        let wait = page.next_sync_in().await.unwrap().unwrap();
        assert!((50_000..=55_000).contains(&wait), "{wait}");
        assert_eq!(instance.rows("incident").len(), 1);

        device.clock.advance(wait);
        page.sync(push()).await.unwrap();
        assert_eq!((outbox(&page).await, instance.rows("incident").len()), (vec![], 2));
    });
}

#[test]
fn a_table_that_keeps_no_id_is_named_until_the_instance_knows_keys() {
    block_on(async {
        let mut tables = tables();
        tables.insert("note".to_owned(), TableOptions { correlation_field: Some(None), ..TableOptions::default() });
        let mut device = Device::new(&MemoryInstance::plain(), tables, 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let caveats = page.status().await.unwrap().caveats;
        let blind: Vec<_> = caveats.iter().filter(|said| said.contains("keeps no correlation field")).collect();
        assert_eq!(blind.len(), 1, "{caveats:?}");
        assert!(blind[0].starts_with("note "), "{caveats:?}");
        // The instance has been given its extras meanwhile.
        device.remote = MemoryRemote::new(MemoryInstance::with_extras());
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        assert_eq!(page.status().await.unwrap().caveats, [""; 0]);
    });
}

#[test]
fn a_table_that_keeps_no_id_is_named_where_keys_are_forgotten() {
    block_on(async {
        let mut tables = tables();
        tables.insert("note".to_owned(), TableOptions { correlation_field: Some(None), ..TableOptions::default() });
        let device = Device::new(&MemoryInstance::with_extras(), tables, 1);
        let announced = r#"{"capabilities":{"idempotency_key":true,"key_ttl_seconds":86400}}"#;
        device.remote.plan(Some(Fault::Answer(resp(200, announced))));
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let caveats = page.status().await.unwrap().caveats;
        let [said] = &caveats[..] else { panic!("{caveats:?}") };
        assert!(
            said.starts_with("note keeps no correlation field, and the instance remembers keys for 24 hours"),
            "{said}"
        );
        // Another context has not asked, and knows it all the same.
        assert_eq!(device.open().await.unwrap().status().await.unwrap().caveats, caveats);
    });
}

#[test]
fn what_was_asked_for_in_vain_and_goes_again_once_its_key_is_forgotten_is_asked_for_once_more() {
    block_on(async {
        for (cut_off, arrives) in [(false, "before"), (true, "before"), (false, "after"), (true, "after")] {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let announced = r#"{"capabilities":{"idempotency_key":true,"key_ttl_seconds":3600}}"#;
            let sending: Rc<RefCell<Option<Fault>>> = Rc::default();
            let what = Rc::clone(&sending);
            device.remote.set_rule(move |request| match request.method {
                Method::Post => what.borrow().clone(),
                _ => request.path.ends_with("/capabilities").then(|| Fault::Answer(resp(200, announced))),
            });
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            let id = create(&page, "incident", json!({ "short_description": "x" })).await;
            sending.replace(Some(Fault::LoseRequest));
            page.sync(push()).await.unwrap();
            // Under its key it is asked for at once. It is not there yet; and then it cannot be sent.
            if cut_off {
                let sent = device.remote.sent();
                let mut run = Box::pin(page.sync(push()));
                while outbox(&device.open().await.unwrap()).await[0].0 != "queued" || device.remote.sent() == sent {
                    assert!(poll!(&mut run).is_pending());
                }
                device.lock.kill_holder();
                // Never polled again: its page is gone.
            } else {
                sending.replace(Some(Fault::Answer(resp(429, "{}"))));
                page.sync(push()).await.unwrap();
            }
            sending.take();
            assert_eq!(outbox(&device.open().await.unwrap()).await[0].0, "queued");
            let arrive = || instance.run(&post(&id, &json!({ "correlation_id": id, "short_description": "x" })));
            if arrives == "before" {
                arrive();
            }
            device.clock.advance(2 * 3_600_000);
            instance.forget_keys();
            let page = device.open().await.unwrap();
            let heard = listening(&page);
            for _ in 0..3 {
                page.sync(push()).await.unwrap();
                device.clock.advance(1_000);
            }
            assert_eq!(outbox(&page).await, [], "{cut_off} {arrives}");
            assert_eq!(instance.rows("incident").len(), 2, "{cut_off} {arrives}");
            // Nobody can rule it out then. But it is told.
            if arrives == "after" {
                instance.forget_keys();
                arrive();
                device.clock.advance(page.next_sync_in().await.unwrap().expect("it is looked for again"));
                page.sync(push()).await.unwrap();
                let twins = |event: &Event| matches!(event, Event::Error { code, .. } if code == "twins");
                assert_eq!(heard.borrow().iter().filter(|event| twins(event)).count(), 1, "{cut_off}");
            }
        }
    });
}
