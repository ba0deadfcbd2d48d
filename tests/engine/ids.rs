//! Permanent ids: numbers, and the same one in two tables.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::{Event, schema::TableOptions},
    engine::{AppRow, Client, SyncOptions},
    testing::{Device, Fault, MemoryInstance, MemoryPorts, listening},
    wire::Method,
};
use serde_json::{Value, json};

use super::both::{is_clean, row_of, text};
use super::support::{create, push, resp};

fn tables() -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json!({
        "incident": { "references": { "caller_id": "sys_user" }, "cache": {} },
        "incident_task": { "references": { "incident": "incident" } },
        "sys_user": { "cache": {} },
    }))
    .unwrap()
}

async fn value(page: &Client<MemoryPorts>, table: &str, id: &str, field: &str) -> Option<Value> {
    let row = page.get(table, id, false).await.unwrap();
    row.map(|row| row.get(field).cloned().unwrap_or_default())
}

/// The one record that an instance has of a table, and what it was asked about it.
#[derive(Default)]
struct One {
    row: RefCell<AppRow>,
    log: RefCell<Vec<String>>,
}

/// Answers for these tables as an instance that gives each first record this id; the rest goes its way.
fn gives(device: &Device, id: Value, tables: &[&'static str]) -> BTreeMap<&'static str, Rc<One>> {
    let ones: BTreeMap<&str, Rc<One>> = tables.iter().map(|table| (*table, Rc::default())).collect();
    let asked = ones.clone();
    device.remote.set_rule(move |request| {
        let path = request.path.split_once('?')?.0.strip_prefix("/api/now/table/")?;
        let one = asked.get(path.split('/').next()?)?;
        one.log.borrow_mut().push(format!("{} {path}", request.method.as_str()));
        let mut row = one.row.borrow_mut();
        if let Some(body) = &request.body {
            row.extend(serde_json::from_slice::<AppRow>(body).unwrap());
            row.insert("sys_id".to_owned(), id.clone());
        }
        let rows = if row.is_empty() { json!([]) } else { json!([*row]) };
        let result = if request.method == Method::Get { rows } else { json!(*row) };
        Some(Fault::Answer(resp(200, &json!({ "result": result }).to_string())))
    });
    ones
}

#[test]
fn a_number_takes_the_temporary_ids_place_as_text() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = Device::new(&instance, tables(), 1);
        device.set_batch_size(1);
        let numbers = Rc::clone(&gives(&device, json!(7), &["incident"])["incident"]);
        let page = device.open().await.unwrap();
        let incident = create(&page, "incident", json!({ "short_description": "first" })).await;
        let task = create(&page, "incident_task", json!({ "incident": incident })).await;
        page.sync(push()).await.unwrap();
        assert_eq!(page.resolve_id(&incident).await.unwrap(), "7");
        assert_eq!(value(&page, "incident", "7", "sys_id").await, Some(json!("7")));
        assert_eq!(value(&page, "incident_task", &task, "incident").await, Some(json!("7")));
        assert_eq!(instance.rows("incident_task")[0]["incident"], "7");

        page.update("incident", &incident, row_of("short_description", "second")).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(numbers.log.borrow().last().unwrap(), "PATCH incident/7");
        assert_eq!(numbers.row.borrow()["short_description"], "second");

        numbers.row.borrow_mut().insert("short_description".to_owned(), json!("third"));
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(page.count("incident", "").await.unwrap(), 1);
        for id in ["7", &incident] {
            assert_eq!(value(&page, "incident", id, "short_description").await, Some(json!("third")));
        }
        is_clean(&page).await;
    });
}

#[test]
fn the_same_id_in_two_tables_is_two_records() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let incident = [("sys_id", "7"), ("short_description", "pump")];
        instance.put("incident", &incident);
        instance.put("sys_user", &[("sys_id", "7"), ("name", "Ada")]);
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let has = async |said: Option<&str>, name: Option<&str>| {
            assert_eq!(value(&page, "incident", "7", "short_description").await, said.map(Value::from));
            assert_eq!(value(&page, "sys_user", "7", "name").await, name.map(Value::from));
        };
        has(Some("pump"), Some("Ada")).await;

        page.update("incident", "7", row_of("short_description", "valve")).await.unwrap();
        page.update("sys_user", "7", row_of("name", "Grace")).await.unwrap();
        has(Some("valve"), Some("Grace")).await;
        let items = page.outbox(None, None, None).await.unwrap();
        page.discard(&items[0].id).await.unwrap();
        has(Some("pump"), Some("Grace")).await;
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("sys_user")[0]["name"], "Grace");
        assert_eq!(instance.rows("incident")[0]["short_description"], "pump");

        page.delete("incident", "7").await.unwrap();
        has(None, Some("Grace")).await;
        // The deletion is unsent, and keeps nothing from the other record.
        instance.put("sys_user", &[("sys_id", "7"), ("name", "Edith")]);
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        has(None, Some("Edith")).await;
        page.sync(push()).await.unwrap();
        assert_eq!((instance.rows("incident").len(), instance.rows("sys_user").len()), (0, 1));

        instance.put("incident", &incident);
        instance.remove("sys_user", "7");
        page.sync(SyncOptions::default()).await.unwrap();
        has(Some("pump"), None).await;
        is_clean(&page).await;
    });
}

#[test]
fn records_made_here_that_get_the_same_id_in_two_tables_stay_two() {
    block_on(async {
        let mut device = Device::new(&MemoryInstance::plain(), tables(), 1);
        device.set_batch_size(1);
        let same = gives(&device, json!("7"), &["incident", "sys_user"]);
        let page = device.open().await.unwrap();
        let heard = listening(&page);
        let user = create(&page, "sys_user", json!({ "name": "Ada" })).await;
        let incident = create(&page, "incident", json!({ "caller_id": user, "short_description": "pump" })).await;
        page.sync(SyncOptions::default()).await.unwrap();
        page.update("incident", &incident, row_of("short_description", "valve")).await.unwrap();
        page.delete("sys_user", &user).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(same["incident"].log.borrow().last().unwrap(), "PATCH incident/7");
        assert_eq!(same["sys_user"].log.borrow().last().unwrap(), "DELETE sys_user/7");
        let kept = page.get("incident", &incident, false).await.unwrap().unwrap();
        assert_eq!((text(&kept, "caller_id"), text(&kept, "short_description")), ("7".into(), "valve".into()));
        assert_eq!(page.get("sys_user", &user, true).await.unwrap(), None);
        let told = heard.borrow().iter().any(|event| matches!(event, Event::Error { .. }));
        assert!(!told, "{heard:?}");
        is_clean(&page).await;
    });
}
