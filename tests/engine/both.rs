//! A device and an instance, for each mode and way of sending.

use std::collections::BTreeMap;

use futures_executor::block_on;
use landfall::{
    core::schema::TableOptions,
    engine::{AppRow, Client},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
};
use serde_json::{Value, json};

pub use super::support::{create, proved, row};

pub fn tables() -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json!({
        "task": { "types": { "priority": "integer" }, "references": { "parent": "task" }, "journals": ["work_notes"] },
        "incident": { "extends": "task", "references": { "watch_list": ["incident"], "caller_id": "sys_user" } },
        "incident_task": { "extends": "task", "references": { "incident": "incident" } },
        "task_time_worked": { "references": { "task": "task" } },
        "sys_user": { "cache": {} },
    }))
    .unwrap()
}

pub fn text(row: &AppRow, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

pub fn state(row: &AppRow) -> String {
    row["$sync"]["state"].as_str().unwrap().to_owned()
}

pub async fn is_clean(client: &Client<MemoryPorts>) {
    let audit = client.audit().await.unwrap();
    assert_eq!(audit.orphans, []);
    assert_eq!(audit.temporary, 0);
    assert!(client.outbox(None, None, None).await.unwrap().is_empty());
}

pub fn both(test: impl AsyncFn(MemoryInstance, Device)) {
    for instance in [MemoryInstance::with_extras(), MemoryInstance::plain()] {
        for batch_size in [None, Some(1)] {
            let mut device = Device::new(&instance, tables(), 1);
            if let Some(size) = batch_size {
                device.set_batch_size(size);
            }
            let instance = match batch_size {
                None => instance.clone(),
                Some(_) => {
                    let fresh = if instance.run(&capabilities()).status == 404 {
                        MemoryInstance::plain()
                    } else {
                        MemoryInstance::with_extras()
                    };
                    device.remote = landfall::testing::MemoryRemote::new(fresh.clone());
                    fresh
                }
            };
            block_on(test(instance, device));
        }
    }
}

pub fn capabilities() -> landfall::wire::Request {
    landfall::wire::Request {
        method: landfall::wire::Method::Get,
        path: "/api/landfall/v1/capabilities".into(),
        headers: vec![],
        body: None,
    }
}

pub fn row_of(name: &str, value: impl Into<Value>) -> AppRow {
    [(name.to_owned(), value.into())].into_iter().collect()
}

/// The first request of a session asks for the capabilities: the fault is for the one after it.
pub fn after_capabilities(device: &Device, fault: Fault) {
    device.remote.plan(None);
    device.remote.plan(Some(fault));
}
