//! Time, handed in by the caller, so that a test can turn the hands itself.

use std::sync::atomic::{AtomicU64, Ordering};
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

/// A clock that stands still until it is set: for tests, and for replaying logs by their own times.
#[derive(Debug)]
pub struct Timeline {
    origin: Instant,
    /// Wall-clock time at the origin.
    wall: Duration,
    /// Nanoseconds since the origin.
    elapsed: AtomicU64,
}

impl Timeline {
    /// A clock that shows `wall`, a duration since 1970-01-01 UTC.
    pub fn starting(wall: Duration) -> Self {
        Self {
            origin: Instant::now(),
            wall,
            elapsed: AtomicU64::new(0),
        }
    }

    /// Moves the hands on.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.elapsed.fetch_add(by, Ordering::Relaxed);
    }

    /// Sets it to a wall-clock time. Time does not run backwards here: an earlier one than it shows changes nothing.
    pub fn set(&self, wall: Duration) {
        let elapsed = wall.saturating_sub(self.wall).as_nanos();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.elapsed.fetch_max(elapsed, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed.load(Ordering::Relaxed))
    }
}

impl Clock for Timeline {
    fn now(&self) -> Instant {
        self.origin + self.elapsed()
    }

    fn wall(&self) -> Duration {
        self.wall + self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_moves_forward_only() {
        let at = Duration::from_secs;
        let clock = Timeline::starting(at(1000));
        let begin = clock.now();
        for (set, shows) in [(1010, 1010), (1005, 1010), (0, 1010), (1020, 1020)] {
            clock.set(at(set));
            assert_eq!(clock.wall(), at(shows), "{set}");
        }
        clock.advance(at(5));
        assert_eq!(clock.now() - begin, at(25));
        assert_eq!(clock.wall(), at(1025));
    }
}
