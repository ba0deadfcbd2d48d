//! What has gone, by what the instance has noted of its deletions.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    engine::{Client, SyncOptions},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::datetime,
};
use serde_json::json;

use super::{
    changes::{both, counted, device, fill, sync},
    support::{resp, row},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Deletes it there, and notes it, as ServiceNow does.
fn delete(instance: &MemoryInstance, id: &str) {
    instance.remove("note", id);
    note(instance, "note", id);
}

fn note(instance: &MemoryInstance, table: &str, id: &str) {
    instance.put("sys_audit_delete", &[("tablename", table), ("documentkey", id)]);
}

/// How often each was asked for: the notes, and all ids.
fn of(asked: &Rc<RefCell<Vec<String>>>) -> (usize, usize) {
    let asked = asked.take();
    let count = |what: &str| asked.iter().filter(|path| path.contains(what)).count();
    (count("/table/sys_audit_delete?"), count("sysparm_limit=5000&sysparm_fields=sys_id%2Csys_updated_on"))
}

async fn deletions(page: &Client<MemoryPorts>) -> String {
    let of = page.status().await.unwrap().cache.into_iter().find(|of| of.table == "note").unwrap();
    serde_json::to_value(of).unwrap()["deletions"].as_str().unwrap().to_owned()
}

async fn ready(instance: &MemoryInstance) -> (Device, Client<MemoryPorts>, Vec<String>) {
    let ids = fill(instance, 1_200);
    let device = device(instance);
    let page = device.open().await.unwrap();
    sync(&page).await;
    (device, page, ids)
}

#[test]
fn a_deletion_that_was_noted_costs_no_list_of_all() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page, ids) = ready(&instance).await;
        assert_eq!(deletions(&page).await, "ids", "all of them came");
        sync(&page).await;
        assert_eq!(deletions(&page).await, "count");
        let asked = counted(&device);
        for round in 0..3 {
            delete(&instance, &ids[round]);
            delete(&instance, &ids[100 + round]);
            assert_eq!(sync(&page).await.removed, 2);
            assert_eq!(of(&asked), (1, 0));
        }
        assert_eq!(deletions(&page).await, "audit");
        sync(&page).await;
        assert_eq!((of(&asked), deletions(&page).await.as_str()), ((0, 0), "audit"), "nothing is missing");
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

#[test]
fn notes_that_do_not_account_for_the_number_are_not_believed() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page, ids) = ready(&instance).await;
        sync(&page).await;
        let asked = counted(&device);
        // One has left the query, and another was deleted and restored.
        instance.put("note", &[("sys_id", &ids[3]), ("kind", "x")]);
        delete(&instance, &ids[4]);
        note(&instance, "note", &ids[5]);
        note(&instance, "plan", &ids[6]);
        assert_eq!(sync(&page).await.removed, 2);
        assert_eq!((of(&asked), deletions(&page).await.as_str()), ((1, 1), "count"));
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

#[test]
fn one_that_is_worked_at_stays_and_is_known_to_be_gone() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page, ids) = ready(&instance).await;
        sync(&page).await;
        let asked = counted(&device);
        page.update("note", &ids[3], row(json!({ "n": "mine" }))).await.unwrap();
        delete(&instance, &ids[3]);
        delete(&instance, &ids[4]);
        let pull = async || page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        assert_eq!((pull().await.removed, of(&asked)), (1, (1, 0)));
        assert_eq!((pull().await.removed, of(&asked)), (0, (0, 0)));
        assert!(page.get("note", &ids[3], false).await.unwrap().is_some());
        let item = page.outbox(None, None, None).await.unwrap().remove(0);
        page.discard(&item.id).await.unwrap();
        sync(&page).await;
        assert!(page.get("note", &ids[3], false).await.unwrap().is_none());
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

#[test]
fn who_may_not_read_them_is_asked_about_once_a_day() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page, ids) = ready(&instance).await;
        sync(&page).await;
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let noted = Rc::clone(&asked);
        device.remote.set_rule(move |request| {
            noted.borrow_mut().push(request.path.clone());
            let notes = request.path.contains("sys_audit_delete");
            notes.then(|| Fault::Answer(resp(403, "{\"error\":{\"message\":\"Insufficient rights\"}}")))
        });
        let mut seen = vec![];
        for id in &ids[..3] {
            delete(&instance, id);
            seen.push((sync(&page).await.removed, of(&asked)));
        }
        assert_eq!(seen, [(1, (1, 1)), (1, (0, 1)), (1, (0, 1))]);
        assert_eq!(deletions(&page).await, "count");
        page.close().await;
        let page = device.open().await.unwrap();
        delete(&instance, &ids[10]);
        sync(&page).await;
        assert_eq!(of(&asked), (0, 1), "nor after a reload");
        device.clock.advance(DAY_MS + 1);
        sync(&page).await;
        of(&asked);
        delete(&instance, &ids[11]);
        sync(&page).await;
        assert_eq!(of(&asked), (1, 1));
    });
}

#[test]
fn where_nothing_is_counted_they_are_not_asked_for() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page, ids) = ready(&instance).await;
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let (noted, other) = (Rc::clone(&asked), instance.clone());
        device.remote.set_rule(move |request| {
            noted.borrow_mut().push(request.path.clone());
            let mut response = other.run(request);
            response.headers.retain(|(name, _)| name != "X-Total-Count");
            Some(Fault::Answer(response))
        });
        delete(&instance, &ids[3]);
        instance.put("note", &[("sys_id", &ids[4]), ("kind", "x")]);
        assert_eq!(sync(&page).await.removed, 2);
        assert_eq!((of(&asked).0, deletions(&page).await.as_str()), (0, "ids"));
    });
}

/// An instance that drops the terms it does not know tells of any deletion, of any time.
#[test]
fn notes_of_other_tables_are_none() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let (device, page, ids) = ready(&instance).await;
        sync(&page).await;
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let noted = Rc::clone(&asked);
        let alive = ids[7].clone();
        device.remote.set_rule(move |request| {
            noted.borrow_mut().push(request.path.clone());
            let at = datetime::to_servicenow(1_900_000_000).unwrap();
            let row = json!({ "tablename": "plan", "documentkey": alive, "sys_created_on": at });
            let answer = json!({ "result": [row] }).to_string();
            request.path.contains("sys_audit_delete").then(|| Fault::Answer(resp(200, &answer)))
        });
        instance.remove("note", &ids[3]);
        assert_eq!((sync(&page).await.removed, of(&asked)), (1, (1, 1)));
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

/// A minute of notes is read again each time, and a clean-up leaves many in a minute.
#[test]
fn many_that_were_noted_just_before_are_no_reason_to_compare_all() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 2_100);
        note(&instance, "another", "");
        let at = instance.rows("sys_audit_delete")[0]["sys_created_on"].clone();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        let asked = counted(&device);
        for ids in [&ids[..1_000], &ids[1_000..1_005]] {
            for id in ids {
                instance.remove("note", id);
                let fields = [("tablename", "note"), ("documentkey", id.as_str()), ("sys_created_on", at.as_str())];
                instance.put("sys_audit_delete", &fields);
            }
            assert_eq!(sync(&page).await.removed as usize, ids.len());
            assert_eq!(of(&asked), (1, 0));
        }
    });
}
