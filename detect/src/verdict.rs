//! The verdict: what the engine thinks of one request, and on what evidence. The gateway enforces it, records it and
//! shows it; nothing downstream adds to it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::behaviour::Judgement;
use crate::ensemble::Opinion;
use crate::field::Location;
use crate::policy::Thresholds;
use crate::rule::{Category, Severity};

/// What the engine thinks of one request or response.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// 0 (nothing) to 100 (certain).
    pub score: f32,
    /// The score as a word.
    pub level: Level,
    /// What the attack is named: the category with the highest score, or what the classifier says where rules are weak
    /// or divided (`ensemble/naming.rs`); `None` without evidence.
    pub category: Option<Category>,
    /// What the policy's thresholds make of the score.
    pub action: Action,
    /// What the score rests on, strongest first, at most [`Verdict::MAX_EVIDENCE`] findings.
    pub evidence: Vec<Evidence>,
    /// How long each stage took.
    pub stages: Stages,
    /// What was not looked at.
    pub uninspected: Uninspected,
    /// What behaviour says, where that stage ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<Judgement>,
    /// What the models say, where they were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<Opinion>,
}

impl Verdict {
    /// How many findings a verdict keeps. All of them count for the score.
    pub const MAX_EVIDENCE: usize = 32;

    /// The verdict on a request that nothing speaks against.
    pub fn allow() -> Self {
        Self {
            score: 0.0,
            level: Level::Low,
            category: None,
            action: Action::Allow,
            evidence: Vec::new(),
            stages: Stages::default(),
            uninspected: Uninspected::default(),
            behaviour: None,
            ensemble: None,
        }
    }
}

impl Verdict {
    /// Another score, and what follows from it.
    pub(crate) fn rescore(&mut self, score: f32, thresholds: &Thresholds) {
        self.score = score;
        self.level = Level::of(score);
        self.action = thresholds.action(score);
    }

    /// Adds a finding at its place: the strongest come first, and the weakest goes where there are too many.
    pub(crate) fn add(&mut self, evidence: Evidence) {
        let weaker = |other: &Evidence| other.score < evidence.score;
        let at = self.evidence.iter().position(weaker);
        self.evidence
            .insert(at.unwrap_or(self.evidence.len()), evidence);
        self.evidence.truncate(Self::MAX_EVIDENCE);
    }
}

impl Default for Verdict {
    fn default() -> Self {
        Self::allow()
    }
}

/// What is to be done with the request, mildest first.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Forward it.
    #[default]
    Allow,
    /// Forward it with a header that tells the upstream.
    Tag,
    /// Answer 429, or delay it.
    Throttle,
    /// Answer 403.
    Deny,
}

impl Action {
    /// All actions, mildest first.
    pub const ALL: [Action; 4] = [Action::Allow, Action::Tag, Action::Throttle, Action::Deny];

    /// The name used in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Tag => "tag",
            Action::Throttle => "throttle",
            Action::Deny => "deny",
        }
    }
}

/// The score in words.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Below 40.
    #[default]
    Low,
    /// From 40 to below 60.
    Medium,
    /// From 60 to below 80.
    High,
    /// From 80 to 100.
    Critical,
}

impl Level {
    /// The level of a score. A score that is no number reads as critical: it must not pass for harmless.
    pub fn of(score: f32) -> Self {
        if score < 40.0 {
            Level::Low
        } else if score < 60.0 {
            Level::Medium
        } else if score < 80.0 {
            Level::High
        } else {
            Level::Critical
        }
    }
}

/// One finding of one rule in one field.
#[derive(Clone, Debug, Serialize)]
pub struct Evidence {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The rule's name.
    pub name: Arc<str>,
    /// Why it matters, in one sentence.
    pub why: Arc<str>,
    /// The kind of attack.
    pub category: Category,
    /// How bad.
    pub severity: Severity,
    /// What the finding weighs alone, 1 to 100.
    pub score: u8,
    /// The rule's tags (`owasp:…`, `api:…`, `cwe:…`).
    pub tags: Arc<[String]>,
    /// Where the field stands.
    pub location: Location,
    /// The field's name, at most [`Evidence::MAX_FIELD`] bytes, unprintable bytes replaced.
    pub field: String,
    /// The matched bytes and what surrounds them, at most [`Evidence::MAX_EXCERPT`] bytes, unprintable bytes replaced.
    pub excerpt: String,
    /// Which bytes of the excerpt matched.
    pub mark: Range<u32>,
    /// Which bytes matched, counted in the form that the rule saw.
    pub range: Range<u32>,
    /// The form that the rule saw (`raw`, `text`, `sql`, …).
    pub form: &'static str,
}

impl Evidence {
    /// The longest field name kept, in bytes.
    pub const MAX_FIELD: usize = 64;
    /// The longest excerpt kept, in bytes.
    pub const MAX_EXCERPT: usize = 128;
}

/// How long each stage took; `None` for a stage that was skipped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stages {
    /// Reading the request into fields, and decoding them.
    pub decode: Option<Duration>,
    /// Rules.
    pub signature: Option<Duration>,
    /// The subject's behaviour.
    pub behaviour: Option<Duration>,
    /// The models.
    pub ensemble: Option<Duration>,
    /// Score, exceptions, thresholds.
    pub decision: Option<Duration>,
}

impl Stages {
    /// Each stage by name, in the order in which they run.
    pub const fn each(&self) -> [(&'static str, Option<Duration>); 5] {
        [
            ("decode", self.decode),
            ("signature", self.signature),
            ("behaviour", self.behaviour),
            ("ensemble", self.ensemble),
            ("decision", self.decision),
        ]
    }

    /// All stages together.
    pub fn total(&self) -> Duration {
        self.each().iter().filter_map(|(_, time)| *time).sum()
    }
}

impl Serialize for Stages {
    /// A map from stage to microseconds, or to the word `skipped`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(5))?;
        for (name, time) in self.each() {
            match time {
                Some(time) => map.serialize_entry(name, &(time.as_nanos() as f64 / 1000.0))?,
                None => map.serialize_entry(name, "skipped")?,
            }
        }
        map.end()
    }
}

/// What the engine was not able, or not allowed, to look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Uninspected {
    /// The body went on after the bytes that were handed in.
    pub body: bool,
    /// Some fields were over a cap: too many, too long or nested too deep.
    pub fields: bool,
}

impl Uninspected {
    /// Whether everything was looked at.
    pub const fn is_nothing(self) -> bool {
        !self.body && !self.fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        for (score, level) in [
            (0.0, Level::Low),
            (39.9, Level::Low),
            (40.0, Level::Medium),
            (59.9, Level::Medium),
            (60.0, Level::High),
            (80.0, Level::Critical),
            (100.0, Level::Critical),
            (f32::NAN, Level::Critical),
        ] {
            assert_eq!(Level::of(score), level, "{score}");
        }
    }

    #[test]
    fn a_skipped_stage_says_so() {
        let stages = Stages {
            decode: Some(Duration::from_nanos(1500)),
            ..Stages::default()
        };
        let json = serde_json::to_value(stages).unwrap();
        assert_eq!(json["decode"], 1.5);
        assert_eq!(json["behaviour"], "skipped");
    }
}
