//! What is known of places: for each route template how often it is asked for, how long it takes, and where clients go
//! from there. Learnt from answers that were no errors, so that a scanner does not fill the table with what is not
//! there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::compact::TURN;
use crate::behaviour::distinct::Distinct;
use crate::behaviour::state::Counts;
use crate::behaviour::window::left;

const SHARDS: usize = 64;

/// How many ways onward are kept of a place.
const WAYS: usize = 16;

/// From how many steps on a place's ways are known well enough to call one unusual.
const KNOWN_FROM: f32 = 50.0;

/// How many walks through its numbers are followed at a place, and how far apart two steps of one may be.
const WALKERS: usize = 4;
const STRIDE: i64 = 12;

/// How many milliseconds a place must have been known for what is usual there to mean something, and the seconds over
/// which that is learnt.
const LEARN: u64 = 3_600_000;
const USUAL: f32 = 6.0 * 3600.0;

/// Up to which share of refused objects one is rare, and how many answers that is learnt from.
const RARE: f32 = 0.1;
const ANSWERS: f32 = 256.0;

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    shards: Box<[Mutex<HashMap<u32, Place>>]>,
    capacity: usize,
    evicted: AtomicU64,
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
    /// When it was first seen.
    first: u64,
    walkers: [Walker; WALKERS],
    /// The share of asked objects that are refused or not there, of late.
    refused: f32,
    lone: Lone,
    readers: Distinct,
}

/// Numbers that are read one after the other, by whomever.
#[derive(Clone, Copy, Debug, Default)]
struct Walker {
    /// The last one.
    number: u64,
    /// How many went on where the one before was, and how many came from behind instead; both faded.
    run: f32,
    behind: f32,
    last: u64,
    /// The addresses that they came from.
    addresses: Distinct,
}

/// A walk through the numbers of a place that a request goes on with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Walk {
    /// Steps of late.
    pub run: f32,
    /// Addresses that took them.
    pub addresses: f32,
}

/// What those read at a place who read nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lone {
    /// Requests within ten minutes, faded.
    pub requests: f32,
    /// What is usual for this place; `f32::MAX` while that is not known.
    pub usual: f32,
    /// Their addresses.
    pub addresses: f32,
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

    /// Counts a request to a place that is known. `number` is that of the object that an address reads. Comes with the
    /// share of objects there that are refused or not there.
    pub(crate) fn request(
        &self,
        place: u32,
        tick: u64,
        number: Option<u64>,
        address: u64,
    ) -> (Busy, Walk, f32) {
        let mut shard = self.shard(place);
        let Some(place) = shard.get_mut(&place) else {
            return Default::default();
        };
        place.pass(tick);
        place.rates.iter_mut().for_each(|rate| *rate += 1.0);
        let walk = number.map_or_else(Walk::default, |number| place.walk(number, address, tick));
        (place.rates, walk, place.refused)
    }

    /// Counts a request of an address that reads objects of this place and nothing else; what is known of its like.
    pub(crate) fn read_alone(&self, place: u32, address: u64) -> Lone {
        let mut shard = self.shard(place);
        let Some(place) = shard.get_mut(&place) else {
            return Lone::default();
        };
        place.lone.requests += 1.0;
        place.readers.add(address);
        let known = place.last.saturating_sub(place.first) >= LEARN;
        Lone {
            usual: if known { place.lone.usual } else { f32::MAX },
            addresses: place.readers.count(),
            ..place.lone
        }
    }

    /// Learns that an object was refused or not there; whether that is rare at this place.
    pub(crate) fn refuse(&self, place: u32) -> bool {
        let mut shard = self.shard(place);
        let Some(place) = shard.get_mut(&place) else {
            return false;
        };
        let rare = place.refused <= RARE;
        place.refused += (1.0 - place.refused) / ANSWERS;
        rare
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
            first: tick,
            ..Place::default()
        });
        let usual = (place.answers >= 20).then_some(place.latency);
        place.answers = place.answers.saturating_add(1);
        place.refused -= place.refused / ANSWERS;
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

    fn make_room(&self, shard: &mut HashMap<u32, Place>) {
        let oldest = shard
            .iter()
            .min_by_key(|(_, place)| place.last)
            .map(|(place, _)| *place);
        if let Some(oldest) = oldest {
            shard.remove(&oldest);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn shard(&self, place: u32) -> MutexGuard<'_, HashMap<u32, Place>> {
        lock(&self.shards[(place >> 8) as usize % SHARDS])
    }
}

fn lock(shard: &Mutex<HashMap<u32, Place>>) -> MutexGuard<'_, HashMap<u32, Place>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Walker {
    fn step(&mut self, number: u64, address: u64, tick: u64) -> Walk {
        let kept = left(tick.saturating_sub(self.last), 600.0);
        self.run = self.run * kept + 1.0;
        self.behind *= kept;
        self.number = number;
        self.last = tick + 1;
        self.addresses.add(address);
        // A few from behind are others who happen to read there.
        match self.run >= 2.0 * self.behind {
            true => Walk {
                run: self.run,
                addresses: self.addresses.count(),
            },
            false => Walk::default(),
        }
    }

    /// Whom to forget: who has walked far is remembered for longer.
    fn worth(&self, tick: u64) -> u64 {
        let kept = left(tick.saturating_sub(self.last), 600.0);
        self.last + (self.run * kept * 10_000.0) as u64
    }
}

impl Place {
    fn pass(&mut self, tick: u64) {
        let ms = tick.saturating_sub(self.last);
        for (rate, tau) in self.rates.iter_mut().zip([10.0, 600.0]) {
            *rate *= left(ms, tau);
        }
        let kept = left(ms, 600.0);
        self.lone.requests *= kept;
        // Of a young place it is the mean so far.
        let age = tick.saturating_sub(self.first) as f32 / 1000.0;
        let kept = left(ms, age.clamp(60.0, USUAL));
        self.lone.usual = self.lone.usual * kept + self.lone.requests * (1.0 - kept);
        let turns = (tick / TURN).saturating_sub(self.last / TURN);
        self.readers.turn(u32::try_from(turns).unwrap_or(u32::MAX));
        self.last = self.last.max(tick);
    }

    /// Who reads numbers in order goes on where the last one was, and nobody comes from behind: what is popular, or new,
    /// is read by many.
    fn walk(&mut self, number: u64, address: u64, tick: u64) -> Walk {
        let mut on = None;
        for (at, walker) in self.walkers.iter_mut().enumerate() {
            if walker.last == 0 {
                continue;
            }
            let ahead = number.wrapping_sub(walker.number).cast_signed();
            if (1..=STRIDE).contains(&ahead) {
                on = on.or(Some(at));
            } else if (-STRIDE * 2..=0).contains(&ahead) {
                walker.behind += 1.0;
                on = on.or(Some(WALKERS));
            }
        }
        match on {
            Some(at) if at < WALKERS => self.walkers[at].step(number, address, tick),
            Some(_) => Walk::default(),
            None => {
                let idle = self
                    .walkers
                    .iter_mut()
                    .min_by_key(|walker| walker.worth(tick));
                if let Some(walker) = idle {
                    *walker = Walker {
                        number,
                        last: tick + 1,
                        ..Walker::default()
                    };
                }
                Walk::default()
            }
        }
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
        assert_eq!(places.request(7, 100, None, 0).0, [1.0, 1.0]);
        assert_eq!(places.request(8, 100, None, 0).0, Busy::default());
    }
}
