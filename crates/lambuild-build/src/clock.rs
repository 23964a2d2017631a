//! The one clock: how long something took, and when. Times reach reports, never a key or an artifact.

use std::time::{Duration, Instant, SystemTime};

/// A stopwatch.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(
        clippy::disallowed_methods,
        reason = "durations are for people; no key and no artifact sees them"
    )]
    pub fn start() -> Self {
        Stopwatch(Instant::now())
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Comes back once so much time has passed since the start, at once if it has.
    pub async fn reaches(&self, time: Duration) {
        tokio::time::sleep(time.saturating_sub(self.elapsed())).await;
    }
}

/// What the clock on the wall says, in whole seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "to recognise the time of a build in what it made; no key and no artifact sees it"
)]
pub fn wall() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}
