//! What a request meets on its way, and what answers it then.

use landfall::{
    ports::RemoteError,
    wire::{
        Request, Response,
        batch::{BatchResponse, ServicedRequest},
        decode,
    },
};

use super::{
    instance::{EXTRAS, Instance, Single, failure, success},
    network::{is_batch, singles},
    trouble::{OnRequest, Wait},
};

/// What came of a request.
pub enum Came {
    Answer(Response),
    Broken,
    /// Nothing ever: the sender's patience ends it.
    Silence,
}

/// Whether it can become of such a request at all.
pub fn applies(fault: &OnRequest, request: &Request, parts: usize) -> bool {
    let batch = is_batch(request);
    match fault {
        // Of what the instance can do it has the last word: that would be another instance.
        OnRequest::Status { status: 400 | 403 | 404 | 412 | 413 | 422, .. } => {
            request.path != format!("{EXTRAS}/capabilities")
        }
        OnRequest::Unserviced { .. } | OnRequest::Shuffled => batch,
        OnRequest::Missing { nth, .. } | OnRequest::ItemStatus { nth, .. } => batch && *nth < parts,
        _ => true,
    }
}

pub fn name(fault: &OnRequest) -> &'static str {
    match fault {
        OnRequest::Lost { silently: false } => "request lost",
        OnRequest::Lost { silently: true } => "request lost, in silence",
        OnRequest::AnswerLost { silently: false } => "answer lost",
        OnRequest::AnswerLost { silently: true } => "answer lost, in silence",
        OnRequest::Delayed { .. } => "request delayed",
        OnRequest::AnswerDelayed { .. } => "answer delayed",
        OnRequest::Repeated { .. } => "request repeated",
        OnRequest::Truncated { .. } => "answer truncated",
        OnRequest::Noise { .. } => "answer garbled",
        OnRequest::Portal => "captive portal",
        OnRequest::Redirected { .. } => "redirect to sign-in",
        OnRequest::Status { status, .. } => match status {
            400 | 422 => "400 or 422",
            401 => "401",
            403 => "403",
            404 => "404",
            408 => "408",
            409 => "409",
            412 => "412",
            413 => "413",
            429 => "429",
            503 => "503",
            _ => "500, 502 or 504",
        },
        OnRequest::Unserviced { .. } => "batch: unserviced",
        OnRequest::Missing { .. } => "batch: in neither list",
        OnRequest::ItemStatus { status, .. } => match status {
            401 => "batch: one 401",
            429 | 503 => "batch: one 429 or 503",
            500 => "batch: one 500",
            _ => "batch: one refused",
        },
        OnRequest::Shuffled => "batch: out of order",
        OnRequest::Outrun { after: false, .. } => "changed right before",
        OnRequest::Outrun { after: true, .. } => "changed right after",
    }
}

pub const NAMES: [&str; 31] = [
    "request lost",
    "request lost, in silence",
    "answer lost",
    "answer lost, in silence",
    "request delayed",
    "answer delayed",
    "request repeated",
    "answer truncated",
    "answer garbled",
    "captive portal",
    "redirect to sign-in",
    "400 or 422",
    "401",
    "403",
    "404",
    "408",
    "409",
    "412",
    "413",
    "429",
    "503",
    "500, 502 or 504",
    "batch: unserviced",
    "batch: in neither list",
    "batch: one 401",
    "batch: one 429 or 503",
    "batch: one 500",
    "batch: one refused",
    "batch: out of order",
    "changed right before",
    "changed right after",
];

/// `now` in ms, by the instance's clock.
pub fn carry_out(
    instance: &mut Instance,
    single: &Single<'_>,
    fault: Option<&OnRequest>,
    signed_in: bool,
    now: u64,
) -> Came {
    let skip = |_: usize| false;
    let run = |instance: &mut Instance, skip: &dyn Fn(usize) -> bool| {
        if !signed_in {
            failure(401, "User Not Authenticated")
        } else if is_batch(single.request) {
            instance.batch(single, skip)
        } else {
            instance.run(single)
        }
    };
    let answer = match fault {
        Some(OnRequest::Lost { silently }) => return lost(*silently),
        Some(OnRequest::AnswerLost { silently }) => {
            run(instance, &skip);
            return lost(*silently);
        }
        Some(OnRequest::Truncated { run: ran }) => {
            let whole = if *ran {
                run(instance, &skip)
            } else {
                success(200, &serde_json::json!({ "result": { "sys_id": "x" } }))
            };
            let cut = whole.body.len().saturating_sub(3).min(60);
            Response {
                body: whole.body[..cut].to_vec(),
                status: if whole.status == 204 { 200 } else { whole.status },
                ..json_again(whole)
            }
        }
        Some(OnRequest::Noise { run: ran }) => {
            if *ran {
                run(instance, &skip);
            }
            Response { body: vec![0x7b, 0xff, 0x00, 0x13, 0x7d], ..success(200, &()) }
        }
        Some(OnRequest::Portal) => html(200, None),
        Some(OnRequest::Redirected { followed: true }) => html(200, Some("https://sso.example/login".to_owned())),
        Some(OnRequest::Redirected { followed: false }) => Response { status: 302, ..Response::default() },
        Some(OnRequest::Status { status, run: ran, wait }) => {
            if *ran {
                run(instance, &skip);
            }
            if *status == 404 {
                instance.lose(single.request);
            }
            with_wait(failure(*status, "A bad moment"), *wait, now)
        }
        Some(OnRequest::Unserviced { after }) => run(instance, &|position| position >= *after),
        Some(OnRequest::Missing { nth, run: ran }) => {
            let whole = run(instance, &|position| !*ran && position == *nth);
            in_batch(&whole, |batch| {
                batch.unserviced_requests.retain(|id| *id != nth.to_string());
                batch.serviced_requests.retain(|served| served.id != nth.to_string());
            })
        }
        Some(OnRequest::ItemStatus { nth, status, wait }) => {
            let whole = run(instance, &|position| position == *nth);
            if let Some(part) = singles(single.request).get(*nth).filter(|_| *status == 404) {
                instance.lose(part);
            }
            in_batch(&whole, |batch| {
                batch.unserviced_requests.retain(|id| *id != nth.to_string());
                let answer = with_wait(failure(*status, "Not this one"), *wait, now);
                batch.serviced_requests.push(ServicedRequest::new(nth.to_string(), &answer));
            })
        }
        Some(OnRequest::Outrun { after, lost: is_lost, which }) => {
            let parts = singles(single.request);
            let outrun = |instance: &mut Instance| parts.iter().for_each(|part| instance.outrun(part, *which));
            if !after {
                outrun(instance);
            }
            let answer = run(instance, &skip);
            if *after {
                outrun(instance);
            }
            if *after && *is_lost {
                return lost(false);
            }
            answer
        }
        Some(OnRequest::Shuffled) => in_batch(&run(instance, &skip), |batch| batch.serviced_requests.reverse()),
        None | Some(OnRequest::Delayed { .. } | OnRequest::AnswerDelayed { .. } | OnRequest::Repeated { .. }) => {
            run(instance, &skip)
        }
    };
    Came::Answer(answer)
}

fn lost(silently: bool) -> Came {
    if silently { Came::Silence } else { Came::Broken }
}

fn json_again(response: Response) -> Response {
    Response { headers: success(200, &()).headers, ..response }
}

fn html(status: u16, redirected_to: Option<String>) -> Response {
    let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
    Response { status, headers, body: b"<html>Welcome. Please sign in.</html>".to_vec(), redirected_to }
}

fn with_wait(mut response: Response, wait: Wait, now: u64) -> Response {
    let date = |ms: u64| httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(ms));
    let value = match wait {
        Wait::No => return response,
        Wait::Seconds(seconds) => seconds.to_string(),
        Wait::Date(seconds) => {
            response.headers.push(("Date".to_owned(), date(now)));
            date(now + seconds * 1000)
        }
    };
    response.headers.push(("Retry-After".to_owned(), value));
    response
}

fn in_batch(response: &Response, change: impl FnOnce(&mut BatchResponse)) -> Response {
    match decode::<BatchResponse>("batch", &response.body) {
        Ok(mut batch) if response.is_success() => {
            change(&mut batch);
            success(200, &batch)
        }
        _ => response.clone(),
    }
}

pub fn brief(answer: &Result<Response, RemoteError>) -> String {
    match answer {
        Ok(response) => {
            let text: String = String::from_utf8_lossy(&response.body).chars().take(600).collect();
            format!("{} {text}", response.status)
        }
        Err(error) => error.to_string(),
    }
}
