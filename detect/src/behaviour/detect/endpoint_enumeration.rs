//! Endpoint scan: guessing paths.
//!
//! Who follows links meets the same few dead ones again and again: a missing icon, an old picture. Who guesses meets
//! many different ones, and they are a good part of all he asks for. Paths with the number of an object in them count
//! for object enumeration instead. What is answered is the next guess: requests for places that exist pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};

/// Bounds for endpoint scans.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointEnumeration {
    /// Different paths that were not there or forbidden, within 20 to 40 minutes.
    pub lost: Bounds,
    /// Their share of all answers from which on that counts, 0 to 1.
    pub lost_share: f32,
}

impl Default for EndpointEnumeration {
    fn default() -> Self {
        Self {
            lost: Bounds::new(14.0, 20.0),
            lost_share: 0.25,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    // A place that has been answered well was not guessed, whoever else is at the address.
    let known_place = scene.busy.rates.iter().any(|rate| *rate > 0.0);
    if known_place {
        return None;
    }
    let settings = &scene.settings.endpoint_enumeration;
    let compact = &known.compact;
    let often =
        share(compact.missing + compact.forbidden, compact.answers()) >= settings.lost_share;
    let bounds = settings.lost.times(known.scale());
    bounds
        .finding(Kind::EndpointEnumeration, known.id, compact.lost.count())
        .filter(|_| often)
}
