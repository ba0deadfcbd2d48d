//! The engine over all ports of a browser: only the instance, behind the app's `fetch`, is in memory.

use std::{cell::Cell, rc::Rc};

use futures_util::future::join;
use js_sys::{Function, Promise, Uint8Array};
use landfall::{
    browser::{BrowserPorts, BrowserRemote, RemoteOptions},
    core::{Event, schema::Schema},
    engine::{AppRow, Client, Settings, SyncOptions},
    ports::Ports as _,
    testing::{MemoryInstance, instance},
    wire::http::{Method, Request},
};
use serde_json::json;
use wasm_bindgen::{JsCast as _, JsValue, closure::Closure};
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{by_hand, fresh};

const ORIGIN: &str = "https://instance.example";

/// A `fetch` that reaches `instance` while `online`.
fn line(instance: &MemoryInstance, online: &Rc<Cell<bool>>) -> Function {
    let (instance, online) = (instance.clone(), Rc::clone(online));
    Closure::<dyn Fn(web_sys::Request) -> Promise>::new(move |request: web_sys::Request| {
        let (instance, online) = (instance.clone(), Rc::clone(&online));
        future_to_promise(async move {
            let body = JsFuture::from(request.array_buffer()?).await?;
            if !online.get() {
                return Err("the line is cut".into());
            }
            let answer = instance.run(&Request {
                method: match request.method().as_str() {
                    "GET" => Method::Get,
                    "POST" => Method::Post,
                    "PATCH" => Method::Patch,
                    "PUT" => Method::Put,
                    _ => Method::Delete,
                },
                path: request.url().strip_prefix(ORIGIN).unwrap().to_owned(),
                headers: gloo_net::http::Headers::from_raw(request.headers()).entries().collect(),
                body: Some(Uint8Array::new(&body).to_vec()).filter(|body| !body.is_empty()),
            });
            let headers = web_sys::Headers::new()?;
            for (name, value) in &answer.headers {
                headers.append(name, value)?;
            }
            let init = web_sys::ResponseInit::new();
            init.set_status(answer.status);
            init.set_headers(&headers);
            // 204 takes no body at all, not even an empty one.
            let body = (!answer.body.is_empty()).then(|| Uint8Array::from(answer.body.as_slice()));
            web_sys::Response::new_with_opt_js_u8_array_and_init(body.as_ref(), &init).map(JsValue::from)
        })
    })
    .into_js_value()
    .unchecked_into()
}

async fn context(name: &str, instance: &MemoryInstance, online: &Rc<Cell<bool>>) -> Client<BrowserPorts> {
    let url = format!("{ORIGIN}{}", instance::ROOT);
    let fetch = Some(line(instance, online));
    let remote = BrowserRemote::new(RemoteOptions { url: url.clone(), fetch, ..RemoteOptions::default() }).unwrap();
    let ports = BrowserPorts::new(name, remote, |_| {});
    ports.store().open().await.unwrap();
    let tables = json!({ "incident": {}, "incident_task": { "references": { "incident": "incident" } } });
    let schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    Client::open(ports, schema, Settings { url, ..Settings::default() }).await.unwrap()
}

fn row(fields: serde_json::Value) -> AppRow {
    fields.as_object().unwrap().clone()
}

async fn create(client: &Client<BrowserPorts>, table: &str, rows: Vec<AppRow>) -> Vec<String> {
    let made = client.create_many(table, rows).await.unwrap();
    made.iter().map(|row| row["sys_id"].as_str().unwrap().to_owned()).collect()
}

#[wasm_bindgen_test]
async fn a_record_made_offline_makes_landfall_in_all_contexts() {
    let name = fresh("engine");
    let (instance, online) = (MemoryInstance::plain(), Rc::new(Cell::new(false)));
    let here = context(&name, &instance, &online).await;
    let incident = create(&here, "incident", vec![row(json!({ "short_description": "Pump 3" }))]).await.remove(0);
    create(&here, "incident_task", vec![row(json!({ "incident": incident }))]).await;
    here.sync(SyncOptions::default()).await.unwrap();
    assert!(instance.rows("incident").is_empty());
    here.close().await;

    let (here, there) = (context(&name, &instance, &online).await, context(&name, &instance, &online).await);
    let (heard, tell) = by_hand();
    there.listen(Rc::new(move |event| {
        if matches!(event, Event::Reconciled { .. }) {
            tell.call0(&JsValue::UNDEFINED).unwrap();
        }
    }));
    online.set(true);
    let ended = join(here.sync(SyncOptions::default()), there.sync(SyncOptions::default())).await;
    assert!(ended.0.is_ok() && ended.1.is_ok(), "{ended:?}");
    heard.await.unwrap();

    let permanent = there.resolve_id(&incident).await.unwrap();
    let made = instance.rows("incident");
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["sys_id"], permanent);
    assert_eq!(instance.rows("incident_task")[0]["incident"], permanent);
    assert_eq!(there.audit().await.unwrap().orphans, []);
    there.close().await;
    here.delete_database(false).await.unwrap();
}

#[wasm_bindgen_test]
async fn five_hundred_at_once() {
    let name = fresh("many");
    let (instance, online) = (MemoryInstance::plain(), Rc::new(Cell::new(true)));
    let client = context(&name, &instance, &online).await;
    let rows = (0..500).map(|number| row(json!({ "short_description": format!("number {number}") }))).collect();
    let made = create(&client, "incident", rows).await;
    assert_eq!(made.len(), 500);
    let report = client.sync(SyncOptions::default()).await.unwrap();
    assert_eq!((report.reconciled, report.remaining), (500, 0), "{report:?}");
    assert_eq!(instance.rows("incident").len(), 500);
    client.delete_database(false).await.unwrap();
}
