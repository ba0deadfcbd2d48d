//! What the world does to a sync: answers that are none, clocks set right, callers that come and go. Each was once a
//! defect, and is a record lost, doubled or stuck where it comes back.
use futures_executor::block_on;
use futures_util::future::join;
use landfall::{
    core::present::Pause,
    testing::{Device, Fault, MemoryInstance, yield_now},
};
use serde_json::json;

use super::support::{create, proved, push, resp, row, tables};

#[test]
fn a_probe_before_sign_in_is_still_a_probe_after() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "x"})).await;
        device.remote.plan(None); // capabilities
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1);
        device.clock.advance(400_000);
        device.remote.set_signed_out(true);
        page.sync(push()).await.unwrap();
        device.remote.set_signed_out(false);
        // capabilities known? then first goes
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1, "TWIN");
    })
}

#[test]
fn a_probe_that_meets_429_is_asked_again_and_nothing_is_sent_twice() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "x"})).await;
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        device.remote.plan(None); // capabilities again
        device.remote.plan(Some(Fault::Answer(resp(429, "{}"))));
        page.sync(push()).await.unwrap();
        device.clock.advance(4_000_000);
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1, "TWIN");
    })
}

#[test]
fn probes_in_a_batch_that_is_not_allowed_are_asked_again() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        for _ in 0..3 {
            create(&page, "incident", json!({"short_description": "x"})).await;
        }
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 4);
        device.clock.advance(400_000);
        device.remote.plan(None);
        device.remote.plan(None); // first probe, single
        device.remote.plan(Some(Fault::Answer(resp(403, "{}")))); // batch not allowed
        for _ in 0..5 {
            page.sync(push()).await.unwrap();
            device.clock.advance(400_000);
        }
        assert_eq!(instance.rows("incident").len(), 4, "TWIN");
    })
}

#[test]
fn a_lost_batch_is_back_at_the_next_run() {
    block_on(async {
        for extras in [true, false] {
            let instance = if extras { MemoryInstance::with_extras() } else { MemoryInstance::plain() };
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            page.create_many("incident", (0..400).map(|_| row(json!({"short_description": "x"}))).collect())
                .await
                .unwrap();
            device.remote.plan(None);
            for _ in 0..3 {
                device.remote.plan(None);
            } // 20, 40, 80
            device.remote.plan(Some(Fault::LoseRequest)); // 160
            page.sync(push()).await.unwrap();
            let (mut runs, mut waited) = (0, 0u64);
            while instance.rows("incident").len() < 400 && runs < 300 {
                let wait = page.next_sync_in().await.unwrap().unwrap_or(0).max(1000);
                device.clock.advance(wait);
                waited += wait;
                runs += 1;
                page.sync(push()).await.unwrap();
            }
            assert!(runs < 5, "slow: {runs} runs, {} s", waited / 1000);
        }
    })
}

#[test]
fn a_refused_change_is_mended_though_a_journal_entry_follows_it() {
    block_on(async {
        for make_first in [true, false] {
            let instance = MemoryInstance::with_extras();
            instance.refuse(|_, f| {
                (f.contains_key("state") && !f.contains_key("close_notes"))
                    .then(|| (403, "close_notes is mandatory".to_owned()))
            });
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let id = if make_first {
                let id = create(&page, "incident", json!({"short_description": "x"})).await;
                page.sync(push()).await.unwrap();
                id
            } else {
                create(&page, "incident", json!({"state": "6"})).await
            };
            if make_first {
                page.update("incident", &id, row(json!({"state": "6", "work_notes": "done"}))).await.unwrap();
            } else {
                page.update("incident", &id, row(json!({"work_notes": "done"}))).await.unwrap();
            }
            page.sync(push()).await.unwrap();
            page.update("incident", &id, row(json!({"close_notes": "ok"}))).await.unwrap();
            for _ in 0..3 {
                page.sync(push()).await.unwrap();
                device.clock.advance(400_000);
            }
            let left = page.outbox(None, None, None).await.unwrap();
            assert!(left.is_empty(), "stuck: {left:?}");
        }
    })
}

#[test]
fn a_refused_create_is_mended_though_a_journal_entry_follows_it() {
    block_on(async {
        let instance = MemoryInstance::plain();
        instance.refuse(|_, f| {
            (f.contains_key("state") && !f.contains_key("close_notes"))
                .then(|| (403, "close_notes is mandatory".to_owned()))
        });
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let id = create(&page, "incident", json!({"state": "6"})).await;
        page.update("incident", &id, row(json!({"work_notes": "done"}))).await.unwrap();
        page.sync(push()).await.unwrap();
        page.update("incident", &id, row(json!({"close_notes": "ok"}))).await.unwrap();
        for _ in 0..3 {
            page.sync(push()).await.unwrap();
            device.clock.advance(400_000);
        }
        assert_eq!(instance.rows("incident").len(), 1, "never made");
    })
}

#[test]
fn a_link_made_between_plan_and_claim_holds_the_item() {
    block_on(async {
        let mut bad = vec![];
        for delay in 0..80 {
            let instance = MemoryInstance::plain();
            let mut device = Device::new(&instance, tables(), 1);
            device.set_batch_size(1);
            let page = device.open().await.unwrap();
            let a = create(&page, "incident", json!({"short_description": "a"})).await;
            let b = create(&page, "incident", json!({"short_description": "b", "parent": ""})).await;
            // b is newer and may wait for a; a is refused so b must never go with tmp_a
            let deny = a.clone();
            instance.refuse(move |_, f| (f.get("correlation_id") == Some(&deny)).then(|| (403, "no".to_owned())));
            let (p2, b2, a2) = (page.clone(), b.clone(), a.clone());
            let edit = async move {
                for _ in 0..delay {
                    yield_now().await;
                }
                let _ = p2.update("incident", &b2, row(json!({"parent": a2}))).await;
            };
            let (r, ()) = join(page.sync(push()), edit).await;
            r.unwrap();
            for i in instance.rows("incident") {
                if i.get("parent").is_some_and(|p| p.starts_with("tmp_")) {
                    bad.push(delay);
                }
            }
        }
        assert!(bad.is_empty(), "a temporary id reached the instance as a reference at delays {bad:?}");
    })
}

#[test]
fn an_answer_without_an_id_gives_none() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let a = create(&page, "incident", json!({"short_description": "a"})).await;
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Garble(resp(201, "{\"result\":{}}"))));
        page.sync(push()).await.unwrap();
        let id = page.resolve_id(&a).await.unwrap();
        assert!(!id.is_empty(), "the alias leads to the empty id");
    })
}

#[test]
fn a_sync_asked_for_in_the_tail_of_a_run_is_carried_out() {
    block_on(async {
        let mut bad = vec![];
        for delay in 0..80 {
            let instance = MemoryInstance::plain();
            let device = Device::new(&instance, tables(), 1);
            let page = device.open().await.unwrap();
            let p2 = page.clone();
            let late = async move {
                for _ in 0..delay {
                    yield_now().await;
                }
                create(&p2, "incident", json!({"short_description": "a"})).await;
                p2.sync(push()).await.unwrap()
            };
            let (_, r) = join(page.sync(push()), late).await;
            if r.remaining > 0 {
                bad.push((delay, format!("{:?}", r.ended_by)));
            }
        }
        assert!(bad.is_empty(), "{bad:?}");
    })
}

#[test]
fn a_probe_that_meets_401_is_asked_again() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "x"})).await;
        device.remote.plan(None);
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        device.remote.plan(None); // capabilities again
        device.remote.plan(Some(Fault::Answer(resp(401, "{}"))));
        device.remote.plan(Some(Fault::Answer(resp(401, "{}"))));
        page.sync(push()).await.unwrap();
        page.signed_in().await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 1, "TWIN");
    })
}

#[test]
fn what_is_saved_is_told_as_saved() {
    block_on(async {
        use futures_util::FutureExt;
        use landfall::ports::{Ports, Store};
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let p2 = page.clone();
        device.database.after_commit(move |_| {
            let _ = p2.ports().store().close().now_or_never();
        });
        let r = page.create_many("incident", vec![row(json!({"short_description": "x"}))]).await;
        device.database.after_commit(|_| {});
        let again = device.open().await.unwrap();
        let n = again.count("incident", "").await.unwrap();
        assert!(r.is_ok() || n == 0, "said {:?}, and saved {n}", r.err());
    })
}

#[test]
fn batches_grow_again() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = Device::new(&instance, tables(), 1);
        device.set_batch_size(2);
        let page = device.open().await.unwrap();
        page.create_many("incident", (0..40).map(|_| row(json!({"short_description": "x"}))).collect()).await.unwrap();
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Answer(resp(413, "{}"))));
        let r = page.sync(push()).await.unwrap();
        assert!(r.requests < 30, "{r:?}");
    })
}

#[test]
fn a_clock_that_was_a_year_ahead_holds_nothing_up() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        let now = 1_700_000_000_000u64;
        device.clock.set(now + 365 * 86_400_000);
        create(&page, "incident", json!({"short_description": "a"})).await;
        instance.refuse(|_, _| Some((500, "boom".into())));
        page.sync(push()).await.unwrap();
        instance.accept();
        device.clock.set(now);
        for _ in 0..10 {
            page.sync(push()).await.unwrap();
            device.clock.advance(3_600_000);
        }
        assert_eq!(
            instance.rows("incident").len(),
            2,
            "stuck for a year: next in {:?} h",
            page.next_sync_in().await.unwrap().map(|ms| ms / 3_600_000)
        );
    })
}

#[test]
fn a_wait_that_a_clock_set_back_has_made_longer_than_any_is_none() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({})).await;
        device.remote.set_offline(true);
        page.sync(push()).await.unwrap();
        assert_eq!(page.status().await.unwrap().paused, Some(Pause::Backoff));
        device.clock.set(1_700_000_000_000 - 3_600_000);
        assert_eq!(page.status().await.unwrap().paused, None);
        assert_eq!(page.next_sync_in().await.unwrap(), Some(0));
    });
}

#[test]
fn a_link_made_at_any_moment_of_a_run_leaves_no_orphan() {
    block_on(async {
        let mut bad = vec![];
        for delay in 10..22 {
            let instance = MemoryInstance::plain();
            let mut device = Device::new(&instance, tables(), 1);
            device.set_batch_size(1);
            let page = device.open().await.unwrap();
            let a = create(&page, "incident", json!({"short_description": "a"})).await;
            let b = create(&page, "incident", json!({"short_description": "b"})).await;
            let deny = a.clone();
            instance.refuse(move |_, f| (f.get("correlation_id") == Some(&deny)).then(|| (403, "no".to_owned())));
            let (p2, b2, a2) = (page.clone(), b.clone(), a.clone());
            let edit = async move {
                for _ in 0..delay {
                    yield_now().await;
                }
                let _ = p2.update("incident", &b2, row(json!({"parent": a2}))).await;
            };
            let (r, ()) = join(page.sync(push()), edit).await;
            r.unwrap();
            instance.accept();
            page.update("incident", &a, row(json!({"short_description": "a2"}))).await.unwrap();
            page.sync(push()).await.unwrap();
            let o = page.audit().await.unwrap().orphans;
            if !o.is_empty() {
                bad.push((delay, o[0].path.clone(), page.outbox(None, None, None).await.unwrap().len()));
            }
        }
        assert!(bad.is_empty(), "{bad:?}");
    })
}

#[test]
fn writes_while_the_line_is_down_make_the_wait_no_longer() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        device.remote.set_offline(true);
        for _ in 0..10 {
            create(&page, "incident", json!({"short_description": "x"})).await;
            page.sync(push()).await.unwrap();
            device.clock.advance(1000);
        }
        let w = page.next_sync_in().await.unwrap().unwrap();
        assert!(w < 20_000, "after 10 s offline the next try is in {w} ms");
    })
}
