//! The cached tables, as a plain full refresh. It runs under the sender's lease, so no receipt of
//! this device is on its way while rows come in.

use std::collections::BTreeSet;

use super::{
    client::Client,
    dialect::Page,
    error::EngineError,
    exchange::Trouble,
    report::{EndedBy, Phase, Progress, SyncReport},
    sync::SyncOptions,
};
use crate::{
    core::{
        Durability, Event, Found, Origin, Read, RowKey, Scan, StoreName,
        lease::renew_lease,
        pull::{may_go, sweep, take_in},
        schema::{CacheOptions, Schema},
        stored::Record,
    },
    ports::{Headers, Ports, Store},
    wire::{
        ErrorBody, Fields, Query, Request,
        query::{Op, Term},
    },
};

/// Rows asked for at a time. An answer in a batch may be 10 MB; this is not in a batch, but a phone's.
const PAGE: u32 = 1_000;
/// Ids asked for at once: with 32 digits each they have to fit in a URL.
const ASKED_AGAIN: usize = 50;
/// Rows written in one transaction: other writers wait no longer than it lasts.
const CHUNK: usize = 250;

impl<P: Ports> Client<P> {
    /// Refreshes every cached table, then removes what no refresh brought.
    ///
    /// A table the instance will not give is reported by an `error` event and the others are refreshed;
    /// nothing is removed then.
    pub(super) async fn pull(
        &self,
        lease: u64,
        options: &SyncOptions,
        report: &mut SyncReport,
    ) -> Result<EndedBy, Trouble> {
        let mut headers: Option<Headers> = None;
        let mut complete = Vec::new();
        let cached: Vec<(String, CacheOptions)> =
            self.schema().tables().filter_map(|(table, said)| Some((table.to_owned(), said.cache.clone()?))).collect();
        for (table, cache) in &cached {
            match self.refresh(lease, table, cache, &mut headers, options, report).await {
                Ok(Refreshed::All) => complete.push((table, cache, false)),
                Ok(Refreshed::Limit) => complete.push((table, cache, true)),
                Ok(Refreshed::Stopped) => return Ok(EndedBy::Aborted),
                Err(trouble) => self.report_refusal(trouble)?,
            }
        }
        report.refreshed = complete.len() == cached.len();
        if report.refreshed {
            for (table, cache, limited) in complete {
                match self.remove_rest(lease, table, cache, limited, &mut headers).await {
                    Ok(removed) => report.removed += removed,
                    Err(trouble) => self.report_refusal(trouble)?,
                }
            }
        }
        Ok(EndedBy::Done)
    }

    /// One table that the instance will not give is no trouble of the others.
    fn report_refusal(&self, trouble: Trouble) -> Result<(), Trouble> {
        match trouble {
            Trouble::Engine(error @ (EngineError::QueryNotHonoured { .. } | EngineError::PullRefused { .. })) => {
                self.tell(&[Event::Error {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                    retryable: error.retryable(),
                }]);
                Ok(())
            }
            trouble => Err(trouble),
        }
    }

    async fn refresh(
        &self,
        lease: u64,
        table: &str,
        cache: &CacheOptions,
        headers: &mut Option<Headers>,
        options: &SyncOptions,
        report: &mut SyncReport,
    ) -> Result<Refreshed, Trouble> {
        let text = cache.query.clone().unwrap_or_default();
        // Checked when the schema was made.
        let query: Query = text.parse().unwrap_or_default();
        let mut left = cache.limit.unwrap_or(u32::MAX);
        let mut seen = BTreeSet::new();
        let mut followed = BTreeSet::new();
        let mut asked = self.dialect().first_page(table, &text, None, left.min(PAGE));
        loop {
            if self.is_stopped(options) {
                return Ok(Refreshed::Stopped);
            }
            let page = self.page(lease, table, &asked, headers).await?;
            let fresh = |row: &Fields| seen.insert(row.get("sys_id").cloned().unwrap_or_default());
            let mut rows: Vec<Fields> = page.rows;
            rows.retain(fresh);
            rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            self.check_honoured(table, &text, &query, &rows)?;
            left -= u32::try_from(rows.len()).unwrap_or(left);
            for chunk in rows.chunks(CHUNK) {
                let written = self.transact_parts(Durability::Relaxed, chunk, |tx, rows| {
                    renew_lease(tx, lease)?;
                    take_in(tx, table, rows, lease)
                });
                report.pulled += written.await?.into_iter().sum::<u32>();
                if let Some(tell) = &options.on_progress {
                    tell(Progress { phase: Phase::Pull, done: report.pulled, total: None });
                }
            }
            let Some(link) = page.next.filter(|_| left > 0) else {
                return Ok(if left > 0 { Refreshed::All } else { Refreshed::Limit });
            };
            // Pages that go round in a circle would be asked for for ever.
            let fresh = followed.insert(link.clone());
            asked = self.dialect().next_page(&link).filter(|_| fresh).ok_or_else(|| EngineError::PullRefused {
                table: table.to_owned(),
                status: 0,
                message: format!(
                    "its next page is said to be at {link}, which is not the instance's or was there before"
                ),
            })?;
        }
    }

    pub(super) async fn page(
        &self,
        lease: u64,
        table: &str,
        asked: &Request,
        headers: &mut Option<Headers>,
    ) -> Result<Page, Trouble> {
        let response = self.exchange(lease, asked, headers).await?;
        match response.status {
            200..300 => self.dialect().page(&response).map_err(Trouble::NotTheInstance),
            400..500 if response.is_json() && response.status != 408 => {
                let message = ErrorBody::read(&response.body).unwrap_or_default().message;
                Err(EngineError::PullRefused { table: table.to_owned(), status: response.status, message }.into())
            }
            status => Err(Trouble::Unreachable(format!("the instance answered {status}"))),
        }
    }

    /// An instance drops the terms of a query that it does not know, and then answers too much.
    fn check_honoured(&self, table: &str, text: &str, query: &Query, rows: &[Fields]) -> Result<(), EngineError> {
        match rows.iter().find(|row| !matches(self.schema(), query, table, row)) {
            None => Ok(()),
            Some(row) => Err(EngineError::QueryNotHonoured {
                table: table.to_owned(),
                query: text.to_owned(),
                sys_id: row.get("sys_id").cloned().unwrap_or_default(),
            }),
        }
    }

    /// Removes what an earlier refresh brought and this one did not. Where it was not the limit that left it out, the
    /// instance is asked about each once more: a row that went away between two pages shifts one that lives out of
    /// both.
    async fn remove_rest(
        &self,
        lease: u64,
        table: &str,
        cache: &CacheOptions,
        limited: bool,
        headers: &mut Option<Headers>,
    ) -> Result<u32, Trouble> {
        let read = [Read::Rows(Scan::index(StoreName::Records, Record::of_table(table)))];
        let found = self.ports().store().read(&read).await.map_err(EngineError::from)?;
        let Some(Found::Rows(rows)) = found.into_iter().next() else { return Ok(0) };
        let mut gone = Vec::new();
        for record in self.readable::<Record>(&rows).into_iter().filter(|record| may_go(record, lease)) {
            let at = Record::at(self.schema(), &record.table, &record.sys_id);
            gone.push((record.sys_id, at));
        }
        let query: Query = cache.query.as_deref().unwrap_or_default().parse().unwrap_or_default();
        let mut removed = 0;
        for chunk in gone.chunks(ASKED_AGAIN) {
            let mut alive = BTreeSet::new();
            if !limited {
                let ids = chunk.iter().map(|(id, _)| id.clone()).collect();
                let these = query.clone().and(Term { field: "sys_id".to_owned(), op: Op::In(ids) }).to_string();
                let size = u32::try_from(chunk.len()).unwrap_or(PAGE);
                let asked = self.dialect().first_page(table, &these, Some(&["sys_id"]), size);
                let page = self.page(lease, table, &asked, headers).await?;
                alive.extend(page.rows.into_iter().filter_map(|mut row| row.remove("sys_id")));
            }
            let keys: Vec<RowKey> =
                chunk.iter().filter(|(id, _)| !alive.contains(id)).map(|(_, at)| at.clone()).collect();
            removed += self
                .transact(Origin::Sync, Durability::Relaxed, |tx| {
                    renew_lease(tx, lease)?;
                    sweep(tx, lease, &keys)
                })
                .await?;
        }
        Ok(removed)
    }
}

/// How the refresh of one table ended.
enum Refreshed {
    /// Every row the query finds was brought.
    All,
    /// As many as the app wants.
    Limit,
    /// The caller had enough.
    Stopped,
}

/// Whether a row of `table` is one the query asks for.
pub(super) fn matches(schema: &Schema, query: &Query, table: &str, fields: &Fields) -> bool {
    query.matches(|name| fields.get(name).map_or("", String::as_str), |name| schema.type_of(table, name))
}
