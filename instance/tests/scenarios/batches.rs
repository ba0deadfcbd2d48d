//! Several requests in one.

use std::time::Instant;

use landfall::wire::batch::Encoded;
use landfall::wire::http::Method;
use serde_json::{Value as Json, json};

use crate::common::{Home, Item, temporary};

fn body(item: &landfall::wire::batch::ServicedRequest) -> Json {
    serde_json::from_slice(&item.body.decode().unwrap()).unwrap_or(Json::Null)
}

pub async fn items_run_in_order_each_on_its_own(home: &Home) {
    let instance = home.start().await;
    let temp = temporary();
    let answer = instance
        .batch(vec![
            Item::create("1", "incident", json!({"short_description": "first", "correlation_id": temp})),
            Item::create("2", "incident", json!({"nonsense": "x"})),
            Item::create("3", "incident_task", json!({"incident": temp, "short_description": "child"})),
            Item::new("4", Method::Get, "incident?sysparm_query=short_description%3Dfirst&sysparm_fields=number", None),
            Item::new("5", Method::Delete, "incident/none", None),
        ])
        .await;
    assert_eq!(answer.batch_request_id, "b1");
    let serviced: Vec<_> = answer.serviced_requests.iter().map(|item| (item.id.as_str(), item.status_code)).collect();
    assert_eq!(serviced, [("1", 201), ("2", 400), ("3", 201), ("4", 200), ("5", 404)]);
    assert!(answer.unserviced_requests.is_empty());
    let texts: Vec<_> = answer.serviced_requests.iter().map(|item| item.status_text.as_str()).collect();
    assert_eq!(texts, ["Created", "Bad Request", "Created", "OK", "Not Found"]);

    let made = body(&answer.serviced_requests[0]);
    let child = body(&answer.serviced_requests[2]);
    assert_eq!(child["result"]["incident"]["value"], made["result"]["sys_id"]);
    assert_eq!(body(&answer.serviced_requests[3]), json!({"result": [{"number": "INC0010001"}]}));
    assert_eq!(body(&answer.serviced_requests[1])["error"]["message"], "Table incident has no field `nonsense`");
    let total = answer.serviced_requests[3].headers.iter().find(|header| header.name == "x-total-count").unwrap();
    assert_eq!(total.value, "1");
}

pub async fn items_past_the_time_are_unserviced(home: &Home) {
    let instance = home.start_with(&["--batch-seconds", "0"]).await;
    let items = ["1", "2"].map(|id| Item::create(id, "incident", json!({})));
    let answer = instance.batch(items.into()).await;
    assert!(answer.serviced_requests.is_empty());
    assert_eq!(answer.unserviced_requests, ["1", "2"]);
    assert_eq!(instance.count("incident").await, 0);
}

pub async fn a_bad_item_costs_itself(home: &Home) {
    let instance = home.start().await;
    let mut untyped = Item::create("1", "incident", json!({}));
    untyped.0.headers.clear();
    let mut undecodable = Item::create("2", "incident", json!({}));
    undecodable.0.body = Some(serde_json::from_value(json!("%%%")).unwrap());
    let mut elsewhere = Item::create("3", "incident", json!({}));
    elsewhere.0.url = "https://example.com/api/now/table/incident".into();
    let mut nested = Item::create("4", "incident", json!({"rest_requests": []}));
    nested.0.url = "/api/now/v1/batch".into();
    let large = Item::create("5", "incident", json!({"description": "x".repeat(5 * 1024 * 1024)}));
    let mut silent = Item::create("6", "incident", json!({"short_description": "well"}));
    silent.0.exclude_response_headers = true;
    let mut bodiless = Item::new("7", Method::Get, "incident", None);
    bodiless.0.body = Some(Encoded::new(b""));
    let answer = instance.batch(vec![untyped, undecodable, elsewhere, nested, large, silent, bodiless]).await;
    let statuses: Vec<_> = answer.serviced_requests.iter().map(|item| item.status_code).collect();
    assert_eq!(statuses, [415, 400, 400, 400, 413, 201, 200]);
    assert!(answer.serviced_requests[1].error_message.is_some());
    assert!(answer.serviced_requests[5].headers.is_empty());
    assert_eq!(instance.count("incident").await, 1);

    let unread = instance.post("/api/now/v1/batch", json!({"rest_requests": [{"id": "1"}]})).await;
    assert_eq!(unread.status, 400);
    assert_eq!(instance.get("/api/now/batch").await.status, 405);
}

pub async fn a_hundred_creates_take_less_than_a_second(home: &Home) {
    let instance = home.start().await;
    let items = || {
        let item = |n: usize| {
            Item::create(
                &n.to_string(),
                "incident",
                json!({"short_description": format!("Number {n}"), "correlation_id": temporary()}),
            )
            .key(&temporary())
        };
        (0..100).map(item).collect::<Vec<_>>()
    };
    instance.batch(items()).await;
    let started = Instant::now();
    let answer = instance.batch(items()).await;
    let taken = started.elapsed();
    assert!(answer.serviced_requests.iter().all(|item| item.status_code == 201));
    println!("100 creates in one batch: {taken:?}");
    // A build without optimisation on a busy machine is given more than the second it must keep otherwise.
    assert!(taken.as_secs() < if cfg!(debug_assertions) { 5 } else { 1 }, "{taken:?}");
}
