//! What is claimed, and what its answers make of it.

use landfall::{
    core::{
        CoreError,
        claim::claim,
        hand,
        lease::take_lease,
        receive::{Answer, Tally, prove_found, receive},
        retry::EXCHANGE_MS,
        stored::{ItemError, ItemState, Proofs},
        write,
    },
    wire::Fields,
};

use super::support::{PLAIN, RESOLVES, World, fields_of, prove};

#[test]
fn what_came_to_mention_an_unsent_record_since_it_was_planned_does_not_go() {
    let mut world = World::new();
    let (parent, _) = world.create(&[]);
    let (child, item) = world.create(&[("category", "belt")]);
    let (lease, _) = world.run(take_lease).unwrap();
    // Planned here; then, in another tab:
    let link = fields_of(&[("parent", &parent)]);
    world.run(|tx| write::update(tx, "incident", &child, &link)).unwrap();
    let planned = [item.clone()];
    assert_eq!(world.run(|tx| claim(tx, lease, &[], &planned, PLAIN)).unwrap().0, []);
    assert_eq!(world.run(|tx| claim(tx, lease, &[], &planned, RESOLVES)).unwrap().0, []);
    assert_eq!(world.item(&item).unwrap().state, ItemState::Queued);
}

#[test]
fn with_its_parent_before_it_a_child_may_go_where_the_instance_puts_the_id_in() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (_, second) = world.create(&[("parent", &parent)]);
    let (_, in_text) = world.create(&[("description", &format!("see {parent}"))]);
    let (lease, _) = world.run(take_lease).unwrap();
    let planned = [first.clone(), second.clone(), in_text];
    let (claimed, _) = world.run(|tx| claim(tx, lease, &[], &planned, RESOLVES)).unwrap();
    assert_eq!(claimed.iter().map(|item| &item.id).collect::<Vec<_>>(), [&first, &second]);
}

#[test]
fn a_sender_that_lost_its_lease_writes_nothing() {
    let mut world = World::new();
    let (_, item) = world.create(&[]);
    let (first, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, first, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
    let (second, _) = world.run(take_lease).unwrap();
    let late = [(item.clone(), Answer::Done(Some(fields_of(&[("sys_id", "a1")]))))];
    assert_eq!(world.run(|tx| receive(tx, first, &late)).unwrap_err(), CoreError::LeaseLost);
    // Nor does the second take an answer to what the first has sent: it asks for itself.
    world.run(|tx| receive(tx, second, &late)).unwrap();
    assert_eq!(world.item(&item).unwrap().state, ItemState::Unknown);
}

#[test]
fn a_row_that_does_not_say_which_record_it_is_makes_none_permanent() {
    let mut world = World::new();
    let (temporary, item) = world.create(&[]);
    let (lease, _) = world.run(take_lease).unwrap();
    let (another, _) = world.create(&[]);
    let anothers = fields_of(&[("sys_id", "a1"), ("correlation_id", &another)]);
    for row in [None, Some(Fields::new()), Some(fields_of(&[("sys_id", "")])), Some(anothers)] {
        world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
        let answers = [(item.clone(), Answer::Done(row))];
        world.run(|tx| receive(tx, lease, &answers)).unwrap();
        assert_eq!(world.item(&item).unwrap().state, ItemState::Unknown);
        assert_eq!(world.run(|tx| write::resolve(tx, &temporary)).unwrap().0, temporary);
    }
}

#[test]
fn a_rule_of_the_instance_may_copy_the_id_of_another_record() {
    let mut world = World::new();
    let (lease, _) = world.run(take_lease).unwrap();
    let (parent, first) = world.create(&[]);
    let (child, second) = world.create(&[]);
    let made =
        |id, sys_id: &str| (id, Answer::Done(Some(fields_of(&[("sys_id", sys_id), ("correlation_id", &parent)]))));
    for (id, sys_id, temporary) in [(first, "p1", &parent), (second, "c1", &child)] {
        world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&id), PLAIN)).unwrap();
        world.run(|tx| receive(tx, lease, &[made(id.clone(), sys_id)])).unwrap();
        assert_eq!(world.run(|tx| write::resolve(tx, temporary)).unwrap().0, sys_id);
    }
    assert_eq!(world.run(|tx| tx.fact::<Proofs>()).unwrap().0.keeps("incident"), Some(false));
}

#[test]
fn a_probes_row_counts_only_if_it_carries_the_id() {
    let mut world = World::new();
    let (temporary, item) = world.create(&[]);
    let (lease, _) = world.run(take_lease).unwrap();
    let found = |rows: &[&[(&str, &str)]]| Answer::Found(rows.iter().map(|row| fields_of(row)).collect());

    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
    // An instance that dropped the query answers with anybody's rows.
    let answers = [(item.clone(), found(&[&[("sys_id", "x"), ("correlation_id", "else")], &[("sys_id", "y")]]))];
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    // Nor does it say that there is none, before the table has shown that it keeps the id.
    let asked = world.item(&item).unwrap();
    assert_eq!((asked.state, asked.in_vain), (ItemState::Unknown, true));

    let (other, second) = world.create(&[]);
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&second), PLAIN)).unwrap();
    let kept = Answer::Done(Some(fields_of(&[("sys_id", "z"), ("correlation_id", &other)])));
    world.run(|tx| receive(tx, lease, &[(second.clone(), kept.clone())])).unwrap();
    assert!(world.item(&item).unwrap().in_vain, "who is answered a row need not find it");
    world.run(|tx| prove_found(tx, "incident", true)).unwrap();
    assert!(!world.item(&item).unwrap().in_vain, "it is asked about once more");
    let ask = std::slice::from_ref(&item);
    world.run(|tx| claim(tx, lease, ask, &[], PLAIN)).unwrap();
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    assert!(world.item(&item).unwrap().in_vain, "any rows for an answer: the query was dropped");
    let answers = [(item.clone(), Answer::Found(Vec::new()))];
    world.run(|tx| prove_found(tx, "incident", true)).unwrap();
    world.run(|tx| claim(tx, lease, ask, &[], PLAIN)).unwrap();
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    let asked = world.item(&item).unwrap();
    let until = 1_000_000 + EXCHANGE_MS;
    assert_eq!((asked.state, asked.next_attempt_at), (ItemState::Unknown, Some(until)), "it may still arrive");
    world.now = until;
    world.run(|tx| claim(tx, lease, ask, &[], PLAIN)).unwrap();
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    assert_eq!(world.item(&item).unwrap().state, ItemState::Queued);

    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
    let twin = |id, at| [("sys_id", id), ("correlation_id", temporary.as_str()), ("sys_created_on", at)];
    let answers = [(item.clone(), found(&[&twin("b", "2026-01-02 00:00:00"), &twin("a", "2026-01-03 00:00:00")]))];
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    assert_eq!(world.run(|tx| write::resolve(tx, &temporary)).unwrap().0, "b", "the oldest");
}

#[test]
fn two_records_the_instance_made_one_of_are_one_from_then_on() {
    let mut world = World::new();
    let (one, first) = world.create(&[("category", "belt")]);
    let (other, second) = world.create(&[("impact", "1")]);
    let (lease, _) = world.run(take_lease).unwrap();
    let both = [first.clone(), second.clone()];
    world.run(|tx| claim(tx, lease, &[], &both, PLAIN)).unwrap();
    let edit = fields_of(&[("category", "motor")]);
    world.run(|tx| write::update(tx, "incident", &one, &edit)).unwrap();
    let done = |id: &String| (id.clone(), Answer::Done(Some(fields_of(&[("sys_id", "a1"), ("number", "INC1")]))));
    let answers = [done(&first), done(&second)];
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    for temporary in [one, other] {
        let (record, _) = world.run(|tx| write::find(tx, "incident", &temporary)).unwrap();
        assert_eq!(record.sys_id, "a1");
        assert_eq!(record.fields["category"], "motor");
        assert_eq!(record.items.len(), 1);
    }
}

#[test]
fn a_childs_receipt_before_its_parents_leaves_the_link_to_be_found() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (child, second) = world.create(&[("parent", &parent)]);
    let (lease, _) = world.run(take_lease).unwrap();
    let both = [first.clone(), second.clone()];
    world.run(|tx| claim(tx, lease, &[], &both, RESOLVES)).unwrap();
    // The batch's answer speaks of the child only, and not of the field it was sent with.
    let answers = [(second, Answer::Done(Some(fields_of(&[("sys_id", "c1")]))))];
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    let (record, _) = world.run(|tx| write::find(tx, "incident", &child)).unwrap();
    assert_eq!((record.fields["parent"].as_str(), record.mentions), (parent.as_str(), vec![parent.clone()]));

    let answers = [(first, Answer::Done(Some(fields_of(&[("sys_id", "p1")]))))];
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    let (record, _) = world.run(|tx| write::find(tx, "incident", &child)).unwrap();
    assert_eq!((record.fields["parent"].as_str(), record.mentions.len()), ("p1", 0));
}

#[test]
fn what_is_dropped_is_mentioned_by_nobody_any_more() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (child, second) = world.create(&[("parent", &parent), ("description", "see it")]);
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], &[first.clone(), second.clone()], RESOLVES)).unwrap();
    // The child is there, with another field as the instance has it; of the parent it said no.
    let answers = [
        (second, Answer::Done(Some(fields_of(&[("sys_id", "c1")])))),
        (first.clone(), Answer::Refused(ItemError { status: 403, message: String::new(), detail: None })),
    ];
    world.run(|tx| receive(tx, lease, &answers)).unwrap();
    assert_eq!(world.run(|tx| write::find(tx, "incident", &child)).unwrap().0.mentions, [parent.as_str()]);
    world.run(|tx| hand::discard(tx, &first)).unwrap();
    let (record, _) = world.run(|tx| write::find(tx, "incident", &child)).unwrap();
    assert_eq!((record.mentions.len(), record.fields["parent"].as_str()), (0, parent.as_str()));
}

#[test]
fn an_empty_answer_is_worth_what_it_was_worth_when_it_was_asked_for() {
    let nothing = Answer::Found(Vec::new());
    // How far the clock goes before the question, and until its answer; and whether that is believed.
    for (before, until, believed) in [(59_999, 30_000, false), (60_000, 0, true), (-3_600_000, 0, false)] {
        let mut world = World::new();
        world.now = 10_000_000;
        let (_, item) = world.create(&[]);
        let ask = std::slice::from_ref(&item);
        let (lease, _) = world.run(take_lease).unwrap();
        world.run(|tx| prove(tx, true)).unwrap();
        world.run(|tx| claim(tx, lease, &[], ask, PLAIN)).unwrap();
        world.now = world.now.saturating_add_signed(before);
        world.run(|tx| claim(tx, lease, ask, &[], PLAIN)).unwrap();
        world.now += until;
        world.run(|tx| receive(tx, lease, &[(item.clone(), nothing.clone())])).unwrap();
        let asked = world.item(&item).unwrap();
        assert_eq!(asked.state == ItemState::Queued, believed, "{before} {asked:?}");
        if !believed {
            // Not for longer than that, by whatever clock.
            world.now = asked.next_attempt_at.unwrap().max(world.now);
            assert!(before > 0 || world.now == 10_000_000 - 3_600_000 + EXCHANGE_MS);
            world.run(|tx| claim(tx, lease, ask, &[], PLAIN)).unwrap();
            world.run(|tx| receive(tx, lease, &[(item.clone(), nothing.clone())])).unwrap();
            assert_eq!(world.item(&item).unwrap().state, ItemState::Queued);
        }
    }
}

#[test]
fn what_nobody_can_tell_of_is_the_user_s_only_when_it_can_no_longer_arrive() {
    let mut world = World::new();
    let (temporary, create) = world.create(&[]);
    let note = fields_of(&[("work_notes", "called")]);
    let (lease, _) = world.run(take_lease).unwrap();
    let made = Answer::Done(Some(fields_of(&[("sys_id", "a1"), ("correlation_id", &temporary)])));
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&create), PLAIN)).unwrap();
    world.run(|tx| receive(tx, lease, &[(create.clone(), made.clone())])).unwrap();
    let entry = world.run(|tx| write::update(tx, "incident", "a1", &note)).unwrap().0.items[0].clone();
    let ask = std::slice::from_ref(&entry);
    world.run(|tx| claim(tx, lease, &[], ask, PLAIN)).unwrap();
    for (later, in_vain) in [(0, false), (EXCHANGE_MS, true)] {
        world.now += later;
        world.run(|tx| claim(tx, lease, ask, &[], PLAIN)).unwrap();
        world.run(|tx| receive(tx, lease, &[(entry.clone(), Answer::Untold)])).unwrap();
        let asked = world.item(&entry).unwrap();
        assert_eq!((asked.in_vain, asked.sent_under), (in_vain, None));
    }
    // Sent again on the word of the app's options, it may be on its way again.
    world.run(|tx| claim(tx, lease, &[], ask, PLAIN)).unwrap();
    assert_eq!(world.item(&entry).unwrap().left_at, Some(world.now));
}

#[test]
fn a_round_has_moved_something_if_anything_became_known() {
    let none = Tally::default();
    assert!(!none.moved());
    for one in [Tally { done: 1, ..none }, Tally { refused: 1, ..none }, Tally { settled: 1, ..none }] {
        assert!(one.moved(), "{one:?}");
    }
    assert!(!Tally { reconciled: 1, ..none }.moved(), "it is one of those done");
}

#[test]
fn what_may_still_arrive_is_not_given_up_with_its_deletion() {
    for (later, given_up) in [(EXCHANGE_MS - 1, false), (EXCHANGE_MS, true)] {
        for deleted_first in [true, false] {
            let mut world = World::new();
            let (temporary, create) = world.create(&[]);
            let (frozen, _) = world.run(take_lease).unwrap();
            world.run(|tx| claim(tx, frozen, &[], std::slice::from_ref(&create), RESOLVES)).unwrap();
            let (lease, _) = world.run(take_lease).unwrap();
            let deletes =
                |world: &mut World| world.run(|tx| write::delete(tx, "incident", &temporary)).map(drop).unwrap();
            if deleted_first {
                deletes(&mut world);
            }
            world.now += later;
            world.run(|tx| claim(tx, lease, std::slice::from_ref(&create), &[], RESOLVES)).unwrap();
            world.run(|tx| receive(tx, lease, &[(create.clone(), Answer::Absent)])).unwrap();
            if !deleted_first {
                deletes(&mut world);
            }
            // Kept, it goes again under its key, and is deleted then.
            let left = world.item(&create).map(|item| item.state);
            assert_eq!(left, if given_up { None } else { Some(ItemState::Queued) }, "{later} {deleted_first}");
            let record = world.run(|tx| tx.record("incident", &temporary)).unwrap().0;
            assert_eq!(record.map(|record| record.items.len()), if given_up { None } else { Some(2) });
        }
    }
    // An answer says that it has arrived.
    for answer in [
        Answer::Refused(ItemError { status: 403, message: String::new(), detail: None }),
        Answer::NotRun { error: None, wait_ms: None },
    ] {
        let mut world = World::new();
        let (temporary, create) = world.create(&[]);
        let (lease, _) = world.run(take_lease).unwrap();
        world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&create), RESOLVES)).unwrap();
        world.run(|tx| receive(tx, lease, &[(create.clone(), answer.clone())])).unwrap();
        world.run(|tx| write::delete(tx, "incident", &temporary)).unwrap();
        assert_eq!(world.item(&create), None, "{answer:?}");
    }
}

#[test]
fn what_may_still_arrive_is_not_given_up_by_what_is_said_of_the_request_after_it() {
    let refused = Answer::Refused(ItemError { status: 409, message: String::new(), detail: None });
    let not_run = Answer::NotRun { error: None, wait_ms: None };
    for (answer, state) in [(refused, ItemState::Refused), (not_run, ItemState::Queued)] {
        for (later, given_up) in [(EXCHANGE_MS - 1, false), (EXCHANGE_MS, true)] {
            for deleted_first in [true, false] {
                let mut world = World::new();
                let (temporary, create) = world.create(&[]);
                let one = std::slice::from_ref(&create);
                let (killed, _) = world.run(take_lease).unwrap();
                world.run(|tx| prove(tx, true)).unwrap();
                world.run(|tx| claim(tx, killed, &[], one, RESOLVES)).unwrap();
                let (lease, _) = world.run(take_lease).unwrap();
                world.run(|tx| claim(tx, lease, one, &[], RESOLVES)).unwrap();
                world.run(|tx| receive(tx, lease, &[(create.clone(), Answer::Found(Vec::new()))])).unwrap();
                let deletes =
                    |world: &mut World| world.run(|tx| write::delete(tx, "incident", &temporary)).map(drop).unwrap();
                if deleted_first {
                    deletes(&mut world);
                }
                // It is not there, and goes again under its key. The first request is still under way, or cannot be.
                world.now += later;
                world.run(|tx| claim(tx, lease, &[], one, RESOLVES)).unwrap();
                world.run(|tx| receive(tx, lease, &[(create.clone(), answer.clone())])).unwrap();
                if !deleted_first {
                    deletes(&mut world);
                }
                let left = world.item(&create).map(|item| item.state);
                assert_eq!(left, (!given_up).then_some(state), "{later} {deleted_first}");
            }
        }
    }
}
