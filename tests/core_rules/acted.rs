//! What becomes of an action when its online step has answered.

use std::collections::BTreeSet;

use landfall::{
    core::{
        CoreError, Event, Receipt, Ref, Settled, Tx, act, acted,
        calls::{answered, calling},
        conflict::{Choice, resolve},
        hand,
        lease::take_lease,
        plan::{Keys, Known, Step, next_step},
        present::items,
        pull::take_in,
        receive::{Answer, receive},
        schema::Schema,
        stored::{Action, Again, Announced, Call, Calling, Item, ItemKind, ItemState, Part, Proofs, Record, Wanted},
        write,
    },
    wire::action::{ActionAnswer, RecordForSync},
};
use serde_json::json;

use super::support::{World, fields_of, receipts, refusal};

fn named(records: &[(&str, &str, &str)]) -> Answer {
    Answer::Acted(answer(records))
}

fn answer(records: &[(&str, &str, &str)]) -> ActionAnswer {
    let record = |(table, sys_id, temporary): &(&str, &str, &str)| RecordForSync {
        table: (*table).to_owned(),
        sys_id: (*sys_id).to_owned(),
        temp_sys_id: Some((*temporary).to_owned()).filter(|id| !id.is_empty()),
    };
    ActionAnswer { records_for_sync: records.iter().map(record).collect(), ..ActionAnswer::default() }
}

fn split() -> Action {
    Action { name: "split".to_owned(), ..Action::default() }
}

/// Runs an action that makes so many incidents.
fn splits(world: &mut World, many: usize) -> (String, Vec<String>) {
    let made: Vec<String> = (0..many).map(|_| world.temporary()).collect();
    let item = world
        .act(split(), |tx, id| {
            made.iter().try_for_each(|made| {
                act::create(tx, id, "incident", made, &fields_of(&[("description", "mine")])).map(drop)
            })
        })
        .unwrap();
    (item, made)
}

fn set(state: &str) -> landfall::wire::Fields {
    fields_of(&[("state", state)])
}

/// A row of the instance's that carries the temporary id.
fn echo(world: &mut World, sys_id: &str, temporary: &str) {
    world.pulled("incident", &[("sys_id", sys_id), ("correlation_id", temporary), ("description", "theirs")]);
}

fn wanted(world: &mut World, table: &str, sys_id: &str) -> bool {
    world.run(|tx| tx.get::<Wanted>(&Wanted::at(table, sys_id))).unwrap().0.is_some()
}

fn field(record: &Record, name: &str) -> String {
    record.fields.get(name).cloned().unwrap_or_default()
}

fn view(world: &mut World, item: &str) -> (&'static str, String, Vec<String>) {
    let item = world.item(item).unwrap();
    let view = world.run(|tx| items(tx, std::slice::from_ref(&item), None, &BTreeSet::new())).unwrap().0.remove(0);
    (view.state, view.explain, view.depends_on)
}

fn refs(of: &[(&str, &str)]) -> Vec<Ref> {
    of.iter().map(|(table, sys_id)| Ref { table: (*table).to_owned(), sys_id: (*sys_id).to_owned() }).collect()
}

#[test]
fn all_that_it_did_is_the_instances_from_then_on() {
    let mut world = World::new();
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id), ("state", "1")]);
    }
    let (one, two) = (world.temporary(), world.temporary());
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &one, &fields_of(&[("description", "mine")]))?;
            act::create(tx, id, "problem", &two, &fields_of(&[("about", &one)]))?;
            act::update(tx, id, "incident", &one, &fields_of(&[("description", &two)]))?;
            act::update(
                tx,
                id,
                "incident",
                "a1",
                &fields_of(&[("state", "7"), ("parent", &one), ("work_notes", "closed")]),
            )?;
            act::delete(tx, id, "incident", "a2")
        })
        .unwrap();
    let (pointing, other) = world.create(&[("parent", &one), ("description", &two)]);
    let later = world.run(|tx| write::update(tx, "incident", &one, &set("2"))).unwrap().0.items[1].clone();

    let mut told =
        answer(&[("incident", "b1", ""), ("problem", "b2", two.as_str()), ("problem", "a1", ""), ("gone", "b3", "")]);
    told.result = json!({ "made": 2 });
    told.records_for_sync
        .extend(answer(&[("problem", "", ""), ("problem", "a1", ""), ("task", "a1", "")]).records_for_sync);
    let (tally, events) = world.answer(&item, &Answer::Acted(told));
    assert_eq!((tally.done, tally.reconciled, tally.refused), (1, 2, 0));
    // The same id in two tables is two records; and what is no id names none.
    let records = refs(&[("incident", "b1"), ("problem", "b2"), ("incident", "a1"), ("problem", "a1"), ("gone", "b3")]);
    let receipt =
        Receipt { item: item.clone(), state: Settled::Done, records, result: Some(json!({ "made": 2 })), error: None };
    assert_eq!(receipts(&events), [receipt]);
    let reconciled = events.iter().filter(|event| matches!(event, Event::Reconciled { .. })).count();
    assert_eq!(reconciled, 2);

    assert!(world.item(&item).is_none() && world.record("incident", "a2").is_none());
    let made = world.record("incident", "b1").unwrap();
    assert_eq!(
        (made.items.clone(), field(&made, "description"), field(&made, "state")),
        (vec![later.clone()], "b2".into(), "2".into())
    );
    assert_eq!(made.base.as_ref().unwrap().get("description").map(String::as_str), Some("b2"));
    let problem = world.record("problem", "b2").unwrap();
    assert_eq!((field(&problem, "about"), problem.mentions.len(), problem.items.len()), ("b1".into(), 0, 0));
    let changed = world.record("incident", "a1").unwrap();
    assert_eq!(
        (field(&changed, "state"), field(&changed, "parent"), field(&changed, "work_notes")),
        ("7".into(), "b1".into(), String::new())
    );
    assert_eq!((changed.items.len(), changed.base), (0, None));
    // What points to them from elsewhere, and what was changed since, goes now.
    let from = world.item(&other).unwrap();
    assert_eq!(
        (from.fields["parent"].as_str(), from.fields["description"].as_str(), from.is_held()),
        ("b1", "b2", false)
    );
    assert_eq!(field(&world.record("incident", &pointing).unwrap(), "parent"), "b1");
    let after = world.item(&later).unwrap();
    assert_eq!((after.sys_id.as_str(), after.behind), ("b1", false));
    for (table, id, is_wanted) in [
        ("incident", "b1", true),
        ("problem", "b2", true),
        ("incident", "a1", true),
        ("problem", "a1", true),
        ("incident", "a2", true),
        ("gone", "b3", false),
        ("incident", one.as_str(), false),
    ] {
        assert_eq!(wanted(&mut world, table, id), is_wanted, "{table} {id}");
    }
}

#[test]
fn no_result_is_none() {
    let mut world = World::new();
    let item = world.act(split(), |_, _| Ok(())).unwrap();
    let (_, events) = world.answer(&item, &named(&[]));
    assert_eq!(receipts(&events)[0].result, None);
}

#[test]
fn what_is_not_clear_waits_for_the_user() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let (item, made) = splits(&mut world, 2);
    let (_, behind) = world.create(&[("parent", &made[0])]);
    let (tally, events) =
        world.answer(&item, &named(&[("incident", "x", ""), ("incident", "y", ""), ("incident", "a1", "")]));
    assert_eq!((tally.done, tally.reconciled, receipts(&events).len()), (1, 0, 0));
    assert!(events.contains(&Event::Status));
    let changed =
        events.iter().find_map(|event| if let Event::Change { sys_ids, .. } = event { Some(sys_ids) } else { None });
    assert_eq!(changed.unwrap(), &made);
    let row = world.item(&item).unwrap();
    assert_eq!((row.state, row.sent_under, row.left_at), (ItemState::Unpaired, None, None));
    let sentence = format!(
        "The instance has carried out “split”, but which of its records is which made here is not clear ({}, {} of x, y, \
         a1): pair them, or discard it, which forgets those made here.",
        made[0], made[1]
    );
    assert_eq!(view(&mut world, &item), ("unpaired", sentence, vec![]));
    let (state, explain, depends_on) = view(&mut world, &behind);
    assert_eq!((state, depends_on), ("waiting", vec![item.clone()]));
    assert!(explain.ends_with("which is to be paired."), "{explain}");

    // It is not carried out again, whoever asks.
    let proofs = Proofs::default();
    let known = Known { schema: &world.schema, proofs: &proofs, keys: Some(Keys::default()), now: world.now };
    assert_eq!(next_step(&known, &row), Step::Ask);
    let refused = world.run(|tx| hand::retry(tx, &item, None)).unwrap_err();
    assert_eq!(refused.code(), "not_editable");
    let refused = world.run(|tx| hand::edit(tx, &item, &set("2"))).unwrap_err();
    assert_eq!(refused.code(), "not_editable");
    let (lease, _) = world.run(take_lease).unwrap();
    let claimed = world
        .run(|tx| landfall::core::claim::claim(tx, lease, &[], std::slice::from_ref(&item), super::support::PLAIN));
    assert_eq!(claimed.unwrap().0, []);
}

#[test]
fn nothing_named_says_so() {
    let mut world = World::new();
    let (item, _) = splits(&mut world, 1);
    world.answer(&item, &named(&[]));
    assert!(view(&mut world, &item).1.contains("its online step has named none with addRecordForSync()"));
}

#[test]
fn the_user_pairs_one_after_the_other() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let (item, made) = splits(&mut world, 3);
    let (_, queued) = world.create(&[]);
    let (done, temporary) = splits(&mut world, 1);
    world.answer(&item, &named(&[("incident", "x", ""), ("incident", "y", made[1].as_str()), ("incident", "z", "")]));
    for (of, temporary, sys_id) in [
        (&queued, made[0].as_str(), "x"),
        (&done, temporary[0].as_str(), "x"),
        (&item, made[0].as_str(), ""),
        (&item, made[0].as_str(), made[2].as_str()),
        (&item, temporary[0].as_str(), "x"),
        // Paired by itself already, or taken.
        (&item, made[1].as_str(), "x"),
        (&item, made[0].as_str(), "y"),
    ] {
        let refused = world.run(|tx| acted::pair(tx, of, temporary, sys_id)).unwrap_err();
        assert_eq!(refused.code(), "not_pairable", "{temporary} {sys_id}");
    }
    assert_eq!(
        world.run(|tx| acted::pair(tx, "none", &made[0], "x")).unwrap_err(),
        CoreError::NoSuchItem("none".to_owned())
    );
    // One that the instance has not named may be it all the same.
    world.run(|tx| acted::pair(tx, &item, &made[0], "w")).unwrap();
    assert_eq!(world.item(&item).unwrap().state, ItemState::Unpaired);
    assert!(world.record("incident", "w").is_none(), "all of them at once");
    let refused = world.run(|tx| acted::pair(tx, &item, &made[2], "w")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        CoreError::NotPairable { item: item.clone(), why: format!("w is the record made here as {}", made[0]) }
            .to_string()
    );
    let (_, events) = world.run(|tx| acted::pair(tx, &item, &made[2], "z")).unwrap();
    let records = refs(&[("incident", "w"), ("incident", "y"), ("incident", "z"), ("incident", "x")]);
    assert_eq!(receipts(&events)[0].records, records);
    for (temporary, sys_id) in made.iter().zip(["w", "y", "z"]) {
        assert_eq!(world.run(|tx| write::resolve(tx, temporary)).unwrap().0, sys_id);
        assert!(world.record("incident", sys_id).unwrap().items.is_empty());
    }
    assert!(world.item(&item).is_none());
}

#[test]
fn a_record_that_the_step_changed_may_be_the_one_it_made() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let made = world.temporary();
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[("category", "belt")]))?;
            act::update(tx, id, "incident", "a1", &set("7")).map(drop)
        })
        .unwrap();
    world.answer(&item, &named(&[("incident", "a1", "")]));
    assert_eq!(world.item(&item).unwrap().state, ItemState::Unpaired);
    world.run(|tx| acted::pair(tx, &item, &made, "a1")).unwrap();
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((record.items.len(), record.base), (0, None));
    assert!(world.item(&item).is_none() && world.record("incident", &made).is_none());
}

#[test]
fn what_the_device_holds_is_not_taken_for_what_was_made() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (item, made) = splits(&mut world, 1);
    world.answer(&item, &named(&[("task", "a1", "")]));
    assert_eq!(world.item(&item).unwrap().state, ItemState::Unpaired);
    // The same id in another table is another record.
    let (item, _) = splits(&mut world, 1);
    world.pulled("problem", &[("sys_id", "p1")]);
    world.answer(&item, &named(&[("incident", "p1", "")]));
    assert!(world.item(&item).is_none());
    assert!(world.record("incident", &made[0]).is_some());
}

#[test]
fn a_row_that_is_first_is_its_record() {
    let mut world = World::new();
    let made = [world.temporary(), world.temporary()];
    world.pulled("problem", &[("sys_id", "p1")]);
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &made[0], &fields_of(&[("description", "mine")]))?;
            act::create(tx, id, "incident", &made[1], &fields_of(&[("parent", &made[0])]))?;
            act::update(tx, id, "incident", &made[0], &fields_of(&[("parent", &made[1])]))?;
            act::update(tx, id, "problem", "p1", &fields_of(&[("first", &made[0])])).map(drop)
        })
        .unwrap();
    let lease = world.send(&item);
    echo(&mut world, "x", &made[0]);
    let record = world.record("incident", "x").unwrap();
    assert_eq!(field(&record, "parent"), "", "the instance has no temporary id");
    assert_eq!((record.items.len(), field(&record, "description"), record.base), (0, "theirs".into(), None));
    assert!(world.record("incident", &made[0]).is_none());
    let row = world.item(&item).unwrap();
    assert_eq!(
        (row.state, row.makes(), row.action.as_ref().unwrap().made().count()),
        (ItemState::Unknown, vec![("incident", made[1].as_str())], 2)
    );
    let parts = world.parts(&item);
    assert_eq!((parts[0].sys_id.as_str(), parts[0].id()), (made[0].as_str(), "x"), "it is asked for as it was");
    assert_eq!((parts[1].fields["parent"].as_str(), parts[2].fields["first"].as_str()), ("x", "x"));
    // However often they are laid anew, and whatever else is unsent of them.
    world.run(|tx| write::update(tx, "problem", "p1", &set("2"))).unwrap();
    let last = world.record("problem", "p1").unwrap().items[1].clone();
    world.run(|tx| hand::discard(tx, &last)).unwrap();
    assert_eq!(field(&world.record("problem", "p1").unwrap(), "first"), "x");
    let later = world.run(|tx| write::update(tx, "incident", "x", &set("5"))).unwrap().0.items;

    // Of the other nothing is left to guess.
    let found = named(&[("incident", "x", ""), ("incident", "y", "")]);
    let (tally, events) = world.run(|tx| receive(tx, lease, &[(item.clone(), found.clone())])).unwrap();
    assert_eq!((tally.done, tally.reconciled), (1, 1));
    assert_eq!(receipts(&events)[0].records, refs(&[("incident", "x"), ("incident", "y"), ("problem", "p1")]));
    assert_eq!(world.record("incident", "x").unwrap().items, later, "what was changed since is still unsent");
    assert_eq!(field(&world.record("incident", "y").unwrap(), "parent"), "x");
    assert_eq!(field(&world.record("problem", "p1").unwrap(), "first"), "x");
}

#[test]
fn an_own_record_whose_id_is_still_to_come_is_in_no_row_of_the_instances() {
    let mut world = World::new();
    let made = [world.temporary(), world.temporary()];
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &made[0], &fields_of(&[("state", "1")]))?;
            act::create(tx, id, "incident", &made[1], &fields_of(&[("parent", &made[0])])).map(drop)
        })
        .unwrap();
    let lease = world.send(&item);
    echo(&mut world, "y", &made[1]);
    world.run(|tx| write::update(tx, "incident", "y", &fields_of(&[("parent", ""), ("state", "2")]))).unwrap();
    let record = world.record("incident", "y").unwrap();
    assert!(!serde_json::to_string(&record.base).unwrap().contains(&made[0]), "{record:?}");
    world.run(|tx| receive(tx, lease, &[(item.clone(), named(&[("incident", "x", "")]))])).unwrap();
    assert!(world.item(&item).is_none());
}

#[test]
fn a_row_that_comes_while_the_user_is_asked_leaves_nothing_to_guess() {
    for made_at in [0, 1] {
        let mut world = World::new();
        let (item, made) = splits(&mut world, 2);
        world.answer(&item, &named(&[("incident", "x", ""), ("incident", "y", "")]));
        let row = fields_of(&[("sys_id", "x"), ("correlation_id", &made[made_at])]);
        let (_, events) = world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&row), 1)).unwrap();
        assert!(world.item(&item).is_none());
        assert_eq!(receipts(&events)[0].state, Settled::Done);
        assert_eq!(world.run(|tx| write::resolve(tx, &made[1 - made_at])).unwrap().0, "y");
        assert!(world.record("incident", "y").is_some());
    }
}

#[test]
fn a_row_that_comes_after_a_refusal_is_its_record_too_and_stays_when_it_is_discarded() {
    let mut world = World::new();
    let (item, made) = splits(&mut world, 2);
    world.answer(&item, &refusal());
    echo(&mut world, "x", &made[0]);
    let (child, pointing) = world.create(&[("parent", &made[0])]);
    assert_eq!(world.item(&pointing).unwrap().fields["parent"], "x");
    world.run(|tx| hand::discard(tx, &item)).unwrap();
    let record = world.record("incident", "x").unwrap();
    assert_eq!((field(&record, "description"), record.items.len()), ("theirs".into(), 0));
    assert!(world.record("incident", &made[1]).is_none());
    assert!(world.record("incident", &child).is_some());
}

/// It was cut short when it had made the record: what it is still to do to it would come over what the user does meanwhile.
#[test]
fn what_is_done_to_a_record_that_came_first_waits_until_the_apps_step_is_through() {
    for end in ["done", "unpaired", "discarded"] {
        for deletes in [false, true] {
            let mut world = World::new();
            let made = [world.temporary(), world.temporary()];
            let item = world
                .act(Action { by_app: true, ..split() }, |tx, id| {
                    made.iter().try_for_each(|made| act::create(tx, id, "incident", made, &set("1")).map(drop))
                })
                .unwrap();
            world.answer(&item, &Answer::NotRun { error: None, wait_ms: None });
            echo(&mut world, "x", &made[0]);
            assert_eq!(world.record("incident", "x").unwrap().items, std::slice::from_ref(&item));
            if deletes {
                world.run(|tx| write::delete(tx, "incident", "x")).unwrap();
            } else {
                world.run(|tx| write::update(tx, "incident", "x", &set("5"))).unwrap();
            }
            let items = world.record("incident", "x").unwrap().items;
            assert_eq!((items.len(), &items[0]), (2, &item));
            assert_eq!(view(&mut world, &items[1]).2, std::slice::from_ref(&item));
            assert!(!world.item(&item).unwrap().is_held());
            match end {
                "done" => drop(world.answer(&item, &named(&[("incident", "x", ""), ("incident", "y", "")]))),
                "unpaired" => drop(world.answer(&item, &named(&[("incident", "y", ""), ("incident", "z", "")]))),
                _ => drop(world.run(|tx| hand::discard(tx, &item)).unwrap()),
            }
            assert_eq!(world.item(&item).map(|item| item.state), (end == "unpaired").then_some(ItemState::Unpaired));
            let record = world.record("incident", "x").unwrap();
            assert_eq!((&record.items[..], record.deleted), (&items[1..], deletes), "{end}");
            assert_eq!(field(&record, "description"), "theirs", "{end}");
            assert!(!world.item(&items[1]).unwrap().is_held());
            assert_eq!(wanted(&mut world, "incident", "x"), end != "unpaired");
        }
    }
}

/// What a pull has told of it since is the instance's own word; what the step may have done since is nobody else's.
#[test]
fn once_the_apps_step_is_through_only_what_others_have_done_since_is_asked_about() {
    // What the instance had when the user changed it, what it has when the step is through, and then; of the step it is “mine”.
    for (before, by_then, now, asked) in [
        ("mine", "theirs", "theirs", false),
        ("", "", "mine", false),
        ("", "theirs", "mine", false),
        ("", "", "theirs", true),
        ("mine", "theirs", "theirs too", true),
    ] {
        let mut world = World::new();
        let made = world.temporary();
        let item = world
            .act(Action { by_app: true, ..split() }, |tx, id| {
                act::create(tx, id, "incident", &made, &fields_of(&[("description", "mine")])).map(drop)
            })
            .unwrap();
        world.answer(&item, &Answer::NotRun { error: None, wait_ms: None });
        let tell = |world: &mut World, is: &str, count: &str| {
            let row = [("sys_id", "x"), ("correlation_id", &made), ("description", is), ("sys_mod_count", count)];
            world.pulled("incident", &row);
        };
        tell(&mut world, before, "0");
        let own = fields_of(&[("description", "the user's")]);
        world.run(|tx| write::update(tx, "incident", "x", &own)).unwrap();
        let change = world.record("incident", "x").unwrap().items.remove(1);
        if by_then != before {
            tell(&mut world, by_then, "1");
            world.run(|tx| resolve(tx, "incident", "x", &Choice::Mine)).unwrap();
        }
        world.answer(&item, &named(&[("incident", "x", "")]));
        tell(&mut world, now, "2");
        let of = format!("{before}, {by_then}, {now}");
        assert_eq!(world.item(&change).unwrap().is_in_conflict(), asked, "{of}");
        assert_eq!(world.record("incident", "x").unwrap().acted, fields_of(&[]), "{of}: it is told");
    }
}

/// It waits for nothing of the record itself: what it is still to do to another one is all that it waits with.
#[test]
fn a_step_that_is_not_through_waits_for_no_earlier_change_of_what_it_has_made() {
    let mut world = World::new();
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id), ("state", "1")]);
    }
    let [there, other] =
        ["a1", "a2"].map(|id| world.run(|tx| write::update(tx, "incident", id, &set("2"))).unwrap().0.items.remove(0));
    let made = world.temporary();
    let item = world
        .act(Action { by_app: true, ..split() }, |tx, id| {
            act::create(tx, id, "incident", &made, &set("1"))?;
            act::update(tx, id, "incident", "a2", &set("3")).map(drop)
        })
        .unwrap();
    let edit = world.run(|tx| write::update(tx, "incident", &made, &set("4"))).unwrap().0.items.pop().unwrap();
    // Nobody knew that it is this one.
    echo(&mut world, "a1", &made);
    assert_eq!(world.record("incident", "a1").unwrap().items, [there.clone(), item.clone(), edit.clone()]);
    assert_eq!(view(&mut world, &item).2, std::slice::from_ref(&other));
    let of_both = world.act(Action { input: json!("a1"), ..split() }, |_, _| Ok(())).unwrap();
    let naming = world.act(Action { input: json!("a2"), ..split() }, |_, _| Ok(())).unwrap();
    world.answer(&there, &refusal());
    assert_eq!(world.item(&naming).unwrap().after, [other.clone(), item.clone()], "neither waits for the user");
    assert_eq!(
        world.item(&of_both).unwrap().after,
        std::slice::from_ref(&item),
        "the edit waits behind what is refused"
    );
    world.answer(&other, &Answer::Done(None));
    assert!(!world.item(&item).unwrap().is_held());
    world.answer(&item, &named(&[]));
    assert_eq!(world.record("incident", "a1").unwrap().items, [there, edit]);
}

#[test]
fn a_record_it_made_that_is_deleted_since_goes_after_it() {
    let mut world = World::new();
    let (item, made) = splits(&mut world, 1);
    world.run(|tx| write::delete(tx, "incident", &made[0])).unwrap();
    let record = world.record("incident", &made[0]).unwrap();
    assert_eq!((record.items.len(), record.deleted), (2, true));
    world.answer(&item, &named(&[("incident", "x", "")]));
    let record = world.record("incident", "x").unwrap();
    let delete = world.item(&record.items[0]).unwrap();
    assert_eq!(
        (record.deleted, delete.kind, delete.sys_id.as_str(), delete.behind),
        (true, ItemKind::Delete, "x", false)
    );
}

#[test]
fn a_refusal_loses_nothing() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let made = world.temporary();
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &set("2")).map(drop)
        })
        .unwrap();
    let later = world.run(|tx| write::update(tx, "incident", "a1", &set("3"))).unwrap().0.items[1].clone();
    let (tally, events) = world.answer(&item, &refusal());
    assert_eq!((tally.done, tally.reconciled, tally.refused), (0, 0, 1));
    let receipt = receipts(&events).remove(0);
    assert_eq!((receipt.state, receipt.records), (Settled::Refused, refs(&[("incident", &made), ("incident", "a1")])));
    let sentence = "The instance refused it (“No.”): try it again, or discard it, which undoes it here.";
    assert_eq!(view(&mut world, &item), ("refused", sentence.to_owned(), vec![]));
    let behind = "It waits for an earlier change of the same record, which the instance refused, and which you have to mend or \
                  to discard.";
    assert_eq!(view(&mut world, &later), ("waiting", behind.to_owned(), vec![item.clone()]));
    assert_eq!(world.record("incident", "a1").unwrap().items.len(), 2);
    world.run(|tx| hand::retry(tx, &item, None)).unwrap();
    assert_eq!(world.item(&item).unwrap().state, ItemState::Queued);
    world.answer(&item, &named(&[("incident", "x", "")]));
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((field(&record, "state"), record.items), ("3".into(), vec![later.clone()]));
    assert!(!world.item(&later).unwrap().behind);
}

#[test]
fn a_discard_undoes_all_that_it_did() {
    for unpaired in [false, true] {
        let mut world = World::new();
        for id in ["a1", "a2", "a3"] {
            world.pulled("incident", &[("sys_id", id), ("state", "1")]);
        }
        let made = [world.temporary(), world.temporary()];
        let first =
            world.run(|tx| write::update(tx, "incident", "a3", &fields_of(&[("impact", "2")]))).unwrap().0.items[0]
                .clone();
        if unpaired {
            world.answer(&first, &Answer::Done(None));
        }
        let item = world
            .act(split(), |tx, id| {
                act::create(tx, id, "incident", &made[0], &fields_of(&[]))?;
                act::create(tx, id, "incident", &made[1], &fields_of(&[]))?;
                act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2"), ("parent", &made[0])]))?;
                act::update(tx, id, "incident", "a3", &set("2"))?;
                act::delete(tx, id, "incident", "a2")
            })
            .unwrap();
        let later =
            world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("impact", "3")]))).unwrap().0.items[1]
                .clone();
        let on_made = world.run(|tx| write::update(tx, "incident", &made[0], &set("9"))).unwrap().0.items[1].clone();
        let (child, pointing) = world.create(&[("parent", &made[1])]);
        let about = world.act(Action { input: json!([made[0].clone()]), ..split() }, |_, _| Ok(())).unwrap();
        if unpaired {
            world.answer(&item, &named(&[("incident", "x", ""), ("incident", "", ""), ("incident", &made[0], "")]));
        }
        let (_, events) = world.run(|tx| hand::discard(tx, &item)).unwrap();
        let mut gone: Vec<String> = receipts(&events).into_iter().map(|receipt| receipt.item).collect();
        let mut expected = vec![item.clone(), on_made, pointing, about];
        gone.sort();
        expected.sort();
        assert_eq!(gone, expected, "with what depends on it, and nothing else");
        for id in [&made[0], &made[1], &child] {
            assert!(world.record("incident", id).is_none());
            assert!(world.run(|tx| tx.alias(id)).unwrap().0.unwrap().dropped);
        }
        let one = world.record("incident", "a1").unwrap();
        assert_eq!(
            (field(&one, "state"), field(&one, "parent"), field(&one, "impact")),
            ("1".into(), String::new(), "3".into())
        );
        assert_eq!(
            (one.items, one.mentions.len(), world.item(&later).unwrap().behind),
            (vec![later.clone()], 0, false)
        );
        let two = world.record("incident", "a2").unwrap();
        assert_eq!((two.deleted, two.items.len(), field(&two, "state")), (false, 0, "1".into()));
        let three = world.record("incident", "a3").unwrap();
        assert_eq!((field(&three, "state"), field(&three, "impact")), ("1".into(), "2".into()));
        assert_eq!(three.items.len(), usize::from(!unpaired));
        // Carried out there, it has touched them all the same.
        for id in ["a1", "a2", "a3", "x"] {
            assert_eq!(wanted(&mut world, "incident", id), unpaired, "{id}");
        }
        assert!(!wanted(&mut world, "incident", "") && !wanted(&mut world, "incident", &made[0]));
    }
}

#[test]
fn what_is_being_sent_is_not_discarded() {
    let mut world = World::new();
    let (item, made) = splits(&mut world, 1);
    let (_, create) = world.create(&[]);
    world.send(&item);
    assert_eq!(world.run(|tx| hand::discard(tx, &item)).unwrap_err(), CoreError::BeingSent(item.clone()));
    assert_eq!(view(&mut world, &item).0, "sending");
    assert!(world.record("incident", &made[0]).is_some() && world.item(&create).is_some());
}

#[test]
fn it_is_dropped_with_a_record_that_it_is_about_or_mentions() {
    for how in ["about", "input", "field"] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
        let (target, create) = world.create(&[]);
        let input = if how == "input" { json!(target) } else { json!({}) };
        let item = world
            .act(Action { input, ..split() }, |tx, id| {
                let parent = if how == "field" { target.as_str() } else { "" };
                act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2"), ("parent", parent)]))?;
                if how == "about" {
                    act::update(tx, id, "incident", &target, &set("2"))?;
                }
                Ok(())
            })
            .unwrap();
        world.run(|tx| hand::discard(tx, &create)).unwrap();
        assert!(world.item(&item).is_none(), "{how}");
        let record = world.record("incident", "a1").unwrap();
        assert_eq!((field(&record, "state"), record.items.len(), record.mentions.len()), ("1".into(), 0, 0), "{how}");
    }
}

#[test]
fn what_it_mentions_and_was_deleted_before_it_was_sent_is_said() {
    let mut world = World::new();
    let (target, _) = world.create(&[]);
    let item = world.act(Action { input: json!([target.clone()]), ..split() }, |_, _| Ok(())).unwrap();
    world.run(|tx| write::delete(tx, "incident", &target)).unwrap();
    let sentence = format!("It waits for the incident {target}, which was deleted before it was sent: discard this.");
    assert_eq!(view(&mut world, &item), ("waiting", sentence, vec![]));
}

#[test]
fn two_records_that_turn_out_to_be_one_are_one_to_an_action_on_both() {
    type Does = fn(&mut Tx<'_>, &str, &str) -> landfall::core::Ruled<()>;
    let cases: [(Does, ItemKind, usize); 3] = [
        (
            |tx, id, made| {
                act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")]))?;
                act::update(tx, id, "incident", made, &fields_of(&[("impact", "3")])).map(drop)
            },
            ItemKind::Update,
            2,
        ),
        (
            |tx, id, made| {
                act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")]))?;
                act::delete(tx, id, "incident", made)
            },
            ItemKind::Delete,
            0,
        ),
        (
            |tx, id, made| {
                act::delete(tx, id, "incident", "a1")?;
                act::update(tx, id, "incident", made, &fields_of(&[("impact", "3")])).map(drop)
            },
            ItemKind::Delete,
            0,
        ),
    ];
    for (does, kind, fields) in cases {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
        let (made, create) = world.create(&[]);
        let item = world.act(split(), |tx, id| does(tx, id, &made)).unwrap();
        world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
        let record = world.record("incident", "a1").unwrap();
        assert_eq!((record.items, record.deleted), (vec![item.clone()], kind == ItemKind::Delete));
        assert!(!world.item(&item).unwrap().is_held(), "it would wait for itself");
        let parts: Vec<Part> = world.parts(&item);
        assert_eq!(
            (parts.len(), parts[0].sys_id.as_str(), parts[0].kind, parts[0].fields.len()),
            (1, "a1", kind, fields)
        );
        world.answer(&item, &named(&[]));
        assert!(world.item(&item).is_none());
    }
}

#[test]
fn what_it_did_last_to_two_records_that_turn_out_to_be_one_stands() {
    for made_first in [true, false] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
        let (made, create) = world.create(&[]);
        let (first, last) = if made_first { (made.as_str(), "a1") } else { ("a1", made.as_str()) };
        let item = world
            .act(split(), |tx, id| {
                act::update(tx, id, "incident", first, &fields_of(&[("state", "2"), ("impact", "1")]))?;
                act::update(tx, id, "incident", last, &set("3")).map(drop)
            })
            .unwrap();
        world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
        let does: Vec<_> = world.parts(&item).into_iter().map(|part| (part.sys_id, part.fields)).collect();
        assert_eq!(does, [("a1".to_owned(), fields_of(&[("state", "3"), ("impact", "1")]))]);
        assert_eq!(field(&world.record("incident", "a1").unwrap(), "state"), "3");
    }
}

#[test]
fn an_action_loses_only_its_part_with_a_record_that_is_gone_there() {
    let mut world = World::new();
    for id in ["a1", "a2"] {
        world.pulled("incident", &[("sys_id", id), ("state", "1")]);
    }
    let (other, _) = world.create(&[]);
    let first = world.act(split(), |tx, id| act::update(tx, id, "incident", "a1", &set("2")).map(drop)).unwrap();
    let second = world
        .act(split(), |tx, id| {
            act::update(tx, id, "incident", "a1", &fields_of(&[("parent", &other)]))?;
            act::update(tx, id, "incident", "a2", &set("3")).map(drop)
        })
        .unwrap();
    assert!(world.item(&second).unwrap().behind);
    let gone = Item { id: first.clone(), table: "incident".to_owned(), sys_id: "a1".to_owned(), ..Item::default() };
    world.run(|tx| landfall::core::reconcile::deleted(tx, &gone)).unwrap();
    let left = world.item(&second).unwrap();
    assert_eq!(
        (left.is_held(), left.records()),
        (false, vec![("incident", "a2")]),
        "nor does it wait for what only that part mentioned"
    );
}

#[test]
fn what_was_lost_goes_again_only_where_that_does_nothing_twice() {
    let tables = json!({ "incident": { "unknown": "resend" }, "problem": {} });
    let schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    let lost = "It was sent, but the answer never came; ";
    let ask = "the instance cannot say whether it arrived";
    for (of, keyed, by_app, calling, step, sentence) in [
        (
            vec!["problem"],
            false,
            true,
            Some(Again::Probe { table: "incident".to_owned(), temporary: "tmp".to_owned() }),
            Step::Send,
            "Its online step was cut short; it is run again, and what it has done is not done again.",
        ),
        // Of the call itself the app has said nothing.
        (vec!["incident"], false, true, Some(Again::Ask), Step::Ask, ask),
        (
            vec!["incident"],
            false,
            true,
            Some(Again::Probe { table: "problem".to_owned(), temporary: "tmp".to_owned() }),
            Step::Ask,
            ask,
        ),
        // Who runs actions knows them by their keys, whatever it says of its tables.
        (
            vec!["problem"],
            false,
            false,
            None,
            Step::Send,
            "it is sent again under its key, by which the instance does nothing twice.",
        ),
        (
            vec!["problem"],
            true,
            false,
            None,
            Step::Send,
            "it is sent again under its key, by which the instance does nothing twice.",
        ),
        (
            vec!["problem"],
            true,
            true,
            Some(Again::Ask),
            Step::Send,
            "Its online step was cut short; it is run again, and what it has done is not done again.",
        ),
        (vec!["problem"], false, true, Some(Again::Ask), Step::Ask, ask),
        (
            vec!["problem"],
            false,
            true,
            None,
            Step::Send,
            "Its online step was cut short; it is run again, and what it has done is not done again.",
        ),
    ] {
        let mut world = World::new();
        world.schema = schema.clone();
        if keyed {
            world.run(|tx| tx.put(&Announced { keys: true, ttl_ms: None })).unwrap();
        }
        let part = |table: &&str| Part { table: (*table).to_owned(), sys_id: "a1".to_owned(), ..Part::default() };
        let calling = calling.map(|again| Calling { again, ..Calling::default() }).into_iter().collect();
        let action = Action { parts: of.iter().map(part).collect(), by_app, calling, ..split() };
        let item = Item {
            id: "i".to_owned(),
            kind: ItemKind::Action,
            state: ItemState::Unknown,
            sent_at: Some(world.now),
            action: Some(Box::new(action)),
            ..Item::default()
        };
        world.run(|tx| tx.put(&item)).unwrap();
        let keys = keyed.then(Keys::default);
        let proofs = Proofs::default();
        let known = Known { schema: &world.schema, proofs: &proofs, keys, now: world.now };
        assert_eq!(next_step(&known, &item), step, "{of:?} {keyed} {by_app}");
        let said = view(&mut world, "i").1;
        assert!(said.strip_prefix(lost).unwrap_or(&said).starts_with(sentence), "{said}");
        // On the user's word it goes again.
        world.run(|tx| hand::retry(tx, "i", keys)).unwrap();
        let state = if step == Step::Ask { ItemState::Queued } else { ItemState::Unknown };
        assert_eq!(world.item("i").unwrap().state, state);
    }
}

#[test]
fn a_call_is_noted_by_who_sends_and_by_nobody_else() {
    let mut world = World::new();
    let item = world.act(Action { by_app: true, ..split() }, |_, _| Ok(())).unwrap();
    let lease = world.send(&item);
    let call = Call { key: "1".to_owned(), status: 201, ..Call::default() };
    let under = |key: &str| Calling { key: key.to_owned(), ..Calling::default() };
    let noted = |world: &mut World| -> Vec<String> {
        world.item(&item).unwrap().action.unwrap().calling.into_iter().map(|calling| calling.key).collect()
    };
    for key in ["1", "2", "1"] {
        world.run(|tx| calling(tx, lease, &item, &under(key))).unwrap();
    }
    assert_eq!(noted(&mut world), ["2", "1"], "the step has taken another way, and each may be there");
    world.run(|tx| answered(tx, lease, &item, "1", Some(&call))).unwrap();
    assert_eq!(noted(&mut world), ["2"]);
    world.run(|tx| answered(tx, lease, &item, "2", None)).unwrap();
    let action = world.item(&item).unwrap().action.unwrap();
    assert_eq!((action.calling, action.calls), (vec![], vec![call]));
    assert_eq!(world.run(|tx| calling(tx, lease, "gone", &under("1"))).unwrap_err(), CoreError::LeaseLost);

    world.run(|tx| calling(tx, lease, &item, &under("3"))).unwrap();
    let (next, _) = world.run(take_lease).unwrap();
    for lease in [lease, next] {
        let late = world.run(|tx| calling(tx, lease, &item, &under("4"))).unwrap_err();
        assert_eq!(late, CoreError::LeaseLost, "it is not claimed under it");
    }
    assert_eq!(noted(&mut world), ["3"]);
}

#[test]
fn what_a_discarded_step_had_done_is_read_again() {
    for carried_out in [true, false] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
        let item = world
            .act(Action { by_app: true, ..split() }, |tx, id| {
                act::update(tx, id, "incident", "a1", &set("7")).map(drop)
            })
            .unwrap();
        let lease = world.send(&item);
        if carried_out {
            let call = Call { key: "1".to_owned(), status: 200, ..Call::default() };
            world.run(|tx| calling(tx, lease, &item, &Calling::default())).unwrap();
            world.run(|tx| answered(tx, lease, &item, "", Some(&call))).unwrap();
        }
        let no = refusal();
        world.answer(&item, &no);
        world.run(|tx| hand::discard(tx, &item)).unwrap();
        assert_eq!(wanted(&mut world, "incident", "a1"), carried_out);
    }
}

#[test]
fn a_record_it_made_that_is_one_it_changed_is_asked_for_as_it_was() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let made = world.temporary();
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &set("7")).map(drop)
        })
        .unwrap();
    let lease = world.send(&item);
    echo(&mut world, "a1", &made);
    let parts: Vec<(ItemKind, String)> = world.parts(&item).into_iter().map(|part| (part.kind, part.sys_id)).collect();
    assert_eq!(parts, [(ItemKind::Create, made), (ItemKind::Update, "a1".to_owned())]);
    world.run(|tx| receive(tx, lease, &[(item.clone(), named(&[("incident", "a1", "")]))])).unwrap();
    assert!(world.item(&item).is_none());
    assert_eq!(world.record("incident", "a1").unwrap().items.len(), 0);
}

#[test]
fn what_points_to_a_record_it_made_is_found_whatever_lay_over_it() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let made = world.temporary();
    let item = world
        .act(split(), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("parent", &made)])).map(drop)
        })
        .unwrap();
    let over = world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("parent", "")]))).unwrap().0;
    assert_eq!(over.mentions.len(), 0);
    world.run(|tx| hand::discard(tx, &over.items[1])).unwrap();
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((field(&record, "parent"), record.mentions), (made.clone(), vec![made.clone()]));
    world.send(&item);
    echo(&mut world, "x", &made);
    assert_eq!(field(&world.record("incident", "a1").unwrap(), "parent"), "x");
}

/// Without a key the call that made it may have been carried out twice.
#[test]
fn one_that_a_pull_has_brought_is_looked_for_again_where_its_call_had_no_key() {
    for keyless in [false, true] {
        let mut world = World::new();
        let made = world.temporary();
        let item =
            world.act(split(), |tx, id| act::create(tx, id, "incident", &made, &fields_of(&[])).map(drop)).unwrap();
        world
            .run(|tx| {
                let item = tx.item(&item)?.unwrap();
                tx.put(&Item { keyless, ..item })
            })
            .unwrap();
        echo(&mut world, "b1", &made);
        assert_eq!(world.run(|tx| tx.alias(&made)).unwrap().0.unwrap().unchecked, keyless);
    }
}
