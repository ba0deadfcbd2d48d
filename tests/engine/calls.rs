//! The calls of an online step: each takes effect once, however often the step is run.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use futures_util::poll;
use landfall::{
    core::{
        StoreName,
        stored::{Action, Item, ItemState, decode as decode_row},
    },
    engine::{Step, StepFailed},
    ports::Clock as _,
    testing::{Device, Fault, ManualClock, MemoryInstance, MemoryPorts},
    wire::{Method, Request, decode, table},
};
use serde_json::{Value, json};

use super::{
    steps::{Page, id_in, post},
    support::{proved, push, resp, tables},
};

/// A device that has asked the instance what it can do, and knows its line.
async fn begun(instance: &MemoryInstance) -> (Device, Page) {
    let device = Device::new(instance, tables(), 1);
    let page = device.open().await.unwrap();
    proved(&page, "incident").await;
    (device, page)
}

async fn run(page: &Page, tasks: usize) -> String {
    let step = page.act(Action { name: "odd".to_owned(), by_app: true, ..Action::default() }).await.unwrap();
    for _ in 0..tasks {
        step.create("incident_task", super::support::row(json!({}))).await.unwrap();
    }
    let (item, _) = step.acted().await.unwrap();
    assert!(step.commit().await.unwrap());
    item
}

/// What becomes of the POST of each number, from one on.
fn on_posts(device: &Device, becomes: impl Fn(i32) -> Option<Fault> + 'static) {
    let posted = RefCell::new(0);
    device.remote.set_rule(move |request| {
        let mut keys = request.headers.iter().filter(|(name, _)| name == "Idempotency-Key");
        assert!(keys.all(|(_, key)| key.is_ascii() && key.len() < 255 && key.trim() == key));
        if request.method != Method::Post {
            return None;
        }
        *posted.borrow_mut() += 1;
        becomes(*posted.borrow())
    });
}

fn lose(device: &Device, lost: i32) {
    on_posts(device, move |nth| (nth == lost).then_some(Fault::LoseAnswer));
}

async fn syncs(page: &Page, device: &Device) {
    for _ in 0..3 {
        page.sync(push()).await.unwrap();
        device.clock.advance(70_000);
    }
}

async fn made(step: &Step<MemoryPorts>, key: Option<&str>, body: Value) -> Result<String, StepFailed> {
    let came = step.call(key.map(str::to_owned), post("table/incident_task", body)).await;
    came.map(|response| id_in(&response)).map_err(|why| StepFailed(why.to_string()))
}

/// What a step that stamps its calls with the time asks is another request each time it is run, under the same key.
fn stamps(page: &Page, clock: &ManualClock, keys: [Option<&'static str>; 2]) {
    let clock = clock.clone();
    page.register(
        "odd",
        Rc::new(move |step, _| {
            let clock = clock.clone();
            Box::pin(async move {
                for key in keys {
                    made(&step, key, json!({ "description": clock.now_ms().to_string() })).await?;
                }
                Ok(Value::Null)
            })
        }),
    );
}

#[test]
fn under_its_own_key_a_call_goes_again_as_it_went_first() {
    for lost in [1, 2] {
        for keys in [[Some("one"), Some("two")], [Some("Größe ✓"), Some("one ")]] {
            block_on(async {
                let instance = MemoryInstance::with_extras();
                let (device, page) = begun(&instance).await;
                stamps(&page, &device.clock, keys);
                run(&page, 0).await;
                lose(&device, lost);
                syncs(&page, &device).await;
                assert_eq!(page.outbox(None, None, None).await.unwrap(), [], "{lost} {keys:?}");
                assert_eq!(instance.rows("incident_task").len(), 2);
            });
        }
    }
}

/// Whether it is the one that was lost nobody could say: it is neither made again, nor given that one's answer.
#[test]
fn a_call_that_may_be_another_is_not_taken_for_the_one_before() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (device, page) = begun(&instance).await;
        stamps(&page, &device.clock, [None, None]);
        let item = run(&page, 0).await;
        lose(&device, 2);
        syncs(&page, &device).await;
        assert_eq!(instance.rows("incident_task").len(), 2);
        let said = page.outbox(None, None, None).await.unwrap().remove(0);
        assert_eq!((said.id.as_str(), said.state), (item.as_str(), "refused"));
        assert!(said.explain.contains("give each call a key of its own"), "{}", said.explain);
    });
}

/// It asks first, and leaves out what is there. What it then makes first is not what it made first before.
#[test]
fn a_step_that_leaves_out_what_is_there_makes_the_rest() {
    for plain in [true, false] {
        for lost in [1, 2, 3] {
            block_on(async {
                let instance = if plain { MemoryInstance::plain() } else { MemoryInstance::with_extras() };
                let device = Device::new(&instance, tables(), 1);
                let page = device.open().await.unwrap();
                proved(&page, "incident_task").await;
                page.register(
                    "odd",
                    Rc::new(|step, _| {
                        Box::pin(async move {
                            for open in step.records() {
                                let path = format!("table/incident_task?sysparm_query=correlation_id={}", open.sys_id);
                                let get = Request { method: Method::Get, body: None, ..post(&path, json!({})) };
                                let there = step.call(None, get).await.map_err(|why| StepFailed(why.to_string()))?;
                                let there: table::Answer<Vec<table::Row>> = decode("rows", &there.body).unwrap();
                                let there = there.result.into_iter().next().map(landfall::wire::Fields::from);
                                let sys_id = match there {
                                    Some(row) => row["sys_id"].clone(),
                                    None => made(&step, None, json!({ "correlation_id": open.sys_id })).await?,
                                };
                                step.add_record_for_sync("incident_task", &sys_id, Some(&open.sys_id)).unwrap();
                            }
                            Ok(Value::Null)
                        })
                    }),
                );
                run(&page, 3).await;
                lose(&device, lost);
                syncs(&page, &device).await;
                assert_eq!(page.outbox(None, None, None).await.unwrap(), [], "{lost} {plain}");
                // With the one that has proved the table.
                assert_eq!(instance.rows("incident_task").len(), 4);
                assert!(page.audit().await.unwrap().orphans.is_empty());
            });
        }
    }
}

/// What the instance refused for want of a session is in no doubt, however long the user takes to sign in.
#[test]
fn who_leaves_the_page_to_sign_in_leaves_no_call_in_doubt() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page) = begun(&instance).await;
        stamps(&page, &device.clock, [Some("one"), Some("two")]);
        run(&page, 0).await;
        let remote = device.remote.clone();
        device.remote.set_rule(move |request| {
            (request.method == Method::Post).then(|| {
                // The page is gone before the app can answer.
                remote.set_auth_hangs(true);
                Fault::Answer(resp(401, "{}"))
            })
        });
        let mut cut = Box::pin(page.sync(push()));
        for _ in 0..1_000 {
            assert!(poll!(&mut cut).is_pending());
        }
        // It asks the app, and is not closed while the user goes there.
        let rows = device.database.rows(StoreName::Outbox);
        let item: Item = decode_row(&rows[0]).unwrap();
        assert_eq!((item.state, item.action.unwrap().calling), (ItemState::Unknown, vec![]));
    });
}

#[test]
fn a_session_that_ends_while_a_call_is_in_doubt_counts_no_attempt() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (device, page) = begun(&instance).await;
        stamps(&page, &device.clock, [Some("one"), Some("two")]);
        run(&page, 0).await;
        lose(&device, 1);
        page.sync(push()).await.unwrap();
        let before = page.outbox(None, None, None).await.unwrap().remove(0);
        device.remote.set_signed_out(true);
        device.clock.advance(70_000);
        page.sync(push()).await.unwrap();
        let after = page.outbox(None, None, None).await.unwrap().remove(0);
        assert_eq!((after.state, after.attempts), ("unknown", before.attempts));
        device.remote.set_signed_out(false);
        page.signed_in().await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        assert_eq!(instance.rows("incident_task").len(), 2);
    });
}

/// Which number a call had depends on what was refused before it.
#[test]
fn a_call_that_was_made_again_after_a_refusal_is_known_in_the_next_run() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (device, page) = begun(&instance).await;
        page.register(
            "odd",
            Rc::new(|step, _| {
                Box::pin(async move {
                    for name in ["x", "y"] {
                        let call = || step.call(None, post("table/incident_task", json!({ "description": name })));
                        let mut came = call().await.map_err(|why| StepFailed(why.to_string()))?;
                        if came.status == 409 {
                            came = call().await.map_err(|why| StepFailed(why.to_string()))?;
                        }
                        assert!(came.is_success());
                    }
                    Ok(Value::Null)
                })
            }),
        );
        run(&page, 0).await;
        on_posts(&device, |nth| match nth {
            1 => Some(Fault::Answer(resp(409, "{}"))),
            3 => Some(Fault::LoseAnswer),
            _ => None,
        });
        syncs(&page, &device).await;
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        assert_eq!(instance.rows("incident_task").len(), 2);
    });
}

/// It says nothing of what this very run has left in doubt.
#[test]
fn a_session_that_ends_after_a_call_was_lost_does_not_have_that_one_made_again() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page) = begun(&instance).await;
        page.register(
            "odd",
            Rc::new(|step, _| {
                Box::pin(async move {
                    let _ = step.call(None, post("table/incident_task", json!({}))).await;
                    let get = Request { method: Method::Get, body: None, ..post("table/incident", json!({})) };
                    step.call(None, get).await.map(|_| Value::Null).map_err(|why| StepFailed(why.to_string()))
                })
            }),
        );
        run(&page, 0).await;
        let remote = device.remote.clone();
        device.remote.set_rule(move |request| {
            (request.method == Method::Post).then(|| {
                remote.set_signed_out(true);
                Fault::Garble(resp(502, "{}"))
            })
        });
        page.sync(push()).await.unwrap();
        device.remote.set_rule(|_| None);
        device.remote.set_signed_out(false);
        page.signed_in().await.unwrap();
        syncs(&page, &device).await;
        assert_eq!(instance.rows("incident_task").len(), 1);
        let said = page.outbox(None, None, None).await.unwrap().remove(0);
        assert!(said.explain.contains("cannot say whether it arrived"), "{}", said.explain);
    });
}

/// What an earlier run has left in doubt is found out without the step: or the user would never be told no.
#[test]
fn a_step_that_says_no_with_a_call_in_doubt_is_refused_once_that_is_settled() {
    for plain in [true, false] {
        for fault in [Fault::LoseRequest, Fault::LoseAnswer] {
            block_on(async {
                let instance = if plain { MemoryInstance::plain() } else { MemoryInstance::with_extras() };
                let device = Device::new(&instance, tables(), 1);
                let page = device.open().await.unwrap();
                proved(&page, "incident_task").await;
                let closed: Rc<RefCell<bool>> = Rc::default();
                let is_closed = Rc::clone(&closed);
                page.register(
                    "odd",
                    Rc::new(move |step, _| {
                        let is_closed = Rc::clone(&is_closed);
                        Box::pin(async move {
                            if *is_closed.borrow() {
                                return Err(StepFailed("It is closed.".to_owned()));
                            }
                            let [open] = &step.records()[..] else { panic!("one was made") };
                            made(&step, None, json!({ "correlation_id": open.sys_id })).await.map(Value::from)
                        })
                    }),
                );
                let item = run(&page, 1).await;
                let lost = fault.clone();
                on_posts(&device, move |nth| (nth == 1).then(|| lost.clone()));
                page.sync(push()).await.unwrap();
                *closed.borrow_mut() = true;
                syncs(&page, &device).await;
                let said = page.outbox(None, None, None).await.unwrap().remove(0);
                assert_eq!((said.id.as_str(), said.state), (item.as_str(), "refused"), "{plain} {fault:?}");
                assert!(said.explain.contains("It is closed."), "{}", said.explain);
                let there = usize::from(fault == Fault::LoseAnswer);
                assert_eq!(instance.rows("incident_task").len(), 1 + there, "{plain} {fault:?}");
            });
        }
    }
}

/// It is looked for by the temporary id in vain, which says nothing of the table.
#[test]
fn what_a_step_makes_without_the_temporary_id_does_not_make_its_table_one_that_keeps_none() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page) = begun(&instance).await;
        proved(&page, "incident_task").await;
        page.register(
            "odd",
            Rc::new(|step, _| {
                Box::pin(async move {
                    let sys_id = made(&step, None, json!({})).await?;
                    step.add_record_for_sync("incident_task", &sys_id, None).unwrap();
                    Ok(Value::Null)
                })
            }),
        );
        run(&page, 1).await;
        syncs(&page, &device).await;
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        let caveats = page.status().await.unwrap().caveats;
        assert!(!caveats.iter().any(|said| said.contains("incident_task")), "{caveats:?}");
    });
}

/// What it has made of an error it has made of nothing: not all of it is done.
#[test]
fn a_step_that_passes_over_a_call_that_was_not_made_is_not_done() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (device, page) = begun(&instance).await;
        page.register(
            "odd",
            Rc::new(|step, _| {
                Box::pin(async move {
                    for key in ["one", "two"] {
                        let call = post("table/incident_task", json!({ "description": key }));
                        let _ = step.call(Some(key.to_owned()), call).await;
                    }
                    Ok(Value::Null)
                })
            }),
        );
        run(&page, 0).await;
        // The second is turned away then.
        on_posts(&device, |nth| (nth == 1).then(|| Fault::Answer(resp(500, "{}"))));
        page.sync(push()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "unknown");
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        assert_eq!(instance.rows("incident_task").len(), 2);
    });
}

/// It has only just left again: an empty answer to a question says nothing of it, and the user is not told no yet.
#[test]
fn a_call_that_was_lost_once_more_is_not_settled_by_the_step_that_says_no_to_that() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident_task").await;
        page.register(
            "odd",
            Rc::new(|step, _| {
                Box::pin(async move {
                    let [open] = &step.records()[..] else { panic!("one was made") };
                    let body = json!({ "correlation_id": open.sys_id });
                    let came = step.call(None, post("table/incident_task", body)).await;
                    match came.map_err(|why| StepFailed(why.to_string()))? {
                        came if came.is_success() => {
                            step.add_record_for_sync("incident_task", &id_in(&came), None).unwrap();
                            Ok(Value::Null)
                        }
                        came => Err(StepFailed(came.status.to_string())),
                    }
                })
            }),
        );
        run(&page, 1).await;
        on_posts(&device, |nth| match nth {
            1 => Some(Fault::LoseRequest),
            2 => Some(Fault::Answer(resp(504, "{}"))),
            _ => None,
        });
        page.sync(push()).await.unwrap();
        device.clock.advance(70_000);
        page.sync(push()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap()[0].state, "unknown");
        device.clock.advance(400_000);
        page.sync(push()).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
        assert_eq!(instance.rows("incident_task").len(), 2);
    });
}

/// Which the instance cannot be asked for: under its key it goes once more, as it went, to be known.
#[test]
fn a_lost_call_that_cannot_be_asked_for_goes_again_under_its_key_when_the_step_says_no() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let (device, page) = begun(&instance).await;
        let times: Rc<RefCell<usize>> = Rc::default();
        let counts = Rc::clone(&times);
        page.register(
            "odd",
            Rc::new(move |step, _| {
                *counts.borrow_mut() += 1;
                let first = *counts.borrow() == 1;
                Box::pin(async move {
                    match first {
                        true => made(&step, None, json!({ "description": "once" })).await.map(Value::from),
                        false => Err(StepFailed("No more.".to_owned())),
                    }
                })
            }),
        );
        run(&page, 0).await;
        lose(&device, 1);
        syncs(&page, &device).await;
        let said = page.outbox(None, None, None).await.unwrap().remove(0);
        assert_eq!((said.state, instance.rows("incident_task").len(), *times.borrow()), ("refused", 1, 2));
        assert!(said.explain.contains("a part of it was carried out"), "{}", said.explain);
    });
}
