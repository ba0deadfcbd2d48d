//! Changes of what was right: JSON by its nodes, bytes by their places, answers by what they are made of.

use arbitrary::Arbitrary;
use landfall::wire::{
    Response,
    batch::{BatchResponse, ServicedRequest},
    decode, encode,
};
use serde_json::{Map, Value, json};

/// Names and values that mean something to somebody.
const WORDS: [&str; 40] = [
    "result",
    "error",
    "message",
    "detail",
    "link",
    "value",
    "display_value",
    "serviced_requests",
    "unserviced_requests",
    "id",
    "status_code",
    "headers",
    "body",
    "capabilities",
    "idempotency_key",
    "resolves_temp_ids",
    "ordered_batch",
    "key_ttl_seconds",
    "sys_id",
    "sys_class_name",
    "sys_updated_on",
    "sys_created_on",
    "correlation_id",
    "parent",
    "incident",
    "task",
    "fields",
    "items",
    "mentions",
    "base",
    "state",
    "unknown",
    "refused",
    "kind",
    "delete",
    "table",
    "number",
    "until",
    "0",
    "tmp_0192f0c1a2b37c4d8e9f0a1b2c3d4e5f",
];

/// What a header may say that somebody reads.
const HEADERS: [(&str, &str); 14] = [
    ("Retry-After", "1"),
    ("Retry-After", "99999999999999999999999999"),
    ("Retry-After", "-1"),
    ("Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ("Date", "yesterday"),
    ("X-RateLimit-Reset", "18446744073709551615"),
    ("Link", "</api/now/table/sys_user?sysparm_offset=0>;rel=\"next\""),
    ("Link", "<https://elsewhere.example/api/now/table/sys_user>;rel=next"),
    ("Link", "<>;rel=next,<;rel=next"),
    ("Content-Type", "text/html"),
    ("Content-Type", "application/problem+json; charset=\"é\""),
    ("Content-Type", ""),
];

/// Every status something is done about, and some that do not exist.
const STATUS: [u16; 26] = [
    200, 201, 204, 206, 302, 400, 401, 403, 404, 405, 408, 409, 412, 413, 422, 424, 429, 500, 501, 502, 503, 504, 0,
    99, 600, 65535,
];

fn one_of<T: Copy>(of: &[T], index: u8) -> T {
    of[usize::from(index) % of.len()]
}

/// A value that is out of place.
#[derive(Arbitrary, Clone, Debug)]
pub enum Nonsense {
    Null,
    Flag(bool),
    Whole(i64),
    Huge,
    Fraction(f64),
    Text(String),
    Word(u8),
    List(u8),
    Map(u8, u8),
    Deep,
}

impl Nonsense {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => json!(flag),
            Self::Whole(number) => json!(number),
            Self::Huge => json!(u64::MAX),
            Self::Fraction(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Word(index) => json!(one_of(&WORDS, *index)),
            Self::List(index) => json!([one_of(&WORDS, *index)]),
            Self::Map(name, value) => json!({ one_of(&WORDS, *name): one_of(&WORDS, *value) }),
            Self::Deep => (0..100).fold(json!(1), |inner, _| json!([inner])),
        }
    }
}

/// What becomes of one node of a JSON value.
#[derive(Arbitrary, Clone, Debug)]
pub enum Change {
    Becomes(Nonsense),
    Removed,
    Renamed(u8),
    Added(u8, Nonsense),
    Doubled,
    Wrapped(u8),
}

/// A change at one node, by its number.
#[derive(Arbitrary, Clone, Debug)]
pub struct Edit {
    at: u8,
    change: Change,
}

impl Edit {
    pub fn apply(&self, value: &mut Value) {
        let count = count(value);
        self.walk(value, &mut (usize::from(self.at) % count));
    }

    /// Goes to the node that is `left` further on; true once it was there.
    fn walk(&self, value: &mut Value, left: &mut usize) -> bool {
        if *left == 0 {
            self.here(value);
            return true;
        }
        *left -= 1;
        match value {
            Value::Array(list) => list.iter_mut().any(|inner| self.walk(inner, left)),
            Value::Object(map) => map.values_mut().any(|inner| self.walk(inner, left)),
            _ => false,
        }
    }

    fn here(&self, value: &mut Value) {
        match (&self.change, value) {
            (Change::Becomes(nonsense), value) => *value = nonsense.value(),
            (Change::Removed, Value::Object(map)) => drop(map.pop_at(self.at)),
            (Change::Removed, Value::Array(list)) => drop(list.pop()),
            (Change::Renamed(to), Value::Object(map)) => {
                if let Some((_, value)) = map.pop_at(self.at) {
                    map.insert(one_of(&WORDS, *to).to_owned(), value);
                }
            }
            (Change::Added(name, nonsense), Value::Object(map)) => {
                map.insert(one_of(&WORDS, *name).to_owned(), nonsense.value());
            }
            (Change::Added(_, nonsense), Value::Array(list)) => list.insert(0, nonsense.value()),
            (Change::Doubled, Value::Array(list)) => list.extend(list.clone()),
            (Change::Wrapped(name), value) => *value = json!({ one_of(&WORDS, *name): value.take() }),
            (_, value) => *value = Value::Null,
        }
    }
}

trait PopAt {
    fn pop_at(&mut self, index: u8) -> Option<(String, Value)>;
}

impl PopAt for Map<String, Value> {
    fn pop_at(&mut self, index: u8) -> Option<(String, Value)> {
        let name = self.keys().nth(usize::from(index) % self.len().max(1))?.clone();
        self.remove_entry(&name)
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

/// Changes JSON text; what is none is left.
pub fn edit(edits: &[Edit], text: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(text) else { return text.to_vec() };
    edits.iter().take(4).for_each(|edit| edit.apply(&mut value));
    value.to_string().into_bytes()
}

/// A change of some bytes.
#[derive(Arbitrary, Clone, Debug)]
pub enum Cut {
    Flip(u16, u8),
    End(u16),
    Out(u16, u8),
    In(u16, Vec<u8>),
}

impl Cut {
    pub fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |place: &u16| usize::from(*place) % (bytes.len() + 1);
        match self {
            Self::Flip(place, bit) => {
                let place = at(place);
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::End(place) => bytes.truncate(at(place)),
            Self::Out(place, many) => {
                let start = at(place);
                let end = (start + usize::from(*many)).min(bytes.len());
                bytes.drain(start..end);
            }
            Self::In(place, more) => {
                let place = at(place);
                bytes.splice(place..place, more.iter().copied());
            }
        }
    }
}

/// A change of an answer.
#[derive(Arbitrary, Clone, Debug)]
pub enum Touch {
    Body(Vec<Edit>),
    Bytes(Cut),
    Status(u8),
    Header(u8),
    AnyHeader(u8, String),
    NoHeaders,
    Redirected,
    /// Of a batch's answer: one item's own.
    Part(u8, PartTouch),
}

/// A change of one item's answer.
#[derive(Arbitrary, Clone, Debug)]
pub enum PartTouch {
    Body(Vec<Edit>),
    Status(u8),
    Header(u8),
    Gone,
    Unserviced,
    Twice(u8),
}

impl Touch {
    pub fn apply(&self, response: &mut Response) {
        match self {
            Self::Body(edits) => response.body = edit(edits, &response.body),
            Self::Bytes(cut) => cut.apply(&mut response.body),
            Self::Status(index) => response.status = one_of(&STATUS, *index),
            Self::Header(index) => header(response, one_of(&HEADERS, *index)),
            Self::AnyHeader(index, value) => header(response, (one_of(&HEADERS, *index).0, value)),
            Self::NoHeaders => response.headers.clear(),
            Self::Redirected => response.redirected_to = Some("https://login.example/".to_owned()),
            Self::Part(which, touch) => {
                if let Ok(mut batch) = decode::<BatchResponse>("batch", &response.body) {
                    touch.apply(*which, &mut batch);
                    response.body = encode("batch", &batch).unwrap();
                }
            }
        }
    }
}

fn header(response: &mut Response, (name, value): (&str, &str)) {
    response.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    response.headers.push((name.to_owned(), value.to_owned()));
}

impl PartTouch {
    fn apply(&self, which: u8, batch: &mut BatchResponse) {
        let items = &mut batch.serviced_requests;
        if items.is_empty() {
            return;
        }
        let index = usize::from(which) % items.len();
        let mut response = items[index].unpack().unwrap_or_default();
        match self {
            Self::Body(edits) => response.body = edit(edits, &response.body),
            Self::Status(status) => response.status = one_of(&STATUS, *status),
            Self::Header(index) => header(&mut response, one_of(&HEADERS, *index)),
            Self::Gone => return drop(items.remove(index)),
            Self::Unserviced => return batch.unserviced_requests.push(items.remove(index).id),
            Self::Twice(to) => {
                let (id, other) = (items[usize::from(*to) % items.len()].id.clone(), items[index].clone());
                return items.push(ServicedRequest { id, ..other });
            }
        }
        items[index] = ServicedRequest::new(items[index].id.clone(), &response);
    }
}

/// Something that answers in the instance's place.
#[derive(Arbitrary, Clone, Debug)]
pub struct Page {
    status: u8,
    json: bool,
    body: Vec<u8>,
    headers: Vec<u8>,
}

impl Page {
    /// `may` keeps it to what can never be taken for an answer of the instance: a status among these, and a body that
    /// is no JSON.
    pub fn response(&self, may: Option<&[u16]>) -> Response {
        let mut response = Response {
            status: one_of(may.unwrap_or(&STATUS), self.status),
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: self.body.clone(),
            redirected_to: None,
        };
        if may.is_some() {
            response.body.insert(0, b'<');
        }
        for index in self.headers.iter().take(3) {
            header(&mut response, one_of(&HEADERS, *index));
        }
        if !self.json || may.is_some() {
            header(&mut response, ("Content-Type", "text/html"));
        }
        response
    }
}
