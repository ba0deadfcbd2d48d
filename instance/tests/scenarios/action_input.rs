//! What actions refuse: in which words, and without a trace.

use serde_json::{Value as Json, json};

use crate::common::actions::{act, act_once, asked, named, notes, place, value};
use crate::common::{Home, temporary};

pub async fn a_refusal_half_way_leaves_nothing(home: &Home) {
    let instance = home.start().await;
    let order = instance.post("wm_order", json!({})).await;
    let temp = temporary();
    let body = |person: &str| {
        let input = json!({"order": order.sys_id(), "close_notes": "Done", "follow_ups": [
            {"short_description": "one"}, {"short_description": "two", "assigned_to": person},
        ]});
        asked(input, &[("wm_order", &temp)])
    };
    let refused = act_once(&instance, "close_order", "k", &body("nobody")).await;
    assert_eq!(
        (refused.status, refused.message()),
        (400, "Field `follow_ups[1].assigned_to` refers to no sys_user record: `nobody` is the sys_id of none")
    );
    assert_eq!(instance.get(&format!("wm_order/{}", order.sys_id())).await.json["result"], *order.result());
    assert_eq!(instance.count("wm_order").await, 1);

    // Neither the key, nor the number, nor the temporary id is used up.
    let user = instance.post("sys_user", json!({})).await;
    let mended = act_once(&instance, "close_order", "k", &body(user.sys_id())).await;
    assert_eq!(mended.header("idempotency-replayed"), "");
    assert_eq!(mended.result()["follow_ups"], json!(["WO0010002", "WO0010003"]));
    assert_eq!(named(&mended)[1].2, Some(temp));

    // A business rule's refusal is the Table API's.
    let input = json!({"task": order.sys_id(), "minutes": 1441});
    let refused = act(&instance, "log_time", input, &[]).await;
    assert_eq!((refused.status, refused.message()), (403, "Operation Failed"));
    assert!(refused.json["error"]["detail"].as_str().unwrap().contains("'A time entry is of one day'"));
    assert_eq!((instance.count("task_time_worked").await, notes(&instance, order.sys_id()).await.len()), (0, 0));
}

pub async fn references_are_settled(home: &Home) {
    let instance = home.start().await;
    let (task, person) = (temporary(), temporary());
    let input = json!({"task": task, "assigned_to": person});
    let early = act(&instance, "reassign", input.clone(), &[]).await;
    assert_eq!(early.status, 424);
    assert_eq!(
        early.message(),
        format!(
            "Field `task` waits for a record that has not been created here: no task record carries `{task}` as its correlation_id"
        )
    );
    let incident = instance.post("incident", json!({"correlation_id": task})).await;
    let early = act(&instance, "reassign", input.clone(), &[]).await;
    assert!(early.status == 424 && early.message().starts_with("Field `assigned_to` waits"), "{early:?}");
    let user = instance.post("sys_user", json!({"correlation_id": person})).await;
    assert_eq!(named(&act(&instance, "reassign", input, &[]).await)[0].1, incident.sys_id());
    let now = instance.get(&format!("incident/{}", incident.sys_id())).await;
    assert_eq!(value(&now, "assigned_to"), user.sys_id());

    // Deeper down too, and the sentence says where.
    let order = instance.post("wm_order", json!({})).await;
    let unknown = temporary();
    let input = |person: &str| json!({"order": order.sys_id(), "tasks": [{"short_description": "a"}, {"short_description": "b", "assigned_to": person}]});
    let early = act(&instance, "split_order", input(&unknown), &[]).await;
    assert!(early.status == 424 && early.message().starts_with("Field `tasks[1].assigned_to` waits"), "{early:?}");
    assert_eq!(act(&instance, "split_order", input(&person), &[]).await.status, 200);
    assert_eq!(instance.query("wm_task", &format!("assigned_to={}", user.sys_id())).await.column("sys_id").len(), 1);
}

pub async fn bad_input_is_told_in_a_sentence(home: &Home) {
    let instance = home.start().await;
    let task = instance.post("wm_order", json!({})).await;
    let id = task.sys_id();
    let user = instance.post("sys_user", json!({})).await;
    let part = |more: Json| {
        let mut part = json!({"short_description": "a"});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"order": id, "tasks": [part]})
    };
    for (action, input, sentence) in [
        ("log_time", json!(null), "Field `task` is missing"),
        ("log_time", json!([id, 5]), "The input must be an object, not a list"),
        ("log_time", json!({"task": id}), "Field `minutes` is missing"),
        ("log_time", json!({"task": "", "minutes": 5}), "Field `task` must be the sys_id of a task record"),
        ("log_time", json!({"task": 7, "minutes": 5}), "Field `task` must be a text, not 7"),
        (
            "log_time",
            json!({"task": "x", "minutes": 5}),
            "Field `task` refers to no task record: `x` is the sys_id of none",
        ),
        ("log_time", json!({"task": "a\0", "minutes": 5}), "Field `task` must not contain the character U+0000"),
        ("log_time", json!({"task": id, "minutes": "5"}), "Field `minutes` must be a whole number, not the text `5`"),
        ("log_time", json!({"task": id, "minutes": 0}), "Field `minutes` must be 1 or more, not 0"),
        ("log_time", json!({"task": id, "minutes": -5}), "Field `minutes` must be 1 or more, not -5"),
        (
            "log_time",
            json!({"task": id, "minutes": 5, "colour": "red"}),
            "Field `colour` is unknown here; known are `task`, `minutes`, `work_date`, `comments`",
        ),
        (
            "log_time",
            json!({"task": id, "minutes": 5, "work_date": "soon"}),
            "Field `work_date` must be a date, such as 2026-01-31",
        ),
        ("close_order", json!({"order": id, "close_notes": " "}), "Field `close_notes` must say what was done"),
        (
            "close_order",
            json!({"order": user.sys_id(), "close_notes": "a"}),
            &format!("Field `order` refers to no wm_order record: `{}` is the sys_id of none", user.sys_id()),
        ),
        (
            "close_order",
            json!({"order": id, "close_notes": "a", "follow_ups": [{"short_description": ""}]}),
            "Field `follow_ups[0].short_description` must say what is to be done",
        ),
        (
            "close_order",
            json!({"order": id, "close_notes": "a", "follow_ups": [{"short_description": "a", "requested_due_by": "soon"}]}),
            "Field `follow_ups[0].requested_due_by` must be a UTC time, such as 2026-01-31 08:00:00",
        ),
        (
            "split_order",
            json!({"order": id, "tasks": []}),
            "Field `tasks` must have at least one task to split the order into",
        ),
        ("split_order", json!({"order": id, "tasks": [{}]}), "Field `tasks[0].short_description` is missing"),
        (
            "split_order",
            part(json!({"short_description": " "})),
            "Field `tasks[0].short_description` must say what is to be done",
        ),
        (
            "split_order",
            part(json!({"estimated_minutes": -5})),
            "Field `tasks[0].estimated_minutes` must be 1 or more, not -5; leave it out where nobody knows",
        ),
        (
            "reassign",
            json!({"task": id, "assigned_to": ""}),
            "Field `assigned_to` must be the sys_id of a sys_user record",
        ),
        (
            "reassign",
            json!({"task": user.sys_id(), "assigned_to": user.sys_id()}),
            &format!("Field `task` refers to no task record: `{}` is the sys_id of none", user.sys_id()),
        ),
    ] {
        let refused = act(&instance, action, input, &[]).await;
        assert_eq!((refused.status, refused.message()), (400, sentence));
    }

    let input = json!({"task": id, "minutes": 5});
    let temp = temporary();
    let record = |table: &str, id: &str| json!({"table": table, "temp_sys_id": id});
    for (body, sentence) in [
        (json!([]), "The body must be an object, not a list".to_owned()),
        (
            json!({"input": input, "acted_at": "2026-01-31 08:00:00"}),
            "Field `acted_at` must be a UTC time, such as 2026-01-31T08:00:00Z, not `2026-01-31 08:00:00`".to_owned(),
        ),
        (json!({"input": input, "acted_at": 5}), "Field `acted_at` must be a text, not 5".to_owned()),
        (
            json!({"input": input, "records": [{"table": "task"}]}),
            "Field `records[0].temp_sys_id` is missing".to_owned(),
        ),
        (json!({"input": input, "records": [record("nonsense", &temp)]}), "Invalid table nonsense".to_owned()),
        (
            json!({"input": input, "records": [record("task", "tmp_x")]}),
            "Field `records[0].temp_sys_id` must be a temporary id, `tmp_` and 32 hexadecimal digits, not `tmp_x`"
                .to_owned(),
        ),
        (
            json!({"input": input, "records": [record("task", &temp), record("wm_task", &temp)]}),
            format!("Field `records[1].temp_sys_id` repeats `{temp}`: each open record is to be there once"),
        ),
    ] {
        let refused = instance.post(&place("log_time"), body).await;
        assert_eq!((refused.status, refused.message()), (400, sentence.as_str()));
    }
    let whole = instance.get(&format!("wm_order/{id}")).await;
    assert_eq!(whole.json, task.json);
    for (table, count) in [("task_time_worked", 0), ("wm_task", 0), ("wm_order", 1), ("sys_journal_field", 0)] {
        assert_eq!(instance.count(table).await, count, "{table}");
    }
}
