//! A record that is deleted here: what others have changed of it meanwhile is asked about once it is back, and not before.

use landfall::core::{
    act, hand,
    pull::take_in,
    receive::Answer,
    schema::Schema,
    stored::{Action, Item, ItemError, Record},
    write,
};
use serde_json::json;

use super::support::{World, fields_of};

const ID: &str = "a1";

/// With a change that an action is to find, and that is kept though the record is deleted.
fn world(mode: &str) -> (World, String) {
    let mut world = World::new();
    world.schema = Schema::new(serde_json::from_value(json!({ "incident": { "conflict": mode } })).unwrap()).unwrap();
    there(&mut world, &[]);
    world.run(|tx| write::update(tx, "incident", ID, &fields_of(&[("state", "2")]))).unwrap();
    let action = Action { name: "tell".to_owned(), input: json!({ "of": ID }), ..Action::default() };
    world.act(action, |_, _| Ok(())).unwrap();
    let kept = record(&mut world).items.remove(0);
    (world, kept)
}

fn there(world: &mut World, fields: &[(&str, &str)]) {
    let mut row = fields_of(&[("sys_id", ID), ("state", "1"), ("impact", "3"), ("sys_mod_count", "1")]);
    row.extend(fields_of(fields));
    world.run(|tx| take_in(tx, "incident", &[row.clone()], 1)).unwrap();
}

fn record(world: &mut World) -> Record {
    world.record("incident", ID).unwrap()
}

fn delete(world: &mut World) -> String {
    world.run(|tx| write::delete(tx, "incident", ID)).unwrap();
    record(world).items.pop().unwrap()
}

/// What is asked of the record, over what the instance had.
fn asked(world: &mut World) -> Vec<String> {
    let items: Vec<Item> = record(world).items.iter().map(|id| world.item(id).unwrap()).collect();
    items.into_iter().flat_map(|item| item.differs).map(|(name, had)| format!("{name} was {had}")).collect()
}

fn back(world: &mut World, deletion: &str) {
    world.run(|tx| hand::discard(tx, deletion)).unwrap();
    assert!(!record(world).deleted);
    assert_eq!(record(world).unasked, fields_of(&[]));
}

#[test]
fn what_others_change_of_it_is_asked_about_once_it_is_back() {
    let (mut world, _) = world("merge");
    let deletion = delete(&mut world);
    there(&mut world, &[("state", "3"), ("impact", "1")]);
    there(&mut world, &[("state", "4"), ("impact", "1")]);
    assert_eq!(asked(&mut world), [""; 0], "what goes before a deletion asks nobody");
    back(&mut world, &deletion);
    assert_eq!(asked(&mut world), ["state was 1"]);
}

#[test]
fn what_was_asked_about_before_it_was_deleted_is_asked_about_again() {
    let (mut world, kept) = world("merge");
    // Whether it has arrived is not known: the deletion follows it.
    let error = ItemError { status: 0, message: "cut".to_owned(), detail: None };
    world.answer(&kept, &Answer::Unknown { error, wait_ms: None });
    there(&mut world, &[("state", "3")]);
    assert_eq!(asked(&mut world), ["state was 1"]);
    let deletion = delete(&mut world);
    assert_eq!(asked(&mut world), [""; 0]);
    back(&mut world, &deletion);
    assert_eq!(asked(&mut world), ["state was 1"]);
}

#[test]
fn what_is_as_it_was_or_as_it_was_changed_here_is_not() {
    for state in ["1", "2"] {
        let (mut world, _) = world("merge");
        let deletion = delete(&mut world);
        there(&mut world, &[("state", "3")]);
        there(&mut world, &[("state", state)]);
        back(&mut world, &deletion);
        assert_eq!(asked(&mut world), [""; 0], "{state}");
    }
}

#[test]
fn what_has_gone_over_it_by_then_is_nobody_elses() {
    let (mut world, kept) = world("merge");
    world.send(&kept);
    world.run(|tx| write::update(tx, "incident", ID, &fields_of(&[("state", "5")]))).unwrap();
    let action = Action { name: "tell".to_owned(), input: json!({ "of": ID }), ..Action::default() };
    world.act(action, |_, _| Ok(())).unwrap();
    let deletion = delete(&mut world);
    there(&mut world, &[("state", "3"), ("sys_mod_count", "2")]);
    let row = fields_of(&[("sys_id", ID), ("state", "2"), ("impact", "3"), ("sys_mod_count", "3")]);
    world.answer(&kept, &Answer::Done(Some(row)));
    back(&mut world, &deletion);
    assert_eq!(asked(&mut world), [""; 0]);
}

#[test]
fn what_the_instance_s_word_overrules_is_given_up_once_it_is_back() {
    let (mut world, _) = world("server");
    let deletion = delete(&mut world);
    there(&mut world, &[("state", "3")]);
    assert_eq!(record(&mut world).not_kept, [""; 0]);
    back(&mut world, &deletion);
    let record = record(&mut world);
    assert_eq!((record.not_kept, &*record.fields["state"]), (vec!["state".to_owned()], "3"));
}

#[test]
fn a_deletion_that_is_an_action_s_asks_nobody_either_until_it_is_undone() {
    for is_asked_before in [false, true] {
        let (mut world, kept) = world("merge");
        let action = Action { name: "tell".to_owned(), input: json!({ "of": ID }), ..Action::default() };
        let naming = world.act(action, |_, _| Ok(())).unwrap();
        assert_eq!(world.item(&naming).unwrap().after, [kept]);
        if is_asked_before {
            there(&mut world, &[("state", "3")]);
        }
        let close = |again: &str| Action {
            name: "close".to_owned(),
            input: json!({ "again": again }),
            consolidate: Some(ID.to_owned()),
            ..Action::default()
        };
        let id = world.act(close("no"), |tx, id| act::delete(tx, id, "incident", ID)).unwrap();
        assert_eq!(asked(&mut world), [""; 0]);
        there(&mut world, &[("state", "4")]);
        // Run again, it deletes nothing.
        assert_eq!(world.act(close("yes"), |_, _| Ok(())).unwrap(), id);
        assert!(!record(&mut world).deleted);
        assert_eq!(asked(&mut world), ["state was 1"]);
        assert_eq!(
            world.item(&naming).unwrap().after,
            [""; 0],
            "what only names the record does not wait for the user"
        );
    }
}

#[test]
fn a_record_that_turns_out_to_be_it_is_back_with_what_is_to_be_asked() {
    let (mut world, _) = world("merge");
    let (_, create) = world.create(&[("state", "1")]);
    let deletion = delete(&mut world);
    there(&mut world, &[("state", "3")]);
    let row = fields_of(&[("sys_id", ID), ("state", "3"), ("impact", "3"), ("sys_mod_count", "1")]);
    world.answer(&create, &Answer::Done(Some(row)));
    back(&mut world, &deletion);
    assert_eq!(asked(&mut world), ["state was 1"]);
}

#[test]
fn nor_does_what_turns_out_to_be_deleted_here() {
    let (mut world, _) = world("merge");
    there(&mut world, &[("state", "3")]);
    let (temporary, create) = world.create(&[("state", "1")]);
    world.send(&create);
    world.run(|tx| write::delete(tx, "incident", &temporary)).unwrap();
    let deletion = world.record("incident", &temporary).unwrap().items.remove(1);
    assert_eq!(asked(&mut world), ["state was 1"]);
    let row = fields_of(&[("sys_id", ID), ("state", "3"), ("impact", "3"), ("sys_mod_count", "1")]);
    world.answer(&create, &Answer::Done(Some(row)));
    assert!(record(&mut world).deleted);
    assert_eq!(asked(&mut world), [""; 0]);
    back(&mut world, &deletion);
    assert_eq!(asked(&mut world), ["state was 1"]);
}
