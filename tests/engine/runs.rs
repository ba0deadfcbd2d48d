//! Several callers of one context's sync: each gets an answer to what it asked.

use std::{cell::Cell, rc::Rc};

use futures_executor::block_on;
use futures_util::{future::join, poll};
use landfall::{
    engine::{EndedBy, SyncOptions},
    testing::{Device, Fault, MemoryInstance, yield_now},
};
use serde_json::json;

use super::support::{create, push, resp, row, tables};

#[test]
fn a_sync_that_joins_one_whose_line_was_dead_tries_for_itself() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "x"})).await;
        device.remote.plan(Some(Fault::LoseRequest));
        let (first, second) = join(page.sync(push()), page.sync(push())).await;
        assert_eq!(first.unwrap().ended_by, EndedBy::Offline);
        assert_eq!(second.unwrap().ended_by, EndedBy::Done);
        assert_eq!(instance.rows("incident").len(), 1);

        // Where it stays dead, each has tried once and nobody goes on for ever.
        create(&page, "incident", json!({"short_description": "y"})).await;
        device.remote.set_offline(true);
        let (first, second) = join(page.sync(push()), page.sync(push())).await;
        assert_eq!((first.unwrap().ended_by, second.unwrap().ended_by), (EndedBy::Offline, EndedBy::Offline));
    })
}

#[test]
fn one_callers_abort_is_not_anothers() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({"short_description": "x"})).await;
        let abort: Rc<Cell<bool>> = Rc::default();
        abort.set(true);
        let (_, r) = join(page.sync(SyncOptions { abort, ..push() }), page.sync(push())).await;
        let r = r.unwrap();
        assert!(r.remaining == 0, "{r:?}");
    })
}

#[test]
fn without_locks_the_lease_alone_picks_the_sender() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = Device::new(&instance, tables(), 1);
        device.without_locks();
        device.set_batch_size(1);
        let (page, worker) = (device.open().await.unwrap(), device.open().await.unwrap());
        for number in 0..9 {
            create(&page, "incident", json!({ "short_description": number.to_string() })).await;
        }
        // Who comes second waits for the first to give its lease back, in rounds of five seconds.
        let clock = device.clock.clone();
        let time = async {
            while instance.rows("incident").len() < 9 {
                yield_now().await;
            }
            while clock.next_wake().is_none() {
                yield_now().await;
            }
            for _ in 0..20 {
                clock.advance(1_000);
                for _ in 0..50 {
                    yield_now().await;
                }
            }
        };
        let (both, ()) = join(join(page.sync(push()), worker.sync(push())), time).await;
        let (first, second) = (both.0.unwrap(), both.1.unwrap());
        assert_eq!((first.sent + second.sent, first.remaining, second.remaining), (9, 0, 0), "{first:?} {second:?}");
        assert!(first.sent == 0 || second.sent == 0, "one sends it all: {first:?} {second:?}");
        let posts = instance.log().iter().filter(|line| line.starts_with("POST")).count();
        assert_eq!(posts, 9);
    })
}

#[test]
fn a_line_that_is_well_again_is_not_waited_for() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({ "short_description": "x" })).await;
        device.remote.set_offline(true);
        for _ in 0..20 {
            page.sync(push()).await.unwrap();
            device.clock.advance(300_000);
        }
        device.remote.set_offline(false);
        device.remote.plan(None);
        device.remote.plan(Some(Fault::Answer(resp(500, "{}"))));
        assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Backoff);
        let next = page.next_sync_in().await.unwrap().unwrap();
        assert!(next <= 1_000, "the first failure of its own, after twenty of the line: {next} ms");
    })
}

#[test]
fn what_has_to_go_again_and_cannot_is_not_tried_every_second() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let older = create(&page, "incident", json!({ "short_description": "older" })).await;
        page.sync(push()).await.unwrap();
        // It left together with the record it names, which is refused when both go again.
        let younger = create(&page, "incident", json!({ "short_description": "younger" })).await;
        page.update("incident", &older, row(json!({ "parent": younger }))).await.unwrap();
        device.remote.plan(Some(Fault::LoseRequest));
        page.sync(push()).await.unwrap();
        device.clock.advance(400_000);
        instance.refuse(|_, fields| fields.contains_key("short_description").then(|| (403, "No".into())));
        page.sync(push()).await.unwrap();
        assert_eq!(page.next_sync_in().await.unwrap(), None);
        let left = page.outbox(None, None, None).await.unwrap();
        assert!(left[1].explain.contains("“younger”, which the instance refused, and which you"), "{left:?}");
        assert_eq!(left[1].depends_on, [left[0].id.as_str()]);
    });
}

#[test]
fn a_lock_that_cannot_be_asked_for_is_asked_for_again_in_a_while() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        create(&page, "incident", json!({ "short_description": "x" })).await;
        device.lock.set_broken(true);
        let mut run = Box::pin(page.sync(push()));
        for _ in 0..1000 {
            assert!(poll!(&mut run).is_pending());
        }
        assert!(device.clock.next_wake().is_some(), "it goes round and round");
        device.lock.set_broken(false);
        device.clock.advance(10_000);
        assert_eq!(run.await.unwrap().remaining, 0);
    })
}
