//! Adaptive thresholds: from which joint probability on models deny alone, by what is usual on a route. Of the requests
//! that were let through a rolling quantile is kept for each route, and the threshold follows it, a margin above, inside
//! bounds that the operator sets. A route whose ordinary traffic looks odd gets fewer false alarms, a quiet one a sharper
//! eye.
//!
//! Who is let through decides what is usual, so an attacker could push a threshold up by patience; the upper bound is
//! what that can gain at the most. Memory is bounded: two histograms for each route, and a number of routes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Steps of a histogram; a threshold moves by one of them at the least.
const BINS: usize = 200;

/// How far above the quantile the threshold stays.
const MARGIN: f32 = 0.02;

/// More routes than this keep the manifest's threshold.
const MOST_ROUTES: usize = 1024;

/// Changes that wait to be told; older ones are only counted.
const MOST_CHANGES: usize = 256;

/// How thresholds adapt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapting {
    /// Which quantile of let-through requests is usual, 0 to 1.
    pub quantile: f32,
    /// No threshold falls below this.
    pub lowest: f32,
    /// No threshold rises above this.
    pub highest: f32,
    /// How long requests are remembered. Thresholds are set anew every half of this.
    pub window: Duration,
    /// With fewer requests than this in the window a route has the manifest's threshold.
    pub least: u64,
}

/// The thresholds of all routes, shared by all workers.
#[derive(Debug)]
pub struct Adaptive {
    settings: Adapting,
    routes: RwLock<HashMap<Arc<str>, Arc<Route>>>,
    changed: AtomicU64,
    changes: Mutex<Vec<Change>>,
}

/// A threshold that was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The route.
    pub route: Arc<str>,
    /// What it was; `None` for the manifest's.
    pub before: Option<f32>,
    /// What it is; `None` for the manifest's.
    pub after: Option<f32>,
    /// Of how many requests the quantile was taken.
    pub requests: u64,
}

/// One route: two halves of the window, of which the older one is forgotten when the newer one is full.
#[derive(Debug)]
struct Route {
    halves: [Half; 2],
    /// Which half is being filled: the turns so far, of which the lowest bit counts.
    turns: AtomicU32,
    /// When the half that is being filled began.
    since: Mutex<Instant>,
    /// The threshold, as bits of a float; those of NaN for the manifest's.
    threshold: AtomicU32,
}

#[derive(Debug)]
struct Half([AtomicU32; BINS]);

impl Adaptive {
    /// Nothing is usual yet.
    pub fn new(settings: Adapting) -> Self {
        Self {
            settings,
            routes: RwLock::default(),
            changed: AtomicU64::new(0),
            changes: Mutex::default(),
        }
    }

    /// How it adapts.
    pub const fn settings(&self) -> &Adapting {
        &self.settings
    }

    /// The threshold of a route, if it has one of its own.
    pub fn threshold(&self, route: &str) -> Option<f32> {
        self.find(route)?.threshold()
    }

    /// Takes in the joint probability of a request that was let through at this time.
    pub(crate) fn let_through(&self, route: &str, probability: f32, now: Instant) {
        let Some(known) = self.find(route).or_else(|| self.begin(route, now)) else {
            return;
        };
        known.turn(now, self.settings.window / 2, || self.settle(route, &known));
        known.count(probability);
    }

    /// How often a threshold was changed since the beginning.
    pub fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// The changes since they were asked for last.
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, route: &str) -> Option<Arc<Route>> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        routes.get(route).cloned()
    }

    /// Begins to watch a route, if there is room.
    fn begin(&self, route: &str, now: Instant) -> Option<Arc<Route>> {
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        if routes.len() >= MOST_ROUTES && !routes.contains_key(route) {
            return None;
        }
        let begun = routes.entry(route.into());
        Some(begun.or_insert_with(|| Arc::new(Route::new(now))).clone())
    }

    /// Sets the threshold of a route to what is usual now, and notes the change.
    fn settle(&self, name: &str, route: &Route) {
        let (requests, quantile) = route.usual(self.settings.quantile);
        let Adapting {
            lowest,
            highest,
            least,
            ..
        } = self.settings;
        let after = quantile
            .filter(|_| requests >= least)
            .map(|usual| (usual + MARGIN).min(highest).max(lowest));
        let before = route.threshold();
        if before == after {
            return;
        }
        route.set(after);
        self.changed.fetch_add(1, Ordering::Relaxed);
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() < MOST_CHANGES {
            changes.push(Change {
                route: name.into(),
                before,
                after,
                requests,
            });
        }
    }
}

impl Route {
    fn new(now: Instant) -> Self {
        let half = || Half(std::array::from_fn(|_| AtomicU32::new(0)));
        Self {
            halves: [half(), half()],
            turns: AtomicU32::new(0),
            since: Mutex::new(now),
            threshold: AtomicU32::new(f32::NAN.to_bits()),
        }
    }

    fn threshold(&self) -> Option<f32> {
        let threshold = f32::from_bits(self.threshold.load(Ordering::Relaxed));
        (!threshold.is_nan()).then_some(threshold)
    }

    fn set(&self, threshold: Option<f32>) {
        let bits = threshold.unwrap_or(f32::NAN).to_bits();
        self.threshold.store(bits, Ordering::Relaxed);
    }

    fn count(&self, probability: f32) {
        // 0 to 1, so the cast cannot lose anything but the fraction.
        let bin = (probability.clamp(0.0, 1.0) * BINS as f32) as usize;
        let half = self.turns.load(Ordering::Relaxed) as usize % 2;
        self.halves[half].0[bin.min(BINS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// When the half that is being filled lasted as long as a half does, settles what is usual and forgets the older one.
    /// After a pause of a whole window nothing of before is usual any more.
    fn turn(&self, now: Instant, half: Duration, settle: impl FnOnce()) {
        // Where it is taken somebody else is at it.
        let Ok(mut since) = self.since.try_lock() else {
            return;
        };
        let lasted = now.saturating_duration_since(*since);
        if lasted < half {
            return;
        }
        settle();
        let turns = self.turns.load(Ordering::Relaxed);
        let next = turns.wrapping_add(1) as usize % 2;
        self.halves[next].clear();
        if lasted >= 2 * half {
            self.halves[1 - next].clear();
        }
        self.turns.store(turns.wrapping_add(1), Ordering::Relaxed);
        *since = now;
    }

    /// How many requests are remembered, and the upper end of the step in which their quantile lies.
    fn usual(&self, quantile: f32) -> (u64, Option<f32>) {
        let read = |bin: usize| -> u64 {
            let halves = self.halves.iter();
            halves
                .map(|half| u64::from(half.0[bin].load(Ordering::Relaxed)))
                .sum()
        };
        let counts: [u64; BINS] = std::array::from_fn(read);
        let all: u64 = counts.iter().sum();
        let wanted = (all as f64 * f64::from(quantile)).ceil();
        let mut seen = 0;
        for (bin, count) in counts.into_iter().enumerate() {
            seen += count;
            if all > 0 && seen as f64 >= wanted {
                return (all, Some((bin + 1) as f32 / BINS as f32));
            }
        }
        (all, None)
    }
}

impl Half {
    fn clear(&self) {
        for bin in &self.0 {
            bin.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Timeline};

    const SETTINGS: Adapting = Adapting {
        quantile: 0.99,
        lowest: 0.4,
        highest: 0.9,
        window: Duration::from_secs(60),
        least: 100,
    };

    struct World {
        clock: Timeline,
        adaptive: Adaptive,
    }

    impl World {
        fn new() -> Self {
            Self {
                clock: Timeline::starting(Duration::from_secs(1_000_000)),
                adaptive: Adaptive::new(SETTINGS),
            }
        }

        /// Half a window of requests of this probability, and one more that ends it.
        fn half(&self, route: &str, requests: u32, probability: f32) {
            for _ in 0..requests {
                let now = self.clock.now();
                self.adaptive.let_through(route, probability, now);
            }
            self.clock.advance(SETTINGS.window / 2);
            let now = self.clock.now();
            self.adaptive.let_through(route, probability, now);
        }
    }

    #[test]
    fn a_threshold_follows_what_is_usual_inside_its_bounds() {
        // Probability of the traffic, requests, threshold.
        for (probability, requests, expected) in [
            (0.6, 200, Some(0.6 + 0.005 + MARGIN)),
            (0.1, 200, Some(0.4)),
            (1.0, 200, Some(0.9)),
            (f32::NAN, 200, Some(0.4)),
            (0.6, 50, None),
        ] {
            let world = World::new();
            world.half("api", requests, probability);
            let threshold = world.adaptive.threshold("api");
            let close = match (threshold, expected) {
                (Some(one), Some(other)) => (one - other).abs() < 0.0051,
                (one, other) => one == other,
            };
            assert!(close, "{probability} {requests}: {threshold:?}");
            assert_eq!(world.adaptive.threshold("other"), None);
        }
    }

    #[test]
    fn one_in_a_hundred_does_not_move_it() {
        let world = World::new();
        for number in 0..400_u16 {
            let probability = if number % 200 == 0 { 0.95 } else { 0.5 };
            let now = world.clock.now();
            world.adaptive.let_through("api", probability, now);
        }
        world.half("api", 0, 0.5);
        assert!(world.adaptive.threshold("api").unwrap() < 0.55);
    }

    #[test]
    fn what_was_usual_is_forgotten_and_changes_are_told_once() {
        let world = World::new();
        world.half("api", 200, 0.8);
        world.half("api", 200, 0.5);
        // Half of the window is still the old traffic.
        assert!(world.adaptive.threshold("api").unwrap() > 0.8);
        world.half("api", 200, 0.5);
        assert!(world.adaptive.threshold("api").unwrap() < 0.55);
        let changes = world.adaptive.take_changes();
        assert_eq!((changes.len(), world.adaptive.changed()), (2, 2));
        assert_eq!((changes[0].before, changes[0].requests), (None, 200));
        assert_eq!(changes[1].before, changes[0].after);
        assert_eq!(world.adaptive.take_changes(), []);

        // After a long silence there is too little to go by.
        world.clock.advance(10 * SETTINGS.window);
        world.half("api", 10, 0.5);
        assert_eq!(world.adaptive.threshold("api"), None);
    }

    #[test]
    fn routes_are_bounded() {
        let world = World::new();
        for number in 0..MOST_ROUTES + 10 {
            let now = world.clock.now();
            world.adaptive.let_through(&number.to_string(), 0.5, now);
        }
        let routes = world.adaptive.routes.read().unwrap();
        assert_eq!(routes.len(), MOST_ROUTES);
    }

    #[test]
    fn workers_count_together() {
        let world = World::new();
        let (adaptive, now) = (&world.adaptive, world.clock.now());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    for _ in 0..100 {
                        adaptive.let_through("api", 0.7, now);
                    }
                });
            }
        });
        world.half("api", 0, 0.7);
        assert_eq!(world.adaptive.take_changes()[0].requests, 400);
    }
}
