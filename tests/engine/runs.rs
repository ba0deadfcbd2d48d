//! Several callers of one context's sync: each gets an answer to what it asked.

use std::{cell::Cell, rc::Rc};

use futures_executor::block_on;
use futures_util::future::join;
use landfall::{
    engine::{EndedBy, SyncOptions},
    testing::{Device, Fault, MemoryInstance},
};
use serde_json::json;

use super::support::{create, push, tables};

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
