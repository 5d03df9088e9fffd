//! Undeclared automation: a program that says to be something else.
//!
//! A crawler's name that its address belies is a lie, and reason enough. Everything else is a hint: a browser by name
//! that sends none of the headers every browser sends, or whose requests come like clockwork. Programs that say what
//! they are (curl, libraries, monitors) are what APIs are for.
//!
//! A hidden program that only reads does little harm, and is not stopped for that. One that writes, request after
//! request and without ever loading what belongs to a page (it buys, votes, registers), is slowed down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Finding, Kind, Known, Scene};
use crate::behaviour::subject::{Crawler, SubjectKind};

/// What signs of automation weigh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bot {
    /// A crawler's name that reverse DNS or the published ranges belie.
    pub false_crawler: u8,
    /// Each sign that contradicts the browser that a client says to be.
    pub sign: u8,
    /// The most that signs weigh together.
    pub most: u8,
    /// How many of the last 32 requests must write, with no asset among them, for a hidden program to be slowed down.
    pub writes: u32,
    /// What that weighs.
    pub writing: u8,
    /// The spread of the logarithm of times between requests below which they come like clockwork.
    pub clockwork: f32,
}

impl Default for Bot {
    fn default() -> Self {
        Self {
            false_crawler: 85,
            sign: 15,
            most: 45,
            writes: 8,
            writing: 65,
            clockwork: 0.01,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    if known.id.kind != SubjectKind::Address {
        return None;
    }
    let settings = &scene.settings.bot;
    if scene.subjects.crawler == Crawler::False {
        return Some(finding(known, settings.false_crawler, 1.0));
    }
    let compact = &known.compact;
    let clockwork = compact.total >= 50
        && compact.gap_spread < settings.clockwork
        && compact.places.count() >= 3.0
        && scene.visit.signs > 0;
    let signs = scene.visit.signs.saturating_add(u8::from(clockwork));
    (signs >= 2).then(|| {
        let writes = known.traits.is_some_and(|traits| {
            traits.assets == 0.0 && traits.writes >= settings.writes as usize
        });
        let score = match writes && scene.visit.write {
            true => settings.writing,
            false => signs.saturating_mul(settings.sign).min(settings.most),
        };
        finding(known, score, f32::from(signs))
    })
}

fn finding(known: &Known, score: u8, signs: f32) -> Finding {
    Finding {
        kind: Kind::Bot,
        subject: known.id,
        score,
        confidence: known.compact.confidence(),
        value: signs,
        bound: 2.0,
    }
}
