//! ServiceNow: Table API and Batch API, and the extras of the reference instance where announced.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Asked, Batch, BatchItem, Busy, Deletion, Dialect, Intent, Page, Verdict, deleted,
    journal::{self, Entry},
};
use crate::{
    core::{
        ids::is_temporary,
        present::iso,
        receive::Answer,
        schema::Schema,
        stored::{Again, Item, ItemError, ItemKind, Part},
    },
    engine::settings::Settings,
    wire::{
        ErrorBody, Fields, Method, Request, Response,
        action::{ActionAnswer, ActionRequest, OpenRecord},
        batch::{BatchRequest, BatchResponse, RestRequest},
        decode, encode, etag,
        table::{Answer as TableAnswer, Row},
    },
};

/// Kept as they are in a URL: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// References come as the bare id, not with a link around it.
const BARE: &str = "sysparm_exclude_reference_link=true";
/// More than two rows with one temporary id are as bad as two: all are named.
const MOST_TWINS: u32 = 10;

/// ServiceNow's dialect, at the URLs the app gave.
#[derive(Clone, Debug)]
pub struct ServiceNow {
    root: String,
    extras: Option<String>,
}

impl ServiceNow {
    /// For the instance these settings name.
    pub fn new(settings: &Settings) -> Self {
        let trim = |url: &String| url.trim_end_matches('/').to_owned();
        Self { root: trim(&settings.url), extras: settings.extras.as_ref().map(trim) }
    }

    fn table(&self, table: &str, sys_id: Option<&str>, parameters: &[(&str, &str)]) -> String {
        let mut url = format!("{}/table/{}", self.root, quote(table));
        if let Some(sys_id) = sys_id {
            url.push('/');
            url.push_str(&quote(sys_id));
        }
        url.push('?');
        for (name, value) in parameters {
            url.push_str(&format!("{name}={}&", quote(value)));
        }
        url + BARE
    }

    /// What follows `table/` in the path of a request, if it is one of the Table API.
    fn below_tables<'a>(&self, request: &'a Request) -> Option<&'a str> {
        request.path.split('?').next()?.strip_prefix(&self.root)?.strip_prefix("/table/")
    }
}

impl Dialect for ServiceNow {
    fn request(&self, asked: &Asked<'_>) -> Request {
        let Asked { item, intent, .. } = *asked;
        let correlation = asked.schema.correlation_field(&item.table);
        let search = |table: &str, query: &str, most: u32| {
            let most = most.to_string();
            (Method::Get, self.table(table, None, &[("sysparm_query", query), ("sysparm_limit", &most)]), None)
        };
        let (method, path, body) = match (intent, item.kind) {
            (Intent::Probe, _) => match Entry::of(asked) {
                Some(entry) => search(journal::TABLE, &entry.query(), journal::MOST),
                None => {
                    let query = format!("{}={}", correlation.unwrap_or_default(), item.sys_id);
                    search(&item.table, &query, MOST_TWINS)
                }
            },
            (Intent::Send, ItemKind::Create) => {
                let mut fields = item.fields.clone();
                fields.extend(correlation.map(|field| (field, item.sys_id.clone())));
                (Method::Post, self.table(&item.table, None, &[]), Some(json(&fields)))
            }
            (Intent::Send, ItemKind::Update) => {
                (Method::Patch, self.table(&item.table, Some(&item.sys_id), &[]), Some(json(&item.fields)))
            }
            (Intent::Send, ItemKind::Delete) => {
                (Method::Delete, self.table(&item.table, Some(&item.sys_id), &[]), None)
            }
            (Intent::Send, ItemKind::Action) => {
                let name = item.action.as_ref().map(|action| action.name.as_str()).unwrap_or_default();
                let path = format!("{}/action/{}", self.extras.as_deref().unwrap_or_default(), quote(name));
                (Method::Post, path, Some(json(&asks_for(item))))
            }
        };
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        // Who runs actions knows them by their keys, whatever it says of its tables.
        if intent == Intent::Send && (asked.capabilities.idempotency_key || item.is_run_there()) {
            headers.push(("Idempotency-Key".to_owned(), item.idempotency_key.clone()));
        }
        if let Some(count) = item.only_at.as_ref().filter(|_| intent == Intent::Send) {
            headers.push(("If-Match".to_owned(), etag::tag(count)));
        }
        Request { method, path, headers, body }
    }

    fn verdict(&self, asked: &Asked<'_>, response: &Response, now: u64) -> Verdict {
        let Asked { item, intent, .. } = *asked;
        if self.asks_for_sign_in(response) {
            return Verdict::SignIn;
        }
        let wait_ms = response.retry_after(now);
        let unknown = || Answer::Unknown { error: said(response), wait_ms };
        let deletes = item.kind == ItemKind::Delete;
        let answer = match response.status {
            204 if intent == Intent::Send => Answer::Done(None),
            200..300 if !response.is_json() => return Verdict::NotTheInstance(glimpse(response)),
            200..300 if intent == Intent::Probe => match rows(response) {
                Ok(rows) => match Entry::of(asked) {
                    Some(entry) => entry.verdict(&rows),
                    None => Answer::Found(rows),
                },
                Err(_) => unknown(),
            },
            200..300 if deletes && response.body.is_empty() => Answer::Done(None),
            // A gateway that speaks JSON says something of its own.
            200..300 if deletes => match decode::<TableAnswer<Value>>("answer to a deletion", &response.body) {
                Ok(_) => Answer::Done(None),
                Err(_) => unknown(),
            },
            200..300 if item.kind == ItemKind::Action => {
                match decode::<ActionAnswer>("answer to an action", &response.body) {
                    Ok(answer) => Answer::Acted(answer),
                    Err(why) => {
                        Answer::Unknown { error: ItemError { message: why.to_string(), ..said(response) }, wait_ms }
                    }
                }
            }
            200..300 => match decode::<TableAnswer<Row>>("answer to a write", &response.body) {
                Ok(answer) => Answer::Done(Some(answer.result.into())),
                Err(why) => {
                    Answer::Unknown { error: ItemError { message: why.to_string(), ..said(response) }, wait_ms }
                }
            },
            // What a reference needed was not made after all: it goes again once that is.
            424 => Answer::NotRun { error: None, wait_ms },
            429 => Answer::NotRun { error: Some(said(response)), wait_ms },
            // The same key is being worked on: its answer is still to come.
            409 if wait_ms.is_some() => unknown(),
            // No status at all, as a gateway may give an item of a batch, says no more than a failed one.
            0..200 | 408 | 500.. => unknown(),
            // It may not be asked, or not so; and will not be another time.
            400..500 if intent == Intent::Probe && response.is_json() => Answer::Untold,
            _ if intent == Intent::Probe => unknown(),
            413 => Answer::Refused(said(response)),
            // A proxy's or a portal's page says nothing of the instance's mind.
            _ if !response.is_json() => unknown(),
            404 => Answer::Missing(said(response)),
            412 if item.only_at.is_some() => Answer::Outdated,
            422 if asked.capabilities.idempotency_key && item.sent_at.is_some() => Answer::Spent(said(response)),
            _ => Answer::Refused(said(response)),
        };
        Verdict::Answer(answer)
    }

    fn batch(&self, id: &str, requests: &[Request]) -> Request {
        let packed = requests.iter().enumerate().map(|(position, request)| {
            let path = path_of(&request.path).to_owned();
            RestRequest::new(position.to_string(), &Request { path, ..request.clone() })
        });
        let batch = BatchRequest { batch_request_id: id.to_owned(), rest_requests: packed.collect() };
        let mime = || "application/json".to_owned();
        Request {
            method: Method::Post,
            path: format!("{}/v1/batch", self.root),
            headers: vec![("Accept".to_owned(), mime()), ("Content-Type".to_owned(), mime())],
            body: Some(json(&batch)),
        }
    }

    fn unbatch(&self, id: &str, response: &Response, count: usize) -> Batch {
        match response.status {
            200..300 if response.is_json() => match decode::<BatchResponse>("answer to a batch", &response.body) {
                Ok(answer) if ![id, ""].contains(&answer.batch_request_id.as_str()) => {
                    Batch::Unknown(format!("the answer is to another batch, {}", answer.batch_request_id))
                }
                Ok(answer) => Batch::Items(sort(&answer, count)),
                Err(why) => Batch::Unknown(why.to_string()),
            },
            200..300 => Batch::NotTheInstance(glimpse(response)),
            404 | 405 | 501 => Batch::Unsupported,
            413 => Batch::TooLarge,
            // The batch as such was not understood or not allowed: item by item it will be told why.
            400 | 403 => Batch::Unsupported,
            _ => Batch::Unknown(said(response).message),
        }
    }

    fn below(&self, path: &str) -> Option<String> {
        // A browser drops them, and may then read another address.
        if path.contains(char::is_control) {
            return None;
        }
        let server = self.root.strip_suffix(path_of(&self.root)).unwrap_or_default();
        match path.strip_prefix('/') {
            // Two slashes name another server.
            Some(rest) if rest.starts_with(['/', '\\']) => None,
            Some(_) => Some(format!("{server}{path}")),
            None if path.split('?').next().is_some_and(|place| place.contains("://")) => {
                let rest = path.strip_prefix(server).filter(|_| !server.is_empty())?;
                rest.starts_with('/').then(|| path.to_owned())
            }
            None => Some(format!("{}/{path}", self.root)),
        }
    }

    fn again(&self, schema: &Schema, request: &Request) -> Again {
        let Some(rest) = self.below_tables(request) else { return Again::Ask };
        let body = request.body.as_deref().unwrap_or_default();
        let Ok(row) = decode::<Row>("body", body) else { return Again::Ask };
        let fields = Fields::from(row);
        match (request.method, rest.split_once('/')) {
            // A table that was not declared may have journals that nobody knows of.
            (Method::Patch | Method::Put, Some((table, sys_id))) if schema.known(table).is_ok() => {
                // Through a parent, what the journals are may stand with its children only.
                let family = || schema.tables().map(|(other, _)| other).filter(|other| schema.related(other, table));
                // They go together or not at all: one tells of the others. An empty one is none.
                let entry = fields.into_iter().find(|(name, text)| {
                    !text.trim().is_empty() && family().any(|other| schema.is_journal(other, name))
                });
                match entry {
                    Some((journal, text)) => {
                        let (table, sys_id) = (table.to_owned(), sys_id.to_owned());
                        Again::Entry { table, sys_id, journal, text, after: None }
                    }
                    None => Again::Send,
                }
            }
            (Method::Post, None) if schema.known(rest).is_ok() => {
                let carried = schema.correlation_field(rest).and_then(|field| fields.get(&field).cloned());
                match carried.filter(|id| is_temporary(id)) {
                    Some(temporary) => Again::Probe { table: rest.to_owned(), temporary },
                    None => Again::Ask,
                }
            }
            _ => Again::Ask,
        }
    }

    fn table_of<'a>(&self, request: &'a Request) -> Option<&'a str> {
        self.below_tables(request)?.split('/').next()
    }

    fn ask_after(&self, schema: &Schema, again: &Again) -> Option<Request> {
        match again {
            Again::Ask | Again::Send => None,
            Again::Probe { table, temporary } => {
                let query = format!("{}={temporary}", schema.correlation_field(table).unwrap_or_default());
                Some(self.first_page(table, &query, None, MOST_TWINS))
            }
            Again::Entry { .. } => {
                let query = Entry::called(again)?.query();
                Some(self.first_page(journal::TABLE, &query, None, journal::MOST))
            }
        }
    }

    fn told(&self, schema: &Schema, again: &Again, response: &Response) -> Result<Answer, String> {
        if !response.is_success() {
            // Entries may not be read; and will not be another time.
            let forbidden = (400..500).contains(&response.status) && response.is_json();
            return Ok(match again {
                Again::Entry { .. } if forbidden => Answer::Untold,
                _ => Answer::Unknown { error: said(response), wait_ms: None },
            });
        }
        let rows = rows(response)?;
        Ok(match again {
            Again::Ask | Again::Send => Answer::Untold,
            Again::Probe { table, temporary } => {
                let field = schema.correlation_field(table).unwrap_or_default();
                let made = rows.into_iter().find(|row| row.get(&field) == Some(temporary));
                made.map_or(Answer::Absent, |row| Answer::Done(Some(row)))
            }
            Again::Entry { .. } => Entry::called(again).map_or(Answer::Untold, |entry| entry.verdict(&rows)),
        })
    }

    fn read(&self, table: &str, sys_id: &str) -> Request {
        get(self.table(table, Some(sys_id), &[]))
    }

    fn as_answer(&self, status: u16, row: Fields) -> Response {
        Response {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: json(&TableAnswer { result: Row::from(row) }),
            redirected_to: None,
        }
    }

    fn capabilities(&self) -> Option<Request> {
        let extras = self.extras.as_ref()?;
        Some(get(format!("{extras}/capabilities")))
    }

    fn first_page(&self, table: &str, query: &str, fields: Option<&[&str]>, size: u32) -> Request {
        let (size, fields) = (size.to_string(), fields.map(|fields| fields.join(",")));
        let mut parameters = vec![("sysparm_query", query), ("sysparm_limit", size.as_str())];
        parameters.extend(fields.as_deref().map(|fields| ("sysparm_fields", fields)));
        get(self.table(table, None, &parameters))
    }

    fn next_page(&self, link: &str) -> Option<Request> {
        // Only what follows `/table/` is taken, under the instance's own root: a link elsewhere would be given
        // this user's headers, and an instance behind a proxy may not know the name it is reached by.
        let (_, tail) = path_of(link).split_once("/table/")?;
        Some(get(format!("{}/table/{tail}", self.root)))
    }

    fn page(&self, response: &Response) -> Result<Page, String> {
        let rows = rows(response)?;
        let total = response.header("X-Total-Count").and_then(|total| total.trim().parse().ok());
        Ok(Page { rows, next: response.next_link().map(str::to_owned), total, told_at: response.date_ms() })
    }

    fn deletions(&self, tables: &[&str], after: &str, size: u32) -> Request {
        self.first_page(deleted::TABLE, &deleted::query(tables, after), Some(&deleted::FIELDS), size)
    }

    fn deletion(&self, row: &Fields) -> Deletion {
        row.into()
    }

    fn asks_for_sign_in(&self, response: &Response) -> bool {
        response.status == 401
            || (300..400).contains(&response.status)
            || (response.redirected_to.is_some() && !response.is_json())
    }

    fn asks_for_time(&self, response: &Response, now: u64) -> Option<Busy> {
        let wait_ms = response.retry_after(now);
        let busy = response.status == 429 || (matches!(response.status, 408 | 503) && wait_ms.is_some());
        busy.then(|| Busy { why: said(response).message, wait_ms, in_doubt: response.status != 429 })
    }
}

fn get(path: String) -> Request {
    Request {
        method: Method::Get,
        path,
        headers: vec![("Accept".to_owned(), "application/json".to_owned())],
        body: None,
    }
}

/// Maps and lists of text: there is nothing in them that could not be written.
fn json(message: &impl Serialize) -> Vec<u8> {
    encode("request", message).unwrap_or_default()
}

fn quote(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The path and query of a URL.
fn path_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/"))
}

fn rows(response: &Response) -> Result<Vec<Fields>, String> {
    if !response.is_json() {
        return Err(glimpse(response));
    }
    let answer = decode::<Rows>("answer to a query", &response.body).map_err(|why| why.to_string())?;
    match answer.error {
        Some(_) => Err(said(response).message),
        None => Ok(answer.result.into_iter().map(Fields::from).collect()),
    }
}

/// Over a quota of the instance's, a query is answered 200 with some rows and an error beside them
/// ([KB1297438](https://support.servicenow.com/kb?id=kb_article_view&sysparm_article=KB1297438)): who takes these for all
/// would take the rest for gone.
#[derive(Deserialize)]
struct Rows {
    result: Vec<Row>,
    #[serde(default)]
    error: Option<Value>,
}

/// An action's online step, as the instance is to run it.
fn asks_for(item: &Item) -> ActionRequest {
    let record = |part: &Part| OpenRecord { table: part.table.clone(), temp_sys_id: part.sys_id.clone() };
    let acted_at = iso(item.queued_at);
    match &item.action {
        Some(action) => {
            ActionRequest { input: action.input.clone(), acted_at, records: action.made().map(record).collect() }
        }
        None => ActionRequest { acted_at, ..ActionRequest::default() },
    }
}

fn said(response: &Response) -> ItemError {
    let body = ErrorBody::read(&response.body).unwrap_or_default();
    let message = if body.message.is_empty() { glimpse(response) } else { body.message };
    ItemError { status: response.status, message, detail: body.detail }
}

/// The start of an answer nobody can read, for whoever has to find out what answered.
fn glimpse(response: &Response) -> String {
    let text: String = String::from_utf8_lossy(&response.body).chars().take(80).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.as_str() {
        "" => format!("status {} with no body", response.status),
        text => format!("status {} with “{text}”", response.status),
    }
}

fn sort(answer: &BatchResponse, count: usize) -> Vec<Option<BatchItem>> {
    let mut sorted: Vec<Option<BatchItem>> = vec![None; count];
    for id in &answer.unserviced_requests {
        if let Some(place) = id.parse::<usize>().ok().and_then(|position| sorted.get_mut(position)) {
            *place = Some(BatchItem::NotRun);
        }
    }
    for serviced in &answer.serviced_requests {
        if let Some(place) = serviced.id.parse::<usize>().ok().and_then(|position| sorted.get_mut(position)) {
            // A body that cannot be decoded: it ran, and that is all that is known.
            *place = serviced.unpack().ok().map(BatchItem::Ran);
        }
    }
    sorted
}
