//! What is known of all traffic together: how much of it there is, how much is usual, and how logins go for clients
//! that did nothing else before. Against this a single client's part is measured.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::subject::mix;
use crate::behaviour::visit::SERVICES;
use crate::behaviour::window::left;

/// By how many bits the strain of a service rises with an answer that took longer than that, and falls with one that
/// did not: it settles where three of ten answers are below it, so that few slow ones, or one client's, make none.
const SLOWER: f32 = 0.15;
const QUICKER: f32 = 0.35;

/// The most that a service can be strained, in bits.
const MOST_STRAIN: f32 = 6.0;

/// Milliseconds for which requests are collected before they are folded into the rates.
const FOLD: u64 = 100;

/// All traffic together.
#[derive(Debug)]
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
    /// Of each service, as [`Strain`] packs it.
    strains: [AtomicU64; SERVICES],
    logins: Mutex<Cold>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            pending: AtomicU32::new(0),
            folded: AtomicU64::new(0),
            rate: AtomicU32::new(0),
            usual: AtomicU32::new(0),
            surge: AtomicU64::new(0),
            latency: AtomicU32::new(0),
            strains: std::array::from_fn(|_| AtomicU64::new(0)),
            logins: Mutex::default(),
        }
    }
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

    /// How many times longer than usual a service takes to answer, of late: 1 where it is well.
    pub(crate) fn strain(&self, service: u8) -> f32 {
        let slot = self.strains.get(usize::from(service));
        slot.map_or(1.0, |slot| Strain::of(slot).bits.exp2())
    }

    /// Learns from an answer that took so many times longer than its place usually does. It counts only if its client is
    /// none of the last four that did: a handful of them cannot make the strain that excuses them.
    pub(crate) fn learn_strain(&self, service: u8, client: u64, times: f32) {
        let Some(slot) = self.strains.get(usize::from(service)) else {
            return;
        };
        let Strain { clients, bits } = Strain::of(slot);
        let client = (mix(client) >> 56) as u8;
        if !clients.contains(&client) {
            let slower = times.log2() > bits;
            let step = if slower { SLOWER } else { -QUICKER };
            let [_, b, c, d] = clients;
            let after = Strain {
                clients: [b, c, d, client],
                bits: (bits + step).clamp(0.0, MOST_STRAIN),
            };
            after.keep(slot);
        }
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

/// How strained a service is, as it is kept in one number: two at once may lose one of them, it is an estimate.
struct Strain {
    /// Whose answers counted last, by eight bits of their hashes: one of 64 others is taken for one of them.
    clients: [u8; 4],
    /// How many times longer than usual answers take, as a logarithm to base 2.
    bits: f32,
}

impl Strain {
    fn of(slot: &AtomicU64) -> Self {
        let kept = slot.load(Ordering::Relaxed);
        Self {
            clients: ((kept >> 32) as u32).to_be_bytes(),
            bits: f32::from_bits(kept as u32),
        }
    }

    fn keep(&self, slot: &AtomicU64) {
        let bits = u64::from(self.bits.to_bits());
        let clients = u64::from(u32::from_be_bytes(self.clients));
        slot.store(clients << 32 | bits, Ordering::Relaxed);
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
    fn a_service_is_strained_where_it_is_slow_for_most() {
        for (name, slow, clients, strained) in [
            ("nobody waits", 0, 50, false),
            ("half of them wait", 5, 50, false),
            ("nine of ten wait", 9, 50, true),
            ("one client asks for what is slow", 10, 1, false),
            ("four clients ask for what is slow", 10, 4, false),
        ] {
            let world = World::default();
            for n in 0..200 {
                let times = if n * 7 % 10 < slow { 12.0 } else { 1.0 };
                world.learn_strain(7, n % clients, times);
            }
            let strain = world.strain(7);
            assert_eq!(strain > 6.0, strained, "{name}: {strain}");
            assert!(strain <= 13.5, "{name}: {strain}");
            assert_eq!(world.strain(8), 1.0, "another service is well");
            (0..60).for_each(|n| world.learn_strain(7, n, 1.0));
            assert_eq!(world.strain(7), 1.0, "{name}: it is over");
        }
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
