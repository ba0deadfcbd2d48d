//! Write-back actions, and what each brings about.

use serde_json::json;

use crate::common::actions::{act, asked, named, notes, place, value};
use crate::common::{Home, temporary};

pub async fn logging_time_makes_an_entry_and_a_note(home: &Home) {
    let instance = home.start().await;
    let user = instance.post("sys_user", json!({"user_name": "ada"})).await;
    let task = instance.post("incident", json!({"short_description": "Belt stuck"})).await;
    let temp = temporary();
    let body = asked(
        json!({"task": task.sys_id(), "minutes": 45, "comments": "Tightened it"}),
        &[("task_time_worked", &temp)],
    );
    let logged = instance.send("POST", &place("log_time"), &[("X-Landfall-User", "ada")], Some(body)).await;
    let named = named(&logged);
    let made = named[0].1.clone();
    assert_eq!(
        named,
        [
            ("task_time_worked".into(), made.clone(), Some(temp.clone())),
            ("incident".into(), task.sys_id().into(), None)
        ]
    );
    assert!(logged.json["records_for_sync"][1].get("temp_sys_id").is_none());
    assert_eq!(
        logged.result(),
        &json!({"number": task.text("number"), "time_worked": made, "work_date": "2026-01-30"})
    );

    let entry = instance.get(&format!("task_time_worked/{made}")).await;
    assert_eq!((value(&entry, "task"), value(&entry, "user")), (task.sys_id().into(), user.sys_id().into()));
    assert_eq!((entry.text("time_worked"), entry.text("comments")), ("45", "Tightened it"));
    // The day and the time of the work, not those of the sync.
    assert_eq!((entry.text("work_date"), entry.text("u_acted_at")), ("2026-01-30", "2026-01-30 23:30:00"));
    assert_eq!((entry.text("correlation_id"), entry.text("sys_created_by")), (temp.as_str(), "ada"));
    let noted = instance.get(&format!("incident/{}", task.sys_id())).await;
    assert_eq!((noted.text("sys_mod_count"), noted.text("u_acted_at")), ("1", "2026-01-30 23:30:00"));
    assert_eq!(notes(&instance, task.sys_id()).await, ["Worked 45 minutes: Tightened it"]);

    // By nobody the instance knows, on another day, for no record of the device, who knows when.
    let input = json!({"task": task.sys_id(), "minutes": 5.0, "work_date": "2026-02-01"});
    let logged = instance.post(&place("log_time"), json!({"input": input})).await;
    let named = self::named(&logged);
    assert_eq!(named[0].2, None);
    let entry = instance.get(&format!("task_time_worked/{}", named[0].1)).await;
    assert_eq!((value(&entry, "user"), entry.text("u_acted_at")), (String::new(), ""));
    assert_eq!((entry.text("work_date"), entry.text("correlation_id")), ("2026-02-01", ""));
    let noted = instance.get(&format!("incident/{}", task.sys_id())).await;
    assert_eq!(noted.text("u_acted_at"), "2026-01-30 23:30:00", "what is not known is not wiped out");
    assert!(notes(&instance, task.sys_id()).await.contains(&"Worked 5 minutes".to_owned()));
}

pub async fn closing_an_order_opens_what_follows(home: &Home) {
    let instance = home.start().await;
    let spot = instance.post("cmn_location", json!({"name": "Kea"})).await;
    let mast = instance.post("cmdb_ci", json!({"name": "Mast"})).await;
    let whole = json!({"location": spot.sys_id(), "cmdb_ci": mast.sys_id()});
    let order = instance.post("wm_order", whole).await;
    let temp = temporary();
    let input = json!({"order": order.sys_id(), "close_notes": "Lamp changed", "follow_ups": [
        {"short_description": "Paint the mast", "category": "Upkeep", "requested_due_by": "2026-03-01T10:00:00Z"},
        {"short_description": "Order lamps"},
    ]});
    let closed = act(&instance, "close_order", input, &[("wm_order", &temp)]).await;
    let named = named(&closed);
    let follow_ups = [named[1].1.clone(), named[2].1.clone()];
    assert_eq!(
        named,
        [
            ("wm_order".into(), order.sys_id().into(), None),
            ("wm_order".into(), follow_ups[0].clone(), Some(temp.clone())),
            // More are made than the device had.
            ("wm_order".into(), follow_ups[1].clone(), None),
        ]
    );
    assert_eq!(closed.result(), &json!({"number": "WO0010001", "follow_ups": ["WO0010002", "WO0010003"]}));

    let now = instance.get(&format!("wm_order/{}", order.sys_id())).await;
    assert_eq!((now.text("state"), now.text("active"), now.text("close_notes")), ("3", "false", "Lamp changed"));
    assert_ne!(now.text("closed_at"), "");
    for (sys_id, title, correlation) in
        [(&follow_ups[0], "Paint the mast", temp.as_str()), (&follow_ups[1], "Order lamps", "")]
    {
        let made = instance.get(&format!("wm_order/{sys_id}")).await;
        assert_eq!((made.text("short_description"), made.text("correlation_id")), (title, correlation));
        assert_eq!((made.text("state"), made.text("active")), ("1", "true"));
        let from = [value(&made, "initiated_from"), value(&made, "location"), value(&made, "cmdb_ci")];
        assert_eq!(from, [order.sys_id(), spot.sys_id(), mast.sys_id()]);
    }
    let first = instance.get(&format!("wm_order/{}", follow_ups[0])).await;
    assert_eq!((first.text("category"), first.text("requested_due_by")), ("Upkeep", "2026-03-01 10:00:00"));

    let again = json!({"order": order.sys_id(), "close_notes": "again"});
    let refused = act(&instance, "close_order", again, &[]).await;
    assert_eq!(
        (refused.status, refused.message()),
        (409, "Work order WO0010001 is closed already: only one that is open can be closed")
    );
    let alone = json!({"order": follow_ups[1], "close_notes": "Ordered"});
    let closed = act(&instance, "close_order", alone, &[]).await;
    assert_eq!(self::named(&closed), [("wm_order".into(), follow_ups[1].clone(), None)]);
    assert_eq!(instance.count("wm_order").await, 3);
}

pub async fn splitting_an_order_makes_its_tasks(home: &Home) {
    let instance = home.start().await;
    let user = instance.post("sys_user", json!({"user_name": "ada"})).await;
    let spot = instance.post("cmn_location", json!({"name": "Kea"})).await;
    let order = instance.post("wm_order", json!({"location": spot.sys_id()})).await;
    let (first, second, third, other) = (temporary(), temporary(), temporary(), temporary());
    let input = json!({"order": order.sys_id(), "tasks": [
        {"short_description": "Travel", "work_type": "Repair", "estimated_minutes": 30,
         "expected_start": "2026-02-01 08:00:00", "assigned_to": user.sys_id()},
        {"short_description": "Mend"},
    ]});
    let open = [("wm_task", first.as_str()), ("wm_order", &other), ("wm_task", &second), ("wm_task", &third)];
    let split = act(&instance, "split_order", input.clone(), &open).await;
    let named = named(&split);
    let made = [named[0].1.clone(), named[1].1.clone()];
    // In order, each of its own table; what the action makes nothing for is left over.
    assert_eq!(
        named,
        [("wm_task".into(), made[0].clone(), Some(first)), ("wm_task".into(), made[1].clone(), Some(second))]
    );
    assert_eq!(split.result(), &json!({"number": "WO0010001", "tasks": ["WOT0010001", "WOT0010002"]}));
    let tasks =
        [instance.get(&format!("wm_task/{}", made[0])).await, instance.get(&format!("wm_task/{}", made[1])).await];
    for task in &tasks {
        assert_eq!((value(task, "parent"), value(task, "location")), (order.sys_id().into(), spot.sys_id().into()));
        assert_eq!(task.text("u_acted_at"), "2026-01-30 23:30:00");
    }
    assert_eq!((tasks[0].text("short_description"), tasks[1].text("short_description")), ("Travel", "Mend"));
    assert_eq!((tasks[0].text("work_type"), tasks[0].text("estimated_minutes")), ("Repair", "30"));
    assert_eq!(
        (tasks[0].text("expected_start"), value(&tasks[0], "assigned_to")),
        ("2026-02-01 08:00:00", user.sys_id().into())
    );
    assert_eq!((tasks[1].text("estimated_minutes"), value(&tasks[1], "assigned_to")), ("", String::new()));
    // The order itself did not change.
    assert_eq!(instance.get(&format!("wm_order/{}", order.sys_id())).await.text("sys_mod_count"), "0");

    for state in [3, 4, 7] {
        instance.patch(&format!("wm_order/{}", order.sys_id()), json!({"state": state})).await;
        let refused = act(&instance, "split_order", input.clone(), &[]).await;
        assert_eq!(
            (refused.status, refused.message()),
            (409, "Work order WO0010001 is closed: only one that is open can be split into tasks")
        );
    }
    assert_eq!(instance.count("wm_task").await, 2);
}

pub async fn reassigning_takes_any_kind_of_task(home: &Home) {
    let instance = home.start().await;
    let user = instance.post("sys_user", json!({"user_name": "ada", "name": "Ada Quist"})).await;
    for table in ["task", "incident", "incident_task", "wm_order", "wm_task"] {
        let task = instance.post(table, json!({})).await;
        let input = json!({"task": task.sys_id(), "assigned_to": user.sys_id(), "note": "Off sick"});
        let handed = act(&instance, "reassign", input, &[]).await;
        assert_eq!(named(&handed), [(table.to_owned(), task.sys_id().to_owned(), None)]);
        assert_eq!(handed.result(), &json!({"number": task.text("number"), "assigned_to": "Ada Quist"}));
        let now = instance.get(&format!("{table}/{}", task.sys_id())).await;
        assert_eq!(value(&now, "assigned_to"), user.sys_id());
        assert_eq!(notes(&instance, task.sys_id()).await, ["Off sick"]);
    }
    let task = instance.post("incident", json!({})).await;
    act(&instance, "reassign", json!({"task": task.sys_id(), "assigned_to": user.sys_id()}), &[]).await;
    assert_eq!(notes(&instance, task.sys_id()).await, ["Reassigned to Ada Quist"]);
}

pub async fn they_are_announced_and_found_by_name(home: &Home) {
    let instance = home.start().await;
    let announced = instance.get("/api/landfall/v1/capabilities").await;
    assert_eq!(announced.json["capabilities"]["actions"], true);
    let unknown = instance.post(&place("make_tea"), json!({})).await;
    assert_eq!((unknown.status, unknown.message()), (404, "There is no action `make_tea` here"));
    assert_eq!(unknown.json["error"]["detail"], "There are close_order, log_time, reassign, split_order");
    for (method, path, status) in [
        ("GET", place("log_time"), 405),
        ("PUT", place("log_time"), 405),
        ("DELETE", place("log_time"), 405),
        ("POST", place("log_time/more"), 404),
        ("POST", "/api/landfall/v1/action".to_owned(), 404),
        ("POST", "/api/now/v1/action/log_time".to_owned(), 404),
    ] {
        assert_eq!(instance.send(method, &path, &[], None).await.status, status, "{method} {path}");
    }
    let typed = instance.client.post(format!("{}{}", instance.url, place("log_time"))).body("{}").send().await.unwrap();
    assert_eq!(typed.status(), 415);
    instance.stop().await;

    let instance = home.start_plain().await;
    let task = instance.post("task", json!({})).await;
    let refused = act(&instance, "log_time", json!({"task": task.sys_id(), "minutes": 5}), &[]).await;
    assert_eq!((refused.status, refused.message()), (404, "Requested URI does not represent any resource"));
    assert_eq!(instance.count("task_time_worked").await, 0);
}
