//! How things stand, and whether anything is amiss.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{client::Client, error::EngineError};
use crate::{
    core::{
        Durability, Evicted, Found, Key, Read, Scan, StoreName, ids,
        present::{Pause, iso},
        stored::{Alias, Announced, Deletions, Item, Proofs, Pulled, Record},
        twins::sentence,
    },
    ports::{Ports, Store},
    wire::Fields,
};

/// As the contract's `Status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// `auto` or `offline`.
    pub mode: &'static str,
    /// Whether the last exchange with the instance succeeded, as far as the browser does not know better.
    pub online: bool,
    /// Whether this context is syncing.
    pub syncing: bool,
    /// Why nothing is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Pause>,
    /// Items in the outbox.
    pub pending: u32,
    /// Of these, refused.
    pub refused: u32,
    /// Of these, in conflict.
    pub conflicts: u32,
    /// Records the instance has not made yet.
    pub temporary: u32,
    /// When the oldest item was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_pending_at: Option<String>,
    /// When all that was due had last been sent and pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_at: Option<String>,
    /// What cannot be ruled out.
    pub caveats: Vec<String>,
    /// What of the instance's tables is here.
    pub cache: Vec<CachedTable>,
    /// The room there is.
    pub storage: Storage,
    /// What the browser threw away, as long as this context is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evicted: Option<Evicted>,
}

/// One cached table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CachedTable {
    /// The table.
    pub table: String,
    /// As of when what is here of it is as the instance has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched_at: Option<String>,
    /// Records of it that were brought.
    pub rows: u32,
    /// How it is noticed what has gone.
    pub deletions: Deletions,
}

/// As the contract's `Status.storage`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Bytes taken.
    pub usage_bytes: f64,
    /// Bytes that may be taken.
    pub quota_bytes: f64,
    /// Whether the browser promised not to evict it.
    pub persisted: bool,
    /// When writes count as saved.
    pub durability: &'static str,
    /// What threatens the data, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
}

/// What `audit()` found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// Records looked at.
    pub records: u32,
    /// Records that still have a temporary id, as they should while unsent.
    pub temporary: u32,
    /// Places that hold a temporary id and should not.
    pub orphans: Vec<Orphan>,
}

/// A place that holds a temporary id and should not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Orphan {
    /// The table of the record, or of the item's record.
    pub table: String,
    /// Its id.
    pub sys_id: String,
    /// The place in it.
    pub path: String,
    /// The id that should not be there.
    pub id: String,
}

impl<P: Ports> Client<P> {
    /// How things stand.
    ///
    /// # Errors
    /// The store's.
    pub async fn status(&self) -> Result<Status, EngineError> {
        let course = self.course().await?;
        let all = Scan::key(StoreName::Outbox, Key::default());
        let [pending, refused, conflicts, temporary] = self
            .counts([
                all.clone(),
                Scan::index(StoreName::Outbox, Item::refused()),
                Scan::index(StoreName::Outbox, Item::in_conflict()),
                Scan::index(StoreName::Records, Record::temporary()),
            ])
            .await?;
        let oldest = match self.ports().store().read(&[Read::Rows(all.limit(1))]).await?.into_iter().next() {
            Some(Found::Rows(rows)) => self.readable::<Item>(&rows).pop(),
            _ => None,
        };
        let usage = self.ports().store().usage().await;
        let risk = (usage.quota_bytes > 0.0 && usage.usage_bytes > 0.9 * usage.quota_bytes)
            .then(|| "The browser's storage for this site is almost full.".to_owned())
            .or_else(|| {
                (!usage.persisted && pending > 0)
                    .then(|| "The browser may clear this site's storage when the device runs short of room.".to_owned())
            });
        Ok(Status {
            mode: if course.offline { "offline" } else { "auto" },
            online: self.is_online(&course),
            syncing: self.session().is_running(),
            paused: self.pause().await?,
            pending,
            refused,
            conflicts,
            temporary,
            oldest_pending_at: oldest.map(|item| iso(item.queued_at)),
            last_sync_at: course.last_sync_at.map(iso),
            caveats: self.caveats().await?,
            cache: self.cached_tables().await?,
            storage: Storage {
                usage_bytes: usage.usage_bytes,
                quota_bytes: usage.quota_bytes,
                persisted: usage.persisted,
                durability: match self.settings().durability {
                    Durability::Strict => "strict",
                    Durability::Relaxed => "relaxed",
                },
                risk,
            },
            evicted: self.evicted(),
        })
    }

    async fn cached_tables(&self) -> Result<Vec<CachedTable>, EngineError> {
        let mut tables = Vec::new();
        for (of, _) in self.cached(None).await? {
            let [rows] = self.counts([Scan::index(StoreName::Records, Record::pulled_of(&of.table))]).await?;
            let known = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await?.unwrap_or_default();
            tables.push(CachedTable {
                fetched_at: Some(known.fresh_at).filter(|at| *at > 0).map(iso),
                rows,
                deletions: known.deletions.unwrap_or(Deletions::Ids),
                table: of.table,
            });
        }
        Ok(tables)
    }

    async fn caveats(&self) -> Result<Vec<String>, EngineError> {
        let announces = self.dialect().capabilities().is_some();
        let before = self.look(|tx| tx.readable::<Announced>(&Announced::at())).await?;
        let proofs = self.proofs().await?;
        // Where it has never said what it can do, and records have landed all the same, they went without keys.
        let keyless = self.session().passes_for_plain() || !proofs.keeps.is_empty();
        let announced = before.map_or(announces && !keyless, |said| said.keys);
        let unchecked = Read::Rows(Scan::index(StoreName::Aliases, Alias::unchecked()));
        let mut caveats = Vec::new();
        if let Some(Found::Rows(rows)) = self.ports().store().read(&[unchecked]).await?.into_iter().next() {
            let several = self.readable::<Alias>(&rows).into_iter().filter(|alias| !alias.twins.is_empty());
            caveats.extend(several.map(|alias| format!("{} Remove there what is not wanted.", sentence(&alias))));
        }
        let forgotten_after = before.and_then(|said| said.ttl_ms);
        if self.session().capabilities().map_or(announced, |known| known.idempotency_key) {
            let tables = self.schema().tables().map(|(table, _)| table).filter(|_| forgotten_after.is_some());
            let blind = tables
                .filter(|table| self.schema().correlation_field(table).is_none() || proofs.keeps(table) == Some(false));
            let hours = forgotten_after.unwrap_or_default().div_ceil(3_600_000);
            let entries = self.untold_entries(&proofs).filter(|_| forgotten_after.is_some());
            caveats.extend(entries.map(|told| format!("{told}, and the instance remembers keys for {hours} hours: an entry whose answer is lost for longer waits for you, or goes again where the app says so, since it may have arrived, and duplicates cannot be ruled out.")));
            caveats.extend(blind.map(|table| {
                format!("{table} keeps no correlation field, and the instance remembers keys for {hours} hours: a record whose answer is lost for longer waits for you, since it may have been made, and duplicates cannot be ruled out.")
            }));
            return Ok(caveats);
        }
        let tables = || self.schema().tables().map(|(table, _)| table);
        let blind = tables()
            .filter(|table| self.schema().correlation_field(table).is_none() || proofs.finds(table) == Some(false))
            .map(|table| {
                format!("{table} keeps no correlation field, or does not let its records be found by it, and the instance knows no keys: a record whose answer is lost waits for you, since it may have been made, and duplicates cannot be ruled out.")
            });
        let unproved: Vec<&str> = tables()
            .filter(|table| self.schema().correlation_field(table).is_some() && proofs.finds(table).is_none())
            .collect();
        let not_yet = (!unproved.is_empty()).then(|| {
            format!("Whether records are found by their correlation field is not known yet, before a first one has landed, of: {}. Until then a record whose answer is lost may wait for you.", unproved.join(", "))
        });
        caveats.extend(blind.chain(not_yet));
        caveats.extend(self.untold_entries(&proofs).map(|told| {
            format!("{told}, and the instance knows no keys: an entry whose answer is lost waits for you, or goes again where the app says so, since it may have arrived, and duplicates cannot be ruled out.")
        }));
        Ok(caveats)
    }

    /// That nobody can tell of a journal entry whether it has arrived, as far as was seen.
    fn untold_entries(&self, proofs: &Proofs) -> Option<String> {
        let with: Vec<&str> =
            self.schema().tables().map(|(table, _)| table).filter(|table| self.schema().has_journals(table)).collect();
        let known = proofs.entries == Some(false) && !with.is_empty();
        known.then(|| {
            format!("Whether a journal entry has arrived could not be told by sys_journal_field ({})", with.join(", "))
        })
    }

    /// Looks at every place that may hold a temporary id. Slow: it reads the whole database.
    ///
    /// # Errors
    /// The store's.
    pub async fn audit(&self) -> Result<Audit, EngineError> {
        let everything = |store| Read::Rows(Scan::key(store, Key::default()));
        let reads = [everything(StoreName::Records), everything(StoreName::Outbox), everything(StoreName::Aliases)];
        let found = self.ports().store().read(&reads).await?;
        let [Found::Rows(records), Found::Rows(items), Found::Rows(aliases)] = found.as_slice() else {
            return Ok(Audit::default());
        };
        let mut permanent = BTreeSet::new();
        let mut open = BTreeSet::new();
        // A row that nobody can read is told of as such, and hides nothing of the others.
        for alias in self.readable::<Alias>(aliases) {
            if alias.is_open() {
                open.insert(alias.temporary);
            } else if alias.sys_id.is_some() {
                permanent.insert(alias.temporary);
            }
        }
        let mut audit = Audit::default();
        let mut temporary = BTreeSet::new();
        let (records, items) = (self.readable::<Record>(records), self.readable::<Item>(items));
        for record in &records {
            audit.records += 1;
            if record.is_temporary() {
                audit.temporary += 1;
                temporary.insert(record.sys_id.clone());
            }
        }
        let mut look = |table: &str, sys_id: &str, place: &str, fields: &Fields, mentions: &[String]| {
            let correlation = self.schema().correlation_field(table);
            for (name, text) in fields.iter().filter(|(name, _)| Some(*name) != correlation.as_ref()) {
                for id in ids::find(text) {
                    // A mention of an unsent record is as it should be, if its receipt will find it.
                    let lost = open.contains(id) && !mentions.iter().any(|known| known == id);
                    if lost || permanent.contains(id) {
                        audit.orphans.push(Orphan {
                            table: table.to_owned(),
                            sys_id: sys_id.to_owned(),
                            path: format!("{place}.{name}"),
                            id: id.to_owned(),
                        });
                    }
                }
            }
        };
        for record in &records {
            look(&record.table, &record.sys_id, "record", &record.fields, &record.mentions);
            if let Some(base) = &record.base {
                look(&record.table, &record.sys_id, "base", base, &record.mentions);
            }
        }
        for item in &items {
            look(&item.table, &item.sys_id, "item", &item.fields, &item.mentions);
            let Some(action) = &item.action else { continue };
            // What it makes, its own answer will tell it.
            let own = item.makes().into_iter().map(|(_, temporary)| temporary.to_owned());
            let mentions: Vec<String> = item.mentions.iter().cloned().chain(own).collect();
            for part in &action.parts {
                look(&part.table, part.id(), "item.part", &part.fields, &mentions);
            }
            let input = [("input".to_owned(), action.input.to_string())].into();
            look("", &item.id, "item", &input, &item.mentions);
        }
        let mut stray = |table: &str, id: &str, path: &str| {
            audit.orphans.push(Orphan {
                table: table.to_owned(),
                sys_id: id.to_owned(),
                path: path.to_owned(),
                id: id.to_owned(),
            });
        };
        for record in records
            .iter()
            .filter(|record| record.is_temporary() && (record.items.is_empty() || !open.contains(&record.sys_id)))
        {
            stray(&record.table, &record.sys_id, "sys_id");
        }
        for item in &items {
            let path = if item.action.is_some() { "item.part.sys_id" } else { "item.sys_id" };
            for (table, sys_id) in item.records() {
                if ids::is_temporary(sys_id) && !temporary.contains(sys_id) {
                    stray(table, sys_id, path);
                }
            }
        }
        Ok(audit)
    }
}
