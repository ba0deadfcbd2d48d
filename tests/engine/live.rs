//! A live query is asked again when its answer may be another, and gives it when it is.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::Event,
    engine::{AppRow, Client, LiveQuery, SyncOptions},
    testing::{Device, MemoryHub, MemoryInstance, MemoryPorts},
};
use serde_json::{Value, json};

type Page = Client<MemoryPorts>;

fn row(value: &Value) -> AppRow {
    value.as_object().unwrap().clone()
}

fn device(instance: &MemoryInstance) -> Device {
    let tables = json!({
        "task": { "indexes": ["state"] },
        "incident": { "extends": "task", "references": { "parent": "incident" } },
        "other": {},
    });
    Device::new(instance, serde_json::from_value(tables).unwrap(), 1)
}

/// A live query, and how often it was called for.
struct Watched {
    hub: MemoryHub,
    live: Rc<LiveQuery<MemoryPorts>>,
    calls: Rc<RefCell<u32>>,
}

impl Watched {
    fn new(device: &Device, page: &Page, table: &str, query: &str, offset: usize, limit: Option<usize>) -> Self {
        let live = Rc::new(LiveQuery::new(page.clone(), table.to_owned(), query.to_owned(), offset, limit));
        let calls = Rc::<RefCell<u32>>::default();
        live.begin();
        let (hearing, count) = (Rc::clone(&live), Rc::clone(&calls));
        page.listen(Rc::new(move |event: &Event| *count.borrow_mut() += u32::from(hearing.hear(event))));
        Self { hub: device.hub.clone(), live, calls }
    }

    async fn rows(&self) -> Option<Vec<AppRow>> {
        self.hub.deliver();
        self.live.answer().await.unwrap()
    }

    /// What is given, by a field; nothing, if it is the same.
    async fn now(&self) -> Option<Vec<String>> {
        let rows = self.rows().await?;
        Some(rows.iter().map(|row| row["short_description"].as_str().unwrap().to_owned()).collect())
    }
}

async fn make(page: &Page, table: &str, name: &str, state: &str) -> String {
    let made = page.create_many(table, vec![row(&json!({ "short_description": name, "state": state }))]).await.unwrap();
    made[0]["sys_id"].as_str().unwrap().to_owned()
}

async fn update(page: &Page, id: &str, changes: Value) {
    page.update("incident", id, row(&changes)).await.unwrap();
}

#[test]
fn what_may_alter_the_answer_is_asked_and_what_alters_it_is_given() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        let first = make(&page, "incident", "a", "1").await;
        let watched = Watched::new(&device, &page, "task", "state=1^ORDERBYshort_description", 0, None);
        assert_eq!(watched.now().await, Some(vec!["a".to_owned()]));
        assert_eq!(watched.now().await, None, "nothing has happened");

        // By whatever context.
        let second = make(&other, "incident", "b", "1").await;
        assert_eq!(watched.now().await.unwrap(), ["a", "b"]);
        make(&other, "task", "of the parent", "1").await;
        assert_eq!(watched.now().await.unwrap(), ["a", "b", "of the parent"]);
        update(&other, &first, json!({ "state": "2" })).await;
        assert_eq!(watched.now().await.unwrap(), ["b", "of the parent"]);
        update(&other, &second, json!({ "short_description": "z" })).await;
        assert_eq!(watched.now().await.unwrap(), ["of the parent", "z"]);
        page.delete("incident", &second).await.unwrap();
        assert_eq!(watched.now().await.unwrap(), ["of the parent"]);
        update(&page, &first, json!({ "state": "1" })).await;
        assert_eq!(watched.now().await.unwrap(), ["a", "of the parent"]);

        // Nothing of it is in the answer, before or after.
        watched.calls.replace(0);
        make(&page, "other", "elsewhere", "1").await;
        assert_eq!(*watched.calls.borrow(), 0, "of another table");
        let third = make(&page, "incident", "c", "3").await;
        update(&page, &third, json!({ "short_description": "d" })).await;
        assert!(*watched.calls.borrow() > 0);
        let reads = device.database.reads();
        assert_eq!(watched.now().await, None);
        assert!(device.database.reads() - reads <= 4, "the record alone is looked at");
    });
}

#[test]
fn one_transaction_is_one_answer() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let watched = Watched::new(&device, &page, "incident", "", 0, None);
        assert!(watched.now().await.unwrap().is_empty());
        let tx = page.begin().await.unwrap();
        for name in ["a", "b", "c"] {
            tx.create("incident", row(&json!({ "short_description": name }))).await.unwrap();
        }
        assert_eq!(watched.now().await, None, "nothing is saved yet");
        assert!(tx.commit().await.unwrap());
        assert_eq!(watched.now().await.unwrap().len(), 3);
        assert_eq!(watched.now().await, None);
    });
}

#[test]
fn what_a_sync_does_to_what_is_unsent_is_given() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let parent = make(&page, "incident", "a", "1").await;
        let child = row(&json!({ "short_description": "b", "state": "2", "parent": parent }));
        page.create_many("incident", vec![child]).await.unwrap();
        let states = |rows: &[AppRow]| {
            rows.iter().map(|row| row["$sync"]["state"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        // Of the two it has the one that waits for the other.
        let watched = Watched::new(&device, &page, "incident", "state=2", 0, None);
        let rows = watched.rows().await.unwrap();
        assert_eq!(states(&rows), ["local"]);
        page.set_offline(true).await.unwrap();
        let rows = watched.rows().await;
        assert!(rows.is_none_or(|rows| states(&rows) == ["local"] || states(&rows) == ["waiting"]));
        page.set_offline(false).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let rows = watched.rows().await.unwrap();
        assert_eq!(
            (states(&rows), rows[0]["sys_id"].as_str().unwrap().starts_with("tmp_")),
            (vec!["synced".to_owned()], false)
        );
        assert_eq!(rows[0]["parent"], json!(instance.rows("incident")[0]["sys_id"]));
        assert_eq!(watched.now().await, None);
    });
}

/// Of the first that match only some are given: what is before them shifts them.
#[test]
fn a_page_of_it_moves_with_what_is_before() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        for name in ["b", "c", "d", "e"] {
            make(&page, "incident", name, "1").await;
        }
        let first = Watched::new(&device, &page, "incident", "ORDERBYshort_description", 0, Some(2));
        let second = Watched::new(&device, &page, "incident", "ORDERBYshort_description", 2, Some(2));
        assert_eq!(
            (first.now().await.unwrap(), second.now().await.unwrap()),
            (vec!["b".into(), "c".into()], vec!["d".into(), "e".into()])
        );
        let made = make(&page, "incident", "a", "1").await;
        assert_eq!(
            (first.now().await.unwrap(), second.now().await.unwrap()),
            (vec!["a".into(), "b".into()], vec!["c".into(), "d".into()])
        );
        page.delete("incident", &made).await.unwrap();
        assert_eq!(
            (first.now().await.unwrap(), second.now().await.unwrap()),
            (vec!["b".into(), "c".into()], vec!["d".into(), "e".into()])
        );
        make(&page, "incident", "z", "1").await;
        assert_eq!((first.now().await, second.now().await), (None, None));
    });
}

#[test]
fn what_was_not_heard_is_made_up_for() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let live = LiveQuery::new(page.clone(), "incident".into(), String::new(), 0, None);
        assert_eq!(live.answer().await.unwrap().unwrap().len(), 0);
        make(&page, "incident", "a", "1").await;
        assert_eq!(live.answer().await.unwrap(), None, "nobody has told it");
        live.begin();
        assert_eq!(live.answer().await.unwrap().unwrap().len(), 1);
        live.begin();
        assert_eq!(live.answer().await.unwrap(), None, "the same is not given again");
        let wrong = LiveQuery::new(page.clone(), "incident".into(), "state".into(), 0, None);
        assert!(wrong.answer().await.unwrap_err().to_string().contains("state"));
    });
}
