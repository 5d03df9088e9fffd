//! Object enumeration: other people's objects by number (broken object level authorisation).
//!
//! Where the application checks, the attempts are refused: different objects that end in 401, 403 or 404 are rare for
//! who follows links, and nearly all there is for who guesses. Where it does not check, what is left is the order: a
//! signed-in client that goes through numbers one after the other on a place that holds objects. Applications that
//! load each item of a page by itself make short runs of that kind; a page has an end.
//!
//! Who mixes the attempts with much that is allowed keeps their share low. Where refusals are rare for everybody, the
//! number of different objects that were refused to one who has signed in is enough, if it is many times what others have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};

/// Bounds for object enumeration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ObjectEnumeration {
    /// Different objects that were refused or not there, within 20 to 40 minutes.
    pub refused: Bounds,
    /// The share of refused answers from which on that counts, 0 to 1.
    pub refused_share: f32,
    /// Different objects that were refused, or not there, to who has signed in, at places where that happens to hardly
    /// anybody, within 20 to 40 minutes.
    pub denied: Bounds,
    /// How many times more of its answers than of others' must be refusals for `denied` to count.
    pub unusual: f32,
    /// Objects read in the order of their numbers by who has signed in.
    pub run: Bounds,
}

impl Default for ObjectEnumeration {
    fn default() -> Self {
        Self {
            refused: Bounds::new(8.0, 14.0),
            refused_share: 0.3,
            denied: Bounds::new(12.0, 30.0),
            unusual: 5.0,
            run: Bounds::new(30.0, 60.0),
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    if scene.visit.object == 0 {
        return None;
    }
    let settings = &scene.settings.object_enumeration;
    let compact = &known.compact;
    let refused = compact.unauthorized + compact.forbidden + compact.missing;
    let often = share(refused, compact.answers()) >= settings.refused_share;
    let bounds = settings.refused.times(known.scale());
    let guessed = bounds.finding(Kind::ObjectEnumeration, known.id, compact.refused.count());
    guessed.filter(|_| often).or_else(|| {
        let traits = known.traits.filter(|_| !known.is_place())?;
        let denied = settings.denied.times(known.scale());
        let denied = denied.finding(Kind::ObjectEnumeration, known.id, traits.denied);
        let share = share(refused, compact.answers());
        if denied.is_some() && share >= settings.unusual * scene.refused {
            return denied;
        }
        let in_order = scene.visit.page.is_none() && !scene.visit.write;
        scene.visit.number.filter(|_| in_order)?;
        settings.run.times(known.scale()).finding(
            Kind::ObjectEnumeration,
            known.id,
            traits.run as f32,
        )
    })
}
