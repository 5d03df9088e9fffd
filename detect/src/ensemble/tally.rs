//! What each member did since the process began: kept in the member, grown by every worker, and handed on from one
//! ensemble to the next by the member's name.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::opinion::Why;

/// Counters of one member. Workers grow them without waiting for each other.
#[derive(Debug, Default)]
pub struct Tally {
    votes: AtomicU64,
    agreed: AtomicU64,
    denials: AtomicU64,
    skipped: [AtomicU64; Why::ALL.len()],
    calls: AtomicU64,
    nanoseconds: AtomicU64,
}

/// What a [`Tally`] shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that it had a vote on, shown or counted.
    pub votes: u64,
    /// Of these, how many it took for an attack: at or above its threshold.
    pub agreed: u64,
    /// Requests denied by rules and models together that it took for an attack.
    pub denials: u64,
    /// How often it was left out, by [`Why::ALL`].
    pub skipped: [u64; Why::ALL.len()],
    /// How often its session was run.
    pub calls: u64,
    /// How long one run took on average; `None` before the first.
    pub mean_call: Option<Duration>,
}

impl Tally {
    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let calls = read(&self.calls);
        let mean = read(&self.nanoseconds).checked_div(calls);
        Counts {
            votes: read(&self.votes),
            agreed: read(&self.agreed),
            denials: read(&self.denials),
            skipped: std::array::from_fn(|why| read(&self.skipped[why])),
            calls,
            mean_call: mean.map(Duration::from_nanos),
        }
    }

    pub(super) fn voted(&self, agrees: bool) {
        self.votes.fetch_add(1, Ordering::Relaxed);
        if agrees {
            self.agreed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn skipped(&self, why: Why) {
        self.skipped[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn called(&self, took: Duration) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn denied(&self) {
        self.denials.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_each_in_its_place() {
        let tally = Tally::default();
        assert_eq!(tally.counts().mean_call, None);
        for (times, why) in Why::ALL.into_iter().enumerate() {
            (0..=times).for_each(|_| tally.skipped(why));
        }
        tally.called(Duration::from_micros(2));
        tally.called(Duration::from_micros(4));
        tally.voted(true);
        tally.voted(false);
        let counts = tally.counts();
        assert_eq!(counts.skipped.as_slice(), [1, 2, 3, 4, 5, 6, 7].as_slice());
        assert_eq!(counts.mean_call, Some(Duration::from_micros(3)));
        assert_eq!((counts.votes, counts.agreed, counts.calls), (2, 1, 2));
    }
}
