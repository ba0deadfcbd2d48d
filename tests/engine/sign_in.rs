//! What the app's `auth` gives, and what becomes of the outbox while it gives nothing.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::present::Pause,
    engine::{EndedBy, SyncOptions},
    ports::{AuthReason, AuthUnavailable},
    testing::{Device, Fault, MemoryInstance},
    wire::{Method, Response},
};
use serde_json::json;

use super::both::{both, create, is_clean, proved, tables};
use super::support::{push, resp};

#[test]
fn headers_are_asked_for_anew_in_each_run_and_never_kept() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = Device::new(&instance, tables(), 1);
        let written: Rc<RefCell<String>> = Rc::default();
        let kept = Rc::clone(&written);
        device.database.after_commit(move |set| kept.borrow_mut().push_str(&format!("{set:?}")));
        let carried: Rc<RefCell<Vec<String>>> = Rc::default();
        let seen = Rc::clone(&carried);
        device.remote.set_rule(move |request| {
            let token = request.headers.iter().find(|(name, _)| name == "Authorization");
            seen.borrow_mut().push(token.map(|(_, value)| value.clone()).unwrap_or_default());
            let body = String::from_utf8_lossy(request.body.as_deref().unwrap_or_default()).into_owned();
            (request.method == Method::Post && body.contains("is lost")).then_some(Fault::LoseAnswer)
        });
        let page = device.open().await.unwrap();
        for token in ["Bearer one", "Bearer two"] {
            device.remote.set_auth(Ok(vec![("Authorization".to_owned(), token.to_owned())]));
            carried.borrow_mut().clear();
            create(&page, "incident", json!({ "short_description": "lands" })).await;
            assert_eq!(page.sync(SyncOptions::default()).await.unwrap().ended_by, EndedBy::Done);
            // What is said of a failure is stored, and says nothing of them either.
            create(&page, "incident", json!({ "short_description": "is lost" })).await;
            assert_eq!(page.sync(SyncOptions::default()).await.unwrap().ended_by, EndedBy::Offline);
            device.clock.advance(400_000);
            let carried = carried.borrow();
            assert!(carried.len() >= 4 && carried.iter().all(|carried| carried == token), "{token}: {carried:?}");
        }
        assert!(device.remote.auth_asked().iter().all(|reason| *reason == AuthReason::Send));
        let written = written.borrow();
        assert!(written.contains("is lost") && written.contains("could not be reached"));
        assert!(!written.contains("Bearer") && !written.contains("Authorization"));
    });
}

#[test]
fn an_auth_without_an_answer_pauses_the_outbox_and_costs_nothing() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "failed" })).await;
        device.remote.plan(Some(Fault::Answer(resp(500, "{}"))));
        page.sync(push()).await.unwrap();
        create(&page, "incident", json!({ "short_description": "fresh" })).await;
        let outbox = async || {
            let items = page.outbox(None, None, None).await.unwrap();
            items.into_iter().map(|item| (item.state, item.attempts)).collect::<Vec<_>>()
        };
        let (before, sent) = (outbox().await, device.remote.sent());
        assert_eq!(before, [("unknown", 1), ("queued", 0)]);
        // As the browser's port says once its patience is over.
        let silent = AuthUnavailable("`auth` did not answer within 20 seconds.".to_owned());
        device.remote.set_auth(Err(silent));
        // One that knows what the instance can do, and one that has to ask first.
        for page in [&page, &device.open().await.unwrap()] {
            device.clock.advance(3_600_000);
            assert_eq!(page.sync(SyncOptions::default()).await.unwrap().ended_by, EndedBy::Auth);
            assert_eq!(page.status().await.unwrap().paused, Some(Pause::Auth));
            assert_eq!((outbox().await, page.next_sync_in().await.unwrap()), (before.clone(), None));
        }
        assert_eq!(device.remote.sent(), sent);
        device.remote.set_auth(Ok(Vec::new()));
        page.signed_in().await.unwrap();
        page.sync(push()).await.unwrap();
        assert_eq!(instance.rows("incident").len(), 3);
        is_clean(&page).await;
    });
}

#[test]
fn a_redirect_that_may_be_a_portals_is_tried_again_slowly_and_costs_nothing() {
    both(async |instance, device| {
        let page = device.open().await.unwrap();
        proved(&page, "incident").await;
        create(&page, "incident", json!({ "short_description": "x" })).await;
        let elsewhere = || Some(Fault::Answer(Response { status: 302, ..Response::default() }));
        for _ in 0..2 {
            device.remote.plan(elsewhere());
            device.remote.plan(elsewhere());
            assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Auth);
            assert_eq!(page.status().await.unwrap().paused, Some(Pause::Auth));
            let item = page.outbox(None, None, None).await.unwrap().remove(0);
            assert_eq!((item.state, item.attempts), ("queued", 0));
            let wait = page.next_sync_in().await.unwrap().expect("the portal may be gone by then");
            assert!(wait >= 60_000, "slowly: {wait}");
            device.clock.advance(wait);
        }
        page.sync(push()).await.unwrap();
        is_clean(&page).await;
        assert_eq!((instance.rows("incident").len(), page.next_sync_in().await.unwrap()), (2, None));
        // Who says himself that the user is to sign in is left alone until he has.
        create(&page, "incident", json!({ "short_description": "y" })).await;
        device.remote.set_signed_out(true);
        assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Auth);
        assert_eq!(page.next_sync_in().await.unwrap(), None);
    });
}
