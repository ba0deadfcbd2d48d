//! What the users of other libraries have met, each as a test: see the table in `docs/reliability.md`.

use std::task::Poll;

use futures_executor::block_on;
use futures_util::poll;
use landfall::{
    core::{Durability, StoreName, WriteSet, stored::Action},
    engine::{Client, SyncOptions},
    ports::Store,
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
};
use serde_json::json;

use super::both::{after_capabilities, both, create, is_clean, proved, row, text};
use super::doubt::outbox;
use super::support::{push, resp, tables};

const YEAR_MS: u64 = 365 * 86_400_000;

/// As the page does by itself, so many times.
async fn goes_on(page: &Client<MemoryPorts>, device: &Device, times: usize) {
    for _ in 0..times {
        page.sync(push()).await.unwrap();
        device.clock.advance(page.next_sync_in().await.unwrap().unwrap_or_default().max(1));
    }
}

/// Nobody can read that row any more.
async fn spoil_the_first(device: &Device, store: StoreName) {
    let mut spoiled = device.database.rows(store).remove(0);
    spoiled.body = "{".to_owned().into();
    let set = WriteSet { puts: vec![(store, spoiled)], durability: Durability::Strict, ..WriteSet::default() };
    device.database.open().commit(&set).await.unwrap();
}

#[test]
fn a_sender_that_never_comes_back_is_followed_by_whoever_is_there() {
    for (extras, locks) in [(true, true), (true, false), (false, true), (false, false)] {
        for was_waiting in [true, false] {
            let instance = if extras { MemoryInstance::with_extras() } else { MemoryInstance::plain() };
            let mut device = Device::new(&instance, tables(), 1);
            if !locks {
                device.without_locks();
            }
            block_on(async {
                let (gone, here) = (device.open().await.unwrap(), device.open().await.unwrap());
                proved(&gone, "incident").await;
                create(&gone, "incident", json!({ "short_description": "x" })).await;
                device.remote.plan(Some(Fault::LoseRequest));
                let mut run = Box::pin(gone.sync(push()));
                let sent = device.remote.sent();
                while device.remote.sent() == sent {
                    assert!(poll!(&mut run).is_pending());
                }
                let mut next = Box::pin(here.sync(push()));
                for _ in 0..if was_waiting { 200 } else { 0 } {
                    assert!(poll!(&mut next).is_pending());
                }
                // Nobody goes on with it any more; the lock stays with it.
                drop(run);
                let mut waited = 0;
                'followed: loop {
                    for _ in 0..500 {
                        if let Poll::Ready(report) = poll!(&mut next) {
                            report.unwrap();
                            break 'followed;
                        }
                    }
                    device.clock.advance(1_000);
                    waited += 1;
                    assert!(waited <= 50, "nobody has followed in {waited} s");
                }
                goes_on(&here, &device, 3).await;
                assert_eq!(instance.rows("incident").len(), 2);
                is_clean(&here).await;
            });
        }
    }
}

#[test]
fn the_id_in_a_200_for_a_create_that_was_made_before_is_taken() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        let made = instance.put("incident", &[("correlation_id", &id)]);
        let answer = json!({ "result": { "sys_id": made, "correlation_id": id } }).to_string();
        after_capabilities(&device, Fault::Answer(resp(200, &answer)));
        page.sync(push()).await.unwrap();
        assert_eq!(page.resolve_id(&id).await.unwrap(), made);
        assert_eq!(instance.rows("incident").len(), 1);
        is_clean(&page).await;
    });
}

#[test]
fn what_always_fails_is_neither_dropped_nor_in_the_way() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let fails = |fields: &landfall::wire::Fields| fields.get("short_description").is_some_and(|text| text == "bad");
        instance.refuse(move |_, fields| fails(fields).then(|| (500, "boom".to_owned())));
        for name in ["bad", "good", "better"] {
            create(&page, "incident", json!({ "short_description": name })).await;
        }
        goes_on(&page, &device, 40).await;
        assert_eq!(instance.rows("incident").len(), 3);
        let left = outbox(&page).await;
        assert_eq!(left.len(), 1);
        assert_ne!(left[0].0, "refused", "{left:?}");
        assert!(page.next_sync_in().await.unwrap().unwrap() <= 300_000);
        instance.accept();
        goes_on(&page, &device, 4).await;
        assert_eq!(instance.rows("incident").len(), 4);
        is_clean(&page).await;
    });
}

#[test]
fn nothing_unsent_and_no_old_id_is_too_old() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        page.sync(push()).await.unwrap();
        device.remote.set_offline(true);
        page.update("incident", &id, row(json!({ "short_description": "y" }))).await.unwrap();
        create(&page, "incident", json!({ "short_description": "z" })).await;
        page.close().await;
        device.clock.advance(YEAR_MS);
        device.remote.set_offline(false);

        let page = device.open().await.unwrap();
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        page.sync(push()).await.unwrap();
        let shown = page.get("incident", &id, false).await.unwrap().unwrap();
        assert_eq!((text(&shown, "short_description").as_str(), text(&shown, "sys_id") != id), ("y", true));
        let mut names: Vec<_> = instance.rows("incident").iter().map(|row| row["short_description"].clone()).collect();
        names.sort();
        assert_eq!(names, ["y", "z"]);
        is_clean(&page).await;
    });
}

#[test]
fn children_of_a_deleted_draft_stay_and_say_why_and_can_be_mended() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let parent = create(&page, "incident", json!({ "short_description": "draft" })).await;
        let child = create(&page, "incident_task", json!({ "incident": parent, "short_description": "child" })).await;
        page.delete("incident", &parent).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!((instance.rows("incident").len(), instance.rows("incident_task").len()), (0, 0));
        let left = outbox(&page).await;
        assert!(left[0].1.contains("was deleted before it was sent"), "{left:?}");
        let late = page.create_many("incident_task", vec![row(json!({ "incident": parent }))]).await.unwrap_err();
        assert_eq!(late.code(), "deleted_reference");
        page.update("incident_task", &child, row(json!({ "incident": "" }))).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident_task").len(), 1);
        is_clean(&page).await;
    });
}

#[test]
fn what_was_deleted_here_does_not_come_back_with_a_pull() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let id = instance.put("sys_user", &[("name", "Ada")]);
        page.sync(SyncOptions::default()).await.unwrap();
        page.delete("sys_user", &id).await.unwrap();
        let pulls = || page.sync(SyncOptions { push: false, ..SyncOptions::default() });
        pulls().await.unwrap();
        assert_eq!((page.count("sys_user", "").await, page.get("sys_user", &id, false).await), (Ok(0), Ok(None)));
        page.sync(SyncOptions::default()).await.unwrap();
        pulls().await.unwrap();
        assert_eq!((page.count("sys_user", "").await, instance.rows("sys_user").len()), (Ok(0), 0));
        is_clean(&page).await;
    });
}

#[test]
fn an_item_that_nobody_can_read_holds_up_nothing_but_itself() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        for name in ["a", "b"] {
            create(&page, "incident", json!({ "short_description": name })).await;
        }
        spoil_the_first(&device, StoreName::Outbox).await;
        goes_on(&page, &device, 3).await;
        assert_eq!(
            instance.rows("incident").iter().map(|row| row["short_description"].as_str()).collect::<Vec<_>>(),
            ["b"]
        );
    });
}

#[test]
fn nor_does_an_action_that_nobody_can_read_hold_up_a_change_of_what_it_names() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let id = instance.put("sys_user", &[("name", "Ada")]);
        page.sync(SyncOptions::default()).await.unwrap();
        let action = Action { name: "invite".to_owned(), input: json!(id), ..Action::default() };
        assert!(page.act(action).await.unwrap().commit().await.unwrap());
        spoil_the_first(&device, StoreName::Outbox).await;
        page.update("sys_user", &id, row(json!({ "name": "Ada L." }))).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(instance.rows("sys_user")[0]["name"], "Ada L.");
    });
}

#[test]
fn an_alias_that_nobody_can_read_neither_stops_an_edit_nor_loses_a_mention() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        let made = create(&page, "incident", json!({ "short_description": "a" })).await;
        let user = instance.put("sys_user", &[("name", &format!("see {made}"))]);
        instance.refuse(|table, _| (table == "incident").then(|| (403, "Not now".to_owned())));
        page.sync(SyncOptions::default()).await.unwrap();
        spoil_the_first(&device, StoreName::Aliases).await;
        page.update("sys_user", &user, row(json!({ "email": "a@b.c" }))).await.unwrap();
        instance.refuse(|table, _| (table == "sys_user").then(|| (403, "Not you".to_owned())));
        let items = page.outbox(None, None, None).await.unwrap();
        page.retry(&items[0].id).await.unwrap();
        page.sync(push()).await.unwrap();
        let name = page.get("sys_user", &user, false).await.unwrap().unwrap()["name"].clone();
        assert_eq!(name, format!("see {}", instance.rows("incident")[0]["sys_id"]));
    });
}

#[test]
fn an_audit_looks_at_all_that_can_be_read() {
    for store in [StoreName::Records, StoreName::Outbox, StoreName::Aliases] {
        block_on(async {
            let device = Device::new(&MemoryInstance::plain(), tables(), 1);
            let page = device.open().await.unwrap();
            for name in ["a", "b", "c"] {
                create(&page, "incident", json!({ "short_description": name })).await;
            }
            spoil_the_first(&device, store).await;
            let records = page.audit().await.unwrap().records;
            assert_eq!(records, if store == StoreName::Records { 2 } else { 3 });
        });
    }
}

#[test]
fn where_there_are_locks_a_sender_that_is_killed_is_followed_within_seconds() {
    both(async |instance, device| {
        let (gone, here) = (device.open().await.unwrap(), device.open().await.unwrap());
        proved(&gone, "incident").await;
        create(&gone, "incident", json!({ "short_description": "lost" })).await;
        device.remote.plan(Some(Fault::LoseRequest));
        let mut run = Box::pin(gone.sync(push()));
        let sent = device.remote.sent();
        while device.remote.sent() == sent {
            assert!(poll!(&mut run).is_pending());
        }
        // It has left, and is lost.
        assert!(poll!(&mut run).is_pending());
        create(&here, "incident", json!({ "short_description": "next" })).await;
        let mut next = Box::pin(here.sync(push()));
        for _ in 0..200 {
            assert!(poll!(&mut next).is_pending());
        }
        // With its process, which nobody polls any more; its lease does not lapse for half a minute.
        device.lock.kill_holder();
        let (mut waited, mut followed) = (0, None);
        while followed.is_none() {
            for _ in 0..500 {
                if let Poll::Ready(report) = poll!(&mut next) {
                    followed = Some(report.unwrap());
                    break;
                }
            }
            if followed.is_none() {
                device.clock.advance(1_000);
                waited += 1;
                assert!(waited <= 5, "nobody has followed in {waited} s");
            }
        }
        let there = instance.rows("incident");
        assert!(there.iter().any(|row| row["short_description"] == "next"), "{there:?}");
        drop(run);
    });
}
