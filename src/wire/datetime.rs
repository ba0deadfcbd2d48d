//! Moments in time, as ServiceNow writes them (`2026-01-31 08:00:00`, UTC) and as JSON does (`2026-01-31T08:00:00Z`).
//!
//! ServiceNow keeps whole seconds, so fractions are cut off here too: a moment compared on the device must be the
//! moment the instance would have stored.

use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, UtcOffset};

const SERVICENOW: StaticFormatDescription = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const ISO: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const DATE: StaticFormatDescription = format_description!("[year]-[month]-[day]");

/// Seconds since 1970 of a ServiceNow datetime, an ISO 8601 datetime (UTC where no offset is given), or a date alone,
/// which stands for its midnight. `None` for anything else, and for years outside 0 to 9999.
pub fn parse(text: &str) -> Option<i64> {
    let utc = PrimitiveDateTime::parse(text, SERVICENOW)
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::DEFAULT))
        .map(PrimitiveDateTime::assume_utc);
    // An offset must be tried first: the plain form would accept the text and silently ignore its offset.
    let moment = OffsetDateTime::parse(text, &Iso8601::DEFAULT)
        .or(utc)
        .ok()
        .or_else(|| Some(Date::parse(text, DATE).ok()?.midnight().assume_utc()))?
        .checked_to_offset(UtcOffset::UTC)?;
    (0..=9999).contains(&moment.year()).then(|| moment.unix_timestamp())
}

/// Whether the text is a date alone (a `glide_date` field), which stays one in every form.
pub fn is_date(text: &str) -> bool {
    Date::parse(text, DATE).is_ok()
}

/// The form ServiceNow stores and answers, in UTC.
pub fn to_servicenow(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(SERVICENOW).ok()
}

/// The form an app gets, in UTC.
pub fn to_iso(seconds: i64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()?.format(ISO).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_accepted_form_is_the_same_moment() {
        for text in [
            "2026-01-31 08:00:00",
            "2026-01-31T08:00:00Z",
            "2026-01-31T08:00:00.999Z",
            "2026-01-31T08:00:00",
            "2026-01-31T08:00",
            "2026-01-31T10:00:00+02:00",
            "2026-01-31T03:00:00-05:00",
        ] {
            assert_eq!(parse(text).and_then(to_servicenow).as_deref(), Some("2026-01-31 08:00:00"), "{text}");
        }
        assert_eq!(parse("2026-01-31").and_then(to_iso).as_deref(), Some("2026-01-31T00:00:00Z"));
    }

    #[test]
    fn before_1970_fractions_are_cut_towards_the_past_like_everywhere() {
        assert_eq!(parse("1969-12-31T23:59:59.5Z"), parse("1969-12-31 23:59:59"));
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "soon",
            "2026-02-30 00:00:00",
            "0000-00-00 00:00:00",
            "2026-01-31 25:00:00",
            "20",
            "9999-12-31T23:59:59-05:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
