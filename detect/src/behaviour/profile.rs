//! The full profile of a subject that is active: its last 32 requests, where it goes, which objects it reads in which
//! order, from whose hands its requests come, and when in the day. Only the most recently active
//! subjects have one.

use crate::behaviour::distinct::{Distinct, Many};
use crate::behaviour::subject::{SubjectId, Subjects, mix};
use crate::behaviour::visit::Visit;
use crate::behaviour::window::left;

/// How many requests the window holds.
pub(crate) const WINDOW: usize = 32;

/// Milliseconds of silence after which a list is not read on.
const REST: u64 = 60_000;

const PLACES: usize = 16;
const HANDS: usize = 4;

/// Milliseconds of one generation of the set of objects.
const TURN: u64 = super::compact::TURN;

/// One request of the window, or of what a sequence model reads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Milliseconds since the step before, at most 2^32 − 1.
    pub gap: u32,
    /// The route template, in 32 bits.
    pub template: u32,
    /// The object, in 32 bits; 0 for none.
    pub object: u32,
    /// The status; 0 while no answer is known.
    pub status: u16,
    /// The logarithm to base 2 of the answer's length, in sixteenths.
    pub size: u8,
    /// Bit 0: writes; 1: an asset; 2: a login; 3: noticed by a detector.
    pub flags: u8,
}

/// What a detector reads of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traits {
    /// Different objects read within 20 to 40 minutes.
    pub objects: f32,
    /// The longest run of consecutive numbers or pages that is still going on at the place of the request.
    pub run: u32,
    /// Whether the place of the request is none of those that the subject has been seen at.
    pub strange: bool,
    /// Different objects that were refused or not there, at places where that is rare, within 20 to 40 minutes.
    pub denied: f32,
    /// How evenly requests spread over places, 0 (one place) to 1.
    pub entropy: f32,
    /// The share of assets in the window, 0 to 1.
    pub assets: f32,
    /// How many requests of the window write.
    pub writes: usize,
    /// Requests in the window.
    pub steps: usize,
    /// How often it changed hands within minutes: another program at another address, and back.
    pub switches: f32,
    /// How who sends this request differs from who sent others.
    pub hand: Hand,
    /// How often this hour of the day is used, against the average hour; 1 where too little is known.
    pub hour: f32,
    /// The distance to the nearest group of other subjects; 0 while nobody has measured.
    pub distance: f32,
}

/// How the hand that a request comes from differs from the others that this subject's requests came from. A hand is
/// a program in a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hand {
    /// No other hand has this program.
    pub program: bool,
    /// No other hand is in this network.
    pub network: bool,
    /// No other hand is in this country, as far as countries are known.
    pub country: bool,
    /// Milliseconds since another program in another network was last active; `u64::MAX` if there is none.
    pub other: u64,
    /// Milliseconds since this hand was first seen.
    pub age: u64,
    /// Milliseconds since the oldest other hand was first seen; 0 if there is none.
    pub others: u64,
}

/// The full profile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    /// Whose it is.
    pub id: SubjectId,
    /// When it was last used.
    pub last: u64,
    /// How many requests the window has seen.
    seen: u32,
    recent: [Step; WINDOW],
    places: [Place; PLACES],
    hands: [HandSeen; HANDS],
    hand: u8,
    switches: f32,
    objects: Many,
    denied: Distinct,
    hours: [u8; 24],
    pub distance: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    template: u32,
    /// Requests, fading by a 64th with each request of the subject.
    count: f32,
    number: u64,
    /// The difference between the last two numbers.
    stride: i32,
    run: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct HandSeen {
    program: u32,
    network: u32,
    country: [u8; 2],
    /// The autonomous system; 0 where it is not known.
    system: u32,
    requests: u16,
    first: u64,
    last: u64,
}

impl Profile {
    /// An empty one.
    pub(crate) fn new(id: SubjectId, tick: u64) -> Self {
        Self {
            id,
            last: tick,
            seen: 0,
            recent: [Step::default(); WINDOW],
            places: [Place::default(); PLACES],
            hands: [HandSeen::default(); HANDS],
            hand: 0,
            switches: 0.0,
            objects: Many::default(),
            denied: Distinct::default(),
            hours: [0; 24],
            distance: 0.0,
        }
    }

    /// Counts a request and says what stands out. `hour` is that of the day.
    pub(crate) fn request(
        &mut self,
        tick: u64,
        hour: usize,
        visit: &Visit,
        subjects: &Subjects,
    ) -> Traits {
        let gap = tick.saturating_sub(self.last);
        self.switches *= left(gap, 600.0);
        let turns = (tick / TURN).saturating_sub(self.last / TURN);
        let turns = u32::try_from(turns).unwrap_or(u32::MAX);
        self.objects.turn(turns);
        self.denied.turn(turns);
        let hand = self.take_hand(tick, subjects);
        // Who has signed in may follow what is new by a cursor, for hours.
        let cursor = match subjects.has_credentials() {
            true => 0,
            false => visit.cursor,
        };
        let (run, strange) = self.visit_place(visit, cursor, gap > REST);
        // What is written is one's own; what a page pulls in is no choice.
        let read = !visit.write && !visit.asset;
        if read && (visit.object != 0 || visit.page.is_some() || cursor != 0) {
            self.objects
                .add(visit.template ^ visit.object ^ mix(visit.page.unwrap_or(0)) ^ cursor);
        }
        let hour = self.live_hour(hour);
        self.push(gap, visit);
        self.last = self.last.max(tick);
        Traits {
            objects: self.objects.count(),
            run,
            strange,
            denied: self.denied.count(),
            entropy: self.entropy(),
            assets: self.count_flag(2) as f32 / self.steps().max(1) as f32,
            writes: self.count_flag(1),
            steps: self.steps(),
            switches: self.switches,
            hand,
            hour,
            distance: self.distance,
        }
    }

    /// Notes the answer to the latest request to a template that has none yet.
    pub(crate) fn answer(&mut self, visit: &Visit, status: u16, bytes: u64) {
        let template = short(visit.template);
        let steps = self.steps();
        let newest = self.seen as usize;
        let open = (1..=steps)
            .map(|back| (newest - back) % WINDOW)
            .find(|at| self.recent[*at].template == template && self.recent[*at].status == 0);
        if let Some(at) = open {
            let step = &mut self.recent[at];
            step.status = status;
            step.size = (((bytes + 1) as f32).log2() * 16.0).min(255.0) as u8;
            step.flags |= u8::from(visit.noticed) << 3;
        }
    }

    /// Notes that an object was refused, or not there, where that is rare.
    pub(crate) fn deny(&mut self, visit: &Visit) {
        self.denied.add(visit.template ^ visit.object);
    }

    /// The window, oldest first.
    pub(crate) fn steps_in_order(&self) -> impl Iterator<Item = Step> + '_ {
        let steps = self.steps();
        let first = self.seen as usize - steps;
        (first..first + steps).map(|at| self.recent[at % WINDOW])
    }

    /// The template of the request before, 0 if there was none.
    pub(crate) fn before(&self) -> u32 {
        match self.seen {
            0 => 0,
            seen => self.recent[(seen as usize - 1) % WINDOW].template,
        }
    }

    fn steps(&self) -> usize {
        (self.seen as usize).min(WINDOW)
    }

    fn push(&mut self, gap: u64, visit: &Visit) {
        let to = short(visit.template);
        let flags = u8::from(visit.write) | u8::from(visit.asset) << 1 | u8::from(visit.login) << 2;
        self.recent[self.seen as usize % WINDOW] = Step {
            gap: u32::try_from(gap).unwrap_or(u32::MAX),
            template: to,
            object: short_object(visit.object),
            status: 0,
            size: 0,
            flags,
        };
        // Beyond this the remainder matters, not the count.
        self.seen = if self.seen >= 1 << 30 {
            WINDOW as u32
        } else {
            self.seen + 1
        };
    }

    /// Counts the place; how long numbers there have followed one another, and whether the place is new.
    fn visit_place(&mut self, visit: &Visit, cursor: u64, rested: bool) -> (u32, bool) {
        for place in &mut self.places {
            place.count *= 63.0 / 64.0;
        }
        let template = short(visit.template);
        let known = self
            .places
            .iter()
            .position(|place| place.template == template);
        let at = known.unwrap_or_else(|| least(&self.places, |place| place.count));
        let place = &mut self.places[at];
        if known.is_none() {
            *place = Place {
                template,
                ..Place::default()
            };
        }
        place.count += 1.0;
        if let Some(number) = visit.page.or(visit.number) {
            place.follow(number);
        } else if cursor != 0 && cursor != place.number {
            // A cursor does not tell whether it goes on or begins anew; a pause does.
            place.run = if rested {
                place.run / 4
            } else {
                place.run.saturating_add(1)
            };
            place.number = cursor;
        }
        (place.run, known.is_none())
    }

    fn entropy(&self) -> f32 {
        let total: f32 = self.places.iter().map(|place| place.count).sum();
        let bits: f32 = self
            .places
            .iter()
            .filter(|place| place.count > 0.01)
            .map(|place| place.count / total)
            .map(|share| -share * share.log2())
            .sum();
        bits / (PLACES as f32).log2()
    }

    /// How many requests of the window have this flag.
    fn count_flag(&self, flag: u8) -> usize {
        let recent = &self.recent[..self.steps()];
        recent.iter().filter(|step| step.flags & flag != 0).count()
    }

    /// Learns the hour, and says how usual it is.
    fn live_hour(&mut self, hour: usize) -> f32 {
        let total: u32 = self.hours.iter().map(|count| u32::from(*count)).sum();
        let Some(count) = self.hours.get_mut(hour) else {
            return 1.0;
        };
        let usual = if total >= 200 {
            f32::from(*count) * 24.0 / total as f32
        } else {
            1.0
        };
        if *count == u8::MAX {
            self.hours.iter_mut().for_each(|count| *count /= 2);
        }
        self.hours[hour] += 1;
        usual
    }

    /// Whose hand it is, and how it differs from the others.
    fn take_hand(&mut self, tick: u64, subjects: &Subjects) -> Hand {
        let seen = HandSeen {
            program: short(subjects.fingerprint().0),
            network: short(SubjectId::prefix(subjects.client).hash.0),
            country: subjects.country.unwrap_or_default(),
            system: subjects.system.unwrap_or(0),
            requests: 1,
            first: tick,
            last: tick,
        };
        let first = self.keep_hand(seen);
        let others = || {
            let same =
                move |hand: &HandSeen| hand.program == seen.program && hand.network == seen.network;
            self.hands
                .iter()
                .filter(move |hand| hand.requests > 0 && !same(hand))
        };
        let elsewhere =
            others().filter(|hand| hand.program != seen.program && hand.network != seen.network);
        Hand {
            program: others().all(|hand| hand.program != seen.program),
            network: others().all(|hand| hand.network != seen.network),
            country: subjects.country.is_some()
                && others().all(|hand| hand.country != seen.country),
            other: elsewhere
                .map(|hand| tick.saturating_sub(hand.last))
                .min()
                .unwrap_or(u64::MAX),
            age: tick.saturating_sub(first),
            others: others()
                .map(|hand| tick.saturating_sub(hand.first))
                .max()
                .unwrap_or(0),
        }
    }

    /// Counts the hand; when it was first seen.
    fn keep_hand(&mut self, seen: HandSeen) -> u64 {
        let same = |hand: &HandSeen| {
            hand.requests > 0 && hand.program == seen.program && hand.network == seen.network
        };
        let known = self.hands.iter().position(same);
        let at = known.unwrap_or_else(|| least(&self.hands, |hand| f32::from(hand.requests)));
        let before = self.hands[usize::from(self.hand)];
        self.switches += before.distance(&seen);
        let hand = &mut self.hands[at];
        if known.is_some() {
            hand.last = seen.last;
            hand.requests = hand.requests.saturating_add(1);
            hand.country = seen.country;
        } else {
            *hand = seen;
        }
        self.hand = at as u8;
        self.hands[at].first
    }

    /// Whether requests from this network have been common for the subject.
    pub(crate) fn knows_network(&self, subjects: &Subjects) -> bool {
        let network = short(SubjectId::prefix(subjects.client).hash.0);
        self.hands
            .iter()
            .any(|hand| hand.network == network && hand.requests >= 3)
    }
}

impl HandSeen {
    /// How far a change from this hand to another is from what one person does: another program in another network
    /// counts in full, the same program in the network of another operator or country a third, for telephones do
    /// change between these.
    fn distance(&self, other: &Self) -> f32 {
        if self.requests == 0 || self.network == other.network {
            return 0.0;
        }
        let differ = |one: u32, other: u32| one != 0 && other != 0 && one != other;
        let country = |hand: &Self| u32::from(u16::from_be_bytes(hand.country));
        if self.program != other.program {
            1.0
        } else if differ(self.system, other.system) || differ(country(self), country(other)) {
            0.35
        } else {
            0.0
        }
    }
}

impl Place {
    /// Whether `number` goes on where the last one was: the next few, or the same stride again. What does not costs a
    /// run three quarters of its length: pages of twenty items never add up to thirty, and an odd request between does
    /// not hide a long run.
    fn follow(&mut self, number: u64) {
        let stride = number.wrapping_sub(self.number).cast_signed();
        let near = stride != 0 && stride.unsigned_abs() <= 3;
        let steady = stride != 0 && stride == i64::from(self.stride);
        if near || steady {
            self.run = self.run.saturating_add(1);
        } else if stride != 0 {
            self.run /= 4;
        }
        if stride != 0 {
            self.stride = i32::try_from(stride).unwrap_or(0);
        }
        self.number = number;
    }
}

/// The place of the least of a short list.
fn least<T>(list: &[T], weight: impl Fn(&T) -> f32) -> usize {
    let least = list
        .iter()
        .enumerate()
        .min_by(|(_, a), (_, b)| weight(a).total_cmp(&weight(b)));
    least.map_or(0, |(at, _)| at)
}

/// A template in 32 bits, never 0.
pub(crate) const fn short(hash: u64) -> u32 {
    (mix(hash) >> 32) as u32 | 1
}

const fn short_object(object: u64) -> u32 {
    if object == 0 { 0 } else { short(object) }
}
