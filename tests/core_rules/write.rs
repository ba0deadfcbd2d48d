//! The app's writes: a record and its items change together.

use landfall::core::{
    CoreError, Event, act,
    claim::claim,
    hand::discard,
    lease::take_lease,
    pull::take_in,
    receive::{Answer, receive},
    retry::EXCHANGE_MS,
    schema::Schema,
    stored::{Action, Alias, Item, ItemError, ItemKind, ItemState, Record},
    write::{self, create, delete, find, update},
};
use serde_json::json;

use super::support::{PLAIN, World, fields_of};

fn pulled(fields: &[(&str, &str)]) -> World {
    let mut world = World::new();
    let row = fields_of(&[&[("sys_id", "a1")], fields].concat());
    world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&row), 1)).unwrap();
    world
}

fn items(world: &mut World, record: &Record) -> Vec<Item> {
    record.items.iter().map(|id| world.item(id).unwrap()).collect()
}

fn changes(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Change { .. })).count()
}

fn refused(world: &mut World, id: &str) {
    let (lease, _) = world.run(take_lease).unwrap();
    let error = ItemError { status: 403, message: "No".to_owned(), detail: None };
    world.run(|tx| claim(tx, lease, &[], &[id.to_owned()], PLAIN)).unwrap();
    world.run(|tx| receive(tx, lease, &[(id.to_owned(), Answer::Refused(error.clone()))])).unwrap();
}

#[test]
fn a_new_record_has_its_item_its_alias_and_the_time() {
    let mut world = World::new();
    let temporary = landfall::core::ids::temporary(world.uuid());
    let fields = fields_of(&[("category", "belt")]);
    let (record, events) = world.run(|tx| create(tx, "incident", &temporary, &fields)).unwrap();
    assert_eq!((record.changed_at, record.base.is_none(), changes(&events)), (Some(world.now), true, 1));
    let [item] = &items(&mut world, &record)[..] else { panic!("one item") };
    assert_eq!((item.kind, item.idempotency_key.as_str(), item.behind), (ItemKind::Create, temporary.as_str(), false));
    assert_eq!((item.queued_at, &item.fields), (world.now, &fields));
    let alias = world.run(|tx| tx.alias(&temporary)).unwrap().0.unwrap();
    assert!(alias.is_open());
    // Once more, after a commit whose outcome nobody knew.
    let (again, events) = world.run(|tx| create(tx, "incident", &temporary, &fields_of(&[("category", "x")]))).unwrap();
    assert_eq!((again, changes(&events)), (record, 0));
}

#[test]
fn what_is_no_change_is_not_sent_and_an_entry_always_is() {
    let mut world = pulled(&[("category", "belt")]);
    for same in [vec![("category", "belt")], vec![("impact", "")], vec![("work_notes", "")]] {
        let (record, events) = world.run(|tx| update(tx, "incident", "a1", &fields_of(&same))).unwrap();
        assert_eq!((record.items.len(), record.changed_at, changes(&events)), (0, None, 0), "{same:?}");
    }
    for count in [1, 2] {
        let note = fields_of(&[("work_notes", "called")]);
        let (record, events) = world.run(|tx| update(tx, "incident", "a1", &note)).unwrap();
        assert_eq!((record.items.len(), record.changed_at, changes(&events)), (count, Some(world.now), 1));
    }
}

#[test]
fn what_the_instance_had_is_kept_under_what_is_written_over_it() {
    let mut world = pulled(&[("category", "belt")]);
    for category in ["motor", "pump"] {
        let (record, _) = world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("category", category)]))).unwrap();
        assert_eq!(record.fields["category"], category);
        assert_eq!(record.base.unwrap()["category"], "belt");
        assert_eq!(record.items.len(), 1, "the second edit becomes part of the first");
    }
    world.run(|tx| delete(tx, "incident", "a1")).unwrap();
    let record = find_any(&mut world, "a1");
    assert_eq!((record.deleted, record.changed_at, record.items.len()), (true, Some(world.now), 1));
    assert_eq!(record.base.as_ref().unwrap()["category"], "belt");
    assert_eq!(items(&mut world, &record)[0].kind, ItemKind::Delete);
    world.run(|tx| delete(tx, "incident", "a1")).unwrap();
    assert_eq!(find_any(&mut world, "a1"), record, "deleting twice is no error, and nothing more");
    let late = world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("category", "x")])));
    assert_eq!(late.unwrap_err(), CoreError::Deleted { table: "incident".to_owned(), sys_id: "a1".to_owned() });

    let mut world = pulled(&[("category", "belt")]);
    world.run(|tx| delete(tx, "incident", "a1")).unwrap();
    assert_eq!(find_any(&mut world, "a1").base.unwrap()["category"], "belt", "should the deletion be discarded");
}

fn find_any(world: &mut World, id: &str) -> Record {
    world.run(|tx| find(tx, "incident", id)).unwrap().0
}

#[test]
fn a_deletion_drops_what_has_not_left_and_follows_what_has() {
    let mut world = pulled(&[]);
    let change = fields_of(&[("category", "belt"), ("work_notes", "called")]);
    let ids = world.run(|tx| update(tx, "incident", "a1", &change)).unwrap().0.items;
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], &ids[..1], PLAIN)).unwrap();
    world.run(|tx| delete(tx, "incident", "a1")).unwrap();
    let record = find_any(&mut world, "a1");
    assert_eq!((record.items.len(), record.items[0] == ids[0], world.item(&ids[1])), (2, true, None));
    assert!(items(&mut world, &record)[1].behind);

    // Never sent, it is as if it had never been, but for the note that it was.
    let mut world = World::new();
    let (temporary, id) = world.create(&[]);
    let (_, events) = world.run(|tx| delete(tx, "incident", &temporary)).unwrap();
    assert_eq!((world.item(&id), changes(&events)), (None, 1));
    let alias = world.run(|tx| tx.alias(&temporary)).unwrap().0.unwrap();
    assert_eq!((alias.dropped, alias.is_open()), (true, false));
    assert!(world.run(|tx| tx.record("incident", &temporary)).unwrap().0.is_none());

    // What may be made unseen keeps its deletion.
    let (temporary, id) = world.create(&[]);
    let may_be = Item { may_be_made: true, ..world.item(&id).unwrap() };
    world.run(|tx| tx.put(&may_be)).unwrap();
    world.run(|tx| delete(tx, "incident", &temporary)).unwrap();
    let record = find_any(&mut world, &temporary);
    assert_eq!((record.deleted, record.items.len(), record.base), (true, 2, None));
}

#[test]
fn an_edit_becomes_part_of_what_has_not_left() {
    let edit = |world: &mut World, id: &str, fields: &[(&str, &str)]| {
        let record = world.run(|tx| update(tx, "incident", id, &fields_of(fields))).unwrap().0;
        items(world, &record)
    };
    // An unsent create.
    let mut world = World::new();
    let (temporary, _) = world.create(&[]);
    let of_record = edit(&mut world, &temporary, &[("category", "belt")]);
    assert_eq!((of_record.len(), of_record[0].fields["category"].as_str()), (1, "belt"));
    // One that is refused is sent anew.
    let id = of_record[0].id.clone();
    refused(&mut world, &id);
    let of_record = edit(&mut world, &temporary, &[("category", "motor")]);
    assert_eq!((of_record.len(), of_record[0].state, &of_record[0].error), (1, ItemState::Queued, &None));
    assert_eq!((of_record[0].idempotency_key.as_str(), of_record[0].amended.len()), (temporary.as_str(), 1));
    // One that is on its way is left alone.
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), PLAIN)).unwrap();
    let of_record = edit(&mut world, &temporary, &[("category", "pump")]);
    assert_eq!((of_record.len(), of_record[0].fields["category"].as_str()), (2, "motor"));
    // Nor does anything become part of an entry.
    edit(&mut world, &temporary, &[("work_notes", "called")]);
    let of_record = edit(&mut world, &temporary, &[("category", "valve")]);
    assert_eq!(of_record.len(), 4);

    // A refused one takes the edit though others follow it, and takes it from these.
    let mut world = pulled(&[]);
    let first = edit(&mut world, "a1", &[("category", "belt")])[0].clone();
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&first.id), PLAIN)).unwrap();
    edit(&mut world, "a1", &[("category", "motor"), ("state", "2")]);
    refused_now(&mut world, lease, &first.id);
    let of_record = edit(&mut world, "a1", &[("category", "pump")]);
    assert_eq!(of_record.len(), 2);
    assert_eq!(of_record.iter().map(|item| item.fields["category"].as_str()).collect::<Vec<_>>(), ["pump", "pump"]);
    assert_eq!(of_record[1].fields["state"], "2");
    assert_ne!(of_record[0].idempotency_key, first.idempotency_key, "another request");
    assert_eq!((of_record[0].sent_at, of_record[0].keyless), (None, false));
}

fn refused_now(world: &mut World, lease: u64, id: &str) {
    let error = ItemError { status: 403, message: "No".to_owned(), detail: None };
    world.run(|tx| receive(tx, lease, &[(id.to_owned(), Answer::Refused(error.clone()))])).unwrap();
}

#[test]
fn what_waits_for_a_record_that_will_never_be_takes_the_edit_that_frees_it() {
    let mut world = World::new();
    let (parent, _) = world.create(&[]);
    let (child, first) = world.create(&[("parent", &parent)]);
    world.run(|tx| update(tx, "incident", &child, &fields_of(&[("work_notes", "called")]))).unwrap();
    world.run(|tx| delete(tx, "incident", &parent)).unwrap();
    let record = world.run(|tx| update(tx, "incident", &child, &fields_of(&[("parent", "")]))).unwrap().0;
    let freed = world.item(&first).unwrap();
    assert_eq!((record.items.len(), freed.fields["parent"].as_str(), freed.mentions.len()), (2, "", 0));
}

#[test]
fn what_may_go_does_not_come_to_wait_for_a_record_by_a_later_edit() {
    let with = |world: &mut World, fields: &[(&str, &str)]| {
        let record = world.run(|tx| update(tx, "incident", "a1", &fields_of(fields))).unwrap().0;
        items(world, &record).into_iter().map(|item| item.fields).collect::<Vec<_>>()
    };
    let mut world = pulled(&[]);
    let (one, create) = world.create(&[]);
    let (other, _) = world.create(&[]);
    let state = [("state", "6")];
    with(&mut world, &state);
    let parent = [("parent", one.as_str())];
    assert_eq!(with(&mut world, &parent), [fields_of(&state), fields_of(&parent)]);
    // Nor one that waits already for another; but one that waits for the same may take more.
    let about = [("description", other.as_str())];
    assert_eq!(with(&mut world, &about), [fields_of(&state), fields_of(&parent), fields_of(&about)]);
    let both = [("description", other.as_str()), ("comments", other.as_str())];
    assert_eq!(with(&mut world, &both[1..]), [fields_of(&state), fields_of(&parent), fields_of(&both)]);
    // What is replaced is not waited for.
    let back = [("description", ""), ("comments", other.as_str())];
    assert_eq!(with(&mut world, &back[..1]), [fields_of(&state), fields_of(&parent), fields_of(&back)]);
    // The one that waits in vain takes the edit that frees it, wherever it stands.
    world.run(|tx| delete(tx, "incident", &one)).unwrap();
    world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("work_notes", "called")]))).unwrap();
    let left = with(&mut world, &[("parent", &other)]);
    assert_eq!((left.len(), &left[1]), (5, &fields_of(&[("parent", &other)])));
    assert_eq!(world.item(&create), None);
}

#[test]
fn the_time_the_user_acted_is_no_reason_to_wait() {
    let incident = json!({ "extends": "task", "actedAtField": "u_acted_at", "references": { "parent": "incident" } });
    let tables = json!({ "task": {}, "incident": incident });
    let mut world = pulled(&[]);
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    let (one, _) = world.create(&[]);
    world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("state", "6")]))).unwrap();
    let record = world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("parent", &one)]))).unwrap().0;
    let mentions: Vec<usize> = items(&mut world, &record).iter().map(|item| item.mentions.len()).collect();
    assert_eq!(mentions, [0, 1]);
}

#[test]
fn a_create_waits_only_for_older_ones() {
    let mut world = World::new();
    let (older, _) = world.create(&[]);
    let (one, create) = world.create(&[]);
    let (newer, _) = world.create(&[]);
    for (to, with) in [(&older, true), (&one, false), (&newer, false)] {
        let record = world.run(|tx| update(tx, "incident", &one, &fields_of(&[("parent", to)]))).unwrap().0;
        let item = world.item(&create).unwrap();
        assert_eq!(item.fields.get("parent") == Some(to), with, "{to}");
        assert_eq!(record.items.len(), if with { 1 } else { 2 });
        assert!(record.mentions.contains(to));
    }
}

#[test]
fn the_time_the_user_acted_goes_along_where_the_table_has_a_field_for_it() {
    let tables = json!({ "incident": { "actedAtField": "u_acted_at", "journals": ["work_notes"] } });
    let mut world = World::new();
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    let at = "1970-01-01 00:16:40";
    let (temporary, id) = world.create(&[]);
    assert_eq!(world.item(&id).unwrap().fields, fields_of(&[("u_acted_at", at)]));
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), PLAIN)).unwrap();
    world.now += 1_000;
    let later = "1970-01-01 00:16:41";
    let change = fields_of(&[("category", "belt"), ("work_notes", "called")]);
    let record = world.run(|tx| update(tx, "incident", &temporary, &change)).unwrap().0;
    let [_, plain, entry] = &items(&mut world, &record)[..] else { panic!("three items") };
    assert_eq!(plain.fields, fields_of(&[("category", "belt"), ("u_acted_at", later)]));
    assert_eq!(entry.fields, fields_of(&[("work_notes", "called"), ("u_acted_at", later)]));
    assert_eq!(record.fields["u_acted_at"], later);
    // What the app says itself stands.
    let own = fields_of(&[("u_acted_at", "2026-01-01 00:00:00")]);
    let record = world.run(|tx| update(tx, "incident", &temporary, &own)).unwrap().0;
    assert_eq!(record.fields["u_acted_at"], "2026-01-01 00:00:00");
}

#[test]
fn a_record_is_found_by_its_table_its_parents_and_no_other() {
    let mut world = pulled(&[]);
    assert_eq!(find_any(&mut world, "a1").sys_id, "a1");
    assert_eq!(world.run(|tx| find(tx, "task", "a1")).unwrap().0.sys_id, "a1");
    let wrong = |expected: &str| CoreError::WrongTable {
        sys_id: "a1".to_owned(),
        expected: expected.to_owned(),
        found: "incident".to_owned(),
    };
    assert_eq!(world.run(|tx| find(tx, "problem", "a1")).unwrap_err(), wrong("problem"));
    world.run(|tx| take_in(tx, "task", &[fields_of(&[("sys_id", "t1")])], 1)).unwrap();
    assert!(matches!(world.run(|tx| find(tx, "incident", "t1")), Err(CoreError::WrongTable { .. })));
    let none = CoreError::NotFound { table: "incident".to_owned(), sys_id: "x".to_owned() };
    assert_eq!(world.run(|tx| find(tx, "incident", "x")).unwrap_err(), none);
    let (temporary, _) = world.create(&[]);
    let alias = Alias { temporary: temporary.clone(), sys_id: Some("a1".to_owned()), ..Alias::default() };
    world.run(|tx| tx.put(&alias)).unwrap();
    assert_eq!(world.run(|tx| write::resolve(tx, &temporary)).unwrap().0, "a1");
    assert_eq!(world.run(|tx| write::resolve(tx, "b2")).unwrap().0, "b2");
}

#[test]
fn what_points_to_a_younger_record_from_then_on_lets_go_of_the_older_one() {
    let mut world = World::new();
    let (older, first) = world.create(&[]);
    let (child, create) = world.create(&[("parent", &older)]);
    let (younger, _) = world.create(&[]);
    refused(&mut world, &first);
    world.run(|tx| update(tx, "incident", &child, &fields_of(&[("parent", &younger)]))).unwrap();
    world.run(|tx| discard(tx, &first)).unwrap();
    assert_eq!(world.item(&create).unwrap().mentions.len(), 0);
    assert_eq!(find_any(&mut world, &child).fields["parent"], younger);

    // Told to change it too, the user has.
    let (older, _) = world.create(&[]);
    let (child, create) = world.create(&[("parent", &older)]);
    let (younger, _) = world.create(&[]);
    world.run(|tx| delete(tx, "incident", &older)).unwrap();
    world.run(|tx| update(tx, "incident", &child, &fields_of(&[("parent", &younger)]))).unwrap();
    assert_eq!(world.item(&create).unwrap().mentions.len(), 0);

    // Refused for the value that it had.
    let (child, create) = world.create(&[("parent", "bad")]);
    let (younger, _) = world.create(&[]);
    refused(&mut world, &create);
    world.run(|tx| update(tx, "incident", &child, &fields_of(&[("parent", &younger)]))).unwrap();
    let again = world.item(&create).unwrap();
    assert_eq!((again.state, again.fields["parent"].as_str()), (ItemState::Queued, ""));
}

#[test]
fn what_went_before_an_entry_lets_go_of_the_record_that_a_later_edit_points_away_from() {
    let mut world = World::new();
    let (older, first) = world.create(&[]);
    let (child, create) = world.create(&[("parent", &older), ("category", "belt")]);
    let edit = |world: &mut World, name, value| {
        world.run(|tx| update(tx, "incident", &child, &fields_of(&[(name, value)]))).unwrap();
    };
    edit(&mut world, "work_notes", "x");
    edit(&mut world, "parent", "");
    assert_eq!(world.item(&create).unwrap().mentions.len(), 0);
    world.run(|tx| discard(tx, &first)).unwrap();
    assert_eq!(world.item(&create).unwrap().fields["category"], "belt");
    assert_eq!(find_any(&mut world, &child).items.len(), 3);
}

#[test]
fn a_deletion_does_not_wait_for_a_change_that_would_wait_for_the_user() {
    let error = |status| ItemError { status, message: String::new(), detail: None };
    for (field, answer) in [
        ("category", Answer::Refused(error(403))),
        ("category", Answer::Missing(error(404))),
        ("category", Answer::NotRun { error: None, wait_ms: Some(1_000) }),
        ("work_notes", Answer::Untold),
    ] {
        for deleted_first in [true, false] {
            let mut world = pulled(&[("category", "belt")]);
            let id =
                world.run(|tx| update(tx, "incident", "a1", &fields_of(&[(field, "x")]))).unwrap().0.items[0].clone();
            let (lease, _) = world.run(take_lease).unwrap();
            world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), PLAIN)).unwrap();
            world.now += EXCHANGE_MS;
            if answer == Answer::Untold {
                world.run(|tx| claim(tx, lease, std::slice::from_ref(&id), &[], PLAIN)).unwrap();
            }
            let deletes = |world: &mut World| world.run(|tx| delete(tx, "incident", "a1")).map(drop).unwrap();
            if deleted_first {
                deletes(&mut world);
            }
            world.run(|tx| receive(tx, lease, &[(id.clone(), answer.clone())])).unwrap();
            if !deleted_first {
                deletes(&mut world);
            }
            let record = find_any(&mut world, "a1");
            let [deletion] = &items(&mut world, &record)[..] else { panic!("{answer:?} {deleted_first}") };
            assert_eq!(
                (deletion.kind, deletion.behind, world.item(&id)),
                (ItemKind::Delete, false, None),
                "{answer:?}"
            );
            assert_eq!(record.base.unwrap()["category"], "belt", "should the deletion be discarded");
        }
    }
}

#[test]
fn a_change_that_may_have_arrived_is_kept_before_the_deletion() {
    let mut world = World::new();
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    let (record, _) = world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("state", "2")]))).unwrap();
    let change = record.items[0].clone();
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&change), PLAIN)).unwrap();
    world.run(|tx| delete(tx, "incident", "a1")).unwrap();
    let error = ItemError { status: 0, message: "lost".to_owned(), detail: None };
    let lost = Answer::Unknown { error, wait_ms: None };
    world.run(|tx| receive(tx, lease, &[(change.clone(), lost.clone())])).unwrap();
    assert_eq!(world.item(&change).unwrap().state, ItemState::Unknown);
}

/// The change waits for a record that is no more, and the action behind it makes the one it is to point to instead.
#[test]
fn a_change_is_not_pointed_to_what_an_action_behind_it_makes() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (dead, _) = world.create(&[]);
    let made = world.temporary();
    world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("parent", &dead)]))).unwrap();
    let action = Action { name: "split".to_owned(), ..Action::default() };
    world
        .act(action, |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop)
        })
        .unwrap();
    world.run(|tx| delete(tx, "incident", &dead)).unwrap();
    world.run(|tx| update(tx, "incident", "a1", &fields_of(&[("parent", &made)]))).unwrap();
    let items = world.record("incident", "a1").unwrap().items;
    let mentions: Vec<Vec<String>> = items.iter().map(|id| world.item(id).unwrap().mentions).collect();
    assert_eq!(mentions, [vec![], vec![], vec![made]], "the last of three waits, and nothing before it");
}

/// What follows the mended item, and goes before an action, cannot take a value that points to a later record; nor may it bring
/// back what was before.
#[test]
fn an_edit_that_mends_one_item_is_not_undone_by_the_next_that_cannot_take_it() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("parent", "a0")]);
    let edit = |world: &mut World, name: &str, value: &str| {
        world.run(|tx| update(tx, "incident", "a1", &fields_of(&[(name, value)]))).unwrap();
    };
    edit(&mut world, "state", "9");
    // The clock was set back since: it seems to be the youngest of all, and what it points to older.
    let first = "f".repeat(32);
    world
        .run(|tx| {
            let mut record = tx.record("incident", "a1")?.unwrap();
            let item = tx.item(&record.items[0])?.unwrap();
            tx.remove(Item::at(&item.id));
            tx.put(&Item { id: first.clone(), ..item })?;
            record.items = vec![first.clone()];
            tx.put(&record)
        })
        .unwrap();
    let (older, _) = world.create(&[]);
    edit(&mut world, "parent", &older);
    let second = world.record("incident", "a1").unwrap().items[1].clone();
    world
        .act(Action { name: "close".to_owned(), ..Action::default() }, |tx, id| {
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "3")])).map(drop)
        })
        .unwrap();
    let error = ItemError { status: 403, message: "No".to_owned(), detail: None };
    world.answer(&first, &Answer::Refused(error));
    let (newer, _) = world.create(&[]);
    edit(&mut world, "parent", &newer);
    let record = world.record("incident", "a1").unwrap();
    assert_ne!(world.item(&second).unwrap().fields["parent"], newer);
    let last = record.items.iter().rev().find_map(|id| world.item(id).unwrap().fields.get("parent").cloned());
    assert_eq!((record.fields["parent"].as_str(), last), (newer.as_str(), Some(newer.clone())));
}
