//! What is known of a subject as models read it: the columns of the behaviour view, and the last requests one by one.
//! Taken before the request itself is counted, so that a model sees what led up to it. The subject is the narrowest
//! that the request names; what happens at its address comes along.

use crate::behaviour::compact::Compact;
use crate::behaviour::profile::{Step, WINDOW};
use crate::behaviour::state::State;
use crate::behaviour::subject::{Crawler, SubjectId, SubjectKind, Subjects};
use crate::clock::Clock;

/// The history of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The columns named by [`History::NAMES`].
    pub columns: [f32; History::COLUMNS],
    /// The last requests, oldest first, rows of [`History::STEP_NAMES`]; rows of zeros stand before the first.
    pub steps: [[f32; History::STEP_COLUMNS]; WINDOW],
}

impl History {
    /// Raised when a column changes its meaning.
    pub(crate) const VERSION: u32 = 1;

    /// How many columns there are.
    pub const COLUMNS: usize = Self::NAMES.len();

    /// How many requests there are.
    pub const LENGTH: usize = WINDOW;

    /// How many columns a request has.
    pub const STEP_COLUMNS: usize = Self::STEP_NAMES.len();

    /// The columns of the behaviour view; docs/FEATURES.md says what each one is.
    pub const NAMES: [&'static str; 18] = [
        "num_users",
        "num_sessions",
        "num_unique_apis",
        "sequence_length",
        "session_duration",
        "inter_api_access_duration",
        "api_access_uniqueness",
        "ip_type",
        "requests_10m",
        "success_rate_deviation",
        "endpoint_diversity",
        "sequence_entropy",
        "response_time_anomaly",
        "hour",
        "day",
        "weekend",
        "parameter_anomaly",
        "cluster_distance",
    ];

    /// The columns of one request of the sequence view.
    pub const STEP_NAMES: [&'static str; 16] = [
        "present",
        "gap",
        "write",
        "asset",
        "login",
        "noticed",
        "status_2xx",
        "status_3xx",
        "status_401_403",
        "status_404",
        "status_4xx",
        "status_5xx",
        "size",
        "same_place",
        "place_share",
        "new_object",
    ];
}

/// What the columns are computed from, as it is when the request comes.
struct Known {
    compact: Compact,
    steps: Vec<Step>,
    distance: f32,
    /// Users tried, and sessions, users and keys seen, at the address.
    at_address: [f32; 2],
    machine: bool,
    tick: u64,
    /// Seconds since 1970.
    wall: u64,
}

impl State {
    /// The history of whom a request comes from; `None` of a subject that is not known yet.
    pub(super) fn history(&self, subjects: &Subjects, clock: &dyn Clock) -> Option<History> {
        let tick = self.tick(clock);
        // Copied, so that the shard is held no longer than that takes.
        let seen = self.store.peek(subjects.principal(), |compact, profile| {
            let steps = profile.map_or_else(Vec::new, |profile| profile.steps_in_order().collect());
            (
                *compact,
                steps,
                profile.map_or(0.0, |profile| profile.distance),
            )
        });
        let (mut compact, steps, distance) = seen?;
        // Risk is no column, so how fast it is forgiven does not matter.
        compact.pass(tick, f32::MAX);
        let address = SubjectId::address(subjects.client);
        let at_address = self.store.peek(address, |compact, _| {
            [compact.tried.count(), compact.others.count()]
        });
        let known = Known {
            compact,
            steps,
            distance,
            at_address: at_address.unwrap_or_default(),
            machine: subjects.crawler != Crawler::None,
            tick,
            wall: self.wall_at(tick).as_secs(),
        };
        Some(History {
            columns: known.columns(),
            steps: rows(&known.steps),
        })
    }
}

impl Known {
    /// In the order of [`History::NAMES`].
    fn columns(&self) -> [f32; History::COLUMNS] {
        let Self { compact, steps, .. } = self;
        let total = compact.total as f32;
        let places = compact.places.count();
        let age = self.tick.saturating_sub(compact.first) as f32 / 1000.0;
        let slow = (compact.work - compact.usual_work) / (compact.usual_work + 0.1);
        let [users, sessions] = self.at_address;
        let [hour, day, weekend] = moment(self.wall);
        [
            users.ln_1p(),
            sessions.ln_1p(),
            places.ln_1p(),
            total.ln_1p(),
            age.ln_1p(),
            compact.gap.clamp(-7.0, 7.0),
            (places / total.max(1.0)).min(1.0),
            flag(self.machine),
            compact.rates.window(3).ln_1p(),
            compact.errors() / compact.answers().max(1.0),
            diversity(steps),
            entropy(steps),
            slow.clamp(-1.0, 10.0),
            hour,
            day,
            weekend,
            compact.variants.count().ln_1p(),
            self.distance.clamp(0.0, 10.0),
        ]
    }
}

impl Subjects {
    /// The narrowest subject: session before user before key before address.
    fn principal(&self) -> SubjectId {
        let kinds = [SubjectKind::Session, SubjectKind::User, SubjectKind::Key];
        let named = kinds.iter().find_map(|kind| self.id(*kind));
        named.unwrap_or_else(|| SubjectId::address(self.client))
    }
}

fn flag(holds: bool) -> f32 {
    f32::from(u8::from(holds))
}

/// The hour and the day as parts of a day and a week, and whether it is Saturday or Sunday (UTC).
fn moment(wall: u64) -> [f32; 3] {
    const HOUR: u64 = 3600;
    let hour = (wall / HOUR % 24) as f32 / 24.0;
    // The first of January 1970 was a Thursday; Monday is 0.
    let day = (wall / (24 * HOUR) + 3) % 7;
    [hour, day as f32 / 7.0, flag(day >= 5)]
}

/// The share of different places among the requests of the window.
fn diversity(steps: &[Step]) -> f32 {
    if steps.is_empty() {
        return 0.0;
    }
    let new = |(at, step): &(usize, &Step)| {
        steps[..*at]
            .iter()
            .all(|earlier| earlier.template != step.template)
    };
    steps.iter().enumerate().filter(new).count() as f32 / steps.len() as f32
}

/// The entropy of the steps from place to place in the window, 0 to 1.
fn entropy(steps: &[Step]) -> f32 {
    let mut pairs = [0_u64; WINDOW];
    let count = steps.len().saturating_sub(1);
    for (pair, two) in pairs.iter_mut().zip(steps.windows(2)) {
        *pair = u64::from(two[0].template) << 32 | u64::from(two[1].template);
    }
    let pairs = &mut pairs[..count];
    pairs.sort_unstable();
    let bits: f32 = pairs
        .chunk_by(|one, other| one == other)
        .map(|same| same.len() as f32 / count as f32)
        .map(|share| -share * share.log2())
        .sum();
    bits / (WINDOW as f32).log2()
}

fn rows(steps: &[Step]) -> [[f32; History::STEP_COLUMNS]; WINDOW] {
    let mut rows = [[0.0; History::STEP_NAMES.len()]; WINDOW];
    let free = WINDOW - steps.len().min(WINDOW);
    for (at, row) in rows[free..].iter_mut().enumerate() {
        *row = row_of(steps, at);
    }
    rows
}

fn row_of(steps: &[Step], at: usize) -> [f32; History::STEP_COLUMNS] {
    let step = &steps[at];
    let bit = |bit: u8| flag(step.flags & (1 << bit) != 0);
    let class = step.status / 100;
    let same = steps
        .iter()
        .filter(|other| other.template == step.template)
        .count();
    let known = steps[..at].iter().any(|other| other.object == step.object);
    [
        1.0,
        (step.gap as f32 / 1000.0).ln_1p(),
        bit(0),
        bit(1),
        bit(2),
        bit(3),
        flag(class == 2),
        flag(class == 3),
        flag(matches!(step.status, 401 | 403)),
        flag(step.status == 404),
        flag(class == 4 && !matches!(step.status, 401 | 403 | 404)),
        flag(class == 5),
        f32::from(step.size) / 255.0,
        flag(at > 0 && steps[at - 1].template == step.template),
        same as f32 / steps.len() as f32,
        flag(step.object != 0 && !known),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(template: u32, object: u32, status: u16) -> Step {
        Step {
            gap: 1000,
            template,
            object,
            status,
            size: 0,
            flags: 1,
        }
    }

    #[test]
    fn steps_become_rows_at_the_end() {
        let steps = [step(1, 7, 200), step(1, 7, 404), step(2, 8, 0)];
        let rows = rows(&steps);
        let named = |row: usize, name: &str| {
            let at = History::STEP_NAMES.iter().position(|known| *known == name);
            rows[row][at.unwrap()]
        };
        for (row, name, expected) in [
            (28, "present", 0.0),
            (29, "present", 1.0),
            (29, "gap", 2.0_f32.ln()),
            (29, "write", 1.0),
            (29, "status_2xx", 1.0),
            (29, "new_object", 1.0),
            (30, "new_object", 0.0),
            (30, "same_place", 1.0),
            (30, "status_404", 1.0),
            (30, "status_4xx", 0.0),
            (31, "place_share", 1.0 / 3.0),
            (31, "same_place", 0.0),
        ] {
            assert!((named(row, name) - expected).abs() < 1e-6, "{row} {name}");
        }
    }

    #[test]
    fn columns_say_what_was_done() {
        let mut compact = Compact::born(0);
        for (at, status) in [(0, 200), (1000, 404), (2000, 200), (3000, 200)] {
            let before = compact.last;
            compact.pass(at, 600.0);
            compact.request(before);
            compact.answer(status);
            compact.places.add(at / 2000);
        }
        let known = Known {
            compact,
            steps: vec![
                step(1, 0, 200),
                step(1, 0, 404),
                step(2, 0, 200),
                step(2, 0, 200),
            ],
            distance: 12.0,
            at_address: [3.0, 2.0],
            machine: true,
            tick: 3000,
            wall: 1_772_445_600,
        };
        let columns = known.columns();
        let pairs = [1.0_f32 / 3.0; 3];
        let bits: f32 = pairs.iter().map(|share| -share * share.log2()).sum();
        for (name, expected) in [
            ("num_users", 4.0_f32.ln()),
            ("num_sessions", 3.0_f32.ln()),
            ("num_unique_apis", compact.places.count().ln_1p()),
            ("sequence_length", 5.0_f32.ln()),
            ("session_duration", 4.0_f32.ln()),
            ("inter_api_access_duration", 0.0),
            ("api_access_uniqueness", compact.places.count() / 4.0),
            ("ip_type", 1.0),
            ("requests_10m", 4.995_f32.ln()),
            ("success_rate_deviation", 0.25),
            ("endpoint_diversity", 0.5),
            ("sequence_entropy", bits / 5.0),
            ("response_time_anomaly", 0.0),
            ("hour", 10.0 / 24.0),
            ("day", 0.0),
            ("weekend", 0.0),
            ("parameter_anomaly", 0.0),
            ("cluster_distance", 10.0),
        ] {
            let at = History::NAMES.iter().position(|known| *known == name);
            let value = columns[at.unwrap()];
            assert!(
                (value - expected).abs() < 2e-3,
                "{name}: {value} {expected}"
            );
        }
    }

    #[test]
    fn the_documentation_lists_the_columns_in_order() {
        let text = include_str!("../../../docs/FEATURES.md");
        let listed: Vec<&str> = [&History::NAMES[..], &History::STEP_NAMES[..]].concat();
        let (_, mut rest) = text.split_once("## Views `behaviour`").unwrap();
        for name in listed {
            let row = rest.split_once(&format!("| `{name}` |"));
            (_, rest) = row.unwrap_or_else(|| panic!("{name} is not listed, or out of order"));
        }
    }

    #[test]
    fn sequences_have_diversity_and_entropy() {
        let same: Vec<Step> = (0..32).map(|_| step(1, 0, 200)).collect();
        let different: Vec<Step> = (1..=32).map(|n| step(n, 0, 200)).collect();
        assert_eq!((diversity(&same), entropy(&same)), (1.0 / 32.0, 0.0));
        assert_eq!(diversity(&different), 1.0);
        assert!(entropy(&different) > 0.98);
        assert_eq!((diversity(&[]), entropy(&[])), (0.0, 0.0));
    }

    #[test]
    fn moments_are_read_in_utc() {
        // Monday, 2 March 2026, 10:00, and the Sunday before.
        let monday = 1_772_445_600;
        assert_eq!(moment(monday), [10.0 / 24.0, 0.0, 0.0]);
        assert_eq!(moment(monday - 86_400)[1..], [6.0 / 7.0, 1.0]);
    }
}
