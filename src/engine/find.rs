//! The records that a query finds.
//!
//! By an index where one fits (see [`Seek`]), a few hundred at a time in one transaction, and no more of them are kept than
//! are asked for.

use std::{
    cell::{Cell, RefCell},
    cmp::Ordering,
    collections::BTreeMap,
    rc::Rc,
};

use super::{client::Client, error::EngineError, records::AppRow};
use crate::{
    core::{
        CoreError, Found, Read, Row, Ruled, Tx, ids, present,
        schema::Schema,
        seek::Seek,
        stored::{Indexes, Record, decode},
        walk, write,
    },
    ports::{Ports, Sift, Store},
    wire::Query,
};

/// Rows read at a time.
const MANY: u32 = 500;

impl<P: Ports> Client<P> {
    /// The records a query finds, in its order; ties, and queries without an order, go by `sys_id`.
    ///
    /// # Errors
    /// [`CoreError::MalformedQuery`] with the place; [`CoreError::UnknownTable`]; the store's.
    pub async fn query(
        &self,
        table: &str,
        query: &str,
        offset: usize,
        limit: Option<usize>,
    ) -> Result<Vec<AppRow>, EngineError> {
        loop {
            let (query, seek, indexes) = self.seek(table, query).await?;
            let most = limit.map(|limit| offset.saturating_add(limit));
            let found = self.search(table, query, &seek, most).await?;
            let page: Vec<Record> = found.into_iter().skip(offset).collect();
            let pause = self.pause().await?;
            let (rows, now) = self.look(|tx| Ok((present::records(tx, &page, pause)?, tx.fact::<Indexes>()?))).await?;
            // Another version of the app, opened meanwhile, may have taken the index away, and written without it.
            if now.all == indexes.all {
                return Ok(rows);
            }
        }
    }

    /// How many records a query finds.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn count(&self, table: &str, query: &str) -> Result<u32, EngineError> {
        let (query, seek, _) = self.seek(table, query).await?;
        if !seek.exact {
            let found = self.search(table, query, &seek, None).await?;
            return Ok(u32::try_from(found.len()).unwrap_or(u32::MAX));
        }
        let reads: Vec<Read> = seek.scans.into_iter().map(Read::Count).collect();
        let found = self.ports().store().read(&reads).await?;
        Ok(found.iter().map(|found| if let Found::Count(count) = found { *count } else { 0 }).sum())
    }

    /// How a query is answered, with what it asks and by which indexes.
    ///
    /// # Errors
    /// As [`Client::query`].
    pub async fn seek(&self, table: &str, query: &str) -> Result<(Query, Seek, Indexes), EngineError> {
        self.schema().known(table)?;
        let (text, indexes) = self.look(|tx| Ok((now_named(tx, query)?, tx.fact::<Indexes>()?))).await?;
        let query = Query::with_paths(&text).map_err(|why| CoreError::MalformedQuery(format!("{why}")))?;
        let paths = walk::paths(&query);
        for path in &paths {
            walk::steps(self.schema(), table, path)?;
        }
        let mut seek = Seek::of(self.schema(), &indexes, table, &walk::without_paths(&query));
        if !paths.is_empty() {
            (seek.exact, seek.ordered) = (false, false);
        }
        Ok((query, seek, indexes))
    }

    async fn search(
        &self,
        table: &str,
        query: Query,
        seek: &Seek,
        most: Option<usize>,
    ) -> Result<Vec<Record>, EngineError> {
        let own = walk::without_paths(&query);
        if own == query {
            return self.search_own(table, query, seek, most).await;
        }
        let records = self.search_own(table, own, seek, None).await?;
        let paths = walk::paths(&query);
        let values = self.look(|tx| walk::values(tx, table, &paths, &records)).await?;
        let of = |path: &str| walk::type_of(self.schema(), table, path);
        let mut with: Vec<_> = records.into_iter().zip(values).collect();
        with.retain(|one| query.matches(|name| value(one, name), of));
        with.sort_by(|a, b| {
            query.compare(|name| value(a, name), |name| value(b, name), of).then_with(|| a.0.sys_id.cmp(&b.0.sys_id))
        });
        with.truncate(most.unwrap_or(usize::MAX));
        Ok(with.into_iter().map(|(record, _)| record).collect())
    }

    async fn search_own(
        &self,
        table: &str,
        query: Query,
        seek: &Seek,
        most: Option<usize>,
    ) -> Result<Vec<Record>, EngineError> {
        if most == Some(0) {
            return Ok(Vec::new());
        }
        let (ordered, by_id) = (seek.ordered, seek.by_id);
        let enough = most.filter(|_| seek.exact && by_id).and_then(|most| u32::try_from(most).ok());
        let most = most.unwrap_or(usize::MAX);
        let (found, told) = (RefCell::default(), Cell::default());
        let search = Search { client: self.clone(), table: table.to_owned(), query, most, ordered, by_id, found, told };
        let search = Rc::new(search);
        let many = enough.unwrap_or(MANY).min(MANY);
        self.ports().store().sift(&seek.scans, many, Rc::clone(&search) as Rc<dyn Sift>).await?;
        if let Some(error) = search.told.take() {
            self.tell_corrupt(&error.into());
        }
        let mut found = search.found.take();
        if !(ordered && by_id) {
            found.sort_by(|a, b| search.order(a, b));
        }
        Ok(found)
    }
}

/// A field of the record's own, or of one that a path leads to.
fn value<'v>((record, values): &'v (Record, BTreeMap<&str, String>), name: &str) -> &'v str {
    values.get(name).map_or_else(|| record.value(name), String::as_str)
}

/// A query may still name a record by the id it had.
fn now_named(tx: &mut Tx<'_>, query: &str) -> Ruled<String> {
    let mut text = query.to_owned();
    let old: Vec<String> = ids::find(query).map(str::to_owned).collect();
    for id in old {
        let now = write::resolve(tx, &id)?;
        text = ids::replace(&text, &id, &now).unwrap_or(text);
    }
    Ok(text)
}

/// Whether a record of `table` is one the query asks for.
pub(super) fn is_found(schema: &Schema, query: &Query, table: &str, record: &Record) -> bool {
    query.matches(|name| record.value(name), |name| schema.type_of(table, name))
}

struct Search<P: Ports> {
    client: Client<P>,
    table: String,
    query: Query,
    most: usize,
    ordered: bool,
    by_id: bool,
    found: RefCell<Vec<Record>>,
    /// That one of them cannot be read.
    told: Cell<Option<CoreError>>,
}

impl<P: Ports> Search<P> {
    fn in_query(&self, a: &Record, b: &Record) -> Ordering {
        let of = |name: &str| self.client.schema().type_of(&self.table, name);
        self.query.compare(|name| a.value(name), |name| b.value(name), of)
    }

    fn order(&self, a: &Record, b: &Record) -> Ordering {
        self.in_query(a, b).then_with(|| a.sys_id.cmp(&b.sys_id))
    }
}

impl<P: Ports> Sift for Search<P> {
    fn begin(&self) {
        self.found.take();
    }

    fn take(&self, rows: Vec<Row>) -> bool {
        let mut found = self.found.borrow_mut();
        let mut last = None;
        for row in &rows {
            match decode::<Record>(row) {
                Ok(record) if is_found(self.client.schema(), &self.query, &self.table, &record) => found.push(record),
                Ok(record) => last = Some(record),
                Err(error) => self.told.set(Some(error)),
            }
        }
        if found.len() < self.most {
            return true;
        }
        if self.ordered && self.by_id {
            found.truncate(self.most);
            return false;
        }
        let last = last.or_else(|| found.last().cloned());
        found.sort_by(|a, b| self.order(a, b));
        found.truncate(self.most);
        // What is equal to the last of the page may stand further on, and come before it by its id.
        let behind = |last: &Record| found.last().is_some_and(|kept| self.in_query(kept, last).is_lt());
        !(self.ordered && last.as_ref().is_some_and(behind))
    }
}
