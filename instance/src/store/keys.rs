//! What idempotency keys were answered, kept in the transaction of the record they made.
//!
//! A key's row is written first and committed last, so a second request with the same key waits at the row (on
//! SQLite: at the one writer) until the first has ended, and then finds either its answer or nothing.

use super::error::StoreError;
use super::seam::Session;
use super::value::Value;
use crate::schema::Storage;

/// Whose key, and for which table.
#[derive(Clone, Debug)]
pub struct Key {
    /// The user who sent it.
    pub user: String,
    /// The table it was sent to.
    pub table: String,
    /// The key itself.
    pub key: String,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header, `""` if there was none.
    pub location: String,
    /// The body.
    pub body: String,
    /// The hash of the request as sent.
    pub sent_hash: String,
    /// The hash of the request with its temporary ids resolved.
    pub resolved_hash: String,
}

/// What became of a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// The key is new, and this transaction's.
    Mine,
    /// It was answered before.
    Answered(Kept),
}

/// Takes the key for this transaction, unless it was answered since `not_before`.
pub async fn claim(
    session: &mut Session,
    key: &Key,
    sent_hash: &str,
    now: i64,
    not_before: i64,
) -> Result<Claim, StoreError> {
    let sql = "INSERT INTO landfall_key AS k (user_name, table_name, idempotency_key, sent_hash, made_at) \
               VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (user_name, table_name, idempotency_key) DO UPDATE \
               SET sent_hash = excluded.sent_hash, made_at = excluded.made_at WHERE k.made_at < $6";
    let mut values = named(key);
    values.extend([sent_hash.into(), now.into(), not_before.into()]);
    if session.execute(sql, &values).await? == 1 {
        return Ok(Claim::Mine);
    }
    let sql = "SELECT status, location, body, sent_hash, resolved_hash FROM landfall_key \
               WHERE user_name = $1 AND table_name = $2 AND idempotency_key = $3";
    let types = [Storage::Integer, Storage::Text, Storage::Text, Storage::Text, Storage::Text];
    let row = session.fetch(sql, &named(key), &types).await?.into_iter().next();
    let mut cells = row.unwrap_or_default().into_iter().map(Option::unwrap_or_default);
    let mut next = || cells.next().unwrap_or_default();
    let status = next().parse().map_err(|_| StoreError::Shape("a key was kept without its answer"))?;
    Ok(Claim::Answered(Kept { status, location: next(), body: next(), sent_hash: next(), resolved_hash: next() }))
}

/// Keeps the answer with the key this transaction claimed.
pub async fn keep(session: &mut Session, key: &Key, kept: &Kept) -> Result<(), StoreError> {
    let sql = "UPDATE landfall_key SET status = $4, location = $5, body = $6, resolved_hash = $7 \
               WHERE user_name = $1 AND table_name = $2 AND idempotency_key = $3";
    let mut values = named(key);
    values.extend([
        i64::from(kept.status).into(),
        kept.location.as_str().into(),
        kept.body.as_str().into(),
        kept.resolved_hash.as_str().into(),
    ]);
    session.execute(sql, &values).await.map(|_| ())
}

/// Forgets the keys made before.
pub async fn prune(session: &mut Session, not_before: i64) -> Result<u64, StoreError> {
    session.execute("DELETE FROM landfall_key WHERE made_at < $1", &[not_before.into()]).await
}

fn named(key: &Key) -> Vec<Value> {
    vec![key.user.as_str().into(), key.table.as_str().into(), key.key.as_str().into()]
}
