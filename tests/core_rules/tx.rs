//! One run of a rule over what has been read and what it has written itself.

use landfall::core::{
    Durability, Key, Origin, StoreName, Tx, View,
    stored::{Item, mention},
};
use uuid::Uuid;

use super::support::World;

#[test]
fn what_a_rule_has_written_is_among_what_it_finds() {
    let mut world = World::new();
    let (parent, _) = world.create(&[]);
    let (_, child) = world.create(&[("parent", &parent)]);
    let new = Item { id: "new".to_owned(), mentions: vec![parent.clone()], ..Item::default() };
    let found = |tx: &mut Tx<'_>| {
        let indexed = tx.found_by(StoreName::Outbox, mention(&parent))?;
        let all = tx.keyed_by(StoreName::Outbox, Key::default())?;
        Ok((indexed.iter().map(|key| key.text(0).to_owned()).collect::<Vec<_>>(), all.len()))
    };
    assert_eq!(world.run(found).unwrap().0, (vec![child.clone()], 2));
    let (with_it, _) = world
        .run(|tx| {
            tx.put(&new)?;
            found(tx)
        })
        .unwrap();
    assert_eq!(with_it, (vec![child.clone(), "new".to_owned()], 3));
    let (without, _) = world
        .run(|tx| {
            tx.remove(Item::at(&child));
            found(tx)
        })
        .unwrap();
    assert_eq!(without, (vec!["new".to_owned()], 2));
    // Still there, and no longer found by what it does not mention any more.
    let (changed, _) = world
        .run(|tx| {
            tx.put(&Item { mentions: vec![], ..new.clone() })?;
            found(tx)
        })
        .unwrap();
    assert_eq!(changed, (vec![], 2));
}

#[test]
fn what_is_written_is_as_durable_as_was_asked_for() {
    let (world, view) = (World::new(), View::default());
    for durability in [Durability::Strict, Durability::Relaxed] {
        let mut tx = Tx::new(&world.schema, world.now, Uuid::from_u128(1), &view);
        tx.put(&Item::default()).unwrap();
        let (set, _) = tx.finish(7.0, Origin::Here, durability);
        assert_eq!((set.durability, set.puts[0].1.rev), (durability, 7.0));
    }
}
