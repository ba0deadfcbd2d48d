//! One key, one effect.

use landfall_instance::store::Store;
use landfall_instance::store::keys::{Claim, Kept, Key, claim, keep, prune};
use serde_json::json;

use crate::common::{Home, temporary};

pub async fn a_repeated_create_is_one(home: &Home) {
    let instance = home.start().await;
    let key = temporary();
    let headers = [("Idempotency-Key", key.as_str())];
    let body = json!({"short_description": "once", "correlation_id": key, "work_notes": "said once"});
    let first = instance.send("POST", "incident", &headers, Some(body.clone())).await;
    let second = instance.send("POST", "incident", &headers, Some(body.clone())).await;
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json, second.json);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), ("", "true"));
    instance.stop().await;

    // On another day, in another process.
    let instance = home.start().await;
    let third = instance.send("POST", "incident", &headers, Some(body)).await;
    assert_eq!(third.json, first.json);
    assert_eq!(instance.count("incident").await, 1);
    assert_eq!(instance.count("sys_journal_field").await, 1);
}

pub async fn another_request_is_refused(home: &Home) {
    let instance = home.start().await;
    let headers = [("Idempotency-Key", "k")];
    let made = instance.send("POST", "incident", &headers, Some(json!({"short_description": "a"}))).await;
    let place = format!("incident/{}", made.sys_id());
    for (method, path) in [("POST", "incident"), ("PATCH", place.as_str()), ("DELETE", place.as_str())] {
        let body = (method != "DELETE").then(|| json!({"short_description": "b"}));
        let refused = instance.send(method, path, &headers, body).await;
        assert_eq!(refused.status, 422, "{method}");
        assert_eq!(refused.message(), "This Idempotency-Key was used before for another request");
    }
    assert_eq!(instance.get(&place).await.text("short_description"), "a");
    let long = "k".repeat(256);
    let refused = instance.send("POST", "incident", &[("Idempotency-Key", long.as_str())], Some(json!({}))).await;
    assert_eq!(refused.status, 400);
}

pub async fn a_refusal_is_not_remembered(home: &Home) {
    let instance = home.start().await;
    let headers = [("Idempotency-Key", "k")];
    let refused = instance.send("POST", "incident_task", &headers, Some(json!({"incident": temporary()}))).await;
    assert_eq!(refused.status, 424);
    let mended = instance.send("POST", "incident_task", &headers, Some(json!({"short_description": "mended"}))).await;
    assert_eq!((mended.status, mended.header("idempotency-replayed")), (201, ""));
}

pub async fn two_at_once_are_one(home: &Home) {
    let instance = home.start().await;
    for round in 0..10 {
        let key = format!("k{round}");
        let headers = [("Idempotency-Key", key.as_str())];
        let body = json!({"short_description": key});
        let send = || instance.send("POST", "incident", &headers, Some(body.clone()));
        let (a, b, c) = tokio::join!(send(), send(), send());
        assert_eq!(a.status, 201);
        assert_eq!(a.json, b.json);
        assert_eq!(b.json, c.json);
    }
    assert_eq!(instance.count("incident").await, 10);
}

pub async fn keys_are_of_a_user_and_a_table(home: &Home) {
    let instance = home.start().await;
    for (user, table) in [("ada", "incident"), ("grace", "incident"), ("ada", "cmdb_ci")] {
        let headers = [("Idempotency-Key", "k"), ("X-Landfall-User", user)];
        let made = instance.send("POST", table, &headers, Some(json!({}))).await;
        assert_eq!((made.status, made.header("idempotency-replayed")), (201, ""));
    }
}

/// The answer is lost, the device finds the parent by correlation, and puts its permanent id into the child it sends
/// again: that is the same request still, and the other way round.
pub async fn a_repeat_after_reconciling_is_the_same(home: &Home) {
    let instance = home.start().await;
    let temp = temporary();
    let parent = instance.post("incident", json!({"correlation_id": temp})).await;
    let headers = [("Idempotency-Key", "child")];
    let body = |id: &str| json!({"incident": id, "description": format!("see {id}!")});
    let first = instance.send("POST", "incident_task", &headers, Some(body(&temp))).await;
    let again = instance.send("POST", "incident_task", &headers, Some(body(parent.sys_id()))).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
    assert_eq!(again.json, first.json);

    // Even when the parent is gone, and the temporary id leads nowhere any more.
    instance.delete(&format!("incident/{}", parent.sys_id())).await;
    let last = instance.send("POST", "incident_task", &headers, Some(body(&temp))).await;
    assert_eq!(last.json, first.json);
    assert_eq!(instance.count("incident_task").await, 1);
}

pub async fn changes_and_deletions_are_repeated_too(home: &Home) {
    let instance = home.start().await;
    let made = instance.post("incident", json!({})).await;
    let place = format!("incident/{}", made.sys_id());
    let note = json!({"work_notes": "tightened"});
    let headers = [("Idempotency-Key", "note")];
    let first = instance.send("PATCH", &place, &headers, Some(note.clone())).await;
    let second = instance.send("PATCH", &place, &headers, Some(note)).await;
    assert_eq!((first.status, &first.json), (200, &second.json));
    assert_eq!(instance.count("sys_journal_field").await, 1);

    let headers = [("Idempotency-Key", "gone")];
    for replayed in ["", "true"] {
        let gone = instance.send("DELETE", &place, &headers, None).await;
        assert_eq!((gone.status, gone.header("idempotency-replayed")), (204, replayed));
    }
    assert_eq!(instance.count("sys_audit_delete").await, 1);
}

pub async fn plain_knows_no_keys(home: &Home) {
    let instance = home.start_plain().await;
    let headers = [("Idempotency-Key", "k")];
    for _ in 0..2 {
        let made = instance.send("POST", "incident", &headers, Some(json!({}))).await;
        assert_eq!((made.status, made.header("idempotency-replayed")), (201, ""));
    }
    assert_eq!(instance.count("incident").await, 2);
}

pub async fn keys_are_forgotten_in_time(home: &Home) {
    let store = Store::open(&home.url()).await.unwrap();
    let key = Key { user: "ada".into(), table: "incident".into(), key: "k".into() };
    let kept = Kept {
        status: 201,
        location: "/here".into(),
        body: "{}".into(),
        sent_hash: "first".into(),
        resolved_hash: "first".into(),
    };
    for (hash, now, not_before, is_new) in
        [("first", 100, 0, true), ("second", 200, 100, false), ("third", 300, 101, true)]
    {
        let mut session = store.write().await.unwrap();
        match claim(&mut session, &key, hash, now, not_before).await.unwrap() {
            Claim::Mine => {
                assert!(is_new, "{hash}");
                keep(&mut session, &key, &kept).await.unwrap();
            }
            Claim::Answered(answer) => {
                assert!(!is_new, "{hash}");
                assert_eq!(answer, kept);
            }
        }
        session.commit().await.unwrap();
    }
    let mut session = store.write().await.unwrap();
    assert_eq!(prune(&mut session, 300).await.unwrap(), 0);
    assert_eq!(prune(&mut session, 301).await.unwrap(), 1);
    session.commit().await.unwrap();
    store.close().await;
}
