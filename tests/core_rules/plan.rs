//! What is chosen to be sent, and what may be done with an item.

use landfall::core::{
    plan::{Keys, Known, Plan, Step, next_step},
    stored::{Item, ItemState, Proofs},
};

use super::support::World;

fn proofs(keeps: Option<bool>, finds: Option<bool>) -> Proofs {
    let of = |proof: Option<bool>| proof.map(|proof| ("incident".to_owned(), proof)).into_iter().collect();
    Proofs { keeps: of(keeps), finds: of(finds) }
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
