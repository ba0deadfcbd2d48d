//! Write-back actions whose online step the app runs.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::stored::Action,
    engine::{CallFailed, Client, Step, StepFailed},
    ports::AuthReason,
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::{Fields, Method, Request, Response, decode, table},
};
use serde_json::{Value, json};

use super::both::both;
use super::support::{create, proved, push, resp, row, tables};

pub type Page = Client<MemoryPorts>;

pub fn post(path: &str, body: Value) -> Request {
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    Request { method: Method::Post, path: path.to_owned(), headers, body: Some(body.to_string().into_bytes()) }
}

pub fn id_in(response: &Response) -> String {
    let answer: table::Answer<table::Row> = decode("answer", &response.body).unwrap();
    Fields::from(answer.result)["sys_id"].clone()
}

async fn made(step: &Step<MemoryPorts>, body: Value) -> Result<String, StepFailed> {
    let response =
        step.call(None, post("table/incident_task", body)).await.map_err(|why| StepFailed(why.to_string()))?;
    if response.is_success() { Ok(id_in(&response)) } else { Err(StepFailed("It would not have it".to_owned())) }
}

/// Makes a task for each that the offline step made, one after the other.
fn splits(page: &Page) {
    page.register(
        "split",
        Rc::new(|step, input| {
            Box::pin(async move {
                for open in step.records() {
                    let sys_id = made(&step, json!({ "description": input["why"] })).await?;
                    step.add_record_for_sync("incident_task", &sys_id, Some(&open.sys_id)).unwrap();
                }
                Ok(json!({ "acted_at": step.acted_at() }))
            })
        }),
    );
}

async fn split(page: &Page, tasks: usize) -> (String, Vec<String>) {
    let action =
        Action { name: "split".to_owned(), input: json!({ "why": "too large" }), by_app: true, ..Action::default() };
    let step = page.act(action).await.unwrap();
    for _ in 0..tasks {
        step.create("incident_task", row(json!({}))).await.unwrap();
    }
    let (item, records) = step.acted().await.unwrap();
    assert!(step.commit().await.unwrap());
    (item, records.into_iter().map(|record| record.sys_id).collect())
}

fn posts(instance: &MemoryInstance) -> usize {
    instance.log().iter().filter(|line| *line == "POST /api/now/table/incident_task").count()
}

#[test]
fn each_of_its_calls_takes_effect_and_its_records_are_reconciled() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        splits(&page);
        let (item, temporary) = split(&page, 3).await;
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0, "{:?}", page.outbox(None, None, None).await);
        let receipt = page.settled(&item).await.unwrap();
        assert_eq!(receipt.result, Some(json!({ "acted_at": "2023-11-14T22:13:20Z" })));
        assert_eq!(instance.rows("incident_task").len(), 3);
        for id in temporary {
            let now = page.resolve_id(&id).await.unwrap();
            assert_eq!(page.get("incident_task", &id, false).await.unwrap().unwrap()["description"], "too large");
            assert!(instance.rows("incident_task").iter().any(|row| row["sys_id"] == now));
        }
        assert!(page.audit().await.unwrap().orphans.is_empty());
    });
}

#[test]
fn a_step_that_is_cut_goes_on_where_it_was() {
    for answer_lost in [true, false] {
        block_on(async {
            let instance = MemoryInstance::with_extras();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            splits(&page);
            split(&page, 3).await;
            device.remote.plan(None);
            device.remote.plan(Some(if answer_lost { Fault::LoseAnswer } else { Fault::LoseRequest }));
            page.sync(push()).await.unwrap();
            let outbox = page.outbox(None, None, None).await.unwrap();
            assert_eq!(outbox[0].state, "unknown");
            assert!(outbox[0].explain.contains("it is run again"), "{}", outbox[0].explain);
            // In another context, which has to have it registered.
            drop(page);
            device.clock.advance(60_000);
            let worker = device.open().await.unwrap();
            let before = posts(&instance);
            worker.sync(push()).await.unwrap();
            assert_eq!(posts(&instance), before);
            splits(&worker);
            let report = worker.sync(push()).await.unwrap();
            assert_eq!(report.remaining, 0);
            assert_eq!(instance.rows("incident_task").len(), 3);
            // The first is not even asked for again.
            assert_eq!(posts(&instance), before + 2);
            assert!(worker.audit().await.unwrap().orphans.is_empty());
        });
    }
}

#[test]
fn without_keys_the_user_is_asked_and_what_was_answered_is_not_done_again() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        splits(&page);
        let (item, _) = split(&page, 3).await;
        let posted = Rc::new(RefCell::new(0));
        let count = Rc::clone(&posted);
        device.remote.set_rule(move |request| {
            let counts = request.method == Method::Post && request.path.contains("incident_task");
            *count.borrow_mut() += u32::from(counts);
            (counts && *count.borrow() == 2).then_some(Fault::LoseAnswer)
        });
        page.sync(push()).await.unwrap();
        page.sync(push()).await.unwrap();
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert_eq!((outbox[0].state, *posted.borrow()), ("unknown", 2));
        assert!(outbox[0].explain.contains("cannot say whether it arrived"), "{}", outbox[0].explain);
        // It did not, says the user, who errs: that one there are two of, and of the others one.
        page.retry(&item).await.unwrap();
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.remaining, *posted.borrow()), (0, 4));
        assert_eq!(instance.rows("incident_task").len(), 4);
    });
}

#[test]
fn without_keys_what_carries_the_temporary_id_is_asked_for() {
    for fault in [Fault::LoseAnswer, Fault::LoseRequest] {
        block_on(async {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident_task").await;
            let before = posts(&instance);
            page.register(
                "split",
                Rc::new(|step, _| {
                    Box::pin(async move {
                        for open in step.records() {
                            let sys_id = made(&step, json!({ "correlation_id": open.sys_id })).await?;
                            // May be repeated: it writes no journal.
                            let path = format!("table/incident_task/{sys_id}");
                            let patch = Request { method: Method::Patch, ..post(&path, json!({ "state": "2" })) };
                            step.call(None, patch).await.map_err(|why| StepFailed(why.to_string()))?;
                            step.add_record_for_sync("incident_task", &sys_id, Some(&open.sys_id)).unwrap();
                        }
                        Ok(Value::Null)
                    })
                }),
            );
            let (item, _) = split(&page, 2).await;
            let lost = Rc::new(RefCell::new(2));
            let fault = fault.clone();
            device.remote.set_rule(move |request| {
                let writes = request.method != Method::Get && request.path.contains("incident_task");
                let mut lost = lost.borrow_mut();
                *lost -= i32::from(writes);
                // Its first create, and what comes next.
                (writes && (*lost == 1 || *lost == 0)).then(|| fault.clone())
            });
            page.sync(push()).await.unwrap();
            let outbox = page.outbox(None, None, None).await.unwrap();
            assert!(outbox[0].explain.contains("it is run again at "), "{}", outbox[0].explain);
            // It may still be on its way: an empty answer would be worth nothing yet.
            page.sync(push()).await.unwrap();
            assert_eq!(page.outbox(None, None, None).await.unwrap()[0].attempts, outbox[0].attempts);
            for _ in 0..4 {
                device.clock.advance(70_000);
                page.sync(push()).await.unwrap();
            }
            assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
            assert_eq!(page.settled(&item).await.unwrap().records.len(), 2);
            let rows = instance.rows("incident_task");
            assert_eq!(
                (rows.len(), rows.iter().filter(|row| row.get("state").is_some_and(|state| state == "2")).count()),
                (3, 2),
                "{rows:?}"
            );
            assert!(posts(&instance) <= before + 3);
            assert!(page.audit().await.unwrap().orphans.is_empty());
        });
    }
}

#[test]
fn what_it_throws_is_the_refusal() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        splits(&page);
        instance.refuse(|table, _| (table == "incident_task").then(|| (403, "No".to_owned())));
        let (item, _) = split(&page, 1).await;
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.refused, report.remaining), (1, 1));
        let error = page.settled(&item).await.unwrap().error.unwrap();
        assert_eq!((error.status, error.message.as_str()), (403, "It would not have it"));
        instance.accept();
        page.retry(&item).await.unwrap();
        assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
        assert_eq!(instance.rows("incident_task").len(), 1);
    });
}

#[test]
fn a_session_that_runs_out_within_costs_nothing() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        splits(&page);
        split(&page, 2).await;
        let (seen, asked) = (Rc::new(RefCell::new(0)), device.remote.auth_asked().len());
        device.remote.set_rule(move |request| {
            let counts = request.method == Method::Post && request.path.contains("incident_task");
            *seen.borrow_mut() += u32::from(counts);
            (counts && *seen.borrow() == 2).then(|| Fault::Answer(resp(401, "{}")))
        });
        let report = page.sync(push()).await.unwrap();
        assert_eq!(report.remaining, 0);
        let expired =
            device.remote.auth_asked().into_iter().skip(asked).filter(|reason| *reason == AuthReason::Expired);
        assert_eq!(expired.count(), 1);
        assert_eq!(instance.rows("incident_task").len(), 2);
    });
}

#[test]
fn what_a_step_may_not_do_it_is_told() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let kept: Rc<RefCell<Option<Step<MemoryPorts>>>> = Rc::default();
        let keep = Rc::clone(&kept);
        page.register(
            "odd",
            Rc::new(move |step, _| {
                keep.replace(Some(step.clone()));
                Box::pin(async move {
                    let get = |path: &str| Request { method: Method::Get, body: None, ..post(path, json!({})) };
                    for path in ["https://else.where/x", "//else.where/x", "/\\else.where/x", "/\t/else.where/x"] {
                        let told = step.call(None, get(path)).await;
                        assert_eq!(told, Err(CallFailed::NotTheInstances(path.to_owned())));
                    }
                    let key = || Some("mine".to_owned());
                    assert!(step.call(None, get("table/incident?sysparm_query=a=http://b")).await.is_ok());
                    assert!(step.call(key(), post("table/incident", json!({}))).await.unwrap().is_success());
                    let twice = step.call(key(), post("/api/now/table/incident", json!({}))).await;
                    assert_eq!(twice, Err(CallFailed::SameKey("mine".to_owned())));
                    Ok(Value::Null)
                })
            }),
        );
        let action = Action { name: "odd".to_owned(), by_app: true, ..Action::default() };
        assert!(page.act(action).await.unwrap().commit().await.unwrap());
        create(&page, "incident", json!({})).await;
        assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
        let step = kept.take().unwrap();
        assert_eq!(step.call(None, post("table/incident", json!({}))).await, Err(CallFailed::Over));
    });
}

#[test]
fn a_portals_page_and_half_an_answer_are_no_answers_to_a_call() {
    for (mime, body) in
        [("text/html", "<html>Welcome. Please sign in.</html>"), ("application/json", "{\"result\":{\"sy")]
    {
        both(async |instance, device| {
            let page = device.open().await.unwrap();
            proved(&page, "incident").await;
            splits(&page);
            let (item, _) = split(&page, 1).await;
            let seen = RefCell::new(0);
            device.remote.set_rule(move |request| {
                let counts = request.method == Method::Post && request.path.contains("incident_task");
                *seen.borrow_mut() += u32::from(counts);
                let headers = vec![("Content-Type".to_owned(), mime.to_owned())];
                (counts && *seen.borrow() == 1).then(|| Fault::Answer(Response { headers, ..resp(200, body) }))
            });
            assert_eq!(page.sync(push()).await.unwrap().refused, 0);
            assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "unknown");
            device.clock.advance(600_000);
            page.retry(&item).await.unwrap();
            assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
            assert_eq!(instance.rows("incident_task").len(), 1);
        });
    }
}

#[test]
fn without_keys_a_note_written_through_a_parent_table_is_not_repeated() {
    block_on(async {
        let instance = MemoryInstance::plain();
        // The parent says nothing of journals: its child does.
        let own = json!({ "task": {}, "incident": { "extends": "task", "journals": ["work_notes"] } });
        let device = Device::new(&instance, serde_json::from_value(own).unwrap(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let id = instance.put("task", &[("state", "1")]);
        page.register(
            "note",
            Rc::new(move |step, _| {
                let path = format!("table/task/{id}");
                Box::pin(async move {
                    let patch = Request { method: Method::Patch, ..post(&path, json!({ "work_notes": "rang" })) };
                    step.call(None, patch).await.map_err(|why| StepFailed(why.to_string()))?;
                    Ok(Value::Null)
                })
            }),
        );
        let action = Action { name: "note".to_owned(), by_app: true, ..Action::default() };
        assert!(page.act(action).await.unwrap().commit().await.unwrap());
        let lost = Rc::new(RefCell::new(false));
        device.remote.set_rule(move |request| {
            let writes = request.method == Method::Patch && !lost.replace(request.method == Method::Patch);
            writes.then_some(Fault::LoseAnswer)
        });
        for _ in 0..3 {
            page.sync(push()).await.unwrap();
            device.clock.advance(70_000);
        }
        let outbox = page.outbox(None, None, None).await.unwrap();
        assert!(outbox[0].explain.contains("cannot say whether it arrived"), "{}", outbox[0].explain);
        assert_eq!(instance.log().iter().filter(|line| line.starts_with("PATCH")).count(), 1);
    });
}

#[test]
fn calls_made_at_once_are_carried_out_once_each() {
    for lost_at in [1, 2] {
        block_on(async {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            proved(&page, "incident_task").await;
            page.register(
                "split",
                Rc::new(|step, _| {
                    Box::pin(async move {
                        let open = step.records();
                        let all = open.iter().map(|open| made(&step, json!({ "correlation_id": open.sys_id })));
                        for (sys_id, open) in futures_util::future::join_all(all).await.into_iter().zip(&open) {
                            step.add_record_for_sync("incident_task", &sys_id?, Some(&open.sys_id)).unwrap();
                        }
                        Ok(Value::Null)
                    })
                }),
            );
            split(&page, 3).await;
            let posted = Rc::new(RefCell::new(0));
            device.remote.set_rule(move |request| {
                let writes = request.method == Method::Post && request.path.contains("incident_task");
                *posted.borrow_mut() += u32::from(writes);
                (writes && *posted.borrow() == lost_at).then_some(Fault::LoseAnswer)
            });
            for _ in 0..4 {
                page.sync(push()).await.unwrap();
                device.clock.advance(70_000);
            }
            assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
            assert_eq!(instance.rows("incident_task").len(), 4);
        });
    }
}

#[test]
fn a_question_that_no_instance_answers_so_is_no_refusal() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({})).await;
        page.sync(push()).await.unwrap();
        page.register(
            "ask",
            Rc::new(|step, _| {
                Box::pin(async move {
                    let get = Request { method: Method::Get, body: None, ..post("table/incident", json!({})) };
                    let answer = step.call(None, get).await.map_err(|why| StepFailed(why.to_string()))?;
                    if answer.is_success() { Ok(Value::Null) } else { Err(StepFailed("It would not say".to_owned())) }
                })
            }),
        );
        let action = Action { name: "ask".to_owned(), by_app: true, ..Action::default() };
        assert!(page.act(action).await.unwrap().commit().await.unwrap());
        device.remote.plan(Some(Fault::Answer(resp(502, "<html>"))));
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.refused, report.remaining), (0, 1));
        device.clock.advance(3_600_000);
        assert_eq!(page.sync(push()).await.unwrap().remaining, 0);
    });
}

#[test]
fn what_nobody_here_can_carry_out_says_so() {
    both(async |_, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let (item, _) = split(&page, 1).await;
        page.sync(push()).await.unwrap();
        let said = page.outbox(None, None, None).await.unwrap().remove(0);
        assert_eq!((said.id.as_str(), said.state), (item.as_str(), "queued"));
        assert!(said.explain.contains("that has “split” registered"), "{}", said.explain);
        splits(&page);
        let said = page.outbox(None, None, None).await.unwrap().remove(0);
        assert_eq!(said.explain, "It goes out at the next sync.");
    });
}

/// It holds up all that is sent: the user must be able to get rid of it.
#[test]
fn a_step_that_never_ends_can_be_discarded_while_it_runs() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        page.register("hangs", Rc::new(|_, _| Box::pin(std::future::pending())));
        let step = page.act(Action { name: "hangs".to_owned(), by_app: true, ..Action::default() }).await.unwrap();
        let (item, _) = step.acted().await.unwrap();
        assert!(step.commit().await.unwrap());
        let mut run = Box::pin(page.sync(push()));
        for _ in 0..200 {
            assert!(futures_util::poll!(&mut run).is_pending());
        }
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "sending");
        assert_eq!(page.discard(&item).await.unwrap().len(), 1);
        create(&page, "incident", json!({})).await;
        let report = loop {
            if let std::task::Poll::Ready(report) = futures_util::poll!(&mut run) {
                break report.unwrap();
            }
            device.clock.advance(1_000);
        };
        assert_eq!((report.sent, report.remaining, instance.rows("incident").len()), (1, 0, 1));
    });
}
