//! The user's hand on an item.

use landfall::{
    core::{
        CoreError, Ruled, Tx, act, acted,
        claim::claim,
        hand,
        lease::{Stood, give_lease_back, renew_lease, take_lapsed_lease, take_lease},
        plan::Keys,
        pull::take_in,
        receive::{Answer, receive},
        schema::Schema,
        stored::{Action, Item, ItemError, ItemKind, ItemState, LEASE_MS},
        write,
    },
    wire::Fields,
};
use serde_json::json;

use super::support::{PLAIN, RESOLVES, World, fields_of, prove};

#[test]
fn what_is_being_sent_is_neither_dropped_nor_changed_and_nothing_of_the_attempt_stays() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (_, second) = world.create(&[("parent", &parent)]);
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], &[first.clone(), second.clone()], RESOLVES)).unwrap();
    let late = CoreError::BeingSent(second.clone());
    assert_eq!(world.run(|tx| hand::edit(tx, &second, &Fields::new())).unwrap_err(), late);
    assert_eq!(world.run(|tx| hand::discard(tx, &second)).unwrap_err(), late);

    // One of what depends on it is under way: none of it goes.
    let said_no = Answer::Refused(ItemError { status: 403, message: String::new(), detail: None });
    world.run(|tx| receive(tx, lease, &[(first.clone(), said_no.clone())])).unwrap();
    assert_eq!(world.run(|tx| hand::discard(tx, &first)).unwrap_err(), late);
    assert_eq!(world.item(&first).unwrap().state, ItemState::Refused);

    world.run(|tx| give_lease_back(tx, lease)).unwrap();
    world.run(|tx| hand::discard(tx, &first)).unwrap();
    assert_eq!((world.item(&first), world.item(&second)), (None, None));
}

#[test]
fn who_was_taken_for_dead_by_the_user_s_hand_sends_nothing_more() {
    let retry: fn(&mut Tx<'_>, &str) -> Ruled<()> = |tx, id| hand::retry(tx, id, None);
    // Where it can be asked about, too: what a frozen sender was answered was asked too early to be worth anything.
    for (hand, asked_in_vain) in
        [(hand::discard as fn(&mut Tx<'_>, &str) -> Ruled<()>, false), (retry, false), (retry, true)]
    {
        let mut world = World::new();
        let (_, item) = world.create(&[]);
        let (lease, _) = world.run(take_lease).unwrap();
        world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
        if asked_in_vain {
            world.run(|tx| prove(tx, false)).unwrap();
        }
        world.run(|tx| hand(tx, &item)).unwrap_or_default();
        world.run(|tx| renew_lease(tx, lease)).expect("it lives");
        world.now += LEASE_MS;
        world.run(|tx| hand(tx, &item)).unwrap();
        assert_eq!(world.run(|tx| renew_lease(tx, lease)).unwrap_err(), CoreError::LeaseLost);
        // Nobody has come in its place.
        assert!(world.run(|tx| take_lapsed_lease(tx, Stood::default(), false)).unwrap().0.is_some());
    }
}

#[test]
fn what_another_sender_has_left_behind_takes_nothing_from_who_sends_now() {
    let mut world = World::new();
    let (_, item) = world.create(&[]);
    let (killed, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, killed, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
    let (now, _) = world.run(take_lease).unwrap();
    world.run(|tx| hand::discard(tx, &item)).unwrap();
    world.run(|tx| renew_lease(tx, now)).unwrap();
}

#[test]
fn a_retry_asks_first_wherever_the_instance_can_be_asked() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (_, second) = world.create(&[("parent", &parent)]);
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], &[first.clone(), second.clone()], RESOLVES)).unwrap();
    world.run(|tx| give_lease_back(tx, lease)).unwrap();
    world.run(|tx| hand::retry(tx, &second, Some(Keys::default()))).unwrap();
    assert_eq!(world.item(&second).unwrap().state, ItemState::Unknown);
}

#[test]
fn an_entry_edited_into_a_create_goes_with_it_unless_that_has_left_before() {
    let entry = fields_of(&[("work_notes", "called back")]);
    let said_no = Answer::Refused(ItemError { status: 403, message: String::new(), detail: None });
    let not_run = Answer::NotRun { error: None, wait_ms: None };
    // What the first request was answered, and how many items there are after the edit.
    for (answer, items) in [(None, 1), (Some(said_no), 1), (Some(not_run), 2)] {
        let mut world = World::new();
        let (temporary, item) = world.create(&[("category", "belt")]);
        let (lease, _) = world.run(take_lease).unwrap();
        if let Some(answer) = answer {
            world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&item), PLAIN)).unwrap();
            world.run(|tx| receive(tx, lease, &[(item.clone(), answer.clone())])).unwrap();
        }
        world.run(|tx| hand::edit(tx, &item, &entry)).unwrap();
        let record = world.run(|tx| tx.record("incident", &temporary)).unwrap().0.unwrap();
        assert_eq!(
            (record.items.len(), world.item(&item).unwrap().fields.contains_key("work_notes")),
            (items, items == 1)
        );
    }
}

#[test]
fn an_edited_entry_is_still_the_same_item() {
    let mut world = World::new();
    let (temporary, _) = world.create(&[]);
    let note = fields_of(&[("work_notes", "called")]);
    let (record, _) = world.run(|tx| write::update(tx, "incident", &temporary, &note)).unwrap();
    let entry = record.items[1].clone();
    world.run(|tx| hand::edit(tx, &entry, &fields_of(&[("work_notes", "called back")]))).unwrap();
    assert_eq!(world.item(&entry).unwrap().fields["work_notes"], "called back");
    let record = world.run(|tx| tx.record("incident", &temporary)).unwrap().0.unwrap();
    assert_eq!(record.items.len(), 2);
}

#[test]
fn a_create_that_goes_again_on_the_user_s_word_may_have_been_made_before() {
    for (kind, state, may_be) in [
        (ItemKind::Create, ItemState::Unknown, true),
        (ItemKind::Create, ItemState::Refused, false),
        (ItemKind::Update, ItemState::Unknown, false),
    ] {
        let mut world = World::new();
        let (_, id) = world.create(&[]);
        let journal = kind == ItemKind::Update;
        let item = Item { kind, state, journal, in_vain: true, ..world.item(&id).unwrap() };
        world.run(|tx| tx.put(&item)).unwrap();
        world.run(|tx| hand::retry(tx, &id, None)).unwrap();
        let again = world.item(&id).unwrap();
        assert_eq!((again.state, again.may_be_made), (ItemState::Queued, may_be), "{kind:?} {state:?}");
    }
}

#[test]
fn a_create_edited_to_point_to_a_younger_record_lets_go_of_the_older_one() {
    let mut world = World::new();
    let (older, first) = world.create(&[]);
    let (child, create) = world.create(&[("parent", &older)]);
    let (younger, _) = world.create(&[]);
    world.run(|tx| hand::edit(tx, &create, &fields_of(&[("parent", &younger)]))).unwrap();
    let item = world.item(&create).unwrap();
    assert_eq!((item.fields["parent"].as_str(), item.mentions.len()), ("", 0));
    let record = world.run(|tx| write::find(tx, "incident", &child)).unwrap().0;
    assert_eq!((record.fields["parent"].as_str(), record.items.len()), (younger.as_str(), 2));
    world.run(|tx| hand::discard(tx, &first)).unwrap();
    assert!(world.item(&create).is_some(), "it no longer points to what was dropped");
}

#[test]
fn a_change_of_a_record_that_stays_only_loses_what_pointed_to_the_dropped_one() {
    for (change, left) in [
        (vec![("state", "6")], Some(vec![("state", "6")])),
        (vec![("description", "see above")], Some(vec![("description", "see above")])),
        // The field that names the table of a reference goes with it.
        (vec![("about_table", "problem"), ("about", "it"), ("state", "6")], Some(vec![("state", "6")])),
        (vec![("u_acted_at", "2026-01-01 00:00:00")], None),
        (vec![("description", "it")], None),
    ] {
        let mut world = World::new();
        let tables = json!({
            "problem": {},
            "incident": {
                "references": { "parent": "problem", "about": { "table": "about_table" } },
                "actedAtField": "u_acted_at",
            },
        });
        world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
        world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1"), ("state", "1")])], 1)).unwrap();
        let (target, create) = world.create_in("problem", &[]);
        let value = |value: &str| if value == "it" { target.clone() } else { value.to_owned() };
        let mut fields = fields_of(&[("parent", &target)]);
        fields.extend(change.iter().map(|(name, text)| ((*name).to_owned(), value(text))));
        let item = world.run(|tx| write::update(tx, "incident", "a1", &fields)).unwrap().0.items[0].clone();
        world.run(|tx| hand::discard(tx, &create)).unwrap();
        let record = world.run(|tx| write::find(tx, "incident", "a1")).unwrap().0;
        let Some(left) = left else {
            assert_eq!((world.item(&item), record.items.len()), (None, 0), "{change:?}");
            continue;
        };
        let mut stays = world.item(&item).unwrap();
        stays.fields.remove("u_acted_at");
        assert_eq!((stays.mentions.len(), &stays.fields), (0, &fields_of(&left)), "{change:?}");
        assert_eq!((record.fields.get("parent"), record.mentions.len()), (None, 0));
        assert_eq!(record.items, [item]);
    }
}

#[test]
fn an_entry_written_into_a_refused_create_that_may_be_there_is_not_lost_when_it_is() {
    let mut world = World::new();
    let (temporary, create) = world.create(&[]);
    let one = std::slice::from_ref(&create);
    let (lease, _) = world.run(take_lease).unwrap();
    let error = |status| ItemError { status, message: String::new(), detail: None };
    // Made, its answer lost; sent again, refused.
    for answer in [Answer::Unknown { error: error(0), wait_ms: None }, Answer::Refused(error(409))] {
        world.run(|tx| claim(tx, lease, &[], one, RESOLVES)).unwrap();
        world.run(|tx| receive(tx, lease, &[(create.clone(), answer.clone())])).unwrap();
    }
    world.run(|tx| hand::edit(tx, &create, &fields_of(&[("work_notes", "called")]))).unwrap();
    let row = fields_of(&[("sys_id", "a1"), ("correlation_id", &temporary)]);
    world.run(|tx| take_in(tx, "incident", std::slice::from_ref(&row), 1)).unwrap();
    let record = world.run(|tx| write::find(tx, "incident", "a1")).unwrap().0;
    let [entry] = &record.items[..] else { panic!("{record:?}") };
    assert_eq!(world.item(entry).unwrap().fields, fields_of(&[("work_notes", "called")]));
}

/// The action waits for the entry, which would wait for what the action makes.
#[test]
fn an_entry_is_not_edited_to_mention_what_can_only_be_made_after_it() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1")]);
    let entry = |text: &str| fields_of(&[("work_notes", text)]);
    world.run(|tx| write::update(tx, "incident", "a1", &entry("rang"))).unwrap();
    let note = world.record("incident", "a1").unwrap().items.remove(0);
    let (made, other) = (world.temporary(), world.temporary());
    world
        .act(Action { name: "split".to_owned(), ..Action::default() }, |tx, id| {
            act::create(tx, id, "incident", &made, &fields_of(&[]))?;
            act::update(tx, id, "incident", "a1", &fields_of(&[("state", "2")])).map(drop)
        })
        .unwrap();
    // It waits for that action by its turn alone.
    world
        .act(Action { name: "then".to_owned(), input: json!({ "order": "a1" }), ..Action::default() }, |tx, id| {
            act::create(tx, id, "incident", &other, &fields_of(&[])).map(drop)
        })
        .unwrap();
    for id in [&made, &other] {
        let refused = world.run(|tx| hand::edit(tx, &note, &entry(&format!("see {id}")))).unwrap_err();
        assert!(matches!(&refused, CoreError::NotEditable { why, .. } if why.contains(id.as_str())), "{refused:?}");
    }
    world.run(|tx| hand::edit(tx, &note, &entry("rang twice"))).unwrap();
}

/// Deleted as one of two records, and as the other, that turned out to be one.
#[test]
fn of_two_deletions_the_one_that_is_left_still_deletes() {
    let mut world = World::new();
    world.pulled("incident", &[("sys_id", "a1"), ("state", "1")]);
    let action = Action { name: "remove".to_owned(), ..Action::default() };
    let made = world.temporary();
    let item =
        world.act(action.clone(), |tx, id| act::create(tx, id, "incident", &made, &fields_of(&[])).map(drop)).unwrap();
    world.answer(&item, &Answer::Acted(Default::default()));
    let removes = world.act(action, |tx, id| act::delete(tx, id, "incident", "a1")).unwrap();
    world.run(|tx| write::delete(tx, "incident", &made)).unwrap();
    world.run(|tx| acted::pair(tx, &item, &made, "a1")).unwrap();
    assert_eq!(world.record("incident", "a1").unwrap().items.len(), 2);
    world.run(|tx| hand::discard(tx, &removes)).unwrap();
    let left = world.record("incident", "a1").unwrap();
    assert_eq!((left.deleted, left.items.len()), (true, 1));
    world.run(|tx| hand::discard(tx, &left.items[0])).unwrap();
    assert!(!world.record("incident", "a1").unwrap().deleted);
}
