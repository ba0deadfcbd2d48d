//! The user's order between an action and a change of a record that it names.

use std::collections::BTreeSet;

use landfall::core::{
    act, hand,
    plan::{Plan, Room, add_dependants},
    present::items,
    receive::{Answer, receive},
    stored::{Action, Calling, Item, ItemError, ItemState},
    write,
};
use serde_json::json;

use super::support::{World, fields_of};

fn refused() -> Answer {
    Answer::Refused(ItemError { status: 403, message: "No.".to_owned(), detail: None })
}

/// An action that names these.
fn naming(world: &mut World, ids: &[&str]) -> String {
    let action = Action { name: "split".to_owned(), input: json!(ids), ..Action::default() };
    world.act(action, |_, _| Ok(())).unwrap()
}

/// Gives the item that the change became part of.
fn change(world: &mut World, id: &str, name: &str, value: &str) -> String {
    world.run(|tx| write::update(tx, "incident", id, &fields_of(&[(name, value)]))).unwrap().0.items.pop().unwrap()
}

fn after(world: &mut World, item: &str) -> Vec<String> {
    world.item(item).unwrap().after
}

#[test]
fn a_change_of_a_record_goes_after_the_actions_that_name_it() {
    let mut world = World::new();
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id)]);
    }
    let action = naming(&mut world, &["a1"]);
    let changed = change(&mut world, "a1", "state", "2");
    assert_eq!(change(&mut world, "a1", "impact", "2"), changed, "both came after it");
    let entry = change(&mut world, "a1", "work_notes", "closed");
    let other = change(&mut world, "a2", "state", "2");
    world.run(|tx| write::delete(tx, "incident", "a2")).unwrap();
    let deletion = world.record("incident", "a2").unwrap().items.pop().unwrap();
    assert!(world.item(&other).is_none() && after(&mut world, &deletion).is_empty());
    let both = [&changed, &entry].map(|id| after(&mut world, id));
    assert_eq!(both, [[action.clone()], [action.clone()]]);

    let second = naming(&mut world, &["a1"]);
    assert_eq!(after(&mut world, &second), [changed.clone(), entry.clone()]);
    world.answer(&action, &Answer::Acted(Default::default()));
    assert!(after(&mut world, &changed).is_empty());
    world.answer(&changed, &Answer::Done(None));
    assert_eq!(after(&mut world, &second), std::slice::from_ref(&entry));
    world.run(|tx| hand::discard(tx, &entry)).unwrap();
    assert!(!world.item(&second).unwrap().is_held());
}

#[test]
fn so_it_does_where_the_action_waits_for_a_record() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (open, create) = world.create(&[]);
    let action = naming(&mut world, &["a1", &open]);
    let changed = change(&mut world, "a1", "parent", &open);
    assert_eq!(after(&mut world, &changed), std::slice::from_ref(&action));
    // Not in the request that makes the record, though the instance would put its id in.
    let create = world.item(&create).unwrap();
    let mut plan = Plan { send: vec![create.clone()], ..Plan::default() };
    let held = vec![world.item(&changed).unwrap()];
    let room = Room { items: 10, group: 10, bytes: usize::MAX };
    add_dependants(&world.schema, &mut plan, held, None, &BTreeSet::new(), room, world.now);
    assert_eq!(plan.send.len(), 1);

    world.answer(&create.id, &Answer::Done(Some(fields_of(&[("sys_id", "b1")]))));
    let waits = [&action, &changed].map(|id| world.item(id).unwrap().is_held());
    assert_eq!(waits, [false, true]);
}

#[test]
fn an_action_goes_after_a_change_that_waits_for_a_record() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (open, create) = world.create(&[]);
    let changed = change(&mut world, "a1", "parent", &open);
    let action = naming(&mut world, &["a1"]);
    assert_eq!(after(&mut world, &action), [changed]);
    world.answer(&create, &refused());
    assert!(after(&mut world, &action).is_empty(), "it has nothing to do with that record");
    // Nor has what is done from now on.
    let action = naming(&mut world, &["a1"]);
    assert!(after(&mut world, &action).is_empty());
}

#[test]
fn what_waits_for_the_user_holds_up_nobody() {
    for how in ["it is refused", "its record is refused", "its record is deleted", "it is to be paired"] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1")]);
        let (open, create) = world.create(&[]);
        let made = world.temporary();
        let named: Vec<&str> = if how.starts_with("its") { vec!["a1", &open] } else { vec!["a1"] };
        let action = Action { name: "split".to_owned(), input: json!(named), ..Action::default() };
        let action =
            world.act(action, |tx, id| act::create(tx, id, "incident", &made, &fields_of(&[])).map(drop)).unwrap();
        // What was made by it, and what it is named in, cannot go either.
        let second = naming(&mut world, &["a1", &made]);
        let changed = change(&mut world, "a1", "state", "2");
        assert_eq!(after(&mut world, &changed), [action.clone(), second.clone()], "{how}");
        match how {
            "it is refused" => drop(world.answer(&action, &refused())),
            "its record is refused" => drop(world.answer(&create, &refused())),
            "its record is deleted" => drop(world.run(|tx| write::delete(tx, "incident", &open)).unwrap()),
            _ => drop(world.answer(&action, &Answer::Acted(Default::default()))),
        }
        assert!(!world.item(&changed).unwrap().is_held(), "{how}");
        assert!(world.item(&second).unwrap().is_held(), "{how}");
        // So with what is done later.
        let third = naming(&mut world, &["a1"]);
        assert_eq!(after(&mut world, &third), [changed], "{how}");
        let last = change(&mut world, "a1", "state", "3");
        assert_eq!(after(&mut world, &last), [third], "{how}");
    }
}

#[test]
fn it_is_said_what_goes_first() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("short_description", "the pump")]);
    let first = [change(&mut world, "a1", "state", "2"), change(&mut world, "a1", "work_notes", "on my way")];
    let action = naming(&mut world, &["a1"]);
    let changed = change(&mut world, "a1", "state", "3");
    for (item, before, words) in [
        (&action, first.to_vec(), "an earlier change of the incident “the pump”"),
        (&changed, vec![action.clone(), first[1].clone()], "“split”, which goes first"),
    ] {
        let row = world.item(item).unwrap();
        let view = world.run(|tx| items(tx, std::slice::from_ref(&row), None, &BTreeSet::new())).unwrap().0.remove(0);
        assert_eq!((view.state, view.explain), ("waiting", format!("It waits for {words}.")));
        assert_eq!(view.depends_on, before);
    }
}

#[test]
fn of_two_records_that_turn_out_to_be_one_nothing_goes_before_what_it_waits_for() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (open, create) = world.create(&[]);
    let lease = world.send(&create);
    let here = change(&mut world, &open, "state", "2");
    let first = naming(&mut world, &["a1", &open]);
    let there = change(&mut world, "a1", "impact", "2");
    // By the clock this one is the last of all.
    world.now += 1_000;
    let set = Action { name: "set".to_owned(), ..Action::default() };
    let last = world
        .act(set, |tx, id| act::update(tx, id, "incident", &open, &fields_of(&[("state", "3")])).map(drop))
        .unwrap();
    assert_eq!([&there, &last].map(|id| after(&mut world, id)), [[first.clone()], [first.clone()]]);
    let row = fields_of(&[("sys_id", "a1")]);
    world.run(|tx| receive(tx, lease, &[(create.clone(), Answer::Done(Some(row.clone())))])).unwrap();
    for item in [&here, &first] {
        let row = world.item(item).unwrap();
        assert!(!row.is_held(), "{row:?}");
        let answer = if row.action.is_some() { Answer::Acted(Default::default()) } else { Answer::Done(None) };
        world.answer(item, &answer);
    }
    assert_eq!(world.record("incident", "a1").unwrap().items, [there.clone(), last]);
    assert!(!world.item(&there).unwrap().is_held());
}

#[test]
fn what_was_edited_in_a_create_that_had_left_goes_before_an_action_that_names_its_record() {
    let mut world = World::new();
    let (open, create) = world.create(&[("state", "1")]);
    world.answer(&create, &Answer::NotRun { error: None, wait_ms: None });
    assert_eq!(change(&mut world, &open, "state", "2"), create);
    let action = naming(&mut world, &[&open]);
    let lease = world.send(&create);
    let row = fields_of(&[("sys_id", "b1"), ("correlation_id", &open), ("state", "1")]);
    world.run(|tx| receive(tx, lease, &[(create.clone(), Answer::Found(vec![row.clone()]))])).unwrap();
    let follows = world.record("incident", "b1").unwrap().items;
    assert_eq!((follows.len(), after(&mut world, &action)), (1, follows));
}

#[test]
fn what_waits_for_the_same_of_the_user_keeps_its_order() {
    let mut world = World::new();
    let (open, create) = world.create(&[]);
    let entry = change(&mut world, &open, "work_notes", "on my way");
    let action = naming(&mut world, &[&open]);
    let later = change(&mut world, &open, "state", "2");
    world.answer(&create, &refused());
    // So does what is done meanwhile.
    let second = naming(&mut world, &[&open]);
    let orders = |world: &mut World| [&action, &later, &second].map(|id| after(world, id));
    let kept = [vec![entry.clone()], vec![action.clone()], vec![entry.clone(), later.clone()]];
    assert_eq!(orders(&mut world), kept);
    world.run(|tx| hand::retry(tx, &create, None)).unwrap();
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "b1")]))));
    assert_eq!(orders(&mut world), kept);
    let held = [&entry, &action, &later, &second].map(|id| world.item(id).unwrap().is_held());
    assert_eq!(held, [false, true, true, true]);
}

#[test]
fn what_comes_to_wait_for_the_user_later_holds_up_nobody_either() {
    for edited in [false, true] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1")]);
        let (parent, _) = world.create(&[]);
        let changed = change(&mut world, "a1", "parent", &parent);
        let action = naming(&mut world, &["a1"]);
        let (other, create) = world.create(&[]);
        world.answer(&create, &refused());
        assert_eq!(after(&mut world, &action), std::slice::from_ref(&changed));
        let parent = fields_of(&[("parent", &other)]);
        if edited {
            world.run(|tx| hand::edit(tx, &changed, &parent)).unwrap();
        } else {
            change(&mut world, "a1", "parent", &other);
        }
        assert_eq!(world.item(&changed).unwrap().mentions, [other]);
        assert!(!world.item(&action).unwrap().is_held());
    }
}

#[test]
fn what_has_landed_waits_no_longer_for_the_action_that_has_made_it() {
    let mut world = World::new();
    let made = world.temporary();
    let split = Action { name: "split".to_owned(), by_app: true, ..Action::default() };
    let action = world.act(split, |tx, id| act::create(tx, id, "incident", &made, &fields_of(&[])).map(drop)).unwrap();
    let second = naming(&mut world, &[&made]);
    world.pulled("incident", &[("sys_id", "a1")]);
    let third = naming(&mut world, &["a1", &made]);
    let changed = change(&mut world, "a1", "parent", &made);
    assert_eq!(after(&mut world, &changed), std::slice::from_ref(&third));
    world.answer(&action, &refused());
    assert_eq!(after(&mut world, &changed), std::slice::from_ref(&third), "all of these wait for the action");
    // A pull is faster than the user. The third goes now, and the change after it.
    world.pulled("incident", &[("sys_id", "b1"), ("correlation_id", &made)]);
    let held = [&second, &third, &changed].map(|id| world.item(id).unwrap().is_held());
    assert_eq!(held, [false, false, true]);
}

#[test]
fn a_change_that_an_action_is_to_find_goes_though_the_record_is_deleted() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let changed = change(&mut world, "a1", "state", "2");
    let action = naming(&mut world, &["a1"]);
    world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    world.answer(&changed, &Answer::NotRun { error: None, wait_ms: None });
    assert_eq!(after(&mut world, &action), [changed]);
}

#[test]
fn what_is_edited_into_an_item_of_its_own_goes_after_the_actions_before() {
    let mut world = World::new();
    let (open, create) = world.create(&[("work_notes", "")]);
    world.answer(&create, &Answer::NotRun { error: None, wait_ms: None });
    let action = naming(&mut world, &[&open]);
    world.run(|tx| hand::edit(tx, &create, &fields_of(&[("work_notes", "called")]))).unwrap();
    let entry = world.record("incident", &open).unwrap().items.pop().unwrap();
    assert_ne!(entry, create);
    assert_eq!(after(&mut world, &entry), [action]);
}

#[test]
fn it_is_said_where_only_the_user_can_tell_what_became_of_what_goes_first() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let split = Action { name: "split".to_owned(), input: json!("a1"), by_app: true, ..Action::default() };
    let action = world.act(split, |_, _| Ok(())).unwrap();
    let changed = change(&mut world, "a1", "state", "2");
    world.send(&action);
    world.now += 120_000;
    world
        .run(|tx| {
            let mut item = tx.item(&action)?.unwrap();
            item.action.as_mut().unwrap().calling = vec![Calling::default()];
            tx.put(&item)
        })
        .unwrap();
    let row = world.item(&changed).unwrap();
    let view = world.run(|tx| items(tx, std::slice::from_ref(&row), None, &BTreeSet::new())).unwrap().0.remove(0);
    assert_eq!(view.explain, "It waits for “split”, of which only you can tell whether it was carried out.");
}

/// The pull is the receipt of a create that was edited after it had left; what was edited then waits for a record of the
/// action, which waits for what the other record still has to send.
#[test]
fn nor_does_what_was_edited_in_the_create_of_one_of_them() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let there = change(&mut world, "a1", "state", "2");
    let made = world.temporary();
    let action = Action { name: "split".to_owned(), input: json!("a1"), ..Action::default() };
    let action = world.act(action, |tx, id| act::create(tx, id, "incident", &made, &fields_of(&[])).map(drop)).unwrap();
    assert_eq!(after(&mut world, &action), std::slice::from_ref(&there));
    let (open, create) = world.create(&[("state", "1")]);
    world.answer(&create, &Answer::NotRun { error: None, wait_ms: None });
    assert_eq!(change(&mut world, &open, "parent", &made), create);
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1"), ("correlation_id", &open)]);
    let items = world.record("incident", "a1").unwrap().items;
    assert_eq!((items.len(), &items[0]), (2, &there));
    assert!(!world.item(&there).unwrap().is_held());
}

#[test]
fn a_doubt_about_another_record_holds_up_no_change_that_merely_comes_after() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (open, create) = world.create(&[]);
    let action = naming(&mut world, &["a1", &open]);
    let changed = change(&mut world, "a1", "state", "2");
    assert_eq!(after(&mut world, &changed), std::slice::from_ref(&action));
    let doubt = |tx: &mut landfall::core::Tx<'_>| {
        let item = tx.item(&create)?.unwrap();
        tx.put(&Item { state: ItemState::Unknown, in_vain: true, keyless: true, ..item })
    };
    world.run(doubt).unwrap();
    let (_, other) = world.create(&[]);
    world.answer(&other, &refused());
    assert!(!world.item(&changed).unwrap().is_held());
    assert!(world.item(&action).unwrap().is_held());
}

#[test]
fn edits_become_one_change_while_an_action_that_names_the_record_waits_for_the_user() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let action = naming(&mut world, &["a1"]);
    world.answer(&action, &refused());
    let changed = change(&mut world, "a1", "state", "2");
    assert_eq!(change(&mut world, "a1", "state", "3"), changed);
}

#[test]
fn what_loses_a_reference_with_a_discarded_record_waits_for_nothing_that_went_with_it() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (open, create) = world.create(&[]);
    let action = naming(&mut world, &["a1", &open]);
    let both = fields_of(&[("parent", &open), ("state", "2")]);
    let changed = world.run(|tx| write::update(tx, "incident", "a1", &both)).unwrap().0.items.remove(0);
    assert_eq!(after(&mut world, &changed), std::slice::from_ref(&action));
    world.run(|tx| hand::discard(tx, &create)).unwrap();
    assert!(world.item(&action).is_none());
    let left = world.item(&changed).unwrap();
    assert_eq!((left.fields, left.after), (fields_of(&[("state", "2")]), vec![]));
}

#[test]
fn what_of_an_edited_item_can_only_follow_it_goes_after_the_actions_before() {
    let mut world = World::new();
    let (open, create) = world.create(&[]);
    let action = naming(&mut world, &[&open]);
    // It points to itself.
    world.run(|tx| hand::edit(tx, &create, &fields_of(&[("parent", &open)]))).unwrap();
    let later = world.record("incident", &open).unwrap().items.pop().unwrap();
    assert_ne!(later, create);
    assert_eq!(after(&mut world, &later), [action]);
}

#[test]
fn an_action_is_not_held_up_by_what_waited_for_the_user_before_it() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let first = naming(&mut world, &["a1"]);
    world.answer(&first, &refused());
    let set = Action { name: "set".to_owned(), ..Action::default() };
    let second = world
        .act(set, |tx, id| act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop))
        .unwrap();
    assert!(!world.item(&second).unwrap().is_held());
}

#[test]
fn what_is_mended_keeps_no_order_with_what_still_waits_for_the_same() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (parent, _) = world.create(&[]);
    let [(one, _), (other, _)] = [(), ()].map(|()| world.create(&[("parent", &parent)]));
    let first = naming(&mut world, &["a1", &one]);
    let set = Action { name: "set".to_owned(), input: json!(&other), ..Action::default() };
    let second = world
        .act(set, |tx, id| act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop))
        .unwrap();
    assert_eq!(after(&mut world, &second), std::slice::from_ref(&first));
    world.run(|tx| write::delete(tx, "incident", &parent)).unwrap();
    assert_eq!(after(&mut world, &second), [first], "both wait for what will never be");
    change(&mut world, &other, "parent", "");
    assert!(after(&mut world, &second).is_empty());
}
