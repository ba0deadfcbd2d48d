//! Many records in one go: none lost, none doubled, and a bounded number of requests.

use std::collections::{BTreeMap, BTreeSet};

use futures_executor::block_on;
use landfall::{
    core::schema::TableOptions,
    engine::{AppRow, SyncOptions},
    testing::{Device, MemoryInstance},
};
use serde_json::json;

#[test]
fn fifty_incidents_with_three_children_each() {
    let tables: BTreeMap<String, TableOptions> = serde_json::from_value(json!({
        "task": {},
        "incident": { "extends": "task" },
        "incident_task": { "extends": "task", "references": { "incident": "incident" } },
    }))
    .unwrap();
    for plain in [false, true] {
        let instance = if plain { MemoryInstance::plain() } else { MemoryInstance::with_extras() };
        let device = Device::new(&instance, tables.clone(), 7);
        block_on(async {
            let page = device.open().await.unwrap();
            let rows = (0..50).map(|n| fields(json!({ "short_description": format!("incident {n}") }))).collect();
            let incidents = page.create_many("incident", rows).await.unwrap();
            let children = incidents.iter().flat_map(|incident| std::iter::repeat_n(incident["sys_id"].clone(), 3));
            page.create_many("incident_task", children.map(|id| fields(json!({ "incident": id }))).collect())
                .await
                .unwrap();

            let report = page.sync(SyncOptions::default()).await.unwrap();
            assert_eq!((report.reconciled, report.remaining), (200, 0), "{report:?}");
            // On a plain instance the first of each table goes alone, and in the end twins are looked for.
            assert!(report.requests <= if plain { 11 } else { 7 }, "{report:?}");

            let made: BTreeSet<String> = instance.rows("incident").iter().map(|row| row["sys_id"].clone()).collect();
            let mut children: BTreeMap<String, u32> = BTreeMap::new();
            for row in instance.rows("incident_task") {
                *children.entry(row["incident"].clone()).or_default() += 1;
            }
            assert_eq!(made.len(), 50);
            assert_eq!(children.keys().cloned().collect::<BTreeSet<_>>(), made);
            assert!(children.values().all(|number| *number == 3));
            assert_eq!(page.audit().await.unwrap().orphans, []);
        });
    }
}

fn fields(value: serde_json::Value) -> AppRow {
    value.as_object().unwrap().clone()
}
