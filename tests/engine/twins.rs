//! One record made here that is several at the instance: told, never hidden.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::Event,
    engine::{EndedBy, SyncOptions},
    testing::{Device, Fault, MemoryInstance, listening},
};
use serde_json::json;

use super::support::{create, proved, push, tables};

fn told(heard: &RefCell<Vec<Event>>) -> Vec<String> {
    let twins = |event: &Event| match event {
        Event::Error { code, message, .. } if code == "twins" => Some(message.clone()),
        _ => None,
    };
    heard.borrow().iter().filter_map(twins).collect()
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
