//! What the ensemble says of a request: each member's vote, and what they say together.

use std::sync::Arc;

use serde::Serialize;

use super::manifest::Group;
use crate::rule::Category;

/// The ensemble's part of a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Opinion {
    /// The joint probability of an attack, 0 to 1.
    pub probability: f32,
    /// The share of the votes' weight that is on the side that the joint probability is on, 0 to 1.
    pub confidence: f32,
    /// How many members are at or above their own threshold.
    pub agreeing: usize,
    /// How many members voted.
    pub voting: usize,
    /// What it makes of the score that the signatures gave.
    pub effect: Effect,
    /// The category that the classifier names, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Each member that was asked.
    pub votes: Vec<Vote>,
    /// Each member that was not, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// What speaks for it most, in the field that is most suspicious; only where it raised the score.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// What the ensemble did to a score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It left the score as it was.
    #[default]
    None,
    /// It lowered what weak rules had found.
    Lowered,
    /// It raised the score.
    Raised,
    /// It denies, whatever the signatures say.
    Denied,
}

impl Effect {
    /// All effects.
    pub const ALL: [Effect; 4] = [
        Effect::None,
        Effect::Lowered,
        Effect::Raised,
        Effect::Denied,
    ];

    /// The name in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Effect::None => "none",
            Effect::Lowered => "lowered",
            Effect::Raised => "raised",
            Effect::Denied => "denied",
        }
    }
}

/// One member's vote.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Vote {
    /// Its name.
    pub model: Arc<str>,
    /// Its calibrated probability, 0 to 1.
    pub probability: f32,
    /// Whether it is at or above its own threshold.
    pub agrees: bool,
    /// Whether it has no say.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// What it rests on, strongest first; of members that took a tagged or denied request for an attack, where there was
    /// time to find out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Because>,
    /// How that was found out, where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
    #[serde(skip)]
    pub(super) group: Option<Group>,
    #[serde(skip)]
    pub(super) weight: f32,
}

/// How it was found out what a vote rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Explained {
    /// From the model's own trees: all parts add up to what it says beyond what it says of an ordinary request.
    Exact,
    /// By asking it again with one part made ordinary; parts overlap.
    Ablation,
}

/// A part of what a member read that speaks for an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Because {
    /// The part, in words; no bytes of the request.
    pub what: &'static str,
    /// By how much the probability is lower where this part is ordinary; of an exact explanation, its share of what the
    /// probability is above that of an ordinary request.
    pub contribution: f32,
}

/// A member that was not asked, or did not answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// Its name.
    pub model: Arc<str>,
    /// Why.
    pub why: Why,
}

/// Why a member has no vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The deadline had passed.
    Deadline,
    /// The first members saw nothing, and no rule did.
    Clear,
    /// The cheap members were not in doubt.
    NotGrey,
    /// No session was free.
    Busy,
    /// It could not be loaded.
    Absent,
    /// It reads what is known of the client or the connection, and nothing is known yet, or nobody measured it.
    NoHistory,
    /// It failed, or answered with what is no number.
    Failed,
}

impl Why {
    /// All reasons.
    pub const ALL: [Why; 7] = [
        Why::Deadline,
        Why::Clear,
        Why::NotGrey,
        Why::Busy,
        Why::Absent,
        Why::NoHistory,
        Why::Failed,
    ];

    /// The name in metrics and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Why::Deadline => "deadline",
            Why::Clear => "clear",
            Why::NotGrey => "not-grey",
            Why::Busy => "busy",
            Why::Absent => "absent",
            Why::NoHistory => "no-history",
            Why::Failed => "failed",
        }
    }
}

/// A piece of a field that speaks for an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// The piece, as text.
    pub text: String,
    /// What it adds to the gate's logit.
    pub contribution: f32,
}

/// How much each group counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// By [`Group::ALL`].
    pub groups: [f32; 3],
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            groups: [35.0, 50.0, 15.0],
        }
    }
}

impl Weights {
    /// The joint probability: the mean of the groups' means, by the groups' weights, of those groups that voted. `None`
    /// where nobody did.
    pub(super) fn joint(&self, votes: &[Vote]) -> Option<f32> {
        let (mut sum, mut all) = (0.0, 0.0);
        for (group, weight) in Group::ALL.into_iter().zip(self.groups) {
            if let Some(mean) = mean(votes, group) {
                sum += weight * mean;
                all += weight;
            }
        }
        (all > 0.0).then(|| sum / all)
    }

    /// The share of the votes' weight on the side that says attack (or not).
    pub(super) fn confidence(&self, votes: &[Vote], attack: bool) -> f32 {
        let (mut same, mut all) = (0.0, 0.0);
        for (group, weight) in Group::ALL.into_iter().zip(self.groups) {
            let of = || votes.iter().filter(|vote| vote.group == Some(group));
            let total: f32 = of().map(|vote| vote.weight).sum();
            if total > 0.0 {
                let agreeing = of().filter(|vote| vote.agrees == attack);
                let agreeing: f32 = agreeing.map(|vote| vote.weight).sum();
                same += weight * agreeing / total;
                all += weight;
            }
        }
        if all > 0.0 { same / all } else { 0.0 }
    }
}

fn mean(votes: &[Vote], group: Group) -> Option<f32> {
    let (mut sum, mut all) = (0.0, 0.0);
    for vote in votes.iter().filter(|vote| vote.group == Some(group)) {
        sum += vote.weight * vote.probability;
        all += vote.weight;
    }
    (all > 0.0).then(|| sum / all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Group::*;

    fn vote(group: Group, weight: f32, probability: f32) -> Vote {
        Vote {
            model: "x".into(),
            probability,
            agrees: probability >= 0.5,
            shadow: false,
            because: Vec::new(),
            explained: None,
            group: Some(group),
            weight,
        }
    }

    #[test]
    fn groups_count_by_their_weights() {
        let weights = Weights::default();
        let cases: &[(&[Vote], Option<f32>)] = &[
            (&[], None),
            (&[vote(Supervised, 1.0, 0.8)], Some(0.8)),
            (
                &[vote(Supervised, 1.0, 1.0), vote(Unsupervised, 1.0, 0.0)],
                Some(50.0 / 85.0),
            ),
            (
                &[
                    vote(Supervised, 1.0, 1.0),
                    vote(Unsupervised, 1.0, 0.0),
                    vote(Neural, 1.0, 1.0),
                ],
                Some(0.65),
            ),
            // CNN 60, BiLSTM 40.
            (
                &[vote(Neural, 60.0, 1.0), vote(Neural, 40.0, 0.0)],
                Some(0.6),
            ),
            (&[vote(Supervised, 0.0, 1.0)], None),
        ];
        for (votes, expected) in cases {
            assert_eq!(weights.joint(votes), *expected, "{votes:?}");
        }
    }

    #[test]
    fn confidence_is_the_share_on_one_side() {
        let weights = Weights::default();
        let votes = [
            vote(Supervised, 3.0, 0.9),
            vote(Supervised, 1.0, 0.1),
            vote(Unsupervised, 1.0, 0.2),
        ];
        let attack = weights.confidence(&votes, true);
        assert!((attack - 50.0 * 0.75 / 85.0).abs() < 1e-6);
        let other = weights.confidence(&votes, false);
        assert!((attack + other - 1.0).abs() < 1e-6);
        assert_eq!(weights.confidence(&[], true), 0.0);
    }
}
