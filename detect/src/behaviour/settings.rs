//! What an operator can set about behaviour. Everything has a default that was chosen on made-up and recorded traffic;
//! times are whole seconds unless a field says otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::behaviour::detect::Detectors;

/// All settings of the behaviour stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether it runs at all. Off it costs nothing, and every policy's own switch is without effect.
    pub enabled: bool,
    /// How much is remembered. Taken over at a restart only.
    pub memory: Memory,
    /// How findings become a risk.
    pub risk: RiskSettings,
    /// How long a ban lasts, and how it grows.
    pub bans: BanSettings,
    /// The thresholds of the detectors.
    pub detectors: Detectors,
    /// Networks that are judged but never throttled, denied or banned for their behaviour: your own monitoring.
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<ipnet::IpNet>,
}

/// How much is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// Subjects with counters, about 250 bytes each. Beyond it, those that were quiet longest and did nothing wrong
    /// are forgotten.
    pub subjects: u32,
    /// Subjects with a full profile, about 2.5 KB each: the most recently active.
    pub profiles: u32,
    /// Route templates with statistics, about 700 bytes each.
    pub templates: u32,
    /// Bans.
    pub bans: u32,
    /// Seconds after which a quiet subject is forgotten.
    pub forget: u32,
    /// Seconds after which a quiet user is forgotten: what people are used to outlasts a night and a week-end. The
    /// bounds on subjects and profiles hold all the same.
    pub forget_users: u32,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            subjects: 1_000_000,
            profiles: 50_000,
            templates: 4096,
            bans: 100_000,
            forget: 4 * 3600,
            forget_users: 14 * 86_400,
        }
    }
}

/// How findings become a risk, and a risk a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RiskSettings {
    /// Seconds in which a risk halves once nothing more is found.
    pub half_life: u32,
    /// How much of a subject's risk is added to the score of a request that other evidence speaks against, 0 to 1.
    pub weight: f32,
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self {
            half_life: 600,
            weight: 0.3,
        }
    }
}

/// How long a ban lasts, and how it grows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BanSettings {
    /// Whether anyone is banned. Off, what would be banned is denied request by request.
    pub enabled: bool,
    /// Seconds of the first ban.
    pub first: u32,
    /// How many times longer each further one is.
    pub growth: u32,
    /// Seconds of the longest one.
    pub longest: u32,
    /// Seconds for which a ban that is over is remembered.
    pub memory: u32,
    /// After how many stopped requests within minutes throttling turns into a ban, since who was told to wait does
    /// not. Floods are left out: their bounds for bans count what was stopped.
    pub insistence: f32,
    /// From how many healthy users, sessions or programs on an address the address itself is never banned.
    pub shared_from: u32,
    /// Seconds that `Retry-After` names to who is throttled.
    pub retry_after: u32,
    /// Milliseconds for which a tarpit holds who is throttled, where the policy delays.
    pub delay_ms: u32,
}

impl Default for BanSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            first: 300,
            growth: 4,
            longest: 86_400,
            memory: 86_400,
            insistence: 20.0,
            shared_from: 3,
            retry_after: 10,
            delay_ms: 1000,
        }
    }
}
