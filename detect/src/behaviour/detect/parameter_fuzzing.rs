//! Parameter fuzzing: varying names and values until something breaks.
//!
//! A form that is filled in wrongly is sent again a few times, each time a little better. A fuzzer asks many different
//! questions that the application calls wrong, or breaks on, and they are a good part of all it asks. What other stages
//! find suspicious in a request is a question of its own too, but the share is what the application itself calls wrong:
//! a rule that errs on a tracker's parameters makes nobody a fuzzer.
//!
//! Many applications ignore what they do not know and answer as if nothing were. So a parameter that nobody else sends
//! to this place, and a value of a kind that nobody else gives it (`customs.rs`), count like an error: one odd name on
//! every request is a tracker, ten different ones are not. What is answered is a request that asks something; at an
//! address where others are as well, one that is odd itself. Where the application calls nothing wrong, odd questions
//! alone must be several times as many: a page that reports to a dozen trackers asks many that nobody else asks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounds, Finding, Kind, Known, Scene, share};

/// Bounds for parameter fuzzing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ParameterFuzzing {
    /// Different questions that were wrong, broke something or are asked by nobody else, within 20 to 40 minutes.
    pub variants: Bounds,
    /// Their share of all answers from which on that counts, 0 to 1.
    pub wrong_share: f32,
    /// How many times more they must be where hardly any of them is an error.
    pub unanswered: f32,
}

impl Default for ParameterFuzzing {
    fn default() -> Self {
        Self {
            variants: Bounds::new(9.0, 18.0),
            wrong_share: 0.15,
            unanswered: 2.5,
        }
    }
}

pub(super) fn look(scene: &Scene<'_>, known: &Known) -> Option<Finding> {
    let settings = &scene.settings.parameter_fuzzing;
    let compact = &known.compact;
    let odd = known.traits.map_or(0.0, |traits| traits.odd);
    let wrong = compact.invalid + compact.broken;
    let often = share(wrong + odd, compact.answers()) >= settings.wrong_share;
    let answered = share(wrong, compact.answers()) >= settings.wrong_share / 2.0;
    let times = if answered { 1.0 } else { settings.unanswered };
    let bounds = settings.variants.times(known.scale() * times);
    bounds
        .finding(Kind::ParameterFuzzing, known.id, compact.variants.count())
        .filter(|_| often && scene.visit.asks && (scene.visit.odd != 0 || known.crowd() < CROWD))
}

/// From how many clients at an address on only requests that are odd themselves are answered.
const CROWD: f32 = 1.5;
