//! Scraping: reading a collection to its end.
//!
//! People and their apps read what they look at: a page of a list, some of its items, the images. A scraper goes
//! through pages or numbers one after the other for longer than anyone scrolls, or reads hundreds of different
//! objects and next to nothing else. Health checks, pollers and dashboards ask for the same thing again and again,
//! which makes no new objects and no run. A list that goes on by cursors has no numbers to follow: there each further
//! cursor of one who has not signed in is a step, for who has signed in may be told what is new that way.
//!
//! Many addresses that share the work read little each. What they read together still goes on from number to number,
//! and hardly anybody else comes from behind, as happens with what is popular or new: who takes the next step of such a
//! walk is one of them. Where there is no order, what is left is that they read objects of one place and nothing else,
//! neither page nor list nor file: when many times more do so than is usual for that place, they are held back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, PROGRAM, Scene};
use crate::behaviour::subject::SubjectKind;

/// Bounds for scraping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scraping {
    /// Pages of a list, or numbers of objects, read one after the other.
    pub run: Bounds,
    /// Different objects read within 20 to 40 minutes.
    pub objects: Bounds,
    /// Numbers of one place that several addresses read one after the other, within ten minutes.
    pub walk: Bounds,
    /// Requests, within ten minutes, of addresses that read objects of one place and nothing else.
    pub lone: Bounds,
    /// From how many addresses on the latter two count.
    pub addresses: f32,
    /// How many times more than usual the lone ones must be.
    pub surge: f32,
    /// The share of new objects among all requests from which on their number counts, 0 to 1.
    pub new_share: f32,
    /// The share of assets (images, scripts) of the last 32 requests up to which it counts, 0 to 1.
    pub assets: f32,
}

impl Default for Scraping {
    fn default() -> Self {
        Self {
            run: Bounds::new(55.0, 110.0),
            objects: Bounds::new(200.0, 400.0),
            walk: Bounds::new(40.0, 1e6),
            lone: Bounds::new(60.0, 1e6),
            addresses: 5.0,
            surge: 4.0,
            new_share: 0.6,
            assets: 0.1,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    if scene.visit.write || scene.visit.asset {
        return None;
    }
    alone(scene, known).or_else(|| together(scene, known))
}

/// What one client does by itself.
fn alone(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.scraping;
    let traits = known.traits?;
    let reads = scene.visit.object != 0 || scene.visit.page.is_some() || scene.visit.cursor != 0;
    // A key is judged by itself, with a program's bounds; its address must not be judged by a person's.
    let program = scene.subjects.key.is_some() && known.is_place();
    let scale = known.crowd().max(if program { PROGRAM } else { 1.0 });
    let run = traits.run as f32;
    let in_order = settings
        .run
        .times(scale)
        .finding(Kind::Scraping, known.id, run)
        .filter(|_| reads);
    in_order.or_else(|| {
        // Of requests within an hour, for the objects are of the last 20 to 40 minutes.
        let new = traits.objects / known.compact.rates.window(4).max(1.0);
        let reads_little_else = new >= settings.new_share && traits.assets <= settings.assets;
        let bounds = settings.objects.times(scale);
        bounds
            .finding(Kind::Scraping, known.id, traits.objects)
            .filter(|_| reads && reads_little_else)
    })
}

/// What many addresses do together.
fn together(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.scraping;
    if known.id.kind != SubjectKind::Address || scene.subjects.key.is_some() {
        return None;
    }
    let walk = &scene.walk;
    let walks = (walk.addresses >= settings.addresses)
        .then(|| settings.walk.finding(Kind::Scraping, known.id, walk.run));
    walks.flatten().or_else(|| {
        let lone = scene.lone?;
        let many =
            lone.addresses >= settings.addresses && lone.requests >= settings.surge * lone.usual;
        settings
            .lone
            .finding(Kind::Scraping, known.id, lone.requests)
            .filter(|_| many)
    })
}
