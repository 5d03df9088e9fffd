//! What is known of places: for each route template how often it is asked for, how long it takes, and where clients go
//! from there. Learnt from answers that were no errors, so that a scanner does not fill the table with what is not
//! there.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::state::Counts;
use crate::behaviour::subject::mix;
use crate::behaviour::window::left;

const SHARDS: usize = 64;

/// How many ways onward are kept of a place.
const WAYS: usize = 16;

/// From how many steps on a place's ways are known well enough to call one unusual.
const KNOWN_FROM: f32 = 50.0;

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    shards: Box<[Mutex<Table>]>,
    capacity: usize,
    evicted: AtomicU64,
}

/// A shard of them: at most a few dozen, which bounds what colliding names could cost.
type Table = HashMap<u32, Place, BuildHasherDefault<Mixed>>;

/// Places are named by hashes already.
#[derive(Debug, Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.0 = mix(u64::from(value));
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    last: u64,
    /// Requests within 10 s and within 10 min, faded.
    rates: [f32; 2],
    /// Seconds that an answer takes, on average, and how many answers that rests on.
    latency: f32,
    answers: u32,
    ways: [(u32, f32); WAYS],
    steps: f32,
}

/// How busy a place is: requests within 10 s, and within 10 min.
pub(crate) type Busy = [f32; 2];

impl Places {
    /// None yet, and room for this many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            capacity: capacity.div_ceil(SHARDS).max(4),
            evicted: AtomicU64::new(0),
        }
    }

    /// Counts a request to a place that is known.
    pub(crate) fn request(&self, place: u32, tick: u64) -> Busy {
        let mut shard = self.shard(place);
        let Some(place) = shard.get_mut(&place) else {
            return Busy::default();
        };
        place.pass(tick);
        place.rates.iter_mut().for_each(|rate| *rate += 1.0);
        place.rates
    }

    /// Learns from an answer that was no error, and says how many seconds one took before, if that is known. Beyond a
    /// hundred answers the newest counts for a hundredth.
    pub(crate) fn answer(&self, place: u32, tick: u64, seconds: f32) -> Option<f32> {
        let mut shard = self.shard(place);
        if shard.len() >= self.capacity && !shard.contains_key(&place) {
            self.make_room(&mut shard);
        }
        let place = shard.entry(place).or_insert_with(|| Place {
            last: tick,
            ..Place::default()
        });
        let usual = (place.answers >= 20).then_some(place.latency);
        place.answers = place.answers.saturating_add(1);
        place.latency += (seconds - place.latency) / place.answers.min(100) as f32;
        usual
    }

    /// How unusual it is to go from one place to another, in bits, and learns that someone did. `None` where too
    /// little is known.
    pub(crate) fn step(&self, from: u32, to: u32) -> Option<f32> {
        let mut shard = self.shard(from);
        let place = shard.get_mut(&from)?;
        let known = place.ways.iter().position(|way| way.0 == to);
        let taken = known.map_or(0.0, |at| place.ways[at].1);
        let share = (taken + 0.5) / (place.steps + 0.5 * WAYS as f32);
        let bits = (place.steps >= KNOWN_FROM).then(|| -share.log2());
        place.learn(known, to);
        bits
    }

    /// How full it is.
    pub(crate) fn count(&self, counts: &mut Counts) {
        for shard in &self.shards {
            let shard = lock(shard);
            counts.templates += shard.len();
            let buckets = (shard.capacity() * 8 / 7).next_power_of_two();
            counts.bytes += buckets * (size_of::<(u32, Place)>() + 1);
        }
        counts.templates_evicted = self.evicted.load(Ordering::Relaxed);
    }

    fn make_room(&self, shard: &mut Table) {
        let oldest = shard
            .iter()
            .min_by_key(|(_, place)| place.last)
            .map(|(place, _)| *place);
        if let Some(oldest) = oldest {
            shard.remove(&oldest);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn shard(&self, place: u32) -> MutexGuard<'_, Table> {
        lock(&self.shards[(place >> 8) as usize % SHARDS])
    }
}

fn lock(shard: &Mutex<Table>) -> MutexGuard<'_, Table> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn pass(&mut self, tick: u64) {
        let ms = tick.saturating_sub(self.last);
        for (rate, tau) in self.rates.iter_mut().zip([10.0, 600.0]) {
            *rate *= left(ms, tau);
        }
        self.last = self.last.max(tick);
    }

    fn learn(&mut self, known: Option<usize>, to: u32) {
        let at = known.unwrap_or_else(|| {
            let rarest = self
                .ways
                .iter()
                .enumerate()
                .min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1));
            rarest.map_or(0, |(at, _)| at)
        });
        if known.is_none() {
            self.ways[at] = (to, 0.0);
        }
        self.ways[at].1 += 1.0;
        self.steps += 1.0;
        if self.steps >= 10_000.0 {
            self.steps /= 2.0;
            self.ways.iter_mut().for_each(|way| way.1 /= 2.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_way_is_no_surprise() {
        let places = Places::new(100);
        for place in 1..=3 {
            places.answer(place, 0, 0.1);
        }
        assert_eq!(places.step(1, 2), None, "nothing is known yet");
        for n in 0..200 {
            places.step(1, if n % 10 == 0 { 3 } else { 2 });
        }
        let [usual, rare, never] = [2, 3, 4].map(|to| places.step(1, to).unwrap());
        assert!(
            usual < 0.3 && rare > 2.5 && never > 7.0,
            "{usual} {rare} {never}"
        );
        assert_eq!(places.step(9, 1), None, "an unknown place");
    }

    #[test]
    fn the_table_is_bounded() {
        let places = Places::new(256);
        for place in 0..100_000 {
            places.answer(place, u64::from(place), 0.0);
        }
        let mut counts = Counts::default();
        places.count(&mut counts);
        assert!(counts.templates <= 256, "{}", counts.templates);
        assert!(counts.templates_evicted > 99_000);
    }

    #[test]
    fn latency_is_known_after_some_answers() {
        let places = Places::new(100);
        for n in 0..100 {
            places.answer(7, n, 0.25);
        }
        let usual = places.answer(7, 100, 9.0).unwrap();
        assert!((usual - 0.25).abs() < 0.01);
        assert_eq!(places.request(7, 100), [1.0, 1.0]);
        assert_eq!(places.request(8, 100), Busy::default());
    }
}
