//! Who waits for what, and what is said of it.

use std::task::Poll;

use futures_executor::block_on;
use futures_util::poll;
use landfall::{
    core::{Event, StoreName},
    engine::{EndedBy, STUCK_MS},
    testing::{Device, Fault, MemoryInstance, listening},
};
use serde_json::json;

use super::support::{create, proved, push, resp, tables};

#[test]
fn who_waited_for_its_turn_heeds_what_the_instance_has_asked_of_the_one_before() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let (first, second) = (device.open().await.unwrap(), device.open().await.unwrap());
        proved(&first, "incident").await;
        create(&first, "incident", json!({})).await;
        let mut run = Box::pin(first.sync(push()));
        while !device.lock.is_held() {
            assert!(poll!(&mut run).is_pending());
        }
        let mut waiting = Box::pin(second.sync(push()));
        for _ in 0..200 {
            assert!(poll!(&mut waiting).is_pending());
        }
        let mut busy = resp(429, "{}");
        busy.headers.push(("Retry-After".into(), "3600".into()));
        device.remote.plan(Some(Fault::Answer(busy)));
        assert_eq!(run.await.unwrap().ended_by, EndedBy::Backoff);
        let sent = device.remote.sent();
        assert_eq!(waiting.await.unwrap().ended_by, EndedBy::Backoff);
        assert_eq!(device.remote.sent(), sent);
        let item = &first.outbox(None, None, None).await.unwrap()[0];
        let at = item.next_attempt_at.clone().unwrap();
        assert_eq!(item.explain, format!("The instance has asked for time; it is tried again at {at}."));
    });
}

#[test]
fn what_the_line_has_failed_makes_no_item_wait_longer_afterwards() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = Device::new(&instance, tables(), 1);
        // Else each of these runs would end at asking what the instance can do.
        device.without_extras();
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({})).await;
        device.remote.plan(Some(Fault::LoseAnswer));
        page.sync(push()).await.unwrap();
        device.remote.set_offline(true);
        for _ in 0..10 {
            device.clock.advance(400_000);
            page.sync(push()).await.unwrap();
        }
        device.remote.set_offline(false);
        let outbox = async || page.outbox(None, None, None).await.unwrap();
        assert!(outbox().await[0].attempts > 10);
        device.remote.set_rule(|_| Some(Fault::Answer(resp(500, "{}"))));
        page.sync(push()).await.unwrap();
        for most in [1_000, 2_000, 4_000] {
            assert!(outbox().await[0].next_attempt_at.is_some());
            device.clock.advance(most);
            let sent = device.remote.sent();
            page.sync(push()).await.unwrap();
            assert!(device.remote.sent() > sent, "within {most} ms");
        }
    });
}

#[test]
fn what_waits_for_the_user_is_said_to_stand_still_by_one_context() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let (page, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        let heard = listening(&page);
        proved(&page, "incident").await;
        proved(&other, "incident").await;
        instance.refuse(|_, _| Some((403, "No".into())));
        create(&page, "incident", json!({})).await;
        page.sync(push()).await.unwrap();
        assert_eq!(page.next_sync_in().await.unwrap(), None, "no run comes by itself");
        let said = async || {
            page.look_for_standstill().await.unwrap();
            other.look_for_standstill().await.unwrap();
            heard.borrow().iter().filter(|event| matches!(event, Event::Stuck { pending: 1, .. })).count()
        };
        device.clock.advance(STUCK_MS - 1);
        assert_eq!(said().await, 0);
        device.clock.advance(1);
        assert_eq!((said().await, said().await), (1, 1));
        device.clock.advance(STUCK_MS);
        assert_eq!(said().await, 2);
        let id = page.outbox(None, None, None).await.unwrap()[0].id.clone();
        page.discard(&id).await.unwrap();
        device.clock.advance(STUCK_MS);
        assert_eq!(said().await, 2, "nothing is left");
    });
}

#[test]
fn who_was_frozen_at_the_end_of_its_run_clears_nothing_that_a_later_sender_was_told() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let (frozen, living) = (device.open().await.unwrap(), device.open().await.unwrap());
        proved(&frozen, "incident").await;
        create(&frozen, "incident", json!({})).await;
        let mut frozen = Box::pin(frozen.sync(push()));
        while !device.database.rows(StoreName::Outbox).is_empty() {
            assert!(poll!(&mut frozen).is_pending());
        }
        create(&living, "incident", json!({})).await;
        let mut busy = resp(429, "{}");
        busy.headers.push(("Retry-After".into(), "3600".into()));
        device.remote.plan(Some(Fault::Answer(busy)));
        let mut run = Box::pin(living.sync(push()));
        let mut ended = None;
        for polls in 0..20_000 {
            if let Poll::Ready(report) = poll!(&mut run) {
                ended = Some(report.unwrap().ended_by);
                break;
            }
            if polls % 200 == 0 {
                device.clock.advance(5_000);
            }
        }
        assert_eq!(ended, Some(EndedBy::Backoff));
        let sent = device.remote.sent();
        assert_eq!(frozen.await.unwrap().ended_by, EndedBy::Backoff);
        assert_eq!(device.remote.sent(), sent);
        assert!(living.next_sync_in().await.unwrap().unwrap() > 3_500_000);
    });
}

#[test]
fn a_fresh_page_with_nothing_to_ask_says_what_waits_for_the_user() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        instance.refuse(|_, _| Some((403, "No".into())));
        let device = Device::new(&instance, tables(), 1);
        let before = device.open().await.unwrap();
        create(&before, "incident", json!({})).await;
        before.sync(push()).await.unwrap();
        before.close().await;
        let page = device.open().await.unwrap();
        let heard = listening(&page);
        let said = || heard.borrow().iter().filter(|event| matches!(event, Event::Stuck { pending: 1, .. })).count();
        assert_eq!(page.sync(push()).await.unwrap().requests, 0, "there is nothing to ask");
        device.clock.advance(STUCK_MS);
        // What only waits for the traffic to be let go again is no news.
        page.set_offline(true).await.unwrap();
        page.look_for_standstill().await.unwrap();
        assert_eq!(said(), 0);
        page.set_offline(false).await.unwrap();
        page.look_for_standstill().await.unwrap();
        assert_eq!(said(), 1);
        // Nor is what has not been tried yet.
        let other = device.open().await.unwrap();
        let heard = listening(&other);
        create(&other, "incident", json!({})).await;
        device.clock.advance(STUCK_MS);
        other.look_for_standstill().await.unwrap();
        assert_eq!(heard.borrow().iter().filter(|event| matches!(event, Event::Stuck { .. })).count(), 0);
    });
}
