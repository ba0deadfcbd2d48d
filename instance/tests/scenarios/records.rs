//! Records, one at a time.

use serde_json::json;

use crate::common::{Home, temporary};

pub async fn a_record_is_made_read_changed_and_deleted(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({"short_description": "Pump leaks", "impact": 1, "urgency": "2"})).await;
    assert_eq!(made.status, 201);
    let id = made.sys_id().to_owned();
    assert_eq!(id.len(), 32);
    assert_eq!(made.header("location"), format!("{}/api/now/table/incident/{id}", instance.url));
    // What the device could not know.
    assert_eq!(made.text("number"), "INC0010001");
    assert_eq!((made.text("priority"), made.text("state"), made.text("active")), ("2", "1", "true"));
    assert_eq!(made.text("sys_created_on"), made.text("opened_at"));
    assert_eq!(made.text("sys_mod_count"), "0");

    let place = format!("incident/{id}");
    let changed = instance.patch(&place, json!({"state": 7, "short_description": "Pump mended"})).await;
    assert_eq!(changed.status, 200);
    assert_eq!((changed.text("active"), changed.text("sys_mod_count")), ("false", "1"));
    assert_ne!(changed.text("closed_at"), "");
    let put = instance.send("PUT", &place, &[], Some(json!({"description": "New seal"}))).await;
    assert_eq!((put.text("short_description"), put.text("description")), ("Pump mended", "New seal"));
    assert_eq!(instance.get(&place).await.json, put.json);

    assert_eq!(instance.delete(&place).await.status, 204);
    for gone in [instance.get(&place).await, instance.delete(&place).await, instance.patch(&place, json!({})).await] {
        assert_eq!(gone.status, 404);
        assert_eq!(gone.message(), "No Record found");
        assert_eq!(gone.json["status"], "failure");
    }
    let next = instance.post("incident", json!({})).await;
    assert_eq!(next.text("number"), "INC0010002");
}

pub async fn an_incident_is_a_task(home: &Home) {
    let instance = home.start().await;
    let incident = instance.post("incident", json!({"short_description": "one", "category": "power"})).await;
    let id = incident.sys_id();
    let task = instance.get(&format!("task/{id}")).await;
    assert_eq!(task.text("sys_class_name"), "incident");
    assert!(task.result().get("category").is_none());
    assert_eq!(instance.get(&format!("wm_order/{id}")).await.status, 404);

    let order = instance.post("wm_order", json!({"short_description": "two", "initiated_from": id})).await;
    let work = instance.post("wm_task", json!({"short_description": "three", "parent": order.sys_id()})).await;
    let time = instance.post("task_time_worked", json!({"task": work.sys_id(), "time_worked": "45"})).await;
    assert_eq!(time.text("time_worked"), "45");
    instance.post("task", json!({"short_description": "four"})).await;
    let all = instance.query("task", "ORDERBYnumber").await;
    assert_eq!(all.column("sys_class_name"), ["incident", "task", "wm_order", "wm_task"]);
    assert_eq!(instance.count("incident").await, 1);

    // Through the parent's table, the child's own rules hold.
    let closed = instance.patch(&format!("task/{id}"), json!({"state": "7"})).await;
    assert_eq!((closed.text("active"), closed.text("sys_class_name")), ("false", "incident"));
    assert_eq!(instance.delete(&format!("task/{id}")).await.status, 204);
    assert_eq!(instance.get(&format!("incident/{id}")).await.status, 404);
    let trace = instance.query("sys_audit_delete", &format!("documentkey={id}")).await;
    assert_eq!(trace.column("tablename"), ["incident"]);
}

pub async fn journals_are_kept_apart(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({"work_notes": "On my way", "comments": "Thanks"})).await;
    assert_eq!((made.text("work_notes"), made.text("comments")), ("", ""));
    let place = format!("task/{}", made.sys_id());
    let noted = instance.patch(&place, json!({"work_notes": "On my way"})).await;
    assert_eq!((noted.text("work_notes"), noted.text("sys_mod_count")), ("", "1"));
    let entries = instance.query("sys_journal_field", &format!("element_id={}^ORDERBYelement", made.sys_id())).await;
    assert_eq!(entries.column("element"), ["comments", "work_notes", "work_notes"]);
    assert_eq!(entries.column("name"), ["incident"; 3]);
    assert_eq!(entries.column("value"), ["Thanks", "On my way", "On my way"]);
}

pub async fn a_deletion_leaves_a_trace(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("cmdb_ci", json!({"name": "Belt 4"})).await;
    instance.delete(&format!("cmdb_ci/{}", made.sys_id())).await;
    let traces = instance.query("sys_audit_delete", "tablename=cmdb_ci").await;
    assert_eq!(traces.column("documentkey"), [made.sys_id()]);
    assert_eq!(traces.column("display_value"), ["Belt 4"]);
    assert_ne!(traces.column("sys_created_on"), [""]);
    let plain = home.start_plain().await;
    assert_eq!(plain.get("sys_audit_delete").await.status, 403);
}

pub async fn who_asks_is_written_down(home: &Home) {
    let instance = home.start_with(&["--require-auth"]).await;
    let nobody = instance.get("incident").await;
    assert_eq!((nobody.status, nobody.message()), (401, "User Not Authenticated"));
    assert_eq!(nobody.header("www-authenticate"), "Bearer");
    let basic = [("Authorization", "Basic YWRhOnNlY3JldA==")];
    let made = instance.send("POST", "incident", &basic, Some(json!({}))).await;
    assert_eq!(made.text("sys_created_by"), "ada");
    let named = [("X-Landfall-User", "grace"), ("Authorization", "Bearer whatever")];
    let place = format!("incident/{}", made.sys_id());
    let changed = instance.send("PATCH", &place, &named, Some(json!({"state": "2"}))).await;
    assert_eq!((changed.text("sys_created_by"), changed.text("sys_updated_by")), ("ada", "grace"));
}

pub async fn an_update_that_changes_nothing_is_none(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({"short_description": "same", "correlation_id": temporary()})).await;
    let place = format!("incident/{}", made.sys_id());
    let again = instance.patch(&place, json!({"short_description": "same", "impact": 3, "sys_mod_count": 9})).await;
    assert_eq!(again.json, made.json);
}

pub async fn everything_is_there_after_a_restart(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({"short_description": "kept"})).await;
    instance.stop().await;
    let instance = home.start().await;
    let kept = instance.get(&format!("incident/{}", made.sys_id())).await;
    assert_eq!(kept.text("short_description"), "kept");
    assert_eq!(instance.post("incident", json!({})).await.text("number"), "INC0010002");
}
