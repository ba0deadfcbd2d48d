//! What queries find, in which order, page by page.

use landfall::wire::query::Query;
use landfall::wire::query::cases::{CASES, ROWS, type_of};
use landfall::wire::{Fields, Type};
use landfall_instance::schema::{Class, Column, Table, boolean, datetime, decimal, integer, text};
use landfall_instance::store::{Filter, Store, create_table, records};
use serde_json::json;

use crate::common::Home;

const COLUMNS: &[Column] =
    &[text("name"), text("code"), text("kind"), integer("count"), decimal("price"), boolean("active"), datetime("due")];
const TABLE: Table = Table { name: "query_cases", parent: None, prefix: None, columns: COLUMNS };

/// Each database finds exactly what the evaluator finds among the same records. Typed columns take no `n/a` and write
/// `007` as `7`, so the evaluator is asked about what was kept; where that makes no difference, the case's own answer
/// is what must come.
pub async fn the_table_of_cases(home: &Home) {
    let store = Store::open(&home.url()).await.unwrap();
    let class = Class::new(&TABLE, None);
    let mut session = store.write().await.unwrap();
    create_table(&mut session, &TABLE).await.unwrap();
    let mut refused = 0;
    for row in ROWS {
        let mut record = Fields::from([("sys_id".to_owned(), row.sys_id.to_owned())]);
        for (name, value) in row.fields {
            let column = class.field(name).unwrap().column;
            assert_eq!(column.compared_as(), type_of(name), "{name}");
            match column.canonical(&json!(value)) {
                Ok(text) => drop(record.insert((*name).to_owned(), text)),
                Err(_) => refused += 1,
            }
        }
        records::insert(&mut session, &class, &record).await.unwrap();
    }
    assert_eq!(refused, 2, "`n/a` is no integer and `soon` no time");
    session.commit().await.unwrap();

    let mut session = store.read().await.unwrap();
    let all = Filter::new(&Query::default(), &class, store.dialect()).unwrap();
    let kept = records::page(&mut session, &class, &all, 100, 0).await.unwrap();
    assert_eq!(kept.len(), ROWS.len());
    let (mut wrong, mut literal) = (Vec::new(), 0);
    for case in CASES {
        let query: Query = case.query.parse().unwrap();
        let filter = Filter::new(&query, &class, store.dialect()).unwrap();
        let found = records::page(&mut session, &class, &filter, 100, 0).await.unwrap();
        let found: Vec<&str> = found.iter().map(|record| record["sys_id"].as_str()).collect();
        let count = records::count(&mut session, &class, &filter).await.unwrap();
        let expected = evaluated(&query, &kept);
        if found != expected || count != i64::try_from(expected.len()).unwrap() {
            wrong.push(format!("{}: {found:?} ({count}) rather than {expected:?}", case.query));
        }
        let typed = query.fields().any(|field| matches!(field, "count" | "due"));
        if !typed && found != case.matches {
            wrong.push(format!("{}: {found:?} rather than the case's {:?}", case.query, case.matches));
        }
        literal += usize::from(found == case.matches);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{literal} of {} cases answered as they stand", CASES.len());
    assert!(literal * 100 >= CASES.len() * 85, "{literal} of {}", CASES.len());
}

fn evaluated<'r>(query: &Query, rows: &'r [Fields]) -> Vec<&'r str> {
    let types = |field: &str| {
        if field == "sys_id" { Type::Text } else { type_of(field) }
    };
    let get = |row: &'r Fields| move |field: &str| row.get(field).map_or("", String::as_str);
    let mut found: Vec<&Fields> = rows.iter().filter(|row| query.matches(get(row), types)).collect();
    found.sort_by(|a, b| query.compare(get(a), get(b), types).then_with(|| a["sys_id"].cmp(&b["sys_id"])));
    found.into_iter().map(|row| row["sys_id"].as_str()).collect()
}

pub async fn pages_are_linked(home: &Home) {
    let instance = home.start().await;
    for n in 0..25 {
        instance.post("cmdb_ci", json!({"name": format!("Lamp {n:02}")})).await;
    }
    let mut path = "cmdb_ci?sysparm_query=nameLIKElamp%5EORDERBYname&sysparm_fields=name&sysparm_limit=10".to_owned();
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = instance.get(&path).await;
        assert_eq!(page.header("x-total-count"), "25");
        seen.extend(page.column("name").into_iter().map(str::to_owned));
        pages += 1;
        let links = page.header("link");
        assert!(links.contains("sysparm_offset=0>;rel=\"first\"") && links.contains("sysparm_offset=20>;rel=\"last\""));
        assert_eq!(links.contains("rel=\"prev\""), pages > 1);
        let Some(next) = links.split(',').find(|link| link.ends_with("rel=\"next\"")) else {
            break;
        };
        let url = next.split(['<', '>']).nth(1).unwrap();
        path = url.strip_prefix(instance.url.as_str()).unwrap().to_owned();
    }
    assert_eq!(pages, 3);
    assert_eq!(seen, (0..25).map(|n| format!("Lamp {n:02}")).collect::<Vec<_>>());
    assert_eq!(instance.get("cmdb_ci").await.header("link"), "");
    assert!(instance.get("cmdb_ci?sysparm_offset=90&sysparm_limit=10").await.column("name").is_empty());
}

pub async fn mistakes_are_shown_or_dropped(home: &Home) {
    let instance = home.start().await;
    for name in ["a", "b"] {
        instance.post("cmdb_ci", json!({"name": name})).await;
    }
    let place = instance.query("cmdb_ci", "name=a^~x").await;
    assert_eq!(place.status, 400);
    assert!(place.message().contains("character 8"), "{place:?}");
    let unknown = instance.query("cmdb_ci", "colour=red").await;
    assert_eq!(
        (unknown.status, unknown.message()),
        (400, "The query cannot be asked: table cmdb_ci has no field `colour`")
    );
    assert_eq!(instance.get("cmdb_ci?sysparm_limit=-1").await.status, 400);
    assert_eq!(instance.query("cmdb_ci", "name=a\0").await.column("name"), [""; 0]);
    assert_eq!(instance.query("incident", "work_notesISEMPTY").await.status, 200);
    let many: Vec<String> = (0..1500).map(|n| n.to_string()).collect();
    assert_eq!(instance.query("cmdb_ci", &format!("nameIN{},a", many.join(","))).await.column("name"), ["a"]);
    instance.stop().await;

    let instance = home.start_plain().await;
    assert_eq!(instance.query("cmdb_ci", "name=a^~x^colour=red").await.column("name"), ["a"]);
    assert_eq!(instance.query("cmdb_ci", "colour=red").await.column("name").len(), 2);
    assert_eq!(instance.get("cmdb_ci?sysparm_limit=-1").await.column("name").len(), 2);
}

pub async fn fields_and_links_are_chosen(home: &Home) {
    let instance = home.start().await;
    let place = instance.post("cmn_location", json!({"name": "Kea"})).await;
    let made = instance.post("cmdb_ci", json!({"name": "Mast", "location": place.sys_id()})).await;
    let parameters = "sysparm_fields=name,location,nonsense&sysparm_exclude_reference_link=true";
    let shown = instance.get(&format!("cmdb_ci/{}?{parameters}", made.sys_id())).await;
    assert_eq!(shown.result(), &json!({"name": "Mast", "location": place.sys_id()}));
    let listed = instance.get(&format!("cmdb_ci?{parameters}")).await;
    assert_eq!(listed.result(), &json!([shown.result()]));
}
