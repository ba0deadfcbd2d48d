//! Records that the app asks the instance for.

use std::{cell::Cell, rc::Rc};

use futures_executor::block_on;
use futures_util::future::{Either, join, select};
use landfall::{
    core::CoreError,
    engine::{EngineError, FromRemote, SyncOptions},
    testing::{Fault, MemoryInstance, yield_now},
    wire::Method,
};
use serde_json::json;

use super::{
    along::{World, world},
    changes::{counted, sync},
    support::{create, push, resp, row},
};

async fn get(w: &World, table: &str, id: &str, from: FromRemote) -> Option<String> {
    let row = w.page.get_from(table, id, false, from).await.unwrap()?;
    Some(row.get("name").and_then(|name| name.as_str()).unwrap_or_default().to_owned())
}

#[test]
fn online_the_instance_is_asked_and_what_it_says_stays() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        // Not one of the query's.
        let id = w.instance.put("incident", &[("name", "a"), ("caller_id", &caller)]);
        let task = w.instance.put("incident_task", &[("incident", &id)]);
        assert_eq!(get(&w, "incident", &id, FromRemote::IfMissing).await.as_deref(), Some("a"));
        for (table, id) in [("sys_user", &caller), ("cmn_location", &place), ("incident_task", &task)] {
            assert!(w.has(table, id).await, "{table}");
        }
        w.instance.put("incident", &[("sys_id", &id), ("name", "b"), ("caller_id", &caller)]);
        let asked = counted(&w.device);
        assert_eq!(get(&w, "incident", &id, FromRemote::IfMissing).await.as_deref(), Some("a"));
        assert_eq!(asked.borrow().len(), 0);
        assert_eq!(get(&w, "incident", &id, FromRemote::Always).await.as_deref(), Some("b"));
        // The record, and what points to it: all else is here.
        assert_eq!(asked.borrow().len(), 2, "{asked:#?}");
        for _ in 0..2 {
            assert_eq!(sync(&w.page).await.removed, 0);
        }
        for (table, id) in [("incident", &id), ("cmn_location", &place), ("incident_task", &task)] {
            assert!(w.has(table, id).await, "{table}");
        }
        let status = w.page.status().await.unwrap();
        assert!(!status.syncing);
    });
}

#[test]
fn a_run_that_only_reads_is_no_sync() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, _) = w.user();
        create(&w.page, "asset", json!({})).await;
        assert_eq!(get(&w, "sys_user", &caller, FromRemote::Always).await.as_deref(), Some(""));
        let status = w.page.status().await.unwrap();
        assert_eq!((status.pending, status.last_sync_at), (1, None));
    });
}

#[test]
fn offline_it_is_what_is_here() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, _) = w.user();
        for offline in [true, false] {
            w.device.remote.set_offline(offline);
            w.page.set_offline(!offline).await.unwrap();
            assert_eq!(get(&w, "sys_user", &caller, FromRemote::Always).await, None);
            assert_eq!(get(&w, "sys_user", &caller, FromRemote::IfMissing).await, None);
        }
        assert_eq!(w.device.remote.sent(), 0);
        w.page.set_offline(false).await.unwrap();
        // Not to be reached, though nobody knew.
        w.device.remote.set_rule(|_| Some(Fault::LoseRequest));
        assert_eq!(get(&w, "sys_user", &caller, FromRemote::Always).await, None);
        w.device.remote.set_rule(|_| None);
        w.device.clock.advance(3_600_000);
        assert_eq!(get(&w, "sys_user", &caller, FromRemote::Always).await.as_deref(), Some(""));
        let made = create(&w.page, "sys_user", json!({ "name": "new" })).await;
        let sent = w.device.remote.sent();
        assert_eq!(get(&w, "sys_user", &made, FromRemote::Always).await.as_deref(), Some("new"));
        assert_eq!(w.device.remote.sent(), sent, "the instance has not heard of it");
        let why = w.page.get_from("nope", "x", false, FromRemote::Always).await.unwrap_err();
        assert_eq!(why, EngineError::Core(CoreError::UnknownTable("nope".into())));
    });
}

#[test]
fn what_the_instance_says_is_gone_goes_unless_something_of_it_is_unsent() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let ids: Vec<String> = (0..4).map(|_| w.user().0).collect();
        for id in &ids {
            assert!(get(&w, "sys_user", id, FromRemote::IfMissing).await.is_some());
            w.instance.remove("sys_user", id);
        }
        w.page.update("sys_user", &ids[1], row(json!({ "name": "mine" }))).await.unwrap();
        create(&w.page, "incident", json!({ "caller_id": ids[2] })).await;
        let mut left = vec![];
        for id in &ids[..3] {
            left.push(get(&w, "sys_user", id, FromRemote::Always).await);
        }
        assert_eq!(left, [None, Some("mine".into()), Some(String::new())]);
        // That it may not be read says nothing of it.
        w.device.remote.set_rule(|request| {
            let no = || Fault::Answer(resp(403, "{\"error\":{\"message\":\"Not yours\"}}"));
            request.path.contains("sys_user").then(no)
        });
        assert!(get(&w, "sys_user", &ids[3], FromRemote::Always).await.is_some());
        w.device.remote.set_rule(|_| None);
        // Nor that another table of its family has none such.
        assert_eq!(get(&w, "incident", &ids[3], FromRemote::Always).await, None);
        assert_eq!(get(&w, "sys_user", "nothing", FromRemote::Always).await, None);
        assert_eq!(get(&w, "sys_user", &ids.join(","), FromRemote::Always).await, None);
    });
}

/// It may be asked for while its create is in doubt: then what comes is the receipt.
#[test]
fn a_record_whose_receipt_never_came_is_that_record() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let made = create(&w.page, "sys_user", json!({ "name": "n" })).await;
        let lost = Cell::new(false);
        w.device.remote.set_rule(move |request| {
            (request.method == Method::Post && !lost.replace(true)).then_some(Fault::LoseAnswer)
        });
        w.page.sync(push()).await.unwrap();
        let id = w.instance.rows("sys_user")[0]["sys_id"].clone();
        w.device.clock.advance(3_600_000);
        assert_eq!(get(&w, "sys_user", &id, FromRemote::Always).await.as_deref(), Some("n"));
        assert_eq!(w.page.resolve_id(&made).await.unwrap(), id);
        sync(&w.page).await;
        assert_eq!((w.page.count("sys_user", "").await.unwrap(), w.instance.rows("sys_user").len()), (1, 1));
        assert_eq!(w.page.audit().await.unwrap().orphans, []);
    });
}

/// A push of many rounds: the record is read between two of them.
#[test]
fn it_does_not_wait_for_the_whole_of_a_long_push() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut w = world(instance).await;
        w.device.set_batch_size(1);
        w.page = w.device.open().await.unwrap();
        let (user, _) = w.user();
        for n in 0..20 {
            create(&w.page, "asset", json!({ "n": n })).await;
        }
        for elsewhere in [false, true] {
            let page = if elsewhere { w.device.open().await.unwrap() } else { w.page.clone() };
            let left = Rc::new(Cell::new(None));
            let then = async {
                for _ in 0..40 {
                    yield_now().await;
                }
                w.instance.put("sys_user", &[("sys_id", &user), ("name", "new")]);
                let got = page.get_from("sys_user", &user, false, FromRemote::Always).await.unwrap();
                assert_eq!(got.unwrap()["name"], "new");
                left.set(Some(page.outbox(None, None, None).await.unwrap().len()));
            };
            join(async { w.page.sync(SyncOptions::default()).await.unwrap() }, then).await;
            if !elsewhere {
                assert!(left.get().unwrap() > 5, "{left:?}");
            }
            for n in 0..20 {
                create(&w.page, "asset", json!({ "n": n })).await;
            }
        }
    });
}

#[test]
fn it_does_not_wait_for_ever_for_its_turn() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (user, _) = w.user();
        create(&w.page, "asset", json!({})).await;
        w.device.remote.set_auth_hangs(true);
        for elsewhere in [false, true] {
            let page = if elsewhere { w.device.open().await.unwrap() } else { w.page.clone() };
            let got = Cell::new(None);
            let asks = async {
                yield_now().await;
                got.set(Some(page.get_from("sys_user", &user, false, FromRemote::Always).await.unwrap()));
            };
            let time = async {
                for _ in 0..60 {
                    for _ in 0..20 {
                        yield_now().await;
                    }
                    w.device.clock.advance(1_000);
                }
            };
            let sync = async {
                w.page.sync(push()).await.unwrap();
            };
            let both = join(asks, time);
            select(std::pin::pin!(sync), std::pin::pin!(both)).await;
            assert_eq!(got.take(), Some(None));
        }
    });
}

/// What it has begun goes on without it.
#[test]
fn it_does_not_wait_for_ever_for_an_answer() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (user, _) = w.user();
        for pins in [false, true] {
            w.device.remote.set_auth_hangs(true);
            let asks = async {
                if pins {
                    w.page.pin("sys_user", &user, None).await.unwrap();
                } else {
                    assert_eq!(get(&w, "sys_user", &user, FromRemote::Always).await, None);
                }
            };
            let time = async {
                for _ in 0..6 {
                    for _ in 0..20 {
                        yield_now().await;
                    }
                    w.device.clock.advance(1_000);
                }
                for _ in 0..20 {
                    yield_now().await;
                }
            };
            let (asks, time) = (std::pin::pin!(asks), std::pin::pin!(time));
            let came = matches!(select(asks, time).await, Either::Left(_));
            assert!(came, "it hangs");
            w.device.remote.set_auth_hangs(false);
            assert!(!pins || w.has("sys_user", &user).await);
            drop(w.page.run_under_way().unwrap().await);
            assert!(w.has("sys_user", &user).await && w.page.run_under_way().is_none());
        }
    });
}

#[test]
fn it_does_not_wait_for_the_whole_of_a_walk() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        for _ in 0..300 {
            let caller = w.user().0;
            w.incident(&[("caller_id", &caller)]);
        }
        let (user, _) = w.user();
        let asked = counted(&w.device);
        let left = Cell::new(None);
        let then = async {
            // The walk has begun.
            while !asked.borrow().iter().any(|path| path.contains("/incident_task?")) {
                yield_now().await;
            }
            assert!(get(&w, "sys_user", &user, FromRemote::Always).await.is_some());
            left.set(Some(asked.borrow().len()));
        };
        join(async { sync(&w.page).await }, then).await;
        let (at, all) = (left.get().unwrap(), asked.borrow().len());
        assert!(at + 8 < all, "{at} of {all}");
    });
}

/// The walk has set out already, and does not come to what goes along with it.
#[test]
fn what_comes_with_a_record_that_is_opened_in_a_walk_outlives_the_walk() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        for _ in 0..300 {
            let caller = w.user().0;
            w.incident(&[("caller_id", &caller)]);
        }
        let (caller, place) = w.user();
        // Not one of the query's.
        let opened = w.instance.put("incident", &[("caller_id", &caller)]);
        let asked = counted(&w.device);
        let then = async {
            while !asked.borrow().iter().any(|path| path.contains("/incident_task?")) {
                yield_now().await;
            }
            assert!(get(&w, "incident", &opened, FromRemote::Always).await.is_some());
        };
        join(async { sync(&w.page).await }, then).await;
        for (table, id) in [("incident", &opened), ("sys_user", &caller), ("cmn_location", &place)] {
            assert!(w.has(table, id).await, "{table}");
        }
    });
}

/// That it is gone is taken from the answer to who asks for it; until then it is here, and leads on.
#[test]
fn one_that_was_opened_and_has_gone_there_leads_on_while_it_is_here() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (caller, place) = w.user();
        assert!(get(&w, "sys_user", &caller, FromRemote::Always).await.is_some());
        w.incident(&[("caller_id", &caller)]);
        sync(&w.page).await;
        assert!(w.has("cmn_location", &place).await);
        w.instance.remove("sys_user", &caller);
        assert_eq!(sync(&w.page).await.removed, 0);
        assert!(w.has("sys_user", &caller).await && w.has("cmn_location", &place).await);
        assert_eq!(get(&w, "sys_user", &caller, FromRemote::Always).await, None);
        assert_eq!(sync(&w.page).await.removed, 1);
        assert!(!w.has("cmn_location", &place).await);
    });
}
