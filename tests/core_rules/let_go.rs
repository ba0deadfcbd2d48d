//! A create that left before its record was pointed elsewhere.

use landfall::core::{
    CoreError,
    claim::claim,
    hand,
    lease::{give_lease_back, take_lease},
    receive::{Answer, receive},
    schema::Schema,
    stored::{Item, ItemError, ItemKind, ItemState},
    write::{find, update},
};
use serde_json::json;

use super::support::{RESOLVES, World, fields_of};

fn error(status: u16) -> ItemError {
    ItemError { status, message: String::new(), detail: None }
}

struct Sent {
    world: World,
    lease: u64,
    /// The record that was pointed to, and its create.
    older: (String, String),
    /// The one that pointed to it, and its create.
    child: (String, String),
    /// The one that is pointed to instead.
    younger: String,
}

/// Both creates have left in one request; then the child was pointed elsewhere.
fn pointed_away(is: impl Fn(&str, &str) -> String) -> Sent {
    let mut world = World::new();
    let older = world.create(&[]);
    let child = world.create(&[("parent", &older.0), ("category", "belt")]);
    let (lease, _) = world.run(take_lease).unwrap();
    let both = [older.1.clone(), child.1.clone()];
    assert_eq!(world.run(|tx| claim(tx, lease, &[], &both, RESOLVES)).unwrap().0.len(), 2);
    let (younger, _) = world.create(&[]);
    let edit = fields_of(&[("parent", &is(&older.0, &younger))]);
    world.run(|tx| update(tx, "incident", &child.0, &edit)).unwrap();
    Sent { world, lease, older, child, younger }
}

fn to_the_younger(_: &str, younger: &str) -> String {
    younger.to_owned()
}

#[test]
fn it_outlives_what_it_pointed_to_and_is_still_asked_about() {
    let Sent { mut world, lease, older, child, younger } = pointed_away(to_the_younger);
    let lost = |id: &str| (id.to_owned(), Answer::Unknown { error: error(0), wait_ms: Some(5_000) });
    world.run(|tx| receive(tx, lease, &[lost(&older.1), lost(&child.1)])).unwrap();
    world.run(|tx| give_lease_back(tx, lease)).unwrap();
    let before = world.item(&child.1).unwrap();
    world.run(|tx| hand::discard(tx, &older.1)).unwrap();
    let mut fields = before.fields.clone();
    fields.remove("parent");
    let amended = ["parent".to_owned()].into();
    assert_eq!(world.item(&child.1).unwrap(), Item { fields, amended, mentions: Vec::new(), ..before });
    let record = world.run(|tx| find(tx, "incident", &child.0)).unwrap().0;
    assert_eq!((&record.fields["parent"], record.fields["category"].as_str()), (&younger, "belt"));
    assert_eq!(record.items.len(), 2);
}

#[test]
fn it_goes_where_the_record_still_points_there() {
    let Sent { mut world, lease, older, child, .. } = pointed_away(|older, younger| format!("{younger},{older}"));
    let not_run = |id: &str| (id.to_owned(), Answer::NotRun { error: None, wait_ms: None });
    world.run(|tx| receive(tx, lease, &[not_run(&older.1), not_run(&child.1)])).unwrap();
    assert_eq!(world.item(&child.1).unwrap().mentions, [older.0.as_str()]);
    world.run(|tx| hand::discard(tx, &older.1)).unwrap();
    assert_eq!(world.item(&child.1), None);
}

#[test]
fn it_goes_where_an_entry_mentions_it_whatever_the_next_one_says() {
    let mut world = World::new();
    let (older, first) = world.create(&[]);
    let (child, create) = world.create(&[("work_notes", &format!("see {older}"))]);
    world.run(|tx| update(tx, "incident", &child, &fields_of(&[("work_notes", "or not")]))).unwrap();
    world.run(|tx| hand::discard(tx, &first)).unwrap();
    assert_eq!(world.item(&create), None);
}

#[test]
fn what_was_refused_with_the_reference_is_sent_again_without_it() {
    let Sent { mut world, lease, older, child, .. } = pointed_away(to_the_younger);
    let refused = |id: &str| (id.to_owned(), Answer::Refused(error(403)));
    world.run(|tx| receive(tx, lease, &[refused(&older.1), refused(&child.1)])).unwrap();
    assert!(world.item(&child.1).unwrap().fields.contains_key("parent"), "it may be pointed there again");
    world.run(|tx| hand::discard(tx, &older.1)).unwrap();
    let item = world.item(&child.1).unwrap();
    assert_eq!((item.state, item.error, item.mentions.len()), (ItemState::Queued, None, 0));
    assert!(item.amended.contains("parent"), "under its key it was another request");
}

#[test]
fn what_is_under_way_is_not_touched() {
    let Sent { mut world, lease, older, child, .. } = pointed_away(to_the_younger);
    world.run(|tx| receive(tx, lease, &[(older.1.clone(), Answer::Refused(error(403)))])).unwrap();
    assert_eq!(world.run(|tx| hand::discard(tx, &older.1)).unwrap_err(), CoreError::BeingSent(child.1.clone()));
    assert!(world.item(&child.1).unwrap().fields.contains_key("parent"));
}

#[test]
fn it_outlives_two_that_it_pointed_to() {
    let mut world = World::new();
    let tables = json!({ "incident": { "references": { "parent": "incident", "caused_by": "incident" } } });
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    let (older, first) = world.create(&[]);
    let (between, second) = world.create(&[("parent", &older)]);
    let (child, create) = world.create(&[("caused_by", &between), ("parent", &older)]);
    let (lease, _) = world.run(take_lease).unwrap();
    let all = [first.clone(), second.clone(), create.clone()];
    assert_eq!(world.run(|tx| claim(tx, lease, &[], &all, RESOLVES)).unwrap().0.len(), 3);
    world.run(|tx| give_lease_back(tx, lease)).unwrap();
    world.run(|tx| update(tx, "incident", &child, &fields_of(&[("caused_by", ""), ("parent", "")]))).unwrap();
    world.run(|tx| hand::discard(tx, &first)).unwrap();
    assert_eq!(world.item(&second), None);
    let item = world.item(&create).unwrap();
    assert_eq!((item.mentions.len(), item.fields.len(), item.state), (0, 0, ItemState::Unknown));
    assert_eq!(item.amended.len(), 2);
    let record = world.run(|tx| find(tx, "incident", &child)).unwrap().0;
    assert_eq!((record.items.len(), record.mentions.len()), (2, 0));
}

#[test]
fn an_id_leaves_an_earlier_item_together_with_the_table_it_is_of() {
    let mut world = World::new();
    let tables = json!({
        "problem": {}, "change": {},
        "incident": { "references": { "about": { "table": "about_table" } }, "journals": ["work_notes"] },
    });
    world.schema = Schema::new(serde_json::from_value(tables).unwrap()).unwrap();
    let (problem, _) = world.create_in("problem", &[]);
    let (child, create) = world.create(&[("about_table", "problem"), ("about", &problem)]);
    let note = fields_of(&[("work_notes", "x")]);
    world.run(|tx| update(tx, "incident", &child, &note)).unwrap();
    let elsewhere = fields_of(&[("about_table", "change"), ("about", "c1")]);
    let record = world.run(|tx| update(tx, "incident", &child, &elsewhere)).unwrap().0;
    assert_eq!(world.item(&create).unwrap().fields, elsewhere);
    let last = world.item(record.items.last().unwrap()).unwrap();
    assert_eq!((last.kind, &last.fields), (ItemKind::Update, &elsewhere));
}
