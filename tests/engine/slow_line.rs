//! A request that the line never carries, or that comes to nothing for the sake of one item: it holds up nothing but
//! itself.

use futures_executor::block_on;
use landfall::{
    engine::Client,
    testing::{Device, Fault, MemoryInstance, MemoryPorts},
    wire::{Method, Request, batch::BatchRequest},
};
use serde_json::json;

use super::doubt::outbox;
use super::support::{create, push, resp, row, tables};

const LIMIT: usize = 20_000;

/// With keys, without, and where it is not even asked whether there are any.
fn each(test: impl AsyncFn(MemoryInstance, Device)) {
    for (extras, asked) in [(true, true), (false, true), (false, false)] {
        let instance = if extras { MemoryInstance::with_extras() } else { MemoryInstance::plain() };
        let mut device = Device::new(&instance, tables(), 1);
        if !asked {
            device.without_extras();
        }
        block_on(test(instance, device));
    }
}

/// A byte takes three milliseconds. Whatever would take longer than a minute gets no answer.
fn slow_line(device: &Device) {
    let clock = device.clock.clone();
    device.remote.set_rule(move |request| {
        clock.advance(3 * u64::try_from(size(request).min(LIMIT)).unwrap());
        (size(request) > LIMIT).then_some(Fault::LoseRequest)
    });
}

fn size(request: &Request) -> usize {
    request.body.as_ref().map_or(0, Vec::len)
}

/// Whether a request says this, be it in a batch.
fn says(request: &Request, word: &str) -> bool {
    let body = request.body.clone().unwrap_or_default();
    let alone = String::from_utf8_lossy(&body).contains(word);
    let batch = serde_json::from_slice::<BatchRequest>(&body).unwrap_or_default();
    alone || batch.rest_requests.iter().any(|part| says(&part.unpack().unwrap(), word))
}

/// As the page does by itself; or as one whose user asks now and then.
async fn goes_on(page: &Client<MemoryPorts>, device: &Device, times: usize, by_itself: bool) {
    for _ in 0..times {
        page.sync(push()).await.unwrap();
        let next = page.next_sync_in().await.unwrap().unwrap_or_default().max(1);
        device.clock.advance(if by_itself { next } else { 3_600_000 });
    }
}

async fn records(page: &Client<MemoryPorts>, how_many: usize) -> Vec<String> {
    let rows = (0..how_many).map(|number| row(json!({ "short_description": number.to_string() }))).collect();
    let made = page.create_many("incident", rows).await.unwrap();
    made.iter().map(|record| record["sys_id"].as_str().unwrap().to_owned()).collect()
}

fn count(instance: &MemoryInstance, name: &str, value: &str) -> usize {
    instance.rows("incident").iter().filter(|row| row.get(name).is_some_and(|text| text == value)).count()
}

#[test]
fn changes_land_past_one_that_the_line_never_carries() {
    for by_itself in [true, false] {
        each(async |instance, device| {
            let page = device.open().await.unwrap();
            let ids = records(&page, 20).await;
            page.sync(push()).await.unwrap();
            let big = "x".repeat(2 * LIMIT);
            for (number, id) in ids.iter().enumerate() {
                let text = if number < 2 { big.as_str() } else { "small" };
                page.update("incident", id, row(json!({ "description": text }))).await.unwrap();
            }
            slow_line(&device);
            goes_on(&page, &device, 12, by_itself).await;
            assert_eq!(count(&instance, "description", "small"), 18);
            assert_eq!(outbox(&page).await.len(), 2);
            create(&page, "incident", json!({ "description": "small" })).await;
            goes_on(&page, &device, 4, by_itself).await;
            assert_eq!(count(&instance, "description", "small"), 19);
            // It is tried in its turn, and no more often than anything else that fails.
            assert!(page.next_sync_in().await.unwrap().unwrap() <= 300_000);
            device.remote.set_rule(|_| None);
            goes_on(&page, &device, 3, by_itself).await;
            assert_eq!((outbox(&page).await, count(&instance, "description", &big)), (vec![], 2));
        });
    }
}

#[test]
fn one_that_has_failed_by_itself_spoils_no_batch_when_its_turn_comes() {
    each(async |instance, device| {
        let page = device.open().await.unwrap();
        let ids = records(&page, 20).await;
        page.sync(push()).await.unwrap();
        device.remote.set_rule(|request| says(request, "spoils").then_some(Fault::LoseRequest));
        for id in &ids[..4] {
            let text = if *id == ids[0] { "spoils" } else { "fine" };
            page.update("incident", id, row(json!({ "description": text }))).await.unwrap();
        }
        goes_on(&page, &device, 6, true).await;
        assert_eq!((count(&instance, "description", "fine"), outbox(&page).await.len()), (3, 1));
        for id in &ids[4..] {
            page.update("incident", id, row(json!({ "description": "fine" }))).await.unwrap();
        }
        device.clock.advance(3_600_000);
        page.sync(push()).await.unwrap();
        assert_eq!((count(&instance, "description", "fine"), outbox(&page).await.len()), (19, 1), "in one run");
    });
}

#[test]
fn changes_land_past_one_where_the_table_cannot_be_asked_either() {
    each(async |instance, device| {
        let page = device.open().await.unwrap();
        let ids = records(&page, 3).await;
        page.sync(push()).await.unwrap();
        page.update("incident", &ids[0], row(json!({ "description": "x".repeat(2 * LIMIT) }))).await.unwrap();
        for id in &ids[1..] {
            page.update("incident", id, row(json!({ "description": "small" }))).await.unwrap();
        }
        device.remote.set_rule(|request| match request.method {
            Method::Get if request.path.contains("/table/") => Some(Fault::Answer(resp(500, "{}"))),
            _ => (size(request) > LIMIT).then_some(Fault::LoseRequest),
        });
        goes_on(&page, &device, 6, true).await;
        assert_eq!((count(&instance, "description", "small"), outbox(&page).await.len()), (2, 1));
    });
}

#[test]
fn records_land_past_one_that_the_line_never_carries() {
    for together in [true, false] {
        each(async |instance, device| {
            let page = device.open().await.unwrap();
            records(&page, 1).await;
            page.sync(push()).await.unwrap();
            let big = "x".repeat(2 * LIMIT);
            let texts = (0..20).map(|number| row(json!({ "description": if number > 0 { "small" } else { &big } })));
            if together {
                page.create_many("incident", texts.collect()).await.unwrap();
            } else {
                for one in texts {
                    page.create_many("incident", vec![one]).await.unwrap();
                }
            }
            slow_line(&device);
            goes_on(&page, &device, 12, true).await;
            assert_eq!((count(&instance, "description", "small"), outbox(&page).await.len()), (19, 1));
            device.remote.set_rule(|_| None);
            goes_on(&page, &device, 4, true).await;
            assert_eq!((outbox(&page).await, instance.rows("incident").len()), (vec![], 21));
        });
    }
}

#[test]
fn one_record_that_spoils_every_batch_is_left_to_itself() {
    each(async |instance, device| {
        for gateway in [resp(500, "{}"), resp(502, "<h1>Bad gateway</h1>")] {
            let before = instance.rows("incident").len();
            let page = device.open().await.unwrap();
            records(&page, 1).await;
            page.sync(push()).await.unwrap();
            create(&page, "incident", json!({ "description": "poison" })).await;
            for _ in 0..30 {
                create(&page, "incident", json!({ "description": "small" })).await;
            }
            device.remote.set_rule(move |request| {
                (request.body.is_some() && says(request, "poison")).then(|| Fault::Answer(gateway.clone()))
            });
            goes_on(&page, &device, 25, true).await;
            assert_eq!((instance.rows("incident").len() - before, outbox(&page).await.len()), (31, 1));
            device.remote.set_rule(|_| None);
            goes_on(&page, &device, 4, true).await;
            assert_eq!((instance.rows("incident").len() - before, outbox(&page).await.len()), (32, 0));
        }
    });
}

#[test]
fn a_batch_that_a_better_line_let_grow_comes_down_to_what_this_one_carries() {
    each(async |instance, device| {
        let page = device.open().await.unwrap();
        let ids = records(&page, 60).await;
        page.sync(push()).await.unwrap();
        for id in &ids {
            page.update("incident", id, row(json!({ "description": "x".repeat(300) }))).await.unwrap();
        }
        slow_line(&device);
        goes_on(&page, &device, 6, true).await;
        assert_eq!((outbox(&page).await.len(), count(&instance, "description", &"x".repeat(300))), (0, 60));
    });
}

#[test]
fn where_it_was_the_line_everything_goes_at_once_when_it_is_back() {
    each(async |instance, device| {
        let page = device.open().await.unwrap();
        let ids = records(&page, 5).await;
        page.sync(push()).await.unwrap();
        for id in &ids {
            page.update("incident", id, row(json!({ "description": "small" }))).await.unwrap();
        }
        records(&page, 5).await;
        device.remote.set_offline(true);
        goes_on(&page, &device, 40, true).await;
        device.remote.set_offline(false);
        page.sync(push()).await.unwrap();
        assert_eq!((outbox(&page).await, instance.rows("incident").len()), (vec![], 10));
        assert_eq!(count(&instance, "description", "small"), 5);
    });
}
