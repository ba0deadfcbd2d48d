//! What an online step names with `addRecordForSync`.

use std::{cell::RefCell, rc::Rc};

use futures_executor::block_on;
use landfall::{
    core::{Event, stored::Action},
    engine::StepFailed,
    testing::{Device, Fault, MemoryInstance, listening},
    wire::Method,
};
use serde_json::{Value, json};

use super::support::{push, resp, row, tables};

/// A mistake of the step's author is told as such, at once or by the item.
#[test]
fn what_a_step_names_is_looked_at() {
    for (table, sys_id, temporary, said) in
        [("incident", "", None, "empty"), ("incident", "a1", Some("tmp_nope"), "none of this step's records")]
    {
        block_on(async {
            let instance = MemoryInstance::with_extras();
            let page = Device::new(&instance, tables(), 1).open().await.unwrap();
            page.register(
                "names",
                Rc::new(move |step, _| {
                    let named = step.add_record_for_sync(table, sys_id, temporary);
                    Box::pin(async move { named.map(|()| Value::Null).map_err(|why| StepFailed(why.to_string())) })
                }),
            );
            let step = page.act(Action { name: "names".to_owned(), by_app: true, ..Action::default() }).await.unwrap();
            assert!(step.commit().await.unwrap());
            page.sync(push()).await.unwrap();
            let item = page.outbox(None, None, None).await.unwrap().remove(0);
            assert!(item.explain.starts_with("Its online step failed"), "{}", item.explain);
            assert!(item.explain.contains(said), "{}", item.explain);
        });
    }
}

/// Named by mistake, it would be a record that is nowhere; paired by hand, the instance is asked for it first.
#[test]
fn a_record_that_the_instance_does_not_have_is_told_of_and_not_paired() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let hears = Rc::clone(&heard);
        page.listen(Rc::new(move |event: &Event| {
            if let Event::Error { code, .. } = event {
                hears.borrow_mut().push(code.clone());
            }
        }));
        page.register(
            "names",
            Rc::new(|step, input| {
                Box::pin(async move {
                    if let Some(sys_id) = input.as_str() {
                        let made = step.records()[0].sys_id.clone();
                        step.add_record_for_sync("incident", sys_id, Some(&made)).unwrap();
                    }
                    Ok(Value::Null)
                })
            }),
        );
        let run = async |input: Value| {
            let action = Action { name: "names".to_owned(), by_app: true, input, ..Action::default() };
            let step = page.act(action).await.unwrap();
            let made = step.create("incident", row(json!({}))).await.unwrap()["sys_id"].as_str().unwrap().to_owned();
            let (item, _) = step.acted().await.unwrap();
            assert!(step.commit().await.unwrap());
            page.sync(push()).await.unwrap();
            (item, made)
        };
        run(json!("result.sys_id")).await;
        assert_eq!(*heard.borrow(), ["not_found"]);

        let (item, made) = run(Value::Null).await;
        let why = page.pair(&item, &made, "hello").await.unwrap_err().to_string();
        assert!(why.contains("the instance has no incident “hello”"), "{why}");
        device.remote.set_rule(|_| Some(Fault::LoseRequest));
        let why = page.pair(&item, &made, "hello").await.unwrap_err().to_string();
        assert!(why.contains("try it again online"), "{why}");
        device.remote.set_rule(|_| None);
        let there = instance.put("incident", &[]);
        page.pair(&item, &made, &format!(" {there} ")).await.unwrap();
        assert_eq!(page.outbox(None, None, None).await.unwrap(), []);
    });
}

/// What may not be read at all may well be there.
#[test]
fn nothing_is_said_of_a_record_in_a_table_that_may_not_be_read() {
    block_on(async {
        let instance = MemoryInstance::with_extras();
        let device = Device::new(&instance, tables(), 1);
        let page = device.open().await.unwrap();
        let heard = listening(&page);
        page.register(
            "names",
            Rc::new(|step, _| {
                Box::pin(async move {
                    let made = step.records()[0].sys_id.clone();
                    step.add_record_for_sync("incident", "a1", Some(&made)).unwrap();
                    Ok(Value::Null)
                })
            }),
        );
        let reads = |method: Method, path: &str| method == Method::Get && path.contains("/table/incident");
        device.remote.set_rule(move |request| {
            reads(request.method, &request.path).then(|| Fault::Answer(resp(403, r#"{"error":{"message":"No."}}"#)))
        });
        let step = page.act(Action { name: "names".to_owned(), by_app: true, ..Action::default() }).await.unwrap();
        step.create("incident", row(json!({}))).await.unwrap();
        assert!(step.commit().await.unwrap());
        let report = page.sync(push()).await.unwrap();
        assert_eq!((report.sent, report.remaining), (1, 0));
        let codes = |event: &Event| matches!(event, Event::Error { .. });
        assert!(!heard.borrow().iter().any(codes), "{:?}", heard.borrow());
    });
}
