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

/// What is left of a counter of each of [`WINDOWS`] after some time.
///
/// One exponential is taken and the others are its powers, since each window is a multiple of the next shorter one:
/// 3600 = 6 · 600, 600 = 10 · 60, 60 = 6 · 10, 10 = 10 · 1. In 64 bits the powers lose nothing that 32 would show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fading([f32; WINDOWS.len()]);

impl Fading {
    /// After `ms` milliseconds.
    pub(crate) fn after(ms: u64) -> Self {
        let hour = (-(ms as f64) / 3_600_000.0).exp();
        let ten_minutes = sixth(hour);
        let minute = tenth(ten_minutes);
        let ten_seconds = sixth(minute);
        let second = tenth(ten_seconds);
        // Numbers too small to be normal are slow to work with, and nothing is left either way.
        let flushed = |left: f64| if left < 1e-30 { 0.0 } else { left as f32 };
        Self([second, ten_seconds, minute, ten_minutes, hour].map(flushed))
    }

    /// That of the window of 1 s, 10 s, 1 min, 10 min or 1 h: 0 to 4.
    pub(crate) const fn of(&self, which: usize) -> f32 {
        self.0[which]
    }
}

fn sixth(left: f64) -> f64 {
    let cube = left * left * left;
    cube * cube
}

fn tenth(left: f64) -> f64 {
    let square = left * left;
    let fifth = square * square * left;
    fifth * fifth
}

/// Requests in each of [`WINDOWS`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rates([f32; WINDOWS.len()]);

impl Rates {
    /// Lets time pass.
    pub(crate) fn fade(&mut self, fading: &Fading) {
        for (count, left) in self.0.iter_mut().zip(fading.0) {
            *count *= left;
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
                rates.fade(&Fading::after(gap));
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
        fn the_powers_are_the_exponentials(ms in 0_u64..10_000_000) {
            let fading = Fading::after(ms);
            for (which, tau) in WINDOWS.iter().enumerate() {
                let exact = (-(ms as f64) / (1000.0 * f64::from(*tau))).exp();
                let off = (f64::from(fading.of(which)) - exact).abs();
                prop_assert!(off <= 1e-6 * exact + 1e-30, "{tau}: {off}");
            }
        }

        #[test]
        fn they_fall_with_time_and_stay_positive(count in 1_usize..500, pauses in prop::collection::vec(0_u64..10_000_000, 1..50)) {
            let mut rates = Rates::default();
            (0..count).for_each(|_| rates.add());
            let mut before = rates;
            for pause in pauses {
                rates.fade(&Fading::after(pause));
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
                rates.fade(&Fading::after(gap));
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
            rates.fade(&Fading::after(100));
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
