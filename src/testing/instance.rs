//! An instance in memory: Table and Batch API, with the extras or plain.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use percent_encoding::percent_decode_str;
use serde::Serialize;

use crate::{
    core::ids,
    wire::{
        Capabilities, ErrorAnswer, Fields, Method, Query, Request, Response, Type,
        action::{ActionAnswer, ActionRequest},
        batch::{BatchRequest, BatchResponse, ServicedRequest},
        capabilities::CapabilitiesAnswer,
        datetime, decode, encode, etag,
        table::{Answer, Row},
    },
};

/// Where its API is.
pub const ROOT: &str = "/api/now";
/// Where its extras are.
pub const EXTRAS: &str = "/api/landfall/v1";

const MOD_COUNT: &str = "sys_mod_count";

type Rule = Rc<dyn Fn(&str, &Fields) -> Option<(u16, String)>>;
type Online = Rc<dyn Fn(&MemoryInstance, &ActionRequest) -> Result<ActionAnswer, (u16, String)>>;

#[derive(Default)]
struct Shared {
    plain: bool,
    if_match: bool,
    now: u64,
    made: u32,
    tables: BTreeMap<String, BTreeMap<String, Fields>>,
    keys: BTreeMap<String, (Request, Response)>,
    rule: Option<Rule>,
    actions: BTreeMap<String, Online>,
    log: Vec<String>,
    unserviced_after: Option<usize>,
}

/// An instance that every clone shares. A table exists once something is put in it.
#[derive(Clone, Default)]
pub struct MemoryInstance(Rc<RefCell<Shared>>);

impl std::fmt::Debug for MemoryInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryInstance").field("made", &self.0.borrow().made).finish_non_exhaustive()
    }
}

impl MemoryInstance {
    /// One with all the extras a record needs.
    pub fn with_extras() -> Self {
        Self::default()
    }

    /// One that behaves as ServiceNow does.
    pub fn plain() -> Self {
        let instance = Self::default();
        instance.0.borrow_mut().plain = true;
        instance
    }

    /// One that announces `if_match`, too: rows count their changes in `sys_mod_count`.
    pub fn with_if_match() -> Self {
        let instance = Self::default();
        instance.0.borrow_mut().if_match = true;
        instance
    }

    /// Says no, with status and sentence, to the writes the rule names.
    pub fn refuse(&self, rule: impl Fn(&str, &Fields) -> Option<(u16, String)> + 'static) {
        self.0.borrow_mut().rule = Some(Rc::new(rule));
    }

    /// Runs the online step of an action so. What it has put there before it says no stays.
    pub fn on_action(
        &self,
        name: &str,
        online: impl Fn(&Self, &ActionRequest) -> Result<ActionAnswer, (u16, String)> + 'static,
    ) {
        self.0.borrow_mut().actions.insert(name.to_owned(), Rc::new(online));
    }

    /// Says no to nothing.
    pub fn accept(&self) {
        self.0.borrow_mut().rule = None;
    }

    /// Its keys are too old: it remembers none of those it has seen.
    pub fn forget_keys(&self) {
        self.0.borrow_mut().keys.clear();
    }

    /// Leaves all but so many items of each batch undone, as if its time were up.
    pub fn service_only(&self, items: usize) {
        self.0.borrow_mut().unserviced_after = Some(items);
    }

    /// All rows of a table.
    pub fn rows(&self, table: &str) -> Vec<Fields> {
        self.0.borrow().tables.get(table).map(|rows| rows.values().cloned().collect()).unwrap_or_default()
    }

    /// Every request it ran, as `METHOD path`; those of a batch one by one.
    pub fn log(&self) -> Vec<String> {
        self.0.borrow().log.clone()
    }

    /// Puts a row there, as another user would. Gives its id.
    pub fn put(&self, table: &str, fields: &[(&str, &str)]) -> String {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        id_of(&self.create(table, fields))
    }

    /// Takes a row away, as another user would.
    pub fn remove(&self, table: &str, sys_id: &str) {
        if let Some(rows) = self.0.borrow_mut().tables.get_mut(table) {
            rows.remove(sys_id);
        }
    }

    /// Runs one request.
    pub fn run(&self, request: &Request) -> Response {
        let (path, parameters) = split(&request.path);
        if path == format!("{EXTRAS}/capabilities") {
            let shared = self.0.borrow();
            return if shared.plain {
                failure(404, "Requested URI does not represent any resource")
            } else {
                extras(shared.if_match)
            };
        }
        if path == format!("{ROOT}/v1/batch") {
            return self.batch(request);
        }
        self.0.borrow_mut().log.push(format!("{} {path}", request.method.as_str()));
        let key = request.headers.iter().find(|(name, _)| name == "Idempotency-Key").map(|(_, key)| key.clone());
        let key = key.filter(|_| !self.0.borrow().plain);
        if let Some((first, answer)) = key.as_ref().and_then(|key| self.0.borrow().keys.get(key).cloned()) {
            let same = first.method == request.method && first.path == request.path && first.body == request.body;
            return if same { answer } else { failure(422, "This Idempotency-Key was used for another request") };
        }
        let response = match path.strip_prefix(&format!("{EXTRAS}/action/")) {
            Some(name) if !self.0.borrow().plain => self.act(request, name),
            _ => self.table(request, &path, &parameters),
        };
        if let Some(key) = key.filter(|_| response.is_success()) {
            self.0.borrow_mut().keys.insert(key, (request.clone(), response.clone()));
        }
        response
    }

    fn act(&self, request: &Request, name: &str) -> Response {
        let Ok(asked) = decode::<ActionRequest>("action", request.body.as_deref().unwrap_or_default()) else {
            return failure(400, "Malformed action");
        };
        let Some(online) = self.0.borrow().actions.get(name).cloned() else {
            return failure(404, "There is no such action");
        };
        match online(self, &asked) {
            Ok(answer) => success(200, &answer),
            Err((status, why)) => failure(status, &why),
        }
    }

    fn table(&self, request: &Request, path: &str, parameters: &BTreeMap<String, String>) -> Response {
        let mut parts = path.strip_prefix(ROOT).and_then(|rest| rest.strip_prefix("/table/")).unwrap_or("").split('/');
        let (table, sys_id) = (parts.next().unwrap_or_default(), parts.next());
        let mut fields: Fields = match request.body.as_ref().map(|body| decode::<Row>("body", body)) {
            Some(Ok(row)) => row.into(),
            Some(Err(why)) => return failure(400, &why.to_string()),
            None => Fields::new(),
        };
        if request.method != Method::Get {
            if let Some(why) = self.resolve(&mut fields) {
                return failure(424, &why);
            }
            let rule = self.0.borrow().rule.clone();
            if let Some((status, why)) = rule.and_then(|rule| rule(table, &fields)) {
                return failure(status, &why);
            }
        }
        match (request.method, sys_id) {
            (Method::Post, None) => shown(201, self.create(table, fields)),
            (Method::Get, None) => self.find(table, parameters),
            (method, Some(sys_id)) => {
                let Some(row) = self.0.borrow().tables.get(table).and_then(|rows| rows.get(sys_id).cloned()) else {
                    return failure(404, "No Record found");
                };
                if method != Method::Get
                    && let Some(why) = self.mismatch(request, &row)
                {
                    return why;
                }
                match method {
                    Method::Get => shown(200, row),
                    Method::Delete => {
                        self.remove(table, sys_id);
                        Response { status: 204, ..Response::default() }
                    }
                    _ => shown(200, self.store(table, row, fields)),
                }
            }
            _ => failure(405, "Method not supported"),
        }
    }

    /// The answer to a write for another version of the row than this one.
    fn mismatch(&self, request: &Request, row: &Fields) -> Option<Response> {
        let count = row.get(MOD_COUNT).filter(|_| self.0.borrow().if_match)?;
        let (_, asked) = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("If-Match"))?;
        match etag::is_match(asked, &etag::tag(count)) {
            Some(true) => None,
            Some(false) => Some(failure(412, "The record was changed since it was read")),
            None => Some(failure(400, "Malformed If-Match")),
        }
    }

    fn create(&self, table: &str, fields: Fields) -> Fields {
        let mut shared = self.0.borrow_mut();
        shared.made += 1;
        let made = shared.made;
        drop(shared);
        let sys_id = format!("{made:032x}");
        let row = Fields::from([
            ("sys_id".to_owned(), sys_id),
            ("number".to_owned(), format!("N{made:06}")),
            ("sys_class_name".to_owned(), table.to_owned()),
        ]);
        self.store(table, row, fields)
    }

    fn store(&self, table: &str, mut row: Fields, fields: Fields) -> Fields {
        let mut shared = self.0.borrow_mut();
        shared.now += 1;
        let stamp = datetime::to_servicenow(i64::try_from(shared.now).unwrap_or_default()).unwrap_or_default();
        let given = fields.get("sys_updated_on").cloned();
        let changes = fields.iter().any(|(name, value)| row.get(name) != Some(value));
        row.extend(fields);
        if shared.if_match {
            let stored = shared.tables.get(table).and_then(|rows| rows.get(&id_of(&row)));
            let count = stored.and_then(|row| row.get(MOD_COUNT)?.parse::<u64>().ok());
            row.insert(MOD_COUNT.to_owned(), count.map_or(0, |count| count + u64::from(changes)).to_string());
        }
        row.entry("sys_created_on".to_owned()).or_insert_with(|| stamp.clone());
        row.insert("sys_updated_on".to_owned(), given.unwrap_or(stamp));
        let rows = shared.tables.entry(table.to_owned()).or_default();
        rows.insert(id_of(&row), row.clone());
        row
    }

    fn find(&self, table: &str, parameters: &BTreeMap<String, String>) -> Response {
        let text = parameters.get("sysparm_query").map_or("", String::as_str);
        let Ok(query) = text.parse::<Query>() else { return failure(400, "Malformed query") };
        let number = |name: &str, default| parameters.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
        let (limit, offset) = (number("sysparm_limit", 10_000), number("sysparm_offset", 0));
        let mut rows = self.rows(table);
        fn get<'a>(row: &'a Fields) -> impl Fn(&str) -> &'a str {
            move |name| row.get(name).map_or("", String::as_str)
        }
        rows.retain(|row| query.matches(get(row), |_| Type::Text));
        rows.sort_by(|a, b| query.compare(get(a), get(b), |_| Type::Text));
        let total = rows.len();
        let wanted = parameters.get("sysparm_fields").map(|names| names.split(',').collect::<Vec<_>>());
        let shown = |mut row: Fields| {
            row.retain(|name, _| wanted.as_ref().is_none_or(|wanted| wanted.contains(&name.as_str())));
            Row::from(row)
        };
        let page: Vec<Row> = rows.into_iter().skip(offset).take(limit).map(shown).collect();
        let mut response = success(200, &Answer { result: page });
        response.headers.push(("X-Total-Count".to_owned(), total.to_string()));
        if offset + limit < total {
            let query = text.replace('^', "%5E").replace('=', "%3D");
            let fields = parameters.get("sysparm_fields").map(|names| format!("&sysparm_fields={names}"));
            let next = format!(
                "{ROOT}/table/{table}?sysparm_query={query}&sysparm_limit={limit}&sysparm_offset={}{}",
                offset + limit,
                fields.unwrap_or_default()
            );
            response.headers.push(("Link".to_owned(), format!("<{next}>;rel=\"next\"")));
        }
        response
    }

    /// Puts permanent ids in place of whole values that are temporary ids it knows. Gives what it does not know.
    fn resolve(&self, fields: &mut Fields) -> Option<String> {
        let shared = self.0.borrow();
        if shared.plain {
            return None;
        }
        for (name, value) in
            fields.iter_mut().filter(|(name, value)| *name != "correlation_id" && ids::is_temporary(value))
        {
            let known =
                shared.tables.values().flat_map(BTreeMap::values).find(|row| row.get("correlation_id") == Some(value));
            match known {
                Some(row) => *value = id_of(row),
                None => return Some(format!("{name}: {value} is not known here")),
            }
        }
        None
    }

    fn batch(&self, request: &Request) -> Response {
        let Ok(batch) = decode::<BatchRequest>("batch", request.body.as_deref().unwrap_or_default()) else {
            return failure(400, "Malformed batch");
        };
        let most = self.0.borrow().unserviced_after.unwrap_or(usize::MAX);
        let mut answer = BatchResponse { batch_request_id: batch.batch_request_id, ..BatchResponse::default() };
        for (position, item) in batch.rest_requests.iter().enumerate() {
            match item.unpack() {
                Ok(request) if position < most => {
                    answer.serviced_requests.push(ServicedRequest::new(item.id.clone(), &self.run(&request)));
                }
                _ => answer.unserviced_requests.push(item.id.clone()),
            }
        }
        success(200, &answer)
    }
}

fn id_of(row: &Fields) -> String {
    row.get("sys_id").cloned().unwrap_or_default()
}

fn extras(if_match: bool) -> Response {
    let capabilities = Capabilities {
        idempotency_key: true,
        resolves_temp_ids: true,
        ordered_batch: true,
        actions: true,
        if_match,
        ..Capabilities::default()
    };
    success(200, &CapabilitiesAnswer { capabilities })
}

fn success(status: u16, body: &impl Serialize) -> Response {
    Response {
        status,
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: encode("answer", body).unwrap_or_default(),
        redirected_to: None,
    }
}

/// A row, with its version where it has one.
fn shown(status: u16, row: Fields) -> Response {
    let tag = row.get(MOD_COUNT).map(|count| etag::tag(count));
    let mut response = success(status, &Answer { result: Row::from(row) });
    response.headers.extend(tag.map(|tag| ("ETag".to_owned(), tag)));
    response
}

fn failure(status: u16, message: &str) -> Response {
    success(status, &ErrorAnswer::new(message, None))
}

fn split(url: &str) -> (String, BTreeMap<String, String>) {
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let parameters =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (plain(name), plain(value)));
    (plain(path), parameters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(id: &str, tag: Option<&str>, n: &str) -> Request {
        Request {
            method: Method::Patch,
            path: format!("{ROOT}/table/note/{id}"),
            headers: tag.map(|tag| ("If-Match".to_owned(), tag.to_owned())).into_iter().collect(),
            body: Some(format!("{{\"n\":\"{n}\"}}").into_bytes()),
        }
    }

    #[test]
    fn a_write_for_another_version_is_refused_where_that_is_announced() {
        let instance = MemoryInstance::with_if_match();
        let id = instance.put("note", &[("n", "1")]);
        let answers = [
            (Some("\"0\""), "2", 200, Some("\"1\"")),
            (Some("\"0\""), "3", 412, None),
            (Some("0"), "3", 400, None),
            (None, "3", 200, Some("\"2\"")),
            (Some("\"1\", \"2\""), "3", 200, Some("\"2\"")),
        ];
        for (tag, n, status, now) in answers {
            let answer = instance.run(&patch(&id, tag, n));
            assert_eq!((answer.status, answer.header("ETag")), (status, now), "{tag:?} {n}");
        }
        instance.put("note", &[("sys_id", &id), ("n", "another user's")]);
        assert_eq!(instance.run(&patch(&id, Some("\"2\""), "4")).status, 412);
        assert_eq!(instance.rows("note")[0]["n"], "another user's");

        let without = MemoryInstance::with_extras();
        let id = without.put("note", &[("n", "1")]);
        let answer = without.run(&patch(&id, Some("\"7\""), "2"));
        assert_eq!((answer.status, answer.header("ETag")), (200, None));
    }
}
