//! The time of day, in the two forms the instance writes.

use std::time::{SystemTime, UNIX_EPOCH};

use landfall::wire::datetime;

/// A moment in UTC, to the second.
#[derive(Clone, Debug)]
pub struct Now {
    /// Seconds since 1970.
    pub seconds: i64,
    /// `YYYY-MM-DD HH:MM:SS`.
    pub text: String,
}

impl Now {
    /// This moment.
    pub fn read() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Self { seconds, text: datetime::to_servicenow(seconds).unwrap_or_default() }
    }

    /// `YYYY-MM-DD`.
    pub fn day(&self) -> &str {
        self.text.split_once(' ').map_or("", |(day, _)| day)
    }
}
