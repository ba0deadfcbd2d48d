//! What a pull takes in, and what it may take away.

use landfall::{
    core::{
        hand,
        pull::{Came, may_go, note_fresh, read_again, sweep, take_in, take_in_as},
        stored::{Pulled, Record},
        write,
    },
    wire::Fields,
};

use super::support::{World, fields_of};

#[test]
fn rows_come_in_once_with_what_they_mention_and_when_they_were_seen() {
    let mut world = World::new();
    let (temporary, _) = world.create(&[]);
    let rows: Vec<Fields> = vec![
        fields_of(&[("sys_id", "a1"), ("description", &format!("see {temporary}"))]),
        fields_of(&[("sys_id", "a2")]),
        fields_of(&[("sys_id", "a3")]),
        fields_of(&[("category", "nobody knows which")]),
    ];
    assert_eq!(world.run(|tx| take_in(tx, "incident", &rows, 7)).unwrap().0, 3);
    let record = world.run(|tx| tx.record("incident", "a1")).unwrap().0.unwrap();
    assert_eq!((record.mentions, record.fetched_at, record.pulled_under), (vec![temporary], Some(world.now), Some(7)));
    assert_eq!(world.run(|tx| take_in(tx, "incident", &rows, 8)).unwrap().0, 0, "nothing is new in them");

    // What is unsent here, or deleted, stays as it is.
    world.run(|tx| write::update(tx, "incident", "a2", &fields_of(&[("category", "belt")]))).unwrap();
    world.run(|tx| write::delete(tx, "incident", "a3")).unwrap();
    let others: Vec<Fields> =
        ["a2", "a3"].iter().map(|id| fields_of(&[("sys_id", id), ("category", "motor")])).collect();
    assert_eq!(world.run(|tx| take_in(tx, "incident", &others, 9)).unwrap().0, 0);
    let kept = world.record("incident", "a2").unwrap();
    assert_eq!((kept.fields["category"].as_str(), kept.base.unwrap()["category"].as_str()), ("belt", "motor"));
    // But it stands over what the instance has now: it is told only once.
    let rows = [fields_of(&[("sys_id", "a2"), ("category", "motor"), ("state", "2")])];
    assert_eq!(world.run(|tx| take_in(tx, "incident", &rows, 10)).unwrap().0, 1);
    assert_eq!(world.record("incident", "a2").unwrap().fields["state"], "2");
    for id in ["a2", "a3"] {
        let item = world.record("incident", id).unwrap().items.remove(0);
        world.run(|tx| hand::discard(tx, &item)).unwrap();
        let back = world.record("incident", id).unwrap();
        assert_eq!((back.fields["category"].as_str(), back.deleted), ("motor", false), "{id}");
    }
}

#[test]
fn only_what_an_earlier_refresh_has_brought_and_nobody_works_at_may_go() {
    let record = Record { pulled_under: Some(3), ..Record::default() };
    assert!(may_go(&record, 4));
    assert!(!may_go(&record, 3), "this one has brought it");
    assert!(!may_go(&Record { pulled_under: None, ..record.clone() }, 4));
    assert!(!may_go(&Record { deleted: true, ..record.clone() }, 4));
    assert!(!may_go(&Record { items: vec!["i".to_owned()], ..record }, 4));
}

#[test]
fn a_row_that_is_the_answer_to_a_create_is_counted_and_puts_it_in_place() {
    let mut world = World::new();
    let (temporary, id) = world.create(&[]);
    let rows = [fields_of(&[("sys_id", "a1"), ("correlation_id", &temporary)])];
    assert_eq!(world.run(|tx| take_in(tx, "incident", &rows, 1)).unwrap().0, 1);
    assert_eq!((world.item(&id), world.run(|tx| write::resolve(tx, &temporary)).unwrap().0.as_str()), (None, "a1"));
}

#[test]
fn a_row_of_its_parent_takes_no_field_from_a_record() {
    let mut world = World::new();
    let whole =
        [fields_of(&[("sys_id", "a1"), ("sys_class_name", "incident"), ("category", "motor"), ("severity", "2")])];
    world.run(|tx| take_in(tx, "incident", &whole, 1)).unwrap();
    world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("category", "belt")]))).unwrap();
    // Through the parent, only the parent's columns come.
    let narrow = [fields_of(&[("sys_id", "a1"), ("sys_class_name", "incident"), ("short_description", "x")])];
    world.run(|tx| take_in(tx, "task", &narrow, 2)).unwrap();
    assert_eq!(world.record("incident", "a1").unwrap().fields.get("severity").map(String::as_str), Some("2"));
    let item = world.record("incident", "a1").unwrap().items.remove(0);
    world.run(|tx| hand::discard(tx, &item)).unwrap();
    world.run(|tx| take_in(tx, "task", &narrow, 3)).unwrap();
    let back = world.record("incident", "a1").unwrap().fields;
    assert_eq!(["severity", "category", "short_description"].map(|name| back[name].as_str()), ["2", "motor", "x"]);
}

fn asked(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn of_what_was_not_asked_for_a_row_says_nothing() {
    let mut world = World::new();
    let whole = [fields_of(&[("sys_id", "a1"), ("category", "motor"), ("severity", "2"), ("state", "1")])];
    world.run(|tx| take_in(tx, "incident", &whole, 1)).unwrap();
    // The state was emptied, be it that it comes empty or not at all.
    let part = [fields_of(&[("sys_id", "a1"), ("category", "belt")])];
    let names = asked(&["sys_id", "category", "state"]);
    assert_eq!(world.run(|tx| take_in_as(tx, "incident", Some(&names), &part, Came::Found(2))).unwrap().0, 1);
    let all = fields_of(&[("sys_id", "a1"), ("category", "belt"), ("severity", "2")]);
    assert_eq!(world.record("incident", "a1").unwrap().fields, all);
    assert_eq!(
        world.run(|tx| take_in_as(tx, "incident", Some(&names), &part, Came::Found(3))).unwrap().0,
        0,
        "nothing is new"
    );
    // Under what is unsent, too, and it stays what the instance had.
    world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("severity", "1")]))).unwrap();
    let part = [fields_of(&[("sys_id", "a1"), ("category", "gear")])];
    world.run(|tx| take_in_as(tx, "incident", Some(&names), &part, Came::Found(4))).unwrap();
    let record = world.record("incident", "a1").unwrap();
    let base = record.base.unwrap();
    assert_eq!([&record.fields["severity"], &base["severity"], &base["category"]], ["1", "2", "gear"]);
    // Asked for through its parent, which does not know that field, it does not lose it.
    let names = asked(&["sys_id", "severity"]);
    let narrow = [fields_of(&[("sys_id", "a1"), ("sys_class_name", "incident")])];
    world.run(|tx| take_in_as(tx, "task", Some(&names), &narrow, Came::Found(5))).unwrap();
    assert_eq!(world.record("incident", "a1").unwrap().base.unwrap()["severity"], "2");
}

#[test]
fn what_has_not_been_seen_for_too_long_goes_unless_it_is_needed() {
    let mut world = World::new();
    let rows: Vec<Fields> = ["a1", "a2", "a3"].iter().map(|id| fields_of(&[("sys_id", id)])).collect();
    let seen_at = world.now;
    world.run(|tx| take_in(tx, "incident", &rows, 1)).unwrap();
    world.run(|tx| write::update(tx, "incident", "a2", &fields_of(&[("category", "belt")]))).unwrap();
    world.create(&[("parent", "a3")]);
    let at: Vec<_> = ["a1", "a2", "a3"].iter().map(|id| Record::at(&world.schema, "incident", id)).collect();
    assert_eq!(world.run(|tx| sweep(tx, 2, Some(seen_at), &at)).unwrap().0.removed, 0, "not older than that");
    assert_eq!(
        world.run(|tx| sweep(tx, 1, Some(seen_at + 9), &at)).unwrap().0.removed,
        0,
        "this refresh has brought them"
    );
    let of = Pulled { table: "task".to_owned(), ..Pulled::default() };
    world.run(|tx| note_fresh(tx, &of, seen_at + 9)).unwrap();
    assert_eq!(
        world.run(|tx| sweep(tx, 2, Some(seen_at + 9), &at)).unwrap().0.removed,
        0,
        "seen as the parent's since"
    );
    assert_eq!(world.run(|tx| sweep(tx, 2, Some(seen_at + 10), &at)).unwrap().0.removed, 1);
    let left = ["a1", "a2", "a3"].map(|id| world.record("incident", id).is_some());
    assert_eq!(left, [false, true, true]);
}

#[test]
fn what_a_row_in_part_leaves_of_an_older_one_is_told_until_the_whole_comes() {
    let mut world = World::new();
    let whole = |note: &str, time: &str| {
        let time = format!("2026-01-01 00:00:0{time}");
        [fields_of(&[
            ("sys_id", "a1"),
            ("state", "1"),
            ("note", note),
            ("sys_mod_count", "4"),
            ("sys_updated_on", &time),
        ])]
    };
    let part = |time: &str| {
        let mut row = whole("", time).into_iter().next().unwrap();
        row.remove("note");
        [row]
    };
    let names: Vec<String> = ["sys_id", "state", "sys_mod_count", "sys_updated_on"].map(str::to_owned).into();
    let count = |world: &mut World| world.record("incident", "a1").unwrap().count_there().cloned();
    world.run(|tx| take_in(tx, "incident", &whole("a", "1"), 1)).unwrap();
    world.run(|tx| take_in_as(tx, "incident", Some(&names), &part("1"), Came::Found(2))).unwrap();
    assert_eq!(count(&mut world).as_deref(), Some("4"), "as old as the whole was");
    for lease in [3, 4] {
        world.run(|tx| take_in_as(tx, "incident", Some(&names), &part("2"), Came::Found(lease))).unwrap();
        assert_eq!(count(&mut world), None);
    }
    // What is changed meanwhile stands on it, too: it is read as a whole before it leaves.
    world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("state", "2")]))).unwrap();
    assert_eq!(count(&mut world), None);
    world.run(|tx| read_again(tx, "incident", &whole("a", "2"))).unwrap();
    assert_eq!(count(&mut world).as_deref(), Some("4"), "though it was the same");
    world.run(|tx| take_in_as(tx, "incident", Some(&names), &part("3"), Came::Found(5))).unwrap();
    assert_eq!(count(&mut world), None);
    world.run(|tx| take_in(tx, "incident", &whole("b", "3"), 6)).unwrap();
    assert_eq!(count(&mut world).as_deref(), Some("4"));
}
