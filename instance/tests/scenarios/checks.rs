//! What is taken, what is refused, and in which words.

use serde_json::json;

use crate::common::Home;

pub async fn unknown_fields_are_named(home: &Home) {
    let instance = home.start().await;
    let refused = instance.post("incident", json!({"short_description": "x", "colour": "red", "size": 3})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.message(), "Table incident has no field `colour`, `size`");
    assert_eq!(instance.count("incident").await, 0);
}

pub async fn plain_passes_over_what_it_does_not_know(home: &Home) {
    let instance = home.start_plain().await;
    let made = instance.post("incident", json!({"short_description": "x", "colour": "red", "impact": "lots"})).await;
    assert_eq!(made.status, 201);
    assert!(made.result().get("colour").is_none());
    assert_eq!(made.text("impact"), "3");
    assert_eq!(instance.get("/api/landfall/v1/capabilities").await.status, 404);
    assert_eq!(instance.query("incident", "colour=red^short_description=x").await.column("short_description"), ["x"]);
}

pub async fn values_are_of_their_type(home: &Home) {
    let instance = home.start().await;
    let made = instance
        .post(
            "incident",
            json!({"state": 2.0, "active": 1, "u_acted_at": "2026-01-31T10:00:00.5+02:00", "priority": null}),
        )
        .await;
    assert_eq!((made.text("state"), made.text("active")), ("2", "true"));
    assert_eq!(made.text("u_acted_at"), "2026-01-31 08:00:00");
    let place = instance.post("cmn_location", json!({"name": "Kea", "latitude": -37.62, "longitude": "24.30"})).await;
    assert_eq!((place.text("latitude"), place.text("longitude")), ("-37.62", "24.3"));
    let time = instance.post("task_time_worked", json!({"work_date": "2026-02-03 14:00:00"})).await;
    assert_eq!(time.text("work_date"), "2026-02-03");

    for (table, field, value) in [
        ("incident", "state", json!("new")),
        ("incident", "state", json!(1.5)),
        ("incident", "active", json!("perhaps")),
        ("incident", "opened_at", json!("soon")),
        ("incident", "description", json!("a\0b")),
        ("cmn_location", "latitude", json!("1e5")),
        ("incident", "caller_id", json!(["x"])),
    ] {
        let refused = instance.post(table, json!({field: value})).await;
        assert_eq!(refused.status, 400, "{field}");
        assert!(refused.message().starts_with(&format!("Field `{field}` must")), "{refused:?}");
    }
    let cleared = instance.patch(&format!("incident/{}", made.sys_id()), json!({"state": null, "active": ""})).await;
    assert_eq!((cleared.text("state"), cleared.text("active")), ("", ""));
}

pub async fn references_lead_somewhere(home: &Home) {
    let instance = home.start().await;
    let user = instance.post("sys_user", json!({"user_name": "ada", "name": "Ada Quist"})).await;
    let made = instance.post("incident", json!({"caller_id": user.sys_id(), "watch_list": user.sys_id()})).await;
    let link = format!("{}/api/now/table/sys_user/{}", instance.url, user.sys_id());
    assert_eq!(made.result()["caller_id"], json!({"link": link, "value": user.sys_id()}));
    assert_eq!(made.text("watch_list"), user.sys_id());
    assert_eq!(made.text("assigned_to"), "");
    // A row may be sent back as it came.
    let echoed = instance.patch(&format!("incident/{}", made.sys_id()), made.result().clone()).await;
    assert_eq!(echoed.json, made.json);

    let refused = instance.post("incident", json!({"caller_id": made.sys_id()})).await;
    assert_eq!(refused.status, 400);
    assert!(refused.message().contains("`caller_id` refers to no sys_user record"), "{refused:?}");
    let refused = instance.patch(&format!("incident/{}", made.sys_id()), json!({"parent": "tmp_x"})).await;
    assert_eq!(refused.status, 400);
    assert_eq!(instance.count("incident").await, 1);
}

pub async fn tables_and_bodies_are_checked(home: &Home) {
    let instance = home.start().await;
    let unknown = instance.get("nonsense").await;
    assert_eq!((unknown.status, unknown.message()), (400, "Invalid table nonsense"));
    assert_eq!(instance.get("/api/now/elsewhere").await.status, 404);
    assert_eq!(instance.delete("incident").await.status, 405);
    assert_eq!(instance.post("incident", json!(["x"])).await.status, 400);

    let post = |kind: &'static str, body: &'static str| {
        let request = instance.client.post(format!("{}/api/now/table/incident", instance.url));
        request.header("content-type", kind).body(body).send()
    };
    assert_eq!(post("application/json", "{oops").await.unwrap().status(), 400);
    assert_eq!(post("text/plain", "{}").await.unwrap().status(), 415);
    assert_eq!(post("application/json; charset=utf-8", "{}").await.unwrap().status(), 201);
    let large = instance.post("incident", json!({"description": "x".repeat(33 * 1024 * 1024)})).await;
    assert_eq!((large.status, large.message()), (413, "The body is larger than 32 MB"));
    assert_eq!(instance.count("incident").await, 1);
}

pub async fn a_business_rule_refuses_in_both_modes(home: &Home) {
    for plain in [false, true] {
        let instance = if plain { home.start_plain().await } else { home.start().await };
        let refused = instance.post("task_time_worked", json!({"time_worked": 1441})).await;
        assert_eq!((refused.status, refused.message()), (403, "Operation Failed"));
        let detail = refused.json["error"]["detail"].as_str().unwrap();
        assert!(detail.contains("aborted by Business Rule 'A time entry is of one day'"));
        assert_eq!(instance.count("task_time_worked").await, 0);
        instance.stop().await;
    }
}
