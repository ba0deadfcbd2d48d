//! What the tests of the engine share.

use std::collections::BTreeMap;

use landfall::{
    core::schema::TableOptions,
    engine::{AppRow, Client, SyncOptions},
    testing::MemoryPorts,
    wire::Response,
};
use serde_json::{Value, json};

pub fn tables() -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json!({
        "task": { "references": { "parent": "task" }, "journals": ["work_notes", "comments"] },
        "incident": { "extends": "task" },
        "incident_task": { "extends": "task", "references": { "incident": "incident" } },
        "sys_user": { "cache": {} },
    }))
    .unwrap()
}
pub fn row(f: Value) -> AppRow {
    f.as_object().unwrap().clone()
}
pub async fn create(c: &Client<MemoryPorts>, t: &str, f: Value) -> String {
    c.create_many(t, vec![row(f)]).await.unwrap()[0]["sys_id"].as_str().unwrap().to_owned()
}
/// Has the instance make one record of the table, so that it is known to keep the temporary id.
pub async fn proved(client: &Client<MemoryPorts>, table: &str) {
    create(client, table, json!({ "short_description": "first" })).await;
    client.sync(push()).await.unwrap();
}
pub fn push() -> SyncOptions {
    SyncOptions { pull: false, ..SyncOptions::default() }
}
pub fn resp(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.into(),
        redirected_to: None,
    }
}
