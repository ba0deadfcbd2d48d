//! What is chosen to be sent, and what may be done with an item.

use landfall::core::{
    plan::{Keys, Known, Plan, Room, Step, is_beyond_asking, next_step, plan},
    stored::{Item, ItemKind, ItemState, Proofs},
};

use super::support::World;

fn proofs(keeps: Option<bool>, finds: Option<bool>) -> Proofs {
    let of = |proof: Option<bool>| proof.map(|proof| ("incident".to_owned(), proof)).into_iter().collect();
    Proofs { keeps: of(keeps), finds: of(finds), entries: None }
}

#[test]
fn a_create_whose_answer_was_lost_is_asked_for_where_the_table_can_tell() {
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    let item = Item { state: ItemState::Unknown, sent_at: Some(world.now), ..world.item(&id).unwrap() };
    let step = |keys: Option<Keys>, proofs: Proofs| {
        next_step(&Known { schema: &world.schema, proofs: &proofs, keys, now: world.now }, &item)
    };
    let keyed = Some(Keys::default());
    for unknown in [None, keyed] {
        assert_eq!(step(unknown, proofs(None, None)), Step::Probe, "nothing speaks against it");
        assert_eq!(step(unknown, proofs(Some(true), Some(true))), Step::Probe);
    }
    // With keys it is enough that the answers carry the id: what is not found is sent again under its key.
    assert_eq!(step(keyed, proofs(Some(true), Some(false))), Step::Probe);
    assert_eq!(step(None, proofs(Some(true), Some(false))), Step::Ask);
    assert_eq!(step(keyed, proofs(Some(false), None)), Step::Send);
    assert_eq!(step(None, proofs(Some(false), None)), Step::Ask);
}

#[test]
fn a_key_counts_as_long_as_the_instance_remembers_it() {
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    let item = Item { state: ItemState::Unknown, in_vain: true, sent_at: Some(world.now), ..world.item(&id).unwrap() };
    let proofs = proofs(Some(true), Some(true));
    let step = |ttl_ms: Option<u64>, now: u64, item: &Item| {
        next_step(&Known { schema: &world.schema, proofs: &proofs, keys: Some(Keys { ttl_ms }), now }, item)
    };
    assert_eq!(step(None, world.now + 1_000_000, &item), Step::Send);
    assert_eq!(step(Some(1_000), world.now + 999, &item), Step::Send);
    assert_eq!(step(Some(1_000), world.now + 1_000, &item), Step::Ask);
    assert_eq!(step(None, world.now, &Item { keyless: true, ..item.clone() }), Step::Ask);
    assert_eq!(step(None, world.now, &Item { sent_at: None, ..item }), Step::Ask);
}

#[test]
fn a_plan_begins_with_the_call_of_what_goes_first() {
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    let of = |group: &str, item: &Item| Item { group: Some(group.to_owned()), ..item.clone() };
    let item = world.item(&id).unwrap();
    let plan = Plan { send: vec![of("a", &item), of("b", &item)], ..Plan::default() };
    assert_eq!((plan.begins_with("a"), plan.begins_with("b")), (true, false));
    assert!(!Plan { probe: vec![item], ..plan }.begins_with("a"), "a question goes first");
}

#[test]
fn a_request_takes_as_many_as_it_may_and_more_only_of_one_call() {
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    let item = world.item(&id).unwrap();
    let proofs = proofs(Some(true), Some(true));
    let known = Known { schema: &world.schema, proofs: &proofs, keys: None, now: world.now };
    let room = Room { items: 2, group: 3, bytes: 1_000_000 };
    let of = |group: Option<&str>| Item { group: group.map(str::to_owned), ..item.clone() };
    // How many leave of these calls, and whether some had no room.
    for (groups, sent, full) in [
        (vec![None, None], 2, false),
        (vec![None, None, None], 2, true),
        (vec![Some("a"), Some("a"), Some("a")], 3, false),
        (vec![Some("a"), Some("a"), Some("a"), Some("a")], 3, true),
        (vec![Some("a"), Some("a"), None], 2, true),
        // What does not fit whole goes another time, unless it is all there is.
        (vec![None, Some("a"), Some("a")], 1, true),
    ] {
        let plan = plan(&known, groups.iter().map(|group| of(*group)).collect(), room);
        assert_eq!((plan.send.len(), plan.full), (sent, full), "{groups:?}");
    }
}

#[test]
fn an_entry_nobody_could_ask_about_may_leave_unseen_only_under_a_key() {
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    let item = world.item(&id).unwrap();
    let entry = Item { kind: ItemKind::Update, journal: true, ..item.clone() };
    let beyond = |keys: Option<Keys>, proofs: Proofs, item: &Item| {
        is_beyond_asking(&Known { schema: &world.schema, proofs: &proofs, keys, now: world.now }, item)
    };
    assert!(!beyond(Some(Keys::default()), proofs(None, None), &entry));
    assert!(beyond(None, proofs(None, None), &entry));
    assert!(!beyond(None, proofs(Some(true), Some(true)), &item), "it is found by its id");
    assert!(beyond(None, proofs(Some(false), None), &item));
    let plain = Item { kind: ItemKind::Update, ..item };
    assert!(!beyond(None, proofs(None, None), &plain), "it may be done twice");
}
