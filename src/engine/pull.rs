//! Refreshing the cached tables. It runs under the sender's lease, so no receipt of this device is on its way while rows
//! come in.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    client::Client,
    dialect::Page,
    error::EngineError,
    exchange::Trouble,
    meanwhile::Beside,
    report::{EndedBy, Phase, Progress, SyncReport},
    sync::SyncOptions,
};
use crate::{
    core::{
        Durability, Event, Origin,
        cache::Refresh,
        lease::renew_lease,
        pull::{Came, note_fresh, note_tried, take_in_as},
        schema::{CacheOptions, Schema},
        stored::Pulled,
    },
    ports::{Clock, Headers, Ports},
    wire::{ErrorBody, Fields, Query, Request},
};

/// Rows asked for at a time. An answer in a batch may be 10 MB; this is not in a batch, but a phone's.
pub(super) const PAGE: u32 = 1_000;
/// Rows written in one transaction: other writers wait no longer than it lasts.
const CHUNK: usize = 250;

/// A refresh under way.
pub(super) struct Pulling<'a> {
    pub lease: u64,
    pub headers: Option<Headers>,
    pub beside: Beside<'a>,
    /// Records that are here no more unless something leads to them.
    pub marked: u32,
    pub far: Far,
}

/// How far it is.
pub(super) struct Far {
    /// Rows that came.
    done: u32,
    /// Rows that are to come of the tables begun so far, in all; none where one of them is not counted.
    total: Option<u32>,
}

impl Far {
    /// So many more are to come, if that is known.
    pub fn expect(&mut self, more: Option<u32>) {
        self.total = self.total.zip(more).map(|(total, more)| total.saturating_add(more));
    }
}

/// A cached table, and what of it is to be here.
pub(super) struct Cached {
    pub table: String,
    pub text: String,
    pub query: Query,
    /// Most records.
    pub limit: Option<u32>,
    /// What of them is asked for; all, if nothing is said.
    pub fields: Option<Vec<String>>,
    pub refresh: Refresh,
    /// What could not be refreshed for so long goes, in ms.
    pub max_age_ms: Option<u64>,
}

/// What a refresh has found of one table.
pub(super) enum Refreshed {
    /// These are all that the query finds.
    All {
        ids: BTreeSet<String>,
        /// In the order of the ids, in which nothing is shifted out of two pages.
        by_id: bool,
    },
    /// These are as many as the app wants: what else there is may live.
    Limit(BTreeSet<String>),
    /// What has changed: nothing is said of what is gone. So many there are in all, if the instance counts.
    Changes(Option<i64>),
    /// The caller had enough, or nothing can be sent any more.
    Stopped,
}

impl Cached {
    pub fn of(schema: &Schema, table: &str, cache: &CacheOptions) -> Self {
        let text = cache.query.clone().unwrap_or_default();
        // Checked when the schema was made.
        let query = text.parse().unwrap_or_default();
        let fields = schema.fields_of(table, cache, &query);
        let CacheOptions { limit, refresh, max_age_ms, .. } = *cache;
        Self { table: table.to_owned(), text, query, limit, fields, refresh, max_age_ms }
    }

    /// Nothing of it has been brought yet.
    pub fn fresh(&self) -> Pulled {
        let fields = self.fields.clone().unwrap_or_default();
        Pulled { table: self.table.clone(), query: self.text.clone(), fields, ..Pulled::default() }
    }

    /// Whether this is of what is asked for now.
    pub fn is_of(&self, known: &Pulled) -> bool {
        known.query == self.text && known.fields.as_slice() == self.fields.as_deref().unwrap_or_default()
    }

    /// Whether as many as the instance counts are to be here.
    pub fn takes(&self, total: Option<i64>) -> bool {
        self.limit.is_none_or(|limit| total.is_some_and(|total| total <= i64::from(limit)))
    }
}

impl<P: Ports> Client<P> {
    /// Refreshes the cached tables that are to be, then removes what the instance does not have, or show, any more. `ready`: how
    /// many items the push before it has left.
    ///
    /// A table the instance will not give is reported by an `error` event and the others are refreshed. Of those that have
    /// records in common with it nothing is removed then: it may have brought them.
    pub(super) async fn pull(
        &self,
        lease: u64,
        options: &SyncOptions,
        report: &mut SyncReport,
        ready: u32,
    ) -> Result<EndedBy, Trouble> {
        let beside = Beside::new(options, report, ready);
        let mut pulling = Pulling { lease, headers: None, beside, marked: 0, far: Far { done: 0, total: Some(0) } };
        let pulled = self.refresh(&mut pulling).await;
        pulling.beside.end(pulled)
    }

    async fn refresh(&self, pulling: &mut Pulling<'_>) -> Result<EndedBy, Trouble> {
        let (lease, options) = (pulling.lease, pulling.beside.options);
        let cached = self.cached(options.only).await?;
        let beside = |of: &Cached| {
            let with_it = cached.iter().filter(|(other, _)| self.schema().related(&of.table, &other.table));
            with_it.map(|(other, _)| other.table.clone()).collect::<Vec<_>>()
        };
        let mut complete = BTreeMap::new();
        let (mut begun, mut failed) = (Vec::new(), Vec::new());
        for (of, _) in cached.iter().filter(|(_, due)| *due) {
            let begun_at = self.ports().clock().now_ms();
            begun.push((of, begun_at));
            // Of a record that two of them would bring, neither could tell by counting that it is gone.
            let refreshed = match beside(of).len() > 1 {
                true => self.bring_whole(pulling, of).await,
                false => self.bring_changes(pulling, of).await,
            };
            match refreshed {
                Ok(Refreshed::Stopped) => return Ok(EndedBy::Aborted),
                Ok(refreshed) => drop(complete.insert(of.table.clone(), refreshed)),
                Err(trouble) if self.is_of_the_table(&trouble) => failed.push((of, trouble)),
                Err(trouble) => self.report_refusal(trouble)?,
            }
        }
        // Where others came through, it is the table's own.
        for (of, trouble) in failed {
            match trouble {
                Trouble::Unreachable(message) if !complete.is_empty() => {
                    let refusal = EngineError::PullRefused { table: of.table.clone(), status: 0, message };
                    self.report_refusal(refusal.into())?;
                }
                trouble => return Err(trouble),
            }
        }
        let tried = begun.len();
        pulling.beside.report.refreshed = complete.len() == tried;
        let whole: BTreeSet<String> = complete.keys().cloned().collect();
        for (of, begun_at) in begun {
            let refreshed = complete.remove(&of.table).filter(|_| beside(of).iter().all(|table| whole.contains(table)));
            let found = match refreshed {
                Some(refreshed) => match self.remove_rest(pulling, of, refreshed).await {
                    Ok(is_fresh) => Some(is_fresh),
                    Err(trouble) => self.report_refusal(trouble).map(|()| None)?,
                },
                None => None,
            };
            if self.is_over(&pulling.beside) {
                return Ok(EndedBy::Aborted);
            }
            self.note_looked(lease, of.fresh(), begun_at, found == Some(true)).await?;
            if found.is_none() {
                self.expire(pulling, of).await?;
            }
        }
        // A table that is refreshed often has the others looked through only for what goes along with it, or did.
        let leads = |table: &String| self.schema().includes(table).next().is_some();
        let walks = match options.only {
            Some(on) if tried == 0 => self.is_walk_due(on).await?,
            Some(on) if on.is_none() => pulling.marked > 0 || whole.iter().any(leads),
            _ => true,
        };
        if walks {
            self.bring_along(pulling, whole).await?;
        }
        Ok(EndedBy::Done)
    }

    /// That it was refreshed at this time, in ms, or only tried.
    pub(super) async fn note_looked(&self, lease: u64, of: Pulled, at: u64, is_fresh: bool) -> Result<(), EngineError> {
        self.transact(Origin::Sync, Durability::Relaxed, |tx| {
            renew_lease(tx, lease)?;
            if is_fresh { note_fresh(tx, &of, at) } else { note_tried(tx, of.clone(), at) }
        })
        .await
    }

    /// What the changes of it were looked for by does not hold for what is brought in another way.
    async fn forget_pulled(&self, pulling: &Pulling<'_>, of: &Cached) -> Result<(), EngineError> {
        let known = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await?;
        match known.filter(|known| known.after.is_some() || known.until.is_some()) {
            Some(mut at) => {
                at.begin_anew();
                self.note_pulled(pulling, &at).await
            }
            None => Ok(()),
        }
    }

    /// One table that the instance will not give is no trouble of the others.
    pub(super) fn report_refusal(&self, trouble: Trouble) -> Result<(), Trouble> {
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

    /// Brings all that the query finds, or as many as the app wants.
    pub(super) async fn bring_whole(&self, pulling: &mut Pulling<'_>, of: &Cached) -> Result<Refreshed, Trouble> {
        self.forget_pulled(pulling, of).await?;
        let mut left = of.limit.unwrap_or(u32::MAX);
        let mut seen = BTreeSet::new();
        let mut followed = BTreeSet::new();
        let mut asked = self.first_of(of, &of.text, left.min(PAGE));
        let mut is_first = true;
        // Not between its pages: what is deleted there meanwhile would shift others out of them.
        self.see_to(pulling.lease, &mut pulling.beside).await;
        loop {
            if self.is_over(&pulling.beside) {
                return Ok(Refreshed::Stopped);
            }
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            if std::mem::take(&mut is_first) {
                pulling.far.expect(page.total.map(|total| total.min(left)));
            }
            let mut rows: Vec<Fields> = page.rows;
            rows.retain(|row| seen.insert(id_of(row)));
            rows.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= u32::try_from(rows.len()).unwrap_or(left);
            self.keep(pulling, of, &rows).await?;
            let Some(link) = page.next.filter(|_| left > 0) else {
                return Ok(match left {
                    0 => Refreshed::Limit(seen),
                    _ => Refreshed::All { ids: seen, by_id: false },
                });
            };
            asked = self.follow(of, link, &mut followed)?;
        }
    }

    /// Asks for what the app wants of the records that such a query finds.
    pub(super) fn first_of(&self, of: &Cached, query: &str, size: u32) -> Request {
        let fields: Option<Vec<&str>> = of.fields.as_ref().map(|fields| fields.iter().map(String::as_str).collect());
        self.dialect().first_page(&of.table, query, fields.as_deref(), size)
    }

    /// Takes rows in, if the query was honoured: an instance drops the terms that it does not know, and answers too much.
    pub(super) async fn keep(&self, pulling: &mut Pulling<'_>, of: &Cached, rows: &[Fields]) -> Result<(), Trouble> {
        if let Some(row) = rows.iter().find(|row| !matches(self.schema(), &of.query, &of.table, row)) {
            let (table, query, sys_id) = (of.table.clone(), of.text.clone(), id_of(row));
            return Err(EngineError::QueryNotHonoured { table, query, sys_id }.into());
        }
        let lease = pulling.lease;
        for chunk in rows.chunks(CHUNK) {
            let written = self.transact_parts(Durability::Relaxed, chunk, |tx, rows| {
                renew_lease(tx, lease)?;
                take_in_as(tx, &of.table, of.fields.as_deref(), rows, Came::Found(lease))
            });
            pulling.beside.report.pulled += written.await?.into_iter().sum::<u32>();
            let far = &mut pulling.far;
            far.done = far.done.saturating_add(u32::try_from(chunk.len()).unwrap_or(u32::MAX));
            if let Some(tell) = &pulling.beside.options.on_progress {
                tell(Progress {
                    phase: Phase::Pull,
                    done: far.done,
                    total: far.total.map(|total| total.max(far.done)),
                });
            }
        }
        Ok(())
    }

    /// Asks for the page at a link. Pages that go round in a circle would be asked for for ever.
    pub(super) fn follow(
        &self,
        of: &Cached,
        link: String,
        followed: &mut BTreeSet<String>,
    ) -> Result<Request, EngineError> {
        let fresh = followed.insert(link.clone());
        self.dialect().next_page(&link).filter(|_| fresh).ok_or_else(|| EngineError::PullRefused {
            table: of.table.clone(),
            status: 0,
            message: format!("its next page is said to be at {link}, which is not the instance's or was there before"),
        })
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
            200..300 => self.dialect().page(&response).map_err(|why| match ErrorBody::read(&response.body) {
                // Over a quota of the instance's, some rows come, and an error beside them.
                Some(ErrorBody { message, .. }) => {
                    EngineError::PullRefused { table: table.to_owned(), status: response.status, message }.into()
                }
                None => Trouble::NotTheInstance(why),
            }),
            400..500 if response.is_json() && response.status != 408 => {
                let message = ErrorBody::read(&response.body).unwrap_or_default().message;
                Err(EngineError::PullRefused { table: table.to_owned(), status: response.status, message }.into())
            }
            status => Err(Trouble::Unreachable(format!("the instance answered {status}"))),
        }
    }
}

pub(super) fn id_of(row: &Fields) -> String {
    row.get("sys_id").cloned().unwrap_or_default()
}

/// Whether a row of `table` is one the query asks for.
pub(super) fn matches(schema: &Schema, query: &Query, table: &str, fields: &Fields) -> bool {
    query.matches(|name| fields.get(name).map_or("", String::as_str), |name| schema.type_of(table, name))
}
