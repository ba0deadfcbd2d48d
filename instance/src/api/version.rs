//! `ETag` and `If-Match`: a write that is carried out only on the record as its sender knows it.
//!
//! What tells one version from the next is `sys_mod_count`, which every write that changes a record raises. It is looked
//! at in the transaction of the write, on the row that this has locked. A plain instance has never heard of the headers.

use axum::http::header;
use landfall::wire::{Fields, etag};
use serde_json::Value as Json;

use super::call::{Answer, Call};
use crate::instance::Instance;
use crate::refusal::Refusal;

/// The answer, with the version of the record that it shows.
pub fn tagged(instance: &Instance, answer: Answer, record: &Fields) -> Answer {
    match record.get(MOD_COUNT).filter(|_| !instance.plain) {
        Some(count) => answer.with(header::ETAG, &etag::tag(count)),
        None => answer,
    }
}

/// An answer that was kept, with the version it told when it was first given; where its fields were chosen without the
/// count, nothing is left to tell it by.
pub fn tagged_again(answer: Answer) -> Answer {
    let body: Option<Json> = serde_json::from_slice(&answer.body).ok();
    let count = body.as_ref().and_then(|body| body.get("result")?.get(MOD_COUNT)?.as_str());
    match count {
        Some(count) => answer.with(header::ETAG, &etag::tag(count)),
        None => answer,
    }
}

/// Refuses a write to a record that is not any more one of the versions it was made for.
pub fn check(instance: &Instance, call: &Call, record: &Fields) -> Result<(), Refusal> {
    if instance.plain || !call.headers.contains_key(header::IF_MATCH) {
        return Ok(());
    }
    // Several lines are one list.
    let lines: Result<Vec<_>, _> = call.headers.get_all(header::IF_MATCH).iter().map(|line| line.to_str()).collect();
    let asked = lines.map_err(|_| Refusal::BadTags)?.join(",");
    let count = record.get(MOD_COUNT).map_or("", String::as_str);
    match etag::is_match(&asked, &etag::tag(count)) {
        Some(true) => Ok(()),
        Some(false) => Err(Refusal::Changed { mod_count: count.to_owned() }),
        None => Err(Refusal::BadTags),
    }
}

const MOD_COUNT: &str = "sys_mod_count";
