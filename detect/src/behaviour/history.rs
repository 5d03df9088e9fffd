//! What is known of a subject as models read it: the columns of the behaviour view, and the last requests one by one.
//! Taken before the request itself is counted, so that a model sees what led up to it. The subject is the narrowest
//! that the request names; what happens at its address comes along.

use crate::behaviour::compact::Compact;
use crate::behaviour::profile::{Profile, Step, WINDOW};
use crate::behaviour::state::State;
use crate::behaviour::subject::{SubjectId, SubjectKind, Subjects};
use crate::clock::Clock;

/// The history of a subject.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The columns named by [`History::NAMES`].
    pub columns: [f32; History::NAMES.len()],
    /// The last requests, oldest first, rows of [`History::STEP_NAMES`]; rows of zeros stand before the first.
    pub steps: [[f32; History::STEP_NAMES.len()]; WINDOW],
}

impl History {
    /// Raised when a column changes its meaning.
    pub(crate) const VERSION: u32 = 1;

    /// How many requests there are.
    pub const LENGTH: usize = WINDOW;

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

impl State {
    /// The history of whom a request comes from; `None` of a subject that is not known yet.
    pub(super) fn history(&self, subjects: &Subjects, clock: &dyn Clock) -> Option<History> {
        let tick = self.tick(clock);
        let principal = subjects.principal();
        let address = SubjectId::address(subjects.client);
        let at_address = self.store.peek(address, |compact, _| *compact);
        let wall = self.wall_at(tick).as_secs();
        self.store.peek(principal, |compact, profile| {
            let mut now = *compact;
            // Risk is no column, so how fast it is forgiven does not matter.
            now.pass(tick, f32::MAX);
            let steps: Vec<Step> = profile.map_or_else(Vec::new, |p| p.steps_in_order().collect());
            let mut columns = of_subject(&now, profile, &steps, tick);
            let [users, sessions] = at_address.map_or([0.0; 2], |a| [a.tried.count(), a.others.count()]);
            columns[0] = users.ln_1p();
            columns[1] = sessions.ln_1p();
            columns[7] = f32::from(u8::from(subjects.is_machine()));
            [columns[13], columns[14], columns[15]] = moment(wall);
            History {
                columns,
                steps: rows(&steps),
            }
        })
    }
}

impl Subjects {
    /// The narrowest subject: session before user before key before address.
    fn principal(&self) -> SubjectId {
        let kinds = [SubjectKind::Session, SubjectKind::User, SubjectKind::Key];
        let named = kinds.iter().find_map(|kind| self.id(*kind));
        named.unwrap_or_else(|| SubjectId::address(self.client))
    }

    /// Whether it comes from where only machines are: the network of a crawler, or a program that claims to be one.
    fn is_machine(&self) -> bool {
        self.crawler != crate::behaviour::Crawler::default()
    }
}

/// Columns of the subject itself; those of its address and of the moment are left 0.
fn of_subject(
    now: &Compact,
    profile: Option<&Profile>,
    steps: &[Step],
    tick: u64,
) -> [f32; History::NAMES.len()] {
    let total = now.total as f32;
    let places = now.places.count();
    let age = tick.saturating_sub(now.first) as f32 / 1000.0;
    let slow = (now.work - now.usual_work) / (now.usual_work + 0.1);
    [
        0.0,
        0.0,
        places.ln_1p(),
        total.ln_1p(),
        age.ln_1p(),
        now.gap.clamp(-7.0, 7.0),
        (places / total.max(1.0)).min(1.0),
        0.0,
        now.rates.window(3).ln_1p(),
        now.errors() / now.answers().max(1.0),
        diversity(steps),
        entropy(steps),
        slow.clamp(-1.0, 10.0),
        0.0,
        0.0,
        0.0,
        now.variants.count().ln_1p(),
        profile.map_or(0.0, |profile| profile.distance.clamp(0.0, 10.0)),
    ]
}

/// The hour and the day as parts of a day and a week, and whether it is Saturday or Sunday (UTC).
fn moment(wall: u64) -> [f32; 3] {
    const HOUR: u64 = 3600;
    let hour = (wall / HOUR % 24) as f32 / 24.0;
    // The first of January 1970 was a Thursday; Monday is 0.
    let day = (wall / (24 * HOUR) + 3) % 7;
    [hour, day as f32 / 7.0, f32::from(u8::from(day >= 5))]
}

/// The share of different places among the requests of the window.
fn diversity(steps: &[Step]) -> f32 {
    if steps.is_empty() {
        return 0.0;
    }
    let new = |(at, step): &(usize, &Step)| {
        steps[..*at].iter().all(|earlier| earlier.template != step.template)
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

fn rows(steps: &[Step]) -> [[f32; History::STEP_NAMES.len()]; WINDOW] {
    let mut rows = [[0.0; History::STEP_NAMES.len()]; WINDOW];
    let free = WINDOW - steps.len().min(WINDOW);
    for (at, row) in rows[free..].iter_mut().enumerate() {
        *row = row_of(steps, at);
    }
    rows
}

fn row_of(steps: &[Step], at: usize) -> [f32; History::STEP_NAMES.len()] {
    let step = &steps[at];
    let flag = |holds: bool| f32::from(u8::from(holds));
    let bit = |bit: u8| flag(step.flags & (1 << bit) != 0);
    let class = step.status / 100;
    let same = steps.iter().filter(|other| other.template == step.template).count();
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
