//! Tables of which only some fields are brought.

use futures_executor::block_on;
use landfall::{
    core::Event,
    engine::{Client, SyncOptions},
    testing::{Device, Fault, MemoryInstance, MemoryPorts, listening},
    wire::Method,
};
use serde_json::{Value, json};

use super::{
    changes::{counted, sync},
    support::{create, push, row},
};

type Page = Client<MemoryPorts>;

fn device(instance: &MemoryInstance, cache: Value) -> Device {
    let tables = json!({ "note": { "actedAtField": "u_acted_at", "journals": ["remarks"], "cache": cache } });
    Device::new(instance, serde_json::from_value(tables).unwrap(), 1)
}

fn shifted(device: &mut Device, cache: Value) {
    device.set_tables(serde_json::from_value(json!({ "note": { "cache": cache } })).unwrap());
}

async fn note(page: &Page, id: &str) -> Value {
    Value::Object(page.get("note", id, false).await.unwrap().unwrap())
}

#[test]
fn only_these_are_asked_for_with_what_the_engine_needs() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids: Vec<String> =
            (0..1_200).map(|n| instance.put("note", &[("n", &n.to_string()), ("text", "long")])).collect();
        let device = device(&instance, json!({ "fields": ["n"], "query": "kind!=x^ORDERBYrank" }));
        let page = device.open().await.unwrap();
        let asked = counted(&device);
        assert_eq!(sync(&page).await.pulled, 1_200);
        instance.put("note", &[("sys_id", &ids[0]), ("n", "new"), ("text", "longer")]);
        sync(&page).await;
        let needed = "correlation_id%2Ckind%2Cn%2Crank%2Csys_class_name%2Csys_created_on%2Csys_id%2Csys_mod_count%2Csys_updated_on%2Cu_acted_at&";
        let brings = |path: &&String| path.contains(&format!("sysparm_fields={needed}"));
        assert_eq!(asked.borrow().iter().filter(brings).count(), 4, "{:?}", asked.borrow());
        let whole = |path: &&String| !path.contains("sysparm_fields=");
        assert_eq!(asked.borrow().iter().filter(whole).count(), 0, "{:?}", asked.borrow());
        let first = note(&page, &ids[0]).await;
        assert_eq!((&first["n"], first.get("text")), (&json!("new"), None));
    });
}

#[test]
fn what_is_known_besides_stays_and_what_was_emptied_does_not() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let id = instance.put("note", &[("n", "1"), ("text", "long"), ("kind", "a")]);
        let device = device(&instance, json!({ "fields": ["n", "kind"] }));
        let page = device.open().await.unwrap();
        sync(&page).await;
        assert_eq!(note(&page, &id).await.get("text"), None);
        // The answer to a write is a whole row.
        page.update("note", &id, row(json!({ "n": "2" }))).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(note(&page, &id).await["text"], "long");
        instance.put("note", &[("sys_id", &id), ("n", "3"), ("text", "longer"), ("kind", "")]);
        sync(&page).await;
        let now = note(&page, &id).await;
        assert_eq!([&now["n"], &now["text"]], ["3", "long"]);
        assert_eq!((&now["kind"], &now["$sync"]["state"]), (&json!(""), &json!("synced")));

        // Under an unsent change as well; given up, it leaves what is known of the instance's.
        page.update("note", &id, row(json!({ "kind": "mine" }))).await.unwrap();
        instance.put("note", &[("sys_id", &id), ("n", "4")]);
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        let item = page.outbox(None, None, None).await.unwrap().remove(0);
        page.discard(&item.id).await.unwrap();
        let now = note(&page, &id).await;
        assert_eq!((&now["n"], &now["text"], now.get("kind")), (&json!("4"), &json!("long"), None));
    });
}

#[test]
fn another_list_brings_the_table_anew() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..1_200 {
            instance.put("note", &[("n", &n.to_string()), ("text", "long"), ("kind", "a")]);
        }
        let mut device = device(&instance, json!({ "fields": ["n"] }));
        let page = device.open().await.unwrap();
        sync(&page).await;
        assert_eq!(sync(&page).await.pulled, 0);
        page.close().await;
        for (cache, text, kind) in [
            (json!({ "fields": ["n", "text"] }), 1_200, 0),
            (json!({ "fields": ["text", "n", "n"] }), 1_200, 0),
            (json!({}), 1_200, 1_200),
        ] {
            shifted(&mut device, cache);
            let page = device.open().await.unwrap();
            sync(&page).await;
            let count = async |query: &str| page.count("note", query).await.unwrap();
            assert_eq!((count("text=long").await, count("kind=a").await), (text, kind));
            page.close().await;
        }
        // The same in another order is the same.
        shifted(&mut device, json!({ "fields": ["n", "text"] }));
        let page = device.open().await.unwrap();
        sync(&page).await;
        page.close().await;
        shifted(&mut device, json!({ "fields": ["text", "n"] }));
        let page = device.open().await.unwrap();
        assert_eq!(sync(&page).await.requests, 2);
    });
}

/// The answer to a create was lost, and a refresh brings its record with the fields of the list.
#[test]
fn a_row_in_part_that_is_a_lost_answer_says_nothing_of_the_rest() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance, json!({ "fields": ["n"] }));
        let page = device.open().await.unwrap();
        create(&page, "note", json!({ "n": "first" })).await;
        sync(&page).await;
        let made = create(&page, "note", json!({ "n": "1", "text": "mine", "remarks": "an entry" })).await;
        device.remote.set_rule(|request| (request.method == Method::Post).then_some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        device.remote.set_rule(|_| None);
        let heard = listening(&page);
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        let reconciled = |event: &Event| matches!(event, Event::Reconciled { .. });
        assert!(heard.borrow().iter().any(reconciled), "{heard:?}");
        let now = note(&page, &made).await;
        assert_eq!((&now["text"], now["$sync"].get("notKept")), (&json!("mine"), None), "{now}");
        // Its answer would have been the whole of it.
        sync(&page).await;
        let now = note(&page, &made).await;
        assert_eq!((now["number"].is_string(), &now["$sync"]["state"]), (true, &json!("synced")), "{now}");
        assert_eq!(instance.rows("note").len(), 2);
    });
}

#[test]
fn what_leads_on_is_brought_too_and_read_where_only_a_pin_names_it() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let place = instance.put("place", &[]);
        let boss = instance.put("user", &[]);
        let user = instance.put("user", &[("place", &place), ("boss", &boss), ("boss_table", "user"), ("phone", "1")]);
        let part = instance.put("part", &[]);
        let note = instance.put("note", &[("of", &user), ("of_table", "user"), ("text", "long")]);
        instance.put("link", &[("to", &note), ("part", &part)]);
        let tables = json!({
            "note": {
                "references": { "of": { "table": "of_table" } },
                "cache": {
                    "fields": ["n"],
                    "include": ["of.place", { "from": "link", "field": "to" }],
                },
            },
            "user": {
                "references": { "place": "place", "boss": { "table": "boss_table" } },
                "cache": { "fields": ["n"], "query": "phone=1" },
            },
            "link": { "references": { "to": "note", "part": "part" }, "cache": { "fields": ["n"] } },
            "place": {}, "part": {},
        });
        let device = Device::new(&instance, serde_json::from_value(tables).unwrap(), 1);
        let page = device.open().await.unwrap();
        let has = async |table: &str, id: &str| page.get(table, id, false).await.unwrap().is_some();
        let asked = counted(&device);
        sync(&page).await;
        assert!(has("place", &place).await);
        for (table, fields) in [("note", "of%2Cof_table%2C"), ("user", "place%2C"), ("link", "to&")] {
            let brings = |path: &&String| path.contains(&format!("/{table}?")) && path.contains(fields);
            assert!(asked.borrow().iter().any(|path| brings(&path)), "{table}: {asked:#?}");
        }
        assert!(!has("user", &boss).await);
        let include = serde_json::from_value(json!(["boss"])).unwrap();
        device.remote.set_offline(true);
        page.pin("user", &user, Some(include)).await.unwrap();
        device.remote.set_offline(false);
        sync(&page).await;
        assert!(has("user", &boss).await);
        // Nothing of it is asked for again.
        asked.take();
        sync(&page).await;
        let whole = |path: &&String| !path.contains("sysparm_fields=");
        assert_eq!(asked.borrow().iter().filter(whole).count(), 0, "{asked:#?}");
        assert!(has("user", &boss).await);
    });
}
