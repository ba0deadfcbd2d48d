//! An action asked for more than once: it takes effect once, and no record is made twice.

use landfall::wire::action::ActionAnswer;
use landfall::wire::http::Method;
use serde_json::{Value as Json, json};

use crate::common::actions::{act, act_once, asked, named, notes, place};
use crate::common::{Home, Item, temporary};

pub async fn a_repeated_action_is_one(home: &Home) {
    let instance = home.start().await;
    let task = instance.post("task", json!({})).await;
    let temp = temporary();
    let body = asked(json!({"task": task.sys_id(), "minutes": 5}), &[("task_time_worked", &temp)]);
    let first = act_once(&instance, "log_time", "k", &body).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (200, ""));
    let second = act_once(&instance, "log_time", "k", &body).await;
    assert_eq!((second.status, second.header("idempotency-replayed")), (200, "true"));
    assert_eq!(second.json, first.json);
    instance.stop().await;

    let instance = home.start().await;
    let third = act_once(&instance, "log_time", "k", &body).await;
    assert_eq!(third.json, first.json);
    assert_eq!(instance.count("task_time_worked").await, 1);
    assert_eq!(notes(&instance, task.sys_id()).await.len(), 1);
}

pub async fn another_action_is_another(home: &Home) {
    let instance = home.start().await;
    let user = instance.post("sys_user", json!({})).await;
    let task = instance.post("task", json!({})).await;
    let time = asked(json!({"task": task.sys_id(), "minutes": 5}), &[]);
    assert_eq!(act_once(&instance, "log_time", "k", &time).await.status, 200);
    let other = asked(json!({"task": task.sys_id(), "minutes": 6}), &[]);
    let refused = act_once(&instance, "log_time", "k", &other).await;
    assert_eq!((refused.status, refused.message()), (422, "This Idempotency-Key was used before for another request"));
    // A key is of a user and an action.
    let headers = [("Idempotency-Key", "k"), ("X-Landfall-User", "grace")];
    let hers = instance.send("POST", &place("log_time"), &headers, Some(other)).await;
    assert_eq!((hers.status, hers.header("idempotency-replayed")), (200, ""));
    let handed = asked(json!({"task": task.sys_id(), "assigned_to": user.sys_id()}), &[]);
    let handed = act_once(&instance, "reassign", "k", &handed).await;
    assert_eq!((handed.status, handed.header("idempotency-replayed")), (200, ""));
    assert_eq!(instance.count("task_time_worked").await, 2);
}

pub async fn two_at_once_are_one(home: &Home) {
    let instance = home.start().await;
    let task = instance.post("task", json!({})).await;
    for round in 0..10 {
        let (key, temp) = (format!("k{round}"), temporary());
        let body = asked(json!({"task": task.sys_id(), "minutes": 5}), &[("task_time_worked", &temp)]);
        let send = || act_once(&instance, "log_time", &key, &body);
        let (a, b, c) = tokio::join!(send(), send(), send());
        assert_eq!(a.status, 200, "{a:?}");
        assert_eq!((&a.json, &b.json), (&b.json, &c.json));
    }
    assert_eq!(instance.count("task_time_worked").await, 10);
    assert_eq!(notes(&instance, task.sys_id()).await.len(), 10);
}

/// Without a key, or each under its own: no two records may carry one temporary id.
pub async fn one_record_for_one_temporary_id(home: &Home) {
    let instance = home.start().await;
    let tasks = [instance.post("task", json!({})).await, instance.post("task", json!({})).await];
    for _ in 0..10 {
        let temp = temporary();
        // Not of one task, for there they would wait for each other.
        let send = |task: usize| {
            let input = json!({"task": tasks[task].sys_id(), "minutes": 5});
            let body = asked(input, &[("task_time_worked", &temp)]);
            instance.post("/api/landfall/v1/action/log_time", body)
        };
        let (a, b) = tokio::join!(send(0), send(1));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }
    assert_eq!(instance.count("task_time_worked").await, 10);
}

/// The answer is lost; the device reconciles by correlation in a pull, and has permanent ids where it asks again.
pub async fn a_repeat_after_reconciling_is_the_same(home: &Home) {
    let instance = home.start().await;
    let (parent, made, left) = (temporary(), temporary(), temporary());
    let order = instance.post("wm_order", json!({"correlation_id": parent})).await;
    let body = |order: &str, task: &str| {
        let input = json!({"order": order, "tasks": [{"short_description": format!("see {order} and {task}")}]});
        asked(input, &[("wm_task", task), ("wm_task", &left)])
    };
    let first = act_once(&instance, "split_order", "k", &body(&parent, &made)).await;
    assert_eq!(named(&first)[0].2, Some(made.clone()));
    let pulled = instance.query("wm_task", &format!("correlation_id={made}")).await;
    let task = pulled.column("sys_id")[0];
    let title = pulled.column("short_description")[0];
    assert!(title.contains(order.sys_id()), "an id that is known gives way in a text too: {title}");

    for (order, task) in [(order.sys_id(), task), (parent.as_str(), task), (order.sys_id(), made.as_str())] {
        let again = act_once(&instance, "split_order", "k", &body(order, task)).await;
        assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{again:?}");
        assert_eq!(again.json, first.json);
    }
    // Even when what the ids led to is gone.
    instance.delete(&format!("wm_task/{task}")).await;
    instance.delete(&format!("wm_order/{}", order.sys_id())).await;
    for (order, task) in [(order.sys_id(), task), (parent.as_str(), made.as_str())] {
        assert_eq!(act_once(&instance, "split_order", "k", &body(order, task)).await.json, first.json);
    }
    assert_eq!(instance.count("wm_task").await, 0);
}

/// Asked anew, as when the key was forgotten: the record is there, under whichever of its ids it is asked for.
pub async fn what_was_made_is_not_made_again(home: &Home) {
    let instance = home.start().await;
    let task = instance.post("task", json!({})).await;
    let temp = temporary();
    let input = json!({"task": task.sys_id(), "minutes": 5});
    let first = act(&instance, "log_time", input.clone(), &[("task_time_worked", &temp)]).await;
    let permanent = named(&first)[0].1.clone();
    for id in [&temp, &permanent] {
        let next = temporary();
        let open = [("task_time_worked", id.as_str()), ("task_time_worked", &next)];
        let refused = act(&instance, "log_time", input.clone(), &open).await;
        let sentence = format!(
            "The task_time_worked record that this action was to make for `{id}` was made before: it is not made twice"
        );
        assert_eq!((refused.status, refused.message()), (409, sentence.as_str()));
    }
    // Wherever it was made.
    let elsewhere = temporary();
    instance.post("wm_order", json!({"correlation_id": elsewhere})).await;
    assert_eq!(act(&instance, "log_time", input, &[("task_time_worked", &elsewhere)]).await.status, 409);
    assert_eq!(instance.count("task_time_worked").await, 1);
    assert_eq!(notes(&instance, task.sys_id()).await.len(), 1);
}

pub async fn an_action_may_be_an_item(home: &Home) {
    let instance = home.start().await;
    let (order, task) = (temporary(), temporary());
    let item = |id: &str, method: Method, action: &str, body: Option<Json>| {
        let mut item = Item::new(id, method, "", body);
        item.0.url = place(action);
        item
    };
    let input = json!({"order": order, "tasks": [{"short_description": "Mend"}]});
    let split = || item("2", Method::Post, "split_order", Some(asked(input.clone(), &[("wm_task", &task)]))).key("k");
    let answer = instance
        .batch(vec![
            Item::create("1", "wm_order", json!({"correlation_id": order})),
            split(),
            Item::create("3", "task_time_worked", json!({"task": task})),
            item("4", Method::Get, "split_order", None),
            item("5", Method::Post, "nonsense", None),
            split(),
        ])
        .await;
    let statuses: Vec<_> = answer.serviced_requests.iter().map(|item| item.status_code).collect();
    assert_eq!(statuses, [201, 200, 201, 405, 404, 200]);
    let bodies: Vec<Vec<u8>> = answer.serviced_requests.iter().map(|item| item.body.decode().unwrap()).collect();
    let done: ActionAnswer = serde_json::from_slice(&bodies[1]).unwrap();
    let time: Json = serde_json::from_slice(&bodies[2]).unwrap();
    assert_eq!(time["result"]["task"]["value"], done.records_for_sync[0].sys_id);
    assert_eq!(done.records_for_sync[0].temp_sys_id, Some(task));
    assert_eq!(bodies[5], bodies[1]);
    assert_eq!(instance.count("wm_task").await, 1);
}
