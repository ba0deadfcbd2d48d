//! `Idempotency-Key`: one key, one effect.
//!
//! The answer is kept in the transaction of what it answers, so there is no moment at which one is there without the
//! other. Only 2xx answers are kept: a refusal leaves the key free, since what was refused may be mended and sent
//! again. A plain instance has never heard of the header.

use axum::http::{HeaderName, StatusCode, header};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::call::{Answer, Call};
use super::version;
use crate::clock::Now;
use crate::instance::{Instance, KEY_TTL_SECONDS};
use crate::refusal::Refusal;
use crate::schema::Class;
use crate::store::Session;
use crate::store::keys::{self, Claim, Kept, Key};
use crate::writing::temporary;

const LONGEST: usize = 255;

/// What a request is for, and among which others its key must be its own.
#[derive(Clone, Debug)]
pub struct Place {
    scope: String,
    path: String,
}

impl Place {
    /// A table, for a new record.
    pub fn table(class: &Class) -> Self {
        Self { scope: class.name.into(), path: class.name.into() }
    }

    /// A record of a table.
    pub fn record(class: &Class, sys_id: &str) -> Self {
        Self { scope: class.name.into(), path: format!("{}/{sys_id}", class.name) }
    }

    /// An action.
    pub fn action(name: &str) -> Self {
        let path = format!("action/{name}");
        Self { scope: path.clone(), path }
    }
}

/// A request under its key, if it has one.
pub struct Once<'c> {
    key: Option<Key>,
    place: String,
    body: &'c Json,
    sent_hash: String,
}

/// What is to be done with the request.
pub enum Begun<'c> {
    /// Carry it out.
    New(Once<'c>),
    /// It was carried out before, and answered so.
    Replayed(Answer),
}

/// Claims the request's key for this transaction, or finds what it was answered. A second request with the same key
/// waits here until the first has ended.
pub async fn begin<'c>(
    instance: &Instance,
    call: &Call,
    place: Place,
    body: &'c Json,
    now: &Now,
    session: &mut Session,
) -> Result<Begun<'c>, Refusal> {
    let sent = call.header("idempotency-key").filter(|_| !instance.plain);
    let Some(text) = sent else {
        return Ok(Begun::New(Once { key: None, place: String::new(), body, sent_hash: String::new() }));
    };
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(Refusal::BadKey);
    }
    instance.prune_keys(session, now.seconds).await?;
    let key = Key { user: call.user.clone(), table: place.scope, key: text.to_owned() };
    let place = format!("{} {}", call.method, place.path);
    let sent_hash = hash(&place, body);
    let not_before = now.seconds - KEY_TTL_SECONDS;
    let kept = match keys::claim(session, &key, &sent_hash, now.seconds, not_before).await? {
        Claim::Mine => {
            return Ok(Begun::New(Once { key: Some(key), place, body, sent_hash }));
        }
        Claim::Answered(kept) => kept,
    };
    let same = kept.sent_hash == sent_hash
        || kept.resolved_hash == hash(&place, &temporary::settle_body(session, body).await?);
    if !same {
        return Err(Refusal::KeyReused);
    }
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    let mut answer =
        Answer::bytes(status, kept.body.into_bytes()).with(HeaderName::from_static("idempotency-replayed"), "true");
    if !kept.location.is_empty() {
        answer = answer.with(header::LOCATION, &kept.location);
    }
    Ok(Begun::Replayed(version::tagged_again(answer)))
}

impl Once<'_> {
    /// Keeps the answer, to be committed with what it answers.
    pub async fn keep(self, answer: &Answer, session: &mut Session) -> Result<(), Refusal> {
        let Some(key) = self.key else { return Ok(()) };
        let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let resolved = temporary::settle_body(session, self.body).await?;
        let kept = Kept {
            status: answer.status.as_u16(),
            location: location.to_owned(),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
            sent_hash: self.sent_hash,
            resolved_hash: hash(&self.place, &resolved),
        };
        Ok(keys::keep(session, &key, &kept).await?)
    }
}

/// The same for the same method, place and body, however the body's keys were ordered.
fn hash(place: &str, body: &Json) -> String {
    let digest = Sha256::digest(format!("{place}\n{body}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
