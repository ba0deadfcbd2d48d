//! Moments as text, beside what the crate `time` makes of them. The module does without it: it is a fortieth of its size.
#![cfg(not(target_family = "wasm"))]

use landfall::wire::datetime::{is_date, parse, to_iso, to_servicenow};
use proptest::prelude::*;
use time::{
    Date, OffsetDateTime, PrimitiveDateTime,
    format_description::{StaticFormatDescription, well_known::Iso8601},
    macros::format_description,
};

const SERVICENOW: StaticFormatDescription = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const ISO: StaticFormatDescription = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const DATE: StaticFormatDescription = format_description!("[year]-[month]-[day]");

fn by_time(text: &str) -> Option<i64> {
    let local = PrimitiveDateTime::parse(text, SERVICENOW)
        .or_else(|_| PrimitiveDateTime::parse(text, &Iso8601::DEFAULT))
        .or_else(|_| Date::parse(text, DATE).map(Date::midnight))
        .map(PrimitiveDateTime::assume_utc);
    let moment = OffsetDateTime::parse(text, &Iso8601::DEFAULT).or(local).ok()?.unix_timestamp();
    (-62_167_219_200..=253_402_300_799).contains(&moment).then_some(moment)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_moment_is_written_as_time_writes_it(seconds in -62_167_219_200_i64..=253_402_300_799) {
        let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
        let written = |form| moment.and_then(|moment| moment.format(form).ok());
        prop_assert_eq!(to_servicenow(seconds), written(SERVICENOW));
        prop_assert_eq!(to_iso(seconds), written(ISO));
        prop_assert_eq!(to_iso(seconds).as_deref().and_then(parse), Some(seconds));
    }

    #[test]
    fn what_looks_like_a_moment_is_one_where_time_says_so(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9]([.,][0-9]{0,9})?)?)?(Z|[+-][01][0-9](:[0-6][0-9])?)?\
            |[0-9]{4}[01][0-9][0-3][0-9][T ][0-2][0-9][0-6][0-9]([0-6][0-9]([.,][0-9]{0,9})?)?(Z|[+-][01][0-9]([0-6][0-9])?)?"
    ) {
        prop_assert_eq!(parse(&text), by_time(&text), "{}", text);
        prop_assert_eq!(is_date(&text), Date::parse(&text, DATE).is_ok(), "{}", text);
    }

    #[test]
    fn nothing_else_is_one_but_by_time_too(text in "[0-9]{3,5}-?[0-9]{1,2}-?[0-9]{1,3}[T ]?[-0-9:.,+TZW ]{0,12}") {
        prop_assert!(parse(&text).is_none() || parse(&text) == by_time(&text), "{}", text);
    }
}
