//! Databases as earlier releases have left them, one file a version of the stores: `tests/stored/1.json`. Whatever a release
//! changes, it still reads every one of them, and lands what was unsent. A browser does the same with them in
//! `tests/consumers/upgrade.test.mjs`.
//!
//! A new version brings a new file, and leaves the older ones as they are: `LANDFALL_KEEP=1` writes the one that is missing.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use futures_executor::block_on;
use landfall::{
    core::{Durability, StoreName, WriteSet, schema::TableOptions, stored::Action},
    engine::{AppRow, Client, SyncOptions},
    ports::Store,
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::{Fields, Method, Request},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

// Read as a file of this test: its room stands only in Wasm.
#[allow(dead_code, missing_docs)]
#[path = "../src/browser/idb/schema.rs"]
mod schema;
use landfall::core;

/// Ids that no instance gives: whoever reads the file puts the records there, and those ids in place of these.
const KNOWN: &str = "f1a5c0def1a5c0def1a5c0de";
const MINUTE_MS: u64 = 60_000;

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Left {
    version: u32,
    /// What the instance has by then.
    instance: BTreeMap<String, Vec<Fields>>,
    /// As IndexedDB holds them.
    stores: BTreeMap<StoreName, Vec<core::Row>>,
}

fn file(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stored/{version}.json"))
}

fn tables() -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json!({
        "incident": { "cache": {}, "references": { "parent": "incident" }, "journals": ["work_notes"] },
        "incident_task": { "references": { "incident": "incident" } },
    }))
    .unwrap()
}

fn device(instance: &MemoryInstance) -> Device {
    instance.refuse(|_, fields| {
        let is_refused = fields.get("short_description").is_some_and(|words| words == "refused");
        is_refused.then(|| (403, "Not yours".to_owned()))
    });
    Device::new(instance, tables(), 1)
}

fn row(of: Value) -> AppRow {
    of.as_object().unwrap().clone()
}

fn push() -> SyncOptions {
    SyncOptions { pull: false, ..SyncOptions::default() }
}

async fn create(page: &Client<MemoryPorts>, table: &str, of: Value) -> String {
    page.create_many(table, vec![row(of)]).await.unwrap()[0]["sys_id"].as_str().unwrap().to_owned()
}

/// A day out of reach, as today's code leaves it: something of everything that may be unsent.
async fn left_today() -> String {
    let instance = MemoryInstance::with_extras();
    for words in ["to be changed", "changed by both", "to be deleted"] {
        instance.put("incident", &[("short_description", words), ("active", "true"), ("urgency", "3")]);
    }
    let device = device(&instance);
    let page = device.open().await.unwrap();
    create(&page, "incident", json!({ "short_description": "landed" })).await;
    page.sync(SyncOptions::default()).await.unwrap();
    device.clock.advance(MINUTE_MS);

    let id = |words: &str| {
        instance.rows("incident").into_iter().find(|row| row["short_description"] == words).unwrap()["sys_id"].clone()
    };
    let both = id("changed by both");
    create(&page, "incident", json!({ "short_description": "refused" })).await;
    page.update("incident", &both, row(json!({ "urgency": "1" }))).await.unwrap();
    let theirs = Request {
        method: Method::Patch,
        path: format!("/api/now/table/incident/{both}"),
        headers: Vec::new(),
        body: Some(json!({ "urgency": "2" }).to_string().into()),
    };
    assert_eq!(instance.run(&theirs).status, 200);
    page.sync(push()).await.unwrap();
    create(&page, "incident", json!({ "short_description": "never arrived" })).await;
    device.remote.set_rule(|request| (request.method != Method::Get).then_some(Fault::LoseRequest));
    page.sync(push()).await.unwrap();
    device.remote.set_rule(|_| None);

    let made = create(&page, "incident", json!({ "short_description": "made offline" })).await;
    page.update("incident", &made, row(json!({ "work_notes": "an entry" }))).await.unwrap();
    create(&page, "incident_task", json!({ "short_description": "its task", "incident": made })).await;
    page.update("incident", &id("to be changed"), row(json!({ "description": "changed offline" }))).await.unwrap();
    page.delete("incident", &id("to be deleted")).await.unwrap();
    let action =
        Action { name: "of_the_app".to_owned(), input: json!({ "of": made }), by_app: true, ..Action::default() };
    let step = page.act(action).await.unwrap();
    step.create("incident_task", row(json!({ "short_description": "by an action" }))).await.unwrap();
    assert!(step.commit().await.unwrap());

    let left = Left {
        version: schema::VERSION,
        instance: ["incident"].map(|table| (table.to_owned(), instance.rows(table))).into(),
        stores: StoreName::ALL.map(|store| (store, device.database.rows(store))).into(),
    };
    serde_json::to_string_pretty(&left).unwrap().replace(&"0".repeat(KNOWN.len()), KNOWN) + "\n"
}

/// A device that has such a database, and an instance that knows of the same records.
async fn found(text: &str) -> (MemoryInstance, Device) {
    let instance = MemoryInstance::with_extras();
    let device = device(&instance);
    let left: Left = serde_json::from_str(text).unwrap();
    let mut text = text.to_owned();
    for (table, rows) in &left.instance {
        for row in rows {
            let fields: Vec<_> = row
                .iter()
                .filter(|(name, _)| !name.starts_with("sys_"))
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            text = text.replace(&row["sys_id"], &instance.put(table, &fields));
        }
    }
    let left: Left = serde_json::from_str(&text).unwrap();
    let puts =
        left.stores.into_iter().flat_map(|(store, rows)| rows.into_iter().map(move |row| (store, row))).collect();
    let set = WriteSet { puts, durability: Durability::Strict, ..WriteSet::default() };
    device.database.open().commit(&set).await.unwrap();
    // The next day.
    device.clock.advance(24 * 60 * MINUTE_MS);
    (instance, device)
}

fn words_of(instance: &MemoryInstance, table: &str) -> Vec<String> {
    let mut words: Vec<_> = instance.rows(table).iter().map(|row| row["short_description"].clone()).collect();
    words.sort();
    words
}

async fn lands(text: &str) {
    let (instance, device) = found(text).await;
    let page = device.open().await.unwrap();
    let status = page.status().await.unwrap();
    assert_eq!((status.pending, status.refused, status.conflicts), (9, 1, 1), "{status:?}");
    assert!(page.audit().await.unwrap().orphans.is_empty());

    page.sync(SyncOptions::default()).await.unwrap();
    assert_eq!(
        words_of(&instance, "incident"),
        ["changed by both", "landed", "made offline", "never arrived", "to be changed"]
    );
    assert_eq!(words_of(&instance, "incident_task"), ["its task"]);
    let there =
        |words: &str| instance.rows("incident").into_iter().find(|row| row["short_description"] == words).unwrap();
    assert_eq!(there("to be changed")["description"], "changed offline");
    assert_eq!(there("made offline")["work_notes"], "an entry");
    assert_eq!(there("changed by both")["urgency"], "2");
    assert_eq!(instance.rows("incident_task")[0]["incident"], there("made offline")["sys_id"]);

    let left = page.outbox(None, None, None).await.unwrap();
    let left: Vec<_> = left.iter().map(|item| (item.state, item.action.as_deref())).collect();
    assert_eq!(left, [("refused", None), ("conflict", None), ("queued", Some("of_the_app"))]);
    assert!(page.audit().await.unwrap().orphans.is_empty());
    let old = there("made offline")["correlation_id"].clone();
    assert_eq!(page.get("incident", &old, false).await.unwrap().unwrap()["sys_id"], there("made offline")["sys_id"]);
}

#[test]
fn what_any_version_has_left_lands() {
    for version in 1..=schema::VERSION {
        let path = file(version);
        let is_there = path.exists() || std::env::var_os("LANDFALL_KEEP").is_none();
        if !is_there {
            fs::write(&path, block_on(left_today())).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert_eq!(serde_json::from_str::<Left>(&text).unwrap().version, version);
        block_on(lands(&text));
    }
}

#[test]
fn so_does_what_today_leaves() {
    block_on(async { lands(&left_today().await).await });
}
