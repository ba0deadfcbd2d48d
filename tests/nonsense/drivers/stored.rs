//! Calls over rows that are not what they were.

use std::cell::OnceCell;

use arbitrary::{Arbitrary, Unstructured};
use futures_executor::block_on;
use landfall::{
    core::{Row, StoreName, WriteSet},
    engine::{AppRow, Client, EngineError, SyncOptions},
    testing::MemoryDatabase,
    wire::Fields,
};
use serde_json::{Value, json};

use super::{
    spoil::{Cut, Edit, edit},
    unread::{is_readable, unread},
    world::{LinePorts, Spoil, World},
};

/// What a call over spoiled rows may answer. That other tabs kept changing the same rows is not among them.
const CODES: [&str; 11] = [
    "corrupt_row",
    "not_found",
    "deleted",
    "wrong_table",
    "unknown_temporary",
    "deleted_reference",
    "being_sent",
    "answer_unknown",
    "not_editable",
    "bad_options",
    "unknown_table",
];

type Rows = Vec<(StoreName, Row)>;

#[derive(Arbitrary, Debug)]
enum RowSpoil {
    Edits(Edit, Vec<Edit>),
    Cut(Cut),
    Text(String),
    Gone,
}

#[derive(Arbitrary, Debug)]
enum Call {
    Get(u8),
    Query(u8),
    Create(u8),
    Update(u8),
    Note(u8),
    Delete(u8),
    Outbox,
    Retry(u8),
    Edit(u8),
    Discard(u8),
    Status,
    Audit,
    Next,
    Sync,
    Reopen,
    Pass,
}

/// A database in the middle of its work, and its instance.
#[derive(Clone)]
struct Right {
    rows: Rows,
    items: Vec<String>,
    there: Vec<Fields>,
}

thread_local! {
    static RIGHT: OnceCell<Right> = const { OnceCell::new() };
}

fn rows(database: &MemoryDatabase) -> Rows {
    StoreName::ALL.into_iter().flat_map(|store| database.rows(store).into_iter().map(move |row| (store, row))).collect()
}

/// Something in every state an item or a record can be in.
fn right() -> Right {
    let made = || {
        let world = World::new(true, false);
        block_on(async {
            let client = world.open().await.unwrap();
            let made =
                async |fields: Value| id_of(&client.create_many("incident", vec![row(fields)]).await.unwrap()[0]);
            let sync = async || client.sync(SyncOptions::default()).await.unwrap();
            let (kept, gone) = (made(json!({ "short_description": "a" })).await, made(json!({})).await);
            let calm = made(json!({})).await;
            sync().await;
            sync().await;
            let notes = json!({ "short_description": "b", "work_notes": "n" });
            client.update("incident", &kept, row(notes)).await.unwrap();
            world.line.instance.refuse(|_, fields| fields.contains_key("category").then(|| (403, "No".to_owned())));
            made(json!({ "category": "x" })).await;
            sync().await;
            client.delete("incident", &gone).await.unwrap();
            world.line.spoils.replace([Spoil::AnswerLost].into());
            made(json!({ "short_description": "lost" })).await;
            sync().await;
            let dropped = made(json!({})).await;
            let child = made(json!({ "parent": dropped, "short_description": format!("see {kept}") })).await;
            client.delete("incident", &dropped).await.unwrap();
            made(json!({ "parent": child })).await;
            client.update("incident", &kept, row(json!({ "work_notes": "m", "parent": child }))).await.unwrap();
            client.update("incident", &calm, row(json!({ "short_description": "c" }))).await.unwrap();
            let parent = made(json!({})).await;
            made(json!({ "parent": parent })).await;
            let items = client.outbox(None, None, None).await.unwrap();
            Right {
                rows: rows(&world.database),
                items: items.into_iter().map(|item| item.id).collect(),
                there: world.line.instance.rows("incident"),
            }
        })
    };
    RIGHT.with(|right| right.get_or_init(made).clone())
}

/// Spoils some rows as `bytes` say and makes calls. Each works, or is refused with a code and has written nothing. Where
/// the spoiled rows cannot be read, everything else can be, is listed, and goes out as if nothing were amiss.
pub fn stored(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let Right { mut rows, items, there } = right();
    let mut gone = false;
    for _ in 0..bytes.int_in_range(1..=3).unwrap_or(1) {
        let index = bytes.choose_index(rows.len()).unwrap_or(0);
        match RowSpoil::arbitrary(&mut bytes) {
            Ok(RowSpoil::Gone) => {
                rows.remove(index);
                gone = true;
            }
            Ok(spoil) => spoil.apply(&mut rows[index].1),
            Err(_) => return,
        }
    }
    let world = World::new(true, false);
    block_on(world.put(WriteSet { puts: rows.clone(), ..WriteSet::default() }));
    for row in there {
        let fields: Vec<_> = row.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        world.line.instance.put("incident", &fields);
    }
    let before = right().rows;
    let changed = rows.iter().filter(|(store, row)| !before.contains(&(*store, row.clone())));
    if !gone && changed.clone().count() > 0 && changed.clone().all(|(store, row)| !is_readable(*store, row)) {
        let bad = changed.map(|(store, row)| (*store, row.key.clone())).collect();
        return block_on(unread(&world, &before, &bad));
    }
    let mut calls = Vec::new();
    while calls.len() < 12 && !bytes.is_empty() {
        calls.extend(Call::arbitrary(&mut bytes));
    }
    let records = rows.iter().filter(|(store, _)| *store == StoreName::Records);
    let ids: Vec<String> = records.map(|(_, row)| row.key.text(1).to_owned()).collect();
    block_on(play(&world, &calls, &ids, &items));
}

impl RowSpoil {
    fn apply(self, row: &mut Row) {
        let body = match self {
            Self::Text(text) => text.into_bytes(),
            Self::Edits(first, more) => edit(&[vec![first], more].concat(), row.body.as_bytes()),
            Self::Cut(cut) => {
                let mut body = row.body.as_bytes().to_vec();
                cut.apply(&mut body);
                body
            }
            Self::Gone => return,
        };
        row.body = String::from_utf8_lossy(&body).into_owned().into();
    }
}

async fn play(world: &World, calls: &[Call], ids: &[String], items: &[String]) {
    let mut client = match world.open().await {
        Ok(client) => client,
        Err(error) => return assert_eq!(error.code(), "corrupt_row", "{error}"),
    };
    for call in calls {
        let before = rows(&world.database);
        if matches!(call, Call::Reopen) {
            client.close().await;
            match world.open().await {
                Ok(again) => client = again,
                Err(error) => return assert!(CODES.contains(&error.code()), "{error}"),
            }
        }
        if matches!(call, Call::Pass) {
            world.clock.advance(600_000);
        }
        world.line.sent.set(0);
        let ended = make(&client, call, ids, items).await;
        if let Err(error) = &ended {
            assert!(CODES.contains(&error.code()), "{call:?}: {error}");
            // A sync is many commits.
            assert!(matches!(call, Call::Sync) || rows(&world.database) == before, "{call:?} was refused, and wrote");
        }
    }
}

async fn make(client: &Client<LinePorts>, call: &Call, ids: &[String], items: &[String]) -> Result<(), EngineError> {
    let id = |which: &u8| ids[usize::from(*which) % ids.len()].as_str();
    let item = |which: &u8| items[usize::from(*which) % items.len()].as_str();
    match call {
        Call::Get(which) => client.get("task", id(which), true).await.map(drop),
        Call::Query(which) => {
            client.query(["task", "sys_user"][usize::from(which % 2)], "ORDERBYpriority", 0, None).await.map(drop)
        }
        Call::Create(which) => {
            client.create_many("incident", vec![row(json!({ "parent": id(which) }))]).await.map(drop)
        }
        Call::Update(which) => client.update("task", id(which), row(json!({ "priority": 3 }))).await.map(drop),
        Call::Note(which) => client.update("task", id(which), row(json!({ "work_notes": "more" }))).await.map(drop),
        Call::Delete(which) => client.delete("task", id(which)).await,
        Call::Outbox => client.outbox(None, None, None).await.map(drop),
        Call::Retry(which) => client.retry(item(which)).await,
        Call::Edit(which) => client.edit(item(which), row(json!({ "priority": 4 }))).await,
        Call::Discard(which) => client.discard(item(which)).await.map(drop),
        Call::Status => client.status().await.map(drop),
        Call::Audit => client.audit().await.map(drop),
        Call::Next => client.next_sync_in().await.map(drop),
        Call::Sync => client.sync(SyncOptions::default()).await.map(drop),
        Call::Reopen | Call::Pass => Ok(()),
    }
}

fn row(fields: Value) -> AppRow {
    fields.as_object().unwrap().clone()
}

fn id_of(row: &AppRow) -> String {
    row["sys_id"].as_str().unwrap().to_owned()
}
