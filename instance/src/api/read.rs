//! Reading records: one by its sys_id, or the page of a list.

use axum::http::{HeaderName, StatusCode, header};
use landfall::wire::query::Query;
use landfall::wire::table::{Answer as Wrapped, Row};

use super::call::{Answer, Call};
use super::lenient;
use super::links;
use super::render::View;
use super::version;
use crate::instance::Instance;
use crate::refusal::Refusal;
use crate::schema::Class;
use crate::store::{Filter, records};

/// How many records a page has where nothing is said, as on ServiceNow.
const PAGE: i64 = 10_000;

/// `GET /table/{table}/{sys_id}`
pub async fn record(instance: &Instance, call: &Call, class: &Class, sys_id: &str) -> Result<Answer, Refusal> {
    let mut session = instance.store.read().await?;
    let record = records::find(&mut session, class, sys_id).await?.ok_or(Refusal::NoRecord)?;
    let row = View::of(call, class).row(&record);
    let answer = Answer::json(StatusCode::OK, &Wrapped { result: row });
    Ok(version::tagged(instance, answer, &record))
}

/// `GET /table/{table}`
pub async fn list(instance: &Instance, call: &Call, class: &Class) -> Result<Answer, Refusal> {
    // What was deleted is for administrators, on ServiceNow.
    if instance.plain && class.name == "sys_audit_delete" {
        return Err(Refusal::NotAuthorized);
    }
    let limit = whole(instance, call, "sysparm_limit", PAGE)?;
    let offset = whole(instance, call, "sysparm_offset", 0)?;
    let query = query(instance, call, class)?;
    let filter = Filter::new(&query, class, instance.store.dialect())?;

    let mut session = instance.store.read().await?;
    let total = records::count(&mut session, class, &filter).await?;
    let found = records::page(&mut session, class, &filter, limit, offset).await?;
    session.commit().await?;

    let view = View::of(call, class);
    let rows: Vec<Row> = found.iter().map(|record| view.row(record)).collect();
    let answer = Answer::json(StatusCode::OK, &Wrapped { result: rows })
        .with(HeaderName::from_static("x-total-count"), &total.to_string());
    Ok(match links::of_page(call, limit, offset, total) {
        Some(links) => answer.with(header::LINK, &links),
        None => answer,
    })
}

/// The query asked. A plain instance drops what it does not understand, and so answers more than was asked for.
fn query(instance: &Instance, call: &Call, class: &Class) -> Result<Query, Refusal> {
    let text = call.parameter("sysparm_query").unwrap_or_default();
    if instance.plain {
        return Ok(lenient::parse(text, |field| class.field(field).is_some()));
    }
    Ok(text.parse()?)
}

fn whole(instance: &Instance, call: &Call, name: &'static str, otherwise: i64) -> Result<i64, Refusal> {
    let Some(value) = call.parameter(name) else {
        return Ok(otherwise);
    };
    match value.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(number),
        _ if instance.plain => Ok(otherwise),
        _ => Err(Refusal::Parameter { name, value: value.to_owned() }),
    }
}
