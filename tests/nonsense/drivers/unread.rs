//! Some rows cannot be read: what of everything else?

use std::collections::BTreeSet;

use landfall::{
    core::{
        Key, Row, StoreName,
        stored::{Alias, Announced, Birth, Course, Family, Item, ItemKind, Lease, Proofs, Record, decode},
    },
    engine::SyncOptions,
};

use super::world::{World, schema};

/// Where some rows are.
pub type Places = BTreeSet<(StoreName, Key)>;

pub fn is_readable(store: StoreName, row: &Row) -> bool {
    match (store, row.key.text(0)) {
        (StoreName::Records, _) => decode::<Record>(row).is_ok(),
        (StoreName::Outbox, _) => decode::<Item>(row).is_ok(),
        (StoreName::Aliases, _) => decode::<Alias>(row).is_ok(),
        (StoreName::Meta, "lease") => decode::<Lease>(row).is_ok(),
        (StoreName::Meta, "course") => decode::<Course>(row).is_ok(),
        (StoreName::Meta, "family") => decode::<Family>(row).is_ok(),
        (StoreName::Meta, "proofs") => decode::<Proofs>(row).is_ok(),
        (StoreName::Meta, "birth") => decode::<Birth>(row).is_ok(),
        (StoreName::Meta, _) => decode::<Announced>(row).is_ok(),
    }
}

/// All that can be read is shown and listed, and what has nothing to do with the `bad` rows goes out.
pub async fn unread(world: &World, before: &[(StoreName, Row)], bad: &Places) {
    let client = world.open().await.unwrap();
    let well = |store: StoreName| {
        before.iter().filter(move |(of, row)| *of == store && !bad.contains(&(store, row.key.clone())))
    };
    let records: Vec<Record> = well(StoreName::Records).map(|(_, row)| decode(row).unwrap()).collect();
    let shown = client.query("task", "", 0, None).await.unwrap();
    for record in records.iter().filter(|record| record.table != "sys_user" && !record.deleted) {
        // What became of a temporary id is not guessed.
        if !bad.contains(&(StoreName::Aliases, Key::from([record.sys_id.as_str()]))) {
            assert!(client.get("task", &record.sys_id, false).await.unwrap().is_some(), "{record:?}");
        }
        assert!(shown.iter().any(|row| row["sys_id"] == record.sys_id.as_str()), "{record:?}");
    }
    let items: Vec<Item> = well(StoreName::Outbox).map(|(_, row)| decode(row).unwrap()).collect();
    let listed = client.outbox(None, None, None).await.unwrap();
    assert_eq!(listed.len(), items.len());
    client.status().await.unwrap();
    client.next_sync_in().await.unwrap();

    let ways = Ways { before, bad };
    for _ in 0..6 {
        world.clock.advance(3_600_001);
        world.line.sent.set(0);
        client.sync(SyncOptions::default()).await.unwrap();
    }
    let left = client.outbox(None, None, None).await.unwrap();
    for item in items.iter().filter(|item| ways.leads_out(item, 0)) {
        assert!(left.iter().all(|view| view.id != item.id), "it stays: {:#?}", left);
    }
}

struct Ways<'a> {
    before: &'a [(StoreName, Row)],
    bad: &'a Places,
}

impl Ways<'_> {
    fn row(&self, store: StoreName, key: &Key) -> Option<&Row> {
        let here = |(of, row): &&(StoreName, Row)| *of == store && row.key == *key;
        self.before.iter().find(here).map(|(_, row)| row).filter(|_| !self.bad.contains(&(store, key.clone())))
    }

    /// Whether nothing holds the item up but time, and no row it needs is bad.
    fn leads_out(&self, item: &Item, deep: u8) -> bool {
        // Of a table of which nothing is proved creates leave one by one, and one whose record is bad is never done.
        let proved = self.row(StoreName::Meta, &Proofs::at().key).is_some();
        if item.kind == ItemKind::Create && !proved {
            return false;
        }
        let record = Record::at(&schema(), &item.table, &item.sys_id);
        let Some(record) = self.row(record.store, &record.key).map(|row| decode::<Record>(row).unwrap()) else {
            return false;
        };
        let alias =
            |id: &str| self.row(StoreName::Aliases, &Alias::at(id).key).map(|row| decode::<Alias>(row).unwrap());
        let whole = !record.is_temporary() || alias(&record.sys_id).is_some();
        let siblings = record.items.iter().all(|id| {
            let row = self.row(StoreName::Outbox, &Item::at(id).key).map(|row| decode::<Item>(row).unwrap());
            row.is_some_and(|item| {
                item.state != landfall::core::stored::ItemState::Refused
                    && !item.in_vain
                    && item.mentions.iter().all(|id| {
                        alias(id).is_some_and(|alias| !alias.dropped) && deep < 8 && self.made_first(id, deep + 1)
                    })
            })
        });
        whole && siblings
    }

    /// The create of an unsent record.
    fn made_first(&self, temporary: &str, deep: u8) -> bool {
        let record = Record::at(&schema(), "task", temporary);
        let Some(row) = self.row(record.store, &record.key) else { return false };
        let record: Record = decode(row).unwrap();
        let first = record.items.first().and_then(|id| self.row(StoreName::Outbox, &Item::at(id).key));
        first.is_some_and(|row| self.leads_out(&decode(row).unwrap(), deep))
    }
}
