//! Journal entries that online steps write: each is there once, or the user is asked.

use std::{cell::Cell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::stored::Action,
    engine::StepFailed,
    testing::{Device, Fault, MemoryInstance},
    wire::{Method, Request, datetime},
};
use serde_json::{Value, json};

use super::{
    doubt::outbox,
    steps::{Page, post},
    support::{create, push, resp, row, tables},
};

const LATER: &str = "2099-01-01 00:00:00";

/// A device whose action's only call, an entry of an incident, has met the fault.
struct Lost {
    instance: MemoryInstance,
    device: Device,
    page: Page,
    sys_id: String,
    /// How often the entry has left.
    left: Rc<Cell<usize>>,
    item: String,
}

async fn noted(page: &Page, id: &str) -> String {
    let step = page.act(Action { name: "noted".to_owned(), by_app: true, ..Action::default() }).await.unwrap();
    step.update("incident", id, row(json!({ "short_description": "noted" }))).await.unwrap();
    let (item, _) = step.acted().await.unwrap();
    assert!(step.commit().await.unwrap());
    item
}

impl Lost {
    async fn new(instance: MemoryInstance, fault: Fault) -> Self {
        Self::followed(instance, fault, None).await
    }

    /// Behind it stand the same words once more, the user's or another action's.
    async fn followed(instance: MemoryInstance, fault: Fault, by_user: Option<bool>) -> Self {
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let id = create(&page, "incident", json!({ "short_description": "x" })).await;
        page.sync(push()).await.unwrap();
        let sys_id = instance.rows("incident")[0]["sys_id"].clone();
        let path = format!("table/incident/{sys_id}");
        page.register(
            "noted",
            Rc::new(move |step, _| {
                let path = path.clone();
                Box::pin(async move {
                    // A form that was not filled in altogether.
                    let body = json!({ "comments": "", "work_notes": "a\nnote" });
                    let patch = Request { method: Method::Patch, ..post(&path, body) };
                    let came = step.call(None, patch).await.map_err(|why| StepFailed(why.to_string()))?;
                    let said: Value = serde_json::from_slice(&came.body).unwrap();
                    Ok(said["result"]["sys_id"].clone())
                })
            }),
        );
        let item = noted(&page, &id).await;
        match by_user {
            Some(true) => drop(page.update("incident", &id, row(json!({ "work_notes": "a\nnote" }))).await.unwrap()),
            Some(false) => drop(noted(&page, &id).await),
            None => {}
        }
        let left: Rc<Cell<usize>> = Rc::default();
        let count = Rc::clone(&left);
        device.remote.set_rule(move |request| {
            (request.method == Method::Patch).then(|| count.set(count.get() + 1)).filter(|()| count.get() == 1)?;
            Some(fault.clone())
        });
        page.sync(push()).await.unwrap();
        assert_eq!((outbox(&page).await[0].0, left.get()), ("unknown", 1));
        Self { instance, device, page, sys_id, left, item }
    }

    /// What else there is to read.
    fn entry(&self, journal: &str, text: &str, at: &str) {
        let fields =
            [("element_id", self.sys_id.as_str()), ("element", journal), ("value", text), ("sys_created_on", at)];
        self.instance.put("sys_journal_field", &fields);
    }

    fn seen(&self, after: i64) -> String {
        let updated = self.instance.rows("incident").remove(0)["sys_updated_on"].clone();
        datetime::to_servicenow(datetime::parse(&updated).unwrap() + after).unwrap()
    }

    async fn syncs(&self) {
        self.device.clock.advance(70_000);
        self.page.sync(push()).await.unwrap();
    }
}

#[test]
fn on_a_plain_instance_it_is_asked_for_where_entries_can_be_read() {
    block_on(async {
        for (text, at, there) in
            [("a\r\nnote ", LATER, true), ("another", LATER, false), ("a\nnote", "1969-01-01 00:00:00", false)]
        {
            let lost = Lost::new(MemoryInstance::plain(), Fault::LoseAnswer).await;
            lost.entry("work_notes", text, at);
            lost.entry("comments", "of another", LATER);
            // Before it can no longer arrive, an empty answer would be worth nothing.
            lost.page.sync(push()).await.unwrap();
            assert_eq!(lost.left.get(), 1);
            lost.syncs().await;
            assert_eq!(lost.left.get(), if there { 1 } else { 2 }, "{text:?} at {at}");
            assert_eq!(outbox(&lost.page).await, [], "{text:?} at {at}");
            let receipt = lost.page.settled(&lost.item).await.unwrap();
            assert_eq!(
                receipt.result,
                Some(json!(lost.sys_id)),
                "the step is given the record's row, as a change gives it"
            );
        }
    });
}

#[test]
fn where_the_instance_cannot_tell_it_waits_for_the_user() {
    block_on(async {
        for which in ["nothing to read", "of the same moment", "may not be read"] {
            let lost = Lost::new(MemoryInstance::plain(), Fault::LoseRequest).await;
            match which {
                "of the same moment" => lost.entry("work_notes", "a\nnote", &lost.seen(1)),
                "may not be read" => lost.device.remote.set_rule(|request| {
                    request.path.contains("sys_journal_field").then(|| Fault::Answer(resp(403, "{}")))
                }),
                _ => {}
            }
            for _ in 0..3 {
                lost.syncs().await;
            }
            let left = outbox(&lost.page).await;
            assert!(left[0].1.contains("cannot say whether it arrived"), "{which}: {left:?}");
            assert!(!lost.instance.rows("incident")[0].contains_key("work_notes"), "{which}");
            lost.page.retry(&lost.item).await.unwrap();
            lost.syncs().await;
            assert_eq!(outbox(&lost.page).await, [], "{which}");
            assert_eq!(lost.instance.rows("incident")[0]["work_notes"], "a\nnote", "{which}");
        }
    });
}

#[test]
fn it_goes_again_under_its_key_and_nothing_is_asked() {
    block_on(async {
        let lost = Lost::new(MemoryInstance::with_extras(), Fault::LoseAnswer).await;
        lost.entry("work_notes", "a\nnote", &lost.seen(1));
        lost.syncs().await;
        assert_eq!((lost.left.get(), outbox(&lost.page).await), (2, vec![]));
    });
}

/// The entry that can be read is the first action's: neither is a second action of the same words done with it, nor an
/// entry that the user writes.
#[test]
fn the_same_words_of_an_action_before_are_not_its_own() {
    for by_user in [false, true] {
        block_on(async {
            let lost = Lost::followed(MemoryInstance::plain(), Fault::LoseAnswer, Some(by_user)).await;
            lost.entry("work_notes", "a\nnote", &lost.seen(100));
            // The instance as it is since the first: its clock goes, as the one in memory does not.
            let changed = json!({ "result": { "sys_id": lost.sys_id, "sys_updated_on": lost.seen(100) } }).to_string();
            let path = format!("/table/incident/{}", lost.sys_id);
            lost.device.remote.set_rule(move |request| match request.method {
                Method::Patch => Some(Fault::LoseRequest),
                Method::Get if request.path.contains(&path) => Some(Fault::Answer(resp(200, &changed))),
                _ => None,
            });
            lost.syncs().await;
            lost.device.remote.set_rule(|_| None);
            for _ in 0..3 {
                lost.syncs().await;
            }
            let left = outbox(&lost.page).await;
            assert_eq!(left.len(), 1, "{by_user} {left:?}");
            assert!(left[0].1.contains("cannot say whether it arrived"), "{by_user} {left:?}");
        });
    }
}
