//! What a detector is worth: precision, recall and F1 over actors, time to detection, and what got through before. An
//! actor is one simulated client, or one coordinated group; it is detected when it was throttled, denied or banned at
//! least once while its attack went on. Knows nothing of sockets: the live simulation feeds it, and a replay may as well.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::message::Decision;

/// One request and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The client.
    pub actor: u64,
    /// The group that an attacker belongs to; none for normal clients.
    pub group: Option<u32>,
    /// The attack, or the kind of normal client.
    pub scenario: &'a str,
    /// Whether the client is an attacker.
    pub attacker: bool,
    /// Whether this request is part of the attack, not cover.
    pub hostile: bool,
    /// Whether the client is the victim of an attack: what befalls it is counted apart.
    pub victim: bool,
    /// When, in seconds.
    pub time: f64,
    /// What was done about it.
    pub decision: Decision,
    /// The attack that the detector believed to see, if it says.
    pub cause: Option<&'a str>,
}

/// Collects sightings. Its memory grows with actors, not requests, up to [`MAX_ACTORS`]; the rest is counted.
#[derive(Debug, Default)]
pub struct Scorer {
    actors: HashMap<Key, Seen>,
    names: Vec<String>,
    overflow: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Client(u64),
    Group(u32),
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    name: usize,
    attacker: bool,
    victim: bool,
    requests: u64,
    hostile: u64,
    stopped: u64,
    /// Hostile requests that got through, in all and before the first stop.
    through: u64,
    before: u64,
    first_hostile: Option<f64>,
    first_stop: Option<f64>,
    cause: Option<usize>,
}

/// The figures of one attack, or of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The attack.
    pub scenario: String,
    /// Actors that carried it out.
    pub actors: u64,
    /// Those that were detected.
    pub detected: u64,
    /// False alarms that are charged to it: harmless actors that were stopped. A part of one where a detector does not
    /// say what it believed to see and there are several attacks.
    pub false_alarms: f64,
    /// Seconds from the first hostile request to the first stop: median of those detected.
    pub seconds: Option<f64>,
    /// Hostile requests that got through before the first stop: median over all actors.
    pub before: f64,
    /// Hostile requests, and those that got through at any time.
    pub hostile: u64,
    /// Hostile requests that got through.
    pub through: u64,
}

/// The figures of one kind of harmless client.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Harmless {
    /// The kind; `victims` for those whose account or token was abused.
    pub kind: String,
    /// Clients.
    pub actors: u64,
    /// Those that were stopped at least once.
    pub stopped: u64,
    /// Requests, and how many of them were stopped.
    pub requests: u64,
    /// Requests that were stopped.
    pub requests_stopped: u64,
}

/// All figures of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// By attack, in order of their names.
    pub rows: Vec<Row>,
    /// All attacks together.
    pub total: Row,
    /// By kind of harmless client.
    pub harmless: Vec<Harmless>,
    /// Sightings of actors beyond the bound.
    pub overflow: u64,
}

impl Scorer {
    /// Takes a sighting into account. Sightings of one actor come in the order of time.
    pub fn see(&mut self, of: &Sighting<'_>) {
        let key = of.group.map_or(Key::Client(of.actor), Key::Group);
        if self.actors.len() >= MAX_ACTORS && !self.actors.contains_key(&key) {
            self.overflow += 1;
            return;
        }
        let name = self.name(of.scenario);
        let cause = of.cause.map(|cause| self.name(cause));
        let seen = self.actors.entry(key).or_insert(Seen {
            name,
            attacker: of.attacker,
            ..Seen::default()
        });
        seen.add(of, cause);
    }

    fn name(&mut self, name: &str) -> usize {
        self.names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| {
                self.names.push(name.to_owned());
                self.names.len() - 1
            })
    }

    /// The figures so far.
    pub fn table(&self) -> Table {
        let mut groups: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
        for seen in self
            .actors
            .values()
            .filter(|seen| seen.attacker && seen.hostile > 0)
        {
            groups.entry(&self.names[seen.name]).or_default().push(seen);
        }
        let attackers: usize = groups.values().map(Vec::len).sum();
        let rows = groups.iter().map(|(name, group)| {
            let share = group.len() as f64 / attackers as f64;
            row(name, group, self.false_alarms(name, &groups, share))
        });
        let rows: Vec<Row> = rows.collect();
        let all: Vec<&Seen> = groups.values().flatten().copied().collect();
        let alarms = self.alarms().count() as f64;
        Table {
            total: row("all", &all, alarms),
            rows,
            harmless: self.harmless(),
            overflow: self.overflow,
        }
    }

    /// Harmless actors that were stopped; victims are not among them.
    fn alarms(&self) -> impl Iterator<Item = &Seen> {
        self.actors
            .values()
            .filter(|seen| !seen.attacker && !seen.victim && seen.stopped > 0)
    }

    /// Those that name this attack, and its share of those that name none of the attacks there were.
    fn false_alarms(&self, name: &str, groups: &BTreeMap<&str, Vec<&Seen>>, share: f64) -> f64 {
        let named = |seen: &Seen| {
            seen.cause
                .map(|cause| self.names[cause].as_str())
                .filter(|cause| groups.contains_key(cause))
        };
        self.alarms()
            .map(|seen| match named(seen) {
                Some(cause) if cause == name => 1.0,
                Some(_) => 0.0,
                None => share,
            })
            .fold(0.0, |sum, part| sum + part)
    }

    fn harmless(&self) -> Vec<Harmless> {
        let mut kinds: BTreeMap<&str, Harmless> = BTreeMap::new();
        for seen in self.actors.values().filter(|seen| !seen.attacker) {
            let kind = if seen.victim {
                "victims"
            } else {
                &self.names[seen.name]
            };
            let harmless = kinds.entry(kind).or_insert_with(|| Harmless {
                kind: kind.to_owned(),
                ..Harmless::default()
            });
            harmless.actors += 1;
            harmless.stopped += u64::from(seen.stopped > 0);
            harmless.requests += seen.requests;
            harmless.requests_stopped += seen.stopped;
        }
        kinds.into_values().collect()
    }
}

impl Seen {
    fn add(&mut self, of: &Sighting<'_>, cause: Option<usize>) {
        self.requests += 1;
        self.victim |= of.victim;
        if of.hostile {
            self.hostile += 1;
            self.first_hostile.get_or_insert(of.time);
        }
        // An attacker that is stopped before it did anything was not detected for its attack.
        let counts = !self.attacker || self.first_hostile.is_some();
        if of.decision.is_stop() && counts {
            self.stopped += 1;
            self.first_stop.get_or_insert(of.time);
            self.cause = self.cause.or(cause);
        }
        if of.hostile && of.decision.let_through() {
            self.through += 1;
            self.before += u64::from(self.first_stop.is_none());
        }
    }
}

fn row(name: &str, group: &[&Seen], false_alarms: f64) -> Row {
    let seconds = group
        .iter()
        .filter_map(|seen| Some(seen.first_stop? - seen.first_hostile?));
    Row {
        scenario: name.to_owned(),
        actors: group.len() as u64,
        detected: group
            .iter()
            .filter(|seen| seen.first_stop.is_some())
            .count() as u64,
        false_alarms,
        seconds: median(seconds.collect()),
        before: median(group.iter().map(|seen| seen.before as f64).collect()).unwrap_or(0.0),
        hostile: group.iter().map(|seen| seen.hostile).sum(),
        through: group.iter().map(|seen| seen.through).sum(),
    }
}

impl Row {
    /// Of those who were accused, how many were guilty; 1 where nobody was.
    pub fn precision(&self) -> f64 {
        let accused = self.detected as f64 + self.false_alarms;
        if accused == 0.0 {
            1.0
        } else {
            self.detected as f64 / accused
        }
    }

    /// Of the guilty, how many were detected; 1 where there were none.
    pub fn recall(&self) -> f64 {
        if self.actors == 0 {
            1.0
        } else {
            self.detected as f64 / self.actors as f64
        }
    }

    /// The harmonic mean of both.
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall == 0.0 {
            0.0
        } else {
            2.0 * precision * recall / (precision + recall)
        }
    }

    fn text(&self) -> String {
        let seconds = self
            .seconds
            .map_or("-".to_owned(), |seconds| format!("{seconds:.1}"));
        let share = 100.0 * self.through as f64 / self.hostile.max(1) as f64;
        format!(
            "{:<22} {:>6} {:>8} {:>7.2} {:>9.3} {:>7.3} {:>6.3} {:>9} {:>8.0} {:>9} {:>8.1}",
            self.scenario,
            self.actors,
            self.detected,
            self.false_alarms,
            self.precision(),
            self.recall(),
            self.f1(),
            seconds,
            self.before,
            self.through,
            share
        )
    }

    fn json(&self) -> Value {
        json!({
            "scenario": self.scenario, "actors": self.actors, "detected": self.detected, "false_alarms": self.false_alarms,
            "precision": self.precision(), "recall": self.recall(), "f1": self.f1(), "seconds_to_detection": self.seconds,
            "through_before": self.before, "hostile": self.hostile, "through": self.through,
        })
    }
}

impl Table {
    /// The table for people, line by line.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "{:<22} {:>6} {:>8} {:>7} {:>9} {:>7} {:>6} {:>9} {:>8} {:>9} {:>8}",
            "attack",
            "actors",
            "detected",
            "false",
            "precision",
            "recall",
            "F1",
            "s to stop",
            "before",
            "through",
            "% of all"
        )];
        lines.extend(self.rows.iter().chain([&self.total]).map(Row::text));
        lines.push(String::new());
        lines.push(format!(
            "{:<22} {:>8} {:>8} {:>10} {:>10}",
            "harmless clients", "actors", "stopped", "requests", "stopped"
        ));
        for kind in &self.harmless {
            lines.push(format!(
                "{:<22} {:>8} {:>8} {:>10} {:>10}",
                kind.kind, kind.actors, kind.stopped, kind.requests, kind.requests_stopped
            ));
        }
        if self.overflow > 0 {
            lines.push(format!(
                "{} requests of actors beyond {MAX_ACTORS} were not counted",
                self.overflow
            ));
        }
        lines
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        let harmless = self.harmless.iter().map(|kind| {
            json!({ "kind": kind.kind, "actors": kind.actors, "stopped": kind.stopped, "requests": kind.requests, "requests_stopped": kind.requests_stopped })
        });
        json!({
            "attacks": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
            "total": self.total.json(),
            "harmless": harmless.collect::<Vec<_>>(),
            "overflow": self.overflow,
        })
    }
}

/// Mean and spread of a figure over several runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation of a sample; 0 for a single run.
    pub deviation: f64,
}

/// The figures of one attack over several seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The attack.
    pub scenario: String,
    /// Runs in which it occurred.
    pub runs: usize,
    /// Precision.
    pub precision: Spread,
    /// Recall.
    pub recall: Spread,
    /// F1.
    pub f1: Spread,
}

/// Means and spreads over the tables of several seeds, by attack; all together come last.
pub fn over_seeds(tables: &[Table]) -> Vec<Summary> {
    let mut rows: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in tables.iter().flat_map(|table| &table.rows) {
        rows.entry(&row.scenario).or_default().push(row);
    }
    let totals: Vec<&Row> = tables.iter().map(|table| &table.total).collect();
    let all = rows
        .iter()
        .map(|(name, rows)| (*name, rows.as_slice()))
        .chain([("all", totals.as_slice())]);
    all.map(|(name, rows)| Summary {
        scenario: name.to_owned(),
        runs: rows.len(),
        precision: spread(rows.iter().map(|row| row.precision())),
        recall: spread(rows.iter().map(|row| row.recall())),
        f1: spread(rows.iter().map(|row| row.f1())),
    })
    .collect()
}

/// The table of means for people, line by line.
pub fn summary_lines(summaries: &[Summary]) -> Vec<String> {
    let mut lines = vec![format!(
        "{:<22} {:>5} {:>17} {:>17} {:>17}",
        "attack", "runs", "precision", "recall", "F1"
    )];
    let pair = |of: Spread| format!("{:.3} ± {:.3}", of.mean, of.deviation);
    for row in summaries {
        lines.push(format!(
            "{:<22} {:>5} {:>17} {:>17} {:>17}",
            row.scenario,
            row.runs,
            pair(row.precision),
            pair(row.recall),
            pair(row.f1)
        ));
    }
    lines
}

fn spread(values: impl Iterator<Item = f64> + Clone) -> Spread {
    let count = values.clone().count();
    if count == 0 {
        return Spread::default();
    }
    let mean = values.clone().sum::<f64>() / count as f64;
    let squares = values.map(|value| (value - mean).powi(2)).sum::<f64>();
    let deviation = if count > 1 {
        (squares / (count - 1) as f64).sqrt()
    } else {
        0.0
    };
    Spread { mean, deviation }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Actors that are told apart.
pub const MAX_ACTORS: usize = 5_000_000;

#[cfg(test)]
mod tests;
