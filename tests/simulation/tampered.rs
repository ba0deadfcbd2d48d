//! Planted bugs of the line: what leaves, and what comes in.

use landfall::{
    core::stored::{ItemKind, Record},
    wire::{
        Method, Request, Response,
        batch::{BatchRequest, BatchResponse, ServicedRequest},
        decode, encode,
        table::Row,
    },
};

use super::{
    instance::{ROOT, split, success},
    led_astray,
    network::is_batch,
    planted::Bug,
    story::UID,
    world::World,
};

const KEY: &str = "Idempotency-Key";

/// What leaves in the place of a request.
pub fn request(world: &World, request: &Request) -> Option<Request> {
    if world.bug == Some(Bug::LandedSentAgain) && request.method == Method::Get {
        return landed(world);
    }
    let changes = world.bug == Some(Bug::KeyChanges);
    if !changes && world.bug != Some(Bug::KeyForgotten) {
        return None;
    }
    let mut request = request.clone();
    if is_batch(&request) {
        let mut batch: BatchRequest = decode("batch", request.body.as_deref().unwrap_or_default()).ok()?;
        for item in &mut batch.rest_requests {
            item.headers.retain(|header| changes || header.name != KEY);
            for header in item.headers.iter_mut().filter(|header| header.name == KEY) {
                header.value = format!("other{}", world.number());
            }
        }
        request.body = encode("batch", &batch).ok();
    } else {
        request.headers.retain(|(name, _)| changes || name != KEY);
        for (_, value) in request.headers.iter_mut().filter(|(name, _)| name == KEY) {
            *value = format!("other{}", world.number());
        }
    }
    Some(request)
}

/// The request that would make a record once more that has landed.
fn landed(world: &World) -> Option<Request> {
    let mirror = world.mirror.borrow();
    let here = |record: &&Record| !record.is_temporary() && record.fields.contains_key(UID);
    let record = mirror.records.values().find(here)?;
    let path = format!("{ROOT}/table/{}", record.table);
    let body = encode("body", &Row::from(record.fields.clone())).ok();
    Some(Request { method: Method::Post, path, headers: Vec::new(), body })
}

/// What comes in the place of an answer.
pub fn answer(world: &World, request: &Request, response: Response) -> Response {
    match world.bug {
        Some(Bug::ProbeSkipped) if request.method == Method::Get && request.path.contains("correlation_id%3D") => {
            success(200, &serde_json::json!({ "result": [] }))
        }
        Some(Bug::LookLeftOut) if looks_beforehand(world, request) => {
            success(200, &serde_json::json!({ "result": [] }))
        }
        Some(Bug::UnservicedIsDone) if is_batch(request) => {
            let Ok(mut batch) = decode::<BatchResponse>("batch", &response.body) else { return response };
            for id in std::mem::take(&mut batch.unserviced_requests) {
                let done = Response { status: 204, ..Response::default() };
                batch.serviced_requests.push(ServicedRequest::new(id, &done));
            }
            success(200, &batch)
        }
        _ => led_astray::answer(world, request, response),
    }
}

/// All that it asks for by their ids has unsent changes.
fn looks_beforehand(world: &World, request: &Request) -> bool {
    let (_, parameters) = split(&request.path);
    let asked = parameters.get("sysparm_query").filter(|_| request.method == Method::Get);
    let Some(ids) = asked.and_then(|query| query.strip_prefix("sys_idIN")) else { return false };
    let mirror = world.mirror.borrow();
    let is_change = |id: &str| mirror.items.values().any(|item| item.sys_id == id && item.kind == ItemKind::Update);
    ids.split(',').all(is_change)
}
