//! A refresh of what has changed: nothing is passed over for ever, and nothing is asked for again and again.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use futures_executor::block_on;
use landfall::{
    core::schema::TableOptions,
    testing::{Device, Fault, MemoryInstance},
};
use serde_json::json;

use super::changes::{both, counted, device, fill, sync};

/// And an hour.
const DAY_MS: u64 = 25 * 60 * 60 * 1000;

/// An answer's body without some of its rows.
pub fn without(body: &[u8], unseen: &BTreeSet<String>) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(body) else { return body.to_vec() };
    if let Some(rows) = answer["result"].as_array_mut() {
        rows.retain(|row| !unseen.contains(row["sys_id"].as_str().unwrap_or_default()));
    }
    answer.to_string().into_bytes()
}

/// Answers as the instance, less the rows `unseen`, and less the headers that `cut`.
pub fn veil(
    device: &Device,
    instance: &MemoryInstance,
    unseen: &Rc<RefCell<BTreeSet<String>>>,
    cut: bool,
) -> Rc<RefCell<Vec<String>>> {
    let asked: Rc<RefCell<Vec<String>>> = Rc::default();
    let (other, unseen, noted) = (instance.clone(), Rc::clone(unseen), Rc::clone(&asked));
    device.remote.set_rule(move |request| {
        noted.borrow_mut().push(request.path.clone());
        let mut response = other.run(request);
        response.body = without(&response.body, &unseen.borrow());
        if cut {
            response.headers.retain(|(name, _)| name == "Content-Type");
        }
        Some(Fault::Answer(response))
    });
    asked
}

#[test]
fn that_the_latest_may_not_be_seen_costs_no_whole_refresh_each_time() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 5_000);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let unseen = Rc::new(RefCell::new([ids[4_999].clone()].into()));
        let asked = veil(&device, &instance, &unseen, false);
        let mut n = vec![];
        for _ in 0..3 {
            asked.borrow_mut().clear();
            sync(&page).await;
            n.push(asked.borrow().len());
        }
        assert_eq!(n[2], 2, "{n:?}");
    });
}

#[test]
fn where_a_time_is_taken_otherwise_shows_though_the_latest_may_not_be_seen() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_500);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        // Changed; the last of them is one that this user may not see.
        instance.put("note", &[("sys_id", &ids[3]), ("n", "new")]);
        instance.put("note", &[("sys_id", &ids[5]), ("n", "new")]);
        let other = instance.clone();
        let unseen = ids[5].clone();
        device.remote.set_rule(move |request| {
            let shifted = request.path.replace("1970-01-01%2000", "1970-01-01%2001");
            let asked = landfall::wire::Request { path: shifted, ..request.clone() };
            let mut response = other.run(if request.path.contains("sys_updated_on%3") { &asked } else { request });
            response.body = without(&response.body, &[unseen.clone()].into());
            Some(Fault::Answer(response))
        });
        for _ in 0..3 {
            device.clock.advance(DAY_MS);
            sync(&page).await;
        }
        let here = page.query("note", "n=new", 0, None).await.unwrap();
        assert_eq!(here.len(), 1);
    });
}

#[test]
fn without_links_and_counts_a_row_that_may_not_be_seen_is_not_the_end() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 5_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let unseen = Rc::new(RefCell::new([ids[5].clone()].into()));
        let _asked = veil(&device, &instance, &unseen, true);
        for _ in 0..2 {
            sync(&page).await;
            device.clock.advance(DAY_MS);
        }
        assert_eq!(page.query("note", "", 0, None).await.unwrap().len(), 5_199);
    });
}

#[test]
fn one_time_to_come_holds_up_no_other_change() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        instance.put("note", &[("sys_id", &ids[7]), ("n", "far"), ("sys_updated_on", "2033-01-01 00:00:00")]);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        for _ in 0..3 {
            instance.put("note", &[("sys_id", &ids[3]), ("n", "new")]);
            device.clock.advance(DAY_MS);
            sync(&page).await;
        }
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).count(), 0);
    });
}

#[test]
fn what_was_changed_unseen_is_brought_once_it_may_be_seen_again() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let unseen: Rc<RefCell<BTreeSet<String>>> = Rc::default();
        let _asked = veil(&device, &instance, &unseen, false);
        sync(&page).await;
        // Out of sight for an hour, changed meanwhile; others are changed later.
        unseen.replace([ids[5].clone()].into());
        instance.put("note", &[("sys_id", &ids[5]), ("n", "new")]);
        for id in ids.iter().skip(100).take(200) {
            instance.put("note", &[("sys_id", id), ("n", "later")]);
        }
        sync(&page).await;
        unseen.replace([].into());
        for _ in 0..3 {
            device.clock.advance(DAY_MS);
            sync(&page).await;
        }
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).count(), 0);
    });
}

#[test]
fn what_is_kept_though_it_has_gone_is_not_looked_for_each_time() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        page.update("note", &ids[3], serde_json::from_value(json!({ "n": "mine" })).unwrap()).await.unwrap();
        instance.remove("note", &ids[3]);
        sync(&page).await;
        sync(&page).await;
        let asked = counted(&device);
        sync(&page).await;
        assert_eq!(asked.borrow().len(), 2, "{:#?}", asked.borrow());
    });
}

#[test]
fn what_is_a_childs_now_is_brought_as_one() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..5 {
            instance.put("task", &[("n", &n.to_string()), ("sys_class_name", "incident")]);
        }
        let tables = |json| serde_json::from_value::<BTreeMap<String, TableOptions>>(json).unwrap();
        let mut device = Device::new(&instance, tables(json!({ "task": { "cache": {} } })), 1);
        let page = device.open().await.unwrap();
        sync(&page).await;
        for _ in 0..100 {
            instance.put("task", &[("n", "x")]);
        }
        sync(&page).await;
        drop(page);
        device.set_tables(tables(json!({ "task": { "cache": {} }, "incident": { "extends": "task" } })));
        let page = device.open().await.unwrap();
        for _ in 0..3 {
            device.clock.advance(DAY_MS);
            sync(&page).await;
        }
        assert_eq!(page.query("incident", "", 0, None).await.unwrap().len(), 5);
    });
}

#[test]
fn a_limit_that_comes_and_goes_has_nothing_asked_for_one_by_one() {
    block_on(async {
        let instance = MemoryInstance::plain();
        fill(&instance, 5_000);
        let mut device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        drop(page);
        let tables = |json| serde_json::from_value::<BTreeMap<String, TableOptions>>(json).unwrap();
        device.set_tables(tables(json!({ "note": { "cache": { "query": "kind!=x", "limit": 10 } } })));
        let page = device.open().await.unwrap();
        sync(&page).await;
        drop(page);
        device.set_tables(tables(json!({ "note": { "cache": { "query": "kind!=x" } } })));
        let page = device.open().await.unwrap();
        let asked = counted(&device);
        sync(&page).await;
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
        assert!(asked.borrow().len() < 12, "{}", asked.borrow().len());
    });
}

#[test]
fn what_is_made_while_ids_are_listed_hides_no_deletion() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        instance.remove("note", &ids[7]);
        let other = instance.clone();
        let done = Cell::new(false);
        device.remote.set_rule(move |request| {
            if request.path.contains("sysparm_limit=5000") && !done.replace(true) {
                other.put("note", &[("n", "while it was listed")]);
            }
            None
        });
        sync(&page).await;
        instance.remove("note", &ids[8]);
        sync(&page).await;
        sync(&page).await;
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here.difference(&there).count(), 0, "what is gone is shown");
    });
}

#[test]
fn many_changes_of_one_minute_are_not_brought_each_time() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..5_000 {
            instance.put("note", &[("n", &n.to_string()), ("sys_updated_on", "1970-01-01 05:00:00")]);
        }
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        let asked = counted(&device);
        for _ in 0..3 {
            device.clock.advance(60 * 60 * 1000);
            asked.borrow_mut().clear();
            sync(&page).await;
        }
        assert_eq!(asked.borrow().len(), 2);
    });
}

#[test]
fn what_was_changed_without_its_time_is_brought_within_a_week() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        // As `autoSysFields(false)`, or a restored backup, does it.
        let old = instance.rows("note").into_iter().find(|row| row["sys_id"] == ids[3]).unwrap();
        instance.put("note", &[("sys_id", &ids[3]), ("n", "new"), ("sys_updated_on", &old["sys_updated_on"])]);
        for _ in 0..8 {
            device.clock.advance(DAY_MS);
            sync(&page).await;
        }
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).count(), 0);
    });
}
