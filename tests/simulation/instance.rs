//! The instance, and the truth: what it has carried out, whatever anyone was told about it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, UNIX_EPOCH},
};

use landfall::{
    core::ids,
    wire::{
        Capabilities, ErrorAnswer, Fields, Method, Query, Request, Response, Type,
        batch::{BatchRequest, BatchResponse, ServicedRequest},
        capabilities::CapabilitiesAnswer,
        datetime, decode, encode,
        table::{Answer, Row},
    },
};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::{
    cached::{CACHED, in_zone, shown},
    colleagues::{Written, count_up, fields as fields_of},
    online::{MARK, is_action},
    story::{BLIND, PARENT, Setup, TABLES, UID},
};

pub const ROOT: &str = "/api/now";
/// When its time begins, in seconds since 1970.
const EPOCH: u64 = 1_600_000_000;
pub const EXTRAS: &str = "/api/landfall/v1";
pub const CORRELATION: &str = "correlation_id";

/// One request for one record, as it came alone or in a batch.
pub struct Single<'a> {
    pub request: &'a Request,
    /// Nobody waits for its answer any more, or it is a repetition: what it changes now nobody can foresee.
    pub late: bool,
    /// Nobody waits for its answer any more, and could.
    pub overdue: bool,
    pub seconds: u64,
}

/// An entry of a journal.
pub struct Entry {
    pub row: String,
    pub text: String,
    at: String,
}

#[derive(Default)]
pub struct Instance {
    pub setup: Setup,
    tables: BTreeMap<String, BTreeMap<String, Fields>>,
    pub entries: Vec<Entry>,
    keys: BTreeMap<String, (Request, Response)>,
    made: u32,
    pub refusing: bool,
    /// A write rule drops this field, silently.
    pub dropping: Option<String>,
    pub session: u32,
    /// Which rows were made for which of the app's records.
    pub rows_of: BTreeMap<String, Vec<String>>,
    /// How often each run of an action was carried out.
    pub runs: BTreeMap<String, u32>,
    /// Every value that was ever carried out on a row, kept or not.
    pub applied: BTreeSet<(String, String, String)>,
    /// Who has written which value.
    pub written: Written,
    /// Each row as it was before its last change.
    pub before: BTreeMap<String, Fields>,
    /// The time, in ms since the beginning.
    pub now: u64,
    /// Values a late copy of a request has touched, or nobody knows.
    pub loose: BTreeSet<(String, String)>,
    pub gone: BTreeSet<String>,
    /// Of these, those that another user has removed: who asks afterwards finds nothing.
    pub taken: BTreeSet<String>,
    /// Records that an overdue request has made.
    pub late_made: BTreeSet<String>,
    /// A temporary id that came as a reference, or in a text of a record that was made.
    pub leaked: Vec<(String, String, String)>,
    /// Writes that were carried out.
    pub writes: u32,
}

impl Instance {
    pub fn new(setup: &Setup) -> Self {
        Self { setup: setup.clone(), ..Self::default() }
    }

    pub fn rows(&self, table: &str) -> impl Iterator<Item = &Fields> {
        let below: &[&str] = if table == PARENT { &TABLES[..2] } else { &[] };
        below.iter().copied().chain([table]).filter_map(|of| self.tables.get(of)).flat_map(BTreeMap::values)
    }

    pub fn row(&self, sys_id: &str) -> Option<&Fields> {
        self.tables.values().find_map(|rows| rows.get(sys_id))
    }

    /// As another user would.
    pub fn put(&mut self, table: &str, fields: Fields, seconds: u64) -> String {
        let row = self.create(table, fields, seconds);
        row["sys_id"].clone()
    }

    pub fn row_mut(&mut self, sys_id: &str) -> Option<&mut Fields> {
        self.tables.values_mut().find_map(|rows| rows.get_mut(sys_id))
    }

    /// As another user would.
    pub fn remove(&mut self, sys_id: &str) {
        for rows in self.tables.values_mut() {
            rows.remove(sys_id);
        }
        self.gone.insert(sys_id.to_owned());
    }

    /// Somebody else was faster: a deletion that meets 404 is one that has come true.
    pub fn lose(&mut self, request: &Request) {
        let (path, _) = split(&request.path);
        if request.method == Method::Delete
            && let Some((_, sys_id)) = path.rsplit_once('/')
        {
            self.remove(sys_id);
        }
    }

    /// Runs a request for one record.
    pub fn run(&mut self, single: &Single<'_>) -> Response {
        let Single { request, .. } = *single;
        let (path, parameters) = split(&request.path);
        if path == format!("{EXTRAS}/capabilities") {
            return match self.setup.keyed || self.setup.actions || self.setup.if_match {
                true => self.extras(),
                false => failure(404, "Requested URI does not represent any"),
            };
        }
        let key = request.headers.iter().find(|(name, _)| name == "Idempotency-Key").map(|(_, key)| key.clone());
        let key = key.filter(|_| self.setup.knows_keys(is_action(request)));
        if let Some((first, answer)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            let same = first.method == request.method && first.path == request.path && first.body == request.body;
            return if same {
                answer.clone()
            } else {
                failure(422, "This Idempotency-Key was used for another request")
            };
        }
        let response = if is_action(request) { self.act(single) } else { self.table(single, &path, &parameters) };
        if let Some(key) = key.filter(|_| response.is_success()) {
            self.keys.insert(key, (request.clone(), response.clone()));
        }
        response
    }

    /// Runs a batch: `skip` tells of each position whether it is left out, unserviced.
    pub fn batch(&mut self, single: &Single<'_>, skip: &dyn Fn(usize) -> bool) -> Response {
        let Ok(batch) = decode::<BatchRequest>("batch", single.request.body.as_deref().unwrap_or_default()) else {
            return failure(400, "Malformed batch");
        };
        let mut answer = BatchResponse { batch_request_id: batch.batch_request_id, ..BatchResponse::default() };
        for (position, item) in batch.rest_requests.iter().enumerate() {
            match item.unpack() {
                Ok(request) if !skip(position) => {
                    let response = self.run(&Single { request: &request, ..*single });
                    answer.serviced_requests.push(ServicedRequest::new(item.id.clone(), &response));
                }
                _ => answer.unserviced_requests.push(item.id.clone()),
            }
        }
        success(200, &answer)
    }

    fn table(&mut self, single: &Single<'_>, path: &str, parameters: &BTreeMap<String, String>) -> Response {
        let Single { request, late, overdue, seconds } = *single;
        let mut parts = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix("/table/")).unwrap_or("").split('/');
        let (table, sys_id) = (parts.next().unwrap_or_default(), parts.next());
        if request.method == Method::Get {
            let Some(sys_id) = sys_id else { return self.find(table, parameters) };
            return match self.tables.get(table).and_then(|rows| rows.get(sys_id)) {
                Some(row) => success(200, &Answer { result: Row::from(row.clone()) }),
                None => failure(404, "No Record found"),
            };
        }
        let mut fields: Fields = match request.body.as_ref().map(|body| decode::<Row>("body", body)) {
            Some(Ok(row)) => row.into(),
            Some(Err(why)) => return failure(400, &why.to_string()),
            None => Fields::new(),
        };
        if let Some(why) = self.resolve(&mut fields) {
            return failure(424, &why);
        }
        if self.refusing && fields.get("u_level").is_some_and(|level| level.starts_with("bad")) {
            return failure(403, "This level is not allowed");
        }
        let Some(sys_id) = sys_id else {
            if overdue && let Some(uid) = fields.get(UID) {
                self.late_made.insert(uid.clone());
            }
            let row = self.create(table, fields, seconds);
            return success(201, &Answer { result: Row::from(row) });
        };
        let Some(row) = self.tables.get(table).and_then(|rows| rows.get(sys_id).cloned()) else {
            return failure(404, "No Record found");
        };
        if request.method == Method::Delete {
            self.writes += 1;
            self.remove(sys_id);
            return Response { status: 204, ..Response::default() };
        }
        if self.is_outdated(request, &row) {
            return failure(412, "The record has been changed meanwhile");
        }
        if !late && !fields.contains_key(MARK) {
            fields.iter().for_each(|(name, value)| self.goes_over(&row, name, value, request));
        }
        if late {
            self.loose.extend(fields.keys().map(|name| (sys_id.to_owned(), name.clone())));
        }
        let row = self.store(table, row, fields, seconds);
        success(200, &Answer { result: Row::from(row) })
    }

    pub fn create(&mut self, table: &str, fields: Fields, seconds: u64) -> Fields {
        self.made += 1;
        let sys_id = format!("{:032x}", self.made);
        if let Some(uid) = fields.get(UID) {
            self.rows_of.entry(uid.clone()).or_default().push(sys_id.clone());
        }
        // A row tells of every column, also where nothing is in it.
        let mut row: Fields = fields_of(table).into_iter().map(|name| (name.to_owned(), String::new())).collect();
        row.extend([
            ("sys_id".to_owned(), sys_id),
            ("number".to_owned(), format!("N{:06}", self.made)),
            ("sys_class_name".to_owned(), table.to_owned()),
            ("state".to_owned(), "1".to_owned()),
        ]);
        self.store(table, row, fields, seconds)
    }

    pub fn store(&mut self, table: &str, mut row: Fields, fields: Fields, seconds: u64) -> Fields {
        self.writes += 1;
        let (sys_id, stamp) = (row["sys_id"].clone(), stamp(seconds));
        self.before.extend(self.row(&sys_id).cloned().map(|row| (sys_id.clone(), row)));
        for (name, value) in fields {
            self.applied.insert((sys_id.clone(), name.clone(), value.clone()));
            let dropped =
                self.dropping.as_ref() == Some(&name) || (name == CORRELATION && self.setup.blind && table == BLIND);
            if name == "work_notes" {
                if !value.is_empty() {
                    self.entries.push(Entry { row: sys_id.clone(), text: value, at: stamp.clone() });
                }
            } else if dropped {
                self.loose.insert((sys_id.clone(), name));
            } else {
                if name != CORRELATION && value.contains(ids::PREFIX) {
                    self.leaked.push((table.to_owned(), name.clone(), value.clone()));
                }
                self.written.note_ours(&sys_id, &name, &value, self.now);
                row.insert(name, value);
            }
        }
        count_up(&mut row);
        row.entry("sys_created_on".to_owned()).or_insert_with(|| stamp.clone());
        row.insert("sys_updated_on".to_owned(), stamp);
        self.tables.entry(table.to_owned()).or_default().insert(sys_id, row.clone());
        row
    }

    fn find(&self, table: &str, parameters: &BTreeMap<String, String>) -> Response {
        let text = parameters.get("sysparm_query").map_or("", String::as_str);
        let Ok(query) = text.parse::<Query>() else { return failure(400, "Malformed query") };
        let query = in_zone(query, self.setup.zone);
        let number = |name: &str| parameters.get(name).and_then(|text| text.parse::<usize>().ok());
        let (limit, offset) = (number("sysparm_limit").unwrap_or(10_000), number("sysparm_offset").unwrap_or(0));
        // As few as no instance gives; what is asked for by ids comes at once.
        let by_id = query.order.first().is_some_and(|order| !order.descending);
        let most = self.setup.page.filter(|_| by_id && table == CACHED);
        let limit = most.map_or(limit, |most| limit.min(most));
        let entries: Vec<Fields>;
        let mut rows: Vec<&Fields> = if table == "sys_journal_field" {
            if !self.setup.readable {
                return if self.setup.blind { failure(403, "No access") } else { success(200, &no_rows()) };
            }
            entries = self.entries.iter().map(entry_row).collect();
            entries.iter().collect()
        } else {
            self.rows(table).collect()
        };
        fn get<'a>(row: &'a Fields) -> impl Fn(&str) -> &'a str {
            move |name| row.get(name).map_or("", String::as_str)
        }
        rows.retain(|row| query.matches(get(row), |_| Type::Text));
        rows.sort_by(|a, b| query.compare(get(a), get(b), |_| Type::Text));
        let total = rows.len();
        let fields = parameters.get("sysparm_fields");
        let page = rows.into_iter().skip(offset).take(limit);
        let page: Vec<Row> = page.map(|row| Row::from(shown(table, row.clone(), fields))).collect();
        let mut response = success(200, &Answer { result: page });
        if self.setup.counts {
            response.headers.push(("X-Total-Count".to_owned(), total.to_string()));
            let now = UNIX_EPOCH + Duration::from_secs(EPOCH + self.now);
            response.headers.push(("Date".to_owned(), httpdate::fmt_http_date(now)));
        }
        if offset + limit < total {
            let query = text.replace('^', "%5E").replace('=', "%3D").replace('>', "%3E");
            let mut next = format!("{ROOT}/table/{table}?sysparm_query={query}&sysparm_limit={limit}");
            next.push_str(&format!("&sysparm_offset={}", offset + limit));
            if let Some(fields) = fields {
                next.push_str(&format!("&sysparm_fields={fields}"));
            }
            response.headers.push(("Link".to_owned(), format!("<{next}>;rel=\"next\"")));
        }
        response
    }

    /// Puts permanent ids in place of whole values that are temporary ids it knows. Gives what it does not know.
    fn resolve(&self, fields: &mut Fields) -> Option<String> {
        if !self.setup.keyed || !self.setup.resolves {
            return None;
        }
        for (name, value) in fields.iter_mut().filter(|(name, value)| *name != CORRELATION && ids::is_temporary(value))
        {
            let known = self.tables.values().flat_map(BTreeMap::values).find(|row| row.get(CORRELATION) == Some(value));
            match known {
                Some(row) => *value = row["sys_id"].clone(),
                None => return Some(format!("{name}: {value} is not known here")),
            }
        }
        None
    }

    fn extras(&self) -> Response {
        let capabilities = Capabilities {
            idempotency_key: self.setup.keyed,
            resolves_temp_ids: self.setup.resolves,
            ordered_batch: self.setup.resolves,
            actions: self.setup.actions,
            if_match: self.setup.if_match,
            ..Capabilities::default()
        };
        success(200, &CapabilitiesAnswer { capabilities })
    }
}

fn no_rows() -> Answer<Vec<Row>> {
    Answer { result: Vec::new() }
}

fn entry_row(entry: &Entry) -> Fields {
    let pairs = [
        ("element_id", entry.row.as_str()),
        ("element", "work_notes"),
        ("value", &entry.text),
        ("sys_created_on", &entry.at),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

pub fn stamp(seconds: u64) -> String {
    datetime::to_servicenow(i64::try_from(EPOCH + seconds).unwrap_or_default()).unwrap_or_default()
}

pub fn success(status: u16, body: &impl Serialize) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: encode("answer", body).unwrap_or_default(),
        redirected_to: None,
    }
}

pub fn failure(status: u16, message: &str) -> Response {
    success(status, &ErrorAnswer::new(message, None))
}

pub fn split(url: &str) -> (String, BTreeMap<String, String>) {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value)));
    (plain(path), parameters.collect())
}
