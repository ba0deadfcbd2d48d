//! One record made here that is several at the instance: told, never hidden.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::{Event, Row, StoreName, WriteSet},
    engine::{EndedBy, SyncOptions},
    ports::Store,
    testing::{Device, Fault, MemoryInstance, listening},
    wire::Response,
};
use serde_json::json;

use super::support::{create, proved, push, resp, tables};

fn told(heard: &RefCell<Vec<Event>>) -> Vec<String> {
    let twins = |event: &Event| match event {
        Event::Error { code, message, .. } if code == "twins" => Some(message.clone()),
        _ => None,
    };
    heard.borrow().iter().filter_map(twins).collect()
}

fn html(status: u16) -> Response {
    Response { status, body: b"<h1>No</h1>".to_vec(), ..Response::default() }
}

#[test]
fn a_twin_that_a_pull_brings_is_told() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut tables = tables();
        tables.get_mut("incident").unwrap().cache = Some(Default::default());
        let device = Device::new(&instance, tables, 1);
        let page = device.open().await.unwrap();
        let heard = listening(&page);
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        page.sync(push()).await.unwrap();
        instance.put("incident", &[("correlation_id", &id), ("short_description", "x")]);
        for _ in 0..2 {
            let report = page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!(report.ended_by, EndedBy::Done);
        }
        assert_eq!(told(&heard).len(), 1);
    });
}

#[test]
fn a_request_the_browser_sent_twice_by_itself_is_told() {
    block_on(async {
        for keys in [false, true] {
            let instance = if keys { MemoryInstance::with_extras() } else { MemoryInstance::plain() };
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let heard = listening(&page);
            proved(&page, "incident").await;
            let id = create(&page, "incident", json!({ "short_description": "x" })).await;
            device.remote.plan(Some(Fault::Repeat));
            page.sync(push()).await.unwrap();
            page.sync(push()).await.unwrap();
            let told = told(&heard);
            assert_eq!((instance.rows("incident").len(), told.len()), if keys { (2, 0) } else { (3, 1) });
            // Not the first in any order, but the one that was answered.
            let used = page.resolve_id(&id).await.unwrap();
            assert!(told.iter().all(|said| said.ends_with(&format!("Here it is {used}."))), "{told:?}");
        }
    });
}

#[test]
fn a_twin_that_commits_after_the_probe_is_told() {
    block_on(async {
        // Also where there are keys: what had to be looked for may have come of a request under another.
        for instance in [MemoryInstance::plain(), MemoryInstance::with_extras()] {
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let heard = listening(&page);
            proved(&page, "incident").await;
            let id = create(&page, "incident", json!({"short_description": "x"})).await;
            device.remote.plan(Some(Fault::LoseAnswer));
            page.sync(push()).await.unwrap();
            device.clock.advance(400_000);
            // The probe finds one row. Only then the request that was given up arrives, too.
            let late = instance.clone();
            page.listen(Rc::new(move |event| {
                if let Event::Reconciled { temporary, .. } = event {
                    late.put("incident", &[("correlation_id", temporary), ("short_description", "x")]);
                }
            }));
            page.sync(push()).await.unwrap();
            page.sync(push()).await.unwrap();
            assert_ne!(page.resolve_id(&id).await.unwrap(), id);
            assert_eq!((instance.rows("incident").len(), told(&heard).len()), (3, 1));
        }
    });
}

#[test]
fn a_search_that_always_fails_ends_no_run_and_is_put_once_in_each() {
    block_on(async {
        for bad in [resp(500, "{}"), resp(502, "<h1>Bad gateway</h1>"), html(404)] {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let heard = listening(&page);
            let id = create(&page, "incident", json!({ "short_description": "x" })).await;
            create(&page, "incident", json!({ "short_description": "y" })).await;
            // Capabilities, made, and looked for.
            for fault in [None, None, Some(Fault::Answer(bad.clone()))] {
                device.remote.plan(fault);
            }
            let report = page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!((report.ended_by, report.refreshed, report.sent), (EndedBy::Done, true, 2), "{report:?}");
            device.remote.plan(Some(Fault::Answer(bad.clone())));
            let report = page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!((report.ended_by, report.refreshed, report.requests), (EndedBy::Done, true, 2), "{report:?}");
            // It is owed, and done once it can be.
            instance.put("incident", &[("correlation_id", &id), ("short_description", "x")]);
            page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!(told(&heard).len(), 1);
        }
    });
}

#[test]
fn what_was_deleted_before_it_was_looked_for_says_nothing_of_its_table() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        // Made; the search for twins finds no line.
        for fault in [None, Some(Fault::LoseRequest)] {
            device.remote.plan(fault);
        }
        page.sync(push()).await.unwrap();
        let sys_id = page.resolve_id(&id).await.unwrap();
        assert_ne!(sys_id, id);
        page.delete("incident", &id).await.unwrap();
        device.clock.advance(400_000);
        let searches = || instance.log().iter().filter(|line| line.starts_with("GET")).count();
        let before = searches();
        page.sync(push()).await.unwrap();
        assert!(searches() > before, "it is looked for, though it is gone: {:?}", instance.log());
        assert_eq!(page.status().await.unwrap().caveats.len(), 1, "but for the keys, nothing is amiss");
    });
}

#[test]
fn a_landed_record_that_nobody_can_read_any_more_ends_no_run() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "x" })).await;
        // Made; the search for twins finds no line.
        for fault in [None, Some(Fault::LoseRequest)] {
            device.remote.plan(fault);
        }
        page.sync(push()).await.unwrap();
        let spoiled = device.database.rows(StoreName::Records).into_iter();
        let puts = spoiled.map(|row| (StoreName::Records, Row { body: "{".to_owned().into(), ..row })).collect();
        device.database.open().commit(&WriteSet { puts, ..WriteSet::default() }).await.unwrap();
        device.clock.advance(400_000);
        assert_eq!(page.sync(SyncOptions::default()).await.unwrap().ended_by, EndedBy::Done);
    });
}

#[test]
fn a_table_that_cannot_be_asked_whether_the_line_holds_keeps_back_nothing_but_its_own() {
    block_on(async {
        for bad in [resp(500, "{}"), html(403)] {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            // The first of its table: should its answer be lost, nobody could ask about it.
            create(&page, "task", json!({ "short_description": "first" })).await;
            for _ in 0..3 {
                device.remote.plan(Some(Fault::Answer(bad.clone())));
                let report = page.sync(SyncOptions::default()).await.unwrap();
                assert_eq!((report.ended_by, report.refreshed, report.sent), (EndedBy::Backoff, true, 0), "{report:?}");
                let wait = page.next_sync_in().await.unwrap().unwrap();
                assert!(wait > 0, "it would go round and round");
                device.clock.advance(wait);
            }
            assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "queued");
            // What another's answer has shown of the line holds for it too.
            create(&page, "incident", json!({ "short_description": "x" })).await;
            device.remote.plan(Some(Fault::Answer(bad)));
            let report = page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!((report.ended_by, report.sent, report.remaining), (EndedBy::Done, 2, 0), "{report:?}");
        }
    });
}

#[test]
fn twins_found_while_nobody_listened_stand_in_the_status_until_they_are_removed() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        // A worker, say, that is gone before any page is opened.
        let worker = device.open().await.unwrap();
        proved(&worker, "incident").await;
        let id = create(&worker, "incident", json!({ "short_description": "x" })).await;
        device.remote.plan(Some(Fault::Repeat));
        worker.sync(push()).await.unwrap();
        worker.close().await;

        let page = device.open().await.unwrap();
        let heard = listening(&page);
        let twins = async || {
            let caveats = page.status().await.unwrap().caveats;
            caveats.into_iter().filter(|caveat| caveat.contains(&id)).collect::<Vec<_>>()
        };
        let [caveat] = &twins().await[..] else { panic!() };
        assert!(caveat.starts_with("The instance has 2 incident records for the one made here as"), "{caveat}");
        assert!(caveat.ends_with("Remove there what is not wanted."), "{caveat}");
        let used = page.resolve_id(&id).await.unwrap();
        let rows = instance.rows("incident");
        let other = rows.iter().find(|row| row["correlation_id"] == id && row["sys_id"] != used).unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!((twins().await.len(), told(&heard).len()), (1, 0), "it is no news");
        instance.remove("incident", &other["sys_id"]);
        page.sync(push()).await.unwrap();
        assert_eq!(twins().await.len(), 0);
        // From then on nobody looks for them.
        assert_eq!(page.sync(push()).await.unwrap().requests, 0);
    });
}

#[test]
fn a_twin_that_arrives_minutes_after_its_record_has_landed_is_told() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let heard = listening(&page);
        proved(&page, "incident").await;
        let lost = async |name: &str| {
            let id = create(&page, "incident", json!({ "short_description": name })).await;
            device.remote.plan(Some(Fault::LoseRequest));
            page.sync(push()).await.unwrap();
            // Asked for in vain, it is sent again, and then there is one; the first request is still held up somewhere.
            device.clock.advance(61_000);
            page.sync(push()).await.unwrap();
            assert_ne!(page.resolve_id(&id).await.unwrap(), id);
            id
        };
        let id = lost("x").await;
        assert_eq!(told(&heard).len(), 0);
        device.clock.advance(14_000);
        instance.put("incident", &[("correlation_id", &id), ("short_description", "x")]);
        let wait = page.next_sync_in().await.unwrap().expect("it is looked for again");
        assert!(wait <= 60_000, "{wait}");
        device.clock.advance(wait);
        page.sync(push()).await.unwrap();
        assert_eq!(told(&heard).len(), 1);
        let twin = instance.rows("incident").into_iter().rfind(|row| row["correlation_id"] == id).unwrap();
        instance.remove("incident", &twin["sys_id"]);

        // Another that has none is looked for a few times, and never again.
        lost("y").await;
        let (mut looks, mut passed) = (0, 0);
        while let Some(wait) = page.next_sync_in().await.unwrap() {
            device.clock.advance(wait);
            passed += wait;
            looks += page.sync(push()).await.unwrap().requests;
            assert!(looks < 10, "it is looked for for ever");
        }
        assert_eq!((looks, told(&heard).len()), (3 + 2, 1), "of the first two more looks are owed");
        assert!((100 * 60_000..=120 * 60_000).contains(&passed), "{passed}");
        // What was never in doubt is looked for once.
        create(&page, "incident", json!({ "short_description": "z" })).await;
        page.sync(push()).await.unwrap();
        assert_eq!(page.next_sync_in().await.unwrap(), None);
    });
}
