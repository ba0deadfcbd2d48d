//! Temporary ids in references.

use serde_json::json;

use crate::common::{Home, temporary};

pub async fn give_way_to_permanent_ones(home: &Home) {
    let instance = home.start().await;
    let (order, user) = (temporary(), temporary());
    let parent = instance.post("wm_order", json!({"correlation_id": order})).await;
    let person = instance.post("sys_user", json!({"correlation_id": user, "user_name": "ada"})).await;
    // `parent` points to task, and a work order is one.
    let child =
        instance.post("wm_task", json!({"parent": order, "watch_list": format!("{user}, {}", person.sys_id())})).await;
    assert_eq!(child.result()["parent"]["value"], parent.sys_id());
    assert_eq!(child.text("watch_list"), format!("{0},{0}", person.sys_id()));

    let place = format!("wm_task/{}", child.sys_id());
    let moved = instance.patch(&place, json!({"assigned_to": user, "description": format!("see {order}")})).await;
    assert_eq!(moved.result()["assigned_to"]["value"], person.sys_id());
    // In a text it is text.
    assert_eq!(moved.text("description"), format!("see {order}"));
    assert_eq!(child.text("correlation_id"), "");
}

pub async fn wait_for_their_record(home: &Home) {
    let instance = home.start().await;
    let temp = temporary();
    let early = instance.post("incident_task", json!({"incident": temp})).await;
    assert_eq!(early.status, 424);
    assert!(early.message().contains(&temp) && early.message().contains("`incident`"), "{early:?}");
    // A record of another table does not stand for it.
    instance.post("wm_order", json!({"correlation_id": temp})).await;
    assert_eq!(instance.post("incident_task", json!({"incident": temp})).await.status, 424);
    assert_eq!(instance.count("incident_task").await, 0);
    instance.post("incident", json!({"correlation_id": temp})).await;
    assert_eq!(instance.post("incident_task", json!({"incident": temp})).await.status, 201);
}

pub async fn plain_stores_what_it_gets(home: &Home) {
    let instance = home.start_plain().await;
    let temp = temporary();
    let made = instance.post("incident_task", json!({"incident": temp, "assigned_to": "nobody"})).await;
    assert_eq!(made.result()["incident"]["value"], temp);
    assert_eq!(made.result()["assigned_to"]["value"], "nobody");
}
