//! What is counted of the requests of one minute or hour, one route and one host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Histogram;
use crate::entry::{Record, Vote};

/// Counts by name, with at most `NAMES` of them; what comes after is counted as `other`.
pub type Counts = BTreeMap<Box<str>, u64>;

/// What was counted. Any two can be added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cell {
    /// Requests.
    pub requests: u64,
    /// By what was done: `allow`, `tag`, `throttle`, `deny`.
    pub actions: Counts,
    /// By what would have been done, where a policy only observes.
    pub would: Counts,
    /// By the category of the request's verdict; those without evidence are left out.
    pub categories: Counts,
    /// By the level of the request's verdict.
    pub levels: Counts,
    /// By the rule that found something, each rule once per request.
    pub rules: Counts,
    /// By the class of status: `2xx` and so on, `0xx` where the client got no answer.
    pub classes: Counts,
    /// Requests with a verdict, and the sum of their scores.
    pub scored: u64,
    /// The sum of the scores.
    pub score_sum: f64,
    /// Bytes of requests' bodies.
    pub bytes_in: u64,
    /// Bytes of answers' bodies.
    pub bytes_out: u64,
    /// From the head of a request to the end of its answer.
    pub latency: Histogram,
    /// Requests that were tagged, throttled or denied, or would have been.
    pub flagged: u64,
    /// By model: its votes on requests.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<Box<str>, Votes>,
}

/// How a model voted. Written as a list, since there are as many of these as models in each cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64, u64, f64)", into = "(u64, u64, u64, u64, f64)")]
pub struct Votes {
    /// Requests that it had a vote on.
    pub votes: u64,
    /// Of these, those it took for an attack.
    pub agreed: u64,
    /// Votes on requests that were tagged, throttled or denied, or would have been.
    pub flagged: u64,
    /// Of these, those it took for an attack.
    pub flagged_agreed: u64,
    /// The sum of its probabilities.
    pub probability_sum: f64,
}

/// How many names are counted apart.
const NAMES: usize = 512;

/// How many models are counted.
const MODELS: usize = 64;

impl Cell {
    /// Counts a request.
    pub fn add(&mut self, record: &Record) {
        self.requests += 1;
        count(&mut self.actions, &record.action, 1);
        count(&mut self.would, &record.would, 1);
        count(&mut self.classes, class(record.status), 1);
        self.bytes_in += record.bytes_in;
        self.bytes_out += record.bytes_out;
        self.latency.add(record.duration_us);
        self.flagged += u64::from(record.is_flagged());
        for vote in record.votes() {
            if let Some(votes) = named(&mut self.models, &vote.model) {
                votes.add(vote, record.is_flagged());
            }
        }
        let Some(verdict) = &record.verdict else {
            return;
        };
        count(&mut self.categories, &verdict.category, 1);
        count(&mut self.levels, &verdict.level, 1);
        self.scored += 1;
        self.score_sum += verdict.score;
        for (at, evidence) in verdict.evidence.iter().enumerate() {
            let before = verdict.evidence.get(..at).unwrap_or_default();
            if !before.iter().any(|other| other.rule == evidence.rule) {
                count(&mut self.rules, &evidence.rule, 1);
            }
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        for (mine, others) in [
            (&mut self.actions, &other.actions),
            (&mut self.would, &other.would),
            (&mut self.categories, &other.categories),
            (&mut self.levels, &other.levels),
            (&mut self.rules, &other.rules),
            (&mut self.classes, &other.classes),
        ] {
            for (name, more) in others {
                count(mine, name, *more);
            }
        }
        self.scored += other.scored;
        self.score_sum += other.score_sum;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.latency.merge(&other.latency);
        self.flagged += other.flagged;
        for (model, more) in &other.models {
            if let Some(votes) = named(&mut self.models, model) {
                votes.merge(more);
            }
        }
    }

    /// Requests with which this was done, or would have been where the policy only observes.
    pub fn decided(&self, action: &str) -> u64 {
        let count = |counts: &Counts| counts.get(action).copied().unwrap_or_default();
        count(&self.actions) + count(&self.would)
    }

    /// The mean score of the requests that were scored, 0 to 100; 0 where none was.
    pub fn score_mean(&self) -> f64 {
        match self.scored {
            0 => 0.0,
            scored => self.score_sum / scored as f64,
        }
    }
}

impl Votes {
    fn add(&mut self, vote: &Vote, flagged: bool) {
        self.votes += 1;
        self.agreed += u64::from(vote.agrees);
        self.flagged += u64::from(flagged);
        self.flagged_agreed += u64::from(flagged && vote.agrees);
        self.probability_sum += vote.probability;
    }

    fn merge(&mut self, other: &Self) {
        self.votes += other.votes;
        self.agreed += other.agreed;
        self.flagged += other.flagged;
        self.flagged_agreed += other.flagged_agreed;
        self.probability_sum += other.probability_sum;
    }
}

impl From<(u64, u64, u64, u64, f64)> for Votes {
    fn from(
        (votes, agreed, flagged, flagged_agreed, probability_sum): (u64, u64, u64, u64, f64),
    ) -> Self {
        Self {
            votes,
            agreed,
            flagged,
            flagged_agreed,
            probability_sum,
        }
    }
}

impl From<Votes> for (u64, u64, u64, u64, f64) {
    fn from(votes: Votes) -> Self {
        (
            votes.votes,
            votes.agreed,
            votes.flagged,
            votes.flagged_agreed,
            votes.probability_sum,
        )
    }
}

/// The votes of a model; `None` where there are too many models already. They are as many as the manifest's, but
/// records may come from many nodes and over long.
fn named<'a>(models: &'a mut BTreeMap<Box<str>, Votes>, name: &str) -> Option<&'a mut Votes> {
    if !models.contains_key(name) {
        if models.len() >= MODELS {
            return None;
        }
        models.insert(name.into(), Votes::default());
    }
    models.get_mut(name)
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "0xx",
    }
}

fn count(counts: &mut Counts, name: &str, more: u64) {
    if name.is_empty() {
        return;
    }
    if let Some(known) = counts.get_mut(name) {
        *known += more;
        return;
    }
    let name = if counts.len() < NAMES { name } else { "other" };
    *counts.entry(name.into()).or_default() += more;
}
