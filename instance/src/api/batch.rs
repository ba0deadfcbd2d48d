//! The Batch API: several requests in one, run in order, each on its own, none undone for another's sake.

use std::time::Instant;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use landfall::wire::batch::{BatchRequest, BatchResponse, RestRequest, ServicedRequest};

use super::call::{Answer, Call, pairs};
use super::route;
use crate::instance::Instance;
use crate::refusal::Refusal;

/// The largest body an item may have, in megabytes, as on ServiceNow.
const ITEM_MB: usize = 5;

/// `POST /api/now/v1/batch`
pub async fn answer(instance: &Instance, call: &Call) -> Result<Answer, Refusal> {
    if call.method != Method::POST {
        return Err(Refusal::Method(call.method.to_string()));
    }
    let batch: BatchRequest = serde_json::from_value(call.json()?).map_err(|error| Refusal::Body(error.to_string()))?;
    let started = Instant::now();
    let mut response = BatchResponse { batch_request_id: batch.batch_request_id, ..BatchResponse::default() };
    for item in batch.rest_requests {
        if started.elapsed() >= instance.batch_time {
            response.unserviced_requests.push(item.id);
        } else {
            response.serviced_requests.push(service(instance, call, item).await);
        }
    }
    Ok(Answer::json(StatusCode::OK, &response))
}

async fn service(instance: &Instance, outer: &Call, item: RestRequest) -> ServicedRequest {
    let started = Instant::now();
    let (answer, error_message) = match opened(outer, &item) {
        Ok(call) => (route::answer_item(instance, &call).await, None),
        Err(refusal) => {
            let message = refusal.to_string();
            (refusal.into(), Some(message))
        }
    };
    let status = answer.status;
    let mut serviced = ServicedRequest::new(item.id, &answer.into());
    if item.exclude_response_headers {
        serviced.headers.clear();
    }
    serviced.status_text = status.canonical_reason().unwrap_or_default().to_owned();
    serviced.execution_time = u64::try_from(started.elapsed().as_millis()).ok();
    serviced.error_message = error_message;
    serviced
}

/// The item as a request of its own. Who asks, and by which address, is the batch's; the headers are its own.
fn opened(outer: &Call, item: &RestRequest) -> Result<Call, Refusal> {
    let unread = |what: &str| Refusal::Body(format!("item `{}` {what}", item.id));
    let request = item.unpack().map_err(|error| Refusal::Body(error.to_string()))?;
    if !request.path.starts_with('/') {
        return Err(unread("needs a relative url that begins with `/`"));
    }
    let body = request.body.unwrap_or_default();
    if body.len() > ITEM_MB * 1024 * 1024 {
        return Err(Refusal::TooLarge(ITEM_MB));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|_| unread("has a header without a proper name"))?;
        let value = HeaderValue::from_str(value).map_err(|_| unread("has a header without a proper value"))?;
        headers.insert(name, value);
    }
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let method = request.method.as_str().parse().map_err(|_| unread("has no method"))?;
    Ok(Call {
        method,
        path: path.to_owned(),
        query: pairs(query),
        headers,
        body: Bytes::from(body),
        user: outer.user.clone(),
        base: outer.base.clone(),
    })
}
