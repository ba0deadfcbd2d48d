//! Records that are to be read again: what an action has touched, or has named.

use std::collections::BTreeMap;

use super::{along::Walk, beforehand::AT_ONCE, client::Client, error::EngineError, exchange::Trouble, pull::id_of};
use crate::{
    core::{
        Durability, Event, Found, Origin, Read, Scan, StoreName,
        lease::renew_lease,
        pull::{Came, take_in_as},
        stored::{Record, UPDATED, Wanted},
    },
    ports::{Headers, Ports, Store},
};

impl<P: Ports> Client<P> {
    /// Reads them, table by table. What the instance no longer gives stays as it is here: a refresh decides.
    pub(super) async fn read_wanted(&self, lease: u64) -> Result<u32, Trouble> {
        let read = [Read::Rows(Scan::key(StoreName::Meta, Wanted::all()))];
        let found = self.ports().store().read(&read).await.map_err(EngineError::from)?;
        let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(0) };
        let mut by_table: BTreeMap<String, Vec<Wanted>> = BTreeMap::new();
        for wanted in self.readable::<Wanted>(&rows) {
            by_table.entry(wanted.table.clone()).or_default().push(wanted);
        }
        let mut headers: Option<Headers> = None;
        let (mut written, mut these) = (0, Vec::new());
        for (table, wanted) in by_table {
            for chunk in wanted.chunks(AT_ONCE) {
                let ids: Vec<String> = chunk.iter().map(|wanted| wanted.sys_id.clone()).collect();
                let (rows, may_read) = match self.rows_of(lease, &table, &ids, &mut headers).await {
                    Ok(rows) => (rows, true),
                    // Nor will it be given another time.
                    Err(Trouble::Engine(EngineError::PullRefused { .. })) => (Vec::new(), false),
                    // Perhaps another time: nothing else waits for it.
                    Err(trouble) if self.is_of_the_table(&trouble) => continue,
                    Err(trouble) => return Err(trouble),
                };
                let told = |id: &String| rows.iter().any(|row| row.get("sys_id") == Some(id));
                self.tell_of_missing(&table, ids.iter().filter(|id| may_read && !told(id))).await?;
                written += self
                    .transact(Origin::Sync, Durability::Relaxed, |tx| {
                        renew_lease(tx, lease)?;
                        for wanted in chunk {
                            tx.remove(Wanted::at(&wanted.table, &wanted.sys_id));
                        }
                        take_in_as(tx, &table, None, &rows, Came::Named(lease))
                    })
                    .await?;
                these.extend(rows.iter().map(|row| (table.clone(), id_of(row))));
            }
        }
        let mut walk = Walk::new(lease, headers);
        self.bring_along_with(&mut walk, &these).await?;
        Ok(written + walk.written)
    }

    /// A step may name what is not there, by a slip of its author's: the device would have a record that is nowhere.
    async fn tell_of_missing(&self, table: &str, missing: impl Iterator<Item = &String>) -> Result<(), EngineError> {
        for id in missing {
            let record = self.look(|tx| tx.readable::<Record>(&Record::at(tx.schema, table, id))).await?;
            if record.is_some_and(|record| !record.fields.contains_key(UPDATED)) {
                let message = format!(
                    "The online step of an action has named {table} {id}, and the instance has no such record, or does \
                     not show it."
                );
                self.tell(&[Event::Error { code: "not_found".to_owned(), message, retryable: false }]);
            }
        }
        Ok(())
    }
}
