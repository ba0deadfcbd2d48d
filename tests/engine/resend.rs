//! `unknown: "resend"`: the app's word that a call of an online step goes again where nobody can tell whether it arrived.

use std::rc::Rc;

use futures_executor::block_on;
use landfall::{
    core::{schema::TableOptions, stored::Action},
    engine::StepFailed,
    testing::{Device, Fault, MemoryInstance},
    wire::Method,
};
use serde_json::{Value, json};

use super::{
    steps::{Page, post},
    support::{push, row},
};

/// The call is about `note`, or about no table; the action changes a record of `incident`.
async fn run(page: &Page, path: &'static str) {
    page.register(
        "odd",
        Rc::new(move |step, _| {
            Box::pin(async move {
                let body = json!({ "text": "x", "correlation_id": step.records()[0].sys_id });
                // What it has made is named by nobody: carried out, it waits to be paired.
                step.call(None, post(path, body)).await.map_err(|why| StepFailed(why.to_string()))?;
                Ok(Value::Null)
            })
        }),
    );
    let step = page.act(Action { name: "odd".to_owned(), by_app: true, ..Action::default() }).await.unwrap();
    step.create("incident", row(json!({}))).await.unwrap();
    step.acted().await.unwrap();
    assert!(step.commit().await.unwrap());
}

#[test]
fn the_table_of_the_call_decides_and_where_it_has_none_those_the_action_changes() {
    let uncorrelated = json!({ "correlationField": null });
    for (path, note, incident, posts, state) in [
        ("table/note", uncorrelated.clone(), json!({ "unknown": "resend" }), 1, "unknown"),
        ("table/note", json!({ "correlationField": null, "unknown": "resend" }), json!({}), 2, "unpaired"),
        // Whether the instance keeps the temporary id is not known: nothing found would be no proof.
        ("table/note", json!({}), json!({ "unknown": "resend" }), 1, "unknown"),
        // But it is asked, and found.
        ("table/note", json!({ "unknown": "resend" }), json!({}), 1, "unpaired"),
        // The app has not declared it.
        ("table/other", uncorrelated.clone(), json!({ "unknown": "resend" }), 1, "unknown"),
        ("notes", uncorrelated.clone(), json!({ "unknown": "resend" }), 2, "unpaired"),
        ("notes", json!({ "correlationField": null, "unknown": "resend" }), json!({}), 1, "unknown"),
    ] {
        block_on(async {
            let instance = MemoryInstance::plain();
            let declared = json!({ "note": note, "incident": incident });
            let declared: std::collections::BTreeMap<String, TableOptions> = serde_json::from_value(declared).unwrap();
            let device = Device::new(&instance, declared, 1);
            let page = device.open().await.unwrap();
            run(&page, path).await;
            let posted = Rc::new(std::cell::Cell::new(0));
            let count = posted.clone();
            device.remote.set_rule(move |request| {
                let posts = request.method == Method::Post;
                count.set(count.get() + i32::from(posts));
                (posts && count.get() == 1).then_some(Fault::LoseAnswer)
            });
            for _ in 0..3 {
                page.sync(push()).await.unwrap();
                device.clock.advance(70_000);
            }
            let now = page.outbox(None, None, None).await.unwrap().pop().unwrap().state;
            assert_eq!((posted.get(), now), (posts, state), "{path} {note} {incident}");
        });
    }
}
