//! What a walk has come to, asked of the instance in batches of ids, whatever leads there.
//!
//! What is here already is asked for its time only; what has another one there, or is not here, is read.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    along::{Ahead, LOOKED_THROUGH, Leg, Walk},
    beforehand::AT_ONCE,
    changes::goes_on,
    client::Client,
    dialect::Page,
    error::EngineError,
    exchange::Trouble,
    pull::id_of,
};
use crate::{
    core::{
        Durability,
        along::{Pointing, targets},
        ids,
        lease::renew_lease,
        pull::{Came, take_in_as},
        schema::Reference,
        stored::{Record, UPDATED},
    },
    ports::{Clock, Ports},
    wire::{
        Fields, Query,
        query::{AnyOf, Group, Op, Order, Term},
    },
};

/// Records listed at a time, and most of those that point to one record.
const LISTED: u32 = 5_000;
/// After so long, in ms, a record is read again whatever its time says: it may have been changed without that.
const A_WEEK_MS: u64 = 7 * 24 * 60 * 60 * 1000;

const COUNT: &str = "sys_mod_count";

/// When the instance has changed a record, and how often: its time goes in seconds.
fn stamp(row: &Fields) -> String {
    let of = |field: &str| row.get(field).map_or("", String::as_str);
    format!("{} {}", of(UPDATED), of(COUNT))
}

/// What is to be done about a record.
enum Do {
    Nothing,
    /// Its stamp here is this; what it is there is to be asked through this table.
    Compare(String, String),
    /// Through this table.
    Read(String),
}

impl<P: Ports> Client<P> {
    /// Brings what is missing, and what has changed where the walk is to see to that.
    pub(super) async fn bring_these(&self, walk: &mut Walk<'_, '_>, ahead: &Ahead) -> Result<(), Trouble> {
        let mut compare: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (table, legs) in ahead {
            let root = self.schema().root(table);
            let ids: Vec<String> =
                legs.keys().filter(|id| !walk.there.contains_key(&(root.to_owned(), (*id).clone()))).cloned().collect();
            for chunk in ids.chunks(LOOKED_THROUGH) {
                let here: BTreeMap<String, Record> =
                    self.records_of(table, chunk).await?.into_iter().map(|it| (it.sys_id.clone(), it)).collect();
                for id in chunk {
                    let todo = match here.get(id) {
                        Some(record) => self.about(walk, table, record, legs.get(id)),
                        // Another device's, or one that is no more.
                        None if ids::is_temporary(id) => Do::Nothing,
                        None => Do::Read(table.clone()),
                    };
                    walk.there.insert((root.to_owned(), id.clone()), matches!(todo, Do::Nothing));
                    match todo {
                        Do::Nothing => {}
                        Do::Compare(table, time) => {
                            compare.entry(table).or_default().insert(id.clone(), time);
                        }
                        Do::Read(table) => {
                            read.entry(table).or_default().insert(id.clone());
                        }
                    }
                }
            }
        }
        for (table, times) in compare {
            let ids: Vec<String> = times.keys().cloned().collect();
            for chunk in ids.chunks(AT_ONCE) {
                let Some(rows) = self.led_to(walk, &table, chunk, Some(&["sys_id", UPDATED, COUNT])).await? else {
                    continue;
                };
                for row in &rows {
                    let id = id_of(row);
                    if times.get(&id) == Some(&stamp(row)) {
                        self.note_there(walk, &table, id);
                    } else {
                        read.entry(table.clone()).or_default().insert(id);
                    }
                }
            }
        }
        let read = read.into_iter().map(|(table, ids)| (table, ids.into_iter().collect())).collect();
        self.read_these(walk, read, Came::Along).await
    }

    fn about(&self, walk: &Walk<'_, '_>, table: &str, record: &Record, leg: Option<&Leg>) -> Do {
        if record.is_temporary() || record.deleted {
            return Do::Nothing;
        }
        let own = if self.schema().known(&record.table).is_ok() { &record.table } else { table };
        // A cached table brings some fields only, and a pin may name others.
        let lacks = |field: &String| !record.fields.contains_key(field) && self.schema().may_lack(own, field);
        if leg.is_some_and(|leg| leg.rest().any(lacks)) {
            return Do::Read(own.to_owned());
        }
        let changed = leg.and_then(|leg| leg.changed.as_ref());
        let lately = |at: u64| self.ports().clock().now_ms().checked_sub(at).is_some_and(|since| since < A_WEEK_MS);
        let known = record.updated_on().filter(|_| !record.in_part && record.fetched_at.is_some_and(lately));
        let time = known.map(|_| stamp(record.base.as_ref().unwrap_or(&record.fields)));
        match (&walk.refreshed, time, changed) {
            (Some(refreshed), ..)
                if record.pulled_under.is_some() && self.schema().chain(own).any(|of| refreshed.contains(of)) =>
            {
                Do::Nothing
            }
            (_, Some(time), Some(changed)) if time == *changed => Do::Nothing,
            (None, _, None) if !record.outdated => Do::Nothing,
            (_, Some(time), None) => Do::Compare(own.to_owned(), time),
            _ => Do::Read(own.to_owned()),
        }
    }

    /// A row that came as one of its parent's has not the fields of its own table: it is read again through that.
    pub(super) async fn read_these(
        &self,
        walk: &mut Walk<'_, '_>,
        mut read: Vec<(String, Vec<String>)>,
        came: Came,
    ) -> Result<(), Trouble> {
        while let Some((table, ids)) = read.pop() {
            let mut own: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for chunk in ids.chunks(AT_ONCE) {
                let Some(rows) = self.led_to(walk, &table, chunk, None).await? else { continue };
                let lease = walk.lease;
                let written = self.transact_parts(Durability::Relaxed, &rows, |tx, rows| {
                    renew_lease(tx, lease)?;
                    take_in_as(tx, &table, None, rows, came)
                });
                walk.written += written.await?.into_iter().sum::<u32>();
                for row in &rows {
                    self.note_there(walk, &table, id_of(row));
                    let class = self.schema().class_of(&table, row);
                    if class != table {
                        own.entry(class).or_default().push(id_of(row));
                    }
                }
            }
            read.extend(own);
        }
        Ok(())
    }

    fn note_there(&self, walk: &mut Walk<'_, '_>, table: &str, id: String) {
        walk.there.insert((self.schema().root(table).to_owned(), id), true);
    }

    /// What the instance has of these ids; none where it would not say: then they count as being there.
    async fn led_to(
        &self,
        walk: &mut Walk<'_, '_>,
        table: &str,
        ids: &[String],
        fields: Option<&[&str]>,
    ) -> Result<Option<Vec<Fields>>, Trouble> {
        let query = Query::default().and(Term { field: "sys_id".to_owned(), op: Op::In(ids.to_vec()) });
        let size = u32::try_from(ids.len()).unwrap_or(LISTED);
        let page = self.ask_of(walk, table, &query, fields, size, |row| ids.contains(&id_of(row))).await?;
        if page.is_none() {
            for id in ids {
                self.note_there(walk, table, id.clone());
            }
        }
        Ok(page.map(|page| page.rows))
    }

    /// One table that the instance will not give is no trouble of the others.
    async fn ask_of(
        &self,
        walk: &mut Walk<'_, '_>,
        table: &str,
        query: &Query,
        fields: Option<&[&str]>,
        size: u32,
        fits: impl Fn(&Fields) -> bool,
    ) -> Result<Option<Page>, Trouble> {
        walk.stopped = match &mut walk.beside {
            Some(beside) => self.see_to(walk.lease, beside).await,
            None => self.session().is_closed(),
        };
        if walk.stopped || walk.withheld.contains(table) {
            return Ok(None);
        }
        let query = query.to_string();
        let asked = self.dialect().first_page(table, &query, fields, size);
        let trouble = match self.page(walk.lease, table, &asked, &mut walk.headers).await {
            // An instance drops the terms that it does not know: these would be any.
            Ok(page) => match page.rows.iter().find(|row| !fits(row)) {
                None => return Ok(Some(page)),
                Some(row) => {
                    EngineError::QueryNotHonoured { table: table.to_owned(), query, sys_id: id_of(row) }.into()
                }
            },
            Err(trouble) => trouble,
        };
        walk.withheld.insert(table.to_owned());
        if !self.is_of_the_table(&trouble) {
            self.report_refusal(trouble)?;
        }
        Ok(None)
    }

    /// Lists the records that point to these, as far as they are wanted.
    pub(super) async fn list_pointing(
        &self,
        walk: &mut Walk<'_, '_>,
        pointing: &Pointing,
        ids: &[String],
    ) -> Result<(), Trouble> {
        // What the app does not declare any more is not asked for.
        let Some(reference) = self.schema().reference(&pointing.from, &pointing.field) else { return Ok(()) };
        for chunk in ids.chunks(AT_ONCE) {
            self.list_latest(walk, pointing, &reference, chunk, pointing.limit.unwrap_or(LISTED)).await?;
        }
        Ok(())
    }

    /// So many of each, the latest changed. Asked for together, one may have so many that others come short: these are asked
    /// for again, without those that have enough.
    async fn list_latest(
        &self,
        walk: &mut Walk<'_, '_>,
        pointing: &Pointing,
        reference: &Reference,
        ids: &[String],
        limit: u32,
    ) -> Result<(), Trouble> {
        let enough = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut groups = vec![ids.to_vec()];
        while let Some(group) = groups.pop() {
            let many = u32::try_from(group.len()).unwrap_or(u32::MAX);
            let size = limit.saturating_mul(many).min(LISTED);
            let order = vec![Order { field: UPDATED.to_owned(), descending: true }];
            let query = Query { order, ..pointing_to(pointing, reference, &group) };
            let Some(page) = self.ask_pointing(walk, pointing, reference, &query, size, &group).await? else {
                return Ok(());
            };
            let mut found: BTreeMap<String, Vec<&Fields>> = BTreeMap::new();
            for row in &page.rows {
                for (_, id) in targets(self.schema(), &pointing.from, row, &pointing.field) {
                    found.entry(id).or_default().push(row);
                }
            }
            let all = !goes_on(&page, size) || group.len() == 1;
            let (done, rest): (Vec<String>, Vec<String>) =
                group.into_iter().partition(|id| all || found.get(id).is_some_and(|rows| rows.len() >= enough));
            for row in done.iter().filter_map(|id| found.get(id)).flat_map(|rows| rows.iter().take(enough)) {
                walk.leg(&pointing.from, &id_of(row)).changed = Some(stamp(row));
            }
            // Rows that this user may not see count as well, and some are more than fit in a page: then one by one.
            match done.is_empty() {
                true => groups.extend(rest.into_iter().map(|id| vec![id])),
                false if rest.is_empty() => {}
                false => groups.push(rest),
            }
        }
        Ok(())
    }

    async fn ask_pointing(
        &self,
        walk: &mut Walk<'_, '_>,
        pointing: &Pointing,
        reference: &Reference,
        query: &Query,
        size: u32,
        ids: &[String],
    ) -> Result<Option<Page>, Trouble> {
        let mut fields = vec!["sys_id", UPDATED, COUNT, &pointing.field];
        if let Reference::Named { table } = reference {
            fields.push(table);
        }
        // Of which table a field says it is, it need not say as it is declared.
        let points = |row: &Fields| {
            let value = row.get(&pointing.field).map_or("", String::as_str);
            value.split(',').any(|id| ids.iter().any(|asked| asked == id.trim()))
        };
        let page = self.ask_of(walk, &pointing.from, query, Some(&fields), size, points).await?;
        if page.is_none() {
            walk.unlisted.insert(pointing.from.clone());
        }
        Ok(page)
    }
}

/// The records whose field points to any of these. In a list it stands among others.
fn pointing_to(pointing: &Pointing, reference: &Reference, ids: &[String]) -> Query {
    let term = |op: Op| Term { field: pointing.field.clone(), op };
    let any = match reference {
        Reference::List(_) => ids.iter().map(|id| term(Op::Like(id.clone()))).collect(),
        Reference::One(_) | Reference::Named { .. } => vec![term(Op::In(ids.to_vec()))],
    };
    Query { groups: vec![Group { all: vec![AnyOf { any }] }], order: Vec::new() }
}
