//! Pulls that are stopped, put off, or overtaken by writes and clocks: nothing that lives is removed.
use futures_executor::block_on;
use futures_util::future::join;
use landfall::{
    core::Event,
    engine::{EndedBy, SyncOptions},
    testing::{Device, Fault, MemoryInstance, listening, yield_now},
};
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

use super::support::{create, push, resp, row, tables};

#[test]
fn an_aborted_pull_removes_nothing() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..1500 {
            instance.put("sys_user", &[("name", &format!("u{n}"))]);
        }
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(page.count("sys_user", "").await.unwrap(), 1500);
        device.clock.advance(10_000);
        let abort: Rc<Cell<bool>> = Rc::default();
        let set = Rc::clone(&abort);
        let o = SyncOptions { abort, on_progress: Some(Rc::new(move |_| set.set(true))), ..SyncOptions::default() };
        page.sync(o).await.unwrap();
        assert_eq!(page.count("sys_user", "").await.unwrap(), 1500);
    })
}

#[test]
fn a_row_that_slipped_between_two_pages_stays() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut ids = vec![];
        for n in 0..1500 {
            ids.push(instance.put("sys_user", &[("name", &format!("u{n}"))]));
        }
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        device.clock.advance(10_000);
        let (i, first, done) = (instance.clone(), ids[0].clone(), Cell::new(false));
        let o = SyncOptions {
            on_progress: Some(Rc::new(move |_| {
                if !done.replace(true) {
                    i.remove("sys_user", &first)
                }
            })),
            ..SyncOptions::default()
        };
        page.sync(o).await.unwrap();
        // row 0 is gone (its copy may stay till next time), but row 1000 lives on the instance and must be here
        assert!(page.get("sys_user", &ids[1000], false).await.unwrap().is_some(), "a living row was swept");
    })
}

#[test]
fn a_pull_that_meets_429_ends_as_backoff() {
    block_on(async {
        let instance = MemoryInstance::plain();
        instance.put("sys_user", &[("name", "u")]);
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "a"})).await;
        instance.refuse(|_, _| Some((500, "boom".into())));
        page.sync(SyncOptions::default()).await.unwrap();
        // 429 on pull
        instance.accept();
        device.clock.advance(4_000_000);
        page.sync(push()).await.unwrap();
        device.remote.plan(Some(Fault::Answer(resp(429, "{\"error\":{\"message\":\"rate\"}}"))));
        let r = page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        assert_eq!((r.ended_by, r.refreshed), (EndedBy::Backoff, false));
    })
}

#[test]
fn a_sweep_leaves_what_unsent_work_needs() {
    block_on(async {
        let mut bad = vec![];
        for delay in 0..120 {
            let instance = MemoryInstance::plain();
            let ids: Vec<String> = (0..3).map(|n| instance.put("sys_user", &[("name", &format!("u{n}"))])).collect();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            page.sync(SyncOptions::default()).await.unwrap();
            device.clock.advance(10_000);
            instance.remove("sys_user", &ids[1]);
            let (p2, id) = (page.clone(), ids[1].clone());
            let late = async move {
                for _ in 0..delay {
                    yield_now().await;
                }
                if p2.get("sys_user", &id, false).await.unwrap().is_some() {
                    create(&p2, "incident", json!({"short_description": "a", "caller_id": id})).await;
                    // Removed before the link was saved, it is not needed then.
                    p2.get("sys_user", &id, false).await.unwrap().is_some()
                } else {
                    false
                }
            };
            let o = SyncOptions { push: false, ..SyncOptions::default() };
            let (_, made) = join(page.sync(o), late).await;
            if made && page.get("sys_user", &ids[1], false).await.unwrap().is_none() {
                bad.push(delay);
            }
        }
        assert!(bad.is_empty(), "{bad:?}");
    })
}

#[test]
fn a_clock_set_back_during_a_pull_removes_nothing() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..5 {
            instance.put("sys_user", &[("name", &format!("u{n}"))]);
        }
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let clock = device.clock.clone();
        let p = page.clone();
        let set_back = async move {
            for _ in 0..6 {
                yield_now().await;
            }
            clock.set(1_700_000_000_000 - 60_000);
            let _ = p;
        };
        join(page.sync(SyncOptions::default()), set_back).await.0.unwrap();
        assert_eq!(page.count("sys_user", "").await.unwrap(), 5);
    })
}

#[test]
fn clocks_set_back_at_any_moment_of_a_pull_remove_nothing() {
    block_on(async {
        let mut bad = vec![];
        for delay in 0..60 {
            let instance = MemoryInstance::plain();
            for n in 0..5 {
                instance.put("sys_user", &[("name", &format!("u{n}"))]);
            }
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let clock = device.clock.clone();
            let set_back = async move {
                for _ in 0..delay {
                    yield_now().await;
                }
                clock.set(1_700_000_000_000 - 60_000);
            };
            let (r, ()) = join(page.sync(SyncOptions::default()), set_back).await;
            let r = r.unwrap();
            if page.count("sys_user", "").await.unwrap() != 5 {
                bad.push((delay, r.pulled, r.removed));
            }
        }
        assert!(bad.is_empty(), "{bad:?}");
    })
}

#[test]
fn a_refusal_to_say_what_is_gone_is_told_and_fails_nothing() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let gone = instance.put("sys_user", &[("name", "u")]);
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        instance.remove("sys_user", &gone);
        let heard = listening(&page);
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Answer(resp(404, "{\"error\":{\"message\":\"No\"}}"))));
        let report = page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!((report.ended_by, report.removed), (EndedBy::Done, 0), "{report:?}");
        let told = |event: &Event| matches!(event, Event::Error { code, .. } if code == "pull_refused");
        assert!(heard.borrow().iter().any(told), "{heard:?}");
        page.sync(SyncOptions::default()).await.unwrap();
        assert_eq!(page.count("sys_user", "").await.unwrap(), 0);
    })
}

#[test]
fn a_text_that_names_a_record_made_here_is_no_orphan_under_an_edit_either() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let made = create(&page, "incident", json!({ "short_description": "x" })).await;
        // Somebody has copied its address from this device's screen.
        let user = instance.put("sys_user", &[("name", &format!("see {made}"))]);
        instance.refuse(|table, _| (table == "incident").then(|| (403, "Not now".into())));
        page.sync(SyncOptions::default()).await.unwrap();
        page.update("sys_user", &user, row(json!({ "name": "mine" }))).await.unwrap();
        assert_eq!(page.audit().await.unwrap().orphans, []);

        instance.refuse(|table, _| (table == "sys_user").then(|| (403, "Not you".into())));
        let items = page.outbox(None, None, None).await.unwrap();
        page.retry(&items[0].id).await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(page.audit().await.unwrap().orphans, []);
        page.discard(&items[1].id).await.unwrap();
        let name = page.get("sys_user", &user, false).await.unwrap().unwrap()["name"].clone();
        assert_eq!(name, format!("see {}", page.resolve_id(&made).await.unwrap()));
        assert_eq!(page.audit().await.unwrap().orphans, []);
    })
}
