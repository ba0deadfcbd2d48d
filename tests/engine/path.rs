//! The path of a record over the real engine: made offline, sent, reconciled, an ordinary record from then on.
//! Tests name the promises of the README by number.

use futures_executor::block_on;
use landfall::{
    core::Event,
    engine::{EndedBy, EngineError, SyncOptions},
    testing::{Device, Fault, MemoryInstance, listening},
};
use serde_json::json;

use super::both::{after_capabilities, both, create, is_clean, row, row_of, state, tables, text};

#[test]
fn a_family_made_offline_makes_landfall() {
    both(async |instance, device| {
        device.remote.set_offline(true);
        let page = device.open().await.unwrap();
        let events = listening(&page);
        let incident = create(&page, "incident", json!({ "short_description": "Belt stuck", "priority": 2 })).await;
        let first = create(
            &page,
            "incident_task",
            json!({ "incident": incident, "short_description": format!("see {incident}") }),
        )
        .await;
        let second = create(&page, "incident_task", json!({ "incident": incident, "parent": first })).await;
        let time = create(&page, "task_time_worked", json!({ "task": second, "notes": { "of": [incident] } })).await;
        // To each other, which makes a circle; and one that points to itself.
        page.update("incident_task", &first, row(json!({ "parent": second, "short_description": "edited" })))
            .await
            .unwrap();
        page.update("incident", &incident, row(json!({ "watch_list": format!("{incident},{incident}") })))
            .await
            .unwrap();
        let offline = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((offline.ended_by, offline.sent), (EndedBy::Offline, 0));
        drop(page);

        // Reloaded: all there, marked local.
        let page = device.open().await.unwrap();
        for (table, id) in [("incident", &incident), ("incident_task", &first), ("task_time_worked", &time)] {
            let row = page.get(table, id, false).await.unwrap().unwrap();
            assert_eq!(row["$sync"]["isTemporary"], json!(true), "{row:?}");
        }

        device.remote.set_offline(false);
        let events_after = listening(&page);
        device.clock.advance(3_600_000);
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.ended_by, report.reconciled, report.remaining), (EndedBy::Done, 4, 0), "{report:?}");
        is_clean(&page).await;

        let there = |table: &str, number: usize| {
            let rows = instance.rows(table);
            assert_eq!(rows.len(), number, "{table}");
            rows
        };
        let incident_row = &there("incident", 1)[0];
        let tasks = there("incident_task", 2);
        let time_row = &there("task_time_worked", 1)[0];
        let by = |temporary: &str| tasks.iter().find(|task| task["correlation_id"] == temporary).unwrap();
        assert_eq!(by(&first)["incident"], incident_row["sys_id"]);
        assert_eq!(by(&first)["parent"], by(&second)["sys_id"]);
        assert_eq!(by(&first)["short_description"], "edited");
        assert_eq!(by(&second)["parent"], by(&first)["sys_id"]);
        assert_eq!(time_row["task"], by(&second)["sys_id"]);
        assert_eq!(time_row["notes"], format!("{{\"of\":[\"{}\"]}}", incident_row["sys_id"]));
        assert_eq!(incident_row["watch_list"], format!("{0},{0}", incident_row["sys_id"]));

        // The old id still finds it, by its table and by its parent table, and it taught us its number.
        let row = page.get("task", &incident, false).await.unwrap().unwrap();
        assert_eq!((text(&row, "sys_id"), state(&row)), (incident_row["sys_id"].clone(), "synced".into()));
        assert_eq!(text(&row, "number"), incident_row["number"]);
        assert_eq!(row["priority"], json!(2));
        assert_eq!(page.query("incident_task", &format!("incident={incident}"), 0, None).await.unwrap().len(), 2);
        let reconciled = events_after.borrow().iter().filter(|event| matches!(event, Event::Reconciled { .. })).count();
        assert_eq!(reconciled, 4);
        assert!(events.borrow().iter().any(|event| matches!(event, Event::Outbox { pending: 1.., .. })));

        // Gone again: the edit goes to the right record, and nothing doubles (promise 14).
        device.remote.set_offline(true);
        page.update("incident", &incident, row_of("priority", 1)).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        device.remote.set_offline(false);
        page.sync(SyncOptions::default()).await.unwrap();
        assert!(
            instance
                .log()
                .iter()
                .any(|line| *line == format!("PATCH /api/now/table/incident/{}", incident_row["sys_id"]))
        );
        assert_eq!(there("incident", 1)[0]["priority"], "1");
        is_clean(&page).await;
    });
}

#[test]
fn edits_made_while_a_create_is_under_way_survive_and_follow() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "first" })).await;
        after_capabilities(&device, Fault::LoseAnswer);
        page.sync(SyncOptions::default()).await.unwrap();
        page.update("incident", &id, row(json!({ "short_description": "second" }))).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap().len(), 2);
        device.clock.advance(3_600_000);
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident")[0]["short_description"], "second");
        assert_eq!(instance.rows("incident").len(), 1);
        is_clean(&page).await;
    });
}

#[test]
fn deleting_what_was_never_sent_sends_nothing() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let id = create(&page, "incident", json!({})).await;
        page.delete("incident", &id).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 0);
        assert!(page.get("incident", &id, false).await.unwrap().is_none());
        is_clean(&page).await;
    });
}

#[test]
fn deleting_while_the_create_is_under_way_deletes_it_there_too() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let id = create(&page, "incident", json!({})).await;
        after_capabilities(&device, Fault::LoseAnswer);
        page.sync(SyncOptions::default()).await.unwrap();
        page.delete("incident", &id).await.unwrap();
        device.clock.advance(3_600_000);
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 0);
        is_clean(&page).await;
    });
}

#[test]
fn a_pull_brings_rows_drops_them_and_never_touches_unsent_work() {
    both(async |instance, device| {
        let kept = instance.put("sys_user", &[("name", "Ada")]);
        let edited = instance.put("sys_user", &[("name", "Bo")]);
        let gone = instance.put("sys_user", &[("name", "Cy")]);
        let page = device.open().await.unwrap();
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.pulled, report.removed), (3, 0));
        device.clock.advance(1000);
        create(&page, "incident", json!({ "caller_id": kept })).await;
        page.update("sys_user", &edited, row_of("name", "Bob")).await.unwrap();
        instance.remove("sys_user", &gone);
        instance.remove("sys_user", &kept);
        let pull = SyncOptions { push: false, ..SyncOptions::default() };
        let report = page.sync(pull.clone()).await.unwrap();
        // `kept` is gone there, but an unsent incident still points to it.
        assert_eq!((report.pulled, report.removed), (0, 1), "{report:?}");
        assert!(page.get("sys_user", &gone, false).await.unwrap().is_none());
        assert_eq!(text(&page.get("sys_user", &edited, false).await.unwrap().unwrap(), "name"), "Bob");
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(1000);
        page.sync(pull).await.unwrap();
        assert!(page.get("sys_user", &kept, false).await.unwrap().is_none());
        assert_eq!(instance.rows("sys_user")[0]["name"], "Bob");
    });
}

#[test]
fn an_echo_before_the_receipt_is_the_receipt() {
    let instance = MemoryInstance::plain();
    let mut declared = tables();
    declared.get_mut("incident").unwrap().cache = Some(Default::default());
    let device = Device::new(&instance, declared, 1);
    block_on(async {
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        after_capabilities(&device, Fault::LoseAnswer);
        page.sync(SyncOptions::default()).await.unwrap();
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        assert_eq!(page.query("incident", "", 0, None).await.unwrap().len(), 1);
        assert_ne!(page.resolve_id(&id).await.unwrap(), id);
        is_clean(&page).await;
    });
}

#[test]
fn two_contexts_never_lose_each_others_write() {
    let instance = MemoryInstance::with_extras();
    let device = Device::new(&instance, tables(), 1);
    block_on(async {
        let (one, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        let id = create(&one, "incident", json!({})).await;
        let heard = listening(&other);
        let (a, b) = futures_util::join!(
            one.update("incident", &id, row_of("category", "belt")),
            other.update("incident", &id, row_of("impact", "1")),
        );
        a.unwrap();
        b.unwrap();
        let row = other.get("incident", &id, false).await.unwrap().unwrap();
        assert_eq!((text(&row, "category"), text(&row, "impact")), ("belt".into(), "1".into()));
        device.hub.deliver();
        assert!(
            heard
                .borrow()
                .iter()
                .any(|event| matches!(event, Event::Change { origin: landfall::core::Origin::Elsewhere, .. }))
        );
        let (a, b) = futures_util::join!(one.sync(SyncOptions::default()), other.sync(SyncOptions::default()));
        assert_eq!(a.unwrap().sent + b.unwrap().sent, 1);
        assert_eq!(instance.rows("incident").len(), 1);
    });
}

#[test]
fn unsent_work_survives_a_table_that_changes_its_parent_or_goes() {
    let instance = MemoryInstance::plain();
    let mut device = Device::new(&instance, tables(), 1);
    block_on(async {
        let page = device.open().await.unwrap();
        let sent = create(&page, "incident", json!({ "short_description": "sent" })).await;
        page.sync(SyncOptions::default()).await.unwrap();
        page.delete("incident", &sent).await.unwrap();
        let unsent = create(&page, "incident", json!({ "short_description": "unsent" })).await;
        drop(page);

        // Without a parent: found by its own table.
        device.set_tables(serde_json::from_value(json!({ "incident": {} })).unwrap());
        let page = device.open().await.unwrap();
        assert!(page.get("incident", &unsent, false).await.unwrap().is_some());
        drop(page);

        // Gone altogether: still sent, still reconciled, and there when the table comes back.
        device.set_tables(serde_json::from_value(json!({ "sys_user": {} })).unwrap());
        let page = device.open().await.unwrap();
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (2, 0), "{report:?}");
        drop(page);
        device.set_tables(tables());
        let page = device.open().await.unwrap();
        let row = page.get("task", &unsent, false).await.unwrap().unwrap();
        assert_eq!(state(&row), "synced");
        assert_eq!(instance.rows("incident").len(), 1);
        is_clean(&page).await;
    });
}

#[test]
fn the_field_that_carries_the_temporary_id_takes_no_value_of_the_apps() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let own = || row(json!({ "short_description": "x", "correlation_id": "SAP-4711" }));
        let refused =
            |error: EngineError| error.code() == "bad_field" && error.to_string().contains("“correlation_id”");
        assert!(refused(page.create_many("incident", vec![row(json!({})), own()]).await.unwrap_err()));
        assert_eq!(
            (page.count("incident", "").await.unwrap(), page.outbox(None, None, None).await.unwrap().len()),
            (0, 0)
        );

        let id = create(&page, "incident", json!({ "short_description": "x", "correlation_id": null })).await;
        assert!(refused(page.update("incident", &id, own()).await.unwrap_err()));
        let item = page.outbox(None, None, None).await.unwrap().remove(0).id;
        assert!(refused(page.edit(&item, own()).await.unwrap_err()));
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident")[0]["correlation_id"], id);

        // Once it is there, the field is the app's again.
        page.update("incident", &id, own()).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("incident")[0]["correlation_id"], "SAP-4711");
    });
}
