//! Journal entries whose answer was lost: each is there once, or the user is asked.

use futures_executor::block_on;
use landfall::{
    engine::{Client, EndedBy},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::{Response, datetime},
};
use serde_json::json;

use super::doubt::{outbox, post};
use super::support::{create, proved, push, resp, row, tables};

/// A plain instance, and an incident with an entry whose request was lost.
async fn lost_entry() -> (MemoryInstance, Device, Client<MemoryPorts>, String, String) {
    let instance = MemoryInstance::plain();
    let device = Device::new(&instance, tables(), 1);
    let page = device.open().await.unwrap();
    let id = create(&page, "incident", json!({ "short_description": "x" })).await;
    page.sync(push()).await.unwrap();
    page.update("incident", &id, row(json!({ "work_notes": " a\nnote" }))).await.unwrap();
    device.remote.plan(None); // whether the line holds
    device.remote.plan(Some(Fault::LoseRequest));
    page.sync(push()).await.unwrap();
    device.clock.advance(400_000);
    let there = instance.rows("incident").remove(0);
    (instance, device, page, there["sys_id"].clone(), there["sys_updated_on"].clone())
}

fn entry(instance: &MemoryInstance, of: &str, text: &str, at: &str) {
    let fields = [("element_id", of), ("element", "work_notes"), ("value", text), ("sys_created_on", at)];
    instance.put("sys_journal_field", &fields);
}

#[test]
fn an_entry_is_asked_for_where_entries_can_be_read() {
    block_on(async {
        let later = "2099-01-01 00:00:00";
        // What else there is, whether that shows the entry to be there, and whether it shows anything.
        for (text, at, there, told) in [
            ("a\r\nnote ", later, true, true),
            ("another", later, false, true),
            ("a\nnote", "1969-01-01 00:00:00", false, true),
            // Just after the record was last seen to change: it may be an older one, which that change wrote.
            ("a\nnote", "+0", false, false),
            ("a\nnote", "+1", false, false),
            ("a\nnote", "+2", false, false),
            ("a\nnote", "+3", true, true),
            ("a\nnote", "-1", false, true),
            ("a\nnote", "whenever", false, false),
        ] {
            let (instance, _device, page, id, updated) = lost_entry().await;
            let seen = datetime::parse(&updated).unwrap();
            let at = match at.parse::<i64>() {
                Ok(after) => datetime::to_servicenow(seen + after).unwrap(),
                Err(_) => at.to_owned(),
            };
            entry(&instance, &id, text, &at);
            page.sync(push()).await.unwrap();
            let sent = instance.rows("incident")[0].get("work_notes").is_some_and(|text| !text.is_empty());
            assert_eq!(sent, told && !there, "{text:?} at {at}");
            assert_eq!(outbox(&page).await.is_empty(), told, "{text:?} at {at}");
        }
    });
}

#[test]
fn the_same_words_again_are_another_entry() {
    block_on(async {
        let (instance, device, page, id, updated) = lost_entry().await;
        let at = datetime::to_servicenow(datetime::parse(&updated).unwrap() + 60).unwrap();
        let text = page.get("incident", &id, false).await.unwrap().unwrap()["work_notes"].clone();
        entry(&instance, &id, text.as_str().unwrap(), &at);
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await, []);
        page.update("incident", &id, row(json!({ "work_notes": text }))).await.unwrap();
        device.remote.plan(None); // whether the line holds
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        let left = outbox(&page).await;
        assert_eq!(left.len(), 1, "it never arrived");
        assert!(left[0].1.contains("cannot say whether it arrived"), "{left:?}");
    });
}

#[test]
fn a_box_that_answers_everything_with_204_tells_nothing_of_an_entry() {
    block_on(async {
        let (instance, device, page, ..) = lost_entry().await;
        device.remote.plan(None); // capabilities
        device.remote.plan(Some(Fault::Answer(Response { status: 204, ..Response::default() })));
        assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Offline);
        assert_eq!((outbox(&page).await.len(), instance.rows("incident").len()), (1, 1));
    });
}

#[test]
fn an_entry_waits_where_none_can_be_read() {
    block_on(async {
        let (instance, _device, page, ..) = lost_entry().await;
        page.sync(push()).await.unwrap();
        let left = outbox(&page).await;
        assert!(left[0].1.contains("cannot say whether it arrived"), "{left:?}");
        assert_eq!(instance.rows("incident")[0].get("work_notes"), None);
        // A question that is answered with anybody's entries has not been understood.
        let (instance, device, page, id, _) = lost_entry().await;
        entry(&instance, &id, "other", "2099-01-01 00:00:00");
        let rows = json!({ "result": [{ "element_id": "elsewhere", "element": "work_notes", "value": "x", "sys_created_on": "2099-01-01 00:00:00" }] });
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Answer(resp(200, &rows.to_string()))));
        page.sync(push()).await.unwrap();
        assert_eq!(outbox(&page).await[0].0, "unknown");
    });
}

#[test]
fn an_entry_added_to_a_create_that_had_left_is_there_once_whichever_request_arrives() {
    block_on(async {
        for (keys, late) in [(true, true), (true, false), (false, true), (false, false)] {
            let instance = if keys { MemoryInstance::with_extras() } else { MemoryInstance::plain() };
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            let given = json!({ "short_description": "x", "comments": "first" });
            let id = create(&page, "incident", given).await;
            device.remote.plan(Some(Fault::LoseRequest));
            page.sync(push()).await.unwrap();
            device.clock.advance(400_000);
            device.remote.plan(None); // capabilities
            device.remote.plan(None); // the question
            device.remote.plan(Some(Fault::Answer(resp(429, "{}"))));
            page.sync(push()).await.unwrap();
            let item = page.outbox(None, None, None).await.unwrap().remove(0);
            assert_eq!(item.state, "queued");
            let error = page.edit(&item.id, row(json!({ "comments": "another" }))).await.unwrap_err();
            assert!(error.to_string().contains("may have brought its entry of “comments” with it"), "{error}");
            page.edit(&item.id, row(json!({ "comments": "first", "work_notes": "a note" }))).await.unwrap();
            assert_eq!(outbox(&page).await.len(), 2, "an item of its own, and none for what was there");
            assert_eq!(page.get("incident", &id, false).await.unwrap().unwrap()["work_notes"], "a note");
            if late {
                let mut first = json!({ "correlation_id": id, "short_description": "x", "comments": "first" });
                if !keys {
                    // Journals read back empty.
                    first["work_notes"] = json!("");
                }
                instance.run(&post(&id, &first));
            }
            device.clock.advance(4_000_000);
            if !keys && late {
                // Nothing but the correlation is there to tell: the question has to be put once more.
                device.remote.plan(Some(Fault::LoseRequest));
                page.sync(push()).await.unwrap();
                device.clock.advance(4_000_000);
            }
            page.sync(push()).await.unwrap();
            assert_eq!(outbox(&page).await, [], "keys: {keys}, late: {late}");
            let rows = instance.rows("incident");
            let now = rows.iter().find(|row| row["correlation_id"] == id).unwrap();
            let notes = [now["comments"].as_str(), now["work_notes"].as_str()];
            assert_eq!((rows.len(), notes), (2, ["first", "a note"]), "keys: {keys}, late: {late}");
        }
    });
}

#[test]
fn an_entry_edited_into_a_refused_create_follows_should_its_first_request_arrive() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        device.remote.plan(None); // capabilities
        device.remote.plan(None); // the question
        device.remote.plan(Some(Fault::Answer(resp(403, "{\"error\":{\"message\":\"No\"}}"))));
        page.sync(push()).await.unwrap();
        let item = page.outbox(None, None, None).await.unwrap().remove(0);
        assert_eq!(item.state, "refused", "{item:?}");
        page.edit(&item.id, row(json!({ "work_notes": "a note" }))).await.unwrap();
        instance.run(&post(&id, &json!({ "correlation_id": id, "short_description": "x" })));
        for _ in 0..4 {
            device.clock.advance(4_000_000);
            page.sync(push()).await.unwrap();
        }
        let rows = instance.rows("incident");
        let now = rows.iter().find(|row| row["correlation_id"] == id).unwrap();
        assert_eq!((rows.len(), now.get("work_notes").map(String::as_str)), (2, Some("a note")));
        assert_eq!(outbox(&page).await, []);
    });
}

#[test]
fn that_nobody_can_tell_of_entries_is_a_caveat() {
    block_on(async {
        let (instance, device, page, id, _) = lost_entry().await;
        let caveats = async || {
            let caveats = page.status().await.unwrap().caveats;
            caveats.into_iter().filter(|said| said.contains("sys_journal_field")).collect::<Vec<_>>()
        };
        assert_eq!(caveats().await.len(), 0, "nobody has asked yet");
        page.sync(push()).await.unwrap();
        let [said] = &caveats().await[..] else { panic!() };
        assert!(said.contains("incident") && said.contains("the instance knows no keys"), "{said}");
        // Once it is told of one, it can be told.
        entry(&instance, &id, "another", "2099-01-01 00:00:00");
        let item = page.outbox(None, None, None).await.unwrap().remove(0);
        page.retry(&item.id).await.unwrap();
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        assert_eq!(caveats().await.len(), 0);
    });
}
