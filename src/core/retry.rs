//! How long to wait before asking again.

/// How long one exchange may take, in ms. The Batch API gives up after 30 seconds of its own.
pub const EXCHANGE_MS: u64 = 60_000;
/// The longest wait, in ms.
pub const MOST_MS: u64 = 5 * 60 * 1000;

/// Doubles from one second to five minutes; the last half of it is left to chance, so that a thousand
/// devices that lost the same network do not come back as one.
///
/// ```
/// # use landfall::core::retry::backoff_ms;
/// assert_eq!(backoff_ms(1, 0), 500);
/// assert_eq!(backoff_ms(1, u64::MAX), 1000);
/// assert_eq!(backoff_ms(60, u64::MAX), 300_000);
/// ```
pub fn backoff_ms(failures: u32, random: u64) -> u64 {
    let full = 1000_u64.saturating_mul(1 << failures.saturating_sub(1).min(20)).min(MOST_MS);
    let half = full / 2;
    // The top of `random` rather than its remainder, so that the whole range is there and nothing else.
    let share = (u128::from(random) * u128::from(half + 1)) >> 64;
    half + u64::try_from(share).unwrap_or(half)
}
