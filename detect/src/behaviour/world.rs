//! What is known of all traffic together: how much of it there is, how much is usual, and how logins go for clients
//! that did nothing else before. Against this a single client's part is measured.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::window::left;

/// Milliseconds for which requests are collected before they are folded into the rates.
const FOLD: u64 = 100;

/// All traffic together.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Requests since the last fold.
    pending: AtomicU32,
    /// The tick of the last fold.
    folded: AtomicU64,
    /// What the last fold found, as bits of `f32`: requests a second of late, and usually.
    rate: AtomicU32,
    usual: AtomicU32,
    /// When the surge began, plus one; 0 while there is none.
    surge: AtomicU64,
    /// Seconds that an answer takes, on average, as bits of `f32`.
    latency: AtomicU32,
    logins: Mutex<Cold>,
}

/// Logins of clients that did nothing else before.
#[derive(Clone, Copy, Debug, Default)]
struct Cold {
    last: u64,
    failed: f32,
    ok: f32,
}

/// What a detector reads of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weather {
    /// Requests a second, over ten seconds.
    pub rate: f32,
    /// Requests a second that are usual.
    pub usual: f32,
    /// Since when there is more than there should be, if so.
    pub surge: Option<u64>,
}

/// How many times more than usual is a surge, and from how many requests a second on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SurgeBound {
    pub factor: f32,
    pub floor: f32,
}

impl World {
    /// Counts a request; what the weather is.
    pub(crate) fn request(&self, tick: u64, bound: SurgeBound) -> Weather {
        self.pending.fetch_add(1, Ordering::Relaxed);
        let folded = self.folded.load(Ordering::Relaxed);
        let due = tick >= folded + FOLD;
        let mine = due
            && self
                .folded
                .compare_exchange(folded, tick, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if mine {
            self.fold(tick, tick - folded, bound);
        }
        Weather {
            rate: read(&self.rate),
            usual: read(&self.usual),
            surge: self.surge.load(Ordering::Relaxed).checked_sub(1),
        }
    }

    /// Rates fade like all counters. What is usual is learnt a tenth as quickly while there is a surge, so that a flood
    /// does not become the usual thing within minutes.
    fn fold(&self, tick: u64, ms: u64, bound: SurgeBound) {
        let pending = self.pending.swap(0, Ordering::Relaxed) as f32;
        let kept = left(ms, 10.0);
        let rate = read(&self.rate) * kept + pending / 10.0;
        let usual = read(&self.usual);
        let surging = rate > bound.floor.max(usual * bound.factor);
        let kept = left(ms, if surging { 6000.0 } else { 600.0 });
        let usual = usual * kept + rate * (1.0 - kept);
        self.rate.store(rate.to_bits(), Ordering::Relaxed);
        self.usual.store(usual.to_bits(), Ordering::Relaxed);
        let since = self.surge.load(Ordering::Relaxed);
        match (surging, since) {
            (true, 0) => self.surge.store(tick + 1, Ordering::Relaxed),
            (false, 1..) => self.surge.store(0, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Counts how long an answer took: the newest weighs a 256th. What an answer takes on average.
    pub(crate) fn answer(&self, seconds: f32) -> f32 {
        let before = read(&self.latency);
        let after = before + (seconds - before) / 256.0;
        // Two at once may lose one of them: it is an average.
        self.latency.store(after.to_bits(), Ordering::Relaxed);
        after
    }

    /// Seconds that an answer takes on average.
    pub(crate) fn latency(&self) -> f32 {
        read(&self.latency)
    }

    /// Counts the end of a login of a client that did nothing else before.
    pub(crate) fn cold_login(&self, tick: u64, ok: bool) {
        let mut cold = self.cold(tick);
        if ok {
            cold.ok += 1.0;
        } else {
            cold.failed += 1.0;
        }
    }

    /// How many of such logins failed of late, and which share of all of them that is.
    pub(crate) fn cold_failures(&self, tick: u64) -> (f32, f32) {
        let cold = self.cold(tick);
        (cold.failed, cold.failed / (cold.failed + cold.ok).max(1.0))
    }

    fn cold(&self, tick: u64) -> MutexGuard<'_, Cold> {
        let mut cold = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = left(tick.saturating_sub(cold.last), 600.0);
        cold.failed *= kept;
        cold.ok *= kept;
        cold.last = cold.last.max(tick);
        cold
    }
}

fn read(bits: &AtomicU32) -> f32 {
    f32::from_bits(bits.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: SurgeBound = SurgeBound {
        factor: 4.0,
        floor: 50.0,
    };

    fn run(world: &World, from: u64, seconds: u64, rate: u64) -> Weather {
        let mut weather = Weather::default();
        for n in 0..seconds * rate {
            weather = world.request(from + n * 1000 / rate, BOUND);
        }
        weather
    }

    #[test]
    fn a_surge_is_more_than_usual_and_ends() {
        let world = World::default();
        let calm = run(&world, 0, 600, 20);
        assert!((calm.rate - 20.0).abs() < 2.0, "{calm:?}");
        assert_eq!(calm.surge, None);
        let flood = run(&world, 600_000, 60, 400);
        assert!(
            flood
                .surge
                .is_some_and(|since| (600_000..620_000).contains(&since)),
            "{flood:?}"
        );
        assert!(
            flood.usual < 40.0,
            "a flood is not the usual thing: {flood:?}"
        );
        let after = run(&world, 660_000, 60, 20);
        assert_eq!(after.surge, None);
    }

    #[test]
    fn little_traffic_is_no_surge_however_sudden() {
        let world = World::default();
        assert_eq!(run(&world, 0, 30, 30).surge, None);
    }

    #[test]
    fn cold_logins_fade() {
        let world = World::default();
        (0..10).for_each(|_| world.cold_login(0, false));
        world.cold_login(0, true);
        let (failed, share) = world.cold_failures(0);
        assert_eq!(failed, 10.0);
        assert!((0.9..0.92).contains(&share));
        assert!(world.cold_failures(600_000).0 < 4.0);
    }
}
