//! Requests and responses, as plain as they can be: what the `remote` port carries.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The longest wait an answer can ask for. ServiceNow's limits are per hour, so more is a mistake or a wrong clock.
pub const LONGEST_WAIT_MS: u64 = 60 * 60 * 1000;

/// The methods the APIs use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Changes the fields given.
    Patch,
    /// The same as `Patch`, on ServiceNow.
    Put,
    /// Deletes.
    Delete,
}

impl Method {
    /// As on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to do.
    pub method: Method,
    /// Relative to the instance's API root, or an absolute URL.
    pub path: String,
    /// In the order given; names in any case.
    pub headers: Vec<(String, String)>,
    /// None for requests without one.
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// As on the wire.
    pub status: u16,
    /// Names in any case; across origins, only those the instance exposes.
    pub headers: Vec<(String, String)>,
    /// Empty when there is none.
    pub body: Vec<u8>,
    /// The URL that answered, if it is another than was asked: a page to sign in, often.
    pub redirected_to: Option<String>,
}

impl Response {
    /// 2xx, which for an API also takes [`is_json`](Self::is_json).
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    fn all<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h str> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the body is meant to be JSON. A captive portal or a sign-in page answers 200 with HTML, and must not be
    /// taken for an answer of the instance.
    ///
    /// Where no type is given, as in a batch whose headers were excluded, the first character tells.
    pub fn is_json(&self) -> bool {
        let Some(content_type) = self.header("Content-Type") else {
            return matches!(self.body.trim_ascii_start().first(), Some(b'{' | b'['));
        };
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    }

    /// How many milliseconds the instance asks to wait, [`LONGEST_WAIT_MS`] at most. `now_ms` is the device's time
    /// since 1970.
    ///
    /// A date is compared with the answer's own `Date` where it can be read, so a device's wrong clock does no harm.
    /// ServiceNow's rate limits may tell only `X-RateLimit-Reset`, in seconds since 1970.
    pub fn retry_after(&self, now_ms: u64) -> Option<u64> {
        let now = self.date_ms().unwrap_or(now_ms);
        let asked = self
            .header("Retry-After")
            .map(str::trim)
            .and_then(|text| seconds_as_ms(text).or_else(|| http_date_ms(text).map(|then| then.saturating_sub(now))));
        let reset = || {
            let then = self.header("X-RateLimit-Reset").filter(|_| self.status == 429)?;
            seconds_as_ms(then.trim()).map(|then| then.saturating_sub(now))
        };
        asked.or_else(reset).map(|ms| ms.min(LONGEST_WAIT_MS))
    }

    /// When it was answered, by the clock of who answered, in ms since 1970. Across origins it is seldom to be read.
    pub fn date_ms(&self) -> Option<u64> {
        self.header("Date").and_then(http_date_ms)
    }

    /// The URL of the next page, from `Link: <…>;rel="next"`, as it stands there. It is the answer's word only: see
    /// that it is the instance's own before signing a request to it.
    pub fn next_link(&self) -> Option<&str> {
        self.all("Link").find_map(next_in)
    }
}

/// Digits only. Too many of them are a very long wait, not none.
fn seconds_as_ms(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000))
}

fn http_date_ms(text: &str) -> Option<u64> {
    let moment: SystemTime = httpdate::parse_http_date(text).ok()?;
    let since: Duration = moment.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

/// Goes from `<` to `<` rather than from comma to comma, since a URL may hold commas, as encoded queries do.
fn next_in(links: &str) -> Option<&str> {
    let mut rest = links;
    while let Some((url, after)) = rest.split_once('<').and_then(|(_, link)| link.split_once('>')) {
        let parameters = after.split('<').next().unwrap_or_default();
        if parameters.split([';', ',']).any(is_rel_next) {
            return Some(url);
        }
        rest = after;
    }
    None
}

fn is_rel_next(parameter: &str) -> bool {
    parameter.split_once('=').is_some_and(|(name, value)| {
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, ..Response::default() }
    }

    /// Sun, 06 Nov 1994 08:49:37 GMT
    const NOW: u64 = 784_111_777_000;

    #[test]
    fn headers_are_found_in_any_case() {
        assert_eq!(with(200, &[("X-Total-Count", "3")]).header("x-total-count"), Some("3"));
    }

    #[test]
    fn both_forms_of_retry_after_are_read_and_capped() {
        for (given, wait) in [
            ("120", Some(120_000)),
            (" 0 ", Some(0)),
            ("999999999999999999999999", Some(LONGEST_WAIT_MS)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(LONGEST_WAIT_MS)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(with(503, &[("retry-after", given)]).retry_after(NOW), wait, "{given}");
        }
    }

    #[test]
    fn the_instances_own_clock_counts_where_it_is_told() {
        let headers = [("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 08:49:38 GMT")];
        assert_eq!(with(429, &headers).retry_after(0), Some(1000));
    }

    #[test]
    fn a_rate_limit_alone_tells_when_to_come_back() {
        let reset = [("X-RateLimit-Reset", "784111780")];
        assert_eq!(with(429, &reset).retry_after(NOW), Some(3000));
        assert_eq!(with(200, &reset).retry_after(NOW), None);
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let next = "https://x/api/now/table/incident?sysparm_query=stateIN1,2&sysparm_offset=10";
        let first = "<https://x/api/now/table/incident?sysparm_query=stateIN1,2>;rel=\"first\"";
        for link in [
            format!("{first},<{next}>;rel=\"next\""),
            format!("{first}, <{next}>; title=\"a; b\"; REL=\"last Next\""),
            format!("<{next}>;rel=next,{first}"),
        ] {
            assert_eq!(with(200, &[("Link", &link)]).next_link(), Some(next), "{link}");
        }
        for link in [first, "", "<", "<>", "rel=next", "<a>;rel=\"nextish\""] {
            assert_eq!(with(200, &[("link", link)]).next_link(), None, "{link}");
        }
    }

    #[test]
    fn a_portals_page_is_not_json() {
        for (content_type, json) in [
            ("application/json;charset=UTF-8", true),
            ("Application/JSON", true),
            ("application/problem+json", true),
            ("text/html", false),
            ("", false),
        ] {
            assert_eq!(with(200, &[("content-type", content_type)]).is_json(), json, "{content_type}");
        }
        let untyped = |body: &str| Response { status: 200, body: body.into(), ..Response::default() }.is_json();
        assert!(untyped(" {}"));
        assert!(!untyped("<html>"));
        assert!(!untyped(""));
    }
}
