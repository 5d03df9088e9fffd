//! The engine's part of a policy: how strict, from which score on what, and what is excepted.

use serde::{Deserialize, Serialize};

use crate::view::Limits;

/// The engine's part of a route's policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// From which score on what is done.
    pub thresholds: Thresholds,
    /// 1 to 4. Rules of a higher paranoia level stay silent.
    pub paranoia: u8,
    /// What shall not count, for tuning.
    pub exceptions: Vec<Exception>,
    /// What is done with behaviour.
    pub behaviour: Watch,
    /// Whether the models are asked, where there are any.
    pub ensemble: bool,
    /// How much of a request is looked at.
    #[serde(skip)]
    pub limits: Limits,
}

/// What a policy does with the behaviour of a request's subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// Nothing: requests are neither counted nor judged.
    #[default]
    Off,
    /// Requests are counted and judged; nobody is banned for them.
    Observe,
    /// And who deserves it is banned.
    Enforce,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            thresholds: Thresholds::default(),
            paranoia: 1,
            exceptions: Vec::new(),
            behaviour: Watch::Off,
            ensemble: false,
            limits: Limits::default(),
        }
    }
}

/// Scores (0 to 100) from which an action is taken. One over 100 is never reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Tag from here.
    pub tag: f32,
    /// Throttle from here.
    pub throttle: f32,
    /// Deny from here.
    pub deny: f32,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            tag: 40.0,
            throttle: 60.0,
            deny: 80.0,
        }
    }
}

/// Evidence that shall not count. All parts that are given must hold; one that names neither a rule nor a tag
/// silences every rule at its place. An exception with no part at all holds for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exception {
    /// A rule's id, or its beginning followed by `*`.
    pub rule: Option<String>,
    /// A tag of the rule, or its beginning followed by `*`.
    pub tag: Option<String>,
    /// The name of a route.
    pub route: Option<String>,
    /// A field: its name, its location, or `location:name` (`comment`, `json`, `json:comment`); names without regard
    /// to case.
    pub field: Option<String>,
    /// A path, or its beginning followed by `*`.
    pub path: Option<String>,
}
