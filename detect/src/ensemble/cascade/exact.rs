//! What the vote of a member rests on that is an ensemble of trees: exact Shapley values of its columns against an
//! ordinary request (`ensemble/trees.rs`), added up by the parts that ablation uses. No session is run.
//!
//! The trees' sum is no probability; what follows it (a sigmoid, the calibration) is monotone. So each part is shown
//! with its share of the probability above that of the ordinary request: all shares add up to it.

use super::Run;
use super::ablate::{PART_OF, PARTS, ordinary, strongest};
use crate::ensemble::Trees;
use crate::ensemble::opinion::Because;
use crate::feature::{REQUEST_COLUMNS, View};

const _: () = assert!(
    REQUEST_COLUMNS <= Trees::MOST_COLUMNS,
    "every column of the request view can be explained"
);

impl Run<'_, '_, '_> {
    /// The parts of a vote of this probability; `None` of members without trees, where there was no time left, and
    /// where the trees do not speak for an attack.
    pub(super) fn shares(&self, number: usize, probability: f32) -> Option<Vec<Because>> {
        let member = &self.members[number];
        let trees = member
            .trees
            .as_ref()
            .filter(|_| member.view() == View::Request)?;
        let row = &self.votes.row;
        let reference: [f32; REQUEST_COLUMNS] = std::array::from_fn(|column| ordinary(row, column));
        let (clock, started) = (self.asked.clock, self.asked.started);
        let most = self.on.settings.deadline / 2;
        let in_time = || clock.now().saturating_duration_since(started) < most;
        let contributions = trees.contributions(&row.0, &reference, in_time)?;
        // The output is a probability of what comes in as float32.
        let ordinary = trees.output(trees.sum(&reference)) as f32;
        let above = probability - member.entry.calibration.probability(ordinary)?;
        shares(&contributions[..REQUEST_COLUMNS], above)
    }
}

/// What each part has of `above`.
fn shares(contributions: &[f64], above: f32) -> Option<Vec<Because>> {
    let mut parts = [0.0_f64; PARTS.len()];
    for (part, contribution) in PART_OF.iter().zip(contributions) {
        parts[*part] += contribution;
    }
    let sum: f64 = parts.iter().sum();
    if !sum.is_normal() || above <= 0.0 {
        return None;
    }
    let share = |part: f64| (part / sum * f64::from(above)) as f32;
    let found = PARTS.iter().zip(parts).map(|((what, _), part)| Because {
        what,
        contribution: share(part),
    });
    Some(strongest(found.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Row;

    #[test]
    fn parts_share_what_is_above_the_ordinary() {
        // Column by column a tenth; one column speaks against an attack.
        let mut contributions = [0.1; REQUEST_COLUMNS];
        contributions[0] = -0.5;
        let all: Vec<f64> = (0..PARTS.len())
            .map(|part| {
                let of = PART_OF.iter().zip(&contributions);
                of.filter(|(of, _)| **of == part)
                    .map(|(_, value)| value)
                    .sum()
            })
            .collect();
        let sum: f64 = all.iter().sum();
        let shown = shares(&contributions, 0.8).unwrap();
        for part in &shown {
            let number = PARTS
                .iter()
                .position(|(what, _)| *what == part.what)
                .unwrap();
            let expected = all[number] / sum * 0.8;
            assert!(
                (f64::from(part.contribution) - expected).abs() < 1e-6,
                "{}",
                part.what
            );
        }
        let best = all.iter().copied().fold(0.0, f64::max) / sum * 0.8;
        assert!((f64::from(shown[0].contribution) - best).abs() < 1e-6);
        // An isolation forest's path is shorter the odder a row is: both signs are the other way round.
        let turned = contributions.map(|value| -value);
        assert_eq!(shares(&turned, 0.8), Some(shown));
        for (contributions, above) in [(&contributions, -0.1), (&[0.0; REQUEST_COLUMNS], 0.5)] {
            assert_eq!(shares(contributions, above), None);
        }
    }

    #[test]
    fn an_ordinary_row_differs_in_nothing() {
        let mut row = Row([0.0; REQUEST_COLUMNS]);
        let reference: [f32; REQUEST_COLUMNS] =
            std::array::from_fn(|column| ordinary(&row, column));
        row.0 = reference;
        for column in 0..REQUEST_COLUMNS {
            assert!((ordinary(&row, column) - row.0[column]).abs() < f32::EPSILON);
        }
    }
}
