//! Counters that forget: how many times of late, without a list of times.
//!
//! A counter with time constant τ holds `Σ exp(−(now − tᵢ)/τ)` over its events. A burst of n reads n, a steady rate λ
//! reads λ·τ, and a subject that stops is forgiven: after 5 τ less than 1 % is left. It takes four bytes, and needs
//! only the time that has passed since it was last touched.

/// The windows of request rates, in seconds.
pub(crate) const WINDOWS: [f32; 5] = [1.0, 10.0, 60.0, 600.0, 3600.0];

/// What is left of a counter after `ms` milliseconds, 0 to 1.
pub(crate) fn left(ms: u64, tau: f32) -> f32 {
    // Milliseconds beyond 2^24 lose precision as f32, where nothing is left of any counter anyway.
    (-(ms as f32) / (1000.0 * tau)).exp()
}

/// Requests in each of [`WINDOWS`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates([f32; 5]);

impl Rates {
    /// Lets `ms` milliseconds pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        if ms > 0 {
            for (count, tau) in self.0.iter_mut().zip(WINDOWS) {
                *count *= left(ms, tau);
            }
        }
    }

    /// Counts one now.
    pub(crate) fn add(&mut self) {
        for count in &mut self.0 {
            *count += 1.0;
        }
    }

    /// The count of the window of 1 s, 10 s, 1 min, 10 min or 1 h: 0 to 4.
    pub(crate) const fn window(&self, which: usize) -> f32 {
        self.0[which]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counts_are_what_the_formula_says(gaps in prop::collection::vec(0_u64..20_000, 1..200)) {
            let mut rates = Rates::default();
            let mut times = Vec::new();
            let mut now = 0_u64;
            for gap in gaps {
                now += gap;
                rates.pass(gap);
                rates.add();
                times.push(now);
            }
            for (which, tau) in WINDOWS.iter().enumerate() {
                let naive: f64 = times
                    .iter()
                    .map(|at| (-((now - at) as f64) / (1000.0 * f64::from(*tau))).exp())
                    .sum();
                let counted = f64::from(rates.window(which));
                prop_assert!((counted - naive).abs() <= 0.001 * naive + 0.001, "{tau}: {counted} {naive}");
            }
        }

        #[test]
        fn they_fall_with_time_and_stay_positive(count in 1_usize..500, pauses in prop::collection::vec(0_u64..10_000_000, 1..50)) {
            let mut rates = Rates::default();
            (0..count).for_each(|_| rates.add());
            let mut before = rates;
            for pause in pauses {
                rates.pass(pause);
                for which in 0..WINDOWS.len() {
                    prop_assert!(rates.window(which) >= 0.0);
                    prop_assert!(rates.window(which) <= before.window(which));
                }
                before = rates;
            }
        }

        #[test]
        fn a_wider_window_never_counts_less(gaps in prop::collection::vec(0_u64..5_000, 1..200)) {
            let mut rates = Rates::default();
            for gap in gaps {
                rates.pass(gap);
                rates.add();
            }
            for which in 1..WINDOWS.len() {
                prop_assert!(rates.window(which) >= rates.window(which - 1));
            }
        }
    }

    #[test]
    fn a_steady_rate_reads_as_rate_times_window() {
        let mut rates = Rates::default();
        for _ in 0..300_000 {
            rates.pass(100);
            rates.add();
        }
        for (which, tau) in WINDOWS.iter().enumerate() {
            let expected = 10.0 * tau;
            let off = (rates.window(which) - expected).abs();
            // A window of one second sees each event as a step.
            assert!(off <= 0.06 * expected, "{tau}: {}", rates.window(which));
        }
    }
}
