//! The `Link` header: where the pages around this one are.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::call::Call;

/// What may stand in a query string as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',');

/// The links of a page; `None` where there is no other page, for a long query would be repeated in each.
pub fn of_page(call: &Call, limit: i64, offset: i64, total: i64) -> Option<String> {
    if limit < 1 || (offset == 0 && total <= limit) {
        return None;
    }
    let last = (total - 1).max(0) / limit * limit;
    let mut links = vec![(0, "first")];
    if offset > 0 {
        links.push(((offset - limit).max(0), "prev"));
    }
    if offset.saturating_add(limit) < total {
        links.push((offset + limit, "next"));
    }
    links.push((last, "last"));
    let links = links.into_iter().map(|(offset, rel)| format!("<{}>;rel=\"{rel}\"", address(call, limit, offset)));
    Some(links.collect::<Vec<_>>().join(","))
}

fn address(call: &Call, limit: i64, offset: i64) -> String {
    let others = call.query.iter().filter(|(name, _)| name != "sysparm_limit" && name != "sysparm_offset");
    let mut address = format!("{}{}?", call.base, call.path);
    for (name, value) in others {
        address.push_str(&format!("{}={}&", utf8_percent_encode(name, PLAIN), utf8_percent_encode(value, PLAIN)));
    }
    address.push_str(&format!("sysparm_limit={limit}&sysparm_offset={offset}"));
    address
}
