//! Where an item stands, in one plain sentence.

use std::collections::BTreeSet;

use landfall::core::{
    claim::claim,
    lease::take_lease,
    present::{Pause, items},
    pull::take_in,
    receive::{Answer, receive},
    schema::Schema,
    stored::{Announced, Item, ItemError, ItemKind, ItemState, Proofs, Record},
    write,
};
use serde_json::json;

use super::support::{PLAIN, World, fields_of, prove};

const LOST: &str = "It was sent, but the answer never came; ";
const REFUSED: &str = "which the instance refused, and which you have to mend or to discard";
const ASKED: &str = "the instance is asked about it before it is ever sent again.";
const YOURS: &str = "see whether it is there, then discard this if it is, or try it again if it is not";

/// State, sentence, whether time alone will not move it.
fn of(world: &mut World, item: &Item, pause: Option<Pause>) -> (&'static str, String) {
    let view = world.run(|tx| items(tx, std::slice::from_ref(item), pause, &BTreeSet::new())).unwrap().0.remove(0);
    (view.state, view.explain)
}

fn item(kind: ItemKind, state: ItemState) -> Item {
    let (table, sys_id) = ("incident".to_owned(), "a1".to_owned());
    Item { id: "i".to_owned(), kind, state, table, sys_id, ..Item::default() }
}

#[test]
fn what_is_due_says_what_it_waits_for() {
    let mut world = World::new();
    let queued = item(ItemKind::Update, ItemState::Queued);
    let later = Item { next_attempt_at: Some(world.now + 1), ..queued.clone() };
    let now = Item { next_attempt_at: Some(world.now), ..queued.clone() };
    // Longer than any wait: the clock has been set back since.
    let far = Item { next_attempt_at: Some(world.now + 1_000_000_000_000), ..queued.clone() };
    let past = Item { next_attempt_at: Some(world.now - 1), ..queued.clone() };
    let soon = "It goes out at the next sync.";
    let tried = "The instance could not take it yet; it is tried again at 1970-01-01T00:16:40Z.";
    for (item, pause, sentence) in [
        (&queued, None, soon),
        (&queued, Some(Pause::Backoff), soon),
        (&queued, Some(Pause::Auth), "It waits for you to sign in."),
        (&later, Some(Pause::Offline), "It waits because you chose to work offline."),
        (&later, None, tried),
        (&now, None, soon),
        (&past, None, soon),
        (&far, None, soon),
    ] {
        assert_eq!(of(&mut world, item, pause), ("queued", sentence.to_owned()));
    }
}

#[test]
fn what_was_refused_says_why_and_what_may_be_done() {
    let mut world = World::new();
    let change = "change the record and it is sent again, or discard it.";
    let again = "try it again, or discard it; what follows it on this record waits until then.";
    let gone = "the record was deleted there, or is no longer yours to change; the edit is kept until you try it again or \
                discard it.";
    let large = "it is too large for the instance; make it smaller and it is sent again, or discard it.";
    for (kind, journal, status, mend) in [
        (ItemKind::Create, false, 403, change),
        (ItemKind::Update, false, 403, change),
        (ItemKind::Update, false, 404, gone),
        (ItemKind::Create, false, 404, change),
        (ItemKind::Update, false, 413, large),
        (ItemKind::Create, false, 413, large),
        (ItemKind::Delete, false, 413, again),
        (ItemKind::Delete, false, 403, again),
        (ItemKind::Update, true, 403, again),
    ] {
        let error = Some(ItemError { status, message: " No ".to_owned(), detail: Some("Really!".to_owned()) });
        let item = Item { error, journal, ..item(kind, ItemState::Refused) };
        let sentence = format!("The instance refused it (“No. Really!”): {mend}");
        assert_eq!(of(&mut world, &item, None), ("refused", sentence), "{status} {kind:?}");
    }
    let silent = Item {
        error: Some(ItemError { status: 400, message: String::new(), detail: Some("Why?".to_owned()) }),
        ..item(ItemKind::Update, ItemState::Refused)
    };
    assert_eq!(of(&mut world, &silent, None).1, format!("The instance refused it (“Why?”): {change}"));
}

#[test]
fn a_refused_create_says_what_it_went_without() {
    let mut world = World::new();
    let (one, first) = world.create(&[]);
    let (other, _) = world.create(&[]);
    // Points to a record that is not older, and to itself: both follow.
    world.run(|tx| write::update(tx, "incident", &one, &fields_of(&[("parent", &other), ("state", "2")]))).unwrap();
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&first), PLAIN)).unwrap();
    let error = ItemError { status: 403, message: "Mandatory".to_owned(), detail: None };
    world.run(|tx| receive(tx, lease, &[(first.clone(), Answer::Refused(error.clone()))])).unwrap();
    let refused = world.item(&first).unwrap();
    let sentence = "The instance refused it (“Mandatory.”), and it went without parent, which can only follow once both records \
                    are there: change the record and it is sent again, or discard it.";
    assert_eq!(of(&mut world, &refused, None), ("refused", sentence.to_owned()));
    let update = Item { kind: ItemKind::Update, ..refused.clone() };
    assert!(!of(&mut world, &update, None).1.contains("without"));
    let with_it = Item { fields: fields_of(&[("parent", "x")]), ..refused };
    assert!(!of(&mut world, &with_it, None).1.contains("without"));
}

#[test]
fn what_was_lost_says_who_can_tell() {
    let create = item(ItemKind::Create, ItemState::Unknown);
    let entry = Item { journal: true, ..item(ItemKind::Update, ItemState::Unknown) };
    let vain = |item: &Item| Item { in_vain: true, ..item.clone() };
    let unproved = format!(
        "the instance says that it is not there, but has not shown yet that incident keeps its correlation_id, which is \
         known once another record of this table has landed: {YOURS}."
    );
    let nobody = format!("the instance cannot say whether it arrived, unless it knows it by its key: {YOURS}.");
    let twice = "it is sent again, which changes nothing twice.".to_owned();
    for (item, proof, sentence) in [
        (create.clone(), None, ASKED.to_owned()),
        (create.clone(), Some(true), ASKED.to_owned()),
        (create.clone(), Some(false), nobody.clone()),
        (vain(&create), None, unproved),
        (vain(&create), Some(true), nobody.clone()),
        (vain(&create), Some(false), nobody.clone()),
        (entry.clone(), None, ASKED.to_owned()),
        (vain(&entry), None, nobody),
        (item(ItemKind::Update, ItemState::Unknown), None, twice.clone()),
        (vain(&item(ItemKind::Update, ItemState::Unknown)), None, twice.clone()),
        (item(ItemKind::Delete, ItemState::Unknown), None, twice),
    ] {
        let mut world = World::new();
        if let Some(keeps) = proof {
            world.run(|tx| prove(tx, keeps)).unwrap();
        }
        assert_eq!(of(&mut world, &item, None), ("unknown", format!("{LOST}{sentence}")), "{item:?}");
    }
    let mut world = World::new();
    world.run(|tx| tx.put(&Proofs { finds: [("incident".to_owned(), true)].into(), ..Proofs::default() })).unwrap();
    let waits = Item { next_attempt_at: Some(world.now + 1_000), ..create };
    let at = "the instance is asked about it at 1970-01-01T00:16:41Z, before it is ever sent again.";
    for (pause, sentence) in [
        (None, at.to_owned()),
        (Some(Pause::Backoff), at.to_owned()),
        (Some(Pause::Auth), format!("once you have signed in, {ASKED}")),
        (Some(Pause::Offline), format!("once you work online again, {ASKED}")),
    ] {
        assert_eq!(of(&mut world, &waits, pause).1, format!("{LOST}{sentence}"));
    }
    let change = item(ItemKind::Update, ItemState::Unknown);
    let sentence = of(&mut world, &change, Some(Pause::Auth)).1;
    assert_eq!(sentence, format!("{LOST}once you have signed in, it is sent again, which changes nothing twice."));
    // Of what only the user can tell it makes no difference.
    let blind = Item { in_vain: true, table: "problem".to_owned(), ..item(ItemKind::Create, ItemState::Unknown) };
    assert_eq!(of(&mut world, &blind, Some(Pause::Auth)), of(&mut world, &blind, None));
}

#[test]
fn what_the_instance_knows_by_its_key_goes_again_under_it() {
    let sent = |kind| Item { sent_at: Some(1_000_000), in_vain: true, ..item(kind, ItemState::Unknown) };
    let create = sent(ItemKind::Create);
    let entry = Item { journal: true, ..sent(ItemKind::Update) };
    let keyless = |item: &Item| Item { keyless: true, ..item.clone() };
    let fresh = |item: &Item| Item { in_vain: false, ..item.clone() };
    let again = "it is sent again under its key, by which the instance does nothing twice.".to_owned();
    let nobody = format!("the instance cannot say whether it arrived: {YOURS}.");
    let unless = format!("the instance cannot say whether it arrived, unless it knows it by its key: {YOURS}.");
    for (item, keys, keeps, sentence) in [
        (create.clone(), true, true, again.clone()),
        (create.clone(), true, false, again.clone()),
        (fresh(&create), true, true, ASKED.to_owned()),
        (fresh(&create), true, false, again.clone()),
        (keyless(&create), true, true, nobody.clone()),
        (keyless(&create), false, true, nobody.clone()),
        (create, false, true, unless.clone()),
        (entry.clone(), true, true, again.clone()),
        (fresh(&entry), true, true, again),
        (fresh(&entry), false, true, ASKED.to_owned()),
        (keyless(&fresh(&entry)), true, true, ASKED.to_owned()),
        (keyless(&entry), true, true, nobody),
        (entry, false, true, unless.clone()),
    ] {
        let mut world = World::new();
        world.run(|tx| prove(tx, keeps)).unwrap();
        world.run(|tx| tx.put(&Announced { keys, ttl_ms: None })).unwrap();
        assert_eq!(of(&mut world, &item, None), ("unknown", format!("{LOST}{sentence}")), "{keys} {keeps} {item:?}");
    }
    // A table without the field, and one whose entries are sent again whatever happens.
    let tables = json!({ "incident": { "correlationField": null, "journals": ["work_notes"], "unknown": "resend" } });
    let mut world = World::new();
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    let create = sent(ItemKind::Create);
    let entry = Item { journal: true, ..sent(ItemKind::Update) };
    let twice = "it is sent again, as the app has said for this table, though it may have arrived.";
    assert_eq!(of(&mut world, &entry, None).1, format!("{LOST}{twice}"));
    assert_eq!(of(&mut world, &fresh(&create), None).1, format!("{LOST}{unless}"));
    world.run(|tx| tx.put(&Announced { keys: true, ttl_ms: None })).unwrap();
    let again = "it is sent again under its key, by which the instance does nothing twice.";
    assert_eq!(of(&mut world, &fresh(&create), None).1, format!("{LOST}{again}"));
    assert_eq!(of(&mut world, &keyless(&entry), None).1, format!("{LOST}{twice}"));
    // With an unsent record in it, it waits for that one.
    let (parent, _) = world.create(&[("short_description", "the pump")]);
    let held = Item { mentions: vec![parent], ..create };
    let waits = format!("{LOST}it waits for the incident “the pump”, which goes first.");
    assert_eq!(of(&mut world, &held, None), ("unknown", waits));
}

#[test]
fn what_only_the_user_can_tell_of_says_what_a_discard_takes_along() {
    let mut world = World::new();
    let (parent, id) = world.create(&[]);
    world.run(|tx| prove(tx, false)).unwrap();
    let lost = Item { state: ItemState::Unknown, in_vain: true, keyless: true, ..world.item(&id).unwrap() };
    world.run(|tx| tx.put(&lost)).unwrap();
    let nobody = format!("{LOST}the instance cannot say whether it arrived: {YOURS}");
    assert_eq!(of(&mut world, &lost, None).1, format!("{nobody}."));
    world.create(&[("parent", &parent)]);
    let along = |what: &str| format!("{nobody}; discarding it takes along {what}.");
    let pointing =
        |count| format!("what points to it ({count}), unless that is pointed to the instance's record first");
    assert_eq!(of(&mut world, &lost, None).1, along(&pointing("1 other change")));
    // A change of a record that stays, too.
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    let change = fields_of(&[("parent", &parent), ("state", "6")]);
    world.run(|tx| write::update(tx, "incident", "a1", &change)).unwrap();
    assert_eq!(of(&mut world, &lost, None).1, along(&pointing("2 other changes")));
    // Its own later changes have nowhere else to be.
    world.run(|tx| write::update(tx, "incident", &parent, &fields_of(&[("work_notes", "rang")]))).unwrap();
    let own = format!("1 later change of this record, and {}", pointing("2 other changes"));
    assert_eq!(of(&mut world, &lost, None).1, along(&own));
}

#[test]
fn what_is_on_its_way_is_being_sent_as_long_as_somebody_waits_for_it() {
    let mut world = World::new();
    let (lease, _) = world.run(take_lease).unwrap();
    let sent = Item { sent_under: Some(lease), ..item(ItemKind::Create, ItemState::Unknown) };
    assert_eq!(of(&mut world, &sent, None), ("sending", "It is being sent now.".to_owned()));
    let before = Item { sent_under: Some(lease - 1), ..sent.clone() };
    assert_eq!(of(&mut world, &before, None).0, "unknown");
    world.now += 30_000;
    assert_eq!(of(&mut world, &sent, None).0, "unknown");
}

#[test]
fn what_waits_names_what_goes_first() {
    let mut world = World::new();
    let (named, _) = world.create(&[("short_description", "the pump")]);
    let (unnamed, refused) = world.create(&[]);
    let (dropped, _) = world.create(&[]);
    world.run(|tx| write::delete(tx, "incident", &dropped)).unwrap();
    let (lease, _) = world.run(take_lease).unwrap();
    world.run(|tx| claim(tx, lease, &[], std::slice::from_ref(&refused), PLAIN)).unwrap();
    let error = ItemError { status: 403, message: "No".to_owned(), detail: None };
    world.run(|tx| receive(tx, lease, &[(refused.clone(), Answer::Refused(error.clone()))])).unwrap();
    let waits = |mentions: &[&String]| Item {
        mentions: mentions.iter().map(|id| (*id).clone()).collect(),
        ..item(ItemKind::Update, ItemState::Queued)
    };
    let gone = format!("the incident {dropped}, which was deleted before it was sent: change or delete this one too");
    for (mentions, what) in [
        (vec![&named], "the incident “the pump”, which goes first".to_owned()),
        (vec![&unnamed], format!("the incident {unnamed}, {REFUSED}")),
        (vec![&dropped], gone.clone()),
        (vec![&named, &dropped], format!("the incident “the pump”, which goes first, and for {gone}")),
    ] {
        assert_eq!(of(&mut world, &waits(&mentions), None), ("waiting", format!("It waits for {what}.")));
    }
    // Only time is needed, or somebody has to do something.
    let stuck = |world: &mut World, mentions: &[&String]| {
        let held = Item { id: "held".to_owned(), ..waits(mentions) };
        let record = Record {
            table: "incident".to_owned(),
            sys_id: "a1".to_owned(),
            items: vec![held.id.clone()],
            ..Record::default()
        };
        world.run(|tx| tx.put(&held).and_then(|()| tx.put(&record))).unwrap();
        let rows = world.run(|tx| landfall::core::present::records(tx, std::slice::from_ref(&record), None)).unwrap().0;
        rows[0]["$sync"]["state"] == "waiting"
    };
    assert!(!stuck(&mut world, &[&named]));
    assert!(stuck(&mut world, &[&unnamed]));
    assert!(stuck(&mut world, &[&dropped, &named]));
    assert!(stuck(&mut world, &[&unnamed, &named]));
}

#[test]
fn what_stands_behind_another_change_of_its_record_says_so() {
    let mut world = World::new();
    world.run(|tx| take_in(tx, "incident", &[fields_of(&[("sys_id", "a1")])], 1)).unwrap();
    let change = fields_of(&[("category", "belt"), ("work_notes", "called")]);
    let ids = world.run(|tx| write::update(tx, "incident", "a1", &change)).unwrap().0.items;
    let behind = world.item(&ids[1]).unwrap();
    let view = world.run(|tx| items(tx, std::slice::from_ref(&behind), None, &BTreeSet::new())).unwrap().0.remove(0);
    assert_eq!((view.state, view.explain.as_str()), ("waiting", "It waits for an earlier change of the same record."));
    assert_eq!(view.depends_on, ids[..1]);
    // Nor does what stands behind that move, until the user has done something.
    let third = world.run(|tx| write::update(tx, "incident", "a1", &fields_of(&[("work_notes", "again")]))).unwrap().0;
    let third = world.item(third.items.last().unwrap()).unwrap();
    let refused = Item { state: ItemState::Refused, ..world.item(&ids[0]).unwrap() };
    world.run(|tx| tx.put(&refused)).unwrap();
    for item in [&behind, &third] {
        let sentence = format!("It waits for an earlier change of the same record, {REFUSED}.");
        assert_eq!(of(&mut world, item, None), ("waiting", sentence));
    }
    // A change that may be made twice waits although it has left; what may not is asked about meanwhile.
    let (parent, _) = world.create(&[("short_description", "the pump")]);
    let lost = |journal| Item { journal, mentions: vec![parent.clone()], ..item(ItemKind::Update, ItemState::Unknown) };
    let waits = format!("{LOST}it waits for the incident “the pump”, which goes first.");
    assert_eq!(of(&mut world, &lost(false), None), ("unknown", waits));
    assert_eq!(of(&mut world, &lost(true), None), ("unknown", format!("{LOST}{ASKED}")));
    let create = Item { mentions: vec![parent.clone()], ..item(ItemKind::Create, ItemState::Unknown) };
    assert_eq!(of(&mut world, &create, None), ("unknown", format!("{LOST}{ASKED}")));
}
