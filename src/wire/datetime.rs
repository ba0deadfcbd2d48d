//! Moments in time, as ServiceNow writes them (`2026-01-31 08:00:00`, UTC) and as JSON does (`2026-01-31T08:00:00Z`).
//!
//! ServiceNow keeps whole seconds, so fractions are cut off here too: a moment compared on the device must be the
//! moment the instance would have stored.

const DAY: i64 = 86_400;
/// From the first second of the year 0 to the last of 9999: four digits are all that any of the forms has.
const KNOWN: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// Seconds since 1970 of a ServiceNow datetime, an ISO 8601 datetime (UTC where no offset is given), or a date alone,
/// which stands for its midnight. `None` for anything else, and for years outside 0 to 9999. Of ISO 8601, by the day of
/// the month only: `2026-01-31T08:00` or `20260131T0800`.
pub fn parse(text: &str) -> Option<i64> {
    let mut rest = Rest { text, extended: true };
    let date = rest.date()?;
    let seconds = if rest.takes('T') {
        date + rest.time_of_day()? - rest.offset()?
    } else if !rest.extended {
        return None;
    } else if rest.takes(' ') {
        date + rest.full_time()?
    } else {
        date
    };
    (rest.text.is_empty() && KNOWN.contains(&seconds)).then_some(seconds)
}

/// Whether the text is a date alone (a `glide_date` field), which stays one in every form.
pub fn is_date(text: &str) -> bool {
    text.len() == "2026-01-31".len() && parse(text).is_some()
}

/// The form ServiceNow stores and answers, in UTC.
pub fn to_servicenow(seconds: i64) -> Option<String> {
    written(seconds, ' ', "")
}

/// The form an app gets, in UTC.
pub fn to_iso(seconds: i64) -> Option<String> {
    written(seconds, 'T', "Z")
}

fn written(seconds: i64, between: char, end: &str) -> Option<String> {
    if !KNOWN.contains(&seconds) {
        return None;
    }
    let (year, month, day) = date_of(seconds.div_euclid(DAY));
    let (minutes, second) = (seconds.rem_euclid(DAY) / 60, seconds.rem_euclid(60));
    let (hour, minute) = (minutes / 60, minutes % 60);
    Some(format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}{end}"))
}

/// Days since 1970 of a day of the Gregorian calendar. Years are counted from March, so that a leap day is the last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of [`day_number`].
fn date_of(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = (from_march + 2) % 12 + 1;
    (era * 400 + year + i64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// What is still to be read.
struct Rest<'a> {
    text: &'a str,
    /// With signs between the digits.
    extended: bool,
}

impl Rest<'_> {
    fn takes(&mut self, sign: char) -> bool {
        let rest = self.text.strip_prefix(sign);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.text.split_at_checked(digits)?;
        self.text = rest;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
    }

    fn up_to(&mut self, most: i64) -> Option<i64> {
        self.number(2).filter(|number| *number <= most)
    }

    /// Whether another number of two digits follows.
    fn goes_on(&mut self) -> bool {
        if self.extended { self.takes(':') } else { self.text.starts_with(|next: char| next.is_ascii_digit()) }
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.number(4)?;
        self.extended = self.takes('-');
        let month = self.number(2)?;
        if self.extended && !self.takes('-') {
            return None;
        }
        let day = self.number(2)?;
        let days = day_number(year, month, day);
        (date_of(days) == (year, month, day)).then_some(days * DAY)
    }

    /// `08:00`, `08:00:00` or `08:00:00.123`, the fraction of which is cut off.
    fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.up_to(23)?;
        let minute = if self.goes_on() { self.up_to(59)? } else { return None };
        let second = if self.goes_on() { self.up_to(59)? } else { return Some(hour * 3600 + minute * 60) };
        if self.takes('.') || self.takes(',') {
            self.number(1)?;
            self.text = self.text.trim_start_matches(|next: char| next.is_ascii_digit());
        }
        Some(hour * 3600 + minute * 60 + second)
    }

    fn full_time(&mut self) -> Option<i64> {
        if self.text.len() == "08:00:00".len() { self.time_of_day() } else { None }
    }

    /// How far the clock is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        let sign = if self.takes('+') {
            1
        } else if self.takes('-') {
            -1
        } else {
            self.takes('Z');
            return Some(0);
        };
        let hours = self.up_to(23)?;
        let minutes = if self.goes_on() { self.up_to(59)? } else { 0 };
        Some(sign * (hours * 3600 + minutes * 60))
    }
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
