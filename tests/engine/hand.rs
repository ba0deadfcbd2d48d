//! The user's hand: retry, edit, discard, and waiting for what becomes of an item.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake},
};

use futures_executor::block_on;
use futures_util::{future::join, poll};
use landfall::{
    core::{CoreError, Settled},
    engine::{AppRow, Client, EngineError},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
};
use serde_json::{Value, json};

use super::support::{create, push, row, tables};

fn no_second(table: &str, fields: &landfall::wire::Fields) -> Option<(u16, String)> {
    (table == "incident" && fields.get("short_description").is_some_and(|text| text.starts_with("bad")))
        .then(|| (403, "Not so.".to_owned()))
}

async fn outbox(page: &Client<MemoryPorts>) -> Vec<(String, String)> {
    let items = page.outbox(None, None, None).await.unwrap();
    items.into_iter().map(|item| (item.id, item.state.to_owned())).collect()
}

async fn get(page: &Client<MemoryPorts>, table: &str, id: &str) -> Option<AppRow> {
    page.get(table, id, true).await.unwrap()
}

fn device(instance: &MemoryInstance) -> Device {
    Device::new(instance, tables(), 1)
}

#[test]
fn a_refused_create_is_edited_and_goes_with_all_that_waited() {
    for instance in [MemoryInstance::with_extras(), MemoryInstance::plain()] {
        block_on(async {
            instance.refuse(no_second);
            let page = device(&instance).open().await.unwrap();
            let parent = create(&page, "incident", json!({"short_description": "bad", "priority": "1"})).await;
            create(&page, "incident_task", json!({"incident": parent})).await;
            page.sync(push()).await.unwrap();
            let items = outbox(&page).await;
            assert_eq!(items[0].1, "refused");

            page.edit(&items[0].0, row(json!({"short_description": "good", "priority": null}))).await.unwrap();
            let shown = get(&page, "incident", &parent).await.unwrap();
            assert_eq!((&shown["short_description"], &shown["$sync"]["state"]), (&json!("good"), &json!("local")));
            page.sync(push()).await.unwrap();
            assert_eq!(outbox(&page).await, []);
            let there = instance.rows("incident");
            assert_eq!((there.len(), there[0]["short_description"].as_str()), (1, "good"));
            assert_eq!(instance.rows("incident_task")[0]["incident"], there[0]["sys_id"]);
        });
    }
}

#[test]
fn discarding_a_create_takes_what_depends_on_it_and_nothing_else() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(no_second);
        let page = device(&instance).open().await.unwrap();
        let old = instance.put("incident_task", &[("short_description", "old"), ("incident", "before")]);
        let other = create(&page, "incident", json!({"short_description": "stays"})).await;
        page.sync(push()).await.unwrap();

        let parent = create(&page, "incident", json!({"short_description": "bad"})).await;
        let child = create(&page, "incident_task", json!({"incident": parent})).await;
        let grandchild = create(&page, "task", json!({"parent": child})).await;
        page.update("incident", &other, row(json!({"parent": child, "short_description": "changed"}))).await.unwrap();
        let free = create(&page, "task", json!({"parent": other})).await;
        page.sync(push()).await.unwrap();

        let refused = outbox(&page).await[0].0.clone();
        let gone = page.discard(&refused).await.unwrap();
        assert_eq!(gone.len(), 3, "{gone:?}");
        assert_eq!((gone[0].id.as_str(), gone[0].state), (refused.as_str(), "refused"));
        assert!(gone.iter().all(|item| item.sys_id != free));
        for (table, id) in [("incident", &parent), ("incident_task", &child), ("task", &grandchild)] {
            assert_eq!(get(&page, table, id).await, None);
        }
        // A record that stays only loses what pointed to it: what else was changed goes.
        let kept = get(&page, "incident", &other).await.unwrap();
        assert_eq!((&kept["short_description"], &kept["$sync"]["state"]), (&json!("changed"), &json!("changed")));
        assert_eq!(kept.get("parent").and_then(Value::as_str).unwrap_or(""), "");
        assert_eq!(outbox(&page).await.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["queued"]);
        assert_eq!(page.audit().await.unwrap().orphans, []);
        page.sync(push()).await.unwrap();
        assert_eq!(
            (&instance.rows("incident")[0]["short_description"], outbox(&page).await),
            (&"changed".into(), vec![])
        );
        assert_eq!((instance.rows("incident").len(), instance.rows("task").len()), (1, 1));
        assert_eq!(instance.rows("incident_task")[0]["sys_id"], old);
    });
}

#[test]
fn discarding_an_edit_or_a_deletion_brings_back_what_the_instance_has() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let page = device(&instance).open().await.unwrap();
        let id = create(&page, "incident", json!({"short_description": "a", "priority": "1"})).await;
        page.sync(push()).await.unwrap();
        page.update("incident", &id, row(json!({"short_description": "b"}))).await.unwrap();
        page.update("incident", &id, row(json!({"work_notes": "a note"}))).await.unwrap();
        let edit = outbox(&page).await[0].0.clone();
        page.discard(&edit).await.unwrap();
        let shown = get(&page, "incident", &id).await.unwrap();
        assert_eq!((&shown["short_description"], &shown["work_notes"]), (&json!("a"), &json!("a note")));
        assert_eq!(outbox(&page).await.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["queued"]);
        page.sync(push()).await.unwrap();

        page.update("incident", &id, row(json!({"short_description": "c"}))).await.unwrap();
        page.delete("incident", &id).await.unwrap();
        let deletion = outbox(&page).await[0].0.clone();
        page.discard(&deletion).await.unwrap();
        let shown = get(&page, "incident", &id).await.unwrap();
        assert_eq!((&shown["short_description"], &shown["$sync"]["state"]), (&json!("a"), &json!("synced")));
        page.sync(push()).await.unwrap();
        let there = instance.rows("incident");
        assert_eq!((there.len(), there[0]["short_description"].as_str()), (1, "a"));

        // Also where nothing else was unsent.
        page.delete("incident", &id).await.unwrap();
        let deletion = outbox(&page).await[0].0.clone();
        page.discard(&deletion).await.unwrap();
        let shown = get(&page, "incident", &id).await.unwrap();
        assert_eq!((&shown["short_description"], &shown["$sync"]["state"]), (&json!("a"), &json!("synced")));
    });
}

#[test]
fn what_may_be_at_the_instance_is_not_edited_but_may_be_given_up() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "x"})).await;
        let item = outbox(&page).await[0].0.clone();
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        let edited = page.edit(&item, row(json!({"short_description": "y"}))).await;
        assert_eq!(edited, Err(EngineError::Core(CoreError::AnswerUnknown(item.clone()))));
        assert_eq!(instance.rows("incident").len(), 1);
        // Given up here, it is an ordinary record of the instance, and no twin is made.
        page.discard(&item).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!((instance.rows("incident").len(), outbox(&page).await.len()), (1, 0));
    });
}

#[test]
fn a_journal_entry_nobody_can_ask_about_goes_again_on_the_users_word() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let id = create(&page, "incident", json!({"short_description": "x"})).await;
        page.sync(push()).await.unwrap();
        page.update("incident", &id, row(json!({"work_notes": "a note"}))).await.unwrap();
        device.remote.plan(None); // whether the line holds
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        page.sync(push()).await.unwrap();
        device.clock.advance(60_000);
        page.sync(push()).await.unwrap();
        let waiting = outbox(&page).await;
        assert_eq!(waiting[0].1, "unknown");
        page.retry(&waiting[0].0).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        assert_eq!(instance.rows("incident")[0]["work_notes"], "a note");
    });
}

#[test]
fn who_waits_is_told_once_it_is_settled_in_whatever_context() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = device(&instance);
        let (page, worker) = (device.open().await.unwrap(), device.open().await.unwrap());
        let id = create(&page, "incident", json!({"short_description": "x"})).await;
        let item = outbox(&page).await[0].0.clone();
        let sends = async {
            worker.sync(push()).await.unwrap();
            device.hub.deliver();
        };
        let (receipt, ()) = join(page.settled(&item), sends).await;
        let receipt = receipt.unwrap();
        assert_eq!((receipt.item.as_str(), receipt.state), (item.as_str(), Settled::Done));
        assert_eq!(receipt.records[0].sys_id, page.resolve_id(&id).await.unwrap());
        assert_eq!(page.settled(&item).await.unwrap(), receipt);

        // Its event lost, whoever waits finds out by looking.
        create(&page, "incident", json!({"short_description": "y"})).await;
        let item = outbox(&page).await[0].0.clone();
        let sends = async {
            worker.sync(push()).await.unwrap();
            device.hub.lose();
            device.clock.advance(20_000);
        };
        let (receipt, ()) = join(page.settled(&item), sends).await;
        assert_eq!(receipt, Err(EngineError::Core(CoreError::NoSuchItem(item))));

        create(&page, "incident", json!({"short_description": "z"})).await;
        let item = outbox(&page).await[0].0.clone();
        let (receipt, ()) = join(page.settled(&item), page.close()).await;
        assert!(receipt.is_err());
    });
}

#[test]
fn what_was_refused_and_edited_since_is_not_told_its_old_answer() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(no_second);
        let device = device(&instance);
        let (page, worker) = (device.open().await.unwrap(), device.open().await.unwrap());
        create(&page, "incident", json!({"short_description": "bad"})).await;
        let item = outbox(&page).await[0].0.clone();
        page.sync(push()).await.unwrap();
        assert_eq!(page.settled(&item).await.unwrap().state, Settled::Refused);

        page.edit(&item, row(json!({"short_description": "good"}))).await.unwrap();
        worker.sync(push()).await.unwrap();
        device.hub.lose();
        assert_eq!(page.settled(&item).await, Err(EngineError::Core(CoreError::NoSuchItem(item))), "it was made");

        // Refused elsewhere; edited here before that was heard.
        create(&page, "incident", json!({"short_description": "bad again"})).await;
        let item = outbox(&page).await[0].0.clone();
        worker.sync(push()).await.unwrap();
        page.edit(&item, row(json!({"short_description": "good"}))).await.unwrap();
        let sends = async {
            device.hub.deliver();
            worker.sync(push()).await.unwrap();
            device.hub.deliver();
        };
        let (receipt, ()) = join(page.settled(&item), sends).await;
        assert_eq!(receipt.unwrap().state, Settled::Done);
    });
}

#[derive(Default)]
struct Rung(AtomicBool);

impl Wake for Rung {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_leaves_one_waker_at_most_and_is_woken_when_the_database_goes() {
    let instance = MemoryInstance::plain();
    let device = device(&instance);
    let page = block_on(device.open()).unwrap();
    block_on(create(&page, "incident", json!({ "short_description": "x" })));
    let item = block_on(outbox(&page))[0].0.clone();
    let rung = Arc::new(Rung::default());
    let waker = Arc::clone(&rung).into();
    let mut context = Context::from_waker(&waker);
    for _ in 0..2 {
        let mut waits = Box::pin(page.settled(&item));
        for _ in 0..100 {
            assert!(waits.as_mut().poll(&mut context).is_pending());
            device.clock.advance(1_000);
        }
        assert!(Arc::strong_count(&rung) <= 4, "{}", Arc::strong_count(&rung));
        drop(waits);
        assert_eq!(Arc::strong_count(&rung), 2, "nothing is left of it");
    }
    let mut waits = Box::pin(page.settled(&item));
    for _ in 0..100 {
        assert!(waits.as_mut().poll(&mut context).is_pending());
    }
    rung.0.store(false, Ordering::Relaxed);
    block_on(page.delete_database(true)).unwrap();
    assert!(rung.0.load(Ordering::Relaxed));
    assert!(waits.as_mut().poll(&mut context).is_ready());
}

#[test]
fn a_fresh_context_that_tries_again_does_not_forget_that_the_instance_knows_keys() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let mut tables = tables();
        tables.insert("note".into(), serde_json::from_value(json!({ "correlationField": null })).unwrap());
        let device = Device::new(&instance, tables, 1);
        let page = device.open().await.unwrap();
        let id = create(&page, "note", json!({"text": "x"})).await;
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        let fresh = device.open().await.unwrap();
        let item = outbox(&fresh).await[0].0.clone();
        fresh.retry(&item).await.unwrap();
        // Still in doubt: what is written now follows it, under a key of its own.
        fresh.update("note", &id, row(json!({"text": "y"}))).await.unwrap();
        device.clock.advance(400_000);
        fresh.sync(push()).await.unwrap();
        assert_eq!(outbox(&fresh).await, []);
        let there = instance.rows("note");
        assert_eq!((there.len(), there[0]["text"].as_str()), (1, "y"));
    });
}

#[test]
fn an_edit_that_does_not_fit_its_item_is_refused() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(|_, fields| fields.contains_key("state").then(|| (403, "no".into())));
        let page = device(&instance).open().await.unwrap();
        let [changed, noted, gone] = [1, 2, 3].map(|number| json!({ "short_description": number.to_string() }));
        let changed = create(&page, "incident", changed).await;
        let noted = create(&page, "incident", noted).await;
        let gone = create(&page, "incident", gone).await;
        page.sync(push()).await.unwrap();
        instance.refuse(|_, _| Some((403, "no".into())));
        page.update("incident", &changed, row(json!({ "state": "2" }))).await.unwrap();
        page.update("incident", &noted, row(json!({ "work_notes": "a note" }))).await.unwrap();
        page.delete("incident", &gone).await.unwrap();
        page.sync(push()).await.unwrap();
        let items: Vec<String> = outbox(&page).await.into_iter().map(|(id, _)| id).collect();
        for (item, changes, why) in [
            (0, json!({ "work_notes": "x" }), "each entry of “work_notes” is an item of its own"),
            (1, json!({ "state": "3" }), "it is an entry of its own, and “state” is not in it"),
            (2, json!({ "state": "3" }), "a deletion has no fields"),
        ] {
            let error = page.edit(&items[item], row(changes)).await.unwrap_err();
            assert_eq!(error.code(), "not_editable");
            assert!(error.to_string().contains(why), "{error}");
        }
        instance.accept();
        page.edit(&items[0], row(json!({ "state": "3" }))).await.unwrap();
        page.edit(&items[1], row(json!({ "work_notes": "another note" }))).await.unwrap();
        page.retry(&items[2]).await.unwrap();
        page.sync(push()).await.unwrap();
        let rows = instance.rows("incident");
        assert_eq!((rows.len(), rows[0]["state"].as_str()), (2, "3"));
        assert_eq!(get(&page, "incident", &changed).await.unwrap()["state"], "3");
        assert_eq!(outbox(&page).await, []);
    });
}

#[test]
fn an_edit_of_a_create_that_names_a_younger_record_follows_it() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(|_, fields| (!fields.contains_key("state")).then(|| (403, "state is mandatory".into())));
        let page = device(&instance).open().await.unwrap();
        let older = create(&page, "incident", json!({ "short_description": "older" })).await;
        page.sync(push()).await.unwrap();
        let younger = create(&page, "incident", json!({ "state": "1", "parent": older })).await;
        let item = outbox(&page).await[0].0.clone();
        page.edit(&item, row(json!({ "state": "1", "parent": younger }))).await.unwrap();
        assert_eq!(get(&page, "incident", &older).await.unwrap()["parent"].as_str(), Some(younger.as_str()));
        instance.accept();
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        let rows = instance.rows("incident");
        assert_eq!((&rows[0]["parent"], &rows[1]["parent"]), (&rows[1]["sys_id"], &rows[0]["sys_id"]));
        assert_eq!(page.audit().await.unwrap().orphans, []);
    });
}

#[test]
fn discarding_a_later_change_of_a_record_made_here_leaves_the_record_as_it_was_made() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let page = device(&instance).open().await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        page.update("incident", &id, row(json!({ "work_notes": "a note" }))).await.unwrap();
        let note = outbox(&page).await[1].0.clone();
        assert_eq!(page.discard(&note).await.unwrap().len(), 1);
        let shown = get(&page, "incident", &id).await.unwrap();
        assert_eq!((shown.get("work_notes"), &shown["short_description"]), (None, &json!("x")));
        page.sync(push()).await.unwrap();
        assert_eq!((outbox(&page).await.len(), instance.rows("incident").len()), (0, 1));
    });
}

#[test]
fn who_waits_for_one_of_very_many_that_go_at_once_is_told() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let mut device = device(&instance);
        device.set_batch_size(300);
        let page = device.open().await.unwrap();
        page.create_many("incident", (0..300).map(|_| row(json!({}))).collect()).await.unwrap();
        let item = outbox(&page).await[0].0.clone();
        let mut waits = Box::pin(page.settled(&item));
        for _ in 0..10 {
            assert!(poll!(&mut waits).is_pending());
        }
        assert_eq!(page.sync(push()).await.unwrap().requests, 2, "all in one batch");
        let Poll::Ready(receipt) = poll!(&mut waits) else { panic!("nobody has told it") };
        assert_eq!(receipt.unwrap().state, Settled::Done);
    });
}
