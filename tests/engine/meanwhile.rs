//! What is written while a refresh is under way does not wait for its end.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_executor::block_on;
use futures_util::future::join;
use landfall::{
    core::Event,
    engine::{EndedBy, SyncReport},
    testing::{Device, Fault, MemoryInstance, listening, yield_now},
    wire::Method,
};
use serde_json::json;

use super::{
    along::world,
    changes::{both, counted, device, fill, sync},
    support::{create, push, resp, row},
};

/// Once the device has asked for something of which the path says this, so many times.
async fn asked_for(asked: &Rc<RefCell<Vec<String>>>, what: &str, times: usize) {
    while asked.borrow().iter().filter(|path| path.contains(what)).count() < times {
        yield_now().await;
    }
}

fn place(asked: &Rc<RefCell<Vec<String>>>, what: impl Fn(&str) -> bool) -> Vec<usize> {
    let asked = asked.borrow();
    asked.iter().enumerate().filter(|(_, path)| what(path)).map(|(at, _)| at).collect()
}

#[test]
fn it_goes_between_two_pages_be_it_of_this_tab_or_of_another() {
    for elsewhere in [false, true] {
        block_on(async {
            let instance = MemoryInstance::plain();
            fill(&instance, 3_500);
            let device = device(&instance);
            let page = device.open().await.unwrap();
            let writer = if elsewhere { device.open().await.unwrap() } else { page.clone() };
            let asked = counted(&device);
            let writes = async {
                asked_for(&asked, "ORDERBYsys_id", 1).await;
                create(&writer, "note", json!({ "n": "mine" })).await;
                create(&writer, "plan", json!({ "n": "mine" })).await;
            };
            let (report, ()) = join(sync(&page), writes).await;
            assert_eq!((report.sent, report.removed, report.ended_by), (2, 0, EndedBy::Done));
            let pages = place(&asked, |path| path.contains("ORDERBYsys_id"));
            let posts = place(&asked, |path| !path.contains('?'));
            assert!(posts.iter().any(|at| pages[1..3].iter().any(|page| at < page)));
            assert_eq!(instance.rows("plan").len(), 1);
            let SyncReport { removed, .. } = sync(&page).await;
            let [here, there] = both(&page, &instance).await;
            assert_eq!((here, removed), (there, 0));
        });
    }
}

/// A record that the pages of its table passed by, since the query did not find it, and that the user has changed while those
/// of the next table came.
#[test]
fn what_a_change_brings_back_into_the_query_stays() {
    for limit in [None, Some(140)] {
        block_on(async {
            let instance = MemoryInstance::plain();
            let mut ids = fill(&instance, 150);
            ids.sort();
            for _ in 0..2_500 {
                instance.put("sheet", &[]);
            }
            let tables =
                json!({ "note": { "cache": { "query": "kind!=x", "limit": limit } }, "sheet": { "cache": {} } });
            let device = Device::new(&instance, serde_json::from_value(tables).unwrap(), 1);
            let page = device.open().await.unwrap();
            sync(&page).await;
            device.clock.advance(8 * 24 * 3_600_000);
            instance.put("note", &[("sys_id", &ids[3]), ("kind", "x"), ("n", "3")]);
            let asked = counted(&device);
            let writes = async {
                asked_for(&asked, "/sheet?", 2).await;
                page.update("note", &ids[3], row(json!({ "kind": "y" }))).await.unwrap();
            };
            let (report, ()) = join(sync(&page), writes).await;
            assert_eq!(report.sent, 1, "{limit:?}");
            assert!(page.get("note", &ids[3], false).await.unwrap().is_some(), "{limit:?}");
            sync(&page).await;
            let [here, there] = both(&page, &instance).await;
            assert_eq!(here.len(), limit.unwrap_or(there.len()));
        });
    }
}

#[test]
fn it_goes_between_two_requests_for_what_goes_along_and_what_it_leads_to_stays() {
    block_on(async {
        let w = world(MemoryInstance::plain()).await;
        let (other, _) = w.user();
        let incidents: Vec<String> = (0..200).map(|_| w.incident(&[("caller_id", &w.user().0)])).collect();
        w.page.pin("sys_user", &other, Some(Vec::new())).await.unwrap();
        sync(&w.page).await;
        w.page.unpin("sys_user", &other).await.unwrap();
        let asked = counted(&w.device);
        let writes = async {
            asked_for(&asked, "sys_user?", 2).await;
            w.page.update("incident", &incidents[7], row(json!({ "caller_id": other }))).await.unwrap();
        };
        let (report, ()) = join(sync(&w.page), writes).await;
        assert_eq!(report.sent, 1);
        let walk = place(&asked, |path| path.contains("cmn_location?"));
        let changes = place(&asked, |path| path.contains(&format!("incident/{}", incidents[7])));
        assert!(changes.iter().any(|at| at < walk.last().unwrap()));
        assert!(w.has("sys_user", &other).await);
        sync(&w.page).await;
        assert!(w.has("sys_user", &other).await);
    });
}

#[test]
fn what_the_line_never_carries_is_tried_once_in_a_run_and_not_at_each_page() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance);
        let page = device.open().await.unwrap();
        let plan = create(&page, "plan", json!({})).await;
        page.sync(push()).await.unwrap();
        fill(&instance, 3_500);
        page.update("plan", &plan, row(json!({ "n": "never" }))).await.unwrap();
        let tries = Rc::new(Cell::new(0));
        let counts = Rc::clone(&tries);
        device.remote.set_rule(move |request| {
            (request.method == Method::Patch).then(|| {
                counts.set(counts.get() + 1);
                Fault::LoseRequest
            })
        });
        assert_eq!(page.sync(push()).await.unwrap().ended_by, EndedBy::Offline);
        device.clock.advance(3_600_000);
        tries.set(0);
        assert_eq!(sync(&page).await.ended_by, EndedBy::Backoff);
        assert_eq!((tries.get(), page.count("note", "").await.unwrap()), (1, 3_500));
    });
}

/// What goes wrong with it is the run's affair, and no word on the table that was being refreshed.
#[test]
fn trouble_with_it_is_not_the_tables() {
    block_on(async {
        let instance = MemoryInstance::plain();
        fill(&instance, 2_500);
        let tables = json!({ "note": { "cache": { "maxAgeMs": 1_000 } }, "plan": {}, "sheet": { "cache": {} } });
        let device = Device::new(&instance, serde_json::from_value(tables).unwrap(), 1);
        let page = device.open().await.unwrap();
        let plan = create(&page, "plan", json!({})).await;
        sync(&page).await;
        device.clock.advance(8 * 24 * 3_600_000);
        let events = listening(&page);
        let asked: Rc<RefCell<Vec<String>>> = Rc::default();
        let noted = Rc::clone(&asked);
        device.remote.set_rule(move |request| {
            noted.borrow_mut().push(request.path.clone());
            request.path.contains("/plan").then(|| Fault::Answer(resp(500, "{}")))
        });
        let writes = async {
            asked_for(&asked, "limit=1000", 1).await;
            page.update("plan", &plan, row(json!({ "n": "mine" }))).await.unwrap();
        };
        let (report, ()) = join(sync(&page), writes).await;
        assert_eq!(report.ended_by, EndedBy::Offline);
        assert!(page.next_sync_in().await.unwrap().is_some_and(|ms| ms > 0), "it is tried later");
        assert_eq!(page.count("note", "").await.unwrap(), 2_500, "nothing has expired");
        let told = events.borrow();
        assert!(!told.iter().any(|event| matches!(event, Event::Error { .. })), "{told:?}");
    });
}

#[test]
fn a_refresh_ends_where_the_user_goes_offline_and_waits_for_what_waits() {
    block_on(async {
        for goes_offline in [true, false] {
            let instance = MemoryInstance::plain();
            fill(&instance, 3_500);
            let device = device(&instance);
            let page = device.open().await.unwrap();
            let asked: Rc<RefCell<Vec<String>>> = Rc::default();
            let noted = Rc::clone(&asked);
            device.remote.set_rule(move |request| {
                noted.borrow_mut().push(request.path.clone());
                (request.method == Method::Post).then(|| Fault::Answer(resp(500, "{}")))
            });
            let writes = async {
                asked_for(&asked, "ORDERBYsys_id", 1).await;
                create(&page, "plan", json!({})).await;
                page.set_offline(goes_offline).await.unwrap();
            };
            let (report, ()) = join(sync(&page), writes).await;
            let pages = place(&asked, |path| path.contains("ORDERBYsys_id")).len();
            let ended = if goes_offline { EndedBy::Offline } else { EndedBy::Backoff };
            assert_eq!((report.ended_by, report.sent, pages < 4), (ended, 0, goes_offline));
        }
    });
}
