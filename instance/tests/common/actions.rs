//! Asking for write-back actions, and what came of it.

use landfall::wire::action::{ActionAnswer, RecordForSync};
use serde_json::{Value as Json, json};

use super::instance::{Instance, Reply};

pub const ACTED_AT: &str = "2026-01-30T23:30:00Z";

pub fn place(action: &str) -> String {
    format!("/api/landfall/v1/action/{action}")
}

pub fn asked(input: Json, records: &[(&str, &str)]) -> Json {
    let records: Vec<_> = records.iter().map(|(table, id)| json!({"table": table, "temp_sys_id": id})).collect();
    json!({"input": input, "acted_at": ACTED_AT, "records": records})
}

pub async fn act(instance: &Instance, action: &str, input: Json, records: &[(&str, &str)]) -> Reply {
    instance.post(&place(action), asked(input, records)).await
}

pub async fn act_once(instance: &Instance, action: &str, key: &str, body: &Json) -> Reply {
    instance.send("POST", &place(action), &[("Idempotency-Key", key)], Some(body.clone())).await
}

/// Table, sys_id and temporary id of what an answer names.
pub fn named(reply: &Reply) -> Vec<(String, String, Option<String>)> {
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer: ActionAnswer = serde_json::from_value(reply.json.clone()).unwrap();
    answer
        .records_for_sync
        .into_iter()
        .map(|RecordForSync { table, sys_id, temp_sys_id }| (table, sys_id, temp_sys_id))
        .collect()
}

pub fn value(reply: &Reply, field: &str) -> String {
    reply.result()[field]["value"].as_str().unwrap_or_default().to_owned()
}

pub async fn notes(instance: &Instance, sys_id: &str) -> Vec<String> {
    let entries = instance.query("sys_journal_field", &format!("element=work_notes^element_id={sys_id}")).await;
    entries.column("value").into_iter().map(str::to_owned).collect()
}
