//! What is known of all subjects: the memory of the behaviour stage. One for the process, made at the start, shared by
//! all workers and handed from one configuration to the next.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::behaviour::ban::Bans;
use crate::behaviour::compact::Compact;
use crate::behaviour::customs::Customs;
use crate::behaviour::judgement::{Factor, Risk};
use crate::behaviour::places::Places;
use crate::behaviour::profile::{Profile, Step};
use crate::behaviour::settings::Memory;
use crate::behaviour::share::Delta;
use crate::behaviour::store::Store;
use crate::behaviour::subject::{Hashing, SubjectId, SubjectKind, mix};
use crate::behaviour::world::World;
use crate::clock::Clock;

/// What is known of all subjects.
#[derive(Debug)]
pub struct State {
    pub(super) hashing: Hashing,
    pub(super) bans: Bans,
    pub(super) store: Store,
    pub(super) places: Places,
    pub(super) customs: Customs,
    pub(super) world: World,
    outbox: Mutex<HashMap<SubjectId, Delta>>,
    origin: Instant,
    /// Wall-clock time at the origin.
    wall: Duration,
}

/// How full the memory is, and what did not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Subjects with counters.
    pub subjects: usize,
    /// Subjects that were forgotten to make room.
    pub subjects_evicted: u64,
    /// Subjects that were forgotten because they had been quiet.
    pub subjects_expired: u64,
    /// Subjects with a full profile.
    pub profiles: usize,
    /// Profiles that were given to someone else.
    pub profiles_evicted: u64,
    /// Route templates.
    pub templates: usize,
    /// Route templates that were forgotten to make room.
    pub templates_evicted: u64,
    /// Bytes that all of this takes, as allocated.
    pub bytes: usize,
}

/// What is known of one subject, for people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Portrait {
    /// Who.
    pub subject: SubjectId,
    /// Requests ever.
    pub requests: u32,
    /// Requests within 1 s, 10 s, 1 min, 10 min and 1 h, faded.
    pub rates: [f32; 5],
    /// The share of errors among the answers of the last minutes, 0 to 1.
    pub errors: f32,
    /// Failed logins within an hour.
    pub login_failures: f32,
    /// 0 to 100, as of when it was last seen.
    pub risk: f32,
    /// 0 to 1.
    pub confidence: f32,
    /// What the risk comes from.
    pub factors: [Option<Factor>; Risk::FACTORS],
    /// When it was first and last seen, since 1970-01-01 UTC.
    pub first_seen: Duration,
    /// See `first_seen`.
    pub last_seen: Duration,
}

/// A profile as numbers, for models that compare subjects. All values are between 0 and about 10.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Whose.
    pub subject: SubjectId,
    /// The numbers, named by [`Sample::NAMES`].
    pub values: [f32; Sample::NAMES.len()],
}

impl Sample {
    /// What each number is.
    pub const NAMES: [&'static str; 16] = [
        "log_requests_minute",
        "log_requests_hour",
        "gap_mean",
        "gap_spread",
        "error_share",
        "unauthorized_share",
        "missing_share",
        "log_places",
        "log_programs",
        "log_others",
        "log_login_failures",
        "log_surprise",
        "entropy",
        "asset_share",
        "write_share",
        "log_work",
    ];

    fn of(compact: &Compact, profile: &Profile) -> Self {
        let answers = compact.answers().max(1.0);
        let log = |value: f32| value.max(0.0).ln_1p();
        let [entropy, assets, writes] = profile.shape();
        Self {
            subject: profile.id,
            values: [
                log(compact.rates.window(2)),
                log(compact.rates.window(4)),
                compact.gap.clamp(-7.0, 7.0),
                compact.gap_spread.min(10.0),
                compact.errors() / answers,
                (compact.unauthorized + compact.forbidden) / answers,
                compact.missing / answers,
                log(compact.places.count()),
                log(compact.programs.count()),
                log(compact.others.count()),
                log(compact.login_failed),
                log(compact.surprise),
                entropy,
                assets,
                writes,
                log(compact.work * 10.0),
            ],
        }
    }
}

/// Requests from which on a subject has habits that can be compared.
const SAMPLED_FROM: u32 = 20;

/// Deltas that wait to be taken. Beyond this, new subjects are not told of until the next batch has left.
const OUTBOX: usize = 4096;

impl State {
    /// An empty memory. Time counts from now on `clock`, and all later clocks must agree with it.
    pub fn new(memory: &Memory, hashing: Hashing, clock: &dyn Clock) -> Self {
        let seed = hashing.name("seed", b"").value();
        Self {
            hashing,
            bans: Bans::new(memory.bans as usize),
            store: Store::new(memory, mix(seed)),
            places: Places::new(memory.templates as usize),
            customs: Customs::new(mix(seed ^ 1)),
            world: World::default(),
            outbox: Mutex::default(),
            origin: clock.now(),
            wall: clock.wall(),
        }
    }

    /// The secret behind its hashes.
    pub fn hashing(&self) -> &Hashing {
        &self.hashing
    }

    /// Who is banned.
    pub fn bans(&self) -> &Bans {
        &self.bans
    }

    /// How full it is. Looks at every shard: for a scrape, not for a request.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.store.count(&mut counts);
        self.places.count(&mut counts);
        counts.bytes += Customs::BYTES;
        counts
    }

    /// What is known of a subject.
    pub fn portrait(&self, subject: SubjectId) -> Option<Portrait> {
        self.store
            .peek(subject, |compact, _| self.paint(subject, compact))
    }

    /// The subjects with the highest risk, highest first. Looks at every subject.
    pub fn riskiest(&self, most: usize) -> Vec<Portrait> {
        let mut list = Vec::new();
        self.store.each(|id, compact| {
            if compact.risk > 0.0 {
                list.push(self.paint(id, compact));
            }
        });
        list.sort_by(|a, b| b.risk.total_cmp(&a.risk).then(a.subject.cmp(&b.subject)));
        list.truncate(most);
        list
    }

    /// The last 32 requests of a subject, oldest first; empty where it has no full profile.
    pub fn window(&self, subject: SubjectId) -> Vec<Step> {
        let steps = self.store.peek(subject, |_, profile| {
            profile.map(|profile| profile.steps_in_order().collect())
        });
        steps.flatten().unwrap_or_default()
    }

    /// Up to this many subjects as numbers, for models that compare them: addresses and sessions, which is what
    /// strangers are known by, that have sent twenty requests or more and one of them within `recent`.
    pub fn sample(&self, most: usize, recent: Duration, clock: &dyn Clock) -> Vec<Sample> {
        let tick = self.tick(clock);
        let since = tick.saturating_sub(u64::try_from(recent.as_millis()).unwrap_or(u64::MAX));
        let mut samples = Vec::new();
        if most == 0 {
            return samples;
        }
        self.store.each_profile(mix(tick), |compact, profile| {
            let known = matches!(profile.id.kind, SubjectKind::Address | SubjectKind::Session);
            if known && profile.last >= since && compact.total >= SAMPLED_FROM {
                samples.push(Sample::of(compact, profile));
            }
            samples.len() < most
        });
        samples
    }

    /// Notes how far subjects are from the nearest group of others, in the unit of who measured it; 0 is within one.
    /// Those that have lost their profile since are passed over, and those that were not measured keep half of what they
    /// had.
    pub fn note_distances(&self, distances: &HashMap<SubjectId, f32>) {
        self.store.each_profile(0, |_, profile| {
            profile.distance = match distances.get(&profile.id) {
                Some(distance) => *distance,
                None => profile.distance / 2.0,
            };
            true
        });
    }

    /// What other nodes should know of, since it was last asked, at most `most` at once.
    pub fn take_deltas(&self, most: usize) -> Vec<Delta> {
        let mut outbox = self.outbox();
        if outbox.len() <= most {
            return outbox.drain().map(|(_, delta)| delta).collect();
        }
        let taken: Vec<SubjectId> = outbox.keys().take(most).copied().collect();
        taken.iter().filter_map(|id| outbox.remove(id)).collect()
    }

    /// Takes in what another node knows.
    pub fn apply(&self, delta: &Delta, clock: &dyn Clock) {
        let tick = self.tick(clock);
        self.store
            .with(delta.subject, tick, 600.0, |compact, _, _| {
                compact.login_failed += delta.failures as f32;
                compact.login_ok += delta.successes as f32;
                compact.tried.join(delta.users);
                if delta.subject.kind == SubjectKind::User {
                    compact.others.join(delta.addresses);
                }
                compact.risk = compact.risk.max(f32::from(delta.risk.min(100)));
            });
    }

    /// Notes what other nodes should know.
    pub(super) fn tell(&self, subject: SubjectId, change: impl FnOnce(&mut Delta)) {
        let mut outbox = self.outbox();
        if outbox.len() >= OUTBOX && !outbox.contains_key(&subject) {
            return;
        }
        change(outbox.entry(subject).or_insert(Delta {
            subject,
            requests: 0,
            failures: 0,
            successes: 0,
            users: 0,
            addresses: 0,
            risk: 0,
        }));
    }

    /// Milliseconds since the state was made.
    pub(super) fn tick(&self, clock: &dyn Clock) -> u64 {
        let since = clock
            .now()
            .saturating_duration_since(self.origin)
            .as_millis();
        u64::try_from(since).unwrap_or(u64::MAX)
    }

    /// Wall-clock time at a tick.
    pub(super) fn wall_at(&self, tick: u64) -> Duration {
        self.wall + Duration::from_millis(tick)
    }

    /// The hour of the day (UTC) at a tick.
    pub(super) fn hour_at(&self, tick: u64) -> usize {
        (self.wall_at(tick).as_secs() / 3600 % 24) as usize
    }

    fn outbox(&self) -> MutexGuard<'_, HashMap<SubjectId, Delta>> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn paint(&self, subject: SubjectId, compact: &Compact) -> Portrait {
        Portrait {
            subject,
            requests: compact.total,
            rates: [0, 1, 2, 3, 4].map(|which| compact.rates.window(which)),
            errors: compact.errors() / compact.answers().max(1.0),
            login_failures: compact.login_failed,
            risk: compact.risk,
            confidence: compact.confidence(),
            factors: compact.factors(),
            first_seen: self.wall_at(compact.first),
            last_seen: self.wall_at(compact.last),
        }
    }
}
