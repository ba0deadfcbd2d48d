//! Temporary ids that another device made: only the instance can tell what has become of them.

use std::{collections::BTreeSet, pin::pin};

use futures_util::future::{Either, select};

use super::{client::Client, error::EngineError};
use crate::{
    core::{ids, write},
    ports::{AuthReason, Clock, Ports, Remote},
    wire::{
        Fields, Query, decode,
        query::{Op, Term},
        table::{Answer, Row},
    },
};

/// How long the app is kept waiting for it, in ms.
const MOST_MS: u64 = 5_000;

impl<P: Ports> Client<P> {
    /// The permanent id once known, else the id given. One from another device is asked of the instance, when online:
    /// that it could not be asked is no error.
    ///
    /// # Errors
    /// The store's.
    pub async fn resolve_id(&self, sys_id: &str) -> Result<String, EngineError> {
        let (id, foreign) = self
            .look(|tx| {
                let id = write::resolve(tx, sys_id)?;
                let foreign = ids::is_temporary(&id) && tx.alias(sys_id)?.is_none();
                Ok((id, foreign))
            })
            .await?;
        if !foreign || self.pause().await?.is_some() || !self.is_online(&self.course().await?) {
            return Ok(id);
        }
        let found = match select(pin!(self.ask_for(&id)), pin!(self.ports().clock().sleep(MOST_MS))).await {
            Either::Left((found, _)) => found,
            Either::Right(_) => None,
        };
        Ok(found.unwrap_or(id))
    }

    /// Whether the instance has a record, and shows it; `None` where it cannot be asked.
    pub(super) async fn has(&self, table: &str, sys_id: &str) -> Result<Option<bool>, EngineError> {
        if self.pause().await?.is_some() || !self.is_online(&self.course().await?) {
            return Ok(None);
        }
        let asks = async {
            let headers = self.ports().remote().authorize(AuthReason::Send).await.ok()?;
            let mut request = self.dialect().read(table, sys_id);
            request.headers.extend(headers);
            let response = self.ports().remote().send(&request, MOST_MS).await.ok()?;
            match response.status {
                200..300 => decode::<Answer<Row>>("record", &response.body)
                    .ok()
                    .map(|answer| Fields::from(answer.result).get("sys_id").is_some_and(|id| id == sys_id)),
                400 | 403 | 404 if response.is_json() => Some(false),
                _ => None,
            }
        };
        Ok(match select(pin!(asks), pin!(self.ports().clock().sleep(MOST_MS))).await {
            Either::Left((has, _)) => has,
            Either::Right(_) => None,
        })
    }

    /// Asks each family of tables once. A question that changes nothing needs no lease.
    async fn ask_for(&self, temporary: &str) -> Option<String> {
        let headers = self.ports().remote().authorize(AuthReason::Send).await.ok()?;
        let schema = self.schema();
        let families: BTreeSet<(&str, String)> = schema
            .tables()
            .filter_map(|(table, _)| {
                let field = schema.correlation_field(table)?;
                let same = |name: &&str| schema.correlation_field(name).as_ref() == Some(&field);
                let highest = schema.chain(table).take_while(same).filter(|name| schema.known(name).is_ok()).last();
                Some((highest?, field))
            })
            .collect();
        for (table, field) in families {
            let query =
                Query::default().and(Term { field: field.clone(), op: Op::Equals(temporary.to_owned()) }).to_string();
            let mut request = self.dialect().first_page(table, &query, Some(&["sys_id", &field, "sys_created_on"]), 10);
            request.headers.extend(headers.iter().cloned());
            let response = self.ports().remote().send(&request, MOST_MS).await.ok()?;
            // One of the tables may not be this user's to read.
            let Ok(page) = self.dialect().page(&response) else { continue };
            // An instance that dropped the query answers with anybody's rows. Of twins it is the oldest.
            let carrying = page.rows.into_iter().filter(|row| row.get(&field).is_some_and(|id| id == temporary));
            let oldest = carrying.min_by(|a, b| a.get("sys_created_on").cmp(&b.get("sys_created_on")));
            if let Some(sys_id) = oldest.and_then(|mut row| row.remove("sys_id")).filter(|id| !id.is_empty()) {
                return Some(sys_id);
            }
        }
        None
    }
}
