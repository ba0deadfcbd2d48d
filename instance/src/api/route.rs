//! From a path to what answers it. HTTP and batches come through this one door.

use axum::http::Method;

use super::call::{Answer, Call};
use super::{action, batch, capabilities, change, read};
use crate::actions::{self, Entry};
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::schema::{Class, class};

/// A place in the API.
enum Place {
    Table(&'static Class),
    Record(&'static Class, String),
    Batch,
    Capabilities,
    Action(&'static Entry),
}

/// Answers a request.
pub async fn answer(instance: &Instance, call: &Call) -> Answer {
    let answered = match place(instance, call) {
        // Boxed, since a batch answers its items through here again.
        Ok(Place::Batch) => Box::pin(batch::answer(instance, call)).await,
        Ok(place) => answer_at(instance, call, place).await,
        Err(refusal) => Err(refusal),
    };
    answered.unwrap_or_else(Answer::from)
}

/// Answers an item of a batch: all that a request can be, but a batch.
pub async fn answer_item(instance: &Instance, call: &Call) -> Answer {
    let answered = match place(instance, call) {
        Ok(Place::Batch) => Err(Refusal::Body("a batch cannot hold another batch".into())),
        Ok(place) => answer_at(instance, call, place).await,
        Err(refusal) => Err(refusal),
    };
    answered.unwrap_or_else(Answer::from)
}

async fn answer_at(instance: &Instance, call: &Call, place: Place) -> Result<Answer, Refusal> {
    let refused = || Err(Refusal::Method(call.method.to_string()));
    match (&call.method, place) {
        (&Method::GET, Place::Table(class)) => read::list(instance, call, class).await,
        (&Method::GET, Place::Record(class, sys_id)) => read::record(instance, call, class, &sys_id).await,
        (&Method::POST, Place::Table(class)) => change::create(instance, call, class).await,
        (&Method::PATCH | &Method::PUT, Place::Record(class, sys_id)) => {
            change::update(instance, call, class, &sys_id).await
        }
        (&Method::DELETE, Place::Record(class, sys_id)) => change::delete(instance, call, class, &sys_id).await,
        (&Method::GET, Place::Capabilities) => Ok(capabilities::answer()),
        (&Method::POST, Place::Action(action)) => action::answer(instance, call, action).await,
        _ => refused(),
    }
}

fn place(instance: &Instance, call: &Call) -> Result<Place, Refusal> {
    let nowhere = || Refusal::NoResource(call.path.clone());
    let mut parts = call.path.trim_matches('/').split('/');
    let mut next = || parts.next();
    match (next(), next(), next()) {
        (Some("api"), Some("now"), Some(version @ ("v1" | "v2"))) => {
            let _ = version;
            below_now(next(), next(), next(), next()).ok_or_else(nowhere)?
        }
        (Some("api"), Some("now"), first) => below_now(first, next(), next(), next()).ok_or_else(nowhere)?,
        (Some("api"), Some("landfall"), Some("v1")) if !instance.plain => match (next(), next(), next()) {
            (Some("capabilities"), None, None) => Ok(Place::Capabilities),
            (Some("action"), Some(name), None) => match actions::action(name) {
                Some(action) => Ok(Place::Action(action)),
                None => Err(Refusal::UnknownAction { name: name.to_owned(), known: actions::names() }),
            },
            _ => Err(nowhere()),
        },
        _ => Err(nowhere()),
    }
}

/// What stands after `/api/now`, with or without a version; `None` where nothing does.
fn below_now(
    first: Option<&str>,
    table: Option<&str>,
    sys_id: Option<&str>,
    beyond: Option<&str>,
) -> Option<Result<Place, Refusal>> {
    match (first, table, sys_id, beyond) {
        (Some("batch"), None, None, None) => Some(Ok(Place::Batch)),
        (Some("table"), Some(table), sys_id, None) => {
            let Some(class) = class(table) else {
                return Some(Err(Refusal::UnknownTable(table.to_owned())));
            };
            Some(Ok(match sys_id {
                None => Place::Table(class),
                Some(sys_id) => Place::Record(class, sys_id.to_owned()),
            }))
        }
        _ => None,
    }
}
