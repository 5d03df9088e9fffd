//! Randomness that can be repeated: every draw of a simulation descends from its seed, through one small generator
//! per actor, so that what one actor does never depends on how many others there are.

/// A stream of draws. Two with the same seed draw the same.
#[derive(Clone, Debug)]
pub struct Draw(fastrand::Rng);

impl Draw {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// The stream that belongs to `part` of something that has a seed.
    pub fn of(seed: u64, part: u64) -> Self {
        Self::new(mix(seed, part))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// Uniform in 0..`n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.usize(..n) }
    }

    /// Uniform in `low`..=`high`.
    pub fn whole(&mut self, low: u64, high: u64) -> u64 {
        self.0.u64(low..=high.max(low))
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0.f64()
    }

    /// Uniform in [`low`, `high`).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of `items`, which are not empty.
    pub fn pick<'a, T: ?Sized>(&mut self, items: &'a [&'a T]) -> &'a T {
        items[self.below(items.len())]
    }

    /// The index of one of `weights`, in proportion to them.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            if left < weight {
                return index;
            }
            left -= weight;
            last = index;
        }
        last
    }

    /// Exponential: the gap between two arrivals of a Poisson process.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Log-normal by its median and the deviation of its logarithm: how long people think, how long servers take.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    /// An index below `n` of which small ones are far likelier, as popular things are.
    pub fn popular(&mut self, n: usize) -> usize {
        let unit = self.unit();
        ((unit * unit * unit * n as f64) as usize).min(n.saturating_sub(1))
    }

    /// Log-uniform between `low` and `high`, both above 0.
    pub fn scale(&mut self, low: f64, high: f64) -> f64 {
        (self.between(low.ln(), high.ln())).exp()
    }

    /// `n` lower-case hexadecimal digits.
    pub fn hex(&mut self, n: usize) -> String {
        let mut text = String::with_capacity(n);
        let mut bits = 0;
        for index in 0..n {
            if index % 16 == 0 {
                bits = self.bits();
            }
            text.push(char::from(b"0123456789abcdef"[(bits & 15) as usize]));
            bits >>= 4;
        }
        text
    }
}

/// Mixes two numbers into one that shows nothing of them (the finalizer of SplitMix64, Steele et al. 2014).
pub fn mix(one: u64, other: u64) -> u64 {
    let mut z = one
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(other)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let draws = |seed| {
            let mut draw = Draw::new(seed);
            (0..8).map(|_| draw.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        assert_ne!(mix(1, 2), mix(2, 1));
    }

    #[test]
    fn distributions_have_their_means_and_medians() {
        let mut draw = Draw::new(3);
        let n = 20_000;
        let mean = (0..n).map(|_| draw.exponential(4.0)).sum::<f64>() / f64::from(n);
        assert!((3.8..4.2).contains(&mean), "{mean}");
        let mut times: Vec<f64> = (0..n).map(|_| draw.log_normal(6.0, 1.0)).collect();
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        assert!((5.7..6.3).contains(&median), "{median}");
        let first = (0..n)
            .filter(|_| draw.weighted([3.0, 1.0].into_iter()) == 0)
            .count();
        assert!((14_500..15_500).contains(&first), "{first}");
        assert!((0..n).all(|_| draw.popular(7) < 7 && draw.below(7) < 7));
        assert_eq!((draw.below(0), draw.popular(0)), (0, 0));
    }
}
