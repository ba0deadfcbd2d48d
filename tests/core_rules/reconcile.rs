//! The instance's answer put in place.

use landfall::core::{
    Event, Tx, act,
    claim::claim,
    hand,
    lease::take_lease,
    pull::take_in,
    receive::{Answer, receive},
    reconcile::{Told, created, deleted, updated},
    stored::{Action, Item, ItemError, Record},
    write,
};

use landfall::wire::Fields;

use super::support::{PLAIN, RESOLVES, World, fields_of};

fn record(world: &mut World, id: &str) -> Record {
    world.run(|tx| write::find(tx, "incident", id)).unwrap().0
}

/// The record's items, as what they send.
fn unsent(world: &mut World, id: &str) -> Vec<Vec<(String, String)>> {
    let items = record(world, id).items;
    items.iter().map(|id| world.item(id).unwrap().fields.into_iter().collect()).collect()
}

fn pair(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[test]
fn what_was_edited_since_it_left_follows_a_row_that_came_of_what_it_was_then() {
    let sent = [("category", "motor"), ("impact", "1"), ("work_notes", "called")];
    // What the row says of the field edited since, and what follows.
    for (row, follows) in [
        (vec![("category", "belt"), ("impact", "2")], vec![pair("category", "motor")]),
        (vec![("impact", "2")], vec![pair("category", "motor")]),
        (vec![("category", "motor"), ("impact", "2")], vec![]),
    ] {
        let mut world = World::new();
        let (temporary, id) = world.create(&sent);
        world.run(|tx| write::update(tx, "incident", &temporary, &fields_of(&[("work_notes", "later")]))).unwrap();
        let item = Item {
            amended: ["category".to_owned(), "work_notes".to_owned()].into(),
            sent_at: Some(1),
            ..world.item(&id).unwrap()
        };
        let row = fields_of(&[row, vec![("sys_id", "a1")]].concat());
        world.run(|tx| created(tx, &item, &row, Told::Unasked)).unwrap();
        let later = vec![pair("work_notes", "later")];
        assert_eq!(unsent(&mut world, "a1"), [follows, later].concat(), "before what was written later");
        assert_eq!(record(&mut world, "a1").not_kept, ["impact"], "of what follows nobody knows yet");
    }
}

#[test]
fn an_entry_edited_since_follows_only_where_the_first_request_is_known_to_have_been_another() {
    let both = ["work_notes", "category"];
    for (amended, text, sent_at, follows) in [
        (&both[..1], "called", None, true),
        (&both[..1], "called", Some(1), false),
        (&both[1..], "called", None, false),
        (&both[..1], "", None, false),
    ] {
        let mut world = World::new();
        let (_, id) = world.create(&[("work_notes", text)]);
        let amended = amended.iter().map(|name| (*name).to_owned()).collect();
        let item = Item { amended, sent_at, ..world.item(&id).unwrap() };
        world.run(|tx| created(tx, &item, &fields_of(&[("sys_id", "a1")]), Told::Unasked)).unwrap();
        let expected = if follows { vec![pair("work_notes", text)] } else { vec![] };
        assert_eq!(unsent(&mut world, "a1"), expected, "{text} {sent_at:?}");
    }
}

#[test]
fn of_two_records_that_turn_out_to_be_one_the_deletion_of_either_stands() {
    for which in [None, Some("temporary"), Some("a1")] {
        let mut world = World::new();
        let (temporary, id) = world.create(&[]);
        world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
        let (lease, _) = world.run(take_lease).unwrap();
        world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), PLAIN)).unwrap();
        if let Some(which) = which {
            let gone = if which == "a1" { which } else { &temporary };
            world.run(|tx| write::delete(tx, "incident", gone)).unwrap();
        }
        let made = Answer::Done(Some(fields_of(&[("sys_id", "a1")])));
        world.run(|tx| receive(tx, lease, &[(id.clone(), made.clone())])).unwrap();
        let at = world.run(|tx| tx.record("incident", "a1")).unwrap().0.unwrap();
        assert_eq!((at.deleted, at.items.len()), (which.is_some(), usize::from(which.is_some())), "{which:?}");
    }
}

#[test]
fn that_two_records_are_one_is_told_unless_the_pull_was_only_faster() {
    for (correlation, pulled, told) in [
        (None, true, false),
        (Some("own"), true, false),
        (Some("tmp_00000000000000000000000000000000"), true, true),
        (Some("somebody else's"), true, false),
        (None, false, true),
    ] {
        let mut world = World::new();
        let (temporary, id) = world.create(&[]);
        let correlation = correlation.map(|id| if id == "own" { temporary.as_str() } else { id });
        let there = Record {
            table: "incident".to_owned(),
            sys_id: "a1".to_owned(),
            fields: fields_of(&correlation.map(|id| ("correlation_id", id)).into_iter().collect::<Vec<_>>()),
            pulled_under: pulled.then_some(1),
            ..Record::default()
        };
        world.run(|tx| tx.put(&there)).unwrap();
        let item = world.item(&id).unwrap();
        let (_, events) = world.run(|tx| created(tx, &item, &fields_of(&[("sys_id", "a1")]), Told::InAnswer)).unwrap();
        let merged = |event: &Event| matches!(event, Event::Error { code, .. } if code == "merged");
        assert_eq!(events.iter().any(merged), told, "{correlation:?}");
    }
}

/// Its answer was lost, and what it has made was read as somebody else's: there is no temporary id in it.
#[test]
fn what_is_remembered_under_a_key_takes_the_place_of_nothing_newer() {
    let at = |count: &str, state: &str| {
        let told = [("sys_id", "a1"), ("sys_created_on", "2026-01-01 00:00:01"), ("state", state)];
        let mut row = fields_of(&told);
        // One instance counts the changes, the other has nothing but the time.
        row.extend(fields_of(&[("sys_updated_on", &format!("2026-01-01 00:00:0{count}"))]));
        row
    };
    let counted = |mut row: Fields, count: &str| {
        row.insert("sys_mod_count".to_owned(), count.to_owned());
        row
    };
    for (there, answer, stands) in [
        (counted(at("1", "7"), "1"), counted(at("1", "2"), "0"), "7"),
        (at("3", "7"), at("1", "2"), "7"),
        // Within the second nobody can tell, and what is remembered is the older one.
        (at("1", "7"), at("1", "2"), "7"),
        // It had not arrived, and the instance has answered with a record that it had.
        (counted(at("1", "7"), "1"), counted(at("1", "2"), "2"), "2"),
        (at("1", "7"), at("3", "2"), "2"),
    ] {
        let mut world = World::new();
        let (temporary, id) = world.create(&[("state", "2")]);
        let lease = world.run(take_lease).unwrap().0;
        let send = |world: &mut World, answer: Answer| {
            world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), RESOLVES)).unwrap();
            world.run(|tx| receive(tx, lease, &[(id.clone(), answer.clone())])).unwrap();
        };
        let error = ItemError { status: 0, message: "cut".to_owned(), detail: None };
        send(&mut world, Answer::Unknown { error, wait_ms: None });
        world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&there), 1)).unwrap();
        world.run(|tx| write::update(tx, "incident", &temporary, &fields_of(&[("state", "4")]))).unwrap();
        send(&mut world, Answer::Done(Some(answer)));
        let landed = record(&mut world, "a1");
        assert_eq!(landed.base.as_ref().unwrap()["state"], stands, "{there:?}");
        assert!(landed.outdated && landed.not_kept.is_empty());
        // What follows was written on what the record was made of: somebody has changed that.
        let asked = world.item(&landed.items[0]).unwrap().is_in_conflict();
        assert_eq!(asked, stands == "7" && there["sys_updated_on"] != there["sys_created_on"], "{there:?}");
    }
}

#[test]
fn a_change_that_was_made_is_in_the_record_and_an_entry_is_not() {
    let mut world = World::new();
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    let change = fields_of(&[("category", "belt"), ("work_notes", "called")]);
    let items = world.run(|tx| write::update(tx, "incident", "a1", &change)).unwrap().0.items;
    for id in &items {
        let item = world.item(id).unwrap();
        world.run(|tx| updated(tx, &item, None)).unwrap();
    }
    let record = record(&mut world, "a1");
    assert_eq!(record.fields.get("category").map(String::as_str), Some("belt"));
    assert_eq!((record.fields.get("work_notes"), items.len()), (None, 2));
}

#[test]
fn with_a_record_that_is_gone_there_all_goes_that_was_unsent_of_it() {
    let mut world = World::new();
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    let change = fields_of(&[("work_notes", "called")]);
    let entry = world.run(|tx| write::update(tx, "incident", "a1", &change)).unwrap().0.items[0].clone();
    let gone = Item { sys_id: "a1".to_owned(), table: "incident".to_owned(), id: "gone".to_owned(), ..Item::default() };
    world.run(|tx| deleted(tx, &gone)).unwrap();
    assert_eq!((world.item(&entry), world.run(|tx| tx.record("incident", "a1")).unwrap().0), (None, None));
}

#[test]
fn what_the_instance_last_had_is_kept_as_long_as_something_unsent_lies_over_it() {
    let mut world = World::new();
    let (temporary, id) = world.create(&[]);
    world.run(|tx| write::update(tx, "incident", &temporary, &fields_of(&[("work_notes", "called")]))).unwrap();
    world.run(|tx| hand::edit(tx, &id, &fields_of(&[("category", "belt")]))).unwrap();
    assert_eq!(record(&mut world, &temporary).base, None, "it never had it");
    let create = world.item(&id).unwrap();
    world.run(|tx| created(tx, &create, &fields_of(&[("sys_id", "a1")]), Told::InAnswer)).unwrap();
    let of_record = record(&mut world, "a1");
    let base = of_record.base.unwrap();
    assert_eq!((base.get("category").map(String::as_str), base.get("work_notes")), (Some("belt"), None));
    let entry = world.item(&of_record.items[0]).unwrap();
    world.run(|tx| updated(tx, &entry, None)).unwrap();
    assert_eq!(record(&mut world, "a1").base, None, "the record itself is that");
}

#[test]
fn a_row_is_kept_under_its_own_table_as_far_as_that_is_declared_and_one_of_the_asked_for() {
    for (asked, said, kept) in [
        ("task", Some("incident"), "incident"),
        ("task", Some("change_request"), "task"),
        ("task", Some("problem"), "task"),
        ("incident", Some("task"), "incident"),
        ("task", None, "task"),
    ] {
        let mut world = World::new();
        let class = said.map(|said| ("sys_class_name", said));
        let row = fields_of(&[Some(("sys_id", "a1")), class].into_iter().flatten().collect::<Vec<_>>());
        world.run(|tx| take_in(tx, asked, std::slice::from_ref(&row), 1)).unwrap();
        let record = world.run(|tx| tx.record(kept, "a1")).unwrap().0.unwrap();
        assert_eq!(record.table, kept, "{asked} {said:?}");
    }
}

#[test]
fn what_comes_back_in_another_form_is_kept_and_what_comes_back_otherwise_is_not() {
    let mut world = World::new();
    let (temporary, id) = world.create(&[("impact", "1"), ("category", "1"), ("state", "2"), ("work_notes", "called")]);
    let mut item = world.item(&id).unwrap();
    item.fields.insert("correlation_id".to_owned(), temporary);
    let row = [("sys_id", "a1"), ("impact", "1.0"), ("category", "1.0"), ("state", "2"), ("work_notes", "")];
    let row = fields_of(&[&row[..], &[("correlation_id", "x")]].concat());
    world.run(|tx| created(tx, &item, &row, Told::InAnswer)).unwrap();
    assert_eq!(record(&mut world, "a1").not_kept, ["category"]);

    let (_, id) = world.create(&[("impact", "1")]);
    let item = world.item(&id).unwrap();
    world.run(|tx| created(tx, &item, &fields_of(&[("sys_id", "a2"), ("impact", "2")]), Told::InAnswer)).unwrap();
    assert_eq!(record(&mut world, "a2").not_kept, ["impact"]);

    // A whole row without the field: the table has no such column.
    for (sys_id, whole, lost) in [("a3", true, vec!["u_bay"]), ("a4", false, vec![])] {
        let (_, id) = world.create(&[("u_bay", "7"), ("u_none", "")]);
        let item = world.item(&id).unwrap();
        let row = [("sys_id", sys_id), ("sys_updated_on", "2026-01-01 00:00:00")];
        world.run(|tx| created(tx, &item, &fields_of(&row[..if whole { 2 } else { 1 }]), Told::InAnswer)).unwrap();
        assert_eq!(record(&mut world, sys_id).not_kept, lost);
    }
}

#[test]
fn what_had_left_with_the_old_id_in_it_is_another_request_with_the_new_one() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (child, second) = world.create(&[("parent", &parent), ("category", "belt")]);
    let (entry_of, third) = world.create(&[]);
    let made = world.item(&third).unwrap();
    world.run(|tx| created(tx, &made, &fields_of(&[("sys_id", "b1")]), Told::InAnswer)).unwrap();
    let note = fields_of(&[("work_notes", &format!("see {parent}"))]);
    let entry = world.run(|tx| write::update(tx, "incident", "b1", &note)).unwrap().0.items[0].clone();
    let change = fields_of(&[("parent", &parent)]);
    let update = world.run(|tx| write::update(tx, "incident", &entry_of, &change)).unwrap().0.items[1].clone();
    let all = [second.clone(), entry.clone(), update.clone()];
    for id in &all {
        let item = Item { sent_at: Some(1), keyless: true, ..world.item(id).unwrap() };
        world.run(|tx| tx.put(&item)).unwrap();
    }
    let before = all.each_ref().map(|id| world.item(id).unwrap());
    let item = world.item(&first).unwrap();
    world.run(|tx| created(tx, &item, &fields_of(&[("sys_id", "p1")]), Told::InAnswer)).unwrap();

    let [create, note, change] = all.each_ref().map(|id| world.item(id).unwrap());
    assert_eq!((create.fields["parent"].as_str(), create.amended.len()), ("p1", 1), "{child}");
    assert_eq!((note.fields["work_notes"].as_str(), note.amended.len()), ("see p1", 1));
    for (now, before) in [(&create, &before[0]), (&note, &before[1])] {
        assert_eq!((&now.idempotency_key, now.sent_at), (&before.idempotency_key, Some(1)));
    }
    // An ordinary change may be made twice: it is a new one.
    assert_eq!((change.fields["parent"].as_str(), change.sent_at, change.keyless), ("p1", None, false));
    assert_ne!(change.idempotency_key, before[2].idempotency_key);
    assert!(change.amended.is_empty());
}

#[test]
fn what_was_edited_since_it_left_is_not_what_the_instance_has() {
    let mut world = World::new();
    let (other, _) = world.create(&[]);
    let (temporary, id) = world.create(&[("category", "belt"), ("impact", "1")]);
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), PLAIN)).unwrap();
    // It is made, its answer is lost, and sent again it is refused. Then it is edited, and found by a pull.
    let refused = Answer::Refused(ItemError { status: 403, message: String::new(), detail: None });
    world.run(|tx| receive(tx, lease, &[(id.clone(), refused.clone())])).unwrap();
    let edit = fields_of(&[("parent", &other), ("impact", "2")]);
    world.run(|tx| write::update(tx, "incident", &temporary, &edit)).unwrap();
    let row = fields_of(&[("sys_id", "a1"), ("correlation_id", &temporary), ("impact", "1")]);
    world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&row), 1)).unwrap();

    let of_record = record(&mut world, "a1");
    let base = of_record.base.unwrap();
    let has = |name: &str| base.get(name).map(String::as_str);
    assert_eq!((has("parent"), has("impact"), has("category")), (None, Some("1"), Some("belt")));
    assert_eq!((of_record.fields["parent"].as_str(), of_record.fields["impact"].as_str()), (other.as_str(), "2"));
    world.run(|tx| hand::discard(tx, &of_record.items[0])).unwrap();
    let back = record(&mut world, "a1");
    assert_eq!((back.fields.get("parent"), back.fields["impact"].as_str()), (None, "1"));
}

fn lands(world: &mut World, create: &str, sys_id: &str) {
    let item = world.item(create).unwrap();
    world.run(|tx| created(tx, &item, &fields_of(&[("sys_id", sys_id)]), Told::InAnswer)).unwrap();
}

#[test]
fn under_unsent_values_too_the_permanent_id_takes_the_temporary_ones_place() {
    // Left as it was, or pointed elsewhere, while it was on its way together with what it points to.
    for elsewhere in [false, true] {
        let mut world = World::new();
        let (parent, first) = world.create(&[]);
        let (child, second) = world.create(&[("parent", &parent)]);
        let (lease, _) = world.run(take_lease).unwrap();
        world.run(|tx| claim(tx, lease, &[], &[first.clone(), second.clone()], RESOLVES)).unwrap();
        let edit = if elsewhere { ("parent", "p0") } else { ("category", "belt") };
        world.run(|tx| write::update(tx, "incident", &child, &fields_of(&[edit]))).unwrap();
        // The batch's answer speaks of the child only, and not of the field it was sent with.
        lands(&mut world, &second, "c1");
        assert_eq!(record(&mut world, "c1").mentions, [parent.as_str()]);
        lands(&mut world, &first, "p1");
        let of_record = record(&mut world, "c1");
        assert_eq!((of_record.base.unwrap()["parent"].as_str(), of_record.mentions.len()), ("p1", 0));
        world.run(|tx| hand::discard(tx, &of_record.items[0])).unwrap();
        assert_eq!(record(&mut world, "c1").fields["parent"], "p1");
    }
}

#[test]
fn an_id_that_the_instance_has_in_a_text_is_found_wherever_the_row_lies() {
    let note = |id: &str| fields_of(&[("sys_id", "a1"), ("description", &format!("see {id}"))]);
    // Under an edit or a deletion when its record lands; or come with the answer to the edit, and over it a later one.
    for case in ["edited", "deleted", "answered", "answered, and more unsent"] {
        let mut world = World::new();
        let (other, create) = world.create(&[]);
        let row = note(if case.starts_with("answered") { "nobody" } else { &other });
        world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&row), 1)).unwrap();
        let change = |fields: &[(&str, &str)], world: &mut World| {
            let fields = fields_of(fields);
            world.run(|tx| write::update(tx, "incident", "a1", &fields)).unwrap().0.items
        };
        match case {
            "deleted" => world.run(|tx| write::delete(tx, "incident", "a1")).map(drop).unwrap(),
            "edited" => drop(change(&[("description", "mine")], &mut world)),
            _ => {
                let items = change(&[("category", "belt")], &mut world);
                let first = world.item(&items[0]).unwrap();
                if case != "answered" {
                    change(&[("work_notes", "called")], &mut world);
                }
                world.run(|tx| updated(tx, &first, Some(&note(&other)))).unwrap();
            }
        }
        lands(&mut world, &create, "b1");
        let of_record = world.run(|tx| tx.record("incident", "a1")).unwrap().0.unwrap();
        let has = of_record.base.as_ref().unwrap_or(&of_record.fields);
        assert_eq!((has["description"].as_str(), of_record.mentions.len()), ("see b1", 0), "{case}");
        for id in &of_record.items {
            world.run(|tx| hand::discard(tx, id)).unwrap();
        }
        assert_eq!(record(&mut world, "a1").fields["description"], "see b1", "{case}");
    }
}

/// Each would wait for the other: in the record they have in common by the user's order, in the merged one by another.
#[test]
fn actions_on_two_records_that_turn_out_to_be_one_stay_in_the_users_order() {
    let mut world = World::new();
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id)]);
    }
    let (temporary, create) = world.create(&[]);
    let mut acts = |on: &str| {
        let state = fields_of(&[("state", on)]);
        world
            .act(Action { name: "close".to_owned(), ..Action::default() }, |tx, id| {
                act::update(tx, id, "incident", on, &state)?;
                act::update(tx, id, "incident", "a2", &state).map(drop)
            })
            .unwrap()
    };
    let (first, second) = (acts(&temporary), acts("a1"));
    world.send(&create);
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
    assert_eq!(world.record("incident", "a1").unwrap().items, [first.clone(), second.clone()]);
    assert_eq!((world.item(&first).unwrap().behind, world.item(&second).unwrap().behind), (false, true));
}

/// It stands in the list of either: what follows it in the one would seem to go before it in the other.
#[test]
fn an_action_on_both_of_two_records_that_turn_out_to_be_one_goes_before_what_follows_it_in_either() {
    let mut world = World::new();
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id)]);
    }
    let (temporary, create) = world.create(&[]);
    let mut acts = |on: [&str; 2]| {
        let state = fields_of(&[("state", on[0])]);
        let close = Action { name: "close".to_owned(), ..Action::default() };
        let step = |tx: &mut Tx<'_>, id: &str| {
            on.iter().try_for_each(|on| act::update(tx, id, "incident", on, &state).map(drop))
        };
        world.act(close, step).unwrap()
    };
    let (first, second) = (acts([&temporary, "a1"]), acts([&temporary, "a2"]));
    world.send(&create);
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
    assert_eq!(world.record("incident", "a1").unwrap().items, [first.clone(), second.clone()]);
    assert_eq!((world.item(&first).unwrap().is_held(), world.item(&second).unwrap().is_held()), (false, true));
}

/// The clock was set back between the two, and the second mentions what the first makes.
#[test]
fn of_two_actions_one_that_waits_for_the_other_goes_after_it_whatever_the_clock_says() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (temporary, create) = world.create(&[]);
    let made = world.temporary();
    let state = fields_of(&[("state", "2")]);
    let action = || Action { name: "close".to_owned(), ..Action::default() };
    let first = world
        .act(action(), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", &temporary, &state).map(drop)
        })
        .unwrap();
    world.now -= 1;
    let second = world
        .act(action(), |tx, id| {
            let points = fields_of(&[("state", "3"), ("parent", &made)]);
            act::update(tx, id, "incident", "a1", &points).map(drop)
        })
        .unwrap();
    world.send(&create);
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
    assert_eq!(world.record("incident", "a1").unwrap().items, [first, second]);
}
