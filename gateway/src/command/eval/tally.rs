//! What is counted of a set, and how sure a share of so many is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use portcullis_detect::{Action, Verdict};

use super::naming::Naming;
use super::sample::{Label, Sample};

/// What became of the requests of a set.
#[derive(Default)]
pub struct SetTally {
    /// The set: its folder and name.
    pub name: String,
    /// By class.
    pub classes: BTreeMap<String, ClassTally>,
    /// By other groups than the class: kind of group, then group.
    pub groups: BTreeMap<&'static str, BTreeMap<String, ClassTally>>,
    /// Why requests were refused as malformed, and how many.
    pub refusals: BTreeMap<&'static str, usize>,
    /// Harmless requests that were denied or throttled, by host.
    pub alarms_by_host: BTreeMap<String, usize>,
    /// The same by the rules that spoke.
    pub alarms_by_rule: BTreeMap<Arc<str>, RuleAlarms>,
    /// What grafted attacks that were denied were called.
    pub naming: Naming,
}

/// What became of the requests of a class.
#[derive(Clone, Copy, Default)]
pub struct ClassTally {
    /// How many there are.
    pub count: usize,
    /// How many were denied.
    pub denied: usize,
    /// How many were throttled, and not denied.
    pub throttled: usize,
    /// How many were only tagged.
    pub tagged: usize,
    /// How many the gateway would have refused as malformed, before the engine.
    pub refused: usize,
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
    /// Which request of the set the example is from.
    first: usize,
    /// Where it spoke first, and at what.
    pub example: String,
}

impl SetTally {
    /// A set of which nothing was judged yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Counts a verdict on the request with this number.
    pub fn add(&mut self, number: usize, sample: &Sample, verdict: &Verdict, took: Duration) {
        self.count(sample, |class| class.add(verdict.action, took));
        if verdict.action == Action::Deny {
            self.naming.add(&sample.types, verdict.category);
        }
        if sample.label == Label::Harmless && verdict.action >= Action::Throttle {
            self.add_alarm(number, &sample.host, verdict);
        }
    }

    /// Counts a request that the gateway refuses before the engine sees it.
    pub fn add_refused(&mut self, sample: &Sample, reason: &'static str) {
        *self.refusals.entry(reason).or_default() += 1;
        self.count(sample, |class| {
            class.count += 1;
            class.refused += 1;
        });
    }

    /// Adds what another thread counted of the same set.
    pub fn merge(&mut self, other: Self) {
        merge_classes(&mut self.classes, other.classes);
        for (kind, groups) in other.groups {
            merge_classes(self.groups.entry(kind).or_default(), groups);
        }
        for (reason, count) in other.refusals {
            *self.refusals.entry(reason).or_default() += count;
        }
        for (host, count) in other.alarms_by_host {
            *self.alarms_by_host.entry(host).or_default() += count;
        }
        for (rule, alarms) in other.alarms_by_rule {
            self.alarms_by_rule.entry(rule).or_default().merge(alarms);
        }
        self.naming.merge(&other.naming);
    }

    /// All classes of which the name fits, together.
    pub fn sum(&self, fits: impl Fn(&str) -> bool) -> ClassTally {
        let mut sum = ClassTally::default();
        for (_, class) in self.classes.iter().filter(|(name, _)| fits(name)) {
            sum.merge(*class);
        }
        sum
    }

    fn count(&mut self, sample: &Sample, count: impl Fn(&mut ClassTally)) {
        count(self.classes.entry(sample.class.clone()).or_default());
        for (kind, group) in &sample.groups {
            let groups = self.groups.entry(kind).or_default();
            count(groups.entry(group.clone()).or_default());
        }
    }

    fn add_alarm(&mut self, number: usize, host: &str, verdict: &Verdict) {
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
                    first: number,
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

fn merge_classes(into: &mut BTreeMap<String, ClassTally>, classes: BTreeMap<String, ClassTally>) {
    for (name, class) in classes {
        into.entry(name).or_default().merge(class);
    }
}

impl ClassTally {
    fn add(&mut self, action: Action, took: Duration) {
        self.count += 1;
        self.time += took;
        match action {
            Action::Deny => self.denied += 1,
            Action::Throttle => self.throttled += 1,
            Action::Tag => self.tagged += 1,
            Action::Allow => {}
        }
    }

    /// Adds another count.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.denied += other.denied;
        self.throttled += other.throttled;
        self.tagged += other.tagged;
        self.refused += other.refused;
        self.time += other.time;
    }

    /// The share that was denied, 0 to 1.
    pub fn rate(&self) -> f64 {
        self.denied as f64 / self.count.max(1) as f64
    }

    /// Microseconds per request that the engine saw.
    pub fn microseconds(&self) -> f64 {
        let seen = self.count - self.refused;
        self.time.as_secs_f64() * 1e6 / seen.max(1) as f64
    }
}

impl RuleAlarms {
    fn merge(&mut self, other: Self) {
        if self.example.is_empty() || other.first < self.first {
            self.first = other.first;
            self.example = other.example;
        }
        self.count += other.count;
        self.leading += other.leading;
        self.hosts.extend(other.hosts);
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
