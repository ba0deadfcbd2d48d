//! Writing records: each request is one transaction, of the record, its journal entries and its idempotency key.

use axum::http::{StatusCode, header};
use landfall::wire::Fields;
use landfall::wire::table::Answer as Wrapped;
use serde_json::Value as Json;
use uuid::Uuid;

use super::call::{Answer, Call};
use super::idempotency::{self, Begun};
use super::input::Input;
use super::render::View;
use super::temporary;
use crate::clock::Now;
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::rules;
use crate::schema::{Class, class};
use crate::store::{Session, StoreError, records};

/// `POST /table/{table}`
pub async fn create(instance: &Instance, call: &Call, class: &Class) -> Result<Answer, Refusal> {
    let Input { fields, entries, json } = Input::read(instance, call, class)?;
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let once = match idempotency::begin(instance, call, class.name.to_owned(), &json, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let mut record = fields;
    if !instance.plain {
        temporary::settle_references(&mut session, class, &mut record).await?;
    }
    rules::allow(class, &record)?;
    rules::on_create(class, &mut record, &now);
    record.extend(stamped(class, &call.user, &now));
    if let Some(prefix) = class.prefix.filter(|_| record.get("number").is_none_or(String::is_empty)) {
        record.insert("number".into(), records::next_number(&mut session, prefix).await?);
    }
    records::insert(&mut session, class, &record).await?;
    let sys_id = record.get("sys_id").cloned().unwrap_or_default();
    append(&mut session, class, &sys_id, entries, &call.user, &now).await?;

    let answer = shown(&mut session, call, class, &sys_id, StatusCode::CREATED).await?;
    let location = format!("{}/api/now/table/{}/{sys_id}", call.base, class.name);
    let answer = answer.with(header::LOCATION, &location);
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

/// `PATCH /table/{table}/{sys_id}`; ServiceNow's `PUT` does the same.
pub async fn update(instance: &Instance, call: &Call, asked: &Class, sys_id: &str) -> Result<Answer, Refusal> {
    let Input { fields, entries, json } = Input::read(instance, call, asked)?;
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let place = format!("{}/{sys_id}", asked.name);
    let once = match idempotency::begin(instance, call, place, &json, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let (class, before) = existing(&mut session, asked, sys_id).await?;
    let mut changes = fields;
    changes.retain(|name, value| before.get(name) != Some(value));
    if !instance.plain {
        temporary::settle_references(&mut session, class, &mut changes).await?;
        changes.retain(|name, value| before.get(name) != Some(value));
    }
    if !changes.is_empty() || !entries.is_empty() {
        rules::allow(class, &changes)?;
        rules::on_update(class, &before, &mut changes, &now);
        let count = before.get("sys_mod_count").and_then(|count| count.parse::<i64>().ok()).unwrap_or(0) + 1;
        changes.insert("sys_mod_count".into(), count.to_string());
        changes.insert("sys_updated_on".into(), now.text.clone());
        changes.insert("sys_updated_by".into(), call.user.clone());
        records::update(&mut session, class, sys_id, &changes).await?;
        append(&mut session, class, sys_id, entries, &call.user, &now).await?;
    }
    let answer = shown(&mut session, call, asked, sys_id, StatusCode::OK).await?;
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

/// `DELETE /table/{table}/{sys_id}`
pub async fn delete(instance: &Instance, call: &Call, asked: &Class, sys_id: &str) -> Result<Answer, Refusal> {
    let mut session = instance.store.write().await?;
    let now = Now::read();
    let place = format!("{}/{sys_id}", asked.name);
    let once = match idempotency::begin(instance, call, place, &Json::Null, &now, &mut session).await? {
        Begun::New(once) => once,
        Begun::Replayed(answer) => return Ok(answer),
    };
    let (actual, before) = existing(&mut session, asked, sys_id).await?;
    records::delete(&mut session, actual, sys_id).await?;
    if let Some(audit) = class("sys_audit_delete").filter(|audit| audit.name != actual.name) {
        let named = ["number", "name", "user_name"].iter().find_map(|name| before.get(*name)).cloned();
        let mut row = stamped(audit, &call.user, &now);
        row.insert("tablename".into(), actual.name.into());
        row.insert("documentkey".into(), sys_id.into());
        row.insert("display_value".into(), named.unwrap_or_default());
        row.insert("user".into(), call.user.clone());
        records::insert(&mut session, audit, &row).await?;
    }
    let answer = Answer::empty(StatusCode::NO_CONTENT);
    once.keep(&answer, &mut session).await?;
    session.commit().await?;
    Ok(answer)
}

/// The record and its own class, which may be below the one asked: an incident is found as a task.
async fn existing(session: &mut Session, asked: &Class, sys_id: &str) -> Result<(&'static Class, Fields), Refusal> {
    let found = records::find_to_change(session, asked, sys_id).await?.ok_or(Refusal::NoRecord)?;
    let own = found.get("sys_class_name").and_then(|name| class(name)).ok_or(Refusal::NoRecord)?;
    let whole = records::find(session, own, sys_id).await?.ok_or(Refusal::NoRecord)?;
    Ok((own, whole))
}

/// The record as the database now has it, which is what the answer says.
async fn shown(
    session: &mut Session,
    call: &Call,
    class: &Class,
    sys_id: &str,
    status: StatusCode,
) -> Result<Answer, Refusal> {
    let record = records::find(session, class, sys_id).await?.ok_or(Refusal::NoRecord)?;
    Ok(Answer::json(status, &Wrapped { result: View::of(call, class).row(&record) }))
}

/// Makes each entry a record of `sys_journal_field`.
async fn append(
    session: &mut Session,
    of: &Class,
    sys_id: &str,
    entries: Vec<(&'static str, String)>,
    user: &str,
    now: &Now,
) -> Result<(), StoreError> {
    let Some(journal) = class("sys_journal_field") else {
        return Ok(());
    };
    for (element, value) in entries {
        let mut row = stamped(journal, user, now);
        row.insert("name".into(), of.name.into());
        row.insert("element".into(), element.into());
        row.insert("element_id".into(), sys_id.into());
        row.insert("value".into(), value);
        records::insert(session, journal, &row).await?;
    }
    Ok(())
}

/// The system fields of a record made now.
fn stamped(class: &Class, user: &str, now: &Now) -> Fields {
    let sys_id = Uuid::new_v4().simple().to_string();
    [
        ("sys_id", sys_id.as_str()),
        ("sys_class_name", class.name),
        ("sys_created_on", &now.text),
        ("sys_created_by", user),
        ("sys_updated_on", &now.text),
        ("sys_updated_by", user),
        ("sys_mod_count", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
