//! The score: how findings add up.
//!
//! Within one field and one category findings are taken as independent hints at the same thing, so they combine as a
//! noisy-or: `1 − Π(1 − s/100)`. It saturates, and one finding of 90 or two of 56 in one place reach the
//! threshold of denial. Across fields the highest counts, and across categories too: weak hints in different fields
//! are what ordinary traffic is full of. What is asked of the request as a whole counts as one more field.
//!
//! Behaviour comes on top in two ways, see [`with_behaviour`]: what the detectors found in this request is a bound from
//! below, and the risk of the subject is one more hint beside what the request itself shows.

use crate::rule::Category;

const CATEGORIES: usize = Category::ALL.len();

/// Adds findings up, field by field.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The field that is being added to.
    field: Option<usize>,
    /// Of the current field, what is left of the doubt: `Π(1 − s/100)`.
    doubt: [f32; CATEGORIES],
    /// The highest score of any field, by category.
    best: [f32; CATEGORIES],
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            field: None,
            doubt: [1.0; CATEGORIES],
            best: [0.0; CATEGORIES],
        }
    }
}

impl Tally {
    /// Adds a finding of `score` (1 to 100). Findings of one field must come one after the other.
    pub(crate) fn add(&mut self, field: Option<usize>, category: Category, score: u8) {
        if self.field != field {
            self.field = field;
            self.doubt = [1.0; CATEGORIES];
        }
        let which = category as usize;
        self.doubt[which] *= 1.0 - f32::from(score.min(100)) / 100.0;
        self.best[which] = self.best[which].max(100.0 * (1.0 - self.doubt[which]));
    }

    /// The score of a category, 0 to 100.
    pub(crate) fn best(&self, category: Category) -> f32 {
        self.best[category as usize]
    }

    /// The score of each category, 0 to 100.
    pub(crate) fn by_category(&self) -> [f32; CATEGORIES] {
        self.best
    }

    /// The score, 0 to 100, and the category that has it.
    pub(crate) fn finish(&self) -> (f32, Option<Category>) {
        let mut highest = (0.0, None);
        for category in Category::ALL {
            let score = self.best[*category as usize];
            if score > highest.0 {
                highest = (score, Some(*category));
            }
        }
        // A tenth of a point is as much as this arithmetic can promise, and records are for people.
        ((highest.0 * 10.0).round() / 10.0, highest.1)
    }
}

/// The score of a request with the behaviour of its subjects: `max(found, 1 − (1 − score)(1 − weight · risk))`, all of
/// 100. `found` is what the findings of this request weigh, `risk` what is known of its subject, `weight` how much of
/// that counts (0 to 1). With the default weight of 0.3 the highest risk makes 68.5 of a score of 55, and by itself it
/// stays below every threshold.
pub(crate) fn with_behaviour(score: f32, found: f32, risk: f32, weight: f32) -> f32 {
    let hint = (risk * weight.clamp(0.0, 1.0)).clamp(0.0, 100.0) / 100.0;
    let together = 100.0 * (1.0 - (1.0 - score / 100.0) * (1.0 - hint));
    (together.max(found).min(100.0) * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use Category::*;

    #[test]
    fn behaviour_comes_on_top() {
        // Score, found, risk, weight, together.
        for (score, found, risk, weight, expected) in [
            (0.0, 0.0, 0.0, 0.3, 0.0),
            (55.0, 0.0, 0.0, 0.3, 55.0),
            (0.0, 0.0, 100.0, 0.3, 30.0),
            (55.0, 0.0, 100.0, 0.3, 68.5),
            (75.0, 0.0, 80.0, 0.3, 81.0),
            (30.0, 65.0, 50.0, 0.3, 65.0),
            (90.0, 65.0, 0.0, 0.3, 90.0),
            (55.0, 0.0, 100.0, 0.0, 55.0),
            (55.0, 0.0, 100.0, 9.0, 100.0),
            (100.0, 100.0, 100.0, 1.0, 100.0),
        ] {
            let together = with_behaviour(score, found, risk, weight);
            assert_eq!(together, expected, "{score} {found} {risk} {weight}");
        }
    }

    #[test]
    fn findings_add_up() {
        type Finding = (usize, Category, u8);
        let cases: &[(&[Finding], f32, Option<Category>)] = &[
            (&[], 0.0, None),
            (&[(0, Sqli, 90)], 90.0, Some(Sqli)),
            (&[(0, Sqli, 100)], 100.0, Some(Sqli)),
            // Within one field: 1 − 0.44² and 1 − 0.44³.
            (&[(0, Sqli, 56), (0, Sqli, 56)], 80.6, Some(Sqli)),
            (
                &[(0, Sqli, 56), (0, Sqli, 56), (0, Sqli, 56)],
                91.5,
                Some(Sqli),
            ),
            // The same in different fields, or different categories, is no more than one.
            (
                &[(0, Sqli, 56), (1, Sqli, 56), (2, Sqli, 56)],
                56.0,
                Some(Sqli),
            ),
            (&[(0, Sqli, 56), (0, Xss, 56)], 56.0, Some(Sqli)),
            (
                &[(0, Xss, 30), (1, Sqli, 15), (1, Sqli, 30)],
                40.5,
                Some(Sqli),
            ),
            (
                &[(0, Scanner, 5), (1, Xss, 90), (2, Sqli, 56)],
                90.0,
                Some(Xss),
            ),
        ];
        for (findings, score, category) in cases {
            let mut tally = Tally::default();
            for (field, category, score) in *findings {
                tally.add(Some(*field), *category, *score);
            }
            assert_eq!(tally.finish(), (*score, *category), "{findings:?}");
        }
    }

    #[test]
    fn it_never_exceeds_100_nor_falls() {
        let mut tally = Tally::default();
        let mut last = 0.0;
        for _ in 0..10_000 {
            tally.add(None, Sqli, 5);
            let (score, _) = tally.finish();
            assert!(score >= last && score <= 100.0);
            last = score;
        }
        assert_eq!(last, 100.0);
    }
}
