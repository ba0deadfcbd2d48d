//! What each answer makes of an item, and how it is counted.

use landfall::core::{
    claim::claim,
    lease::take_lease,
    pull::take_in,
    receive::{Answer, Tally, prove_found, receive},
    stored::{Item, ItemError, ItemKind, ItemState, Proofs},
    write,
};

use super::support::{PLAIN, RESOLVES, World, fields_of, prove};

const NONE: Tally = Tally { done: 0, reconciled: 0, refused: 0, settled: 0 };

fn error(status: u16) -> ItemError {
    ItemError { status, message: String::new(), detail: None }
}

/// The tally, and the item afterwards.
fn answered(world: &mut World, id: &str, answer: &Answer) -> (Tally, Option<Item>) {
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], &[id.to_owned()], PLAIN)).unwrap();
    let tally = world.run(|tx| receive(tx, lease, &[(id.to_owned(), answer.clone())])).unwrap().0;
    (tally, world.item(id))
}

/// An update, an entry and a deletion of a record the instance has.
fn of_a_record(kind: ItemKind, journal: bool) -> (World, String) {
    let mut world = World::new();
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    if kind == ItemKind::Delete {
        world.run(|tx| write::delete(tx, "incident", "a1")).unwrap();
    } else {
        let fields = fields_of(&[(if journal { "work_notes" } else { "category" }, "x")]);
        world.run(|tx| write::update(tx, "incident", "a1", &fields)).unwrap();
    }
    let id = world.run(|tx| tx.record("incident", "a1")).unwrap().0.unwrap().items[0].clone();
    (world, id)
}

#[test]
fn what_was_done_is_counted_and_leaves() {
    let mut world = World::new();
    let (temporary, id) = world.create(&[]);
    let row = fields_of(&[("sys_id", "a1"), ("correlation_id", &temporary)]);
    let made = Tally { done: 1, reconciled: 1, ..NONE };
    assert_eq!(answered(&mut world, &id, &Answer::Done(Some(row))), (made, None));
    let (temporary, id) = world.create(&[]);
    let row = fields_of(&[("sys_id", "a2"), ("correlation_id", &temporary)]);
    assert_eq!(answered(&mut world, &id, &Answer::Found(vec![row])), (made, None));
    for (kind, journal, answer) in [
        (ItemKind::Update, false, Answer::Done(None)),
        (ItemKind::Update, true, Answer::Done(None)),
        (ItemKind::Delete, false, Answer::Done(None)),
        (ItemKind::Delete, false, Answer::Missing(error(404))),
    ] {
        let (mut world, id) = of_a_record(kind, journal);
        assert_eq!(answered(&mut world, &id, &answer), (Tally { done: 1, ..NONE }, None), "{kind:?}");
    }
}

#[test]
fn what_was_refused_is_counted_and_stays() {
    for (kind, answer) in [
        (ItemKind::Update, Answer::Refused(error(403))),
        (ItemKind::Update, Answer::Missing(error(404))),
        (ItemKind::Update, Answer::Spent(error(422))),
        (ItemKind::Delete, Answer::Refused(error(403))),
    ] {
        let (mut world, id) = of_a_record(kind, false);
        let (tally, item) = answered(&mut world, &id, &answer);
        let item = item.unwrap();
        assert_eq!((tally, item.state, item.attempts), (Tally { refused: 1, ..NONE }, ItemState::Refused, 1));
    }
}

#[test]
fn a_spent_key_speaks_of_what_the_item_was_before_it_was_changed() {
    let spent = Answer::Spent(error(422));
    for amended in [false, true] {
        let mut world = World::new();
        let (temporary, id) = world.create(&[("category", "belt")]);
        let names = amended.then(|| "category".to_owned()).into_iter().collect();
        let item = Item { amended: names, ..world.item(&id).unwrap() };
        world.run(|tx| tx.put(&item)).unwrap();
        let (tally, item) = answered(&mut world, &id, &spent);
        let item = item.unwrap();
        if amended {
            assert_eq!((tally, item.state, item.sent_at), (NONE, ItemState::Unknown, None));
            assert_ne!(item.idempotency_key, temporary, "under the old one nothing can be sent any more");
        } else {
            assert_eq!((tally, item.state), (Tally { refused: 1, ..NONE }, ItemState::Refused));
        }
        // An entry's key was its own: it is there, in the words it had then.
        let (mut world, id) = of_a_record(ItemKind::Update, true);
        let names = amended.then(|| "work_notes".to_owned()).into_iter().collect();
        let item = Item { amended: names, ..world.item(&id).unwrap() };
        world.run(|tx| tx.put(&item)).unwrap();
        let (tally, item) = answered(&mut world, &id, &spent);
        let expected = if amended { Tally { done: 1, ..NONE } } else { Tally { refused: 1, ..NONE } };
        assert_eq!((tally, item.is_none()), (expected, amended));
    }
}

#[test]
fn what_was_edited_is_remembered_until_it_is_known_that_there_is_no_record() {
    for (proof, forgotten) in [(None, false), (Some(false), false), (Some(true), true)] {
        let mut world = World::new();
        let (_, id) = world.create(&[("category", "belt")]);
        if let Some(keeps) = proof {
            world.run(|tx| prove(tx, keeps)).unwrap();
        }
        let names = ["category".to_owned()].into();
        let item = Item { amended: names, state: ItemState::Unknown, ..world.item(&id).unwrap() };
        world.run(|tx| tx.put(&item)).unwrap();
        // Its key was spent, and nothing has left under the other.
        let (lease, _) = world.run(take_lease).unwrap();
        world.run(|tx| claim(tx, lease, std::slice::from_ref(&id), &[], RESOLVES)).unwrap();
        world.run(|tx| receive(tx, lease, &[(id.clone(), Answer::Found(vec![]))])).unwrap();
        assert_eq!(world.item(&id).unwrap().amended.is_empty(), forgotten, "{proof:?}");
    }
}

#[test]
fn what_a_question_settles_is_counted_too() {
    for (answer, keeps, state, in_vain) in [
        (Answer::Found(vec![]), Some(true), ItemState::Queued, false),
        (Answer::Found(vec![]), None, ItemState::Unknown, true),
        (Answer::Absent, None, ItemState::Queued, false),
        (Answer::Untold, None, ItemState::Unknown, true),
    ] {
        let mut world = World::new();
        let (_, id) = world.create(&[]);
        if let Some(keeps) = keeps {
            world.run(|tx| prove(tx, keeps)).unwrap();
        }
        let (tally, item) = answered(&mut world, &id, &answer);
        let item = item.unwrap();
        assert_eq!((tally, item.state, item.in_vain), (Tally { settled: 1, ..NONE }, state, in_vain), "{answer:?}");
    }
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    for answer in [
        Answer::NotRun { error: None, wait_ms: None },
        Answer::Unknown { error: error(0), wait_ms: None },
        Answer::Done(None),
    ] {
        assert_eq!(answered(&mut world, &id, &answer).0, NONE, "{answer:?}");
    }
}

#[test]
fn only_what_may_go_is_claimed() {
    let mut world = World::new();
    let (parent, first) = world.create(&[]);
    let (_, second) = world.create(&[("parent", &parent)]);
    let (lease, _) = world.run(take_lease).unwrap();
    let claimed = |world: &mut World, probes: &[String], sends: &[String]| {
        let items = world.run(|tx| claim(tx, lease, probes, sends, RESOLVES)).unwrap().0;
        items.into_iter().map(|item| item.id).collect::<Vec<_>>()
    };
    let (one, both) = (std::slice::from_ref(&first), [first.clone(), second.clone()]);
    assert_eq!(claimed(&mut world, &[], &both), both);
    // Asked about, a record is not made: what waits for it does not go along.
    let held = Item { state: ItemState::Queued, ..world.item(&second).unwrap() };
    world.run(|tx| tx.put(&held)).unwrap();
    assert_eq!(claimed(&mut world, one, &both[1..]), one);
    let queued = Item { state: ItemState::Queued, ..world.item(&first).unwrap() };
    for not_now in [Item { state: ItemState::Refused, ..queued.clone() }, Item { behind: true, ..queued.clone() }] {
        world.run(|tx| tx.put(&not_now)).unwrap();
        assert_eq!(claimed(&mut world, &[], one), [""; 0], "{not_now:?}");
        assert_eq!(claimed(&mut world, one, &[]), [""; 0], "nor asked about");
    }
    world.run(|tx| tx.put(&queued)).unwrap();
    assert_eq!(claimed(&mut world, one, &[]), [""; 0], "there is nothing to ask");
}

#[test]
fn once_a_record_is_found_creates_of_its_table_are_asked_about_again() {
    let mut world = World::new();
    let (_, id) = world.create(&[]);
    let lost = Item { state: ItemState::Unknown, in_vain: true, ..world.item(&id).unwrap() };
    let others = [
        Item { id: "entry".to_owned(), kind: ItemKind::Update, journal: true, ..lost.clone() },
        Item { id: "elsewhere".to_owned(), table: "problem".to_owned(), ..lost.clone() },
    ];
    for item in others.iter().chain([&lost]) {
        world.run(|tx| tx.put(item)).unwrap();
    }
    world.run(|tx| prove_found(tx, "incident", false)).unwrap();
    assert!(world.item(&id).unwrap().in_vain);
    world.run(|tx| prove_found(tx, "incident", true)).unwrap();
    assert!(!world.item(&id).unwrap().in_vain);
    assert!(others.iter().all(|item| world.item(&item.id).unwrap().in_vain));
    let proofs = world.run(|tx| tx.fact::<Proofs>()).unwrap().0;
    assert_eq!(proofs.finds.get("incident"), Some(&true));
}
