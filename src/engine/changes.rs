//! A cached table that is wanted as a whole: brought once, in the order of the ids, and from then on only what has changed.
//!
//! What has changed is asked for by `sys_updated_on`. As text, a time is UTC to one instance and the user's own to another,
//! and a page that began later than it was to would leave rows out: so the latest rows before it are asked for as well, which
//! shows where it began, and how many records there are in all. By how much it is taken otherwise is learned from that.
//!
//! That time has steps of a second, and is set before the commit: a minute of it is read twice. What does not show by it (a
//! row that was written without it, or not to be seen when it was) is found by comparing; see [`gone`](super::gone).

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
pub(super) const OVERLAP_S: i64 = 60;
/// All of it is brought anew after so long, in ms: what was written without its time is found by nothing else.
const A_WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Zones differ by so much, in seconds; and from UTC by no more than the last.
const A_STEP_S: i64 = 15 * 60;
const FARTHEST_S: i64 = 16 * 60 * 60;
/// How often it is tried to find out by how much.
const MOST_TRIES: u32 = 8;
/// Limits apply before access rules: of so many of the latest this user may see one, or of so many.
const LATEST: [u32; 3] = [1, 50, PAGE];
/// What is looked for begins so long before the time of this device, in seconds, where the instance's is later: of the two
/// clocks this one may be wrong.
const UNSURE_S: i64 = 24 * 60 * 60;

/// How a look for changes has ended.
enum Looked {
    /// All of them are here. So many records the query finds, if the instance counts.
    All(Option<i64>),
    Stopped,
    /// Whether it was all of them cannot be told, or there are more than are wanted.
    Unclear,
}

/// How the bringing of a whole table has ended.
enum Brought {
    All {
        pages: usize,
        ids: BTreeSet<String>,
        /// In the order of the ids, in which nothing is shifted out of two pages.
        by_id: bool,
    },
    Stopped,
    /// The instance does not know that order.
    Unordered,
}

impl<P: Ports> Client<P> {
    pub(super) async fn bring_changes(&self, pulling: &mut Pulling<'_>, of: &Cached) -> Result<Refreshed, Trouble> {
        let known = self.look(|tx| tx.readable::<Pulled>(&Pulled::at(&of.table))).await?;
        let mut at = known.filter(|known| of.is_of(known)).unwrap_or_else(|| of.fresh());
        let now = self.ports().clock().now_ms();
        let lately = now.checked_sub(at.brought_at).is_some_and(|since| since < A_WEEK_MS);
        if at.is_complete() && lately {
            match self.look_for_changes(pulling, of, &mut at).await? {
                Looked::All(total) => return Ok(Refreshed::Changes(total)),
                Looked::Stopped => return Ok(Refreshed::Stopped),
                Looked::Unclear => {}
            }
        }
        let goes_on = at.after.is_some();
        if !goes_on {
            at.begin_anew();
            self.note_pulled(pulling, &at).await?;
            // First: a page may lie frozen for hours between this and what it brings.
            let (latest, total) = self.latest(pulling, of, None).await?;
            if total == Some(0) {
                return Ok(Refreshed::All { ids: BTreeSet::new(), by_id: true });
            }
            if !of.takes(total.map(i64::from)) {
                return self.bring_whole(pulling, of).await;
            }
            self.move_on(&mut at, latest, now);
        }
        let (pages, ids, by_id) = match self.bring_all(pulling, of, &mut at).await? {
            Brought::All { pages, ids, by_id } => (pages, ids, by_id),
            Brought::Stopped => return Ok(Refreshed::Stopped),
            Brought::Unordered => return self.bring_whole(pulling, of).await,
        };
        // It took its time, and rows were changed that had been brought by then.
        let mut total = None;
        if at.is_complete() && (goes_on || pages > 1) {
            match self.look_for_changes(pulling, of, &mut at).await? {
                Looked::All(counted) => total = counted,
                Looked::Stopped => return Ok(Refreshed::Stopped),
                Looked::Unclear => {
                    at.begin_anew();
                    self.note_pulled(pulling, &at).await?;
                }
            }
        }
        // Of what was brought before a kill, only the instance knows whether it is there still.
        Ok(if goes_on { Refreshed::Changes(total) } else { Refreshed::All { ids, by_id } })
    }

    /// All of it, in the order of the ids: nothing moves in that while it is read, and it can be gone on with.
    async fn bring_all(&self, pulling: &mut Pulling<'_>, of: &Cached, at: &mut Pulled) -> Result<Brought, Trouble> {
        let (mut pages, mut ids, mut by_id) = (0, BTreeSet::new(), true);
        let mut followed = BTreeSet::new();
        let after = |id: Option<&str>| self.first_of(of, &in_order(&of.query, id), PAGE);
        let mut asked = after(at.after.as_deref());
        loop {
            // Pages that follow links would shift under what is deleted there.
            if followed.is_empty() {
                self.see_to(pulling.lease, &mut pulling.beside).await;
            }
            if self.is_over(&pulling.beside) {
                return Ok(Brought::Stopped);
            }
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            let first = page.rows.first().map(id_of);
            if followed.is_empty() && at.after.as_ref().zip(first.as_ref()).is_some_and(|(after, first)| first <= after)
            {
                return Ok(Brought::Unordered);
            }
            if pages == 0 {
                pulling.far.expect(page.total);
            }
            pages += 1;
            by_id &= page.total.is_some();
            let (sorted, more) = (page.rows.is_sorted_by_key(id_of), goes_on(&page, PAGE));
            if at.until.is_none() && at.after.is_none() && pages == 1 {
                // None of the latest may be seen. What is read at the beginning was so by then.
                self.move_on(at, latest_of(&page.rows), self.ports().clock().now_ms());
            }
            let mut rows = page.rows;
            rows.retain(|row| ids.insert(id_of(row)));
            self.keep(pulling, of, &rows).await?;
            // Where ids are in another order there, or none of the page may be seen, it is gone through as it comes.
            asked = match (rows.last().filter(|_| sorted && more).map(id_of), page.next) {
                (Some(last), _) => {
                    at.after = Some(last);
                    followed.clear();
                    self.note_pulled(pulling, at).await?;
                    after(at.after.as_deref())
                }
                (None, Some(link)) => {
                    by_id = false;
                    self.follow(of, link, &mut followed)?
                }
                // The rest is nowhere to be asked for.
                (None, None) if more => return Ok(Brought::Unordered),
                (None, None) => {
                    (at.after, at.brought_at) = (None, self.ports().clock().now_ms());
                    self.note_pulled(pulling, at).await?;
                    return Ok(Brought::All { pages, ids, by_id });
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
        let now = self.ports().clock().now_ms();
        let Some(until) = at.until.clone() else { return Ok(Looked::Unclear) };
        let Some(begin) = later(&until, if at.is_settled() { 1 } else { -OVERLAP_S }) else {
            return Ok(Looked::Unclear);
        };
        let is_long = |ms: u64| ms > OVERLAP_S.unsigned_abs() * 1000;
        let long_after = is_long(now.saturating_sub(at.seen_at));
        let (mut from, mut total, mut tries) = (Place(begin, String::new()), None, 0);
        loop {
            if self.see_to(pulling.lease, &mut pulling.beside).await {
                return Ok(Looked::Stopped);
            }
            let Some(literal) = later(&from.0, -at.shift) else { return Ok(Looked::Unclear) };
            let asked = self.first_of(of, &since(&of.query, &literal, &from.1), PAGE);
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            // By this device's clock that minute may be over as often as it is set forward.
            let is_over = page.told_at.is_none_or(|told_at| is_long(told_at.saturating_sub(ms_of(&until))));
            let more = goes_on(&page, PAGE);
            let places: Vec<Place> = page.rows.iter().map(place_of).collect();
            if !places.is_sorted() {
                return Ok(Looked::Unclear);
            }
            // Begun too early, pages would go round in circles.
            let mut off = places.first().filter(|first| **first < from && more).map_or(0, |first| {
                let early = apart(&first.0, &from.0);
                early - early.rem_euclid(A_STEP_S)
            });
            // The row at which the page before has ended shows where it begins, too.
            if off == 0 && (from.1.is_empty() || places.first() != Some(&from)) {
                let (before, counted) = self.latest(pulling, of, Some(&literal)).await?;
                match before {
                    None if counted != Some(0) => return Ok(Looked::Unclear),
                    // By this much at least. Where little has changed it may be far more; too early is no harm.
                    Some(before) if before >= from.0 => {
                        off = -(apart(&from.0, &before) / A_STEP_S + 1).max(1 << tries) * A_STEP_S;
                    }
                    _ => {}
                }
                if from.1.is_empty() {
                    total = counted.zip(page.total).map(|(before, since)| i64::from(before) + i64::from(since));
                }
            }
            if off != 0 {
                (at.shift, tries) = (at.shift - off, tries + 1);
                if tries > MOST_TRIES || at.shift.abs() > FARTHEST_S {
                    at.shift = 0;
                    return Ok(Looked::Unclear);
                }
                continue;
            }
            if places.first().is_some_and(|first| *first < from && more) || !of.takes(total) {
                return Ok(Looked::Unclear);
            }
            if from.1.is_empty() {
                pulling.far.expect(page.total);
            }
            self.keep(pulling, of, &page.rows).await?;
            let before = at.clone();
            let back: BTreeSet<String> = page.rows.iter().map(id_of).collect();
            at.gone.retain(|id| !back.contains(id));
            self.move_on(at, latest_of(&page.rows), now);
            if !more && long_after && is_over && !at.is_settled() && at.until.as_ref() == Some(&until) {
                (at.quiet, at.seen_at) = (at.quiet + 1, now);
            }
            if *at != before || tries > 0 {
                self.note_pulled(pulling, at).await?;
            }
            if !more {
                return Ok(Looked::All(total));
            }
            match places.into_iter().next_back().filter(|last| *last > from) {
                Some(last) => from = last,
                // Nothing but the row at which the page before has ended, where neither links nor counts are seen.
                None if page.next.is_none() && page.total.is_none() && page.rows.len() == 1 => {
                    return Ok(Looked::All(None));
                }
                None => return Ok(Looked::Unclear),
            }
        }
    }

    /// What has changed is looked for from there. Not from a time to come, be it a record's or of an instance whose clock was
    /// set back: all would be missed until then.
    fn move_on(&self, at: &mut Pulled, latest: Option<String>, now: u64) {
        let Some(latest) = latest.max(at.until.clone()) else { return };
        let ago = |seconds| i64::try_from(now / 1000).ok().and_then(|now| datetime::to_servicenow(now - seconds));
        let latest = match ago(0) {
            Some(today) if today < latest => ago(UNSURE_S),
            _ => Some(latest),
        };
        if latest != at.until {
            (at.until, at.seen_at, at.quiet) = (latest, now, 0);
        }
    }

    /// When the record of the query that has changed last, perhaps last before some time, has changed, as far as this user
    /// may see; and how many there are. None where the instance does not tell.
    pub(super) async fn latest(
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
        let mut total = None;
        for size in LATEST {
            let asked = self.dialect().first_page(&of.table, &query, Some(&["sys_id", UPDATED]), size);
            let page = self.page(pulling.lease, &of.table, &asked, &mut pulling.headers).await?;
            total = page.total;
            if !page.rows.is_empty() || total.is_some_and(|total| total < size) {
                return Ok((latest_of(&page.rows), total));
            }
        }
        Ok((None, total))
    }

    pub(super) async fn note_pulled(&self, pulling: &Pulling<'_>, at: &Pulled) -> Result<(), EngineError> {
        self.transact(Origin::Sync, Durability::Relaxed, |tx| {
            renew_lease(tx, pulling.lease)?;
            tx.put(at)
        })
        .await
    }
}

/// Whether there may be more. A short page is not the end. Where the browser may not see the link, the count says it, and
/// without that an empty page.
pub(super) fn goes_on(page: &Page, size: u32) -> bool {
    page.next.is_some() || page.total.map_or(!page.rows.is_empty(), |total| total > size)
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

/// A time so many seconds later.
pub(super) fn later(time: &str, seconds: i64) -> Option<String> {
    datetime::to_servicenow(datetime::parse(time)?.checked_add(seconds)?)
}

/// A time in ms since 1970.
fn ms_of(time: &str) -> u64 {
    datetime::parse(time).and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0).saturating_mul(1000)
}

/// Seconds from one time to a later one.
fn apart(from: &str, to: &str) -> i64 {
    datetime::parse(to).zip(datetime::parse(from)).map_or(0, |(to, from)| to.saturating_sub(from))
}

fn ascending(fields: &[&str]) -> Vec<Order> {
    fields.iter().map(|field| Order { field: (*field).to_owned(), descending: false }).collect()
}

fn term(field: &str, op: Op) -> Term {
    Term { field: field.to_owned(), op }
}

/// The query's records behind the one of this id, by their ids.
pub(super) fn in_order(query: &Query, after: Option<&str>) -> String {
    let mut query = query.clone();
    if let Some(after) = after {
        query = query.and(term("sys_id", Op::Greater(after.to_owned())));
    }
    Query { order: ascending(&["sys_id"]), ..query }.to_string()
}

/// The query's records from this time and id on, in the order in which they were changed.
fn since(query: &Query, time: &str, id: &str) -> String {
    let from = if id.is_empty() { Op::GreaterOrEqual(time.to_owned()) } else { Op::Greater(time.to_owned()) };
    let mut asked = query.clone().and(term(UPDATED, from));
    if !id.is_empty() {
        let same = query.clone().and(term(UPDATED, Op::Equals(time.to_owned())));
        asked.groups.extend(same.and(term("sys_id", Op::GreaterOrEqual(id.to_owned()))).groups);
    }
    Query { order: ascending(&[UPDATED, "sys_id"]), ..asked }.to_string()
}
