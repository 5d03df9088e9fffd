//! What is counted of a set, and how sure a share of so many is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portcullis_detect::{Action, Verdict};

use super::sample::Sample;

/// What became of the requests of a set.
pub struct SetTally {
    /// The set: its folder and name.
    pub name: String,
    /// By class.
    pub classes: BTreeMap<String, ClassTally>,
    /// Harmless requests that were denied or throttled, by host.
    pub alarms_by_host: BTreeMap<String, usize>,
    /// The same by the rules that spoke.
    pub alarms_by_rule: BTreeMap<Arc<str>, RuleAlarms>,
}

/// What became of the requests of a class.
#[derive(Default)]
pub struct ClassTally {
    /// How many there are.
    pub count: usize,
    /// How many were denied.
    pub denied: usize,
    /// How many were throttled, and not denied.
    pub throttled: usize,
    /// How many were only tagged.
    pub tagged: usize,
    /// How long inspection took, all together.
    pub time: Duration,
}

/// False alarms that a rule had a part in.
#[derive(Default)]
pub struct RuleAlarms {
    /// In how many it spoke.
    pub count: usize,
    /// In how many it was the strongest evidence.
    pub leading: usize,
    /// To how many hosts.
    pub hosts: BTreeSet<String>,
    /// Where it spoke first, and at what.
    pub example: String,
}

impl SetTally {
    /// A set of which nothing was judged yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            classes: BTreeMap::new(),
            alarms_by_host: BTreeMap::new(),
            alarms_by_rule: BTreeMap::new(),
        }
    }

    /// Counts a verdict.
    pub fn add(&mut self, sample: &Sample, verdict: &Verdict, took: Duration) {
        let class = self.classes.entry(sample.class.clone()).or_default();
        class.count += 1;
        class.time += took;
        match verdict.action {
            Action::Deny => class.denied += 1,
            Action::Throttle => class.throttled += 1,
            Action::Tag => class.tagged += 1,
            Action::Allow => {}
        }
        if !sample.attack && verdict.action >= Action::Throttle {
            self.add_alarm(&sample.host, verdict);
        }
    }

    fn add_alarm(&mut self, host: &str, verdict: &Verdict) {
        *self.alarms_by_host.entry(host.to_owned()).or_default() += 1;
        let mut counted = BTreeSet::new();
        for (rank, evidence) in verdict.evidence.iter().enumerate() {
            if !counted.insert(&evidence.rule) {
                continue;
            }
            let alarms = self
                .alarms_by_rule
                .entry(evidence.rule.clone())
                .or_insert_with(|| RuleAlarms {
                    example: format!(
                        "{:?} {:?}: {:?}",
                        evidence.location, evidence.field, evidence.excerpt
                    ),
                    ..RuleAlarms::default()
                });
            alarms.count += 1;
            alarms.leading += usize::from(rank == 0);
            alarms.hosts.insert(host.to_owned());
        }
    }
}

impl ClassTally {
    /// The share that was denied, 0 to 1.
    pub fn rate(&self) -> f64 {
        self.denied as f64 / self.count.max(1) as f64
    }

    /// Microseconds per request.
    pub fn microseconds(&self) -> f64 {
        self.time.as_secs_f64() * 1e6 / self.count.max(1) as f64
    }
}

/// Between which shares the true one lies with 95 % confidence, when `hits` of `count` were seen: the score interval
/// of E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927). (0, 1) of nothing.
pub fn wilson(hits: usize, count: usize) -> (f64, f64) {
    /// The normal distribution's 97.5th percentile.
    const Z: f64 = 1.959_964;
    if count == 0 {
        return (0.0, 1.0);
    }
    let n = count as f64;
    let share = hits as f64 / n;
    let scale = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((centre - half).max(0.0), (centre + half).min(1.0))
}
