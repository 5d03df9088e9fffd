//! Resource exhaustion: few requests, much work.
//!
//! Counted are seconds of the upstream's time within a minute, beyond what the same places usually take: when the
//! upstream is slow for everyone, nobody is to blame. And requests that ask for a lot at once, pages of a thousand
//! items or deeply nested queries, which a client that works well needs now and then, not again and again. Mails that
//! anybody can have sent (a forgotten password, an invitation) count as well: they cost money and other people's time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene};

/// Bounds for resource exhaustion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceExhaustion {
    /// Seconds of the upstream's time within a minute, beyond twice of what is usual for the same places.
    pub work: Bounds,
    /// From how many items, or hundredfold levels of nesting, on a request asks for a lot.
    pub lot: u32,
    /// Requests that ask for a lot, or have mails sent, within 10 minutes.
    pub greedy: Bounds,
}

impl Default for ResourceExhaustion {
    fn default() -> Self {
        Self {
            work: Bounds::new(25.0, 60.0),
            lot: 1000,
            greedy: Bounds::new(10.0, 20.0),
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.resource_exhaustion;
    let compact = &known.compact;
    let scale = known.scale();
    let greedy =
        settings
            .greedy
            .times(scale)
            .finding(Kind::ResourceExhaustion, known.id, compact.greedy);
    greedy
        .filter(|_| scene.visit.mails || scene.visit.asked >= settings.lot)
        .or_else(|| {
            let beyond = compact.work - 2.0 * compact.usual_work;
            settings
                .work
                .times(scale)
                .finding(Kind::ResourceExhaustion, known.id, beyond)
        })
}
