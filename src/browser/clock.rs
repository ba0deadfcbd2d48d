//! The time, by JavaScript's clock.

use gloo_timers::future::TimeoutFuture;

use crate::ports::Clock;

/// The longest single timer. Browsers keep the delay in 32 bits with a sign, and take a longer
/// one for none at all.
const LONGEST_MS: u64 = 1 << 30;

/// The browser's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrowserClock;

impl Clock for BrowserClock {
    fn now_ms(&self) -> u64 {
        // A device set to before 1970 has other troubles; it gets 0.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let now = js_sys::Date::now() as u64;
        now
    }

    async fn sleep(&self, ms: u64) {
        sleep(ms).await;
    }
}

/// `setTimeout` of the global scope, so it works in a service worker too, for as long as that lives.
pub(super) async fn sleep(ms: u64) {
    let mut left = ms;
    while left > LONGEST_MS {
        sleep_once(LONGEST_MS).await;
        left -= LONGEST_MS;
    }
    sleep_once(left).await;
}

async fn sleep_once(ms: u64) {
    TimeoutFuture::new(u32::try_from(ms).unwrap_or(u32::MAX)).await;
}
