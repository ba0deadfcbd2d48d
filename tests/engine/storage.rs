//! What a device does to a database: it throws it away, or has no room, at any moment.
use std::{cell::Cell, rc::Rc};

use futures_executor::block_on;
use futures_util::future::join;
use landfall::{
    core::{Event, Evicted, StoreName},
    engine::Client,
    ports::StoreError,
    testing::{Device, MemoryInstance, MemoryPorts, listening, yield_now},
};
use serde_json::json;

use super::support::{create, push, row, tables};

const SEEN: &str = "2023-11-14T22:13:20Z";

fn evictions(heard: &[Event]) -> Vec<Evicted> {
    heard
        .iter()
        .filter_map(|event| match event {
            Event::Evicted { last_seen_at, unsent, .. } => {
                Some(Evicted { last_seen_at: last_seen_at.clone(), unsent: *unsent })
            }
            _ => None,
        })
        .collect()
}

fn gone(unsent: u32) -> Evicted {
    Evicted { last_seen_at: SEEN.to_owned(), unsent }
}

async fn is_sound(page: &Client<MemoryPorts>) {
    let audit = page.audit().await.unwrap();
    assert_eq!((audit.orphans, audit.temporary), (vec![], 0));
}

#[test]
fn an_eviction_under_open_pages_is_told_once_in_each_and_they_go_on() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        let lost = create(&page, "incident", json!({"short_description": "lost"})).await;
        create(&other, "incident", json!({"short_description": "lost too"})).await;
        let heard = [listening(&page), listening(&other)];
        device.clock.advance(5_000);
        device.database.evict();
        page.recognise().await.unwrap();
        other.recognise().await.unwrap();
        page.recognise().await.unwrap();
        for heard in heard {
            assert_eq!(evictions(&heard.borrow()), [gone(2)]);
            assert!(heard.borrow().contains(&Event::Outbox { pending: 0, refused: 0, conflicts: 0 }));
        }
        assert_eq!(page.status().await.unwrap().evicted, Some(gone(2)));
        assert_eq!(other.status().await.unwrap().evicted, Some(gone(2)));

        let late = page.update("incident", &lost, row(json!({"state": "2"}))).await.unwrap_err();
        assert_eq!(late.code(), "not_found");
        let after = create(&other, "incident", json!({"short_description": "after"})).await;
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1);
        assert_ne!(page.resolve_id(&after).await.unwrap(), after);
        is_sound(&page).await;
    });
}

#[test]
fn what_the_instance_announced_is_noted_in_the_new_database_too() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "a"})).await;
        page.sync(push()).await.unwrap();
        let announced = |device: &Device| {
            let rows = device.database.rows(StoreName::Meta);
            rows.iter().any(|row| row.key.text(0) == "announced")
        };
        assert!(announced(&device));
        device.database.evict();
        page.recognise().await.unwrap();
        create(&page, "incident", json!({"short_description": "b"})).await;
        page.sync(push()).await.unwrap();
        assert!(announced(&device));
    });
}

#[test]
fn an_eviction_while_no_page_was_open_is_told_to_the_next_that_asks() {
    block_on(async {
        let device = Device::new(&MemoryInstance::plain(), tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "lost"})).await;
        page.close().await;
        device.database.evict();
        // It dies before the app has asked: so it was told to nobody.
        device.clock.advance(60_000);
        device.open().await.unwrap().close().await;
        let page = device.open().await.unwrap();
        assert_eq!(page.evicted(), Some(gone(1)));
        assert_eq!(page.status().await.unwrap().evicted, Some(gone(1)));
        assert_eq!(device.open().await.unwrap().evicted(), None);
    });
}

#[test]
fn a_worker_that_makes_the_database_anew_hides_nothing_from_the_page() {
    block_on(async {
        let device = Device::new(&MemoryInstance::plain(), tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "lost"})).await;
        let heard = listening(&page);
        device.database.evict();
        let worker = device.open().await.unwrap();
        device.hub.deliver();
        assert_eq!(evictions(&heard.borrow()), [gone(1)]);
        create(&worker, "incident", json!({"short_description": "after"})).await;
        page.recognise().await.unwrap();
        assert_eq!(evictions(&heard.borrow()).len(), 1);
        assert_eq!(page.status().await.unwrap().pending, 1);
    });
}

#[test]
fn a_database_that_was_deleted_by_name_is_no_eviction() {
    block_on(async {
        let device = Device::new(&MemoryInstance::plain(), tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "a"})).await;
        // A run is under way, and ends only afterwards.
        let (_, deleted) = join(page.sync(push()), page.delete_database(true)).await;
        deleted.unwrap();
        assert_eq!(device.open().await.unwrap().evicted(), None);
    });
}

#[test]
fn an_eviction_at_any_moment_of_a_sync_doubles_nothing_and_spoils_nothing_made_after() {
    block_on(async {
        for plain in [false, true] {
            for moment in 0..60 {
                let instance = if plain { MemoryInstance::plain() } else { MemoryInstance::with_extras() };
                let device = Device::new(&instance, tables(), 1);
                let page = device.open().await.unwrap();
                let parent = create(&page, "incident", json!({"short_description": "before"})).await;
                create(&page, "incident_task", json!({"incident": parent})).await;
                let evict = async {
                    for _ in 0..moment {
                        yield_now().await;
                    }
                    device.database.evict();
                };
                let (synced, ()) = join(page.sync(push()), evict).await;
                synced.unwrap();
                page.recognise().await.unwrap();
                create(&page, "incident", json!({"short_description": "after"})).await;
                page.sync(push()).await.unwrap();
                let rows = instance.rows("incident");
                let count = |text: &str| rows.iter().filter(|row| row["short_description"] == text).count();
                assert!(count("before") <= 1, "moment {moment}, plain {plain}: doubled");
                assert_eq!(count("after"), 1, "moment {moment}, plain {plain}");
                assert!(instance.rows("incident_task").len() <= 1, "moment {moment}, plain {plain}: doubled");
                is_sound(&page).await;
            }
        }
    });
}

#[test]
fn a_disk_that_is_full_at_any_commit_of_a_sync_costs_nothing_once_there_is_room() {
    block_on(async {
        for plain in [false, true] {
            let mut met = 0;
            for nth in 0..40 {
                let instance = if plain { MemoryInstance::plain() } else { MemoryInstance::with_extras() };
                let device = Device::new(&instance, tables(), 1);
                let page = device.open().await.unwrap();
                let parent = create(&page, "incident", json!({"short_description": "a"})).await;
                create(&page, "incident_task", json!({"incident": parent})).await;
                let (database, commits) = (device.database.clone(), Rc::new(Cell::new(0)));
                let seen = Rc::clone(&commits);
                let full = StoreError::Full("no room".to_owned());
                if nth == 0 {
                    database.fail_next_commit(full.clone());
                }
                device.database.after_commit(move |_| {
                    seen.set(seen.get() + 1);
                    if seen.get() == nth {
                        database.fail_next_commit(full.clone());
                    }
                });
                for _ in 0..6 {
                    if let Err(error) = page.sync(push()).await {
                        assert_eq!((error.code(), error.retryable()), ("storage_full", true));
                        met += 1;
                    }
                    device.clock.advance(page.next_sync_in().await.unwrap().unwrap_or(0));
                }
                for table in ["incident", "incident_task"] {
                    assert_eq!(instance.rows(table).len(), 1, "commit {nth}, plain {plain}: {table}");
                }
                is_sound(&page).await;
            }
            assert!(met > 4, "only {met} commits failed");
        }
    });
}

#[test]
fn a_database_is_not_opened_under_another_name() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({ "short_description": "x" })).await;
        let before = device.database.rows(StoreName::Meta);
        device.set_user("another");
        let Err(refused) = device.open().await else { panic!("opened") };
        assert_eq!((refused.code(), refused.retryable()), ("another_user", false));
        assert_eq!(device.database.rows(StoreName::Meta), before);
        device.set_user("tech.demo");
        device.open().await.unwrap().sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1);
    });
}
