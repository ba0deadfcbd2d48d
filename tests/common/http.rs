//! The way to the instance.

use js_sys::Function;
use landfall::{
    browser::{BrowserRemote, RemoteOptions},
    ports::{AuthReason, AuthUnavailable, Remote as _, RemoteError},
    wire::http::{Method, Request},
};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{function, js};

fn get(path: &str) -> Request {
    Request { method: Method::Get, path: path.to_owned(), headers: vec![], body: None }
}

fn remote(fetch: Option<Function>) -> BrowserRemote {
    let url = "https://instance.example/api/now/".to_owned();
    BrowserRemote::new(RemoteOptions { url, fetch, ..RemoteOptions::default() }).unwrap()
}

fn with_auth(body: &str) -> BrowserRemote {
    let auth = Some(function("reason", body));
    BrowserRemote::new(RemoteOptions { url: "/api/now".to_owned(), auth, ..RemoteOptions::default() }).unwrap()
}

#[wasm_bindgen_test]
async fn a_body_comes_back_byte_for_byte() {
    let answer = remote(None).send(&get("data:application/octet-stream;base64,AP+AewA="), 10_000).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, [0, 255, 128, 123, 0]);
    assert_eq!(answer.header("Content-Type"), Some("application/octet-stream"));
    assert_eq!(answer.redirected_to, None);
}

#[wasm_bindgen_test]
async fn nobody_there_is_unreachable() {
    // Port 1 is one that browsers refuse, whatever listens.
    for url in ["http://127.0.0.1:1/", "https://name.invalid/", "https://"] {
        let answer = remote(None).send(&get(url), 30_000).await;
        assert!(matches!(answer, Err(RemoteError::Unreachable(_))), "{url}: {answer:?}");
    }
    let page = BrowserRemote::new(RemoteOptions { url: "/nothing/here".to_owned(), ..RemoteOptions::default() });
    let answer = page.unwrap().send(&get("table/incident"), 30_000).await.unwrap();
    assert_eq!(answer.status, 404, "any status is an answer");
}

#[wasm_bindgen_test]
async fn the_apps_fetch_gets_the_whole_request() {
    js("globalThis.seen = []").await;
    let fetch = function(
        "request",
        "return request.text().then((body) => {
            const { method, url, credentials, cache, redirect } = request;
            seen.push([method, url, credentials, cache, redirect, request.headers.get('x-a'), body].join('|'));
            return new Response('no', { status: 401, headers: { 'X-B': 'two' } });
        })",
    );
    let options = RemoteOptions {
        url: "https://instance.example/api/now".to_owned(),
        credentials: Some("include".to_owned()),
        fetch: Some(fetch),
        auth: None,
    };
    let remote = BrowserRemote::new(options).unwrap();
    for (path, method, body) in [
        ("table/incident?sysparm_query=a%3Db^c=%C3%A9&x=1", Method::Get, None),
        ("/api/landfall/v1/capabilities", Method::Post, Some("{}")),
        ("https://elsewhere.example/x", Method::Patch, Some("é")),
        ("table/incident/42", Method::Delete, None),
        ("table/incident/42", Method::Put, Some("")),
    ] {
        let request = Request {
            method,
            path: path.to_owned(),
            headers: vec![("X-A".to_owned(), "one".to_owned())],
            body: body.map(|body| body.as_bytes().to_vec()),
        };
        let answer = remote.send(&request, 10_000).await.unwrap();
        assert_eq!((answer.status, answer.header("x-b")), (401, Some("two")));
        assert_eq!(answer.body, b"no");
    }
    let seen = js("return seen.join('\\n')").await.as_string().unwrap();
    let expected = [
        "GET|https://instance.example/api/now/table/incident?sysparm_query=a%3Db^c=%C3%A9&x=1|include|no-store|manual|one|",
        "POST|https://instance.example/api/landfall/v1/capabilities|include|no-store|manual|one|{}",
        "PATCH|https://elsewhere.example/x|include|no-store|manual|one|é",
        "DELETE|https://instance.example/api/now/table/incident/42|include|no-store|manual|one|",
        "PUT|https://instance.example/api/now/table/incident/42|include|no-store|manual|one|",
    ];
    assert_eq!(seen.lines().collect::<Vec<_>>(), expected);
}

#[wasm_bindgen_test]
async fn whatever_a_fetch_does_is_an_answer_or_an_error() {
    let redirected = "const response = new Response('<html>');
        Object.defineProperty(response, 'redirected', { value: true });
        Object.defineProperty(response, 'url', { value: 'https://sso.example/' });
        return response;";
    let answer = remote(Some(function("", redirected))).send(&get("x"), 10_000).await.unwrap();
    assert_eq!(answer.redirected_to.as_deref(), Some("https://sso.example/"));
    let not_followed = "const response = new Response();
        Object.defineProperty(response, 'type', { value: 'opaqueredirect' });
        return response;";
    let answer = remote(Some(function("", not_followed))).send(&get("x"), 10_000).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (302, 0));
    for (body, why) in [
        ("throw new TypeError('broken')", "broken"),
        ("throw 'text'", "text"),
        ("return Promise.reject('late text')", "late text"),
        ("return Promise.reject()", "no reason given"),
        ("return 7", "`instance.fetch` gave something that is not a Response"),
        ("", "`instance.fetch` gave something that is not a Response"),
        ("return Response.error()", "the browser may not read the answer (see the instance's CORS rules)"),
    ] {
        let answer = remote(Some(function("", body))).send(&get("x"), 10_000).await;
        assert_eq!(answer, Err(RemoteError::Unreachable(why.to_owned())), "{body}");
    }
    // Each browser has its own words for it.
    let cut_off = "return new Response(new ReadableStream({ start(stream) { stream.error('cut off') } }))";
    let answer = remote(Some(function("", cut_off))).send(&get("x"), 10_000).await;
    assert!(matches!(answer, Err(RemoteError::Unreachable(_))), "{answer:?}");
    let bad = Request { headers: vec![("bad name".to_owned(), "x".to_owned())], ..get("x") };
    assert!(matches!(remote(None).send(&bad, 10_000).await, Err(RemoteError::Unreachable(_))));
}

#[wasm_bindgen_test]
async fn a_request_is_given_up_and_aborted() {
    let fetch = function(
        "request",
        "return new Promise(() => request.signal.addEventListener('abort', () => { globalThis.aborted = true; }))",
    );
    let answer = remote(Some(fetch)).send(&get("x"), 20).await;
    assert_eq!(answer, Err(RemoteError::TimedOut(1)));
    assert!(js("return globalThis.aborted").await.is_truthy());
}

#[wasm_bindgen_test]
async fn auth_gives_headers_or_a_sentence() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (body, expected) in [
        ("return { Authorization: 'Bearer ' + reason }", Ok(vec![header("Authorization", "Bearer send")])),
        ("return Promise.resolve({ 'X-UserToken': 't' })", Ok(vec![header("X-UserToken", "t")])),
        ("return {}", Ok(vec![])),
        ("throw new Error('signed out')", Err("signed out")),
        ("return Promise.reject(new Error('no token'))", Err("no token")),
        ("", Err("`auth` gave no headers.")),
        ("return { A: 7 }", Err("`auth` gave a header that is not text: \"A\".")),
        ("return { A: 'line\\nbreak' }", Err("`auth` gave a header that cannot be sent: \"A\".")),
        ("return { 'A B': 'x' }", Err("`auth` gave a header that cannot be sent: \"A B\".")),
    ] {
        let given = with_auth(body).authorize(AuthReason::Send).await;
        assert_eq!(given, expected.map_err(|why| AuthUnavailable(why.to_owned())), "{body}");
    }
    let expired = with_auth("return { Why: reason }").authorize(AuthReason::Expired).await;
    assert_eq!(expired, Ok(vec![header("Why", "expired")]));
    assert_eq!(remote(None).authorize(AuthReason::Send).await, Ok(vec![]));
}

#[wasm_bindgen_test]
fn bad_options_are_refused_with_a_sentence() {
    let options = |url: &str, credentials: Option<&str>| RemoteOptions {
        url: url.to_owned(),
        credentials: credentials.map(ToOwned::to_owned),
        ..RemoteOptions::default()
    };
    assert!(BrowserRemote::new(options("https://", None)).unwrap_err().contains("`instance.url`"));
    assert!(BrowserRemote::new(options("ftp://x.example", None)).unwrap_err().contains("`instance.url`"));
    assert!(BrowserRemote::new(options("/api", Some("sometimes"))).unwrap_err().contains("sometimes"));
    assert!(BrowserRemote::new(options("", Some("omit"))).is_ok());
}
