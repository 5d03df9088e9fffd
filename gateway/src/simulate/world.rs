//! The world: everybody in it, in the order in which they act. Virtual time passes from one act to the next; memory
//! holds those who are there now, and no more.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::actor::{Actor, Loot, Scene, Setting};
use super::attack::{SCENARIOS, Scenario};
use super::backend::Backend;
use super::clock::{EPOCH, HOUR};
use super::message::{Act, Answer, Event};
use super::normal::{self, Character, POPULATIONS, Reader, Visitor};
use super::random::{Draw, mix};
use super::token::Mint;

/// What to simulate.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The same seed is the same world.
    pub seed: u64,
    /// Virtual seconds.
    pub duration: f64,
    /// Virtual seconds after the beginning of the first day at which it starts.
    pub start: f64,
    /// Mean normal requests a second.
    pub load: f64,
    /// The share of requests that campaigns send, about: 0 to 0.9.
    pub attacks: f64,
    /// The attacks to mix in.
    pub scenarios: Vec<&'static Scenario>,
    /// Campaigns of each attack; nothing chooses by `attacks`.
    pub campaigns: Option<u32>,
    /// The most requests of one campaign.
    pub most: u32,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 1,
            duration: 24.0 * HOUR,
            start: 0.0,
            load: 20.0,
            attacks: 0.1,
            scenarios: SCENARIOS.iter().collect(),
            campaigns: None,
            most: u32::MAX,
        }
    }
}

/// Everybody.
pub struct World {
    setting: Setting,
    queue: BinaryHeap<Reverse<Entry>>,
    order: u64,
    actors: Vec<Slot>,
    free: Vec<usize>,
    loot: Loot,
    arrivals: Vec<Arrival>,
    campaigns: VecDeque<Beginning>,
    crowds: VecDeque<(f64, u32)>,
    checkers: VecDeque<f64>,
    most: u32,
    turned_away: u64,
}

/// One who acts, by a number that is used again, and a count that tells one use from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handle {
    slot: usize,
    life: u32,
}

#[derive(Default)]
struct Slot {
    actor: Option<Box<dyn Actor>>,
    life: u32,
    /// The population whose sent requests are counted; none for others.
    kind: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Bits of a time that is not negative: they sort as the time does.
    time: u64,
    order: u64,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Acts(usize),
    Arrives(usize),
    Begins,
    Crowd,
    Checks,
}

/// People who come one after another.
struct Arrival {
    kind: usize,
    draw: Draw,
    number: u64,
    /// Requests a second that this population is to send on average.
    rate: f64,
    sent: u64,
    /// Whether somebody comes at the moment that is queued, or only the gap is drawn anew: nights are long.
    due: bool,
}

/// A campaign that is to come.
#[derive(Clone, Copy)]
struct Beginning {
    time: f64,
    /// When those whom it needs have to be there.
    wake: f64,
    scenario: &'static Scenario,
    group: u32,
    /// Counts the campaigns of this attack: they go through its variants in turn.
    turn: u32,
}

impl World {
    /// A world at its beginning.
    pub fn new(plan: &Plan) -> Self {
        let start = EPOCH + plan.start;
        let setting = Setting {
            seed: plan.seed,
            mint: Mint::default(),
            start,
            end: start + plan.duration,
        };
        let mut world = Self {
            queue: BinaryHeap::new(),
            order: 0,
            actors: Vec::new(),
            free: Vec::new(),
            loot: Loot::default(),
            arrivals: Vec::new(),
            campaigns: beginnings(plan, start),
            crowds: VecDeque::new(),
            checkers: VecDeque::new(),
            most: plan.most,
            turned_away: 0,
            setting,
        };
        world.populate(plan, start);
        world
    }

    fn populate(&mut self, plan: &Plan, start: f64) {
        let programs = normal::programs(plan.load * PROGRAMS, &self.setting);
        for (after, actor) in programs {
            self.admit(start + after, actor, None);
        }
        for (kind, population) in POPULATIONS
            .iter()
            .enumerate()
            .filter(|(_, population)| population.share > 0.0)
        {
            let draw = Draw::of(mix(plan.seed, 0xa44), kind as u64);
            let rate = plan.load * (1.0 - PROGRAMS) * population.share;
            self.arrivals.push(Arrival {
                kind,
                draw,
                number: 0,
                rate,
                sent: 0,
                due: false,
            });
            self.queue_up(start, What::Arrives(self.arrivals.len() - 1));
        }
        if let Some(first) = self.campaigns.front() {
            self.queue_up(first.wake, What::Begins);
        }
        // A sale or a piece of news now and then, a check of links: rare, large, harmless.
        let mut draw = Draw::of(plan.seed, 0xc0de);
        let mut time = start + draw.exponential(9.0 * HOUR).min(plan.duration * 0.6);
        while time < self.setting.end {
            let people = (plan.load * draw.scale(2.0, 12.0)).clamp(8.0, 3_000.0) as u32;
            self.crowds.push_back((time, people));
            self.queue_up(time, What::Crowd);
            self.checkers.push_back(time + draw.between(0.0, 600.0));
            self.queue_up(time + 600.0, What::Checks);
            time += draw.exponential(11.0 * HOUR) + HOUR;
        }
    }

    /// The next act, and when it happens; nothing when everybody has gone or time is over.
    pub fn wake(&mut self) -> Option<(f64, Handle, Act)> {
        loop {
            let Reverse(entry) = self.queue.pop()?;
            let time = f64::from_bits(entry.time);
            if time >= self.setting.end {
                return None;
            }
            match entry.what {
                What::Acts(slot) => {
                    if let Some(act) = self.act(slot, time) {
                        let life = self.actors[slot].life;
                        return Some((time, Handle { slot, life }, act));
                    }
                }
                What::Arrives(which) => self.arrive(which, time),
                What::Begins => self.begin(),
                What::Crowd => self.crowd(),
                What::Checks => self.check(time),
            }
        }
    }

    /// When the next act is, at the earliest.
    pub fn due(&self) -> Option<f64> {
        self.queue
            .peek()
            .map(|Reverse(entry)| f64::from_bits(entry.time))
            .filter(|time| *time < self.setting.end)
    }

    /// Tells an actor what came of its request, at `time`.
    pub fn hear(&mut self, who: Handle, time: f64, answer: &Answer) {
        let scene = &mut Scene {
            now: time,
            setting: &self.setting,
            loot: &mut self.loot,
        };
        if let Some(slot) = self
            .actors
            .get_mut(who.slot)
            .filter(|slot| slot.life == who.life)
            && let Some(actor) = &mut slot.actor
        {
            actor.hear(scene, answer);
        }
    }

    /// Whether an actor goes on without waiting for an answer.
    pub fn is_impatient(&self, who: Handle) -> bool {
        self.actors
            .get(who.slot)
            .and_then(|slot| slot.actor.as_ref())
            .is_some_and(|actor| actor.is_impatient())
    }

    /// Lets an actor act again when it wants to; those who are done go.
    pub fn go_on(&mut self, who: Handle, time: f64) {
        let scene = &mut Scene {
            now: time,
            setting: &self.setting,
            loot: &mut self.loot,
        };
        let Some(slot) = self
            .actors
            .get_mut(who.slot)
            .filter(|slot| slot.life == who.life)
        else {
            return;
        };
        match slot.actor.as_mut().and_then(|actor| actor.next(scene)) {
            Some(next) if next < self.setting.end => {
                self.queue_up(next.max(time), What::Acts(who.slot))
            }
            _ => self.release(who.slot),
        }
    }

    /// Clients who were not let in because there were too many.
    pub fn turned_away(&self) -> u64 {
        self.turned_away
    }

    /// Clients who are there.
    #[cfg(test)]
    pub fn present(&self) -> usize {
        self.actors.len() - self.free.len()
    }

    /// When it ends.
    pub fn end(&self) -> f64 {
        self.setting.end
    }

    fn queue_up(&mut self, time: f64, what: What) {
        self.order += 1;
        self.queue.push(Reverse(Entry {
            time: time.max(0.0).to_bits(),
            order: self.order,
            what,
        }));
    }

    fn admit(&mut self, time: f64, actor: Box<dyn Actor>, kind: Option<usize>) {
        if time >= self.setting.end {
            return;
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.actors.len() < MAX_ACTORS => {
                self.actors.push(Slot::default());
                self.actors.len() - 1
            }
            None => {
                self.turned_away += 1;
                return;
            }
        };
        self.actors[slot].actor = Some(actor);
        self.actors[slot].kind = kind;
        self.queue_up(time, What::Acts(slot));
    }

    fn release(&mut self, slot: usize) {
        self.actors[slot].actor = None;
        self.actors[slot].life = self.actors[slot].life.wrapping_add(1);
        self.free.push(slot);
    }

    fn act(&mut self, slot: usize, time: f64) -> Option<Act> {
        let scene = &mut Scene {
            now: time,
            setting: &self.setting,
            loot: &mut self.loot,
        };
        let act = self.actors[slot]
            .actor
            .as_mut()
            .and_then(|actor| actor.act(scene));
        match (&act, self.actors[slot].kind) {
            (None, _) => self.release(slot),
            (Some(_), Some(which)) => self.arrivals[which].sent += 1,
            (Some(_), None) => {}
        }
        act
    }

    fn arrive(&mut self, which: usize, time: f64) {
        let arrival = &mut self.arrivals[which];
        let visitor = arrival.due.then(|| {
            arrival.number += 1;
            normal::arrive(arrival.kind, arrival.number, time, &self.setting)
        });
        // How many requests a visit has is learned from the visits so far.
        let each = (arrival.sent as f64 + 30.0 * 40.0) / (arrival.number as f64 + 30.0);
        let mean = each / (arrival.rate * normal::busy(arrival.kind, time)).max(1e-9);
        let gap = arrival.draw.exponential(mean).max(1e-4);
        arrival.due = gap <= LONGEST_GAP;
        if let Some(visitor) = visitor {
            self.admit(time, visitor, Some(which));
        }
        self.queue_up(time + gap.min(LONGEST_GAP), What::Arrives(which));
    }

    fn begin(&mut self) {
        let Some(beginning) = self.campaigns.pop_front() else {
            return;
        };
        let started = beginning.scenario.begin(
            (beginning.group, beginning.turn),
            beginning.time,
            self.most,
            &self.setting,
        );
        for (time, actor) in started.actors {
            self.admit(time, actor, None);
        }
        if let Some(next) = self.campaigns.front() {
            self.queue_up(next.wake, What::Begins);
        }
    }

    fn crowd(&mut self) {
        let Some((time, people)) = self.crowds.pop_front() else {
            return;
        };
        let mut draw = Draw::of(self.setting.seed, time.to_bits());
        let at = [0, 2][draw.below(2)];
        for _ in 0..people {
            let start = time + draw.exponential(90.0);
            let own = Draw::new(draw.bits());
            let visitor = Visitor::new(
                Character::of("flash-crowd"),
                at,
                None,
                own,
                start,
                &self.setting,
            );
            self.admit(start, Box::new(visitor), None);
        }
    }

    fn check(&mut self, time: f64) {
        let Some(number) = self.checkers.pop_front() else {
            return;
        };
        let draw = Draw::of(self.setting.seed, number.to_bits());
        let checker = Reader::link_checker(number.to_bits(), draw, &self.setting);
        self.admit(time, Box::new(checker), None);
    }
}

/// When which campaign begins: spread over the time, the first fifth of it left to those who belong there.
fn beginnings(plan: &Plan, start: f64) -> VecDeque<Beginning> {
    let mut draw = Draw::of(plan.seed, 0xbe61);
    let mut all = Vec::new();
    let wanted = plan.load * plan.duration * plan.attacks / (1.0 - plan.attacks).max(0.1);
    let each = wanted / plan.scenarios.len().max(1) as f64;
    for scenario in &plan.scenarios {
        let count = plan
            .campaigns
            .unwrap_or_else(|| usual_number(scenario, each, plan.most));
        for _ in 0..count.min(MAX_CAMPAIGNS) {
            let time = start + plan.duration * draw.between(0.15, 0.85);
            let wake = (time - scenario.lead()).max(start);
            all.push(Beginning {
                time,
                wake,
                scenario,
                group: 0,
                turn: 0,
            });
        }
    }
    all.sort_by(|one, other| one.wake.total_cmp(&other.wake));
    let mut counts = vec![draw.below(4) as u32; SCENARIOS.len()];
    for (index, beginning) in all.iter_mut().enumerate() {
        let place = SCENARIOS
            .iter()
            .position(|scenario| scenario.name == beginning.scenario.name)
            .unwrap_or(0);
        counts[place] += 1;
        beginning.turn = counts[place];
        beginning.group = index as u32;
    }
    all.into()
}

/// How many campaigns send about `each` requests together; at least one where any attacks are wanted.
fn usual_number(scenario: &Scenario, each: f64, most: u32) -> u32 {
    if each <= 0.0 {
        return 0;
    }
    let mean = |(low, high): (u32, u32)| {
        let high = high.min(most.max(low));
        if high == low {
            f64::from(low)
        } else {
            f64::from(high - low) / (f64::from(high) / f64::from(low)).ln()
        }
    };
    let size = scenario
        .variants
        .iter()
        .map(|variant| mean(variant.budget))
        .sum::<f64>()
        / scenario.variants.len() as f64;
    (each / size).round().clamp(1.0, 4_000.0) as u32
}

/// A world that answers by itself: virtual time, no sockets.
pub struct Offline {
    world: World,
    backend: Backend,
}

impl Offline {
    /// The traffic of a plan.
    pub fn new(plan: &Plan) -> Self {
        Self {
            world: World::new(plan),
            backend: Backend::new(plan.seed),
        }
    }

    /// The world, for its counts.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The next exchange, with a gateway before the APIs: `gate` gives the answer of a request that it stops, and
    /// nothing where it lets it through. Clients hear what it did, and react.
    pub fn next_through(
        &mut self,
        gate: &mut dyn FnMut(f64, &Act) -> Option<Answer>,
    ) -> Option<Event> {
        let (time, who, act) = self.world.wake()?;
        let answer = gate(time, &act).unwrap_or_else(|| self.backend.answer(&act.request, time));
        self.world.hear(who, time, &answer);
        self.world.go_on(who, time);
        Some(Event { time, act, answer })
    }
}

impl Iterator for Offline {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.next_through(&mut |_, _| None)
    }
}

/// After so many seconds without an arrival the gap is drawn again, at the rate of that hour. Exponential gaps have no
/// memory, so this changes nothing else.
const LONGEST_GAP: f64 = 900.0;

/// The share of programs in normal traffic.
const PROGRAMS: f64 = 0.25;

/// Clients who may be there at a time.
const MAX_ACTORS: usize = 200_000;

/// Campaigns of one attack.
const MAX_CAMPAIGNS: u32 = 10_000;

#[cfg(test)]
mod tests;
