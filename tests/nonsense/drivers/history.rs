//! An app and its syncs, with spoiled answers, and a healthy instance in the end.

use std::collections::BTreeSet;

use arbitrary::{Arbitrary, Unstructured};
use futures_executor::block_on;
use landfall::engine::{AppRow, Client, EndedBy, SyncOptions};
use serde_json::{Value, json};

use super::world::{LinePorts, Spoil, World};

/// Steps of one history, and spoiled answers of one sync, at most.
const MOST: usize = 24;
/// Syncs of a healthy instance after which nothing may be left that time alone moves.
const ROUNDS: usize = 8;

#[derive(Arbitrary, Debug)]
enum Step {
    Create { table: u8, parent: Option<u8> },
    Update { which: u8, text: u8, parent: Option<u8> },
    Note { which: u8, text: u8 },
    Delete { which: u8 },
    Sync { spoils: Vec<Spoil>, for_ever: Option<Spoil> },
    SyncSpoiled(Spoil, Spoil, Spoil),
    Pass { ms: u32 },
    Restart,
    Retry { which: u8 },
    Edit { which: u8, text: u8 },
    Discard { which: u8 },
}

/// What the app has made, by the ids it was given, and what it has done away with since.
#[derive(Default)]
struct Made {
    records: Vec<(&'static str, String)>,
    deleted: BTreeSet<String>,
    discarded: BTreeSet<String>,
}

struct Run {
    world: World,
    client: Client<LinePorts>,
    made: Made,
}

/// Plays the history that `bytes` stand for. After every commit the database is whole; in the end nothing is left in
/// the outbox; and where nobody has put words in the instance's mouth, every record is there once, as the app has it.
pub fn history(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    let [plain, honest, single]: [bool; 3] = bytes.arbitrary().unwrap_or_default();
    let mut world = World::new(plain, honest);
    world.batch_size = single.then_some(1);
    world.watch();
    let client = block_on(world.open()).unwrap();
    let mut run = Run { world, client, made: Made::default() };
    let mut steps = 0;
    while steps < MOST && !bytes.is_empty() {
        let Ok(step) = Step::arbitrary(&mut bytes) else { break };
        block_on(run.step(step));
        steps += 1;
    }
    block_on(run.heal());
}

impl Run {
    fn pick(&self, which: u8) -> Option<(&'static str, String)> {
        let count = self.made.records.len().max(1);
        self.made.records.get(usize::from(which) % count).cloned()
    }

    async fn step(&mut self, step: Step) {
        // What the app may not do is refused, and that is well.
        match step {
            Step::Create { table, parent } => {
                let table = ["task", "incident", "incident_task"][usize::from(table) % 3];
                let mut fields = json!({ "short_description": "new", "priority": table.len() });
                if let Some((_, parent)) = parent.and_then(|which| self.pick(which)) {
                    fields["parent"] = parent.into();
                }
                if let Ok(rows) = self.client.create_many(table, vec![row(fields)]).await {
                    self.made.records.push((table, rows[0]["sys_id"].as_str().unwrap().to_owned()));
                }
            }
            Step::Update { which, text, parent } => {
                let Some((table, id)) = self.pick(which) else { return };
                let mut fields = json!({ "short_description": format!("changed {text}") });
                if let Some((_, parent)) = parent.and_then(|which| self.pick(which)) {
                    fields["parent"] = parent.into();
                }
                let _ = self.client.update(table, &id, row(fields)).await;
            }
            Step::Note { which, text } => {
                let Some((table, id)) = self.pick(which) else { return };
                let _ = self.client.update(table, &id, row(json!({ "work_notes": format!("note {text}") }))).await;
            }
            Step::Delete { which } => {
                let Some((table, id)) = self.pick(which) else { return };
                if self.client.delete(table, &id).await.is_ok() {
                    self.made.deleted.insert(id);
                }
            }
            Step::Sync { spoils, for_ever } => self.sync(spoils, for_ever).await,
            Step::SyncSpoiled(one, two, three) => self.sync(vec![one, two, three], None).await,
            Step::Pass { ms } => self.world.clock.advance(u64::from(ms)),
            Step::Restart => {
                self.client.close().await;
                self.client = self.world.open().await.unwrap();
            }
            Step::Retry { which } => {
                let Some(item) = self.item(which).await else { return };
                self.client.retry(&item).await.unwrap();
            }
            Step::Edit { which, text } => {
                let Some(item) = self.item(which).await else { return };
                let _ = self.client.edit(&item, row(json!({ "short_description": format!("edited {text}") }))).await;
            }
            Step::Discard { which } => {
                let Some(item) = self.item(which).await else { return };
                self.discard(&item).await;
            }
        }
    }

    async fn item(&self, which: u8) -> Option<String> {
        let items = self.client.outbox(None, None, None).await.unwrap();
        items.get(usize::from(which) % items.len().max(1)).map(|item| item.id.clone())
    }

    async fn discard(&mut self, item: &str) {
        let gone = self.client.discard(item).await.unwrap();
        let aliases: Vec<_> = self.made.records.iter().map(|(_, id)| id.clone()).collect();
        for id in aliases {
            let now = self.client.resolve_id(&id).await.unwrap();
            if gone.iter().any(|item| item.sys_id == now || item.sys_id == id) {
                self.made.discarded.insert(id);
            }
        }
    }

    async fn sync(&mut self, spoils: Vec<Spoil>, for_ever: Option<Spoil>) {
        self.world.line.spoils.replace(spoils.into_iter().take(MOST).collect());
        self.world.line.for_ever.replace(for_ever);
        self.world.line.sent.set(0);
        // An error here is the store's, and this one has none.
        self.client.sync(SyncOptions::default()).await.unwrap();
        self.world.line.spoils.take();
        self.world.line.for_ever.take();
    }

    /// The instance is well again, and the user sees to what waits for a person.
    async fn heal(&mut self) {
        for round in 0..2 * ROUNDS {
            self.world.clock.advance(3_600_001);
            self.client.signed_in().await.unwrap();
            self.world.line.sent.set(0);
            let report = self.client.sync(SyncOptions::default()).await.unwrap();
            if report.remaining == 0 && report.ended_by == EndedBy::Done {
                break;
            }
            for item in self.client.outbox(None, None, None).await.unwrap() {
                // A delete that was discarded may have been carried out: then there is nothing left to change.
                let refused = item.state == "refused" && self.made.discarded.is_empty();
                assert!(!self.world.line.honest || !refused, "nobody has refused it: {item:?}");
                self.see_to(&item.id, &item.sys_id, item.state, round >= ROUNDS).await;
            }
        }
        let left = self.client.outbox(None, None, None).await.unwrap();
        assert!(left.is_empty(), "it never goes out: {left:#?}");
        // What was asked for in doubt may have a twin that comes late: it is looked for a few times more.
        for _ in 0..2 * ROUNDS {
            let Some(wait) = self.client.next_sync_in().await.unwrap() else { break };
            self.world.clock.advance(wait);
            self.client.sync(SyncOptions::default()).await.unwrap();
        }
        assert_eq!(self.client.next_sync_in().await.unwrap(), None);
        self.client.status().await.unwrap();
        if self.world.line.honest {
            assert_eq!(self.client.audit().await.unwrap().orphans, []);
            self.compare().await;
        }
    }

    async fn see_to(&mut self, item: &str, sys_id: &str, state: &str, impatient: bool) {
        let there = self.there(sys_id).len();
        match state {
            // Someone has lied to this device: what an item changes may be nowhere.
            _ if impatient && !self.world.line.honest => self.discard_if_there(item).await,
            "unknown" if there > 0 && self.world.line.honest => self.discard_if_there(item).await,
            "refused" if self.world.line.honest => self.discard_if_there(item).await,
            // It points to a record that was deleted before it was sent.
            "waiting" => {
                let nothing = row(json!({ "parent": "" }));
                for table in ["task", "incident", "incident_task"] {
                    let _ = self.client.update(table, sys_id, nothing.clone()).await;
                }
            }
            _ => match self.client.retry(item).await {
                Ok(()) => {}
                Err(error) => assert_eq!(error.code(), "not_found", "{error}"),
            },
        }
    }

    /// It may have gone with another.
    async fn discard_if_there(&mut self, item: &str) {
        if self.client.outbox(None, None, None).await.unwrap().iter().any(|there| there.id == item) {
            self.discard(item).await;
        }
    }

    /// The instance's rows that carry a temporary id.
    fn there(&self, temporary: &str) -> Vec<landfall::wire::Fields> {
        let tables = ["task", "incident", "incident_task"];
        let rows = tables.iter().flat_map(|table| self.world.line.instance.rows(table));
        rows.filter(|row| row.get("correlation_id").is_some_and(|id| id == temporary)).collect()
    }

    async fn compare(&self) {
        for (table, id) in &self.made.records {
            let there = self.there(id);
            if self.made.discarded.contains(id) {
                assert!(there.len() <= 1, "{id} is there more than once: {there:?}");
                continue;
            }
            let expected = usize::from(!self.made.deleted.contains(id));
            assert_eq!(there.len(), expected, "{id}: {there:?}");
            let here = self.client.get(table, id, false).await.unwrap();
            assert_eq!(here.is_some(), expected == 1, "{id}");
            if let (Some(here), Some(there)) = (here, there.first()) {
                for field in ["sys_id", "short_description", "parent"] {
                    let there = there.get(field).map_or("", String::as_str);
                    assert_eq!(here.get(field).and_then(Value::as_str).unwrap_or_default(), there, "{id} {field}");
                }
            }
        }
    }
}

fn row(fields: Value) -> AppRow {
    fields.as_object().unwrap().clone()
}
