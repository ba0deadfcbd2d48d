//! Writing records: each request is one transaction, of the record, its journal entries and its idempotency key.

use axum::http::{StatusCode, header};
use landfall::wire::table::Answer as Wrapped;
use serde_json::Value as Json;

use super::call::{Answer, Call};
use super::idempotency::{self, Begun, Place};
use super::render::View;
use super::version;
use crate::clock::Now;
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::schema::Class;
use crate::store::{Session, records};
use crate::writing::{Input, Writer};

/// `POST /table/{table}`
pub async fn create(instance: &Instance, call: &Call, class: &'static Class) -> Result<Answer, Refusal> {
    let json = call.json()?;
    let input = Input::read(&json, class, instance.plain)?;
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let once = match idempotency::begin(instance, call, Place::table(class), &json, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let made = writer(instance, call, &now, &mut session).create(class, input).await?;
    let sys_id = made.get("sys_id");
    let answer = shown(instance, &mut session, call, class, sys_id, StatusCode::CREATED).await?;
    let location = format!("{}/api/now/table/{}/{sys_id}", call.base, class.name);
    let answer = answer.with(header::LOCATION, &location);
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

/// `PATCH /table/{table}/{sys_id}`; ServiceNow's `PUT` does the same.
pub async fn update(instance: &Instance, call: &Call, asked: &Class, sys_id: &str) -> Result<Answer, Refusal> {
    let json = call.json()?;
    let input = Input::read(&json, asked, instance.plain)?;
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let place = Place::record(asked, sys_id);
    let once = match idempotency::begin(instance, call, place, &json, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let mut writer = writer(instance, call, &now, &mut session);
    let before = writer.existing(asked, sys_id).await?;
    version::check(instance, call, &before.fields)?;
    writer.update(&before, input).await?;
    let answer = shown(instance, &mut session, call, asked, sys_id, StatusCode::OK).await?;
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

/// `DELETE /table/{table}/{sys_id}`
pub async fn delete(instance: &Instance, call: &Call, asked: &Class, sys_id: &str) -> Result<Answer, Refusal> {
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let place = Place::record(asked, sys_id);
    let once = match idempotency::begin(instance, call, place, &Json::Null, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let mut writer = writer(instance, call, &now, &mut session);
    let before = writer.existing(asked, sys_id).await?;
    version::check(instance, call, &before.fields)?;
    writer.delete(&before).await?;
    let answer = Answer::empty(StatusCode::NO_CONTENT);
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

fn writer<'w>(instance: &Instance, call: &'w Call, now: &'w Now, session: &'w mut Session) -> Writer<'w> {
    Writer { session, user: &call.user, now, plain: instance.plain }
}

/// The record as the database now has it, which is what the answer says.
async fn shown(
    instance: &Instance,
    session: &mut Session,
    call: &Call,
    class: &Class,
    sys_id: &str,
    status: StatusCode,
) -> Result<Answer, Refusal> {
    let record = records::find(session, class, sys_id).await?.ok_or(Refusal::NoRecord)?;
    let answer = Answer::json(status, &Wrapped { result: View::of(call, class).row(&record) });
    Ok(version::tagged(instance, answer, &record))
}
