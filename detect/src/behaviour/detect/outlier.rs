//! Outliers: far from what every group of other clients does.
//!
//! The distance is measured elsewhere, at leisure, over a sample of profiles (`State::sample`), and put back with
//! `State::note_distance`; until then it is 0 and nothing is found. It is a hint, never a reason by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Known, Scene};

/// Bounds for outliers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outlier {
    /// From which distance on, in the unit of who measured it.
    pub distance: f32,
    /// What it weighs.
    pub score: u8,
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            distance: 3.0,
            score: 40,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.outlier;
    let distance = known.traits?.distance;
    (distance >= settings.distance).then(|| Finding {
        kind: Kind::Outlier,
        subject: known.id,
        score: settings.score,
        confidence: known.compact.confidence(),
        value: distance,
        bound: settings.distance,
    })
}
