//! A release of the app that declares other tables than the one before: docs/guides/schema.md, line by line.

use futures_executor::block_on;
use landfall::{
    core::CoreError,
    engine::{Client, EngineError},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::Method,
};
use serde_json::{Value, json};

use super::{
    changes::sync,
    support::{create, push, row},
};

fn device(instance: &MemoryInstance, tables: Value) -> Device {
    Device::new(instance, serde_json::from_value(tables).unwrap(), 1)
}

async fn with(device: &mut Device, tables: Value) -> Client<MemoryPorts> {
    device.set_tables(serde_json::from_value(tables).unwrap());
    device.open().await.unwrap()
}

#[test]
fn what_is_unsent_of_a_table_that_is_declared_no_more_is_sent_and_what_is_here_of_it_stays() {
    block_on(async {
        for instance in [MemoryInstance::plain(), MemoryInstance::with_extras()] {
            let cached = json!({ "note": { "references": { "plan": "plan" }, "cache": {} }, "plan": {} });
            let mut device = device(&instance, cached.clone());
            let other = instance.put("note", &[("n", "theirs")]);
            let page = device.open().await.unwrap();
            sync(&page).await;
            let plan = create(&page, "plan", json!({})).await;
            let note = create(&page, "note", json!({ "plan": plan, "n": "mine" })).await;
            page.update("note", &other, row(json!({ "n": "changed" }))).await.unwrap();
            page.close().await;

            let page = with(&mut device, json!({ "plan": {} })).await;
            let refused = page.get("note", &other, false).await.unwrap_err();
            assert_eq!(refused, EngineError::Core(CoreError::UnknownTable("note".into())));
            assert_eq!(page.outbox(None, None, None).await.unwrap().len(), 3);
            // And the answer of the first may be lost.
            let lost = std::cell::Cell::new(false);
            device.remote.set_rule(move |request| {
                (request.method != Method::Get && !lost.replace(true)).then_some(Fault::LoseAnswer)
            });
            for _ in 0..4 {
                page.sync(push()).await.unwrap();
                device.clock.advance(3_600_000);
            }
            assert_eq!(page.outbox(None, None, None).await.unwrap().len(), 0);
            let rows = instance.rows("note");
            let mine: Vec<_> = rows.iter().filter(|row| row["n"] == "mine").collect();
            assert_eq!((mine.len(), &mine[0]["plan"]), (1, &instance.rows("plan")[0]["sys_id"]));
            assert!(rows.iter().any(|row| row["sys_id"] == other && row["n"] == "changed"));
            assert_eq!(page.audit().await.unwrap().orphans, []);
            page.close().await;

            let page = with(&mut device, cached).await;
            let there = page.get("note", &note, false).await.unwrap().unwrap();
            assert_eq!((&there["n"], there["plan"].as_str()), (&json!("mine"), Some(mine[0]["plan"].as_str())));
            assert_eq!(page.get("note", &other, false).await.unwrap().unwrap()["n"], "changed");
        }
    });
}

#[test]
fn another_query_brings_the_table_anew_and_keeps_what_is_unsent() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = device(&instance, json!({ "note": { "cache": { "query": "kind=a" } } }));
        let ids: Vec<String> =
            ["a", "a", "b"].iter().map(|kind| instance.put("note", &[("kind", kind), ("size", "10")])).collect();
        let page = device.open().await.unwrap();
        sync(&page).await;
        page.close().await;
        let tables = json!({ "note": { "types": { "size": "integer" }, "cache": { "query": "kind=b" } } });
        let page = with(&mut device, tables).await;
        // By the new type at once: as text, 10 comes before 9.
        assert_eq!(page.query("note", "size>9", 0, None).await.unwrap().len(), 2);
        page.set_offline(true).await.unwrap();
        page.update("note", &ids[1], row(json!({ "size": 11 }))).await.unwrap();
        page.set_offline(false).await.unwrap();
        device.remote.set_rule(|request| {
            (request.method == Method::Patch)
                .then_some(Fault::Answer(super::support::resp(403, "{\"error\":{\"message\":\"no\"}}")))
        });
        sync(&page).await;
        let here = page.query("note", "ORDERBYkind", 0, None).await.unwrap();
        let here: Vec<&str> = here.iter().map(|row| row["sys_id"].as_str().unwrap()).collect();
        assert_eq!(here, [ids[1].as_str(), &ids[2]]);
    });
}
