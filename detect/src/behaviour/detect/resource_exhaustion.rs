//! Resource exhaustion: few requests, much work.
//!
//! Counted are seconds of the upstream's time within a minute, beyond what the same places usually take: when the
//! upstream is slow for everyone, nobody is to blame. And requests that ask for a lot at once, pages of a thousand
//! items or nested queries (of GraphQL the levels, and the items of lists within lists), which a client that works well
//! needs now and then, not again and again. Mails that anybody can have sent (a forgotten password, an invitation) count
//! as well: they cost money and other people's time.
//! What is a lot follows from what others ask for at the same place.
//!
//! And places that take far longer than the others and that few clients go to, reports and exports: who asks for hardly
//! anything else, again and again, keeps the servers busy even where a single answer takes half a second.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, PROGRAM, Scene, share};

/// Bounds for resource exhaustion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceExhaustion {
    /// Seconds of the upstream's time within a minute, beyond twice of what is usual for the same places.
    pub work: Bounds,
    /// From how many items, or hundredfold levels of nesting, on a request asks for a lot.
    pub lot: u32,
    /// How many times more items than is usual at the place are a lot.
    pub more: f32,
    /// Requests that ask for a lot, or have mails sent, within 10 minutes.
    pub greedy: Bounds,
    /// A place is slow where it takes so many seconds on average, and `slower` times as long as all places do.
    pub slow: f32,
    /// See `slow`.
    pub slower: f32,
    /// Requests for slow places within 10 minutes. Places that a fifth of all clients go to are what the application is
    /// for, and do not count.
    pub costly: Bounds,
    /// Their share of the client's requests from which on that counts, 0 to 1.
    pub costly_share: f32,
}

impl Default for ResourceExhaustion {
    fn default() -> Self {
        Self {
            work: Bounds::new(25.0, 60.0),
            lot: 1000,
            more: 6.0,
            greedy: Bounds::new(10.0, 20.0),
            slow: 0.15,
            slower: 4.0,
            costly: Bounds::new(28.0, 70.0),
            costly_share: 0.7,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.resource_exhaustion;
    let compact = &known.compact;
    // A key is judged by itself, with a program's bounds; its address must not be judged by a person's.
    let program = scene.subjects.key.is_some() && known.is_place();
    let scale = known.scale().max(if program { PROGRAM } else { 1.0 });
    let greedy =
        settings
            .greedy
            .times(scale)
            .finding(Kind::ResourceExhaustion, known.id, compact.greedy);
    greedy
        .filter(|_| scene.visit.greedy)
        .or_else(|| costly(scene, known))
        .or_else(|| {
            let beyond = compact.work - 2.0 * compact.usual_work;
            settings
                .work
                .times(scale)
                .finding(Kind::ResourceExhaustion, known.id, beyond)
        })
}

/// Hardly anything but slow places. What is answered is a request for one. Of a program with a key that says nothing:
/// it was written for a few places, and polls them.
fn costly(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    if scene.subjects.key.is_some() {
        return None;
    }
    let settings = &scene.settings.resource_exhaustion;
    let costly = known.traits.filter(|_| scene.visit.costly)?.costly;
    let most = share(costly, known.compact.rates.window(3)) >= settings.costly_share;
    settings
        .costly
        .times(known.scale())
        .finding(Kind::ResourceExhaustion, known.id, costly)
        .filter(|_| most)
}
