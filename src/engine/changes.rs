//! A cached table that is wanted as a whole: brought once, in the order of the ids, and from then on only what has changed.
//!
//! What has changed is asked for by `sys_updated_on`. As text, a time is UTC to one instance and the user's own to another,
//! and a page that began later than it was to would leave rows out for ever: so the latest row before it is asked for as
//! well, which shows where it began, and how many there are in all. Where it began elsewhere, all of it is brought again.
//!
//! That time has steps of a second, and is set before the commit: some seconds of it are read twice.

use std::collections::BTreeSet;

use super::{
    client::Client,
    dialect::Page,
    error::EngineError,
    exchange::Trouble,
    pull::{Cached, PAGE, Pulling, Refreshed, id_of},
};
use crate::{
    core::{
        Durability, Origin,
        lease::renew_lease,
        stored::{Pulled, UPDATED},
    },
    ports::{Clock, Ports},
    wire::{
        Fields, Query, datetime,
        query::{Op, Order, Term},
    },
};

/// What is set before it is committed is seen so much later at most, in seconds.
const OVERLAP_S: i64 = 60;

/// How a look for changes has ended.
enum Looked {
    /// All of them are here. So many records the query finds, if the instance counts.
    All(Option<i64>),
    Stopped,
    /// Whether it was all of them cannot be told, or there are more than are wanted.
    Unclear,
}

impl<P: Ports> Client<P> {
    pub(super) async fn bring_changes(&self, pulling: &mut Pulling<'_>, of: &Cached) -> Result<Refreshed, Trouble> {
        let fresh = Pulled { table: of.table.clone(), query: of.text.clone(), ..Pulled::default() };
        let known = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await?;
        let mut at = known.filter(|known| known.query == of.text).unwrap_or_else(|| fresh.clone());
        if at.is_complete() {
            match self.look_for_changes(pulling, of, &mut at).await? {
                Looked::All(total) => return Ok(Refreshed::Changes(total)),
                Looked::Stopped => return Ok(Refreshed::Stopped),
                Looked::Unclear => at = fresh,
            }
        }
        let begun = at.after.is_none();
        if begun {
            // First: a page may lie frozen for hours between this and what it brings.
            let (until, total) = self.latest(pulling, of, None).await?;
            if total == Some(0) {
                return Ok(Refreshed::All(BTreeSet::new()));
            }
            if !of.takes(total.map(i64::from)) {
                self.note_pulled(pulling, &at).await?;
                return self.bring_whole(pulling, of).await;
            }
            at.until = until;
        }
        let Some(loaded) = self.bring_all(pulling, of, &mut at).await? else { return Ok(Refreshed::Stopped) };
        // It took its time, and rows were changed that had been brought by then.
        let mut total = None;
        if at.is_complete() && !(begun && loaded.pages == 1) {
            match self.look_for_changes(pulling, of, &mut at).await? {
                Looked::All(counted) => total = counted,
                Looked::Stopped => return Ok(Refreshed::Stopped),
                Looked::Unclear => {
                    at.until = None;
                    self.note_pulled(pulling, &at).await?;
                }
            }
        }
        // Of what was brought before a kill, only the instance knows whether it is there still.
        Ok(if begun { Refreshed::All(loaded.ids) } else { Refreshed::Changes(total) })
    }

    /// All of it, in the order of the ids: nothing moves in that while it is read, and it can be gone on with.
    async fn bring_all(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        at: &mut Pulled,
    ) -> Result<Option<Loaded>, Trouble> {
        let mut loaded = Loaded::default();
        let mut followed = BTreeSet::new();
        let after = |id: Option<&str>| self.dialect().first_page(&of.table, &by_id(&of.query, id), None, PAGE);
        let mut asked = after(at.after.as_deref());
        loop {
            if self.is_stopped(pulling.options) {
                return Ok(None);
            }
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            loaded.pages += 1;
            let (sorted, more) = (page.rows.is_sorted_by_key(id_of), is_followed(&page));
            let mut rows = page.rows;
            rows.retain(|row| loaded.ids.insert(id_of(row)));
            self.keep(pulling, of, &rows).await?;
            // Where ids are in another order there, or none of the page may be seen, it is gone through as it comes.
            asked = match (rows.last().filter(|_| sorted && more).map(id_of), page.next) {
                (Some(last), _) => {
                    at.after = Some(last);
                    self.note_pulled(pulling, at).await?;
                    after(at.after.as_deref())
                }
                (None, Some(link)) => self.follow(of, link, &mut followed)?,
                (None, None) => {
                    at.after = None;
                    at.compared_at = self.ports().clock().now_ms();
                    self.note_pulled(pulling, at).await?;
                    return Ok(Some(loaded));
                }
            };
        }
    }

    async fn look_for_changes(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        at: &mut Pulled,
    ) -> Result<Looked, Trouble> {
        let Some(begin) = at.until.as_deref().and_then(overlapped) else { return Ok(Looked::Unclear) };
        let mut from = Place(begin, String::new());
        let mut total = None;
        loop {
            if self.is_stopped(pulling.options) {
                return Ok(Looked::Stopped);
            }
            let asked = self.dialect().first_page(&of.table, &since(&of.query, &from), None, PAGE);
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            let more = is_followed(&page);
            let places: Vec<Place> = page.rows.iter().map(place_of).collect();
            if !places.is_sorted() || places.first().is_some_and(|first| *first < from) {
                return Ok(Looked::Unclear);
            }
            // The row at which the page before has ended shows it, too.
            if from.1.is_empty() || places.first() != Some(&from) {
                let (before, counted) = self.latest(pulling, of, Some(&from.0)).await?;
                if before.is_some_and(|before| before >= from.0) {
                    return Ok(Looked::Unclear);
                }
                if from.1.is_empty() {
                    total = counted.zip(page.total).map(|(before, since)| i64::from(before) + i64::from(since));
                    if !of.takes(total) {
                        return Ok(Looked::Unclear);
                    }
                }
            }
            self.keep(pulling, of, &page.rows).await?;
            if let Some(latest) = latest_of(&page.rows) {
                at.until = Some(latest);
                self.note_pulled(pulling, at).await?;
            }
            if !more {
                return Ok(Looked::All(total));
            }
            match places.into_iter().next_back().filter(|last| *last > from) {
                Some(last) => from = last,
                None => return Ok(Looked::Unclear),
            }
        }
    }

    /// When the record of the query that has changed last, perhaps last before some time, has changed; and how many there
    /// are. None where the instance does not tell.
    async fn latest(
        &self,
        pulling: &mut Pulling<'_>,
        of: &Cached,
        before: Option<&str>,
    ) -> Result<(Option<String>, Option<u32>), Trouble> {
        let mut query = of.query.clone();
        if let Some(before) = before {
            query = query.and(term(UPDATED, Op::Less(before.to_owned())));
        }
        let query = Query { order: vec![Order { field: UPDATED.to_owned(), descending: true }], ..query }.to_string();
        let asked = self.dialect().first_page(&of.table, &query, Some(&["sys_id", UPDATED]), 1);
        let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
        Ok((latest_of(&page.rows), page.total))
    }

    pub(super) async fn note_pulled(&self, pulling: &Pulling<'_>, at: &Pulled) -> Result<(), EngineError> {
        self.transact(Origin::Sync, Durability::Relaxed, |tx| {
            renew_lease(tx, pulling.lease)?;
            tx.put(at)
        })
        .await
    }
}

/// What was brought of a whole table, from where it was begun or gone on with.
#[derive(Default)]
struct Loaded {
    pages: usize,
    ids: BTreeSet<String>,
}

/// Whether there may be more. A short page is not the end; and where the browser may not see the link, a full one is not it
/// either.
fn is_followed(page: &Page) -> bool {
    page.next.is_some() || u32::try_from(page.rows.len()).is_ok_and(|rows| rows >= PAGE)
}

/// Where a record stands among the others: when it was changed, and its id.
#[derive(Clone, PartialEq, PartialOrd)]
struct Place(String, String);

fn place_of(row: &Fields) -> Place {
    Place(row.get(UPDATED).cloned().unwrap_or_default(), id_of(row))
}

fn latest_of(rows: &[Fields]) -> Option<String> {
    rows.iter().filter_map(|row| row.get(UPDATED)).filter(|time| datetime::parse(time).is_some()).max().cloned()
}

/// Before all that may have been committed late.
fn overlapped(time: &str) -> Option<String> {
    datetime::to_servicenow(datetime::parse(time)?.checked_sub(OVERLAP_S)?)
}

fn ascending(fields: &[&str]) -> Vec<Order> {
    fields.iter().map(|field| Order { field: (*field).to_owned(), descending: false }).collect()
}

fn term(field: &str, op: Op) -> Term {
    Term { field: field.to_owned(), op }
}

/// The query's records behind the one of this id, by their ids.
pub(super) fn by_id(query: &Query, after: Option<&str>) -> String {
    let mut query = query.clone();
    if let Some(after) = after {
        query = query.and(term("sys_id", Op::Greater(after.to_owned())));
    }
    Query { order: ascending(&["sys_id"]), ..query }.to_string()
}

/// The query's records from this place on, in the order in which they were changed.
fn since(query: &Query, Place(time, id): &Place) -> String {
    let from = if id.is_empty() { Op::GreaterOrEqual(time.clone()) } else { Op::Greater(time.clone()) };
    let mut asked = query.clone().and(term(UPDATED, from));
    if !id.is_empty() {
        let same = query.clone().and(term(UPDATED, Op::Equals(time.clone())));
        asked.groups.extend(same.and(term("sys_id", Op::GreaterOrEqual(id.clone()))).groups);
    }
    Query { order: ascending(&[UPDATED, "sys_id"]), ..asked }.to_string()
}
