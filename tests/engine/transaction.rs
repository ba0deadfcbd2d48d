//! Several writes in one transaction, and reads between which another context writes.

use std::pin::pin;

use futures_executor::block_on;
use futures_util::FutureExt as _;
use landfall::{
    core::CoreError,
    engine::EngineError,
    testing::{Device, MemoryInstance},
};
use serde_json::json;

use super::support::{create, push, row, tables};

#[test]
fn all_of_it_is_written_in_one_commit_and_sent_parents_first() {
    for instance in [MemoryInstance::with_extras(), MemoryInstance::plain()] {
        block_on(async {
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let old = create(&page, "incident", json!({"short_description": "old"})).await;
            let tx = page.begin().await.unwrap();
            let made = tx.create("incident", row(json!({"short_description": "a"}))).await.unwrap();
            let parent = made["sys_id"].as_str().unwrap().to_owned();
            tx.create("incident_task", row(json!({"incident": parent}))).await.unwrap();
            tx.update("incident", &parent, row(json!({"short_description": "b"}))).await.unwrap();
            tx.delete("incident", &old).await.unwrap();
            assert_eq!(tx.get("incident", &parent, false).await.unwrap().unwrap()["short_description"], "b");
            assert_eq!(tx.get("incident", &old, true).await.unwrap(), None);
            assert_eq!(page.get("incident", &parent, false).await.unwrap(), None);
            assert!(tx.commit().await.unwrap());
            assert_eq!(tx.commit().await, Err(EngineError::Core(CoreError::TransactionOver)));

            let items = page.outbox(None, None, None).await.unwrap();
            assert_eq!(items.len(), 2);
            assert!(items[0].group.is_some() && items[0].group == items[1].group);
            assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
            let there = instance.rows("incident");
            assert_eq!((there.len(), there[0]["short_description"].as_str()), (1, "b"));
            assert_eq!(instance.rows("incident_task")[0]["incident"], there[0]["sys_id"]);
        });
    }
}

#[test]
fn what_another_tab_has_changed_meanwhile_makes_it_stale_and_a_given_up_one_leaves_nothing() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        let id = create(&page, "incident", json!({"priority": "1"})).await;
        for stale in [true, false] {
            let tx = page.begin().await.unwrap();
            tx.get("incident", &id, false).await.unwrap();
            tx.create("incident", row(json!({"short_description": "from what was read"}))).await.unwrap();
            if stale {
                other.update("incident", &id, row(json!({"priority": "2"}))).await.unwrap();
            }
            assert_eq!(tx.commit().await.unwrap(), !stale);
            assert_eq!(page.count("incident", "").await.unwrap(), if stale { 1 } else { 2 });
        }
        let tx = page.begin().await.unwrap();
        tx.delete("incident", &id).await.unwrap();
        assert!(tx.give_up().await.unwrap());
        let tx = page.begin().await.unwrap();
        tx.get("incident", &id, false).await.unwrap();
        other.update("incident", &id, row(json!({"priority": "3"}))).await.unwrap();
        assert!(!tx.give_up().await.unwrap());
        assert_eq!(page.count("incident", "").await.unwrap(), 2);
    });
}

#[test]
fn a_record_is_found_in_the_moment_it_changes_its_id() {
    // The receipt falls into each of the moments at which the search waits for the store.
    for moment in 0..8 {
        block_on(async {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let (page, worker) = (device.open().await.unwrap(), device.open().await.unwrap());
            let id = create(&page, "incident", json!({"short_description": "x"})).await;
            let mut search = pin!(page.get("incident", &id, false));
            let mut early = None;
            for _ in 0..moment {
                if early.is_none() {
                    early = search.as_mut().now_or_never();
                }
            }
            worker.sync(push()).await.unwrap();
            let found = match early {
                Some(found) => found,
                None => search.await,
            };
            assert!(found.unwrap().is_some(), "nowhere at moment {moment}");
        });
    }
}

#[test]
fn a_sync_that_does_not_touch_the_record_does_not_make_a_write_stale() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(|_, _| Some((403, "no".into())));
        let device = Device::new(&instance, tables(), 1);
        let (page, worker) = (device.open().await.unwrap(), device.open().await.unwrap());
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        page.sync(push()).await.unwrap();
        let transaction = page.begin().await.unwrap();
        transaction.update("incident", &id, row(json!({ "short_description": "y" }))).await.unwrap();
        // It renews the lease, which the row shown by the update was drawn from.
        worker.sync(push()).await.unwrap();
        assert!(transaction.commit().await.unwrap());
    });
}

/// It would be left out, and nobody be told.
#[test]
fn a_write_that_is_not_awaited_is_the_end_of_its_transaction() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let transaction = page.begin().await.unwrap();
        let mut write = Box::pin(transaction.create("incident", row(json!({}))));
        assert!(futures_util::poll!(&mut write).is_pending());
        assert_eq!(transaction.commit().await.unwrap_err().code(), "transaction_over");
        assert_eq!(write.await.unwrap_err().code(), "transaction_over");
        assert_eq!(page.audit().await.unwrap().records, 0);
    });
}

/// Its connection died before it could be told, and all that it wrote was sent, and written over, before it could try again.
#[test]
fn a_write_that_was_done_is_not_done_again_when_nothing_of_it_is_as_it_was() {
    for instance in [MemoryInstance::with_extras(), MemoryInstance::plain()] {
        block_on(async {
            let device = Device::new(&instance, tables(), 1);
            let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
            let id = create(&page, "incident", json!({"short_description": "x"})).await;
            page.sync(push()).await.unwrap();
            let forget = || {
                let (other, hub) = (other.clone(), device.hub.clone());
                device.database.forget_next_commit(async move {
                    other.sync(push()).await.unwrap();
                    hub.deliver();
                });
            };
            // An entry.
            forget();
            page.update("incident", &id, row(json!({"work_notes": "once"}))).await.unwrap();
            assert_eq!(page.outbox(None, None, None).await.unwrap().len(), 0);
            let patches = |log: &[String]| log.iter().filter(|line| line.starts_with("PATCH")).count();
            assert_eq!(patches(&instance.log()), 1);
            // Several at once: the temporary ids are new each time.
            let tx = page.begin().await.unwrap();
            tx.create("incident", row(json!({"short_description": "y"}))).await.unwrap();
            tx.update("incident", &id, row(json!({"short_description": "changed"}))).await.unwrap();
            forget();
            assert!(tx.commit().await.unwrap());
            assert_eq!(instance.rows("incident").len(), 2);
            // A deletion, of which not even the record is left.
            forget();
            page.delete("incident", &id).await.unwrap();
            assert_eq!(instance.rows("incident").len(), 1);
            // One that is still there.
            device.database.forget_next_commit(async {});
            create(&page, "incident", json!({"short_description": "z"})).await;
            assert_eq!(page.outbox(None, None, None).await.unwrap().len(), 1);
            // What was not done is still stale: an edit of what is unsent, say.
            let unsent = page.outbox(None, None, None).await.unwrap().remove(0);
            let tx = page.begin().await.unwrap();
            tx.update("incident", &unsent.sys_id, row(json!({"priority": "2"}))).await.unwrap();
            other.sync(push()).await.unwrap();
            device.hub.deliver();
            assert!(!tx.commit().await.unwrap());
        });
    }
}

#[test]
fn on_a_plain_instance_too_what_belongs_together_goes_in_one_run_and_in_order() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let write = async || {
            let tx = page.begin().await.unwrap();
            let parent = tx.create("incident", row(json!({}))).await.unwrap()["sys_id"].as_str().unwrap().to_owned();
            for _ in 0..2 {
                tx.create("incident_task", row(json!({"incident": parent}))).await.unwrap();
            }
            assert!(tx.commit().await.unwrap());
        };
        let posts = || {
            let log = instance.log();
            log.into_iter()
                .filter_map(|line| line.strip_prefix("POST /api/now/table/").map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let all = ["incident", "incident_task", "incident_task"];
        // Whether its tables keep the temporary id is not known: one by one, and yet in one run.
        write().await;
        let report = page.sync(push()).await.unwrap();
        assert_eq!(
            (report.reconciled, report.remaining, posts()),
            (3, 0, all.map(str::to_owned).to_vec()),
            "{report:?}"
        );
        // Now it is: the parent, and then all that points to it.
        write().await;
        let before = device.remote.sent();
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.reconciled, report.remaining), (3, 0), "{report:?}");
        assert_eq!(posts()[3..], all);
        // Each of the two tables is searched for twins, too.
        assert_eq!(device.remote.sent() - before, 2 + 2);
        for child in instance.rows("incident_task") {
            assert!(instance.rows("incident").iter().any(|row| row["sys_id"] == child["incident"]), "{child:?}");
        }
    });
}

#[test]
fn one_of_a_transaction_that_is_refused_parks_only_what_depends_on_it() {
    for instance in [MemoryInstance::with_extras(), MemoryInstance::plain()] {
        block_on(async {
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            instance
                .refuse(|_, fields| fields.get("priority").is_some_and(|it| it == "bad").then(|| (403, "No".into())));
            let tx = page.begin().await.unwrap();
            let id = |row: &landfall::engine::AppRow| row["sys_id"].as_str().unwrap().to_owned();
            let bad = id(&tx.create("incident", row(json!({"priority": "bad"}))).await.unwrap());
            let child = id(&tx.create("incident_task", row(json!({"incident": bad}))).await.unwrap());
            let good = id(&tx.create("incident", row(json!({"short_description": "good"}))).await.unwrap());
            let its = id(&tx.create("incident_task", row(json!({"incident": good}))).await.unwrap());
            assert!(tx.commit().await.unwrap());
            for _ in 0..2 {
                page.sync(push()).await.unwrap();
                device.clock.advance(400_000);
            }
            let left = page.outbox(None, None, None).await.unwrap();
            let left: Vec<_> = left.iter().map(|item| (item.sys_id.as_str(), item.state)).collect();
            assert_eq!(left, [(bad.as_str(), "refused"), (child.as_str(), "waiting")]);
            for landed in [&good, &its] {
                assert_ne!(page.resolve_id(landed).await.unwrap(), *landed);
            }
            instance.accept();
            let item = page.outbox(None, None, None).await.unwrap().remove(0).id;
            page.retry(&item).await.unwrap();
            page.sync(push()).await.unwrap();
            assert_eq!(page.outbox(None, None, None).await.unwrap().len(), 0);
            assert_eq!((instance.rows("incident").len(), instance.rows("incident_task").len()), (2, 2));
        });
    }
}
