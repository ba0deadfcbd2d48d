//! Several contexts, as far as one can be several: their stores, the lock, the channel.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures_util::{future::join, poll};
use landfall::{
    browser::{BrowserChannel, BrowserLock, IdbStore},
    core::{Commit, Event, Expect, Found, Key, Read, RowKey, StoreName, WriteSet},
    ports::{Channel as _, Lock as _, Patience, Store as _},
};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{by_hand, fresh, js, open, put};

async fn count_up(store: &IdbStore, times: u32) {
    let at = RowKey { store: StoreName::Meta, key: Key::from(["counter"]) };
    for _ in 0..times {
        loop {
            let found = store.read(&[Read::Row(at.clone())]).await.unwrap().pop();
            let Some(Found::Row(row)) = found else { panic!("{found:?}") };
            let rev = row.map(|row| row.rev);
            let next = put(StoreName::Meta, "counter", rev.unwrap_or(0.0) + 1.0);
            let set = WriteSet { expect: vec![Expect::Rev(at.clone(), rev)], ..next };
            if store.commit(&set).await.unwrap() == Commit::Done {
                break;
            }
        }
    }
}

#[wasm_bindgen_test]
async fn two_stores_never_lose_each_others_write() {
    let name = fresh("race");
    let (here, there) = (open(&name).await.unwrap(), open(&name).await.unwrap());
    join(count_up(&here, 25), count_up(&there, 25)).await;
    let read = Read::Row(RowKey { store: StoreName::Meta, key: Key::from(["counter"]) });
    let found = here.read(&[read]).await.unwrap();
    assert!(matches!(&found[..], [Found::Row(Some(row))] if row.rev == 50.0), "{found:?}");
    here.destroy().await.unwrap();
}

#[wasm_bindgen_test]
async fn the_lock_has_one_holder_and_a_line() {
    let lock = BrowserLock::new(&fresh("lock"));
    let first = lock.acquire(Patience::None).await.unwrap();
    assert!(lock.acquire(Patience::None).await.is_none());
    assert!(lock.acquire(Patience::Ms(20)).await.is_none());
    {
        let mut leaver = pin!(lock.acquire(Patience::Ms(60_000)));
        assert!(poll!(&mut leaver).is_pending());
    }
    let mut second = pin!(lock.acquire(Patience::Ms(60_000)));
    assert!(poll!(&mut second).is_pending());
    drop(first);
    let second = second.await.unwrap();
    assert!(lock.acquire(Patience::None).await.is_none());
    drop(second);
    assert!(lock.acquire(Patience::Ms(60_000)).await.is_some());
}

#[wasm_bindgen_test]
async fn a_stolen_lock_is_the_thiefs() {
    let lock = BrowserLock::new(&fresh("theft"));
    let first = lock.acquire(Patience::None).await.unwrap();
    let thief = lock.acquire(Patience::Steal).await.unwrap();
    drop(first);
    assert!(lock.acquire(Patience::None).await.is_none());
    drop(thief);
    assert!(lock.acquire(Patience::Ms(60_000)).await.is_some());
}

#[wasm_bindgen_test]
async fn without_web_locks_everyone_gets_it() {
    js("Object.defineProperty(navigator, 'locks', { configurable: true, value: undefined })").await;
    let lock = BrowserLock::new("any");
    let both = join(lock.acquire(Patience::None), lock.acquire(Patience::Ms(1))).await;
    js("delete navigator.locks").await;
    assert!(both.0.is_some() && both.1.is_some());
}

/// Listens, and resolves at the event that says `status`.
fn listen(channel: &BrowserChannel) -> (Rc<RefCell<Vec<Event>>>, wasm_bindgen_futures::JsFuture) {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let (last, tell) = by_hand();
    let kept = Rc::clone(&heard);
    channel.listen(Box::new(move |event| {
        if event == Event::Status {
            tell.call0(&JsValue::UNDEFINED).unwrap();
        }
        kept.borrow_mut().push(event);
    }));
    (heard, last)
}

#[wasm_bindgen_test]
async fn events_reach_the_others() {
    let name = fresh("channel");
    let (here, there, gone) = (BrowserChannel::new(&name), BrowserChannel::new(&name), BrowserChannel::new(&name));
    let (heard_here, _) = listen(&here);
    let (heard_there, all) = listen(&there);
    let (heard_gone, _) = listen(&gone);
    gone.close();
    let outbox = Event::Outbox { pending: 3, refused: 1, conflicts: 0 };
    gone.post(&outbox);
    js(&format!(
        "const channel = new BroadcastChannel('landfall/1/' + {name:?});
         for (const odd of ['', '{{', '{{\"event\":\"fromTheFuture\"}}', 7, null, {{}}]) channel.postMessage(odd);
         channel.close();"
    ))
    .await;
    here.post(&outbox);
    here.post(&Event::Status);
    all.await.unwrap();
    assert_eq!(*heard_there.borrow(), [outbox, Event::Status]);
    assert!(heard_here.borrow().is_empty() && heard_gone.borrow().is_empty());
    here.close();
    there.close();
}

/// A listener may close its own channel, or replace itself.
#[wasm_bindgen_test]
async fn a_listener_may_close_its_channel() {
    let name = fresh("close within");
    let (here, there) = (BrowserChannel::new(&name), Rc::new(BrowserChannel::new(&name)));
    let (closed, tell) = by_hand();
    let own = Rc::clone(&there);
    there.listen(Box::new(move |_| {
        own.close();
        tell.call0(&JsValue::UNDEFINED).unwrap();
    }));
    here.post(&Event::Status);
    closed.await.unwrap();
    here.close();
}
