//! A cached table that fits within its limit: brought once, and from then on what has changed.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    time::{Duration, UNIX_EPOCH},
};

use futures_executor::block_on;
use landfall::{
    core::schema::TableOptions,
    engine::{Client, SyncOptions, SyncReport},
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::Fields,
};
use serde_json::json;

use super::support::{create, resp};

type Page = Client<MemoryPorts>;

pub fn device(instance: &MemoryInstance) -> Device {
    let tables = json!({ "note": { "cache": { "query": "kind!=x" } }, "plan": {} });
    let tables: BTreeMap<String, TableOptions> = serde_json::from_value(tables).unwrap();
    Device::new(instance, tables, 1)
}

pub fn fill(instance: &MemoryInstance, count: usize) -> Vec<String> {
    (0..count).map(|n| instance.put("note", &[("n", &n.to_string())])).collect()
}

pub async fn sync(page: &Page) -> SyncReport {
    page.sync(SyncOptions::default()).await.unwrap()
}

/// What is here, and what the instance has of it.
pub async fn both(page: &Page, instance: &MemoryInstance) -> [BTreeSet<(String, String)>; 2] {
    let of = |id: &str, n: &str| (id.to_owned(), n.to_owned());
    let here = page.query("note", "", 0, None).await.unwrap();
    let here = here.iter().map(|row| of(row["sys_id"].as_str().unwrap(), row["n"].as_str().unwrap_or_default()));
    let there = instance.rows("note").into_iter().filter(|row| row.get("kind").is_none_or(|kind| kind != "x"));
    [here.collect(), there.map(|row: Fields| of(&row["sys_id"], row.get("n").map_or("", String::as_str))).collect()]
}

/// The requests of one refresh, and how many rows they brought.
pub fn counted(device: &Device) -> Rc<RefCell<Vec<String>>> {
    let asked: Rc<RefCell<Vec<String>>> = Rc::default();
    let noted = Rc::clone(&asked);
    device.remote.set_rule(move |request| {
        noted.borrow_mut().push(request.path.clone());
        None
    });
    asked
}

#[test]
fn after_the_first_time_only_what_has_changed_is_brought() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 2_500);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        assert_eq!(sync(&page).await.pulled, 2_500);
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);

        let asked = counted(&device);
        device.clock.advance(10_000);
        for id in [&ids[3], &ids[2_000]] {
            instance.put("note", &[("sys_id", id), ("n", "new")]);
        }
        instance.put("note", &[("n", "another")]);
        let report = sync(&page).await;
        assert_eq!((report.pulled, report.removed, asked.borrow().len()), (3, 0, 2), "{:?}", asked.borrow());
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);

        // Nothing has changed.
        asked.borrow_mut().clear();
        assert_eq!((sync(&page).await.pulled, asked.borrow().len()), (0, 2));
    });
}

#[test]
fn what_is_gone_or_is_not_found_any_more_is_removed() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        instance.remove("note", &ids[7]);
        instance.put("note", &[("sys_id", &ids[9]), ("kind", "x")]);
        let report = sync(&page).await;
        assert_eq!(report.removed, 2);
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
        let asked = counted(&device);
        sync(&page).await;
        assert_eq!(asked.borrow().len(), 2, "they are as many again: {:?}", asked.borrow());
    });
}

#[test]
fn more_changes_than_one_page_holds_are_brought_page_by_page() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 3_000);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        for id in ids.iter().skip(200) {
            instance.put("note", &[("sys_id", id), ("n", "new")]);
        }
        let asked = counted(&device);
        let report = sync(&page).await;
        assert_eq!((report.pulled, asked.borrow().len()), (2_800, 4), "{:?}", asked.borrow());
        assert!(asked.borrow()[2].contains("%5ENQkind"), "the query stands on both sides: {:?}", asked.borrow());
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

/// Killed in the middle, at each request of it.
#[test]
fn what_was_cut_goes_on_where_it_was() {
    for cut in 1..6 {
        block_on(async {
            let instance = MemoryInstance::plain();
            let ids = fill(&instance, 2_500);
            let device = device(&instance);
            let page = device.open().await.unwrap();
            let nth = Cell::new(0);
            device.remote.set_rule(move |_| {
                nth.set(nth.get() + 1);
                (nth.get() == cut).then_some(Fault::LoseAnswer)
            });
            sync(&page).await;
            drop(page);
            // Behind where it was, and before.
            instance.put("note", &[("sys_id", &ids[3]), ("n", "new")]);
            instance.remove("note", &ids[4]);
            instance.put("note", &[("sys_id", &ids[2_400]), ("n", "new")]);
            device.clock.advance(4_000_000);
            let page = device.open().await.unwrap();
            let asked = counted(&device);
            let report = sync(&page).await;
            let [here, there] = both(&page, &instance).await;
            assert_eq!(here, there, "{cut}");
            assert!(report.pulled <= 2_500 && asked.borrow().len() < 8, "{cut} {report:?} {:?}", asked.borrow());
        });
    }
}

/// As text, a time is UTC to one instance, and the user's own to another: by how much is learned once.
#[test]
fn where_times_are_taken_otherwise_the_changes_are_found_all_the_same() {
    for hour in ["1969-12-31%2023", "1970-01-01%2001"] {
        block_on(async {
            let instance = MemoryInstance::plain();
            // All of them are changed within the first hour.
            let ids = fill(&instance, 1_500);
            let device = device(&instance);
            let page = device.open().await.unwrap();
            let (other, asked) = (instance.clone(), Rc::new(Cell::new(0)));
            let count = Rc::clone(&asked);
            device.remote.set_rule(move |request| {
                count.set(count.get() + 1);
                let times = request.path.contains("sys_updated_on%3");
                // What the client has shifted already stands in another hour.
                let path = [("1969-12-31%2023", "-"), ("1970-01-01%2001", "+"), ("1970-01-01%2000", "0")]
                    .into_iter()
                    .find(|(stands, _)| request.path.contains(stands))
                    .map(|(stands, at)| match (at, hour) {
                        ("0", to) => request.path.replace(stands, to),
                        ("-", "1970-01-01%2001") | ("+", "1969-12-31%2023") => {
                            request.path.replace(stands, "1970-01-01%2000")
                        }
                        ("-", _) => request.path.replace(stands, "1969-12-31%2022"),
                        _ => request.path.replace(stands, "1970-01-01%2002"),
                    });
                let path = path.filter(|_| times).unwrap_or_else(|| request.path.clone());
                Some(Fault::Answer(other.run(&landfall::wire::Request { path, ..request.clone() })))
            });
            sync(&page).await;
            for changed in [1, 1_200] {
                for id in ids.iter().skip(3).take(changed) {
                    instance.put("note", &[("sys_id", id), ("n", &format!("of {changed}"))]);
                }
                asked.set(0);
                let report = sync(&page).await;
                let [here, there] = both(&page, &instance).await;
                assert_eq!(here, there, "{hour}");
                assert_eq!((report.pulled as usize, asked.get() < 8), (changed, true), "{hour}: {}", asked.get());
            }
            device.clock.advance(100_000);
            for _ in 0..2 {
                asked.set(0);
                sync(&page).await;
            }
            assert_eq!(asked.get(), 2, "{hour}");
        });
    }
}

/// The clock of a device may run ahead: by it the second of the latest change is over long before it is.
#[test]
fn a_second_is_over_when_it_is_by_the_instances_clock() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 3);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let (other, told_at, asked) = (instance.clone(), Rc::new(Cell::new(3)), Rc::<RefCell<Vec<String>>>::default());
        let (clock, noted) = (Rc::clone(&told_at), Rc::clone(&asked));
        device.remote.set_rule(move |request| {
            noted.borrow_mut().push(request.path.clone());
            let mut response = other.run(request);
            let date = UNIX_EPOCH + Duration::from_secs(clock.get());
            response.headers.push(("Date".to_owned(), httpdate::fmt_http_date(date)));
            Some(Fault::Answer(response))
        });
        let look = async || {
            device.clock.advance(61_000);
            asked.borrow_mut().clear();
            sync(&page).await.pulled
        };
        for _ in 0..4 {
            look().await;
        }
        instance.put("note", &[("sys_id", &ids[0]), ("n", "new"), ("sys_updated_on", "1970-01-01 00:00:03")]);
        assert_eq!(look().await, 1);
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);

        told_at.set(64);
        for _ in 0..3 {
            look().await;
        }
        assert!(asked.borrow()[0].contains("00%3A00%3A04"), "what is known is not read again: {:?}", asked.borrow());
    });
}

#[test]
fn an_instance_that_does_not_count_is_asked_for_its_ids() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let mut response = other.run(request);
            response.headers.retain(|(name, _)| name != "X-Total-Count");
            Some(Fault::Answer(response))
        });
        sync(&page).await;
        instance.remove("note", &ids[7]);
        assert_eq!(sync(&page).await.removed, 1);
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

/// What it counts, and does not show, is not looked for again and again; what a user may see is looked at once a day.
#[test]
fn records_that_this_user_may_not_see_are_known_by_their_number() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let hidden: Rc<RefCell<BTreeSet<String>>> = Rc::new(RefCell::new([ids[5].clone()].into()));
        let (other, unseen) = (instance.clone(), Rc::clone(&hidden));
        let asked: Rc<Cell<usize>> = Rc::default();
        let count = Rc::clone(&asked);
        device.remote.set_rule(move |request| {
            count.set(count.get() + 1);
            let mut response = other.run(request);
            let mut body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
            let unseen = unseen.borrow();
            body["result"].as_array_mut()?.retain(|row| !unseen.contains(row["sys_id"].as_str().unwrap_or_default()));
            response.body = body.to_string().into_bytes();
            Some(Fault::Answer(response))
        });
        for _ in 0..2 {
            sync(&page).await;
        }
        asked.set(0);
        sync(&page).await;
        assert_eq!(asked.get(), 2, "what has changed, and how many there are");
        hidden.replace([ids[8].clone()].into());
        device.clock.advance(25 * 60 * 60 * 1000);
        assert_eq!(sync(&page).await.removed, 1);
        let [here, there] = both(&page, &instance).await;
        assert_eq!(there.difference(&here).map(|(id, _)| id).collect::<Vec<_>>(), [&ids[8]]);
    });
}

#[test]
fn what_was_made_here_counts_once_a_pull_has_brought_it() {
    block_on(async {
        let instance = MemoryInstance::plain();
        fill(&instance, 1_200);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        create(&page, "note", json!({ "n": "mine" })).await;
        sync(&page).await;
        let asked = counted(&device);
        sync(&page).await;
        assert_eq!(asked.borrow().len(), 2, "{:?}", asked.borrow());
        // Unsent changes, and a deletion, change nothing in that.
        let mine = page.query("note", "n=mine", 0, None).await.unwrap().remove(0);
        let id = mine["sys_id"].as_str().unwrap().to_owned();
        page.update("note", &id, serde_json::from_value(json!({ "n": "still mine" })).unwrap()).await.unwrap();
        let other = page.query("note", "n=3", 0, None).await.unwrap().remove(0);
        page.delete("note", other["sys_id"].as_str().unwrap()).await.unwrap();
        instance.refuse(|_, _| Some((403, "No.".to_owned())));
        sync(&page).await;
        asked.borrow_mut().clear();
        sync(&page).await;
        assert_eq!(asked.borrow().len(), 2, "{:?}", asked.borrow());
    });
}

#[test]
fn another_query_begins_anew() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_200);
        instance.put("note", &[("sys_id", &ids[3]), ("kind", "x")]);
        let mut device = device(&instance);
        let page = device.open().await.unwrap();
        sync(&page).await;
        drop(page);
        let tables = json!({ "note": { "cache": { "query": "kind=x" } } });
        device.set_tables(serde_json::from_value(tables).unwrap());
        let page = device.open().await.unwrap();
        device.clock.advance(40_000);
        let report = sync(&page).await;
        assert_eq!((report.pulled, report.removed), (1, 1_199));
        let here = page.query("note", "", 0, None).await.unwrap();
        assert_eq!(here.iter().map(|row| row["sys_id"].as_str().unwrap()).collect::<Vec<_>>(), [&ids[3]]);
    });
}

/// Of a table that does not say when its records have changed, all is brought each time.
#[test]
fn what_does_not_tell_when_it_was_changed_is_brought_as_a_whole() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 1_500);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let mut response = other.run(request);
            let mut body: serde_json::Value = serde_json::from_slice(&response.body).ok()?;
            for row in body["result"].as_array_mut()? {
                row.as_object_mut()?.remove("sys_updated_on");
            }
            response.body = body.to_string().into_bytes();
            Some(Fault::Answer(response))
        });
        sync(&page).await;
        instance.put("note", &[("sys_id", &ids[3]), ("n", "new")]);
        instance.remove("note", &ids[5]);
        let report = sync(&page).await;
        assert_eq!((report.pulled, report.removed), (1, 1));
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
        device.remote.set_rule(|_| Some(Fault::Answer(resp(403, r#"{"error":{"message":"No."}}"#))));
        assert_eq!(sync(&page).await.removed, 0);
    });
}

/// Cross-origin, a browser shows only the headers that the instance exposes.
#[test]
fn where_the_links_cannot_be_seen_all_of_it_is_brought() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 2_000);
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let other = instance.clone();
        device.remote.set_rule(move |request| {
            let mut response = other.run(request);
            response.headers.retain(|(name, _)| name == "Content-Type");
            Some(Fault::Answer(response))
        });
        assert_eq!(sync(&page).await.pulled, 2_000);
        for id in &ids {
            instance.put("note", &[("sys_id", id), ("n", "new")]);
        }
        assert_eq!(sync(&page).await.pulled, 2_000);
        let [here, there] = both(&page, &instance).await;
        assert_eq!(here, there);
    });
}

/// What is left out of the first hundred of an order no number tells.
#[test]
fn a_table_with_a_limit_is_read_as_a_whole_once_there_are_more() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let ids = fill(&instance, 40);
        let mut device = device(&instance);
        let tables = json!({ "note": { "cache": { "query": "kind!=x^ORDERBYDESCn", "limit": 50 } } });
        device.set_tables(serde_json::from_value(tables).unwrap());
        let page = device.open().await.unwrap();
        sync(&page).await;
        let asked = counted(&device);
        instance.remove("note", &ids[3]);
        instance.put("note", &[("n", "a")]);
        let report = sync(&page).await;
        // What has changed, how many there are, all ids, and whether the one is gone.
        assert_eq!((report.pulled, report.removed, asked.borrow().len()), (1, 1, 4), "{:?}", asked.borrow());
        for n in 0..20 {
            instance.put("note", &[("n", &format!("b{n:02}"))]);
        }
        for _ in 0..2 {
            sync(&page).await;
            assert_eq!(page.count("note", "").await.unwrap(), 50);
            assert_eq!(page.count("note", "nSTARTSWITHb").await.unwrap(), 20, "the first by their order");
        }
        for id in &ids[20..] {
            instance.remove("note", id);
        }
        for _ in 0..2 {
            sync(&page).await;
            let [here, there] = both(&page, &instance).await;
            assert_eq!(here, there);
        }
    });
}
