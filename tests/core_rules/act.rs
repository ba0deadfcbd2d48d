//! The offline step of a write-back action.

use landfall::core::{
    CoreError, act, hand,
    receive::Answer,
    schema::Schema,
    stored::{Action, ItemKind, ItemState},
    values::MAX_RECORD_BYTES,
    write,
};
use serde_json::{Value, json};

use super::support::{World, fields_of, refusal};

fn action(input: Value) -> Action {
    Action { name: "close".to_owned(), input, ..Action::default() }
}

/// Each part as its kind and id.
fn parts(world: &mut World, item: &str) -> Vec<(ItemKind, String)> {
    world.parts(item).into_iter().map(|part| (part.kind, part.sys_id)).collect()
}

fn text<'a>(fields: &'a landfall::wire::Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

#[test]
fn the_ids_in_an_input_are_those_that_its_records_have_now() {
    let mut world = World::new();
    let (landed, create) = world.create(&[]);
    // An id that is not ServiceNow's is still one string of JSON.
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a\"1")]))));
    let (open, _) = world.create(&[]);
    let (dropped, _) = world.create(&[]);
    world.run(|tx| write::delete(tx, "incident", &dropped)).unwrap();
    let elsewhere = "tmp_ffffffffffffffffffffffffffffffff";

    let input =
        json!({ "of": [landed.clone(), { landed.clone(): elsewhere }], "note": format!("see {open}, {landed}") });
    let item = world.act(action(input), |_, _| Ok(())).unwrap();
    let item = world.item(&item).unwrap();
    let now = json!({ "of": ["a\"1", { "a\"1": elsewhere }], "note": format!("see {open}, a\"1") });
    assert_eq!(item.action.unwrap().input, now);
    assert_eq!((item.kind, item.mentions, item.behind), (ItemKind::Action, vec![open], false));

    let field = "input".to_owned();
    let refused = world.act(action(json!([dropped.clone()])), |_, _| Ok(())).unwrap_err();
    assert_eq!(refused, CoreError::DeletedReference { field, id: dropped });
}

#[test]
fn an_input_that_could_not_be_sent_is_refused() {
    let mut world = World::new();
    let most = "x".repeat(act::MAX_INPUT_BYTES - 2);
    assert!(world.act(action(json!(most)), |_, _| Ok(())).is_ok());
    let refused = world.act(action(json!(format!("{most}x"))), |_, _| Ok(())).unwrap_err();
    assert_eq!(refused, CoreError::TooLarge { bytes: act::MAX_INPUT_BYTES + 1, most: act::MAX_INPUT_BYTES });
}

#[test]
fn all_that_a_step_does_is_one_item() {
    let mut world = World::new();
    let note = [("sys_id", "a1"), ("state", "1")];
    world.pulled("incident", &note);
    world.pulled("problem", &note);
    let (made, other) = (world.temporary(), world.temporary());
    let item = world
        .act(action(json!({})), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[("category", "belt")]))?;
            // A step that is run again finds what it has made.
            act::create(tx, id, "incident", &made, &fields_of(&[("category", "else")]))?;
            act::create(tx, id, "problem", &other, &fields_of(&[("first", &made)]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "7"), ("parent", &made)]))?;
            act::delete(tx, id, "problem", "a1")
        })
        .unwrap();
    let of = |kind, id: &str| (kind, id.to_owned());
    // The same id in two tables is two records.
    let done = [
        of(ItemKind::Create, &made),
        of(ItemKind::Create, &other),
        of(ItemKind::Update, "a1"),
        of(ItemKind::Delete, "a1"),
    ];
    assert_eq!(parts(&mut world, &item), done);
    // What it made itself it need not wait for.
    let row = world.item(&item).unwrap();
    assert!(!row.is_held() && !row.idempotency_key.is_empty(), "{row:?}");
    assert_eq!((row.queued_at, row.fields.len(), row.table.as_str()), (world.now, 0, ""));
    for (table, id) in [("incident", made.as_str()), ("problem", other.as_str()), ("incident", "a1"), ("problem", "a1")]
    {
        let record = world.record(table, id).unwrap();
        assert_eq!((record.items, record.changed_at), (vec![item.clone()], Some(world.now)), "{table} {id}");
    }
    let alias = world.run(|tx| tx.alias(&made)).unwrap().0.unwrap();
    assert!(alias.is_open() && alias.table == "incident");
    let made_here = world.record("incident", &made).unwrap();
    assert_eq!((text(&made_here.fields, "category"), made_here.base), ("belt", None));
    let changed = world.record("incident", "a1").unwrap();
    assert_eq!((text(&changed.fields, "state"), text(&changed.base.unwrap(), "state")), ("7", "1"));
    assert_eq!(changed.mentions, std::slice::from_ref(&made));
    let deleted = world.record("problem", "a1").unwrap();
    assert!(deleted.deleted && deleted.base.is_some() && !changed.deleted);
    assert_eq!(world.record("problem", &other).unwrap().mentions, [made]);
}

#[test]
fn what_a_step_does_to_one_record_is_one_part() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    world.pulled("incident", &[("sys_id", "a2"), ("state", "1")]);
    let made = world.temporary();
    let fields = |state: &str| fields_of(&[("state", state)]);
    let item = world
        .act(action(json!({})), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[("state", "1"), ("category", "belt")]))?;
            act::update(tx, id, "task", &made, &fields("2"))?;
            act::update(tx, id, "incident", "a1", &fields("2"))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "3"), ("impact", "1")]))?;
            act::update(tx, id, "incident", "a2", &fields("2"))?;
            act::delete(tx, id, "incident", "a2")?;
            act::delete(tx, id, "incident", "a2")
        })
        .unwrap();
    let parts = world.parts(&item);
    assert_eq!(parts.len(), 3);
    assert_eq!(
        (parts[0].kind, &parts[0].fields),
        (ItemKind::Create, &fields_of(&[("state", "2"), ("category", "belt")]))
    );
    assert_eq!((parts[1].kind, &parts[1].fields), (ItemKind::Update, &fields_of(&[("state", "3"), ("impact", "1")])));
    assert_eq!((parts[2].kind, parts[2].fields.len()), (ItemKind::Delete, 0));
    assert!(parts.iter().all(|part| !part.behind));
    assert_eq!(world.record("incident", "a1").unwrap().items, [item]);
    assert_eq!(world.record("incident", &made).unwrap().base, None, "the instance has never had it");
    assert_eq!(text(&world.record("incident", "a2").unwrap().base.unwrap(), "state"), "1");
}

#[test]
fn what_is_so_already_is_a_part_and_what_follows_goes_after_it() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let same = fields_of(&[("state", "1"), ("category", "")]);
    let item = world.act(action(json!({})), |tx, id| act::update(tx, id, "incident", "a1", &same).map(drop)).unwrap();
    assert_eq!(world.item(&item).unwrap().action.unwrap().parts[0].fields, same);
    world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("state", "2")]))).unwrap();
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((record.items.len(), &record.items[0]), (2, &item));
    let none = world.act(action(json!({})), |tx, id| act::update(tx, id, "incident", "a1", &fields_of(&[])).map(drop));
    assert_eq!(world.parts(&none.unwrap()), []);
}

/// Else it would clear what was saved before it, should what follows be discarded.
#[test]
fn what_can_only_follow_an_item_leaves_in_it_what_the_item_before_has_brought() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("parent", "a0")]);
    let (other, _) = world.create(&[]);
    let point = |world: &mut World, to: &str| {
        let record = world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("parent", to)]))).unwrap().0;
        record.items.last().unwrap().clone()
    };
    let first = point(&mut world, "p1");
    world.send(&first);
    let last = point(&mut world, &other);
    let made = world.temporary();
    world
        .act(action(json!({})), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop)
        })
        .unwrap();
    world.run(|tx| hand::edit(tx, &last, &fields_of(&[("parent", &made)]))).unwrap();
    let item = world.item(&last).unwrap();
    assert_eq!((text(&item.fields, "parent"), item.mentions.len()), ("p1", 0));
}

#[test]
fn what_an_action_is_to_find_in_a_record_that_it_names_goes_although_that_is_deleted() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let set = |state: &str| fields_of(&[("state", state)]);
    let before = world.run(|tx| write::update(tx, "incident", "a1", &set("2"))).unwrap().0.items;
    world.act(action(json!({ "order": "a1" })), |_, _| Ok(())).unwrap();
    world.run(|tx| write::update(tx, "incident", "a1", &set("3"))).unwrap();
    world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((record.items.len(), &record.items[..1]), (2, &before[..]));
    assert_eq!(world.item(&record.items[1]).unwrap().kind, ItemKind::Delete);
}

/// Else an order that is split and then closed would be closed first, and the split refused.
#[test]
fn an_edit_is_no_part_of_what_went_before_an_action_that_names_the_record() {
    for temporary in [false, true] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1")]);
        let id = if temporary { world.create(&[]).0 } else { "a1".to_owned() };
        let set = |world: &mut World, state: &str| {
            world.run(|tx| write::update(tx, "incident", &id, &fields_of(&[("state", state)]))).unwrap();
            world.record("incident", &id).unwrap().items.len()
        };
        assert_eq!(set(&mut world, "1"), 1);
        world.act(action(json!({ "order": id })), |_, _| Ok(())).unwrap();
        assert_eq!(set(&mut world, "2"), 2);
        assert_eq!(set(&mut world, "3"), 2);
    }
}

#[test]
fn an_entry_is_the_online_steps_to_make() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let item = world
        .act(action(json!({})), |tx, id| {
            act::update(tx, id, "incident", "a1", &fields_of(&[("work_notes", "called")])).map(drop)
        })
        .unwrap();
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((text(&record.fields, "work_notes"), record.items), ("called", vec![item]));
}

#[test]
fn what_a_step_made_and_deleted_is_gone_at_once() {
    let mut world = World::new();
    let (made, kept) = (world.temporary(), world.temporary());
    let item = world
        .act(action(json!({})), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::create(tx, id, "incident", &kept, &fields_of(&[("parent", &made)]))?;
            act::delete(tx, id, "task", &made)
        })
        .unwrap();
    assert_eq!(parts(&mut world, &item), [(ItemKind::Create, kept)]);
    assert!(world.record("incident", &made).is_none());
    assert!(world.run(|tx| tx.alias(&made)).unwrap().0.unwrap().dropped);
    assert!(!world.item(&item).unwrap().is_held(), "it would wait for ever for what will never be");
}

#[test]
fn a_step_may_not_do_what_a_write_may_not() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    world.pulled("incident", &[("sys_id", "a2"), ("correlation_id", "theirs")]);
    world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    let (unsent, _) = world.create(&[]);
    let own = fields_of(&[("correlation_id", "mine")]);
    let large = fields_of(&[("description", &"x".repeat(MAX_RECORD_BYTES))]);
    let astray = fields_of(&[("parent", "tmp_ffffffffffffffffffffffffffffffff")]);
    for (table, id, fields, code) in [
        ("incident", None, &own, "bad_field"),
        ("incident", Some(unsent.as_str()), &own, "bad_field"),
        ("incident", None, &large, "record_too_large"),
        ("incident", Some("a2"), &large, "record_too_large"),
        ("incident", None, &astray, "unknown_temporary"),
        ("incident", Some("a2"), &astray, "unknown_temporary"),
        ("incident", Some("a1"), &own, "deleted"),
        ("incident", Some("a3"), &own, "not_found"),
        ("problem", Some("a2"), &own, "wrong_table"),
    ] {
        let made = world.temporary();
        let refused = world.act(action(json!({})), |tx, item| match id {
            None => act::create(tx, item, table, &made, fields).map(drop),
            Some(id) => act::update(tx, item, table, id, fields).map(drop),
        });
        assert_eq!(refused.unwrap_err().code(), code, "{id:?}");
    }
    // Of a record of the instance's the field is the app's; and what is deleted stays so.
    let item = world
        .act(action(json!({})), |tx, id| {
            act::update(tx, id, "incident", "a2", &own)?;
            act::delete(tx, id, "incident", "a1")
        })
        .unwrap();
    assert_eq!(parts(&mut world, &item), [(ItemKind::Update, "a2".to_owned())]);
}

#[test]
fn the_time_the_user_acted_is_in_what_he_wrote() {
    let mut world = World::new();
    let tables = json!({ "incident": { "actedAtField": "u_acted_at" } });
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    world.pulled("incident", &[("sys_id", "a1")]);
    let made = world.temporary();
    let item = world
        .act(action(json!({})), |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop)
        })
        .unwrap();
    for part in world.parts(&item) {
        assert_eq!(text(&part.fields, "u_acted_at"), "1970-01-01 00:16:40");
    }
}

#[test]
fn it_waits_for_records_of_others_wherever_it_mentions_them() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let (other, create) = world.create(&[]);
    let reference = fields_of(&[("parent", &other)]);
    let made = world.temporary();
    let waiting = [
        world.act(action(json!([other.clone()])), |_, _| Ok(())),
        world.act(action(json!({})), |tx, id| act::create(tx, id, "incident", &made, &reference).map(drop)),
        world.act(action(json!({})), |tx, id| act::update(tx, id, "incident", "a1", &reference).map(drop)),
        world.act(action(json!({})), |tx, id| {
            act::update(tx, id, "incident", &other, &fields_of(&[("state", "2")])).map(drop)
        }),
        world.act(action(json!({})), |tx, id| act::delete(tx, id, "incident", &other)),
    ];
    let waiting = waiting.map(Result::unwrap);
    for id in &waiting {
        assert_eq!(world.item(id).unwrap().mentions, std::slice::from_ref(&other));
    }
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "b1")]))));
    for id in &waiting {
        let item = world.item(id).unwrap();
        assert!(item.mentions.is_empty());
        assert!(!serde_json::to_string(&item).unwrap().contains(&other), "{item:?}");
    }
    assert_eq!(parts(&mut world, &waiting[4]), [(ItemKind::Delete, "b1".to_owned())]);
    let behind = waiting.each_ref().map(|id| world.item(id).unwrap().behind);
    assert_eq!(behind, [false, false, false, false, true], "two of them are about it");
}

#[test]
fn it_goes_behind_what_is_unsent_of_any_of_its_records() {
    let mut world = World::new();
    for id in ["a1", "a2", "a3"] {
        world.pulled("incident", &[("sys_id", id)]);
    }
    let set = |state: &str| fields_of(&[("state", state)]);
    let first = world.run(|tx| write::update(tx, "incident", "a2", &set("2"))).unwrap().0.items[0].clone();
    let change = |tx: &mut landfall::core::Tx<'_>, id: &str, records: &[&str], state: &str| {
        for record in records {
            act::update(tx, id, "incident", record, &fields_of(&[("state", state)]))?;
        }
        Ok(())
    };
    let one = world.act(action(json!({})), |tx, id| change(tx, id, &["a1", "a2"], "3")).unwrap();
    let two = world.act(action(json!({})), |tx, id| change(tx, id, &["a2", "a3"], "4")).unwrap();
    let later = world.run(|tx| write::update(tx, "incident", "a2", &set("5"))).unwrap().0.items;
    assert_eq!(later[..3], [first.clone(), one.clone(), two.clone()]);
    assert_eq!(world.record("incident", "a2").unwrap().items.len(), 4, "nothing becomes part of an action");
    let behind = |world: &mut World| [&one, &two, &later[3]].map(|id| world.item(id).unwrap().behind);
    assert_eq!(behind(&mut world), [true, true, true]);
    assert_eq!(world.parts(&one).iter().map(|part| part.behind).collect::<Vec<_>>(), [false, true]);

    world.answer(&first, &Answer::Done(None));
    assert_eq!(behind(&mut world), [false, true, true]);
    world.answer(&one, &Answer::Acted(Default::default()));
    assert!(world.item(&one).is_none());
    assert_eq!([&two, &later[3]].map(|id| world.item(id).unwrap().behind), [false, true]);
    let record = world.record("incident", "a2").unwrap();
    assert_eq!((text(&record.fields, "state"), text(&record.base.unwrap(), "state")), ("5", "3"));
    world.run(|tx| hand::discard(tx, &two)).unwrap();
    assert!(!world.item(&later[3]).unwrap().behind);
}

fn run(minutes: u32, key: &str) -> Action {
    Action { consolidate: Some(key.to_owned()), ..action(json!({ "minutes": minutes })) }
}

#[test]
fn consecutive_unsent_runs_become_one_with_the_latest_input() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1"), ("minutes", "0")]);
    world.pulled("incident", &[("sys_id", "a2")]);
    world.pulled("incident", &[("sys_id", "a3")]);
    let before = world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("impact", "2")]))).unwrap().0;
    let made = [world.temporary(), world.temporary()];
    let first = world
        .act(run(1, "x"), |tx, id| {
            act::update(tx, id, "incident", "a1", &fields_of(&[("minutes", "1"), ("state", "2"), ("parent", "a2")]))?;
            act::create(tx, id, "problem", &made[0], &fields_of(&[]))?;
            act::update(tx, id, "incident", "a3", &fields_of(&[("description", &made[0])]))?;
            act::delete(tx, id, "incident", "a2")
        })
        .unwrap();
    let key = world.item(&first).unwrap().idempotency_key;
    world.now += 1_000;
    let second = world
        .act(run(2, "x"), |tx, id| {
            act::create(tx, id, "problem", &made[1], &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("minutes", "2")])).map(drop)
        })
        .unwrap();
    assert_eq!(second, first);
    let item = world.item(&first).unwrap();
    assert_eq!(
        (item.queued_at, item.behind, &item.action.as_ref().unwrap().input["minutes"]),
        (world.now, true, &json!(2))
    );
    assert_ne!(item.idempotency_key, key);
    assert_eq!(parts(&mut world, &first), [(ItemKind::Create, made[1].clone()), (ItemKind::Update, "a1".to_owned())]);
    // What the first run did is undone.
    let record = world.record("incident", "a1").unwrap();
    assert_eq!(record.items, [before.items[0].clone(), first.clone()]);
    assert_eq!(
        (text(&record.fields, "minutes"), text(&record.fields, "state"), text(&record.fields, "impact")),
        ("2", "1", "2")
    );
    assert_eq!(text(&record.base.unwrap(), "minutes"), "0");
    assert!(world.record("problem", &made[0]).is_none());
    assert!(world.run(|tx| tx.alias(&made[0])).unwrap().0.unwrap().dropped);
    for id in ["a2", "a3"] {
        let back = world.record("incident", id).unwrap();
        assert_eq!((back.items.len(), back.deleted, back.base, back.fields.len()), (0, false, None, 1), "{id}");
        assert!(back.mentions.is_empty());
    }
}

#[test]
fn runs_become_one_although_their_record_lands_in_between() {
    for known_by_its_old_id in [true, false] {
        let mut world = World::new();
        let (temporary, create) = world.create(&[]);
        let run = |id: &str, n: u64| Action {
            consolidate: Some(format!("of {id}")),
            ..action(json!({ "order": id, "minutes": n }))
        };
        let first = world.act(run(&temporary, 1), |_, _| Ok(())).unwrap();
        world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
        let id = if known_by_its_old_id { &temporary } else { "a1" };
        assert_eq!(world.act(run(id, 2), |_, _| Ok(())).unwrap(), first);
        let action = world.item(&first).unwrap().action.unwrap();
        assert_eq!(
            (action.input, action.consolidate),
            (json!({ "order": "a1", "minutes": 2 }), Some("of a1".to_owned()))
        );
    }
}

/// The one run would go where the first was: before what the user did in between.
#[test]
fn runs_stay_apart_between_which_a_record_that_they_name_was_changed() {
    // The second names another, too.
    let asks = |n: u64| {
        let more = if n == 1 { "none" } else { "a3" };
        Action { consolidate: Some("x".to_owned()), ..action(json!({ "order": "a1", "more": more, "n": n })) }
    };
    for (changed, one) in [(None, true), (Some("a1"), false), (Some("a2"), true), (Some("a3"), true)] {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1")]);
        world.pulled("incident", &[("sys_id", "a2")]);
        world.pulled("incident", &[("sys_id", "a3")]);
        world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("impact", "1")]))).unwrap();
        let first = world.act(asks(1), |_, _| Ok(())).unwrap();
        let mut before = world.item(&first).unwrap().after;
        if let Some(id) = changed {
            let change = world.run(|tx| write::update(tx, "incident", id, &fields_of(&[("state", "2")]))).unwrap();
            // What only the second names is changed before either then.
            before.extend(change.0.items.into_iter().filter(|_| id == "a3"));
        }
        let second = world.act(asks(2), |_, _| Ok(())).unwrap();
        assert_eq!(first == second, one, "{changed:?}");
        if one {
            assert_eq!(world.item(&first).unwrap().after, before);
        }
    }
}

#[test]
fn runs_stay_apart_that_are_not_alike_not_unsent_or_not_consecutive() {
    let touch = |tx: &mut landfall::core::Tx<'_>, id: &str, state: &str| {
        act::update(tx, id, "incident", "a1", &fields_of(&[("state", state)])).map(drop)
    };
    type Between = fn(&mut World, &str, &str);
    let between: [(&str, Between, bool); 9] = [
        ("nothing", |_, _, _| (), true),
        ("something else", |world, _, _| drop(world.create(&[])), true),
        ("another key", |_, _, _| (), false),
        ("none", |_, _, _| (), false),
        (
            "it has left",
            |world, item, _| {
                world.send(item);
            },
            false,
        ),
        (
            "it has left, and was not run",
            |world, item, _| drop(world.answer(item, &Answer::NotRun { error: None, wait_ms: None })),
            false,
        ),
        ("it was refused", |world, item, _| drop(world.answer(item, &refusal())), false),
        (
            "an edit",
            |world, _, _| {
                drop(world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("state", "9")]))).unwrap())
            },
            false,
        ),
        ("what points to what it made", |world, _, made| drop(world.create(&[("description", made)])), false),
    ];
    for (what, happens, one) in between {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1")]);
        let made = world.temporary();
        let first = world
            .act(run(1, "x"), |tx, id| {
                act::create(tx, id, "problem", &made, &fields_of(&[]))?;
                touch(tx, id, "2")
            })
            .unwrap();
        happens(&mut world, &first, &made);
        let next = match what {
            "another key" => run(2, "y"),
            "none" => Action { consolidate: None, ..run(2, "x") },
            _ => run(2, "x"),
        };
        let second = world.act(next, |tx, id| touch(tx, id, "3")).unwrap();
        assert_eq!(first == second, one, "{what}");
        assert_eq!(world.record("problem", &made).is_none(), one, "{what}");
    }
}

#[test]
fn a_run_of_another_action_in_between_keeps_them_apart() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let touch = |world: &mut World, action: Action, state: &str| {
        let set = fields_of(&[("state", state)]);
        world.act(action, |tx, id| act::update(tx, id, "incident", "a1", &set).map(drop)).unwrap()
    };
    let first = touch(&mut world, run(1, "x"), "2");
    let other = touch(&mut world, Action { name: "other".to_owned(), ..run(1, "x") }, "3");
    let second = touch(&mut world, run(2, "x"), "4");
    assert_eq!(world.record("incident", "a1").unwrap().items, [first, other, second.clone()]);
    // With the last of them the next becomes one.
    assert_eq!(touch(&mut world, run(3, "x"), "5"), second);
}

#[test]
fn a_record_that_is_deleted_is_first_as_the_action_is_to_find_it() {
    let mut world = World::new();
    let set = |state: &str| fields_of(&[("state", state)]);
    let (made, create) = world.create(&[]);
    let item =
        world.act(action(json!({})), |tx, id| act::update(tx, id, "incident", &made, &set("2")).map(drop)).unwrap();
    let later = world.run(|tx| write::update(tx, "incident", &made, &set("3"))).unwrap().0.items[2].clone();
    world.run(|tx| write::delete(tx, "incident", &made)).unwrap();
    let record = world.record("incident", &made).unwrap();
    assert_eq!(
        (&record.items[..2], record.items.len(), record.deleted),
        (&[create.clone(), item.clone()][..], 3, true)
    );
    assert!(world.item(&later).is_none(), "nobody is to find what was changed after it");
    assert_eq!(world.item(&record.items[2]).unwrap().kind, ItemKind::Delete);

    // Nor does it go because it is not there yet.
    world.answer(&create, &Answer::NotRun { error: None, wait_ms: None });
    assert_eq!(world.record("incident", &made).unwrap().items.len(), 3);
    world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
    world.answer(&item, &Answer::Acted(Default::default()));
    let record = world.record("incident", "a1").unwrap();
    assert_eq!((record.items.len(), record.deleted), (1, true));
    world.answer(&record.items[0], &Answer::Done(None));
    assert!(world.record("incident", "a1").is_none());
}

#[test]
fn a_change_before_an_action_goes_although_the_record_is_deleted() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let set = |state: &str| fields_of(&[("state", state)]);
    let change = world.run(|tx| write::update(tx, "incident", "a1", &set("2"))).unwrap().0.items[0].clone();
    let lease = world.send(&change);
    world.act(action(json!({})), |tx, id| act::update(tx, id, "incident", "a1", &set("3")).map(drop)).unwrap();
    world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    let not_run = Answer::NotRun { error: None, wait_ms: None };
    world.run(|tx| landfall::core::receive::receive(tx, lease, &[(change.clone(), not_run.clone())])).unwrap();
    assert_eq!(world.item(&change).unwrap().state, ItemState::Queued);
    assert_eq!(world.record("incident", "a1").unwrap().items.len(), 3);
}

#[test]
fn an_edit_that_mends_what_was_refused_is_not_undone_by_an_action_in_between() {
    for (edit, again) in [
        ("state", true),
        // It was so before, and the online step will write it.
        ("category", true),
        // The action has nothing to do with it: an order that it has closed might not take it.
        ("impact", false),
    ] {
        let mut world = World::new();
        let tables = json!({ "incident": { "actedAtField": "u_acted_at" } });
        world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
        let (made, create) = world.create(&[("state", "1")]);
        let acted = fields_of(&[("state", "2"), ("category", "")]);
        let item =
            world.act(action(json!({})), |tx, id| act::update(tx, id, "incident", &made, &acted).map(drop)).unwrap();
        for value in ["3", "4"] {
            world.answer(&create, &refusal());
            world.now += 1_000;
            world.run(|tx| write::update(tx, "incident", &made, &fields_of(&[(edit, value)]))).unwrap();
            let record = world.record("incident", &made).unwrap();
            assert_eq!(
                (&record.items[..2], record.items.len()),
                (&[create.clone(), item.clone()][..], 2 + usize::from(again))
            );
            assert!(record.items[2..].iter().all(|id| text(&world.item(id).unwrap().fields, edit) == value));
            assert_eq!(text(&world.item(&create).unwrap().fields, edit), value);
            assert_eq!(text(&record.fields, edit), value);
        }
        world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "a1")]))));
        assert_eq!(text(&world.record("incident", "a1").unwrap().fields, edit), "4");
    }
}

#[test]
fn what_goes_before_an_action_never_waits_for_what_that_makes() {
    type Does = fn(&mut World, &str, &str);
    let edit: Does = |world, _, made| {
        world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("parent", made), ("state", "3")]))).unwrap();
    };
    let by_hand: Does = |world, change, made| {
        world.run(|tx| hand::edit(tx, change, &fields_of(&[("parent", made), ("state", "3")]))).unwrap();
    };
    let refused: Does = |world, change, made| {
        world.answer(change, &refusal());
        world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("parent", made), ("state", "3")]))).unwrap();
    };
    for (does, points, state) in
        [(edit, true, None), (by_hand, true, Some("3")), (by_hand, false, Some("3")), (refused, false, Some("3"))]
    {
        let mut world = World::new();
        world.pulled("incident", &[("sys_id", "a1"), ("parent", "a0")]);
        let (other, create) = world.create(&[]);
        let parent = if points { other.as_str() } else { "" };
        let change = world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("parent", parent)]))).unwrap().0;
        let change = change.items[0].clone();
        let made = world.temporary();
        let item = world
            .act(action(json!({})), |tx, id| {
                act::create(tx, id, "incident", &made, &fields_of(&[]))?;
                act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop)
            })
            .unwrap();
        does(&mut world, &change, &made);
        let before = world.item(&change).unwrap();
        assert_eq!((before.is_held(), text(&before.fields, "parent")), (false, "a0"), "each would wait for the other");
        assert_eq!(before.fields.get("state").map(String::as_str), state);
        let record = world.record("incident", "a1").unwrap();
        assert_eq!((text(&record.fields, "parent"), record.items.len()), (made.as_str(), 3));
        assert_eq!(text(&world.item(&record.items[2]).unwrap().fields, "parent"), made);
        // One that is older it may wait for: that one waits for nobody here.
        let older = fields_of(&[("parent", &other)]);
        world.run(|tx| hand::edit(tx, &change, &older)).unwrap();
        assert_eq!(world.item(&change).unwrap().mentions, std::slice::from_ref(&other));
        world.answer(&create, &Answer::Done(Some(fields_of(&[("sys_id", "b1")]))));
        world.answer(&change, &Answer::Done(None));
        world.answer(&item, &Answer::Acted(Default::default()));
    }
}

#[test]
fn an_entry_before_an_action_keeps_its_words() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let entry = |text: &str| fields_of(&[("work_notes", text)]);
    let first = world.run(|tx| write::update(tx, "incident", "a1", &entry("called"))).unwrap().0.items[0].clone();
    world
        .act(action(json!({})), |tx, id| act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop))
        .unwrap();
    let (other, _) = world.create(&[]);
    let see = format!("see {other}");
    world.run(|tx| hand::edit(tx, &first, &entry(&see))).unwrap();
    assert_eq!(text(&world.item(&first).unwrap().fields, "work_notes"), see);
    assert_eq!(world.record("incident", "a1").unwrap().items.len(), 2);
}
