//! The way to the instance: `fetch`, by gloo-net's request builder.
//!
//! gloo-net panics where `fetch` gives something other than a `Response`, where a body fails
//! with something other than an `Error`, and where a header cannot be sent. An app's own `fetch`
//! or `auth` can do all three; so those steps are ours, and each failure is an answer.

use std::pin::pin;

use futures_util::future::{Either, select};
use gloo_net::http::{Headers as GlooHeaders, Method as GlooMethod, RequestBuilder};
use js_sys::{Array, Function, Object, Promise, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    AbortController, Headers as JsHeaders, RequestCache, RequestCredentials, RequestRedirect, ResponseType, Url,
};

use super::{clock, js};
use crate::{
    ports::{AuthReason, AuthUnavailable, Headers, Remote, RemoteError},
    wire::http::{Method, Request, Response},
};

/// How long `auth` may take: shorter than the sender's lease, which it must not outlast.
const AUTH_MS: u64 = 20_000;

/// How long an answer that nobody may read is waited for.
const UNREAD_MS: u64 = 10_000;

/// What a redirect that was not followed counts as.
const REDIRECTED: u16 = 302;

/// What an app says of its instance.
#[derive(Clone, Debug, Default)]
pub struct RemoteOptions {
    /// Root of the instance's API, absolute or relative to the page.
    pub url: String,
    /// `omit`, `same-origin` or `include`; the browser's own default if not given.
    pub credentials: Option<String>,
    /// Used in place of the global `fetch`.
    pub fetch: Option<Function>,
    /// Gives the headers for each request.
    pub auth: Option<Function>,
}

/// Sends requests by `fetch`.
#[derive(Clone, Debug)]
pub struct BrowserRemote {
    /// Ends in a slash, so that a relative path comes under it and `/api/…` at its origin.
    root: String,
    credentials: Option<RequestCredentials>,
    fetch: Option<Function>,
    auth: Option<Function>,
}

impl BrowserRemote {
    /// The way to the instance of `options`, or a sentence on what is wrong with them.
    pub fn new(options: RemoteOptions) -> Result<Self, String> {
        let page = js::get(&js_sys::global(), "location").and_then(|location| js::get(&location, "href"));
        let page = page.and_then(|href| href.as_string()).unwrap_or_default();
        let given = format!("{}/", options.url.trim_end_matches('/'));
        let url = Url::new(&given).or_else(|_| Url::new_with_base(&given, &page));
        let url = url.map_err(|_| format!("`instance.url` is no URL: {:?}.", options.url))?;
        if !matches!(url.protocol().as_str(), "http:" | "https:") {
            return Err(format!("`instance.url` is no address on the web: {:?}.", options.url));
        }
        let credentials = options.credentials.map(|given| match given.as_str() {
            "omit" => Ok(RequestCredentials::Omit),
            "same-origin" => Ok(RequestCredentials::SameOrigin),
            "include" => Ok(RequestCredentials::Include),
            _ => Err(format!("`instance.credentials` may be omit, same-origin or include, not {given:?}.")),
        });
        Ok(Self { root: url.href(), credentials: credentials.transpose()?, fetch: options.fetch, auth: options.auth })
    }

    async fn exchange(&self, request: &Request, abort: &AbortController) -> Result<Response, JsValue> {
        let answer = self.fetch(self.request(request, abort)?)?;
        let answer = JsFuture::from(Promise::resolve(&answer)).await?;
        let answer: web_sys::Response = answer
            .dyn_into()
            .map_err(|_| JsValue::from_str("`instance.fetch` gave something that is not a Response"))?;
        if answer.type_() == ResponseType::Opaqueredirect {
            // Where to, no page may know.
            return Ok(Response { status: REDIRECTED, ..Response::default() });
        }
        if answer.status() == 0 {
            return Err(JsValue::from_str("the browser may not read the answer (see the instance's CORS rules)"));
        }
        let body = JsFuture::from(answer.array_buffer()?).await?;
        Ok(Response {
            status: answer.status(),
            headers: GlooHeaders::from_raw(answer.headers()).entries().collect(),
            body: Uint8Array::new(&body).to_vec(),
            redirected_to: answer.redirected().then(|| answer.url()),
        })
    }

    fn request(&self, request: &Request, abort: &AbortController) -> Result<web_sys::Request, JsValue> {
        let url = Url::new_with_base(&request.path, &self.root)?.href();
        let headers = JsHeaders::new()?;
        for (name, value) in &request.headers {
            headers.append(name, value)?;
        }
        let mut builder = RequestBuilder::new(&url)
            .method(match request.method {
                Method::Get => GlooMethod::GET,
                Method::Post => GlooMethod::POST,
                Method::Patch => GlooMethod::PATCH,
                Method::Put => GlooMethod::PUT,
                Method::Delete => GlooMethod::DELETE,
            })
            .headers(GlooHeaders::from_raw(headers))
            // An answer out of the browser's cache would be taken for the instance's.
            .cache(RequestCache::NoStore)
            // An API sends nobody elsewhere, but for signing in. Followed, that page's answer would be taken for one,
            // or, on another origin, for a dead line.
            .redirect(RequestRedirect::Manual)
            .abort_signal(Some(&abort.signal()));
        if let Some(credentials) = self.credentials {
            builder = builder.credentials(credentials);
        }
        let built = match &request.body {
            Some(body) => builder.body(Uint8Array::from(body.as_slice())),
            None => builder.build(),
        };
        built.map(Into::into).map_err(|error| JsValue::from_str(&error.to_string()))
    }

    fn fetch(&self, request: web_sys::Request) -> Result<JsValue, JsValue> {
        if let Some(own) = &self.fetch {
            return own.call1(&JsValue::UNDEFINED, &request);
        }
        // Looked up each time: a page may replace it while we run.
        let global = js_sys::global();
        let fetch = js::get(&global, "fetch").ok_or("this browser has no fetch")?;
        fetch.dyn_into::<Function>().map_err(|_| "this browser has no fetch")?.call1(&global, &request)
    }
}

impl Remote for BrowserRemote {
    async fn send(&self, request: &Request, timeout_ms: u64) -> Result<Response, RemoteError> {
        let unreachable = |thrown: JsValue| RemoteError::Unreachable(js::message(&thrown));
        let abort = AbortOnDrop(AbortController::new().map_err(unreachable)?);
        let exchange = pin!(self.exchange(request, &abort.0));
        match select(exchange, pin!(clock::sleep(timeout_ms))).await {
            Either::Left((answer, _)) => answer.map_err(unreachable),
            Either::Right(_) => Err(RemoteError::TimedOut(timeout_ms.div_ceil(1000))),
        }
    }

    async fn authorize(&self, reason: AuthReason) -> Result<Headers, AuthUnavailable> {
        let Some(auth) = &self.auth else { return Ok(Headers::new()) };
        let unavailable = |thrown: JsValue| AuthUnavailable(js::message(&thrown));
        let reason = match reason {
            AuthReason::Send => "send",
            AuthReason::Expired => "expired",
        };
        let answer = auth.call1(&JsValue::UNDEFINED, &reason.into()).map_err(unavailable)?;
        let answer = JsFuture::from(Promise::resolve(&answer));
        match select(answer, pin!(clock::sleep(AUTH_MS))).await {
            Either::Left((answer, _)) => headers(&answer.map_err(unavailable)?),
            Either::Right(_) => Err(AuthUnavailable("`auth` did not answer within 20 seconds.".to_owned())),
        }
    }

    async fn answers_unread(&self, url: &str) -> Option<bool> {
        let url = Url::new_with_base(url, &self.root).ok()?.href();
        let abort = AbortOnDrop(AbortController::new().ok()?);
        let built = RequestBuilder::new(&url)
            .mode(web_sys::RequestMode::NoCors)
            .cache(RequestCache::NoStore)
            .abort_signal(Some(&abort.0.signal()))
            .build();
        let answer = self.fetch(built.ok()?.into()).ok()?;
        let answer = JsFuture::from(Promise::resolve(&answer));
        match select(answer, pin!(clock::sleep(UNREAD_MS))).await {
            Either::Left((answer, _)) => Some(answer.is_ok()),
            Either::Right(_) => Some(false),
        }
    }

    fn maybe_online(&self) -> bool {
        js::navigator("onLine").and_then(|online| online.as_bool()) != Some(false)
    }
}

/// What `auth` gave, as headers that can be sent.
fn headers(given: &JsValue) -> Result<Headers, AuthUnavailable> {
    let Some(given) = given.dyn_ref::<Object>().filter(|given| !given.is_function()) else {
        return Err(AuthUnavailable("`auth` gave no headers.".to_owned()));
    };
    let probe = JsHeaders::new().map_err(|thrown| AuthUnavailable(js::message(&thrown)))?;
    let mut headers = Headers::new();
    for entry in Object::entries(given).iter() {
        let entry: Array = entry.unchecked_into();
        let name = entry.get(0).as_string().unwrap_or_default();
        let Some(value) = entry.get(1).as_string() else {
            return Err(AuthUnavailable(format!("`auth` gave a header that is not text: {name:?}.")));
        };
        // Its value stays out of the sentence: it is a secret.
        if probe.append(&name, &value).is_err() {
            return Err(AuthUnavailable(format!("`auth` gave a header that cannot be sent: {name:?}.")));
        }
        headers.push((name, value));
    }
    Ok(headers)
}

/// Whoever stops waiting for an answer also stops the request.
struct AbortOnDrop(AbortController);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
