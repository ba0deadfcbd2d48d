//! Both sides have changed a record: what is asked, and what becomes of it by the user's word.

use landfall::core::{
    CoreError, Settled, act,
    claim::{With, claim},
    conflict::{Choice, resolve},
    hand,
    lease::take_lease,
    plan::Keys,
    present::{self, Pause},
    pull::take_in,
    receive::{Answer, receive},
    schema::Schema,
    stored::{Action, Item, ItemError, ItemState, Record},
    write,
};
use serde_json::{Map, Value, json};

use super::support::{World, fields_of, receipts, refusal};

const ID: &str = "a1";

/// With a record of the instance's in the middle of its life: nothing about it is new.
fn world(mode: &str) -> World {
    let mut world = World::new();
    let tables = json!({
        "task": { "conflict": mode, "actedAtField": "u_acted_at" },
        "incident": {
            "extends": "task",
            "references": { "parent": "incident" },
            "journals": ["work_notes"],
            "types": { "impact": "integer" },
        },
    });
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    there(&mut world, &[]);
    world
}

/// What the instance has now.
fn there(world: &mut World, fields: &[(&str, &str)]) {
    let mut row = fields_of(&[
        ("sys_id", ID),
        ("state", "1"),
        ("impact", "3"),
        ("short_description", "A"),
        ("sys_mod_count", "1"),
    ]);
    row.extend(fields_of(fields));
    world.run(|tx| take_in(tx, "incident", &[row.clone()], 1)).unwrap();
}

fn change(world: &mut World, fields: &[(&str, &str)]) {
    world.run(|tx| write::update(tx, "incident", ID, &fields_of(fields))).unwrap();
}

fn items(world: &mut World) -> Vec<Item> {
    let ids = record(world).items;
    ids.iter().map(|id| world.item(id).unwrap()).collect()
}

fn record(world: &mut World) -> Record {
    world.record("incident", ID).unwrap()
}

/// The fields in conflict, item by item.
fn open(world: &mut World) -> Vec<Vec<String>> {
    items(world).into_iter().map(|item| item.differs.into_keys().collect()).collect()
}

fn say(world: &mut World, choice: Choice) -> Result<(), CoreError> {
    world.run(|tx| resolve(tx, "incident", ID, &choice)).map(drop)
}

fn shown(world: &mut World) -> Map<String, Value> {
    let record = record(world);
    let rows = world.run(|tx| present::records(tx, std::slice::from_ref(&record), None::<Pause>)).unwrap().0;
    rows.into_iter().next().unwrap()
}

#[test]
fn only_a_field_that_both_have_changed_is_asked_about() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2"), ("short_description", "B")]);
    there(
        &mut world,
        &[("state", "3"), ("impact", "1"), ("sys_mod_count", "2"), ("u_acted_at", "2020-01-01 00:00:00")],
    );
    assert_eq!(open(&mut world), [["state"]]);
    let row = shown(&mut world);
    assert_eq!((&row["state"], &row["impact"], &row["short_description"]), (&json!("2"), &json!(1), &json!("B")));
    assert_eq!(row["$sync"]["state"], "conflict");
    assert_eq!(row["$sync"]["theirs"], json!({ "state": "3" }));
    assert_eq!(
        row["$sync"]["reason"],
        "The record has been changed on the instance, too: state (there “3”, here “2”). Say which is to stand, with \
         resolveConflict()."
    );
}

#[test]
fn the_same_change_on_both_sides_is_none_whatever_its_form() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2"), ("impact", "1")]);
    there(&mut world, &[("state", "2"), ("impact", "1.0")]);
    assert_eq!(open(&mut world), [[""; 0]]);
    // What lies under an entry is one of this device's own, too: its answer was lost, perhaps.
    change(&mut world, &[("work_notes", "w")]);
    change(&mut world, &[("state", "4")]);
    there(&mut world, &[("state", "2"), ("impact", "1.0"), ("short_description", "C")]);
    assert_eq!(open(&mut world).concat(), [""; 0]);
}

#[test]
fn what_comes_to_agree_is_asked_about_no_more() {
    for now in [&[("state", "1"), ("sys_mod_count", "9")], &[("state", "2"), ("sys_mod_count", "9")]] {
        let mut world = world("merge");
        change(&mut world, &[("state", "2")]);
        there(&mut world, &[("state", "3")]);
        assert_eq!(open(&mut world), [["state"]]);
        there(&mut world, now);
        assert_eq!(open(&mut world), [[""; 0]], "{now:?}");
    }
    // And so it is where the user writes what the other has written; but what he writes else is still to be asked about.
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    there(&mut world, &[("state", "3")]);
    change(&mut world, &[("state", "5")]);
    assert_eq!(open(&mut world), [["state"]]);
    change(&mut world, &[("state", "3")]);
    assert_eq!(open(&mut world), [[""; 0]]);
}

#[test]
fn mine_is_sent_theirs_is_not_and_a_third_may_be() {
    let conflict = || {
        let mut world = world("merge");
        change(&mut world, &[("state", "2"), ("short_description", "B"), ("impact", "2")]);
        there(&mut world, &[("state", "3"), ("short_description", "C")]);
        assert_eq!(open(&mut world), [["short_description", "state"]]);
        world
    };
    let sent = |world: &mut World| -> Vec<Value> {
        items(world)
            .into_iter()
            .map(|mut item| {
                item.fields.remove("u_acted_at");
                json!([item.state, item.fields, item.differs])
            })
            .collect()
    };
    let mut world = conflict();
    say(&mut world, Choice::Mine).unwrap();
    assert_eq!(sent(&mut world), [json!(["queued", { "impact": "2", "short_description": "B", "state": "2" }, {}])]);

    let mut world = conflict();
    say(&mut world, Choice::Theirs).unwrap();
    assert_eq!(sent(&mut world), [json!(["queued", { "impact": "2" }, {}])]);
    assert_eq!(record(&mut world).fields["state"], "3");

    let mut world = conflict();
    say(&mut world, Choice::Fields(fields_of(&[("state", "7")]))).unwrap();
    let differs = json!({ "short_description": "A" });
    assert_eq!(
        sent(&mut world),
        [json!(["queued", { "impact": "2", "short_description": "B", "state": "7" }, differs])]
    );
    say(&mut world, Choice::Fields(fields_of(&[("short_description", "C")]))).unwrap();
    assert_eq!(sent(&mut world), [json!(["queued", { "impact": "2", "state": "7" }, {}])]);
    // Another tab was faster.
    say(&mut world, Choice::Theirs).unwrap();
    assert_eq!(sent(&mut world).len(), 1);
    let field = Choice::Fields(fields_of(&[("impact", "1")]));
    assert_eq!(say(&mut world, field).unwrap_err().code(), "not_in_conflict");
}

#[test]
fn of_a_change_that_is_given_up_nothing_is_left() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    there(&mut world, &[("state", "3")]);
    let item = items(&mut world)[0].id.clone();
    let events = world.run(|tx| resolve(tx, "incident", ID, &Choice::Theirs)).unwrap().1;
    let receipts = receipts(&events);
    assert_eq!((receipts[0].item.as_str(), receipts[0].state), (item.as_str(), Settled::Discarded));
    let record = record(&mut world);
    assert_eq!((record.fields["state"].as_str(), record.items, record.base), ("3", vec![], None));
    // Pressed twice, or in two tabs, it is as it is.
    let before = self::record(&mut world);
    for choice in [Choice::Theirs, Choice::Mine, Choice::Fields(fields_of(&[]))] {
        say(&mut world, choice).unwrap();
        assert_eq!(self::record(&mut world), before);
    }
    // A time that was only to go along does not go alone.
    assert!(!record.fields.contains_key("u_acted_at"));
}

#[test]
fn it_is_neither_sent_nor_tried_nor_in_the_way_of_what_does_not_wait_for_it() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    let lost = items(&mut world)[0].id.clone();
    let error = ItemError { status: 0, message: "cut".to_owned(), detail: None };
    let unknown = Answer::Unknown { error, wait_ms: None };
    world.answer(&lost, &unknown);
    there(&mut world, &[("state", "3")]);
    let item = items(&mut world).remove(0);
    assert_eq!((item.state, item.is_in_conflict()), (ItemState::Unknown, true));
    let error = world.run(|tx| hand::retry(tx, &lost, None)).unwrap_err();
    assert_eq!(error.code(), "not_editable");
    // Said again, it is said anew: under its old key it would be taken for done.
    say(&mut world, Choice::Mine).unwrap();
    let again = items(&mut world).remove(0);
    assert_eq!((again.state, again.sent_at), (ItemState::Queued, None));
    assert_ne!(again.idempotency_key, item.idempotency_key);
}

#[test]
fn what_goes_before_a_deletion_asks_nobody() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    let lost = items(&mut world)[0].id.clone();
    let error = ItemError { status: 0, message: "cut".to_owned(), detail: None };
    world.answer(&lost, &Answer::Unknown { error, wait_ms: None });
    there(&mut world, &[("state", "3")]);
    world.run(|tx| write::delete(tx, "incident", ID)).unwrap();
    assert_eq!(open(&mut world), [[""; 0], [""; 0]]);
}

#[test]
fn an_answer_shows_what_others_have_done() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    change(&mut world, &[("work_notes", "w")]);
    change(&mut world, &[("impact", "1")]);
    let first = items(&mut world)[0].id.clone();
    // What it was changed to, the instance may have made otherwise: nobody else has.
    let row = fields_of(&[("sys_id", ID), ("state", "6"), ("impact", "2"), ("short_description", "A")]);
    world.answer(&first, &Answer::Done(Some(row)));
    assert_eq!(open(&mut world), [vec![], vec!["impact".to_owned()]]);
    assert_eq!(items(&mut world)[1].differs["impact"], "3");
}

#[test]
fn what_the_instance_puts_into_a_new_record_is_nobodys_change() {
    let answer = |stamps: [&str; 2]| {
        let mut world = world("merge");
        let (temporary, id) = world.create(&[("short_description", "A")]);
        let lease = world.send(&id);
        let later = fields_of(&[("impact", "1"), ("short_description", "B")]);
        world.run(|tx| write::update(tx, "incident", &temporary, &later)).unwrap();
        let row = fields_of(&[
            ("sys_id", "b1"),
            ("impact", "4"),
            ("short_description", "Z"),
            ("correlation_id", &temporary),
            ("sys_created_on", stamps[0]),
            ("sys_updated_on", stamps[1]),
        ]);
        let answers = [(id.clone(), Answer::Done(Some(row)))];
        world.run(|tx| receive(tx, lease, &answers)).unwrap();
        let items = world.record("incident", "b1").unwrap().items;
        world.item(&items[0]).unwrap().differs.into_keys().collect::<Vec<_>>()
    };
    let (then, later) = ("2026-01-01 00:00:00", "2026-01-01 00:00:09");
    assert_eq!(answer([then, then]), [""; 0]);
    assert_eq!(answer([then, later]), ["short_description"], "found after somebody had changed it");
}

#[test]
fn each_table_says_whose_change_stands() {
    let after = |mode: &str| {
        let mut world = world(mode);
        change(&mut world, &[("state", "2"), ("short_description", "B")]);
        there(&mut world, &[("state", "3"), ("impact", "1")]);
        let items = items(&mut world);
        let record = record(&mut world);
        let open: Vec<&str> = items[0].differs.keys().map(String::as_str).collect();
        json!([record.fields["state"], record.fields["short_description"], record.not_kept, open])
    };
    assert_eq!(after("merge"), json!(["2", "B", [], ["state"]]));
    assert_eq!(after("client"), json!(["2", "B", [], []]));
    assert_eq!(after("server"), json!(["3", "B", ["state"], []]));
    assert_eq!(after("ask"), json!(["2", "B", [], ["impact", "state"]]));
}

#[test]
fn asked_whichever_fields_it_was_theirs_is_the_record_as_a_whole() {
    let mut world = world("ask");
    change(&mut world, &[("state", "2")]);
    there(&mut world, &[("impact", "1")]);
    assert_eq!(open(&mut world), [["impact"]]);
    assert_eq!(shown(&mut world)["$sync"]["theirs"], json!({ "impact": 1 }));
    say(&mut world, Choice::Theirs).unwrap();
    assert_eq!(record(&mut world).fields["state"], "1");
    assert!(items(&mut world).is_empty());
}

#[test]
fn entries_deletions_and_what_was_refused() {
    let mut world = world("merge");
    change(&mut world, &[("work_notes", "mine")]);
    there(&mut world, &[("work_notes", "theirs"), ("state", "3")]);
    assert_eq!(open(&mut world), [[""; 0]], "entries are added to those of others");

    let mut world = self::world("merge");
    change(&mut world, &[("state", "2")]);
    let item = items(&mut world)[0].id.clone();
    world.answer(&item, &refusal());
    there(&mut world, &[("state", "3")]);
    assert_eq!(shown(&mut world)["$sync"]["state"], "refused", "that comes first");
    change(&mut world, &[("impact", "1")]);
    assert_eq!(shown(&mut world)["$sync"]["state"], "conflict", "mended, it is still asked about");

    world.run(|tx| write::delete(tx, "incident", ID)).unwrap();
    there(&mut world, &[("state", "8")]);
    assert_eq!(items(&mut world).len(), 1);
    assert_eq!(shown(&mut world)["$sync"]["state"], "deleted");
}

#[test]
fn what_the_instance_had_never_told_has_not_changed() {
    let mut world = world("ask");
    change(&mut world, &[("category", "belt")]);
    there(&mut world, &[("category", "software"), ("severity", "1")]);
    assert_eq!(open(&mut world), [[""; 0]]);
}

#[test]
fn what_the_instance_has_made_of_a_change_is_nobody_elses() {
    // Where nobody was in between, by the count.
    for (count, asked) in [("2", vec![]), ("3", vec!["impact".to_owned()])] {
        let mut world = world("merge");
        change(&mut world, &[("state", "2")]);
        change(&mut world, &[("work_notes", "w")]);
        change(&mut world, &[("impact", "1")]);
        let first = items(&mut world)[0].id.clone();
        let row = fields_of(&[("sys_id", ID), ("state", "2"), ("impact", "2"), ("sys_mod_count", count)]);
        world.answer(&first, &Answer::Done(Some(row)));
        assert_eq!(open(&mut world), [vec![], asked]);
    }
}

#[test]
fn the_question_goes_with_the_next_change_of_the_same() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    change(&mut world, &[("work_notes", "w")]);
    change(&mut world, &[("state", "4")]);
    there(&mut world, &[("state", "3")]);
    assert_eq!(open(&mut world), [vec!["state".to_owned()], vec![], vec![]]);
    let first = items(&mut world)[0].id.clone();
    world.run(|tx| hand::discard(tx, &first)).unwrap();
    assert_eq!(open(&mut world), [vec![], vec!["state".to_owned()]]);
    // What is written behind it ends it all the same, if it is what the other has written.
    change(&mut world, &[("state", "3")]);
    assert_eq!(open(&mut world).concat(), [""; 0]);
}

#[test]
fn a_reference_that_turns_out_to_be_the_same_is_no_conflict() {
    let mut world = world("merge");
    there(&mut world, &[("parent", "p0")]);
    let (temporary, id) = world.create(&[("short_description", "new")]);
    change(&mut world, &[("parent", &temporary)]);
    there(&mut world, &[("parent", "p1")]);
    assert_eq!(open(&mut world), [["parent"]]);
    let row = fields_of(&[("sys_id", "p1"), ("correlation_id", &temporary)]);
    world.answer(&id, &Answer::Done(Some(row)));
    assert_eq!(open(&mut world), [[""; 0]]);
}

#[test]
fn what_the_instance_s_word_has_overruled_is_told_until_it_is_written_anew() {
    let mut world = world("server");
    change(&mut world, &[("state", "2"), ("impact", "2")]);
    there(&mut world, &[("state", "3"), ("sys_mod_count", "2")]);
    assert_eq!(record(&mut world).not_kept, ["state"]);
    let item = items(&mut world)[0].id.clone();
    let row = fields_of(&[("sys_id", ID), ("state", "3"), ("impact", "2"), ("sys_mod_count", "3")]);
    world.answer(&item, &Answer::Done(Some(row)));
    there(&mut world, &[("state", "3"), ("impact", "2"), ("sys_mod_count", "4")]);
    assert_eq!(record(&mut world).not_kept, ["state"]);
    change(&mut world, &[("state", "2")]);
    assert_eq!(record(&mut world).not_kept, [""; 0]);
}

#[test]
fn refused_and_in_conflict_it_is_tried_again_by_being_asked_about() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    let item = items(&mut world)[0].id.clone();
    world.answer(&item, &refusal());
    there(&mut world, &[("state", "3")]);
    assert_eq!(shown(&mut world)["$sync"]["theirs"], json!({ "state": "3" }));
    world.run(|tx| hand::retry(tx, &item, None)).unwrap();
    assert_eq!(shown(&mut world)["$sync"]["state"], "conflict");
}

#[test]
fn it_leaves_with_what_the_record_is_known_to_be() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    let item = items(&mut world)[0].id.clone();
    let lease = world.run(take_lease).unwrap().0;
    let with = With { guards: true, ..With::default() };
    let claimed = world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&item), with)).unwrap().0;
    assert_eq!(claimed[0].only_at.as_deref(), Some("1"));
    assert_eq!(world.item(&item).unwrap().only_at.as_deref(), Some("1"));
}

#[test]
fn of_a_record_that_was_never_read_nothing_is_known_to_have_changed() {
    let mut world = world("ask");
    change(&mut world, &[("state", "2")]);
    // As it is where an action has made it.
    let known = fields_of(&[("sys_id", ID), ("short_description", "A")]);
    let record = Record { base: Some(known), ..record(&mut world) };
    world.run(|tx| tx.put(&record)).unwrap();
    there(&mut world, &[("sys_updated_on", "2026-01-01 00:00:00")]);
    assert_eq!(open(&mut world), [[""; 0]]);
    there(&mut world, &[("sys_updated_on", "2026-01-01 00:01:00"), ("impact", "1")]);
    assert_eq!(open(&mut world), [["impact"]]);
}

#[test]
fn what_is_remembered_under_a_key_tells_nothing_of_what_has_changed_since() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    change(&mut world, &[("work_notes", "in between")]);
    change(&mut world, &[("impact", "1")]);
    let first = items(&mut world)[0].id.clone();
    let send = |world: &mut World, answer: &Answer| {
        let lease = world.run(take_lease).unwrap().0;
        let with = With { keys: Some(Keys::default()), ..With::default() };
        world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&first), with)).unwrap();
        world.run(|tx| receive(tx, lease, &[(first.clone(), answer.clone())])).unwrap();
    };
    let error = ItemError { status: 0, message: "cut".to_owned(), detail: None };
    send(&mut world, &Answer::Unknown { error, wait_ms: None });
    there(&mut world, &[("state", "2"), ("impact", "5")]);
    let then = fields_of(&[("sys_id", ID), ("state", "2"), ("impact", "3"), ("short_description", "A")]);
    send(&mut world, &Answer::Done(Some(then)));
    let record = record(&mut world);
    assert_eq!((record.base.unwrap()["impact"].as_str(), record.outdated), ("5", true));
}

#[test]
fn what_is_still_asked_about_a_change_that_was_given_up_is_asked_about_the_next() {
    let mut world = world("ask");
    change(&mut world, &[("short_description", "B")]);
    change(&mut world, &[("work_notes", "in between")]);
    there(&mut world, &[("short_description", "C"), ("impact", "1")]);
    change(&mut world, &[("impact", "2")]);
    assert_eq!(open(&mut world).first().unwrap(), &["impact", "short_description"]);
    say(&mut world, Choice::Fields(fields_of(&[("short_description", "C")]))).unwrap();
    assert_eq!(open(&mut world), [vec![], vec!["impact".to_owned()]]);
}

#[test]
fn what_somebody_has_written_over_a_change_before_its_answer_was_made_is_his() {
    for (state, count, asked) in [("7", "2", vec![]), ("7", "3", vec!["state".to_owned()]), ("2", "3", vec![])] {
        let mut world = world("merge");
        change(&mut world, &[("state", "2")]);
        let first = items(&mut world)[0].id.clone();
        let lease = world.send(&first);
        change(&mut world, &[("state", "4")]);
        let row = fields_of(&[("sys_id", ID), ("state", state), ("sys_mod_count", count)]);
        let answers = [(first, Answer::Done(Some(row)))];
        world.run(|tx| receive(tx, lease, &answers)).unwrap();
        assert_eq!(open(&mut world), [asked], "{state} {count}");
    }
}

#[test]
fn an_entry_that_was_found_tells_the_time_of_the_record_and_no_more() {
    let mut world = world("merge");
    change(&mut world, &[("work_notes", "w")]);
    let entry = items(&mut world)[0].id.clone();
    let found = fields_of(&[("sys_updated_on", "2026-01-01 00:00:09")]);
    world.answer(&entry, &Answer::Done(Some(found)));
    let record = record(&mut world);
    assert_eq!((record.is_told(), record.updated_on().map(String::as_str)), (false, Some("2026-01-01 00:00:09")));
}

#[test]
fn an_action_that_only_names_the_record_does_not_wait_for_the_user() {
    let mut world = world("merge");
    change(&mut world, &[("state", "2")]);
    let naming = Action { name: "count".to_owned(), input: json!({ "of": ID }), ..Action::default() };
    let action = world.act(naming, |_, _| Ok(())).unwrap();
    let change = items(&mut world)[0].id.clone();
    assert_eq!(world.item(&action).unwrap().after, [change]);
    there(&mut world, &[("state", "3")]);
    assert_eq!(world.item(&action).unwrap().after, [""; 0]);
}

#[test]
fn what_does_not_stand_waits_for_nothing_any_more() {
    let mut world = world("server");
    let made = world.temporary();
    let splits = Action { name: "split".to_owned(), input: json!({ "of": ID }), ..Action::default() };
    let action = world.act(splits, |tx, id| act::create(tx, id, "incident", &made, &fields_of(&[])).map(drop)).unwrap();
    change(&mut world, &[("short_description", &format!("as {made}")), ("state", "2")]);
    world.answer(&action, &Answer::Acted(Default::default()));
    assert_eq!(world.item(&action).unwrap().state, ItemState::Unpaired);
    assert_eq!(items(&mut world)[0].after, [action]);
    there(&mut world, &[("short_description", "C")]);
    let left = items(&mut world).remove(0);
    assert_eq!((left.fields.get("short_description"), left.fields["state"].as_str(), left.after.len()), (None, "2", 0));
}

#[test]
fn what_was_refused_in_between_may_be_remembered_all_the_same() {
    for field in ["state", "work_notes"] {
        let mut world = world("merge");
        change(&mut world, &[(field, "2")]);
        let id = items(&mut world)[0].id.clone();
        let keys = Some(Keys::default());
        let send = |world: &mut World, answer: &Answer| {
            let lease = world.run(take_lease).unwrap().0;
            let with = With { keys, ..With::default() };
            let claimed = world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), with)).unwrap().0;
            assert_eq!(claimed.len(), 1);
            world.run(|tx| receive(tx, lease, &[(id.clone(), answer.clone())])).unwrap();
        };
        let error = ItemError { status: 500, message: "cut".to_owned(), detail: None };
        send(&mut world, &Answer::Unknown { error, wait_ms: None });
        send(&mut world, &refusal());
        let state = if field == "state" { "2" } else { "1" };
        let row = |count, at, impact| {
            [("state", state), ("impact", impact), ("sys_mod_count", count), ("sys_updated_on", at)]
        };
        there(&mut world, &row("3", "2026-01-01 00:01:00", "5"));
        world.run(|tx| hand::retry(tx, &id, keys)).unwrap();
        let mut then = fields_of(&row("2", "2026-01-01 00:00:00", "3"));
        then.extend(fields_of(&[("sys_id", ID), ("short_description", "A")]));
        send(&mut world, &Answer::Done(Some(then)));
        let record = record(&mut world);
        let told = record.told();
        let told = (told["impact"].as_str(), told["sys_mod_count"].as_str(), record.outdated);
        assert_eq!(told, ("5", "3", true), "{field}");
    }
}

#[test]
fn what_may_have_arrived_before_the_answer_is_nobody_elses_though_it_is_edited_since() {
    let error = ItemError { status: 0, message: "The line is cut".to_owned(), detail: None };
    let lost = Answer::Unknown { error, wait_ms: None };
    for then in [refusal(), Answer::Outdated] {
        for (now, asked) in [("2", vec![]), ("3", vec!["state".to_owned()])] {
            let mut world = world("merge");
            change(&mut world, &[("state", "2")]);
            let item = items(&mut world)[0].id.clone();
            world.answer(&item, &lost);
            world.answer(&item, &then);
            change(&mut world, &[("state", "4")]);
            assert_eq!(items(&mut world).len(), 1, "the edit is part of it");
            there(&mut world, &[("state", now), ("sys_mod_count", "2")]);
            assert_eq!(open(&mut world), [asked]);
        }
    }
}
