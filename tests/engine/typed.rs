//! Records as a type of the app's own.

use std::{cell::Cell, collections::BTreeMap};

use futures_executor::block_on;
use landfall::{
    core::{CoreError, schema::TableOptions},
    engine::{EngineError, FromRemote, TypedRow},
    testing::{Device, MemoryInstance},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::changes::sync;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Note {
    n: i64,
    #[serde(default)]
    kind: Option<String>,
}

#[derive(Serialize)]
struct Kind {
    kind: Option<&'static str>,
}

#[test]
fn what_is_no_record_is_refused_and_what_is_no_such_record_is_told() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let tables = json!({ "note": { "types": { "n": "integer" }, "cache": {} } });
        let page = Device::new(&instance, serde_json::from_value(tables).unwrap(), 1).open().await.unwrap();
        let notes = page.typed::<Note>("note");
        let made = notes.create(&Note { n: 1, kind: Some("a".into()) }).await.unwrap();
        let changed = notes.update(&made.sys_id, &Kind { kind: None }).await.unwrap();
        assert_eq!((changed.fields, changed.sync.state.as_str()), (Note { n: 1, kind: Some(String::new()) }, "local"));
        assert_eq!(notes.query("n=1").await.unwrap().len(), 1);

        let why = page.typed::<i64>("note").create(&5).await.unwrap_err();
        assert_eq!((why.code(), why.retryable()), ("not_json", false));
        assert_eq!(page.typed::<Note>("nope").query("").await.unwrap_err().code(), "unknown_table");

        let odd = instance.put("note", &[("kind", "no number")]);
        sync(&page).await;
        let why = notes.get(&odd).await.unwrap_err();
        assert!(why.to_string().contains(&format!("record {odd}: ")), "{why}");
        assert!(notes.get("nothing").await.unwrap().is_none());
        notes.delete(&made.sys_id).await.unwrap();
        assert!(notes.get(&made.sys_id).await.unwrap().is_none());
    });
}

fn note(n: i64) -> Note {
    Note { n, kind: None }
}

fn tables() -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json!({ "note": { "types": { "n": "integer" } } })).unwrap()
}

#[test]
fn many_are_made_counted_paged_and_asked_of_the_instance() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let notes = page.typed::<Note>("note");
        let made = notes.create_many(&[note(3), note(1), note(2)]).await.unwrap();
        assert_eq!(made.iter().map(|row| row.fields.n).collect::<Vec<_>>(), [3, 1, 2]);
        assert_eq!((notes.count("").await.unwrap(), notes.count("n>1").await.unwrap()), (3, 2));
        let numbers = |rows: Vec<TypedRow<Note>>| rows.into_iter().map(|row| row.fields.n).collect::<Vec<_>>();
        assert_eq!(numbers(notes.query_page("ORDERBYn", 1, 1).await.unwrap()), [2]);
        assert_eq!(numbers(notes.query_page("ORDERBYn", 1, 9).await.unwrap()), [2, 3]);
        assert_eq!(notes.query_page("n=", 0, 0).await.unwrap(), []);

        let there = instance.put("note", &[("n", "7")]);
        assert!(notes.get(&there).await.unwrap().is_none());
        let found = notes.get_from(&there, FromRemote::IfMissing).await.unwrap().unwrap();
        assert_eq!((found.fields.n, found.sync.state.as_str()), (7, "synced"));
        assert!(notes.get(&there).await.unwrap().is_some());
    });
}

#[test]
fn a_transaction_is_all_or_none_and_runs_again_when_another_tab_has_written() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        let made = page.typed::<Note>("note").create(&note(1)).await.unwrap().sys_id;

        let why = page
            .transaction(async |tx| {
                let notes = tx.typed::<Note>("note");
                notes.update(&made, &note(9)).await?;
                assert_eq!(notes.get(&made).await?.unwrap().fields.n, 9);
                notes.create(&note(10)).await?;
                notes.delete("nobody's").await
            })
            .await;
        assert!(matches!(why, Err(EngineError::Core(CoreError::NotFound { .. }))), "{why:?}");
        let all = page.typed::<Note>("note").query("").await.unwrap();
        assert_eq!(all.iter().map(|row| row.fields.n).collect::<Vec<_>>(), [1]);

        let runs = Cell::new(0);
        let seen = page
            .transaction(async |tx| {
                let notes = tx.typed::<Note>("note");
                let n = notes.get(&made).await?.unwrap().fields.n;
                if runs.replace(runs.get() + 1) == 0 {
                    other.typed::<Note>("note").update(&made, &note(5)).await?;
                }
                notes.update(&made, &note(n + 1)).await?;
                Ok::<_, EngineError>(n)
            })
            .await
            .unwrap();
        let now = page.typed::<Note>("note").get(&made).await.unwrap().unwrap().fields.n;
        assert_eq!((seen, runs.get(), now), (5, 2, 6));
    });
}
