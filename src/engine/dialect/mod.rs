//! How intents become requests, and answers receipts: the seam for back ends other than ServiceNow.

mod deleted;
mod journal;
mod servicenow;

pub use deleted::Deletion;
pub use servicenow::ServiceNow;

use crate::{
    core::{
        plan::Keys,
        receive::Answer,
        schema::Schema,
        stored::{Again, Item},
    },
    wire::{Capabilities, Fields, Request, Response},
};

/// One item, and what is wanted of the instance about it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The declared tables.
    pub schema: &'a Schema,
    /// The item.
    pub item: &'a Item,
    /// What is wanted.
    pub intent: Intent,
    /// What the instance announces.
    pub capabilities: &'a Capabilities,
}

/// How an instance with these capabilities honours keys, if it does.
pub fn keys(capabilities: &Capabilities) -> Option<Keys> {
    let ttl_ms = capabilities.key_ttl_seconds.map(|seconds| seconds.saturating_mul(1000));
    capabilities.idempotency_key.then_some(Keys { ttl_ms })
}

/// What is wanted of the instance about one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Carry it out.
    Send,
    /// Say whether it was carried out.
    Probe,
}

/// What an answer to one item means.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The instance's answer. A wait left open is the engine's to choose.
    Answer(Answer),
    /// Nothing was done: the user has to sign in.
    SignIn,
    /// Something on the way answered in the instance's place.
    NotTheInstance(String),
}

/// What an answer to a batch means.
#[derive(Clone, Debug, PartialEq)]
pub enum Batch {
    /// Item by item, in the order sent: `None` for one the answer does not speak of.
    Items(Vec<Option<BatchItem>>),
    /// Nothing was run, and never will be: there is no Batch API here.
    Unsupported,
    /// Nothing was run: it was too large.
    TooLarge,
    /// Whether anything was run is not known.
    Unknown(String),
    /// The same, and what answered is not an instance at all.
    NotTheInstance(String),
}

/// The instance asks for time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// What it said.
    pub why: String,
    /// How much, in ms, if it says so.
    pub wait_ms: Option<u64>,
    /// Whether it may have run what was asked all the same.
    pub in_doubt: bool,
}

/// One item of a batch's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchItem {
    /// It was run; this is its own answer.
    Ran(Response),
    /// It was not run.
    NotRun,
}

/// One page of a pull.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Fields>,
    /// Where the next page is. A short page is not the end: limits apply before access rules.
    pub next: Option<String>,
    /// How many the query finds in all, if the instance says so: also those that it does not show.
    pub total: Option<u32>,
    /// When it was told, by the instance's clock, in ms, if that is to be read.
    pub told_at: Option<u64>,
}

/// A back end's way of saying things. Does no I/O.
pub trait Dialect {
    /// The request for one item, to be sent alone or in a batch.
    fn request(&self, asked: &Asked<'_>) -> Request;
    /// What the answer to it means. `now` in ms.
    fn verdict(&self, asked: &Asked<'_>, response: &Response, now: u64) -> Verdict;
    /// Several requests in one.
    fn batch(&self, id: &str, requests: &[Request]) -> Request;
    /// What the answer to the batch of this id means. `count` requests were sent.
    fn unbatch(&self, id: &str, response: &Response, count: usize) -> Batch;
    /// A path that the app gives: below the instance's address, or the same server's where it begins with a slash. `None`
    /// for one of another server, which is to have none of the instance's headers.
    fn below(&self, path: &str) -> Option<String>;
    /// What may be done about a call of an online step whose answer was lost.
    fn again(&self, schema: &Schema, request: &Request) -> Again;
    /// The table that a call of an online step is about, if it is one of the instance's interface to tables.
    fn table_of<'a>(&self, request: &'a Request) -> Option<&'a str>;
    /// Asks what became of such a call, where it can be asked.
    fn ask_after(&self, schema: &Schema, again: &Again) -> Option<Request>;
    /// What the answer to that says: [`Answer::Done`], with what it has made, [`Answer::Absent`] or [`Answer::Untold`];
    /// [`Answer::Unknown`], if it says nothing.
    ///
    /// # Errors
    /// A sentence, if it is not the instance's.
    fn told(&self, schema: &Schema, again: &Again, response: &Response) -> Result<Answer, String>;
    /// Asks for one record.
    fn read(&self, table: &str, sys_id: &str) -> Request;
    /// The answer to a write that would have brought this row.
    fn as_answer(&self, status: u16, row: Fields) -> Response;
    /// Asks for the extras; none if the app says there are none.
    fn capabilities(&self) -> Option<Request>;
    /// Asks for the first page of what a query finds: whole rows, unless only some fields are wanted.
    fn first_page(&self, table: &str, query: &str, fields: Option<&[&str]>, size: u32) -> Request;
    /// Asks for the page that [`Page::next`] names, if it is the instance's own.
    fn next_page(&self, link: &str) -> Option<Request>;
    /// The rows of a page's answer.
    ///
    /// # Errors
    /// A sentence, if they cannot be read.
    fn page(&self, response: &Response) -> Result<Page, String>;
    /// Asks what of these tables was deleted after a time, the latest last.
    fn deletions(&self, tables: &[&str], after: &str, size: u32) -> Request;
    /// What a row of the answer to that says.
    fn deletion(&self, row: &Fields) -> Deletion;
    /// Whether an answer means that the user has to sign in.
    fn asks_for_sign_in(&self, response: &Response) -> bool;
    /// Whether an answer to a whole request asks for time. `now` in ms.
    fn asks_for_time(&self, response: &Response, now: u64) -> Option<Busy>;
}
