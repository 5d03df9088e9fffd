//! A count over the last so many seconds, in twelve parts that are forgotten one by one: what it says is at most a
//! twelfth of the time too old, and never counts what is older.

/// How many parts.
const PARTS: usize = 12;
const PARTS_I64: i64 = 12;

/// A count of events over a span of time.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    counts: [u64; PARTS],
    part_ms: i64,
    /// The number of the newest part since 1970.
    newest: i64,
}

impl Buckets {
    /// Counts over `span_ms` milliseconds.
    pub(super) fn new(span_ms: i64) -> Self {
        Self {
            counts: [0; PARTS],
            part_ms: (span_ms / PARTS_I64).max(1),
            newest: 0,
        }
    }

    /// One more, now. A clock that was set back counts into the newest part.
    pub(super) fn add(&mut self, now_ms: i64) {
        self.turn(now_ms);
        if let Some(count) = self.counts.get_mut(slot(self.newest)) {
            *count = count.saturating_add(1);
        }
    }

    /// How many there were.
    pub(super) fn sum(&mut self, now_ms: i64) -> u64 {
        self.turn(now_ms);
        self.counts
            .iter()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn turn(&mut self, now_ms: i64) {
        let part = now_ms / self.part_ms;
        let passed = part.saturating_sub(self.newest).clamp(0, PARTS_I64);
        for step in 1..=passed {
            if let Some(count) = self.counts.get_mut(slot(part - passed + step)) {
                *count = 0;
            }
        }
        self.newest = self.newest.max(part);
    }
}

fn slot(part: i64) -> usize {
    part.rem_euclid(PARTS_I64) as usize
}

#[cfg(test)]
mod tests {
    use super::Buckets;

    #[test]
    fn it_forgets_what_is_older_and_nothing_else() {
        let mut buckets = Buckets::new(12_000);
        for moment in [100_000, 100_500, 105_000] {
            buckets.add(moment);
        }
        for (moment, count) in [
            (105_000, 3),
            (111_999, 3),
            (112_000, 1),
            (116_999, 1),
            (117_000, 0),
            (999_999_999, 0),
        ] {
            assert_eq!(buckets.clone().sum(moment), count, "{moment}");
        }
        buckets.add(50_000);
        assert_eq!(buckets.sum(105_000), 4, "a clock set back loses nothing");
    }
}
