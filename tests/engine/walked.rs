//! Queries that look into other records by the references that lead there.

use futures_executor::block_on;
use landfall::{
    core::schema::{Schema, TableOptions},
    engine::{AppRow, Client, FromRemote, LiveQuery, SyncOptions},
    testing::{Device, MemoryInstance, MemoryPorts},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Page = Client<MemoryPorts>;

fn tables() -> BTreeMap<String, TableOptions> {
    let tables = json!({
        "incident": {
            "references": { "caller_id": "sys_user", "watch_list": ["sys_user"] }, "indexes": ["state"],
        },
        "sys_user": { "references": { "location": "place" } },
        "place": { "types": { "floor": "integer" }, "references": { "parent": "place" } },
    });
    serde_json::from_value(tables).unwrap()
}

async fn make(page: &Page, table: &str, fields: Value) -> String {
    let made = page.create_many(table, vec![fields.as_object().unwrap().clone()]).await.unwrap();
    made[0]["sys_id"].as_str().unwrap().to_owned()
}

fn names(rows: &[AppRow]) -> String {
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

async fn found(page: &Page, query: &str) -> String {
    names(&page.query("incident", query, 0, None).await.unwrap())
}

/// Places on floors 2 and 10, a user at each, and one nowhere; incidents of each, and one of a user who is not here.
async fn fill(page: &Page) -> [String; 2] {
    let mut users = vec![String::new()];
    for (floor, town) in [(10, "Aarau"), (2, "Basel")] {
        let town = make(page, "place", json!({ "name": town })).await;
        let at = make(page, "place", json!({ "floor": floor, "parent": town })).await;
        users.push(make(page, "sys_user", json!({ "location": at })).await);
    }
    users.push(make(page, "sys_user", json!({ "name": "nowhere" })).await);
    users.push("9c573169c611228700193229fff72400".to_owned());
    for (name, user) in ["nobody", "ten", "two", "nowhere", "unknown"].into_iter().zip(&users) {
        let state = if name == "ten" { "1" } else { "2" };
        make(page, "incident", json!({ "name": name, "caller_id": user, "state": state })).await;
    }
    [users[1].clone(), users[2].clone()]
}

#[test]
fn fields_of_other_records_are_looked_up() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let [_, two] = fill(&page).await;
        for round in ["unsent", "landed"] {
            for (query, expected) in [
                ("caller_id.location.floor=2", "two"),
                ("caller_id.location.floor>2", "ten"),
                ("caller_id.location.floorISNOTEMPTY^ORDERBYcaller_id.location.floor", "two ten"),
                ("caller_id.location.floorISNOTEMPTY^ORDERBYDESCcaller_id.location.floor", "ten two"),
                ("caller_id.location.parent.nameSTARTSWITHb", "two"),
                ("caller_id.location.floor=2^ORstate=1^ORDERBYstate", "ten two"),
                ("state=1^NQcaller_id.location.parent.name=Basel^ORDERBYname", "ten two"),
                ("caller_id.name=nowhere", "nowhere"),
                ("caller_id.locationISEMPTY^ORDERBYname", "nobody nowhere unknown"),
                ("state=2^caller_id.location.floorISNOTEMPTY", "two"),
                ("ORDERBYcaller_id.location.floor^ORDERBYname", "nobody nowhere unknown two ten"),
            ] {
                assert_eq!(found(&page, query).await, expected, "{query}, {round}");
                assert_eq!(
                    page.count("incident", query).await.unwrap() as usize,
                    expected.split(' ').count(),
                    "{query}"
                );
            }
            let page_of =
                page.query("incident", "ORDERBYcaller_id.location.floor^ORDERBYname", 2, Some(2)).await.unwrap();
            assert_eq!(names(&page_of), "unknown two");
            page.sync(SyncOptions::default()).await.unwrap();
        }
        // By the id that it had.
        let id = page.get("sys_user", &two, false).await.unwrap().unwrap()["sys_id"].as_str().unwrap().to_owned();
        assert_ne!(id, two);
        let place = page.get("sys_user", &id, false).await.unwrap().unwrap()["location"].as_str().unwrap().to_owned();
        assert_eq!(found(&page, &format!("caller_id.location={place}")).await, "two");
        assert_eq!(page.seek("incident", "state=1^caller_id.name=x").await.unwrap().1.by, None);
        page.fill_indexes().await.unwrap();
        let seek = page.seek("incident", "state=1^caller_id.name=x").await.unwrap().1;
        assert_eq!((seek.by, seek.exact), (Some(vec!["state".to_owned()]), false));
        assert_eq!(found(&page, "state=2^caller_id.location.floor=2").await, "two");
    });
}

#[test]
fn what_is_no_reference_leads_nowhere_and_is_refused() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        for (query, words) in [
            ("state.name=1", "`state` of table incident (in `state.name`) is not declared as a reference"),
            ("watch_list.name=1", "`watch_list` of table incident"),
            ("caller_id.name.length=1", "`name` of table sys_user"),
            ("caller_id.=1", "expected the name of a field"),
            ("caller_id..name=1", "expected the name of a field"),
        ] {
            let error = page.query("incident", query, 0, None).await.unwrap_err();
            assert_eq!(error.code(), "malformed_query");
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(page.count("incident", query).await.unwrap_err().code(), "malformed_query");
        }
        // What the instance is asked for has to be told of each row by itself.
        let mut tables = serde_json::to_value(tables()).unwrap();
        tables["incident"]["cache"] = json!({ "query": "caller_id.name=x" });
        assert!(Schema::new(serde_json::from_value(tables).unwrap()).is_err());
    });
}

#[test]
fn a_live_query_hears_of_the_records_it_looks_into() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let [ten, two] = fill(&page).await;
        let live = LiveQuery::new(page.clone(), "incident".into(), "caller_id.location.floor<5".into(), 0, None);
        live.begin();
        let hearing = std::rc::Rc::new(live);
        let other = std::rc::Rc::clone(&hearing);
        page.listen(std::rc::Rc::new(move |event| {
            let _ = other.hear(event);
        }));
        assert_eq!(names(&hearing.answer().await.unwrap().unwrap()), "two");
        let at =
            page.get_from("sys_user", &ten, false, FromRemote::IfMissing).await.unwrap().unwrap()["location"].clone();
        page.update("place", at.as_str().unwrap(), json!({ "floor": 1 }).as_object().unwrap().clone()).await.unwrap();
        assert_eq!(hearing.answer().await.unwrap().unwrap().len(), 2);
        page.delete("sys_user", &two).await.unwrap();
        assert_eq!(names(&hearing.answer().await.unwrap().unwrap()), "ten");
    });
}
