//! From the joint probability and what the signatures found to a score.
//!
//! Below `tag` the models take weight from the rules that are live at a paranoia above 1 only, which are broad on
//! purpose; below `lower` also from the others. What rules of critical severity and paranoia 1 found stays. From `tag`
//! on they are one more hint of 40 to 60, which combines with the signatures' as in `score.rs` and denies only together
//! with them. From `deny` on, whose rate of false alarms was measured, they deny alone.

use super::manifest::Joint;
use super::opinion::Effect;

/// What the hint weighs just below `deny`: less than is throttled.
const BAND: (f32, f32) = (40.0, 59.9);

/// What it weighs from `deny` on.
const ALONE: (f32, f32) = (80.0, 100.0);

/// What the signatures found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// The score of all findings, 0 to 100.
    pub score: f32,
    /// The score of those of paranoia 1.
    pub strong: f32,
    /// The score of those of critical severity among them.
    pub critical: f32,
}

/// The new score, and what was done to the old one. `by` is how much of a score is taken at the most, 0 to 1.
pub(super) fn weigh(found: Found, probability: f32, joint: &Joint, by: f32) -> (f32, Effect) {
    if probability >= joint.deny {
        let hint = between(probability, joint.deny, 1.0, ALONE);
        return (raised(found.score, hint), Effect::Denied);
    }
    if probability >= joint.tag {
        let hint = between(probability, joint.tag, joint.deny.min(1.0), BAND);
        return (raised(found.score, hint), Effect::Raised);
    }
    let left = |below: f32| 1.0 - by.clamp(0.0, 1.0) * (1.0 - (probability / below).min(1.0));
    let strong = (found.strong * left(joint.lower)).max(found.critical);
    let score = rounded((found.score * left(joint.tag)).max(strong));
    if score < found.score {
        (score, Effect::Lowered)
    } else {
        (found.score, Effect::None)
    }
}

fn between(at: f32, from: f32, to: f32, (low, high): (f32, f32)) -> f32 {
    let part = if to > from {
        (at - from) / (to - from)
    } else {
        1.0
    };
    low + part.clamp(0.0, 1.0) * (high - low)
}

fn raised(score: f32, hint: f32) -> f32 {
    let together = 100.0 * (1.0 - (1.0 - score / 100.0) * (1.0 - hint / 100.0));
    rounded(together.clamp(0.0, 100.0))
}

fn rounded(score: f32) -> f32 {
    (score * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_by_probability() {
        use Effect::*;
        let joint = Joint {
            tag: 0.5,
            deny: 0.9,
            false_alarm_rate: Some(0.001),
            lower: 0.2,
            grey: [0.0, 1.0],
            clear: 0.0,
        };
        // Score, of that paranoia 1, of that critical, probability, new score, effect.
        for (score, strong, critical, probability, expected, effect) in [
            (0.0, 0.0, 0.0, 0.0, 0.0, None),
            (0.0, 0.0, 0.0, 0.4, 0.0, None),
            (56.0, 56.0, 0.0, 0.3, 56.0, None),
            (0.0, 0.0, 0.0, 0.5, 40.0, Raised),
            (0.0, 0.0, 0.0, 0.899, 59.9, Raised),
            (0.0, 0.0, 0.0, 0.9, 80.0, Denied),
            (0.0, 0.0, 0.0, 1.0, 100.0, Denied),
            // A strong rule and models in doubt deny together.
            (56.0, 56.0, 0.0, 0.85, 81.3, Raised),
            (90.0, 90.0, 90.0, 0.95, 99.0, Denied),
            // Rules that are not critical lose six tenths at the most, critical ones nothing.
            (81.0, 81.0, 0.0, 0.0, 32.4, Lowered),
            (81.0, 81.0, 0.0, 0.1, 56.7, Lowered),
            (90.0, 90.0, 90.0, 0.0, 90.0, None),
            (95.0, 95.0, 90.0, 0.0, 90.0, Lowered),
            // Rules of a higher paranoia lose as much, and up to where the models see something.
            (95.0, 0.0, 0.0, 0.0, 38.0, Lowered),
            (95.0, 0.0, 0.0, 0.25, 66.5, Lowered),
            (95.0, 0.0, 0.0, 0.499, 94.9, Lowered),
            (95.0, 0.0, 0.0, 0.85, 97.8, Raised),
            (95.0, 56.0, 0.0, 0.3, 72.2, Lowered),
            (99.0, 90.0, 90.0, 0.0, 90.0, Lowered),
        ] {
            let found = Found {
                score,
                strong,
                critical,
            };
            let (new, what) = weigh(found, probability, &joint, 0.6);
            assert!(
                (new - expected).abs() < 0.11,
                "{score} {probability}: {new}"
            );
            assert_eq!(what, effect, "{score} {probability}");
        }
    }

    #[test]
    fn a_likelier_attack_never_scores_less() {
        let joint = Joint {
            tag: 0.3,
            deny: 0.8,
            false_alarm_rate: Some(0.001),
            lower: 0.3,
            grey: [0.0, 1.0],
            clear: 0.0,
        };
        for (score, strong) in [
            (0.0, 0.0),
            (15.0, 15.0),
            (56.0, 0.0),
            (90.0, 30.0),
            (90.0, 90.0),
        ] {
            let mut last = 0.0;
            for step in 0..=1000_u16 {
                let probability = f32::from(step) / 1000.0;
                let found = Found {
                    score,
                    strong,
                    critical: 0.0,
                };
                let (new, _) = weigh(found, probability, &joint, 0.6);
                assert!(new >= last - 0.051 && new <= 100.0, "{score} {probability}");
                last = new;
            }
        }
    }

    #[test]
    fn without_a_measured_rate_models_deny_nothing() {
        let found = Found {
            score: 0.0,
            strong: 0.0,
            critical: 0.0,
        };
        let (score, effect) = weigh(found, 1.0, &Joint::default(), 0.6);
        assert!(score < 60.0);
        assert_eq!(effect, Effect::Raised);
    }
}
