//! What may go along with a record, and what goes when nothing leads to it any more.

use std::collections::BTreeSet;

use landfall::{
    core::{
        along::{Include, gone_there, pin, pins, sweep_along, targets, unpin},
        hand,
        pull::{Came, sweep, take_in, take_in_as},
        schema::Schema,
        stored::{Pin, Record},
        write,
    },
    wire::Fields,
};
use serde_json::{Value, json};

use super::support::{World, fields_of};

fn schema(include: Value) -> Result<Schema, String> {
    let tables = json!({
        "task": { "references": { "parent": "task", "assigned_to": "sys_user" } },
        "incident": {
            "extends": "task",
            "references": {
                "caller_id": "sys_user", "watch_list": ["sys_user"], "document": { "table": "document_table" },
                "company": "core_company",
            },
            "cache": { "include": include },
        },
        "problem": { "extends": "task" },
        "incident_task": { "references": { "incident": "incident", "of": ["task"], "any": { "table": "its" } } },
        "sys_user": { "references": { "location": "cmn_location" } },
        "cmn_location": {},
    });
    Schema::new(serde_json::from_value(tables).map_err(|why| why.to_string())?).map_err(|why| why.to_string())
}

#[test]
fn each_step_of_a_path_is_a_declared_reference_of_a_declared_table() {
    for good in [
        json!(["caller_id", "caller_id.location", "parent.parent.assigned_to.location", "watch_list.location"]),
        json!(["document", "document.location"]),
        json!([{ "from": "incident_task", "field": "incident" }, { "from": "incident_task", "field": "of", "limit": 1 }]),
        json!([{ "from": "incident_task", "field": "any" }, { "from": "task", "field": "parent" }]),
    ] {
        schema(good).unwrap();
    }
    for (bad, said) in [
        (json!([""]), "“” in “” is not declared as a reference of incident"),
        (json!(["short_description"]), "“short_description” in “short_description” is not declared"),
        (json!(["caller_id.nope"]), "“nope” in “caller_id.nope” is not declared as a reference of sys_user"),
        (json!(["caller_id..location"]), "is not declared as a reference of sys_user"),
        (json!(["document.nope"]), "is not declared as a reference of any table"),
        (json!(["company"]), "leads to core_company, which is not declared"),
        (json!([{ "from": "nope", "field": "incident" }]), "the table nope is not declared"),
        (
            json!([{ "from": "incident_task", "field": "nope" }]),
            "“nope” is not declared as a reference of incident_task",
        ),
        (
            json!([{ "from": "incident", "field": "caller_id" }]),
            "“caller_id” of incident points to sys_user, not to incident",
        ),
        (json!([{ "from": "incident_task", "field": "incident", "limit": 0 }]), "must be 1 or more"),
        (json!([{ "from": "incident_task" }]), "did not match"),
    ] {
        let why = schema(bad.clone()).unwrap_err();
        assert!(why.contains(said), "{bad}: {why}");
    }
    assert!(schema(json!(["nope"])).unwrap_err().contains("cache.include of table incident: "));
}

#[test]
fn where_a_field_leads_is_told_by_what_is_declared() {
    let schema = schema(json!([])).unwrap();
    let row = fields_of(&[
        ("caller_id", "u1"),
        ("watch_list", "u1, u2,,"),
        ("document", "d1"),
        ("document_table", "cmn_location"),
        ("company", "c1"),
        ("assigned_to", "a,b"),
    ]);
    let led = |field: &str| -> Vec<String> {
        targets(&schema, "incident", &row, field).into_iter().map(|(table, id)| format!("{table} {id}")).collect()
    };
    assert_eq!(led("caller_id"), ["sys_user u1"]);
    assert_eq!(led("watch_list"), ["sys_user u1", "sys_user u2"]);
    assert_eq!(led("document"), ["cmn_location d1"]);
    for none in ["company", "assigned_to", "parent", "number"] {
        assert_eq!(led(none), Vec::<String>::new(), "{none}");
    }
}

fn marks(world: &mut World, id: &str) -> Option<(Option<u64>, bool)> {
    world.record("incident", id).map(|record| (record.pulled_under, record.along))
}

#[test]
fn what_came_along_is_told_from_what_the_query_has_found() {
    let mut world = World::new();
    let rows = |state: &str| -> Vec<Fields> { vec![fields_of(&[("sys_id", "a1"), ("state", state)])] };
    let (one, two) = (rows("1"), rows("2"));
    world.run(|tx| take_in_as(tx, "incident", None, &one, Came::Along)).unwrap();
    assert_eq!(marks(&mut world, "a1"), Some((None, true)));
    // Found by its query it is there for itself, whatever comes along.
    world.run(|tx| take_in(tx, "incident", &one, 3)).unwrap();
    world.run(|tx| take_in_as(tx, "incident", None, &two, Came::Along)).unwrap();
    assert_eq!(marks(&mut world, "a1").unwrap().0, Some(3));
    assert!(!world.record("incident", "a1").unwrap().is_along());
    // Nor does it come to be led to by being asked for again.
    world.run(|tx| take_in_as(tx, "incident", None, &[fields_of(&[("sys_id", "a2")])], Came::Asked)).unwrap();
    world
        .run(|tx| take_in_as(tx, "incident", None, &[fields_of(&[("sys_id", "a2"), ("state", "9")])], Came::Along))
        .unwrap();
    assert_eq!(marks(&mut world, "a2"), Some((None, false)));
    world.run(|tx| take_in_as(tx, "incident", None, &[fields_of(&[("sys_id", "a3")])], Came::Along)).unwrap();
    world.run(|tx| take_in_as(tx, "incident", None, &[fields_of(&[("sys_id", "a3")])], Came::Asked)).unwrap();
    assert_eq!(marks(&mut world, "a3"), Some((None, false)));
    // Under an unsent edit as well.
    world.run(|tx| take_in_as(tx, "incident", None, &[fields_of(&[("sys_id", "a4")])], Came::Along)).unwrap();
    world.run(|tx| write::update(tx, "incident", "a4", &fields_of(&[("state", "5")]))).unwrap();
    world
        .run(|tx| take_in_as(tx, "incident", None, &[fields_of(&[("sys_id", "a4"), ("state", "6")])], Came::Along))
        .unwrap();
    let record = world.record("incident", "a4").unwrap();
    assert_eq!((record.fields["state"].as_str(), record.pulled_under, record.along), ("5", None, true));
    assert_eq!(record.base.unwrap()["state"], "6");
}

#[test]
fn a_receipt_that_comes_along_is_that_record_and_here_for_itself() {
    let mut world = World::new();
    let (temporary, item) = world.create(&[("state", "1")]);
    world.send(&item);
    let row = fields_of(&[("sys_id", "a1"), ("state", "1"), ("correlation_id", &temporary)]);
    world.run(|tx| take_in_as(tx, "incident", None, std::slice::from_ref(&row), Came::Along)).unwrap();
    assert_eq!(marks(&mut world, "a1"), Some((None, false)));
    assert!(world.item(&item).is_none() && world.record("incident", &temporary).is_none());
}

/// A line that is cut before it is read through its own table would leave it so, and its time would say that it is whole.
#[test]
fn a_receipt_that_comes_along_as_one_of_the_parent_s_is_read_through_its_own_table_still() {
    let mut world = World::new();
    let (temporary, item) = world.create(&[("state", "1")]);
    world.send(&item);
    let row = fields_of(&[
        ("sys_id", "a1"),
        ("sys_class_name", "incident"),
        ("sys_updated_on", "2026-01-01 00:00:01"),
        ("correlation_id", &temporary),
    ]);
    world.run(|tx| take_in_as(tx, "task", None, std::slice::from_ref(&row), Came::Along)).unwrap();
    assert!(world.item(&item).is_none() && !world.record("incident", "a1").unwrap().is_told());
    world.run(|tx| take_in_as(tx, "incident", None, std::slice::from_ref(&row), Came::Along)).unwrap();
    assert!(world.record("incident", "a1").unwrap().is_told());
}

#[test]
fn what_a_query_does_not_find_any_more_may_still_be_led_to() {
    let mut world = World::new();
    let none = BTreeSet::new();
    let at = |world: &World, id: &str| Record::at(&world.schema, "incident", id);
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id)]);
    }
    let [first, second] = ["a1", "a2"].map(|id| at(&world, id));
    assert_eq!(
        world.run(|tx| sweep(tx, 2, None, std::slice::from_ref(&first))).unwrap().0.removed,
        1,
        "nothing leads anywhere"
    );
    world.run(|tx| pin(tx, "problem", "p1", None)).unwrap();
    assert_eq!(world.run(|tx| sweep(tx, 2, None, std::slice::from_ref(&second))).unwrap().0.removed, 0);
    assert_eq!(marks(&mut world, "a2"), Some((None, true)));
    // What was pinned after the walk may lead to it.
    assert_eq!(world.run(|tx| sweep_along(tx, std::slice::from_ref(&second), &[], &none, u64::MAX)).unwrap().0, 0);
    let (seen, _) = world.run(pins).unwrap();
    world.run(|tx| write::update(tx, "incident", "a2", &fields_of(&[("state", "5")]))).unwrap();
    assert_eq!(
        world.run(|tx| sweep_along(tx, std::slice::from_ref(&second), &seen, &none, u64::MAX)).unwrap().0,
        0,
        "unsent"
    );
    let unsent = world.record("incident", "a2").unwrap().items.remove(0);
    world.run(|tx| hand::discard(tx, &unsent)).unwrap();
    let (_, item) = world.create(&[("parent", "a2")]);
    assert_eq!(
        world.run(|tx| sweep_along(tx, std::slice::from_ref(&second), &seen, &none, u64::MAX)).unwrap().0,
        0,
        "needed"
    );
    assert_eq!(world.run(|tx| gone_there(tx, std::slice::from_ref(&second))).unwrap().0, 0, "needed");
    world.run(|tx| hand::discard(tx, &item)).unwrap();
    let unlisted = ["task".to_owned()].into();
    assert_eq!(
        world.run(|tx| sweep_along(tx, std::slice::from_ref(&second), &seen, &unlisted, u64::MAX)).unwrap().0,
        0
    );
    let told = world.run(|tx| sweep_along(tx, std::slice::from_ref(&second), &seen, &none, 0));
    assert_eq!(told.unwrap().0, 0, "the instance has told of it since");
    assert_eq!(world.run(|tx| sweep_along(tx, std::slice::from_ref(&second), &seen, &none, u64::MAX)).unwrap().0, 1);
}

#[test]
fn a_pin_is_of_a_record_and_goes_with_it() {
    let mut world = World::new();
    let of = |world: &mut World| -> Vec<String> {
        world.run(pins).unwrap().0.into_iter().map(|pin| format!("{} {}", pin.table, pin.sys_id)).collect()
    };
    let (made, item) = world.create(&[]);
    for (table, id, code) in [
        ("nope", "a1", "unknown_table"),
        ("problem", &*made, "wrong_table"),
        ("incident", "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f", "not_found"),
    ] {
        assert_eq!(world.run(|tx| pin(tx, table, id, None)).unwrap_err().code(), code);
    }
    let bad = [Include::Path("nope".into())];
    assert_eq!(world.run(|tx| pin(tx, "incident", "a1", Some(&bad))).unwrap_err().code(), "bad_options");

    // By whichever table of its family, it is one; and said anew, it is as said last.
    world.run(|tx| pin(tx, "task", &made, Some(&[]))).unwrap();
    world.run(|tx| pin(tx, "incident", &made, None)).unwrap();
    assert_eq!(of(&mut world), [format!("incident {made}")]);
    world.run(|tx| unpin(tx, "problem", &made)).unwrap();
    assert_eq!(of(&mut world).len(), 1, "another table's");
    // Its record was there already under its permanent id, pinned with something else.
    let include = vec![Include::Path("parent".into())];
    world.pulled("incident", &[("sys_id", "a1")]);
    world.run(|tx| pin(tx, "incident", "a1", Some(&include))).unwrap();
    let row = fields_of(&[("sys_id", "a1"), ("correlation_id", &made)]);
    world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&row), 4)).unwrap();
    assert!(world.item(&item).is_none());
    let (left, _) = world.run(pins).unwrap();
    assert_eq!(left, [Pin { table: "incident".into(), sys_id: "a1".into(), include: Some(include) }]);
    // The user deletes it.
    world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    let item = world.record("incident", "a1").unwrap().items.remove(0);
    world.answer(&item, &landfall::core::receive::Answer::Done(None));
    assert_eq!(of(&mut world), Vec::<String>::new());
}
