//! Refreshes in the course of days: of tables that have to do with each other, in other zones, with rows that come and go.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use futures_executor::block_on;
use landfall::{
    core::schema::TableOptions,
    engine::{EndedBy, SyncOptions},
    testing::{Device, Fault, MemoryInstance},
    wire::{Query, Request, datetime, query::Op},
};
use serde_json::json;

use super::{
    changes::{both, device, fill, sync},
    passed_over::{veil, without},
    support::create,
};

fn tables(json: serde_json::Value) -> BTreeMap<String, TableOptions> {
    serde_json::from_value(json).unwrap()
}

#[test]
fn related_tables_keep_what_each_brings() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in ["1", "1", "2", "2"] {
            instance.put("task", &[("n", n), ("sys_class_name", "incident")]);
        }
        let device = Device::new(
            &instance,
            tables(json!({
            "task": { "cache": { "query": "n=1" } },
            "incident": { "extends": "task", "cache": { "query": "n=2" } } })),
            1,
        );
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let path = request.path.replace("/table/incident", "/table/task");
            Some(Fault::Answer(other.run(&Request { path, ..request.clone() })))
        });
        let page = device.open().await.unwrap();
        let mut seen = vec![];
        for _ in 0..4 {
            sync(&page).await;
            seen.push(page.count("task", "").await.unwrap());
        }
        let _ = create(&page, "incident", json!({ "n": "1" })).await;
        sync(&page).await;
        seen.push(page.count("task", "").await.unwrap());
        assert_eq!(seen, [4, 4, 4, 4, 5]);
    });
}

fn zone(device: &Device, instance: &MemoryInstance, seconds: i64, cut: &'static [&'static str]) -> Rc<Cell<usize>> {
    let asked: Rc<Cell<usize>> = Rc::default();
    let (count, other) = (Rc::clone(&asked), instance.clone());
    device.remote.set_rule(move |request| {
        count.set(count.get() + 1);
        let mut path = request.path.clone();
        if let Some((a, b)) = path.clone().split_once("sysparm_query=") {
            let (q, rest) = b.split_once('&').unwrap();
            let text = percent_encoding::percent_decode_str(q).decode_utf8_lossy().into_owned();
            let mut query: Query = text.parse().unwrap();
            for term in query.groups.iter_mut().flat_map(|g| &mut g.all).flat_map(|a| &mut a.any) {
                if term.field == "sys_updated_on"
                    && let Op::Equals(t) | Op::Less(t) | Op::Greater(t) | Op::GreaterOrEqual(t) = &mut term.op
                {
                    *t = datetime::to_servicenow(datetime::parse(t).unwrap() + seconds).unwrap();
                }
            }
            let q = percent_encoding::utf8_percent_encode(&query.to_string(), percent_encoding::NON_ALPHANUMERIC)
                .to_string();
            path = format!("{a}sysparm_query={q}&{rest}");
        }
        let mut response = other.run(&Request { path, ..request.clone() });
        response.headers.retain(|(name, _)| !cut.contains(&name.as_str()));
        Some(Fault::Answer(response))
    });
    asked
}

fn quiet(hours: i64, cut: &'static [&'static str]) -> Vec<usize> {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..1_500 {
            let at = datetime::to_servicenow(1_700_000_000 + n * 86_400).unwrap();
            instance.put("note", &[("n", &n.to_string()), ("sys_updated_on", &at)]);
        }
        let device = device(&instance);
        device.clock.advance(1_900_000_000_000);
        let page = device.open().await.unwrap();
        let asked = zone(&device, &instance, hours * 3600, cut);
        let mut seen = vec![];
        for _ in 0..5 {
            asked.set(0);
            sync(&page).await;
            seen.push(asked.get());
            device.clock.advance(3_600_000);
        }
        seen
    })
}

#[test]
fn by_how_much_times_are_taken_otherwise_is_learned_of_a_quiet_table_too() {
    for hours in [-10, -3, -1, 0, 1, 2, 7, 12] {
        assert_eq!(quiet(hours, &[])[4], 2, "{hours}");
    }
}

#[test]
fn where_nothing_is_counted_ids_are_compared_and_rows_are_not_brought_again() {
    let seen = quiet(0, &["X-Total-Count"]);
    assert!(seen[4] <= 6, "{seen:?}");
}

#[test]
fn what_was_gone_under_an_unsent_change_and_is_back_stays() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let unseen: Rc<RefCell<BTreeSet<String>>> = Rc::default();
        veil(&device, &instance, &unseen, false);
        sync(&page).await;
        page.update("note", &ids[5], serde_json::from_value(json!({ "n": "mine" })).unwrap()).await.unwrap();
        unseen.replace([ids[5].clone()].into());
        device.clock.advance(25 * 3_600_000);
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        unseen.replace([].into());
        for _ in 0..3 {
            sync(&page).await;
        }
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).count(), 0, "a row that lives was removed");
    });
}

#[test]
fn a_future_row_and_a_fast_clock() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let at = |s: i64| datetime::to_servicenow(1_900_000_000 + s).unwrap();
        let mut ids = vec![];
        for n in 0..1_200 {
            ids.push(instance.put("note", &[("n", &n.to_string()), ("sys_updated_on", &at(n - 5000))]));
        }
        instance.put("note", &[("sys_id", &ids[7]), ("n", "7"), ("sys_updated_on", "2037-01-01 00:00:00")]);
        let device = device(&instance);
        let now = landfall::ports::Clock::now_ms(&device.clock);
        device.clock.advance(1_900_000_000_000 - now + 600_000); // ten minutes fast
        let page = device.open().await.unwrap();
        sync(&page).await;
        // The instance's 1_900_000_000 is 1_900_000_600 here.
        for s in [120, 240, 360] {
            device.clock.advance(120_000);
            instance.put("note", &[("sys_id", &ids[s as usize]), ("n", "new"), ("sys_updated_on", &at(s))]);
            sync(&page).await;
        }
        device.clock.advance(3_600_000);
        sync(&page).await;
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).count(), 0);
    });
}

#[test]
fn a_page_of_hidden_rows_without_links_is_not_the_end() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 3_000);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        assert_eq!(page.count("note", "").await.unwrap(), 3_000);
        // A week later; most of them are another company's by then.
        let hidden: BTreeSet<String> = ids[500..2_600].iter().cloned().collect();
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let mut response = other.run(request);
            response.headers.retain(|(name, _)| name != "Link");
            response.body = without(&response.body, &hidden);
            Some(Fault::Answer(response))
        });
        device.clock.advance(8 * 86_400_000);
        sync(&page).await;
        assert_eq!(page.count("note", "").await.unwrap(), 900, "{:?}", instance.rows("note").len());
    });
}

#[test]
fn an_answer_that_was_cut_by_the_instance_is_not_all() {
    block_on(async {
        let instance = MemoryInstance::plain();
        fill(&instance, 900);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let mut response = other.run(request);
            if request.path.contains("sysparm_limit=1000") {
                let mut body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
                body["result"].as_array_mut().unwrap().truncate(200);
                body["error"] = json!({ "message": "Transaction cancelled: maximum execution time exceeded" });
                body["status"] = json!("failure");
                response.body = body.to_string().into_bytes();
            }
            Some(Fault::Answer(response))
        });
        device.clock.advance(8 * 86_400_000);
        let report = sync(&page).await;
        assert_eq!((page.count("note", "").await.unwrap(), report.removed, report.ended_by), (900, 0, EndedBy::Done));
    });
}

/// Out of the query under an unsent edit, which puts it back.
#[test]
fn one_that_a_sent_edit_has_put_back_is_not_taken_off() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        page.update("note", &ids[5], serde_json::from_value(json!({ "kind": "y" })).unwrap()).await.unwrap();
        instance.put("note", &[("sys_id", &ids[5]), ("n", "5"), ("kind", "x")]);
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        let report = sync(&page).await;
        let [here, there] = both(&page, &instance).await;
        assert_eq!((report.removed, here == there), (0, true));
    });
}

/// A pull's page that began with less than a page of changes but in another order: what a limit leaves.
#[test]
fn a_limited_child_of_a_whole_parent() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for n in 0..20 {
            instance.put("task", &[("n", &n.to_string()), ("sys_class_name", "incident")]);
        }
        let device = Device::new(
            &instance,
            tables(json!({
            "task": { "cache": {} },
            "incident": { "extends": "task", "cache": { "limit": 5 } } })),
            1,
        );
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let path = request.path.replace("/table/incident", "/table/task");
            Some(Fault::Answer(other.run(&Request { path, ..request.clone() })))
        });
        let page = device.open().await.unwrap();
        let mut seen = vec![];
        for _ in 0..4 {
            sync(&page).await;
            seen.push(page.count("task", "").await.unwrap());
        }
        let _ = create(&page, "incident", json!({ "n": "1" })).await;
        sync(&page).await;
        seen.push(page.count("task", "").await.unwrap());
        assert_eq!(seen, [20, 20, 20, 20, 21]);
    });
}

#[test]
fn what_was_gone_and_is_back_stays_though_discarded() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let unseen: Rc<RefCell<BTreeSet<String>>> = Rc::default();
        veil(&device, &instance, &unseen, false);
        sync(&page).await;
        page.update("note", &ids[5], serde_json::from_value(json!({ "n": "mine" })).unwrap()).await.unwrap();
        unseen.replace([ids[5].clone()].into());
        device.clock.advance(25 * 3_600_000);
        page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        for _ in 0..3 {
            device.clock.advance(120_000);
            page.sync(SyncOptions { push: false, ..SyncOptions::default() }).await.unwrap();
        }
        unseen.replace([].into());
        let item = page.outbox(None, None, None).await.unwrap().remove(0);
        page.discard(&item.id).await.unwrap();
        for _ in 0..3 {
            sync(&page).await;
        }
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).count(), 0, "a row that lives was removed");
    });
}
