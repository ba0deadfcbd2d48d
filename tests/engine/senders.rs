//! Who sends: one at a time, whatever becomes of the lock.

use std::task::Poll;

use futures_executor::block_on;
use futures_util::poll;
use landfall::{
    core::{Read, StoreName, stored::Lease},
    ports::Store as _,
    testing::{Device, MemoryInstance},
};
use serde_json::json;

use super::support::{create, proved, push, tables};

async fn lease(device: &Device) -> String {
    format!("{:?}", device.database.open().read(&[Read::Row(Lease::at())]).await.unwrap())
}

#[test]
fn a_lock_that_fails_at_once_robs_no_sender_that_lives() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let (live, other) = (device.open().await.unwrap(), device.open().await.unwrap());
        proved(&live, "incident").await;
        create(&live, "incident", json!({ "short_description": "x" })).await;
        // It has the lock and the lease, and asks its app to sign in. No time passes.
        device.remote.set_auth_hangs(true);
        let mut run = Box::pin(live.sync(push()));
        for _ in 0..200 {
            assert!(poll!(&mut run).is_pending());
        }
        let before = lease(&device).await;
        device.lock.set_broken(true);
        let mut thief = Box::pin(other.sync(push()));
        for _ in 0..2_000 {
            assert!(poll!(&mut thief).is_pending());
        }
        assert_eq!(lease(&device).await, before);
    });
}

#[test]
fn who_was_frozen_with_the_lock_it_was_given_does_not_send_beside_who_took_it() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let (frozen, living) = (device.open().await.unwrap(), device.open().await.unwrap());
        proved(&frozen, "incident").await;
        create(&living, "incident", json!({ "short_description": "x" })).await;
        let mut frozen = Box::pin(frozen.sync(push()));
        while !device.lock.is_held() {
            assert!(poll!(&mut frozen).is_pending());
        }
        let mut living = Box::pin(living.sync(push()));
        let sent = device.remote.sent();
        for _ in 0..5 {
            for _ in 0..200 {
                assert!(poll!(&mut living).is_pending());
                // Its create is on the way.
                if device.remote.sent() == sent + 2 {
                    break;
                }
            }
            if device.remote.sent() < sent + 2 {
                device.clock.advance(5_000);
            }
        }
        assert_eq!(device.remote.sent(), sent + 2);
        let mut thawed = Poll::Pending;
        for _ in 0..2_000 {
            if thawed.is_pending() {
                thawed = poll!(&mut frozen);
            }
        }
        while poll!(&mut living).is_pending() {}
        assert_eq!(instance.rows("incident").len(), 2);
    });
}

#[test]
fn who_was_frozen_between_its_claim_and_its_request_does_not_send_it_any_more() {
    block_on(async {
        for locks in [true, false] {
            let instance = MemoryInstance::plain();
            let mut device = Device::new(&instance, tables(), 1);
            if !locks {
                device.without_locks();
            }
            let (frozen, living) = (device.open().await.unwrap(), device.open().await.unwrap());
            proved(&frozen, "incident").await;
            create(&living, "incident", json!({ "short_description": "x" })).await;
            let mut frozen = Box::pin(frozen.sync(push()));
            let claimed = || device.database.rows(StoreName::Outbox).iter().any(|row| row.body.contains("\"unknown\""));
            let sent = device.remote.sent();
            while !claimed() {
                assert!(poll!(&mut frozen).is_pending());
            }
            assert_eq!(device.remote.sent(), sent);
            // Another follows, asks, finds nothing, even after a minute, and sends it.
            let mut waited = 0;
            while instance.rows("incident").len() < 2 {
                let mut next = Box::pin(living.sync(push()));
                'run: loop {
                    for _ in 0..500 {
                        if poll!(&mut next).is_ready() {
                            break 'run;
                        }
                    }
                    device.clock.advance(1_000);
                }
                device.clock.advance(10_000);
                waited += 1;
                assert!(waited < 20);
            }
            let mut thawed = Poll::Pending;
            while thawed.is_pending() {
                thawed = poll!(&mut frozen);
                device.clock.advance(1_000);
            }
            assert_eq!(instance.rows("incident").len(), 2, "locks: {locks}");
        }
    });
}

/// Polls `run` until `there`, with time that passes.
async fn until<F: Future + Unpin>(device: &Device, run: &mut F, mut there: impl AsyncFnMut() -> bool) {
    let mut polls = 0;
    while !there().await {
        assert!(poll!(&mut *run).is_pending());
        polls += 1;
        if polls % 200 == 0 {
            device.clock.advance(5_000);
        }
        assert!(polls < 20_000);
    }
}

#[test]
fn who_wakes_up_does_not_take_the_lease_that_was_taken_from_it_before_the_lock_is() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let (frozen, living) = (device.open().await.unwrap(), device.open().await.unwrap());
        proved(&frozen, "incident").await;
        create(&living, "incident", json!({ "short_description": "x" })).await;
        let given_back = lease(&device).await;
        let mut frozen = Box::pin(frozen.sync(push()));
        until(&device, &mut frozen, async || lease(&device).await != given_back).await;
        let taken = lease(&device).await;
        let mut living = Box::pin(living.sync(push()));
        until(&device, &mut living, async || lease(&device).await != taken).await;
        // It has the lease now, and not the lock yet. The other wakes up, finds its lease lost, and is given the lock anew.
        let seized = lease(&device).await;
        for _ in 0..2_000 {
            assert!(poll!(&mut frozen).is_pending());
        }
        assert_eq!(lease(&device).await, seized);
        living.await.unwrap();
        assert_eq!(instance.rows("incident").len(), 2);
        device.clock.advance(5_000);
        frozen.await.unwrap();
        assert!(!device.lock.is_held());
    });
}

#[test]
fn whose_lock_was_taken_by_one_that_was_too_late_is_followed_by_nobody_before_its_time() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let mut pages = Vec::new();
        for _ in 0..4 {
            pages.push(device.open().await.unwrap());
        }
        let [first, late, sender, next] = &pages[..] else { panic!() };
        proved(first, "incident").await;
        create(first, "incident", json!({ "short_description": "x" })).await;
        let mut first = Box::pin(first.sync(push()));
        until(&device, &mut first, async || device.lock.is_held()).await;
        let before = lease(&device).await;
        // One after the other takes the lapsed lease. The first of them is frozen over it, and takes the lock last.
        let mut late = Box::pin(late.sync(push()));
        until(&device, &mut late, async || lease(&device).await != before).await;
        let seized = lease(&device).await;
        let mut run = Box::pin(sender.sync(push()));
        until(&device, &mut run, async || {
            device.database.rows(StoreName::Outbox).iter().any(|row| row.body.contains("\"unknown\""))
        })
        .await;
        let robbed = lease(&device).await;
        assert_ne!(robbed, seized);
        until(&device, &mut late, async || lease(&device).await != robbed).await;
        // It has seen that the lease is another's. Whoever comes now may have the lock, and not the lease.
        let noted = lease(&device).await;
        let mut next = Box::pin(next.sync(push()));
        for _ in 0..4_000 {
            assert!(poll!(&mut next).is_pending());
            assert!(poll!(&mut late).is_pending());
        }
        assert_eq!(lease(&device).await, noted);
        run.await.unwrap();
        assert_eq!(instance.rows("incident").len(), 2);
        for run in [late, next] {
            device.clock.advance(5_000);
            run.await.unwrap();
        }
        assert!(!device.lock.is_held());
    });
}
