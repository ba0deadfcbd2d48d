//! Between what `fetch` takes and gives, and what travels.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::js;
use crate::wire::http::{Method, Request, Response};

/// Reads a call as `fetch` would: it is a browser's own `Request` that makes sense of it.
///
/// # Errors
/// A sentence, if it is none that can be sent.
pub async fn request(path: &str, init: &JsValue) -> Result<Request, String> {
    let threw = |thrown: JsValue| format!("The request cannot be made: {}.", js::message(&thrown));
    let init: web_sys::RequestInit = match init.is_object() {
        true => init.clone().unchecked_into(),
        false => web_sys::RequestInit::new(),
    };
    // The address is not this one's to say: see `Dialect::below`.
    let given = web_sys::Request::new_with_str_and_init("http://instance.invalid/", &init).map_err(threw)?;
    let method = match given.method().as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PATCH" => Method::Patch,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        other => return Err(format!("The method must be GET, POST, PATCH, PUT or DELETE, and is {other}.")),
    };
    let headers = gloo_net::http::Headers::from_raw(given.headers()).entries().collect();
    let body = JsFuture::from(given.array_buffer().map_err(threw)?).await.map_err(threw)?;
    let body = Uint8Array::new(&body).to_vec();
    Ok(Request { method, path: path.to_owned(), headers, body: Some(body).filter(|body| !body.is_empty()) })
}

/// A `Response`, as `fetch` gives it.
///
/// # Errors
/// What the browser threw.
pub fn response(given: &Response) -> Result<JsValue, JsValue> {
    let init = web_sys::ResponseInit::new();
    init.set_status(given.status);
    let headers = web_sys::Headers::new()?;
    for (name, value) in &given.headers {
        headers.append(name, value)?;
    }
    init.set_headers(&headers);
    // Some statuses may not have a body, not even an empty one.
    let mut body = given.body.clone();
    let made = match body.is_empty() {
        true => web_sys::Response::new_with_opt_str_and_init(None, &init),
        false => web_sys::Response::new_with_opt_u8_array_and_init(Some(&mut body), &init),
    };
    made.map(Into::into)
}
