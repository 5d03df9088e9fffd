//! Unusual order of requests.
//!
//! For every place it is counted where clients go from there. A step that nobody takes costs about ten bits, one that
//! half of them take costs one; what is compared is how many bits a step costs more than steps from that place do on
//! average, for from a menu one may go anywhere. These are added up, less a bit for each step, and never fall below
//! nothing: people take an odd step now and then, programs that jump about (testers, thieves, scripts written against
//! the documentation) take one after the other. An hour of the day that a user has hardly ever used adds to it.
//!
//! It is a reason to throttle for what says to be a browser and has a session, since a browser goes where the
//! application leads it; an app that fetches everything at its first start, and programs, order their calls as they
//! like: for these it is a hint. It is silent while little is known, and while so many are strange that the application
//! must have changed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Known, Scene};

/// Bounds for unusual sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UnusualSequence {
    /// Steps of browsers' sessions, all together, that must have been seen before anybody's are judged. Lower, and the
    /// first who come look strange; a restart begins anew.
    pub learned: f32,
    /// Bits that are taken off for each step: how far from usual one may walk for ever.
    pub drift: f32,
    /// The most that a single step counts, in bits.
    pub most: f32,
    /// Bits beyond usual, added up, from which on it is a hint.
    pub hint_bits: f32,
    /// What the hint weighs.
    pub hint: u8,
    /// Bits beyond usual, added up, from which on it is a reason to throttle.
    pub throttle_bits: f32,
    /// How rarely an hour is used, against the average hour, for it to be unusual.
    pub rare_hour: f32,
    /// Bits that an unusual hour adds.
    pub hour_bits: f32,
}

impl Default for UnusualSequence {
    fn default() -> Self {
        Self {
            learned: 2500.0,
            drift: 1.0,
            most: 5.0,
            hint_bits: 12.0,
            hint: 40,
            throttle_bits: 22.0,
            rare_hour: 0.02,
            hour_bits: 6.0,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.unusual_sequence;
    let traits = known.traits?;
    // A place where many sit has no order of its own.
    if known.is_place() || scene.application_changed {
        return None;
    }
    let walked = known.compact.surprise;
    let odd_hour = traits.hour < settings.rare_hour && walked > 0.0;
    let bits = walked + f32::from(u8::from(odd_hour)) * settings.hour_bits;
    let sure = bits >= settings.throttle_bits && scene.visit.browser;
    (bits >= settings.hint_bits).then(|| Finding {
        kind: Kind::UnusualSequence,
        subject: known.id,
        score: if sure { 62 } else { settings.hint },
        confidence: known.compact.confidence(),
        value: bits,
        bound: settings.hint_bits,
    })
}
