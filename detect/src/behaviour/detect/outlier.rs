//! Outliers: far from what every group of other clients does.
//!
//! Every minute, off the workers, a sample of the clients that are active is grouped by how they behave (rates, pace,
//! errors, how many different places, log-ins, shares of assets and writes: `State::sample`): DBSCAN (Ester, Kriegel,
//! Sander, Xu 1996), sessions and addresses apart. How far a client is from the nearest member of a group is put back
//! with `State::note_distances`; until then it is 0 and nothing is found. To be unlike others is no crime, so it is a
//! hint. It is a reason to throttle where what is that far says to be a browser and has a session: people at screens
//! are many, and like one another. Nobody is in doubt long: the distance is measured anew each minute, and
//! halves where it is not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Known, Scene};
use crate::behaviour::subject::SubjectKind;

/// How outliers are measured, and from where on they count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outlier {
    /// From which distance on it is a hint, as a multiple of the distance at which two clients count as alike.
    pub distance: f32,
    /// What the hint weighs.
    pub score: u8,
    /// From which distance on it is a reason to throttle a browser's session.
    pub throttle_distance: f32,
    /// Seconds between two measurements; 0 for none. A measurement that took long is followed by a rest ten times as
    /// long. Taken over at a restart.
    pub every: u32,
    /// The most clients of a sample, sessions and addresses: at most 20,000, and more is taken for that. Twice as many take up to
    /// four times as long. Taken over at a restart.
    pub sample: u32,
    /// Clients that must be alike to be a group. Taken over at a restart.
    pub min_points: u32,
}

impl Outlier {
    /// The most clients of a sample.
    pub const MOST: u32 = 20_000;
}

impl Default for Outlier {
    fn default() -> Self {
        Self {
            distance: 1.5,
            score: 40,
            throttle_distance: 4.0,
            every: 60,
            sample: 5000,
            min_points: 8,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.outlier;
    let distance = known.traits?.distance;
    let sure = distance >= settings.throttle_distance
        && known.id.kind == SubjectKind::Session
        && scene.visit.browser;
    (distance >= settings.distance).then(|| Finding {
        kind: Kind::Outlier,
        subject: known.id,
        score: if sure { 62 } else { settings.score },
        confidence: known.compact.confidence(),
        value: distance,
        bound: settings.distance,
    })
}
