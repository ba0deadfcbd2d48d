//! From axum's request to a call, and from an answer to axum's response.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::call::{Answer, Call, pairs};
use super::route;
use crate::instance::Instance;
use crate::refusal::Refusal;

/// The largest body taken, in megabytes: a batch of several items at their own limit.
const BODY_MB: usize = 32;

/// Serves the API.
pub fn router(instance: Arc<Instance>) -> Router {
    Router::new()
        .route("/api/{*path}", any(handle))
        .layer(DefaultBodyLimit::max(BODY_MB * 1024 * 1024))
        .with_state(instance)
}

async fn handle(
    State(instance): State<Arc<Instance>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = match call(&instance, method, &uri, headers, body) {
        Ok(call) => call,
        Err(refusal) => return respond(refusal.into()),
    };
    // A task of its own: a client that hangs up does not stop half-way what it asked for, no more than it would on
    // ServiceNow.
    match tokio::spawn(async move { route::answer(&instance, &call).await }).await {
        Ok(answer) => respond(answer),
        Err(error) => {
            tracing::error!(%error, "a request was not carried to its end");
            respond(Answer::empty(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

fn call(
    instance: &Instance,
    method: Method,
    uri: &Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Call, Refusal> {
    let user = user(&headers);
    if user.is_none() && instance.require_auth {
        return Err(Refusal::NotAuthenticated);
    }
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge(BODY_MB),
        _ => Refusal::Body(rejection.body_text()),
    })?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let scheme = text("x-forwarded-proto").unwrap_or("http");
    let host = text("x-forwarded-host").or(text("host")).unwrap_or("localhost");
    Ok(Call {
        // The body of an answer to HEAD is left off on its way out.
        method: if method == Method::HEAD { Method::GET } else { method },
        path: uri.path().to_owned(),
        query: pairs(uri.query().unwrap_or_default()),
        base: format!("{scheme}://{host}"),
        headers,
        body,
        user: user.unwrap_or_else(|| "guest".to_owned()),
    })
}

/// Who asks: the name in basic credentials, a bearer token, or `X-Landfall-User`. Nothing is checked against
/// anything; this instance is for trying and for tests.
fn user(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let named = text("x-landfall-user").map(str::to_owned);
    let credentials = text("authorization").and_then(|value| value.split_once(' '));
    let signed_in = credentials.and_then(|(scheme, secret)| match scheme.to_ascii_lowercase().as_str() {
        "basic" => {
            let decoded = String::from_utf8(STANDARD.decode(secret.trim()).ok()?).ok()?;
            decoded.split_once(':').map(|(name, _)| name.to_owned())
        }
        "bearer" => Some(secret.trim().to_owned()),
        _ => None,
    });
    named.or(signed_in).filter(|name| !name.is_empty())
}

fn respond(answer: Answer) -> Response {
    let challenge = answer.status == StatusCode::UNAUTHORIZED;
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if challenge {
        // Not `Basic`, at which a browser would open its own dialog over the page.
        response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    response
}
