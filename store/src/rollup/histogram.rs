//! Durations, counted in buckets that grow with them, so that counts of any two minutes or nodes can be added and
//! still tell percentiles: each power of two of microseconds is cut into 16, which is at most 6 % wide.

use serde::{Deserialize, Serialize};

/// Counts by bucket, only those that are not empty, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram(Vec<(u16, u64)>);

/// Buckets of each power of two.
const PARTS: u32 = 16;

/// Below this many microseconds each has a bucket of its own.
const EXACT: u64 = PARTS as u64;

impl Histogram {
    /// Counts a duration in microseconds.
    pub fn add(&mut self, microseconds: f64) {
        // Casting saturates, and makes 0 of what is no number.
        self.count(bucket(microseconds as u64), 1);
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            self.count(*bucket, *count);
        }
    }

    /// How many durations were counted.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The duration in microseconds that a share of all (0 to 1) does not exceed, within 6 %; 0 where there is none.
    pub fn quantile(&self, share: f64) -> f64 {
        let wanted = (share.clamp(0.0, 1.0) * self.total() as f64)
            .ceil()
            .max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.0 {
            seen += count;
            if seen >= wanted {
                return middle(*bucket);
            }
        }
        0.0
    }

    fn count(&mut self, bucket: u16, count: u64) {
        match self.0.binary_search_by_key(&bucket, |(known, _)| *known) {
            Ok(at) => self.0[at].1 += count,
            Err(at) => self.0.insert(at, (bucket, count)),
        }
    }
}

fn bucket(microseconds: u64) -> u16 {
    if microseconds < EXACT {
        return microseconds as u16;
    }
    let power = microseconds.ilog2();
    let part = (microseconds >> (power - 4)) as u32 - PARTS;
    ((power - 3) * PARTS + part) as u16
}

/// The middle of a bucket, in microseconds.
fn middle(bucket: u16) -> f64 {
    let (row, part) = (u32::from(bucket) / PARTS, u32::from(bucket) % PARTS);
    if row == 0 {
        return f64::from(part);
    }
    let width = 2_f64.powi((row - 1).cast_signed());
    (f64::from(PARTS + part) + 0.5) * width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_six_percent() {
        let mut histogram = Histogram::default();
        for microseconds in 1..=100_000 {
            histogram.add(f64::from(microseconds));
        }
        for share in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let (exact, told) = (share * 100_000.0, histogram.quantile(share));
            assert!(
                (told / exact - 1.0).abs() < 0.0625,
                "{share}: {told} for {exact}"
            );
        }
        assert_eq!(histogram.total(), 100_000);
    }

    #[test]
    fn merging_is_counting_together() {
        let (mut left, mut right, mut both) = <(Histogram, Histogram, Histogram)>::default();
        for n in 0..1000_u32 {
            let microseconds = f64::from(n * n);
            if n % 3 == 0 { &mut left } else { &mut right }.add(microseconds);
            both.add(microseconds);
        }
        left.merge(&right);
        assert_eq!(left, both);
    }

    #[test]
    fn any_number_has_a_bucket() {
        let mut histogram = Histogram::default();
        for odd in [f64::NAN, -1.0, 0.0, f64::INFINITY, 1e300] {
            histogram.add(odd);
        }
        assert_eq!(histogram.total(), 5);
        assert!(histogram.quantile(1.0) > 1e18);
        assert_eq!(Histogram::default().quantile(0.5), 0.0);
    }
}
