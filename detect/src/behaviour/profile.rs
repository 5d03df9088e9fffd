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

/// After how many requests a subject counts as somebody who walks about.
const WALKER: u32 = 16;
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

/// The flags of a step.
const WRITES: u8 = 1;
const ASSET: u8 = 2;
const LOGIN: u8 = 4;
const NOTICED: u8 = 8;

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
    /// Requests within 10 min for places that take long and few go to.
    pub costly: f32,
    /// Requests within 10 min with a parameter or a value that nobody else uses.
    pub odd: f32,
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
    /// No other hand is in a network of this operator, as far as operators are known.
    pub system: bool,
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
    /// Of these the first few are in use.
    places: [Place; PLACES],
    hands: [HandSeen; HANDS],
    places_known: u8,
    hands_known: u8,
    hand: u8,
    /// How many requests of the window are for assets, and how many write.
    assets: u8,
    writes: u8,
    switches: f32,
    objects: Many,
    denied: Distinct,
    hours: [u8; 24],
    pub distance: f32,
    /// The last place that was no asset.
    stood: u32,
    /// Whether its steps have been strange.
    stranger: bool,
    costly: f32,
    odd: f32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    template: u32,
    /// Requests, fading by a 64th with each request of the subject.
    count: f32,
    number: u64,
    /// The difference between the last two numbers.
    stride: i32,
    run: u16,
    /// How far below and above the last number the run has been.
    below: u8,
    above: u8,
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
            places_known: 0,
            hands_known: 0,
            hand: 0,
            assets: 0,
            writes: 0,
            switches: 0.0,
            objects: Many::default(),
            denied: Distinct::default(),
            hours: [0; 24],
            distance: 0.0,
            stood: 0,
            stranger: false,
            costly: 0.0,
            odd: 0.0,
        }
    }

    /// Empties it for someone else. What lies behind the counts of what is known is left as it is: nobody looks there,
    /// and to wipe it would take more time than a request.
    pub(crate) fn renew(&mut self, id: SubjectId, tick: u64) {
        // Every field is named, so that none that is added later goes on to whoever comes next.
        let Self {
            id: whose,
            last,
            seen,
            recent: _,
            places: _,
            hands,
            places_known,
            hands_known,
            hand,
            assets,
            writes,
            switches,
            objects,
            denied,
            hours,
            distance,
            stood,
            stranger,
            costly,
            odd,
        } = self;
        (*whose, *last) = (id, tick);
        (*seen, *stood, *stranger) = (0, 0, false);
        (*places_known, *hands_known, *hand) = (0, 0, 0);
        (*assets, *writes) = (0, 0);
        hands[0] = HandSeen::default();
        (*objects, *denied) = (Many::default(), Distinct::default());
        *hours = [0; 24];
        (*switches, *distance, *costly, *odd) = (0.0, 0.0, 0.0, 0.0);
    }

    /// Looks at one number of most lines of memory that a request needs; see [`Compact::glance`].
    ///
    /// [`Compact::glance`]: crate::behaviour::compact::Compact::glance
    pub(crate) const fn glance(&self) -> u64 {
        let small = self.seen
            ^ self.recent[self.seen as usize % WINDOW].template
            ^ self.places[0].template
            ^ self.places[PLACES / 2].template
            ^ self.hands[0].program
            ^ self.hands[HANDS / 2].program;
        self.last ^ self.objects.glance() ^ self.hours[0] as u64 ^ small as u64
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
        let kept = left(gap, 600.0);
        self.switches *= kept;
        self.costly = self.costly * kept + f32::from(u8::from(visit.costly));
        self.odd = self.odd * kept + f32::from(u8::from(visit.odd != 0));
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
            assets: self.share(self.assets),
            writes: usize::from(self.writes),
            steps: self.steps(),
            switches: self.switches,
            hand,
            hour,
            distance: self.distance,
            costly: self.costly,
            odd: self.odd,
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
            step.flags |= u8::from(visit.noticed) * NOTICED;
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

    /// The last place that was no asset, 0 if there was none.
    pub(crate) const fn stood(&self) -> u32 {
        self.stood
    }

    /// Whether it becomes strange by being so now: once at most.
    pub(crate) fn becomes_stranger(&mut self, strange: bool) -> bool {
        let becomes = strange && !self.stranger;
        self.stranger |= strange;
        becomes
    }

    /// Whether the next request is the one from which on it counts as somebody who walks about.
    pub(crate) const fn sets_out(&self) -> bool {
        self.seen == WALKER
    }

    /// How its requests spread over places, which share of the window are assets, and which writes, 0 to 1 each.
    pub(crate) fn shape(&self) -> [f32; 3] {
        [
            self.entropy(),
            self.share(self.assets),
            self.share(self.writes),
        ]
    }

    fn steps(&self) -> usize {
        (self.seen as usize).min(WINDOW)
    }

    fn push(&mut self, gap: u64, visit: &Visit) {
        let to = short(visit.template);
        let flags = (u8::from(visit.write) * WRITES)
            | (u8::from(visit.asset) * ASSET)
            | (u8::from(visit.login) * LOGIN);
        let at = self.seen as usize % WINDOW;
        let leaves = match self.steps() {
            WINDOW => self.recent[at].flags,
            _ => 0,
        };
        let has = |flags: u8, flag| u8::from(flags & flag != 0);
        self.assets = self.assets + has(flags, ASSET) - has(leaves, ASSET);
        self.writes = self.writes + has(flags, WRITES) - has(leaves, WRITES);
        self.recent[at] = Step {
            gap: u32::try_from(gap).unwrap_or(u32::MAX),
            template: to,
            object: short_object(visit.object),
            status: 0,
            size: 0,
            flags,
        };
        if !visit.asset {
            self.stood = to;
        }
        // Beyond this the remainder matters, not the count.
        self.seen = if self.seen >= 1 << 30 {
            WINDOW as u32
        } else {
            self.seen + 1
        };
    }

    /// Counts the place; how long numbers there have followed one another, and whether the place is new.
    fn visit_place(&mut self, visit: &Visit, cursor: u64, rested: bool) -> (u32, bool) {
        let template = short(visit.template);
        let mut known = None;
        let used = usize::from(self.places_known).min(PLACES);
        for (at, place) in self.places[..used].iter_mut().enumerate() {
            place.count *= 63.0 / 64.0;
            if place.template == template {
                known = Some(at);
            }
        }
        let at = known.unwrap_or_else(|| match used {
            PLACES => least(&self.places, |place| place.count),
            used => {
                self.places_known += 1;
                used
            }
        });
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
        (u32::from(place.run), known.is_none())
    }

    fn entropy(&self) -> f32 {
        let places = &self.places[..usize::from(self.places_known).min(PLACES)];
        if places.len() < 2 {
            return 0.0;
        }
        let total: f32 = places.iter().map(|place| place.count).sum();
        let bits: f32 = places
            .iter()
            .filter(|place| place.count > 0.01)
            .map(|place| place.count / total)
            .map(|share| -share * share.log2())
            .sum();
        bits / (PLACES as f32).log2()
    }

    /// Which share of the window so many requests are.
    fn share(&self, count: u8) -> f32 {
        f32::from(count) / self.steps().max(1) as f32
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
            self.known_hands()
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
            system: seen.system != 0
                && others().all(|hand| hand.system != 0 && hand.system != seen.system),
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
        let known = self.known_hands().iter().position(same);
        let at = known.unwrap_or_else(|| match usize::from(self.hands_known) {
            used @ 0..HANDS => {
                self.hands_known += 1;
                used
            }
            _ => least(&self.hands, |hand| f32::from(hand.requests)),
        });
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
        self.known_hands()
            .iter()
            .any(|hand| hand.network == network && hand.requests >= 3)
    }

    fn known_hands(&self) -> &[HandSeen] {
        &self.hands[..usize::from(self.hands_known).min(HANDS)]
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
    /// Whether `number` goes on where the run has been: the next few beyond it, or the same stride again. What it has
    /// been through before adds nothing, so that a list of four pages that is asked for every minute never becomes a
    /// long one. What lies elsewhere costs three quarters of the run's length: an odd request between does not hide it.
    fn follow(&mut self, number: u64) {
        let stride = number.wrapping_sub(self.number).cast_signed();
        if stride == 0 {
            return;
        }
        let (forth, ground) = match stride > 0 {
            true => (true, self.above),
            false => (false, self.below),
        };
        let beyond = stride.unsigned_abs().saturating_sub(u64::from(ground));
        let steady = stride == i64::from(self.stride);
        let goes_on = beyond <= 3 || steady;
        if goes_on {
            self.run = self.run.saturating_add(u16::from(beyond > 0));
        } else {
            self.run /= 4;
        }
        let moved = u8::try_from(stride.unsigned_abs()).unwrap_or(u8::MAX);
        let (behind, ahead) = match forth {
            true => (&mut self.below, &mut self.above),
            false => (&mut self.above, &mut self.below),
        };
        *behind = if goes_on {
            behind.saturating_add(moved)
        } else {
            0
        };
        *ahead = if goes_on {
            ahead.saturating_sub(moved)
        } else {
            0
        };
        self.stride = i32::try_from(stride).unwrap_or(0);
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

#[cfg(test)]
mod tests;
