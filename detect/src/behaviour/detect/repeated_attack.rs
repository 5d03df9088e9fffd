//! Repeated attacks: what other stages find in one request after the other.
//!
//! A rule that errs does so at one place with one kind of value; a client that is denied again and again, with
//! different payloads, and for a good part of all it sends, is no error. Each request counts by its score, from 40
//! (MEDIUM) on, and only such a request is answered: what neighbours at the same address send is not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};
use crate::behaviour::judge::ATTACK;

/// Bounds for repeated attacks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RepeatedAttack {
    /// The scores of requests from 40 on within 10 minutes, in hundreds.
    pub attacks: Bounds,
    /// Different payloads that this takes.
    pub variants: f32,
    /// The share of such requests of all from which on that counts, 0 to 1.
    pub share: f32,
}

impl Default for RepeatedAttack {
    fn default() -> Self {
        Self {
            attacks: Bounds::new(4.0, 7.0),
            variants: 4.0,
            share: 0.35,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.repeated_attack;
    let compact = &known.compact;
    let all = compact.rates.window(3).max(1.0);
    if scene.visit.score < ATTACK {
        return None;
    }
    let different = compact.variants.count() >= settings.variants;
    let bounds = settings.attacks.times(known.scale());
    let found = bounds.finding(Kind::RepeatedAttack, known.id, compact.attacks);
    found.filter(|_| different && share(compact.attacks, all) >= settings.share)
}
