//! Records and items as the app sees them.

use std::collections::BTreeSet;

use landfall::core::{
    claim::claim,
    lease::take_lease,
    present::{items, records},
    pull::take_in,
    receive::{Answer, receive},
    stored::ItemError,
    write,
};
use serde_json::json;

use super::support::{PLAIN, World, fields_of};

fn sync(world: &mut World, sys_id: &str) -> serde_json::Value {
    let record = world.run(|tx| tx.record("incident", sys_id)).unwrap().0.unwrap();
    let rows = world.run(|tx| records(tx, std::slice::from_ref(&record), None)).unwrap().0;
    rows[0]["$sync"].clone()
}

#[test]
fn a_record_is_what_its_items_make_of_it() {
    let mut world = World::new();
    let (temporary, item) = world.create(&[("category", "belt")]);
    let state = |world: &mut World, id: &str| sync(world, id)["state"].as_str().unwrap().to_owned();
    assert_eq!(state(&mut world, &temporary), "local");
    let (lease, _) = world.run(take_lease).unwrap();
    let one = std::slice::from_ref(&item);
    world.run(|tx| claim(tx, lease, &[], one, PLAIN)).unwrap();
    assert_eq!(
        sync(&mut world, &temporary),
        json!({ "state": "sending", "isTemporary": true, "changedAt": changed() })
    );
    let error = ItemError { status: 0, message: String::new(), detail: None };
    let lost = Answer::Unknown { error, wait_ms: None };
    world.run(|tx| receive(tx, lease, &[(item.clone(), lost.clone())])).unwrap();
    let shown = sync(&mut world, &temporary);
    assert_eq!(shown["state"], "waiting");
    assert!(shown["reason"].as_str().unwrap().starts_with("It was sent, but the answer never came;"), "{shown}");

    world.run(|tx| claim(tx, lease, one, &[], PLAIN)).unwrap();
    let row = fields_of(&[("sys_id", "a1"), ("correlation_id", &temporary), ("category", "")]);
    world.run(|tx| receive(tx, lease, &[(item.clone(), Answer::Found(vec![row.clone()]))])).unwrap();
    let shown = sync(&mut world, "a1");
    assert_eq!((&shown["state"], &shown["isTemporary"]), (&json!("synced"), &json!(false)));
    assert_eq!(shown["notKept"], json!(["category"]));

    world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("impact", "1")]))).unwrap();
    assert_eq!(state(&mut world, "a1"), "changed");
    world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    assert_eq!(state(&mut world, "a1"), "deleted");
}

fn changed() -> &'static str {
    "1970-01-01T00:16:40Z"
}

#[test]
fn what_was_never_told_is_not_named_as_not_kept() {
    let mut world = World::new();
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    assert_eq!(sync(&mut world, "a1"), json!({ "state": "synced", "isTemporary": false, "fetchedAt": changed() }));
}

#[test]
fn what_the_instance_said_is_shown_and_what_the_line_did_is_not() {
    let mut world = World::new();
    let (_, item) = world.create(&[]);
    for (status, shown) in [(0, false), (1, true), (403, true)] {
        let (lease, _) = world.run(take_lease).unwrap();
        let one = std::slice::from_ref(&item);
        world.run(|tx| claim(tx, lease, &[], one, PLAIN)).unwrap();
        let error = ItemError { status, message: "no".to_owned(), detail: None };
        let not_run = Answer::NotRun { error: Some(error), wait_ms: None };
        world.run(|tx| receive(tx, lease, &[(item.clone(), not_run.clone())])).unwrap();
        let stored = world.item(&item).unwrap();
        let views = world.run(|tx| items(tx, std::slice::from_ref(&stored), None, &BTreeSet::new())).unwrap().0;
        assert_eq!(views[0].error.is_some(), shown, "{status}");
    }
}
