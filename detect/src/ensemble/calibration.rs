//! From a model's raw output to the probability of an attack.

use serde::Deserialize;

/// How a raw output becomes a probability. Kinds are described in `docs/FEATURES.md`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Calibration {
    /// It is one already.
    #[default]
    None,
    /// 1 / (1 + e^−(a·x + b)); Platt 1999.
    Platt {
        /// The slope.
        a: f32,
        /// The offset.
        b: f32,
    },
    /// Linear between points, constant outside; the points come from isotonic regression (Zadrozny and Elkan 2002).
    Isotonic {
        /// Raw outputs, rising.
        x: Vec<f32>,
        /// Probabilities.
        y: Vec<f32>,
    },
}

impl Calibration {
    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Platt { a, b } => {
                (!a.is_finite() || !b.is_finite()).then_some("`a` and `b` must be finite")
            }
            Self::Isotonic { x, y } => {
                if x.is_empty() || x.len() != y.len() {
                    return Some("`x` and `y` must be of one length, and not empty");
                }
                let rising = x.windows(2).all(|pair| pair[0] < pair[1]);
                let finite = x.iter().all(|x| x.is_finite());
                if !rising || !finite {
                    return Some("`x` must rise");
                }
                let probable = y.iter().all(|y| (0.0..=1.0).contains(y));
                (!probable).then_some("`y` must be from 0 to 1")
            }
        }
    }

    /// The probability, 0 to 1; `None` of an output that is no finite number.
    pub fn probability(&self, raw: f32) -> Option<f32> {
        if !raw.is_finite() {
            return None;
        }
        let probability = match self {
            Self::None => raw,
            Self::Platt { a, b } => 1.0 / (1.0 + (-(a * raw + b)).exp()),
            Self::Isotonic { x, y } => interpolate(x, y, raw),
        };
        Some(probability.clamp(0.0, 1.0))
    }
}

fn interpolate(x: &[f32], y: &[f32], at: f32) -> f32 {
    let above = x.partition_point(|point| *point <= at);
    match (above.checked_sub(1), x.get(above)) {
        (Some(below), Some(next)) => {
            let part = (at - x[below]) / (next - x[below]);
            y[below] + part * (y[above] - y[below])
        }
        (Some(last), None) => y[last],
        (None, _) => y.first().copied().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_outputs_become_probabilities() {
        let isotonic = Calibration::Isotonic {
            x: vec![-1.0, 0.0, 2.0],
            y: vec![0.1, 0.5, 0.9],
        };
        let platt = Calibration::Platt { a: 2.0, b: -1.0 };
        for (calibration, raw, expected) in [
            (&Calibration::None, 0.3, 0.3),
            (&Calibration::None, 7.0, 1.0),
            (&Calibration::None, -7.0, 0.0),
            (&platt, 0.5, 0.5),
            (&platt, 100.0, 1.0),
            (&isotonic, -9.0, 0.1),
            (&isotonic, -0.5, 0.3),
            (&isotonic, 0.0, 0.5),
            (&isotonic, 1.0, 0.7),
            (&isotonic, 2.0, 0.9),
            (&isotonic, 9.0, 0.9),
        ] {
            let probability = calibration.probability(raw).unwrap();
            assert!(
                (probability - expected).abs() < 1e-6,
                "{calibration:?} {raw}"
            );
        }
        for raw in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(isotonic.probability(raw), None);
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let isotonic = |x: &[f32], y: &[f32]| Calibration::Isotonic {
            x: x.to_vec(),
            y: y.to_vec(),
        };
        for (calibration, good) in [
            (isotonic(&[0.0, 1.0], &[0.0, 1.0]), true),
            (isotonic(&[], &[]), false),
            (isotonic(&[0.0, 0.0], &[0.0, 1.0]), false),
            (isotonic(&[0.0, 1.0], &[0.0, 1.5]), false),
            (isotonic(&[0.0, f32::NAN], &[0.0, 1.0]), false),
            (
                Calibration::Platt {
                    a: f32::NAN,
                    b: 0.0,
                },
                false,
            ),
        ] {
            assert_eq!(calibration.problem().is_none(), good, "{calibration:?}");
        }
    }
}
