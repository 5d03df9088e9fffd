//! Time for the rate limits: nanoseconds since the process started to count, or a clock that a test moves.

use std::time::Instant;

use governor::clock::Clock;
#[cfg(test)]
use governor::clock::FakeRelativeClock;
use governor::nanos::Nanos;

/// Where the limits read time from.
#[derive(Clone, Debug)]
pub(crate) enum LimitClock {
    /// The machine's monotonic clock, counted from this moment.
    System(Instant),
    /// A clock that stands until a test moves it.
    #[cfg(test)]
    Fake(FakeRelativeClock),
}

impl LimitClock {
    /// The machine's clock.
    pub(crate) fn system() -> Self {
        Self::System(Instant::now())
    }
}

impl Clock for LimitClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        match self {
            Self::System(start) => Nanos::from(start.elapsed()),
            #[cfg(test)]
            Self::Fake(clock) => clock.now(),
        }
    }
}
