//! Unusual order of requests.
//!
//! For every place it is counted where clients go from there. A step that nobody takes costs about seven bits, one that
//! half of them take costs one. The average over a client's latest steps tells programs that jump about (testers,
//! thieves, scripts written against the documentation) from those that walk as the application leads them. It is a
//! hint until it is extreme, and always one for an address that nobody has signed in at: there are always a few who do
//! it their own way. An hour of the day that a user has never
//! used adds to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Known, Scene};

/// Bounds for unusual sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnusualSequence {
    /// Requests in the window from which on the order is judged, at most 32.
    pub steps: usize,
    /// Bits a step, on average, from which on it is a hint.
    pub hint_bits: f32,
    /// What the hint weighs.
    pub hint: u8,
    /// Bits a step from which on it is a reason to throttle.
    pub throttle_bits: f32,
    /// How rarely an hour is used, against the average hour, for it to be unusual.
    pub rare_hour: f32,
}

impl Default for UnusualSequence {
    fn default() -> Self {
        Self {
            steps: 16,
            hint_bits: 5.0,
            hint: 40,
            throttle_bits: 7.5,
            rare_hour: 0.02,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.unusual_sequence;
    let traits = known.traits?;
    // A place where many sit has no order of its own.
    if traits.steps < settings.steps || known.scale() > 1.5 {
        return None;
    }
    let odd_hour = traits.hour < settings.rare_hour && !known.is_place();
    let bits = known.compact.surprise + f32::from(u8::from(odd_hour));
    (bits >= settings.hint_bits).then(|| Finding {
        kind: Kind::UnusualSequence,
        subject: known.id,
        score: if bits >= settings.throttle_bits && !known.is_place() {
            62
        } else {
            settings.hint
        },
        confidence: known.compact.confidence(),
        value: bits,
        bound: settings.hint_bits,
    })
}
