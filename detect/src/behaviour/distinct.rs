//! How many different ones, in 16 bytes: linear counting (Whang, Vander-Zanden, Taylor 1990) on 64 bits, in two
//! generations so that old ones fall out. Up to twenty it is nearly exact; from about 250 on it only says "many".

use std::sync::LazyLock;

use crate::behaviour::subject::mix;

const BITS: f32 = 64.0;

/// How many elements are likely where so many of the 64 bits are zero: detectors ask dozens of times a request.
static ESTIMATES: LazyLock<[f32; 65]> = LazyLock::new(|| {
    std::array::from_fn(|zeros| match zeros {
        64 => 0.0,
        0 => 266.0,
        zeros => -BITS * (zeros as f32 / BITS).ln(),
    })
});

/// A set that only knows its size, of this generation and the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Distinct {
    now: u64,
    before: u64,
}

impl Distinct {
    /// Adds an element; whether it looks new.
    pub(crate) fn add(&mut self, element: u64) -> bool {
        let bit = 1 << (mix(element) & 63);
        let new = (self.now | self.before) & bit == 0;
        self.now |= bit;
        new
    }

    /// Begins the next generation, or forgets everything when more than one has passed.
    pub(crate) fn turn(&mut self, generations: u32) {
        match generations {
            0 => {}
            1 => {
                *self = Self {
                    now: 0,
                    before: self.now,
                }
            }
            _ => *self = Self::default(),
        }
    }

    /// How many, about.
    pub(crate) fn count(self) -> f32 {
        ESTIMATES[(self.now | self.before).count_zeros() as usize]
    }

    /// The bits of this generation, to be joined elsewhere.
    pub(crate) const fn bits(self) -> u64 {
        self.now
    }

    /// Joins what another node has seen.
    pub(crate) fn join(&mut self, bits: u64) {
        self.now |= bits;
    }
}

/// The same on 1,024 bits: nearly exact to a hundred, about 3 % off to two thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Many {
    now: [u64; 16],
    before: [u64; 16],
    /// Bits that are set in either.
    set: u16,
}

impl Many {
    /// Looks at one number of each line of memory that it takes.
    pub(crate) const fn glance(&self) -> u64 {
        self.now[0] ^ self.now[8] ^ self.before[0] ^ self.before[8]
    }

    /// Adds an element; whether it looks new.
    pub(crate) fn add(&mut self, element: u64) -> bool {
        let at = mix(element) & 1023;
        let (word, bit) = ((at >> 6) as usize, 1 << (at & 63));
        let new = (self.now[word] | self.before[word]) & bit == 0;
        self.now[word] |= bit;
        self.set += u16::from(new);
        new
    }

    /// Begins the next generation, or forgets everything when more than one has passed.
    pub(crate) fn turn(&mut self, generations: u32) {
        match generations {
            0 => return,
            1 => self.before = self.now,
            _ => self.before = [0; 16],
        }
        self.now = [0; 16];
        self.set = self
            .before
            .iter()
            .map(|word| word.count_ones() as u16)
            .sum();
    }

    /// How many, about.
    pub(crate) fn count(&self) -> f32 {
        match 1024 - self.set.min(1024) {
            0 => 7100.0,
            zeros => -1024.0 * (f32::from(zeros) / 1024.0).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_near_the_truth(seed in any::<u64>(), size in 1_u64..60) {
            let mut few = Distinct::default();
            let mut many = Many::default();
            for element in 0..size {
                few.add(seed ^ (element << 20));
                many.add(seed ^ (element << 20));
                // Again: no more for it.
                few.add(seed ^ (element << 20));
            }
            let truth = size as f32;
            // Six standard errors by the formula of the paper, and one for rounding.
            let bound = |bits: f32| {
                let load = truth / bits;
                1.0 + 6.0 * (bits * (load.exp() - load - 1.0)).sqrt()
            };
            prop_assert!((few.count() - truth).abs() <= bound(64.0), "{} of {truth}", few.count());
            prop_assert!((many.count() - truth).abs() <= bound(1024.0), "{} of {truth}", many.count());
        }
    }

    #[test]
    fn generations_fall_out() {
        let mut set = Distinct::default();
        let mut many = Many::default();
        (0..10).for_each(|element| {
            set.add(element);
            many.add(element);
        });
        let (full, all) = (set.count(), many.count());
        set.turn(1);
        many.turn(1);
        assert_eq!((set.count(), many.count()), (full, all));
        assert!(!set.add(3), "seen in the generation before");
        set.turn(1);
        many.turn(1);
        assert!(set.count() < 2.0);
        assert_eq!(many.count(), 0.0);
        set.turn(2);
        assert_eq!(set.count(), 0.0);
    }

    #[test]
    fn a_full_set_still_says_a_number() {
        let mut set = Distinct::default();
        let mut many = Many::default();
        (0..100_000).for_each(|element| {
            set.add(element);
            many.add(element);
        });
        assert!(set.count().is_finite() && many.count().is_finite());
    }
}
