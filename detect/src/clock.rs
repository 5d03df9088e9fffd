//! Time, handed in by the caller, so that a test can turn the hands itself.

use std::time::{Duration, Instant, SystemTime};

/// Where the engine reads time from.
pub trait Clock: Send + Sync {
    /// Monotonic time; only differences mean anything.
    fn now(&self) -> Instant;
    /// Wall-clock time as a duration since 1970-01-01 UTC.
    fn wall(&self) -> Duration;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> Duration {
        // A clock set before 1970 reads as 1970: better an odd date in a record than a panic.
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}
