//! What is known of places: for each route template how often it is asked for, how long it takes, how much is asked for
//! at once, how many go there, and where clients go from there. Learnt from answers that were no errors, so that a
//! scanner does not fill the table with what is not there.

mod walks;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::behaviour::compact::TURN;
use crate::behaviour::distinct::Distinct;
use crate::behaviour::state::Counts;
use crate::behaviour::subject::mix;
use crate::behaviour::window::left;

use self::walks::{QUARTERS, Walks};

pub(crate) use self::walks::Walker;

const SHARDS: usize = 64;

/// How many ways onward are kept of a place.
const WAYS: usize = 16;

/// From how many steps on a place's ways are known well enough to call one unusual; before, what counts is how rarely
/// anybody goes where the step leads.
const KNOWN_FROM: f32 = 50.0;

/// A place keeps at most so many steps; then it halves them, so that what is new is learnt.
const STEPS: f32 = 10_000.0;

/// What a step of a stranger teaches, against one of anybody else.
const STRANGE: f32 = 0.25;

/// From how many answers, and sizes of lists, on a place's usual is known.
const ANSWERS: u32 = 20;
const SIZES: u16 = 50;

/// A place that this share of clients go to is what the application is for, however long it takes.
const CORE: f32 = 0.2;
/// How many walks through its numbers are followed at a place, and how far apart two steps of one may be.
const TRAILS: usize = 4;
const STRIDE: i64 = 12;

/// How many milliseconds a place must have been known for what is usual there to mean something, and the seconds over
/// which that is learnt.
const LEARN: u64 = 3_600_000;
const USUAL: f32 = 6.0 * 3600.0;

/// Up to which share of refused objects one is rare, and how many answers that is learnt from.
const RARE: f32 = 0.1;
const REFUSALS: f32 = 256.0;

/// All places.
#[derive(Debug)]
pub(crate) struct Places {
    shards: Box<[Mutex<Table>]>,
    capacity: usize,
    evicted: AtomicU64,
    walks: Walks,
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
    /// Clients who came for the first time within an hour, faded.
    newcomers: f32,
    /// Seconds that an answer takes, on average, and how many answers that rests on.
    latency: f32,
    answers: u32,
    /// Items that are asked for at once, as a logarithm to base 2, on average; and how many requests that rests on.
    asked: f32,
    sizes: u16,
    ways: [(u32, f32); WAYS],
    steps: f32,
    /// Bits that a step from here costs on average.
    expected: f32,
    /// When it was first seen.
    first: u64,
    trails: [Trail; TRAILS],
    /// The share of asked objects that are refused or not there, of late.
    refused: f32,
    lone: Lone,
    readers: Distinct,
}

/// Numbers that are read one after the other, by whomever.
#[derive(Clone, Copy, Debug, Default)]
struct Trail {
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

/// How busy a place is, and what is usual there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Busy {
    /// Requests within 10 s, and within 10 min.
    pub rates: [f32; 2],
    /// Seconds that an answer takes; 0 while that is not known.
    pub seconds: f32,
    /// Items that are asked for at once, as a logarithm to base 2; negative while that is not known.
    pub asked: f32,
    /// Clients who came for the first time within an hour.
    pub newcomers: f32,
}

impl Busy {
    /// Whether somebody asks for `times` as many items as is usual here.
    pub(crate) fn is_much(&self, asked: u32, times: f32) -> bool {
        self.asked >= 0.0 && asked as f32 >= times * self.asked.exp2()
    }
}

impl Places {
    /// None yet, and room for this many.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            capacity: capacity.div_ceil(SHARDS).max(4),
            evicted: AtomicU64::new(0),
            walks: Walks::default(),
        }
    }

    /// Counts a request for `asked` items (0 where it names no number) to a place that is known. `number` is that of the
    /// object that an address reads. Comes with the share of objects there that are refused or not there.
    pub(crate) fn request(
        &self,
        place: u32,
        asked: u32,
        number: Option<u64>,
        address: u64,
        tick: u64,
    ) -> (Busy, Walk, f32) {
        let mut shard = self.shard(place);
        let Some(place) = shard.get_mut(&place) else {
            let unknown = Busy {
                asked: -1.0,
                ..Busy::default()
            };
            return (unknown, Walk::default(), 0.0);
        };
        place.pass(tick);
        place.rates.iter_mut().for_each(|rate| *rate += 1.0);
        let walk = number.map_or_else(Walk::default, |number| place.walk(number, address, tick));
        let busy = place.busy();
        place.learn_size(asked);
        (busy, walk, place.refused)
    }

    /// Counts a client who comes to a place for the first time.
    pub(crate) fn newcomer(&self, place: u32) {
        if let Some(place) = self.shard(place).get_mut(&place) {
            place.newcomers += 1.0;
        }
    }

    /// Whether a place is one that a good part of all clients go to.
    pub(crate) fn is_core(&self, busy: &Busy) -> bool {
        busy.newcomers >= CORE * self.walks.clients().max(5.0)
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
        place.refused += (1.0 - place.refused) / REFUSALS;
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
        let usual = (place.answers >= ANSWERS).then_some(place.latency);
        place.answers = place.answers.saturating_add(1);
        place.refused -= place.refused / REFUSALS;
        place.latency += (seconds - place.latency) / place.answers.min(100) as f32;
        usual
    }

    /// By how many bits it is more unusual to go from one place to the other than steps from there are on average, and
    /// learns that someone did, a `strange` one a quarter as much. `None` where the place it comes from is not known.
    pub(crate) fn step(&self, from: u32, to: u32, strange: bool) -> Option<f32> {
        let strange = strange && !self.changed();
        let weight = if strange { STRANGE } else { 1.0 };
        let known = self.leave(from, to, weight, !strange);
        if let Some(surplus @ Some(_)) = known {
            return surplus;
        }
        let there = self.shard(to).get(&to).map_or(0.0, |place| place.steps);
        Some(self.walks.surplus(there, !strange))
    }

    /// A step out of a place; `None` where it is not known, a surplus where enough steps from there are.
    fn leave(&self, from: u32, to: u32, weight: f32, learns: bool) -> Option<Option<f32>> {
        let mut shard = self.shard(from);
        let place = shard.get_mut(&from)?;
        let at = place.ways.iter().position(|way| way.0 == to);
        let surplus = place.surprise(at, learns);
        let forgotten = place.learn(at, to, weight);
        let learnt = (weight * QUARTERS) as u64;
        self.walks.learn(learnt, (forgotten * QUARTERS) as u64);
        Some(surplus)
    }

    /// Counts a step of a browser's session: their order is what the application's screens make it.
    pub(crate) fn see(&self) {
        self.walks.see();
    }

    /// How many steps of browsers' sessions there were.
    pub(crate) fn learned(&self) -> f32 {
        self.walks.seen()
    }

    /// Counts somebody who walks about, once for each kind that he is of.
    pub(crate) fn walker(&self, tick: u64, who: Walker) {
        self.walks.walker(tick, who);
    }

    /// Whether so many are strange that it is the application that has changed.
    pub(crate) fn changed(&self) -> bool {
        self.walks.changed()
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
        if let Some(place) = oldest.and_then(|oldest| shard.remove(&oldest)) {
            self.walks.learn(0, (place.steps * QUARTERS) as u64);
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

impl Trail {
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
        for (count, tau) in self.rates.iter_mut().zip([10.0, 600.0]) {
            *count *= left(ms, tau);
        }
        self.newcomers *= left(ms, walks::HOUR);
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

    fn busy(&self) -> Busy {
        let known = self.answers >= ANSWERS;
        Busy {
            rates: self.rates,
            seconds: if known { self.latency } else { 0.0 },
            asked: if self.sizes >= SIZES {
                self.asked
            } else {
                -1.0
            },
            newcomers: self.newcomers,
        }
    }

    /// Learns how many items are asked for; beyond some hundred, the newest counts for little, and what is far from
    /// usual for no more than its double.
    fn learn_size(&mut self, asked: u32) {
        if asked == 0 {
            return;
        }
        let size = (asked as f32).log2();
        self.sizes = self.sizes.saturating_add(1);
        let off = (size - self.asked) / f32::from(self.sizes.min(500));
        self.asked += if self.sizes > SIZES {
            off.clamp(-0.002, 0.002)
        } else {
            off
        };
    }

    /// By how many bits a step is more surprising than those from here are; learns what these cost on average.
    fn surprise(&mut self, at: Option<usize>, learns: bool) -> Option<f32> {
        let taken = at.map_or(0.0, |at| self.ways[at].1);
        let share = (taken + 1.0) / (self.steps + WAYS as f32);
        let known = self.steps >= KNOWN_FROM;
        known.then(|| {
            let bits = -share.log2();
            let surplus = bits - self.expected;
            if learns {
                let beyond = (self.steps - KNOWN_FROM + 8.0).min(256.0);
                self.expected += (bits.min(8.0) - self.expected) / beyond;
            }
            surplus
        })
    }

    /// Who reads numbers in order goes on where the last one was, and nobody comes from behind: what is popular, or new,
    /// is read by many.
    fn walk(&mut self, number: u64, address: u64, tick: u64) -> Walk {
        let mut on = None;
        for (at, walker) in self.trails.iter_mut().enumerate() {
            if walker.last == 0 {
                continue;
            }
            let ahead = number.wrapping_sub(walker.number).cast_signed();
            if (1..=STRIDE).contains(&ahead) {
                on = on.or(Some(at));
            } else if (-STRIDE * 2..=0).contains(&ahead) {
                walker.behind += 1.0;
                on = on.or(Some(TRAILS));
            }
        }
        match on {
            Some(at) if at < TRAILS => self.trails[at].step(number, address, tick),
            Some(_) => Walk::default(),
            None => {
                let idle = self
                    .trails
                    .iter_mut()
                    .min_by_key(|walker| walker.worth(tick));
                if let Some(walker) = idle {
                    *walker = Trail {
                        number,
                        last: tick + 1,
                        ..Trail::default()
                    };
                }
                Walk::default()
            }
        }
    }

    /// Learns a step; how many steps are forgotten for it.
    fn learn(&mut self, known: Option<usize>, to: u32, weight: f32) -> f32 {
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
        self.ways[at].1 += weight;
        self.steps += weight;
        if self.steps < STEPS {
            return 0.0;
        }
        self.steps /= 2.0;
        self.ways.iter_mut().for_each(|way| way.1 /= 2.0);
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request for so many items; what is known of the place.
    fn seen(places: &Places, place: u32, asked: u32, tick: u64) -> Busy {
        places.request(place, asked, None, 0, tick).0
    }

    /// Places 1 to 3, and what is usual between them: from 1 nine of ten go to 2.
    fn usual() -> Places {
        let places = Places::new(100);
        (1..=3).for_each(|place| {
            places.answer(place, 0, 0.1);
        });
        for n in 0..600 {
            places.step(1, if n % 10 == 0 { 3 } else { 2 }, false);
        }
        places
    }

    #[test]
    fn the_usual_way_is_no_surprise() {
        let places = usual();
        let [usual, rare, never] = [2, 3, 4].map(|to| places.step(1, to, true).unwrap());
        assert!(
            usual < 0.0 && rare > 1.5 && never > 6.0,
            "{usual} {rare} {never}"
        );
    }

    #[test]
    fn from_an_unknown_place_it_counts_how_many_go_there_at_all() {
        let places = usual();
        for n in 0..300 {
            places.step(2, 1, false);
            places.step(9, 1 + n % 2, false);
        }
        let [common, never] = [1, 7].map(|to| places.step(9, to, true).unwrap());
        assert!(common < 1.0 && never > 5.0, "{common} {never}");
    }

    #[test]
    fn a_stranger_teaches_less_unless_all_are_strange() {
        let [taught, later] = [false, true].map(|all| {
            let places = usual();
            for n in 0..if all { 40 } else { 0 } {
                places.walker(n, Walker::Browser);
                places.walker(n, Walker::Stranger);
            }
            assert_eq!(places.changed(), all);
            for _ in 0..40 {
                places.step(1, 8, true);
            }
            places.step(1, 8, true).unwrap()
        });
        assert!(taught > later + 1.0, "{taught} {later}");
    }

    #[test]
    fn the_table_is_bounded() {
        let places = Places::new(256);
        for place in 0..100_000 {
            places.answer(place, u64::from(place), 0.0);
            places.step(place, place + 1, false);
        }
        let mut counts = Counts::default();
        places.count(&mut counts);
        assert!(counts.templates <= 256, "{}", counts.templates);
        assert!(counts.templates_evicted > 99_000);
        assert!(places.walks.steps() <= 256.0, "{}", places.walks.steps());
    }

    #[test]
    fn latency_is_known_after_some_answers() {
        let places = Places::new(100);
        for n in 0..100 {
            places.answer(7, n, 0.25);
        }
        let usual = places.answer(7, 100, 9.0).unwrap();
        assert!((usual - 0.25).abs() < 0.01);
        let busy = seen(&places, 7, 0, 100);
        assert_eq!((busy.rates, busy.asked), ([1.0, 1.0], -1.0));
        assert!((busy.seconds - 0.34).abs() < 0.01, "{busy:?}");
        assert_eq!(seen(&places, 8, 0, 100).rates, [0.0, 0.0]);
    }

    #[test]
    fn much_is_what_others_do_not_ask_for() {
        let places = Places::new(100);
        places.answer(7, 0, 0.1);
        for n in 0..200_u64 {
            seen(&places, 7, [10, 20, 25, 50][n as usize % 4], n);
        }
        // Whoever asks for much again and again does not make it usual.
        (0..100).for_each(|n| {
            seen(&places, 7, 100_000, n);
        });
        let busy = seen(&places, 7, 20, 300);
        for (asked, expected) in [(0, false), (50, false), (200, true), (100_000, true)] {
            assert_eq!(busy.is_much(asked, 6.0), expected, "{asked} {busy:?}");
        }
        assert!(!seen(&places, 8, 5000, 0).is_much(5000, 6.0), "unknown");
    }

    #[test]
    fn where_many_go_is_what_the_application_is_for() {
        let places = Places::new(100);
        (7..=8).for_each(|place| {
            places.answer(place, 0, 5.0);
        });
        for n in 0..100 {
            places.walker(n, Walker::Client);
            places.newcomer(7);
            if n % 20 == 0 {
                places.newcomer(8);
            }
        }
        let core = [7, 8].map(|place| places.is_core(&seen(&places, place, 0, 100)));
        assert_eq!(core, [true, false]);
    }
}
