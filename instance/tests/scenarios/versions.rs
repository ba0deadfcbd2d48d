//! A write for one version of a record: `ETag` and `If-Match`.

use landfall::wire::http::Method;
use serde_json::json;

use crate::common::{Home, Item};

pub async fn are_announced_and_told(home: &Home) {
    let instance = home.start().await;
    let announced = instance.get("/api/landfall/v1/capabilities").await;
    assert_eq!(announced.json["capabilities"]["if_match"], true);
    let made = instance.post("incident", json!({"short_description": "new"})).await;
    assert_eq!(made.header("etag"), "\"0\"");
    let place = format!("incident/{}", made.sys_id());
    let changed = instance.patch(&place, json!({"state": "2"})).await;
    assert_eq!((changed.header("etag"), changed.text("sys_mod_count")), ("\"1\"", "1"));
    // Also where the field itself was not asked for, and through the parent's table.
    let short = instance.get(&format!("{place}?sysparm_fields=number")).await;
    assert_eq!(short.header("etag"), "\"1\"");
    assert_eq!(instance.get(&place.replace("incident/", "task/")).await.header("etag"), "\"1\"");
    // A list has no one version.
    assert_eq!(instance.get("incident").await.header("etag"), "");
}

pub async fn a_write_for_an_older_one_is_refused(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({"short_description": "as read"})).await;
    let place = format!("incident/{}", made.sys_id());
    let mine = [("If-Match", "\"0\"")];
    for (method, count) in [("PATCH", "1"), ("PUT", "2")] {
        let read = instance.get(&place).await;
        let tag = read.header("etag");
        let first = instance.send(method, &place, &[("If-Match", tag)], Some(json!({"description": method}))).await;
        assert_eq!((first.status, first.text("sys_mod_count")), (200, count));
        let body = json!({"short_description": "mine", "work_notes": "mine"});
        let late = instance.send(method, &place, &[("If-Match", tag)], Some(body)).await;
        assert_eq!((late.status, late.message()), (412, "The record was changed since it was read"));
        assert_eq!(late.json["status"], "failure");
        let detail = late.json["error"]["detail"].as_str().unwrap();
        assert!(detail.contains("Nothing was written") && detail.contains(&format!("sys_mod_count is {count}")));
    }
    assert_eq!(instance.send("DELETE", &place, &mine, None).await.status, 412);
    assert_eq!(instance.get(&place).await.text("short_description"), "as read");
    assert_eq!(instance.count("sys_journal_field").await, 0);
    // What changed nothing is still the version it was.
    let same =
        instance.send("PATCH", &place, &[("If-Match", "\"2\"")], Some(json!({"short_description": "as read"}))).await;
    assert_eq!((same.status, same.header("etag")), (200, "\"2\""));
    assert_eq!(instance.send("DELETE", &place, &[("If-Match", "\"2\"")], None).await.status, 204);
    assert_eq!(instance.send("PATCH", &place, &mine, Some(json!({}))).await.status, 404);
}

pub async fn several_may_be_named(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({})).await;
    let place = format!("incident/{}", made.sys_id());
    for (n, (header, status)) in
        [("\"7\", \"0\"", 200), ("*", 200), ("\"0\", \"1\"", 412), ("W/\"2\"", 412), ("2", 400), ("", 400)]
            .iter()
            .enumerate()
    {
        let body = json!({"description": format!("{n}")});
        let answer = instance.send("PATCH", &place, &[("If-Match", *header)], Some(body.clone())).await;
        assert_eq!(answer.status, *status, "{header}");
    }
    // Several lines are one list.
    let lines = [("If-Match", "\"9\""), ("If-Match", "\"2\"")];
    assert_eq!(instance.send("PATCH", &place, &lines, Some(json!({"description": "both"}))).await.status, 200);
}

/// Each has read the same: one of them is first, and the others hear of it.
pub async fn of_many_at_once_one_is_through(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({})).await;
    let place = format!("incident/{}", made.sys_id());
    for round in 0..5 {
        let tag = format!("\"{round}\"");
        let headers = [("If-Match", tag.as_str())];
        let send =
            |who: &str| instance.send("PATCH", &place, &headers, Some(json!({"description": format!("{who}{round}")})));
        let (a, b, c) = tokio::join!(send("a"), send("b"), send("c"));
        let mut statuses = [a.status, b.status, c.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412]);
    }
    assert_eq!(instance.get(&place).await.text("sys_mod_count"), "5");
}

pub async fn are_looked_at_in_a_batch(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({})).await;
    let place = format!("incident/{}", made.sys_id());
    let item = |id: &str, tag: &str| {
        Item::new(id, Method::Patch, &place, Some(json!({"description": id}))).header("If-Match", tag)
    };
    let answer = instance.batch(vec![item("1", "\"0\""), item("2", "\"0\""), item("3", "\"1\"")]).await;
    let told: Vec<_> = answer
        .serviced_requests
        .iter()
        .map(|item| {
            let tag = item.headers.iter().find(|header| header.name == "etag").map(|header| header.value.as_str());
            (item.status_code, item.status_text.as_str(), tag)
        })
        .collect();
    assert_eq!(told, [(200, "OK", Some("\"1\"")), (412, "Precondition Failed", None), (200, "OK", Some("\"2\""))]);
    let refused = String::from_utf8(answer.serviced_requests[1].body.decode().unwrap()).unwrap();
    assert!(refused.contains("The record was changed since it was read"), "{refused}");
    assert_eq!(instance.get(&place).await.text("description"), "3");
}

/// The answer was lost, and the version it was for is long gone: by its key it is still the request that was carried out.
pub async fn are_not_looked_at_again_under_a_key(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({})).await;
    let place = format!("incident/{}", made.sys_id());
    let body = json!({"work_notes": "once"});
    let headers = [("Idempotency-Key", "k"), ("If-Match", "\"0\"")];
    let first = instance.send("PATCH", &place, &headers, Some(body.clone())).await;
    instance.patch(&place, json!({"state": "2"})).await;
    let again = instance.send("PATCH", &place, &headers, Some(body.clone())).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.json), (200, "true", &first.json));
    assert_eq!((first.header("etag"), again.header("etag")), ("\"1\"", "\"1\""));
    assert_eq!(instance.count("sys_journal_field").await, 1);

    // One that was refused for its version may go again under its key, for the version there is.
    let headers = [("Idempotency-Key", "other"), ("If-Match", "\"0\"")];
    assert_eq!(instance.send("PATCH", &place, &headers, Some(body.clone())).await.status, 412);
    let headers = [("Idempotency-Key", "other"), ("If-Match", "\"2\"")];
    let mended = instance.send("PATCH", &place, &headers, Some(body)).await;
    assert_eq!((mended.status, mended.header("idempotency-replayed")), (200, ""));
}

/// Whoever changes a record, another's version of it is an older one.
pub async fn rise_with_every_change(home: &Home) {
    let instance = home.start().await;
    let user = instance.post("sys_user", json!({"user_name": "ada"})).await;
    let order = instance.post("wm_order", json!({"short_description": "an order"})).await;
    let place = format!("wm_order/{}", order.sys_id());
    let mut last = 0;
    let mut risen = async |what: &str| {
        let now: i64 = instance.get(&place).await.text("sys_mod_count").parse().unwrap();
        assert!(now > last, "{what}: {now} after {last}");
        last = now;
    };
    instance.patch(&format!("task/{}", order.sys_id()), json!({"description": "through the parent"})).await;
    risen("the parent's table").await;
    instance.patch(&place, json!({"work_notes": "a note alone"})).await;
    risen("a journal entry").await;
    instance.patch(&place, json!({"impact": "1"})).await;
    risen("a rule").await;
    for (action, input) in [
        ("log_time", json!({"task": order.sys_id(), "minutes": 30})),
        ("reassign", json!({"task": order.sys_id(), "assigned_to": user.sys_id()})),
        ("close_order", json!({"order": order.sys_id(), "close_notes": "done"})),
    ] {
        let body = json!({"input": input, "acted_at": "2026-01-31T08:00:00Z", "records": []});
        let ran = instance.post(&format!("/api/landfall/v1/action/{action}"), body).await;
        assert_eq!(ran.status, 200, "{ran:?}");
        risen(action).await;
    }
}

pub async fn plain_knows_none(home: &Home) {
    let instance = home.start_plain().await;
    let made = instance.post("incident", json!({})).await;
    assert_eq!(made.header("etag"), "");
    let place = format!("incident/{}", made.sys_id());
    let changed = instance.send("PATCH", &place, &[("If-Match", "\"7\"")], Some(json!({"state": "2"}))).await;
    assert_eq!((changed.status, changed.header("etag")), (200, ""));
    assert_eq!(instance.get(&place).await.header("etag"), "");
}
