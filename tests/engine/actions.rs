//! Write-back actions that the instance runs.

use futures_executor::block_on;
use landfall::{
    core::{Row, StoreName, WriteSet, stored::Action},
    engine::{AppRow, Client, EngineError},
    ports::Store,
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::action::{ActionAnswer, ActionRequest, RecordForSync},
};
use serde_json::{Value, json};

use super::both::after_capabilities;
use super::support::{create, push, row, tables};

type Page = Client<MemoryPorts>;

fn action(name: &str, input: Value) -> Action {
    Action { name: name.to_owned(), input, ..Action::default() }
}

/// Splits an order: so many tasks here, and as many there, each under the temporary id of its own.
fn splits(instance: &MemoryInstance, named_by_id: bool) {
    instance.on_action("split", move |instance, asked: &ActionRequest| {
        let records_for_sync = asked
            .records
            .iter()
            .map(|open| {
                let fields = [("short_description", "made there"), ("correlation_id", open.temp_sys_id.as_str())];
                let sys_id = instance.put(&open.table, &fields);
                let temp_sys_id = named_by_id.then(|| open.temp_sys_id.clone());
                RecordForSync { table: open.table.clone(), sys_id, temp_sys_id }
            })
            .collect();
        Ok(ActionAnswer { result: json!({ "made": asked.records.len() }), records_for_sync })
    });
}

/// Runs `split` with so many tasks. Gives its item and the temporary ids.
async fn split(page: &Page, input: Value, tasks: usize) -> (String, Vec<String>) {
    let step = page.act(action("split", input)).await.unwrap();
    let mut made = Vec::new();
    for number in 0..tasks {
        let fields = row(json!({ "short_description": format!("task {number}") }));
        let task = step.create("incident_task", fields).await.unwrap();
        made.push(task["sys_id"].as_str().unwrap().to_owned());
    }
    let (item, records) = step.acted().await.unwrap();
    assert_eq!(records.iter().map(|record| record.sys_id.clone()).collect::<Vec<_>>(), made);
    assert!(step.commit().await.unwrap());
    (item, made)
}

async fn shown(page: &Page, table: &str, id: &str) -> AppRow {
    page.get(table, id, false).await.unwrap().unwrap()
}

async fn clean(page: &Page) {
    let audit = page.audit().await.unwrap();
    assert!(audit.orphans.is_empty(), "{audit:?}");
}

#[test]
fn what_an_offline_step_makes_is_one_item_and_becomes_the_instances_records() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let (item, made) = split(&page, json!({ "pieces": 2 }), 2).await;
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert_eq!(outbox.len(), 1);
        assert_eq!((outbox[0].id.as_str(), outbox[0].action.as_deref()), (item.as_str(), Some("split")));
        assert_eq!(shown(&page, "incident_task", &made[0]).await["$sync"]["state"], "local");
        // Another record points to one of them, and one of them is changed afterwards.
        let incident = create(&page, "incident", json!({ "parent": made[1] })).await;
        page.update("incident_task", &made[0], row(json!({ "description": "later" }))).await.unwrap();

        let waiting = page.settled(&item);
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.remaining, report.refused), (0, 0), "{report:?}");
        let receipt = waiting.await.unwrap();
        assert_eq!(receipt.result, Some(json!({ "made": 2 })));
        assert_eq!(receipt.records.len(), 2);
        let there = instance.rows("incident_task");
        assert_eq!(there.len(), 2);
        let task = shown(&page, "incident_task", &made[0]).await;
        assert_eq!(task["description"], "later");
        assert_eq!(task["short_description"], "made there");
        assert_eq!(task["$sync"]["state"], "synced");
        let other = page.resolve_id(&made[1]).await.unwrap();
        assert_ne!(other, made[1]);
        let pointing = instance.rows("incident").remove(0);
        assert_eq!(pointing["parent"], other);
        assert_eq!(shown(&page, "incident", &incident).await["parent"], other);
        assert!(instance.rows("incident_task").iter().any(|task| task.get("description") == Some(&"later".to_owned())));
        clean(&page).await;
    });
}

#[test]
fn the_answer_that_was_lost_is_given_again_under_the_key() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({})).await;
        page.sync(push()).await.unwrap();
        let (item, made) = split(&page, json!({}), 1).await;
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert_eq!(outbox[0].state, "unknown");
        assert!(outbox[0].explain.ends_with("under its key, by which the instance does nothing twice."), "{outbox:?}");
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0);
        assert_eq!(instance.rows("incident_task").len(), 1);
        assert!(matches!(page.settled(&item).await, Ok(receipt) if receipt.records.len() == 1));
        assert_ne!(page.resolve_id(&made[0]).await.unwrap(), made[0]);
        clean(&page).await;
    });
}

#[test]
fn what_is_not_clear_is_never_guessed_and_waits_to_be_paired() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, false);
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let (item, made) = split(&page, json!({}), 2).await;
        let link = create(&page, "incident", json!({ "parent": made[0] })).await;
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 2);
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert_eq!(outbox[0].state, "unpaired");
        assert!(outbox[0].explain.contains("pair them"), "{}", outbox[0].explain);
        assert_eq!(outbox[1].depends_on, std::slice::from_ref(&item));
        assert_eq!(shown(&page, "incident_task", &made[0]).await["$sync"]["state"], "waiting");
        assert_eq!(instance.rows("incident").len(), 0);
        // It is not carried out a second time, whoever asks.
        page.sync(push()).await.unwrap();
        assert!(matches!(page.retry(&item).await, Err(EngineError::Core(error)) if error.code() == "not_editable"));
        assert_eq!(instance.rows("incident_task").len(), 2);

        let ids: Vec<String> = instance.rows("incident_task").into_iter().map(|row| row["sys_id"].clone()).collect();
        let unpaired = outbox[0].unpaired.clone().unwrap();
        assert_eq!(unpaired.open.into_iter().map(|record| record.sys_id).collect::<Vec<_>>(), made);
        let mut named: Vec<String> = unpaired.named.into_iter().map(|record| record.sys_id).collect();
        named.sort_unstable_by_key(|id| ids.iter().position(|known| known == id));
        assert_eq!(named, ids);
        for (temporary, sys_id) in [("tmp_0", ids[0].as_str()), (&*made[0], ""), (&*made[0], &*made[1])] {
            let refused = page.pair(&item, temporary, sys_id).await;
            assert!(matches!(refused, Err(EngineError::Core(error)) if error.code() == "not_pairable"));
        }
        // Of the second, nothing is left to guess then.
        page.pair(&item, &made[0], &ids[1]).await.unwrap();
        assert_eq!(page.resolve_id(&made[0]).await.unwrap(), ids[1]);
        assert_eq!(page.resolve_id(&made[1]).await.unwrap(), ids[0]);
        assert!(page.settled(&item).await.is_ok());
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0);
        assert_eq!(instance.rows("incident")[0]["parent"], ids[1]);
        assert_eq!(shown(&page, "incident", &link).await["parent"], ids[1]);
        clean(&page).await;
    });
}

#[test]
fn a_refusal_keeps_it_all_and_a_discard_undoes_it() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let order = instance.put("incident", &[("state", "1")]);
        instance.on_action("close", |_, _| Err((403, "It is not yours".to_owned())));
        let mut with_cache = tables();
        with_cache
            .insert("incident".to_owned(), serde_json::from_value(json!({ "extends": "task", "cache": {} })).unwrap());
        let page = Device::new(&instance, with_cache, 1).open().await.unwrap();
        page.sync(landfall::engine::SyncOptions::default()).await.unwrap();
        let step = page.act(action("close", json!({ "order": order }))).await.unwrap();
        step.update("incident", &order, row(json!({ "state": "7" }))).await.unwrap();
        let follow_up = step.create("incident_task", row(json!({ "incident": order }))).await.unwrap();
        let follow_up = follow_up["sys_id"].as_str().unwrap().to_owned();
        let (item, _) = step.acted().await.unwrap();
        assert!(step.commit().await.unwrap());
        let note = create(&page, "incident", json!({ "parent": follow_up })).await;
        assert_eq!(shown(&page, "incident", &order).await["state"], "7");

        page.sync(push()).await.unwrap();
        let receipt = page.settled(&item).await.unwrap();
        assert_eq!(receipt.error.unwrap().message, "It is not yours");
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert_eq!(outbox[0].state, "refused");
        assert_eq!(shown(&page, "incident", &order).await["$sync"]["state"], "refused");
        assert_eq!(shown(&page, "incident", &order).await["state"], "7");

        let gone = page.discard(&item).await.unwrap();
        assert_eq!(gone.iter().map(|item| item.kind).collect::<Vec<_>>().len(), 2, "{gone:?}");
        let shown_again = shown(&page, "incident", &order).await;
        assert_eq!((&shown_again["state"], &shown_again["$sync"]["state"]), (&json!("1"), &json!("synced")));
        assert!(page.get("incident_task", &follow_up, false).await.unwrap().is_none());
        assert!(page.get("incident", &note, false).await.unwrap().is_none());
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        clean(&page).await;
    });
}

#[test]
fn it_waits_for_what_it_is_about_and_what_follows_waits_for_it() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        instance.refuse(|table, fields| {
            let bad = table == "incident" && fields.get("short_description").is_some_and(|text| text == "bad");
            bad.then(|| (403, "No".to_owned()))
        });
        let order = create(&page, "incident", json!({ "short_description": "bad" })).await;
        let (item, made) = split(&page, json!({ "order": order, "list": [{ "of": order }] }), 1).await;
        page.sync(push()).await.unwrap();
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert_eq!((outbox[1].id.as_str(), outbox[1].state), (item.as_str(), "waiting"));
        assert_eq!(
            outbox[1].explain,
            "It waits for the incident “bad”, which the instance refused, and which you have to mend or to discard."
        );
        assert_eq!(instance.log().iter().filter(|line| line.contains("/action/")).count(), 0);
        // Mended, it goes first, and the action is told its permanent id.
        instance.on_action("split", |instance, asked| {
            let order = asked.input["order"].as_str().unwrap().to_owned();
            assert_eq!(asked.input["list"][0]["of"], json!(order));
            let sys_id = instance.put("incident_task", &[("incident", &order)]);
            Ok(ActionAnswer {
                records_for_sync: vec![RecordForSync { table: "task".to_owned(), sys_id, temp_sys_id: None }],
                ..ActionAnswer::default()
            })
        });
        page.update("incident", &order, row(json!({ "short_description": "good" }))).await.unwrap();
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0, "{:?}", page.outbox(None, None, None).await);
        let order = page.resolve_id(&order).await.unwrap();
        assert_eq!(instance.rows("incident_task")[0]["incident"], order);
        assert_ne!(page.resolve_id(&made[0]).await.unwrap(), made[0]);
        clean(&page).await;
    });
}

#[test]
fn consecutive_runs_become_one_if_the_app_says_so() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let run = async |input: Value| {
            let key = Some("the same".to_owned());
            let step = page.act(Action { consolidate: key, ..action("split", input) }).await.unwrap();
            let made = step.create("incident_task", row(json!({}))).await.unwrap();
            let item = step.acted().await.unwrap().0;
            assert!(step.commit().await.unwrap());
            (item, made["sys_id"].as_str().unwrap().to_owned())
        };
        let (first, first_made) = run(json!({ "minutes": 1 })).await;
        let (second, made) = run(json!({ "minutes": 2 })).await;
        assert_eq!(first, second);
        assert!(page.get("incident_task", &first_made, false).await.unwrap().is_none());
        // What something else is about in between stays a run of its own.
        page.update("incident_task", &made, row(json!({ "description": "mine" }))).await.unwrap();
        let (third, _) = run(json!({ "minutes": 3 })).await;
        assert_ne!(third, second);
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0);
        assert_eq!(instance.rows("incident_task").len(), 2);
        assert!(page.settled(&first).await.is_ok());
        clean(&page).await;
    });
}

#[test]
fn a_pull_that_is_first_is_no_twin() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        let mut with_cache = tables();
        let cached = json!({ "extends": "task", "references": { "incident": "incident" }, "cache": {} });
        with_cache.insert("incident_task".to_owned(), serde_json::from_value(cached).unwrap());
        let device = Device::new(&instance, with_cache, 1);
        let page = device.open().await.unwrap();
        let (item, made) = split(&page, json!({}), 2).await;
        after_capabilities(&device, Fault::LoseAnswer);
        page.sync(push()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "unknown");
        let pull = landfall::engine::SyncOptions { push: false, ..landfall::engine::SyncOptions::default() };
        page.sync(pull).await.unwrap();
        // Two rows, and two records.
        assert_eq!(page.count("incident_task", "").await.unwrap(), 2);
        assert_ne!(page.resolve_id(&made[0]).await.unwrap(), made[0]);
        page.update("incident_task", &made[0], row(json!({ "description": "mine" }))).await.unwrap();
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0, "{:?}", page.outbox(None, None, None).await);
        assert_eq!(page.settled(&item).await.unwrap().records.len(), 2);
        assert_eq!(instance.rows("incident_task").len(), 2);
        assert!(instance.rows("incident_task").iter().any(|row| row.get("description") == Some(&"mine".to_owned())));
        clean(&page).await;
    });
}

#[test]
fn who_waited_for_two_that_are_given_up_together_waits_for_neither() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        for name in ["close", "log"] {
            instance.on_action(name, |_, _| Ok(ActionAnswer::default()));
        }
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let order = create(&page, "incident", json!({})).await;
        let (split, made) = split(&page, json!({ "order": order }), 1).await;
        let step = page.act(action("close", json!({ "first": made[0] }))).await.unwrap();
        step.update("incident", &order, row(json!({ "state": "7" }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        let step = page.act(action("log", json!({ "order": order }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        assert_eq!(page.discard(&split).await.unwrap().len(), 2);
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0, "{:?}", page.outbox(None, None, None).await);
        clean(&page).await;
    });
}

#[test]
fn of_actions_one_of_which_changes_what_the_other_names_the_users_first_goes_first() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        for name in ["close", "reopen", "log"] {
            instance.on_action(name, |_, _| Ok(ActionAnswer::default()));
        }
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let order = create(&page, "incident", json!({})).await;
        let user = create(&page, "incident", json!({})).await;
        let mut items = Vec::new();
        for (name, changes) in [("split", false), ("close", true), ("reopen", true), ("log", false)] {
            let input = json!({ "deep": [{ "order": order }], "by": user, "word": "same" });
            // Nobody here has its online step yet.
            let step = page.act(Action { by_app: name == "split", ..action(name, input) }).await.unwrap();
            if changes {
                step.update("incident", &order, row(json!({ "state": name }))).await.unwrap();
            }
            items.push(step.acted().await.unwrap().0);
            assert!(step.commit().await.unwrap());
        }
        // About the same user only, and by nobody held up.
        let step = page.act(action("log", json!({ "by": user }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.refused, report.remaining), (0, 4));
        let explained = async || {
            let outbox = page.outbox(None, None, None).await.unwrap();
            outbox.into_iter().map(|item| (item.explain, item.depends_on)).collect::<Vec<_>>()
        };
        let before = explained().await;
        assert_eq!(
            before[1],
            ("It waits for “split”, which nobody here can have carried out.".to_owned(), vec![items[0].clone()])
        );
        assert_eq!(before[2].1, items[..2]);
        assert_eq!(before[3].1, items[1..3]);
        // The one between is given up: what is behind it waits for what that has waited for.
        page.discard(&items[1]).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(explained().await[1].1, items[..1]);
        page.register("split", std::rc::Rc::new(|_, _| Box::pin(async { Ok(Value::Null) })));
        assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        clean(&page).await;
    });
}

#[test]
fn an_action_may_come_after_any_number_of_others() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.on_action("close", |_, _| Ok(ActionAnswer::default()));
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let order = create(&page, "incident", json!({})).await;
        for number in 0..40 {
            let task = create(&page, "incident_task", json!({ "incident": order })).await;
            let step = page.act(action("close", json!([order, task]))).await.unwrap();
            step.update("incident_task", &task, row(json!({ "state": "3" }))).await.unwrap();
            assert!(step.commit().await.unwrap());
            page.update("incident", &order, row(json!({ "state": number.to_string() }))).await.unwrap();
        }
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.remaining, page.outbox(None, None, None).await.unwrap()), (0, vec![]));
        clean(&page).await;
    });
}

#[test]
fn an_audit_looks_into_actions_too() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let landed = create(&page, "incident", json!({})).await;
        page.sync(push()).await.unwrap();
        let open = create(&page, "incident", json!({})).await;
        let step = page.act(action("split", json!({ "of": open }))).await.unwrap();
        let made = step.create("incident_task", row(json!({ "incident": open }))).await.unwrap();
        let made = made["sys_id"].as_str().unwrap().to_owned();
        step.update("incident", &landed, row(json!({ "description": made }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        // What it waits for, and what it makes, it may well mention.
        clean(&page).await;

        let whole = device.database.rows(StoreName::Outbox).pop().unwrap();
        let stray = "tmp_ffffffffffffffffffffffffffffffff";
        let place = |pointer: &'static str, id: &str| (pointer, json!(id));
        for ((pointer, value), found) in [
            (place("/action/input/of", &landed), vec![("item.input", &*landed)]),
            (place("/action/input/of", &made), vec![("item.input", &*made)]),
            (place("/action/parts/1/fields/description", &landed), vec![("item.part.description", &*landed)]),
            (
                place("/action/parts/0/sys_id", stray),
                vec![("item.part.description", &*made), ("item.part.sys_id", stray)],
            ),
            (("/mentions", json!([])), vec![("item.part.incident", &*open), ("item.input", &*open)]),
        ] {
            let mut body: Value = serde_json::from_str(&whole.body).unwrap();
            *body.pointer_mut(pointer).unwrap() = value;
            let spoiled = Row { body: body.to_string().into(), ..whole.clone() };
            let set = WriteSet { puts: vec![(StoreName::Outbox, spoiled)], ..WriteSet::default() };
            device.database.open().commit(&set).await.unwrap();
            let orphans = page.audit().await.unwrap().orphans;
            let told: Vec<_> = orphans.iter().map(|orphan| (orphan.path.as_str(), orphan.id.as_str())).collect();
            assert_eq!(told, found, "{pointer}");
        }
    });
}

#[test]
fn what_an_action_points_elsewhere_stays_when_what_it_pointed_to_is_discarded() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.on_action("move", |_, _| Ok(ActionAnswer::default()));
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let first = create(&page, "incident", json!({})).await;
        let second = create(&page, "incident", json!({})).await;
        let task = create(&page, "incident_task", json!({ "parent": first })).await;
        let step = page.act(action("move", json!({}))).await.unwrap();
        step.update("incident_task", &task, row(json!({ "parent": second }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        let item = page.outbox(None, None, None).await.unwrap()[0].id.clone();
        assert_eq!(page.discard(&item).await.unwrap().len(), 1);
        assert_eq!(shown(&page, "incident_task", &task).await["parent"], json!(second));
        assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
        assert_eq!(instance.rows("incident_task").len(), 1);
        clean(&page).await;
    });
}

/// Ids rise with the clock, which may be set back.
#[test]
fn a_create_never_waits_for_an_action_that_waits_for_it() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        splits(&instance, true);
        let device = Device::new(&instance, tables(), 1);
        let (page, worker) = (device.open().await.unwrap(), device.open().await.unwrap());
        for _ in 0..5 {
            create(&page, "incident", json!({})).await;
        }
        let order = create(&page, "incident", json!({})).await;
        let (_, made) = split(&worker, json!({ "order": order }), 1).await;
        assert!(made[0] < order, "else it is younger, and its reference follows anyway");
        page.update("incident", &order, row(json!({ "parent": made[0], "state": "2" }))).await.unwrap();
        assert_eq!(page.sync(push()).await.unwrap().remaining, 0, "{:?}", page.outbox(None, None, None).await);
        let (order, made) = (page.resolve_id(&order).await.unwrap(), page.resolve_id(&made[0]).await.unwrap());
        let there = instance.rows("incident").into_iter().find(|row| row["sys_id"] == order).unwrap();
        assert_eq!((there["parent"].as_str(), there["state"].as_str()), (made.as_str(), "2"));
        clean(&page).await;
    });
}

#[test]
fn what_comes_and_goes_while_the_user_is_asked_makes_nothing_clear() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let about = instance.put("incident", &[]);
        instance.on_action("split", |instance, asked| {
            let made = asked.records.iter().map(|open| (open.table.clone(), instance.put(&open.table, &[])));
            let about = asked.input["about"].as_str().map(|about| ("incident".to_owned(), about.to_owned()));
            let named = made.chain(about);
            let named = named.map(|(table, sys_id)| RecordForSync { table, sys_id, temp_sys_id: None }).collect();
            Ok(ActionAnswer { records_for_sync: named, ..ActionAnswer::default() })
        });
        let mut with_cache = tables();
        with_cache
            .insert("incident".to_owned(), serde_json::from_value(json!({ "extends": "task", "cache": {} })).unwrap());
        let page = Device::new(&instance, with_cache, 1).open().await.unwrap();
        let all = landfall::engine::SyncOptions::default;
        page.sync(all()).await.unwrap();
        let step = page.act(action("split", json!({ "about": about }))).await.unwrap();
        let mut made = Vec::new();
        for _ in 0..2 {
            let task = step.create("incident", row(json!({}))).await.unwrap();
            made.push(task["sys_id"].as_str().unwrap().to_owned());
        }
        let (item, _) = step.acted().await.unwrap();
        assert!(step.commit().await.unwrap());
        page.sync(all()).await.unwrap();
        page.delete("incident", &about).await.unwrap();
        page.sync(all()).await.unwrap();
        let ids: Vec<String> = instance.rows("incident").into_iter().map(|row| row["sys_id"].clone()).collect();
        page.pair(&item, &made[0], &ids[0]).await.unwrap();
        // What the device held when the answer came may have been the one that was made, for all it knows.
        assert_eq!(page.resolve_id(&made[1]).await.unwrap(), made[1]);
        page.pair(&item, &made[1], &ids[1]).await.unwrap();
        page.sync(all()).await.unwrap();
        assert_eq!(page.resolve_id(&made[1]).await.unwrap(), ids[1]);
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        clean(&page).await;
    });
}

/// To have been first is no reason to hold up what does not depend on it.
#[test]
fn an_action_that_was_refused_lets_go_what_was_only_to_go_after_it() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.on_action("log", |_, _| Err((403, "Too much".to_owned())));
        instance.on_action("reassign", |_, _| Ok(ActionAnswer::default()));
        let page = Device::new(&instance, tables(), 1).open().await.unwrap();
        let order = create(&page, "incident", json!({})).await;
        let log = page.act(action("log", json!({ "order": order }))).await.unwrap();
        assert!(log.commit().await.unwrap());
        let step = page.act(action("reassign", json!({}))).await.unwrap();
        step.update("incident", &order, row(json!({ "state": "2" }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.refused, report.remaining), (1, 1));
        // Nor is it one for what the user does since: to the record that it names, or by naming what it has changed.
        let step = page.act(action("reassign", json!({}))).await.unwrap();
        step.update("incident", &order, row(json!({ "state": "3" }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        assert_eq!(page.sync(push()).await.unwrap().remaining, 1);
        let refused = page.act(action("log", json!({}))).await.unwrap();
        refused.update("incident", &order, row(json!({ "state": "4" }))).await.unwrap();
        assert!(refused.commit().await.unwrap());
        page.sync(push()).await.unwrap();
        let step = page.act(action("reassign", json!({ "order": order }))).await.unwrap();
        assert!(step.commit().await.unwrap());
        assert_eq!(page.sync(push()).await.unwrap().remaining, 2);
    });
}
