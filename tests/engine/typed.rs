//! Records as a type of the app's own.

use futures_executor::block_on;
use landfall::testing::{Device, MemoryInstance};
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
