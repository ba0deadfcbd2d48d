//! Every stored form, as it lies on disk. A snapshot that changes is a database somebody already has:
//! it may only gain fields, and the old form must still be read.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test may panic")]

use std::collections::BTreeMap;

use landfall::{
    core::{
        Durability, Event, Found, Key, Origin, Read, Receipt, Ref, Row, Settled, StoreName, Tx, View,
        schema::Schema,
        stored::{
            Action, Again, Alias, Announced, Asked, Birth, Call, Calling, Course, Deletions, Index, Indexes, Item,
            ItemError, ItemKind, ItemState, Lease, Opened, Part, Pin, Proofs, Pulled, Record, Stored, Unaudited,
            Wanted, decode,
        },
    },
    wire::{
        Fields, Type,
        action::{ActionAnswer, RecordForSync},
    },
};
use serde_json::json;
use uuid::Uuid;

const TEMPORARY: &str = "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f";
const PERMANENT: &str = "9c573169c611228700193229fff72400";

fn fields(of: &[(&str, &str)]) -> Fields {
    of.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn everything() -> (Record, Item, Alias, Lease, Course) {
    let record = Record {
        table: "incident".into(),
        sys_id: PERMANENT.into(),
        fields: fields(&[("short_description", "Belt stuck"), ("parent", TEMPORARY)]),
        base: Some(fields(&[("short_description", "Belt slow")])),
        items: vec!["0192f0c1a2b37c4d8e9f0a1b2c3d4e60".into()],
        deleted: true,
        mentions: vec![TEMPORARY.into()],
        changed_at: Some(1_700_000_000_000),
        fetched_at: Some(1_700_000_000_001),
        pulled_under: Some(6),
        along: true,
        outdated: true,
        in_part: true,
        unasked: fields(&[("state", "1")]),
        acted: fields(&[("impact", "2")]),
        not_kept: vec!["priority".into()],
    };
    let item = Item {
        id: "0192f0c1a2b37c4d8e9f0a1b2c3d4e60".into(),
        kind: ItemKind::Update,
        table: "incident".into(),
        sys_id: PERMANENT.into(),
        fields: fields(&[("parent", TEMPORARY)]),
        state: ItemState::Refused,
        in_doubt: true,
        behind: true,
        mentions: vec![TEMPORARY.into()],
        journal: true,
        group: Some("0192f0c1a2b37c4d8e9f0a1b2c3d4e61".into()),
        idempotency_key: "0192f0c1a2b37c4d8e9f0a1b2c3d4e60".into(),
        attempts: 3,
        failures: 2,
        queued_at: 1_700_000_000_000,
        next_attempt_at: Some(1_700_000_060_000),
        sent_under: Some(7),
        sent_at: Some(1_700_000_000_002),
        left_at: Some(1_700_000_000_004),
        keyless: true,
        sent_after: Some("2023-11-14 22:13:20".into()),
        in_vain: true,
        may_be_made: true,
        repeated: true,
        amended: ["parent".into()].into(),
        differs: [("state".to_owned(), "1".to_owned())].into(),
        only_at: Some("3".to_owned()),
        error: Some(ItemError { status: 403, message: "No".into(), detail: Some("ACL".into()) }),
        action: None,
        after: vec![],
    };
    let alias = Alias {
        temporary: TEMPORARY.into(),
        table: "incident".into(),
        sys_id: Some(PERMANENT.into()),
        dropped: false,
        unchecked: true,
        look_at: Some(1_700_000_060_000),
        looks: 2,
        twins: vec![PERMANENT.into(), "b2".into()],
    };
    let course = Course {
        offline: true,
        signed_out: true,
        failures: 2,
        not_before: Some(1_700_000_000_000),
        busy_until: Some(1_700_000_000_003),
        moved_at: Some(1_699_999_998_000),
        told_stuck_at: Some(1_699_999_998_500),
        last_sync_at: Some(1_699_999_999_000),
    };
    (record, item, alias, Lease { number: 7, until: 1_700_000_030_000, lockless: true }, course)
}

/// What a rule that writes records looks at.
fn without_indexes() -> View {
    let mut view = View::default();
    view.absorb(vec![Read::Row(Indexes::at())], vec![Found::Row(None)]);
    view
}

#[test]
fn rows_as_they_lie_on_disk() {
    let schema =
        Schema::new(serde_json::from_value(json!({ "incident": { "extends": "task" }, "task": {} })).unwrap()).unwrap();
    let view = without_indexes();
    let mut tx = Tx::new(&schema, 0, Uuid::nil(), &view);
    let (record, item, alias, lease, course) = everything();
    tx.put(&record).unwrap();
    tx.put(&Record { deleted: false, sys_id: TEMPORARY.into(), base: None, ..record }).unwrap();
    tx.put(&item).unwrap();
    tx.put(&Item {
        id: "0192f0c1a2b37c4d8e9f0a1b2c3d4e62".into(),
        state: ItemState::Queued,
        in_doubt: false,
        behind: false,
        mentions: vec![],
        ..item
    })
    .unwrap();
    tx.put(&alias).unwrap();
    tx.put(&lease).unwrap();
    tx.put(&course).unwrap();
    tx.put(&Announced { keys: true, ttl_ms: Some(86_400_000) }).unwrap();
    let (user, url) = ("tech.demo".into(), "/api/now".into());
    tx.put(&Birth { id: "0192f0c1a2b37c4d8e9f0a1b2c3d4e63".into(), user, url }).unwrap();
    let keeps = [("incident".into(), true), ("task".into(), false)].into();
    tx.put(&Proofs { keeps, finds: [("incident".into(), true)].into(), entries: Some(true) }).unwrap();
    tx.put(&Unaudited { at: 1_700_000_000_005 }).unwrap();
    let (table, fields, types) = ("incident".into(), vec!["impact".into()], vec![Type::Integer]);
    let after = Some(Key::from(["task", PERMANENT]));
    tx.put(&Indexes { all: vec![Index { table, fields, types, filled: true }], after }).unwrap();
    tx.put(&Pulled {
        table: "incident".into(),
        query: "active=true".into(),
        fields: vec!["number".into(), "sys_id".into()],
        after: Some(PERMANENT.into()),
        until: Some("2026-01-31 08:00:00".into()),
        seen_at: 1_700_000_000_002,
        quiet: 2,
        shift: -3600,
        hidden: 7,
        gone: vec![PERMANENT.into()],
        brought_at: 1_700_000_000_003,
        compared_at: 1_700_000_000_000,
        fresh_at: 1_700_000_000_001,
        tried_at: Some(1_700_000_000_004),
        deletions: Some(Deletions::Audit),
        audited: Some("2026-01-31 08:01:00".into()),
    })
    .unwrap();
    let (set, _) = tx.finish(1.0, Origin::Here, Durability::Strict);
    let rows: Vec<(StoreName, Row)> = set.puts;
    insta::assert_json_snapshot!(rows);
}

#[test]
fn actions_as_they_lie_on_disk() {
    let schema = Schema::new(serde_json::from_value(json!({ "incident": {} })).unwrap()).unwrap();
    let view = View::default();
    let mut tx = Tx::new(&schema, 0, Uuid::nil(), &view);
    let made = Part {
        table: "incident".into(),
        sys_id: TEMPORARY.into(),
        kind: ItemKind::Create,
        fields: fields(&[("short_description", "Belt stuck")]),
        landed: Some(PERMANENT.into()),
        behind: true,
    };
    let named = RecordForSync { table: "incident".into(), sys_id: PERMANENT.into(), temp_sys_id: None };
    let action = Action {
        name: "split_order".into(),
        input: json!({ "order": PERMANENT }),
        about: vec![PERMANENT.into()],
        parts: vec![made],
        pairs_in_order: true,
        consolidate: Some("the same".into()),
        by_app: true,
        calling: vec![Calling {
            key: "2".into(),
            again: Again::Probe { table: "incident".into(), temporary: TEMPORARY.into() },
            left_at: 1_700_000_000_000,
            asked: Asked { line: "POST table/incident".into(), body: 7 },
            body: Some("{}".into()),
            content_type: Some("application/json".into()),
        }],
        calls: vec![Call {
            key: "1".into(),
            asked: Asked { line: "POST table/incident".into(), body: 7 },
            status: 201,
            content_type: "application/json".into(),
            body: "{}".into(),
        }],
        pairs: [(TEMPORARY.into(), PERMANENT.into())].into(),
        held: Vec::new(),
        answer: Some(ActionAnswer { result: json!({ "made": 1 }), records_for_sync: vec![named] }),
    };
    let id = "0192f0c1a2b37c4d8e9f0a1b2c3d4e64";
    let whole = Item {
        id: id.into(),
        kind: ItemKind::Action,
        after: vec!["0192f0c1a2b37c4d8e9f0a1b2c3d4e60".into()],
        action: Some(Box::new(action.clone())),
        ..Item::default()
    };
    tx.put(&Item { state: ItemState::Unpaired, ..whole.clone() }).unwrap();
    tx.put(&Item { id: "0192f0c1a2b37c4d8e9f0a1b2c3d4e65".into(), ..whole }).unwrap();
    tx.put(&Wanted { table: "incident".into(), sys_id: PERMANENT.into() }).unwrap();
    tx.put(&Opened { table: "incident".into(), sys_id: PERMANENT.into(), pinned: true }).unwrap();
    let include =
        serde_json::from_value(json!(["caller_id", { "from": "incident_task", "field": "incident", "limit": 5 }]));
    tx.put(&Pin { table: "incident".into(), sys_id: TEMPORARY.into(), include: include.unwrap() }).unwrap();
    let (set, _) = tx.finish(1.0, Origin::Here, Durability::Strict);
    insta::assert_json_snapshot!(set.puts);
    let least: Action = serde_json::from_value(json!({ "name": "a" })).unwrap();
    assert_eq!(least, Action { name: "a".into(), ..Action::default() });
}

#[test]
fn a_body_with_only_what_the_first_version_had_is_still_read() {
    let row = |key: Key, body: serde_json::Value| Row { key, rev: 1.0, index: vec![], body: body.to_string().into() };
    let record: Record =
        decode(&row(Key::from(["task", PERMANENT]), json!({ "table": "incident", "sys_id": PERMANENT, "fields": {} })))
            .unwrap();
    assert!(record.items.is_empty() && record.base.is_none() && !record.deleted);
    let item: Item = decode(&row(Key::from(["1"]), json!({
        "id": "1", "kind": "create", "table": "incident", "sys_id": TEMPORARY, "idempotency_key": TEMPORARY, "queued_at": 1
    })))
    .unwrap();
    assert_eq!(item.state, ItemState::Queued);
    let alias: Alias =
        decode(&row(Key::from([TEMPORARY]), json!({ "temporary": TEMPORARY, "table": "incident" }))).unwrap();
    assert!(alias.is_open());
}

#[test]
fn a_body_that_is_nonsense_is_an_error_and_no_more() {
    for body in ["", "{}", "[]", "null", "{\"table\":3}"] {
        let row = Row { key: Default::default(), rev: 1.0, index: vec![], body: String::from(body).into() };
        assert_eq!(decode::<Record>(&row).unwrap_err().code(), "corrupt_row", "{body}");
    }
}

#[test]
fn a_body_that_names_another_row_is_an_error() {
    let (record, item, alias, ..) = everything();
    let row =
        |key: Key, body: serde_json::Result<String>| Row { key, rev: 1.0, index: vec![], body: body.unwrap().into() };
    let strange = "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e61";
    let errors = [
        decode::<Alias>(&row(Key::from([strange]), serde_json::to_string(&alias))).unwrap_err(),
        decode::<Item>(&row(Key::from([strange]), serde_json::to_string(&item))).unwrap_err(),
        decode::<Record>(&row(Key::from(["task", strange]), serde_json::to_string(&record))).unwrap_err(),
    ];
    assert_eq!(errors.map(|error| error.code()), ["corrupt_row"; 3]);
}

#[test]
fn what_is_searched_for_is_found_by_its_index() {
    let schema = Schema::new(serde_json::from_value(json!({ "incident": {} })).unwrap()).unwrap();
    let (record, item, ..) = everything();
    let found = |index: Vec<Key>, prefix: Key| index.iter().filter(|key| key.starts_with(&prefix)).count();
    for (state, times) in [(ItemState::Refused, 1), (ItemState::Unknown, 0)] {
        assert_eq!(found(Item { state, ..item.clone() }.index(&schema), Item::refused()), times);
    }
    for (sys_id, times) in [(TEMPORARY, 1), (PERMANENT, 0)] {
        assert_eq!(
            found(Record { sys_id: sys_id.into(), ..record.clone() }.index(&schema), Record::temporary()),
            times
        );
    }
}

#[test]
fn a_wait_that_no_clock_gives_is_none() {
    let now = 1_700_000_000_000;
    let busy = |at| Course { busy_until: Some(at), ..Course::default() }.busy_at(now);
    assert_eq!(busy(now + 1), Some(now + 1));
    assert_eq!((busy(now), busy(2 * now)), (None, None), "over; or from a clock that has been set back since");
}

#[test]
fn events_as_they_travel_between_contexts() {
    let events = BTreeMap::from([
        (1, Event::Change { table: "incident".into(), sys_ids: vec![PERMANENT.into()], origin: Origin::Sync }),
        (2, Event::Reconciled { table: "incident".into(), temporary: TEMPORARY.into(), sys_id: PERMANENT.into() }),
        (3, Event::Outbox { pending: 3, refused: 1, conflicts: 0 }),
        (4, Event::Status),
        (6, Event::Stuck { pending: 2, explain: "It waits for you to sign in.".into() }),
        (
            7,
            Event::Evicted {
                birth: "0192f0c1a2b37c4d8e9f0a1b2c3d4e63".into(),
                last_seen_at: "2023-11-14T22:13:20Z".into(),
                unsent: 3,
            },
        ),
        (
            8,
            Event::Settled {
                receipts: vec![Receipt {
                    item: "0192f0c1a2b37c4d8e9f0a1b2c3d4e64".into(),
                    state: Settled::Done,
                    records: vec![Ref { table: "incident".into(), sys_id: PERMANENT.into() }],
                    result: Some(json!({ "made": 1 })),
                    error: None,
                }],
            },
        ),
        (5, Event::Error { code: "twins".into(), message: "Two of them.".into(), retryable: false }),
    ]);
    insta::assert_json_snapshot!(events);
}

#[test]
fn the_stores_as_they_are_called_on_disk() {
    assert_eq!(StoreName::ALL.map(StoreName::as_str), ["records", "outbox", "aliases", "meta"]);
}
