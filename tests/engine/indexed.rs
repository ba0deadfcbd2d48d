//! Whatever index a query is answered by, it finds the same, in the same order.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use futures_executor::block_on;
use landfall::{
    core::{Row, StoreName, schema::TableOptions, stored::Indexes},
    engine::{AppRow, Client, SyncOptions},
    ports::{Ports as _, Store as _},
    testing::{Device, MemoryInstance, MemoryPorts},
    wire::{
        Query,
        query::cases::{CASES, ROWS, TYPES, type_of},
    },
};
use proptest::{prelude::*, sample::select};
use serde_json::{Value, json};

type Page = Client<MemoryPorts>;

fn device(instance: &MemoryInstance, indexes: &[Value]) -> Device {
    let types: BTreeMap<&str, Value> = TYPES.iter().map(|(name, of)| (*name, json!(of))).collect();
    let tables = json!({
        "thing": { "types": types, "indexes": indexes },
        "special": { "extends": "thing" },
        "other": {},
    });
    Device::new(instance, serde_json::from_value(tables).unwrap(), 1)
}

/// Another version of the app, which declares something else.
async fn another_version(device: &mut Device, tables: &Value) -> Page {
    let tables: BTreeMap<String, TableOptions> = serde_json::from_value(tables.clone()).unwrap();
    device.set_tables(tables);
    device.open().await.unwrap()
}

fn ids(rows: &[AppRow]) -> Vec<String> {
    rows.iter().map(|row| row["sys_id"].as_str().unwrap().to_owned()).collect()
}

async fn found(page: &Page, table: &str, query: &str) -> Vec<String> {
    ids(&page.query(table, query, 0, None).await.unwrap())
}

async fn by(page: &Page, query: &str) -> Option<String> {
    page.seek("thing", query).await.unwrap().1.by.map(|fields| fields.join(","))
}

/// The entries of the app's own indexes that rows have.
fn entries(device: &Device) -> usize {
    let rows = device.database.rows(StoreName::Records);
    rows.iter().flat_map(|row: &Row| &row.index).filter(|entry| entry.text(0) == "by").count()
}

const INDEXES: [&[&str]; 8] = [
    &["name"],
    &["count"],
    &["price"],
    &["active"],
    &["due"],
    &["kind"],
    &["kind", "count"],
    &["active", "due", "name"],
];

async fn filled(device: &Device) -> Page {
    let page = device.open().await.unwrap();
    page.fill_indexes().await.unwrap();
    page
}

#[test]
fn the_table_of_cases_is_answered_by_every_index() {
    block_on(async {
        let instance = MemoryInstance::plain();
        for row in ROWS {
            let given: Vec<(&str, &str)> = row.fields.iter().copied().chain([("sys_id", row.sys_id)]).collect();
            instance.put("thing", &given);
        }
        let mut used = BTreeSet::new();
        for index in INDEXES {
            let device = device(&instance, &[json!(index)]);
            let page = filled(&device).await;
            let cached = page.query("thing", "", 0, None).await.unwrap();
            assert!(cached.is_empty());
            for row in ROWS {
                page.get_from("thing", row.sys_id, false, landfall::engine::FromRemote::Always).await.unwrap().unwrap();
            }
            for case in CASES {
                used.extend(by(&page, case.query).await);
                assert_eq!(found(&page, "thing", case.query).await, case.matches, "{} by {index:?}", case.query);
                assert_eq!(
                    page.count("thing", case.query).await.unwrap() as usize,
                    case.matches.len(),
                    "{}",
                    case.query
                );
                for (offset, limit) in [(0, 1), (0, 2), (1, 2), (2, 5), (0, 0)] {
                    let page = ids(&page.query("thing", case.query, offset, Some(limit)).await.unwrap());
                    let few: Vec<&str> = case.matches.iter().copied().skip(offset).take(limit).collect();
                    assert_eq!(page, few, "{} by {index:?}, {limit} from {offset}", case.query);
                }
            }
        }
        assert_eq!(used.len(), INDEXES.len(), "{used:?}");
    });
}

#[test]
fn what_is_asked_for_decides_by_which_index() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let indexes = [json!("kind"), json!("count"), json!(["kind", "count"]), json!("due")];
        let device = device(&instance, &indexes);
        let page = filled(&device).await;
        for (query, index, exact, ordered) in [
            ("kind=a", Some("kind"), true, true),
            ("kind=a^count=3", Some("kind,count"), true, true),
            ("kind=a^count>3", Some("kind,count"), true, false),
            ("kind=a^count>3^ORDERBYcount", Some("kind,count"), true, true),
            ("kind=a^ORDERBYDESCcount", Some("kind,count"), true, true),
            ("kind=a^nameLIKEx", Some("kind"), false, true),
            ("kindINa,b", Some("kind"), true, false),
            ("kind=a^ORkind=b", Some("kind"), true, false),
            ("kind=a^ORcount=1", None, false, true),
            ("kind=a^NQcount=1", None, false, true),
            ("count>=2^count<7", Some("count"), true, false),
            ("countBETWEEN2@7^ORDERBYcount", Some("count"), true, true),
            ("count>=many", None, false, true),
            ("kindSTARTSWITHa", Some("kind"), true, false),
            ("kindISNOTEMPTY", Some("kind"), true, false),
            ("kind!=a", None, false, true),
            ("ORDERBYdue", Some("due"), true, true),
            ("nameLIKEx^ORDERBYDESCdue", Some("due"), false, true),
            ("ORDERBYname", None, true, false),
            ("", None, true, true),
        ] {
            let seek = page.seek("thing", query).await.unwrap().1;
            let told = (seek.by.map(|fields| fields.join(",")), seek.exact, seek.ordered);
            assert_eq!(told, (index.map(str::to_owned), exact, ordered), "{query}");
        }
        assert_eq!(
            by_of(&page, "special", "kind=a").await.as_deref(),
            Some("kind"),
            "children have their parents' indexes"
        );
        assert_eq!(by_of(&page, "other", "kind=a").await, None);
    });
}

async fn by_of(page: &Page, table: &str, query: &str) -> Option<String> {
    page.seek(table, query).await.unwrap().1.by.map(|fields| fields.join(","))
}

#[test]
fn a_new_index_is_filled_in_steps_and_of_no_account_before() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = device(&instance, &[]);
        let page = device.open().await.unwrap();
        let made: Vec<AppRow> = (0..600).map(|n| json!({ "count": n % 7 }).as_object().unwrap().clone()).collect();
        page.create_many("thing", made).await.unwrap();
        page.create_many("special", vec![json!({ "count": 3 }).as_object().unwrap().clone()]).await.unwrap();
        let expected = found(&page, "thing", "count=3").await;

        let tables = json!({ "thing": { "types": { "count": "integer" }, "indexes": ["count"] }, "special": { "extends": "thing" }, "other": {} });
        let other = another_version(&mut device, &tables).await;
        assert_eq!((by(&other, "count=3").await, entries(&device)), (None, 0));
        assert_eq!(found(&other, "thing", "count=3").await, expected);

        // Killed behind the second step.
        let steps = Rc::new(RefCell::new(0));
        let count = Rc::clone(&steps);
        device.database.after_commit(move |_| *count.borrow_mut() += 1);
        {
            let mut filling = Box::pin(other.fill_indexes());
            while *steps.borrow() < 2 {
                assert!(futures_util::poll!(&mut filling).is_pending());
            }
        }
        assert_eq!(entries(&device), 500);
        assert_eq!(found(&other, "thing", "count=3").await, expected, "by no index yet");

        // The page of the version before writes on: it is told of no index, and keeps it all the same.
        let late = page.create_many("thing", vec![json!({ "count": 3 }).as_object().unwrap().clone()]).await.unwrap();
        let moved = &expected[0];
        page.update("thing", moved, json!({ "count": 4 }).as_object().unwrap().clone()).await.unwrap();
        page.delete("thing", &expected[1]).await.unwrap();
        other.fill_indexes().await.unwrap();
        assert_eq!(by(&other, "count=3").await.as_deref(), Some("count"));
        let mut now: BTreeSet<String> = expected.iter().skip(2).cloned().collect();
        now.extend(ids(&late));
        assert_eq!(found(&other, "thing", "count=3").await.into_iter().collect::<BTreeSet<_>>(), now);
        assert_eq!(found(&other, "special", "count=3").await.len(), 1);
        // What it had read before the index was there is not written without it.
        assert_eq!(*steps.borrow(), 3 + 3, "each step is one commit");

        let again = device.open().await.unwrap();
        let before = device.database.rows(StoreName::Records);
        again.fill_indexes().await.unwrap();
        assert_eq!(device.database.rows(StoreName::Records), before, "it is filled once");

        // The index is given up, and asked for again.
        let gone =
            another_version(&mut device, &json!({ "thing": {}, "special": { "extends": "thing" }, "other": {} })).await;
        assert_eq!(by(&gone, "count=3").await, None);
        gone.create_many("thing", vec![json!({ "count": 3 }).as_object().unwrap().clone()]).await.unwrap();
        let back = another_version(&mut device, &tables).await;
        assert_eq!(by(&back, "count=3").await, None, "what was written meanwhile is not in it");
        back.fill_indexes().await.unwrap();
        assert_eq!(found(&back, "thing", "count=3").await.len(), now.len() + 1);
    });
}

/// Of another type, a field's values have other entries.
#[test]
fn a_change_of_types_fills_it_anew() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let mut device = device(&instance, &[json!("name")]);
        let page = filled(&device).await;
        let made = ["10", "9", "x"].map(|name| json!({ "name": name }).as_object().unwrap().clone());
        page.create_many("thing", made.to_vec()).await.unwrap();
        let tables = json!({ "thing": { "types": { "name": "integer" }, "indexes": ["name"] } });
        let other = another_version(&mut device, &tables).await;
        let values = async |page: &Page| {
            let rows = page.query("thing", "ORDERBYname", 0, None).await.unwrap();
            rows.iter().map(|row| row["name"].to_string()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((by(&other, "ORDERBYname").await, values(&other).await.as_str()), (None, "9 10 \"x\""));
        other.fill_indexes().await.unwrap();
        assert_eq!(by(&other, "ORDERBYname").await.as_deref(), Some("name"));
        assert_eq!(values(&other).await, "9 10 \"x\"");
        // To the page of the version before these are not the values of its fields.
        assert_eq!((by(&page, "ORDERBYname").await, values(&page).await.as_str()), (None, "\"10\" \"9\" \"x\""));
    });
}

/// A record's own row is all that changes when it moves from the temporary to the permanent id.
#[test]
fn what_has_landed_is_found_by_the_index() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance, &[json!("kind")]);
        let page = filled(&device).await;
        page.create_many("thing", vec![json!({ "kind": "a" }).as_object().unwrap().clone()]).await.unwrap();
        page.sync(SyncOptions::default()).await.unwrap();
        let there = instance.rows("thing");
        assert_eq!(found(&page, "thing", "kind=a").await, [there[0]["sys_id"].clone()]);
        assert_eq!(entries(&device), 1);
        instance.put("thing", &[("sys_id", &there[0]["sys_id"]), ("kind", "b")]);
        page.get_from("thing", &there[0]["sys_id"], false, landfall::engine::FromRemote::Always).await.unwrap();
        assert_eq!(
            (page.count("thing", "kind=a").await.unwrap(), page.count("thing", "kind=b").await.unwrap()),
            (0, 1)
        );
    });
}

/// Values that are told apart by little.
const VALUES: [&str; 14] = [
    "",
    "1",
    "01",
    "2",
    "10",
    "-3",
    "a",
    "A",
    "ab",
    "\u{E000}",
    "\u{1F600}",
    "true",
    "2026-01-31",
    "2026-01-31 00:00:01",
];
const FIELDS: [&str; 4] = ["kind", "count", "due", "active"];

fn term() -> impl Strategy<Value = String> {
    let field = select(&FIELDS[..]);
    let value = select(&VALUES[..]);
    let op = select(&["=", "!=", "<", "<=", ">", ">=", "STARTSWITH", "LIKE", "IN"][..]);
    let plain = (field.clone(), op, value.clone()).prop_map(|(field, op, value)| format!("{field}{op}{value}"));
    let empty = (field.clone(), select(&["ISEMPTY", "ISNOTEMPTY"][..])).prop_map(|(field, op)| format!("{field}{op}"));
    let between =
        (field.clone(), value.clone(), value.clone()).prop_map(|(field, a, b)| format!("{field}BETWEEN{a}@{b}"));
    let among = (field, value.clone(), value).prop_map(|(field, a, b)| format!("{field}IN{a},{b}"));
    prop_oneof![6 => plain, 1 => empty, 1 => between, 2 => among]
}

fn query() -> impl Strategy<Value = String> {
    let joined = (term(), prop::collection::vec((select(&["^", "^", "^OR", "^NQ"][..]), term()), 0..3))
        .prop_map(|(first, more)| more.into_iter().fold(first, |all, (by, term)| format!("{all}{by}{term}")));
    let order =
        (select(&["ORDERBY", "ORDERBYDESC"][..]), select(&FIELDS[..])).prop_map(|(by, field)| format!("{by}{field}"));
    (prop::option::of(joined), prop::collection::vec(order, 0..3))
        .prop_map(|(terms, orders)| terms.into_iter().chain(orders).collect::<Vec<_>>().join("^"))
}

fn index() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(&FIELDS[..], 1..=3).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_index_changes_nothing_but_the_way(
        rows in prop::collection::vec(prop::collection::vec(select(&VALUES[..]), FIELDS.len()), 0..24),
        indexes in prop::collection::vec(index(), 1..4),
        queries in prop::collection::vec(query(), 8),
        offset in 0..4_usize,
        limit in prop::option::of(0..6_usize),
    ) {
        block_on(async {
            let instance = MemoryInstance::plain();
            let indexes: Vec<Value> = indexes.iter().map(|index| json!(index)).collect();
            let page = filled(&device(&instance, &indexes)).await;
            let given = |values: &Vec<&str>| -> AppRow {
                FIELDS.iter().zip(values).map(|(field, value)| ((*field).to_owned(), json!(value))).collect()
            };
            let made = page.create_many("thing", rows.iter().map(given).collect()).await.unwrap();
            let mut made: Vec<(String, BTreeMap<&str, String>)> = ids(&made).into_iter().zip(&rows).map(|(id, values)| {
                let kept = FIELDS.iter().zip(values).map(|(field, value)| (*field, type_of(field).canonical(&json!(value))));
                (id, kept.collect())
            }).collect();
            made.sort();
            for text in &queries {
                let query: Query = text.parse().unwrap();
                let mut expected: Vec<&(String, BTreeMap<&str, String>)> =
                    made.iter().filter(|(_, row)| query.matches(|field| &row[field], type_of)).collect();
                expected.sort_by(|(_, a), (_, b)| query.compare(|field| &a[field], |field| &b[field], type_of));
                let few = expected.iter().skip(offset).take(limit.unwrap_or(usize::MAX)).map(|(id, _)| id.clone());
                let found = ids(&page.query("thing", text, offset, limit).await.unwrap());
                prop_assert_eq!(found, few.collect::<Vec<_>>(), "{} by {:?}", text, by(&page, text).await);
                prop_assert_eq!(page.count("thing", text).await.unwrap() as usize, expected.len(), "{}", text);
            }
            Ok(())
        })?;
    }
}

#[test]
fn which_indexes_there_are_is_a_row_of_its_own() {
    block_on(async {
        let instance = MemoryInstance::plain();
        let device = device(&instance, &[json!("kind")]);
        let page = filled(&device).await;
        let read = landfall::core::Read::Row(Indexes::at());
        let stored = page.ports().store().read(&[read]).await.unwrap();
        let landfall::core::Found::Row(Some(row)) = &stored[0] else { panic!("no row: {stored:?}") };
        insta::assert_snapshot!(
            &*row.body,
            @r#"{"all":[{"table":"special","fields":["kind"],"types":["text"],"filled":true},{"table":"thing","fields":["kind"],"types":["text"],"filled":true}]}"#
        );
    });
}
