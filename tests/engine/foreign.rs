//! A temporary id that another device made, in a link that somebody has sent.

use futures_executor::block_on;
use futures_util::poll;
use landfall::testing::{Device, Fault, MemoryInstance};
use serde_json::json;

use super::support::{create, push, resp, tables};

#[test]
fn an_id_from_another_device_is_asked_of_the_instance() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let there = Device::new(&instance, tables(), 1).open().await.unwrap();
        let here = Device::new(&instance, tables(), 100);
        let page = here.open().await.unwrap();
        let id = create(&there, "task", json!({ "short_description": "x" })).await;
        assert_eq!(page.resolve_id(&id).await.unwrap(), id, "it is not there yet");
        there.sync(push()).await.unwrap();
        let made = there.resolve_id(&id).await.unwrap();
        assert_ne!(made, id);
        assert_eq!(page.resolve_id(&id).await.unwrap(), made);
        // Asked for a record of its own, or for one that has its id, nobody is asked.
        let own = create(&page, "task", json!({})).await;
        let sent = here.remote.sent();
        for known in [&own, &made, &"anything".to_owned()] {
            assert_eq!(&page.resolve_id(known).await.unwrap(), known);
        }
        assert_eq!(here.remote.sent(), sent);
        // A family is asked once, and one that may not be read is passed over.
        let nobody = "tmp_01977420dc327ab1bc80489c1f575030";
        assert_eq!(page.resolve_id(nobody).await.unwrap(), nobody);
        assert_eq!(here.remote.sent(), sent + 2);
        here.remote.plan(Some(Fault::Answer(resp(403, r#"{"error":{"message":"no"}}"#))));
        assert_eq!(page.resolve_id(&id).await.unwrap(), made);
    });
}

#[test]
fn an_id_from_another_device_stays_as_it_is_where_nobody_can_tell() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let there = Device::new(&instance, tables(), 1).open().await.unwrap();
        let id = create(&there, "task", json!({})).await;
        there.sync(push()).await.unwrap();
        let here = Device::new(&instance, tables(), 100);
        let page = here.open().await.unwrap();
        let asked = here.remote.sent();

        page.set_offline(true).await.unwrap();
        assert_eq!(page.resolve_id(&id).await.unwrap(), id);
        page.set_offline(false).await.unwrap();
        here.remote.set_offline(true);
        assert_eq!(page.resolve_id(&id).await.unwrap(), id);
        here.remote.set_offline(false);
        assert_eq!(here.remote.sent(), asked);

        let others = r#"{"result":[{"sys_id":"a1","correlation_id":"x"},{"sys_id":"a2"}]}"#;
        for answer in [resp(401, "{}"), resp(500, "{}"), resp(200, "<p>"), resp(200, others)] {
            let answers = answer.clone();
            here.remote.set_rule(move |_| Some(Fault::Answer(answers.clone())));
            assert_eq!(page.resolve_id(&id).await.unwrap(), id, "{answer:?}");
        }
        here.remote.set_rule(|_| Some(Fault::LoseRequest));
        assert_eq!(page.resolve_id(&id).await.unwrap(), id);
    });
}

#[test]
fn an_app_that_does_not_answer_keeps_nobody_waiting_for_more_than_five_seconds() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let there = Device::new(&instance, tables(), 1).open().await.unwrap();
        let id = create(&there, "task", json!({})).await;
        there.sync(push()).await.unwrap();
        let here = Device::new(&instance, tables(), 100);
        let page = here.open().await.unwrap();
        here.remote.set_auth_hangs(true);
        let mut asking = Box::pin(page.resolve_id(&id));
        for _ in 0..200 {
            assert!(poll!(&mut asking).is_pending());
        }
        here.clock.advance(4_999);
        assert!(poll!(&mut asking).is_pending());
        here.clock.advance(1);
        assert_eq!(asking.await.unwrap(), id);
    });
}
