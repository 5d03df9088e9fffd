//! What the signatures found, as models see it: by category, by severity, by field. Rules of paranoia 1 and the
//! weaker ones above it are kept apart, so that a model means the same at each level of paranoia.

use crate::rule::{Category, Rule, Severity};
use crate::score::Tally;

/// Findings of one request, added as the scan reports them.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    tally: Tally,
    severities: [usize; SEVERITIES],
    weak: usize,
    weak_best: f32,
    fields: Vec<(usize, Tally)>,
    /// What rules of critical severity make of the request, without the weak ones: a broad rule of a high level of
    /// paranoia is no certainty, whatever it would mean if it were right.
    critical: Tally,
}

const SEVERITIES: usize = 5;

/// The level of the rules that are not weak.
const STRONG: u8 = 1;

/// Fields whose findings are kept one by one; with more, a field of the rest has none.
const MOST_FIELDS: usize = 64;

impl Findings {
    /// Forgets the request before.
    pub(crate) fn fresh(&mut self) -> &mut Self {
        self.tally = Tally::default();
        self.critical = Tally::default();
        self.severities = [0; SEVERITIES];
        self.weak = 0;
        self.weak_best = 0.0;
        self.fields.clear();
        self
    }

    /// Takes in a finding; `field` is where it counts, if not for the request as a whole.
    pub(crate) fn add(&mut self, rule: &Rule, field: Option<usize>) {
        if rule.paranoia > STRONG {
            self.weak += 1;
            self.weak_best = self.weak_best.max(f32::from(rule.score) / 100.0);
            return;
        }
        if rule.severity == Severity::Critical {
            self.critical.add(field, rule.category, rule.score);
        }
        self.severities[rule.severity as usize] += 1;
        self.tally.add(field, rule.category, rule.score);
        let Some(field) = field else { return };
        let new = self.fields.last().is_none_or(|(last, _)| *last != field);
        if new && self.fields.len() < MOST_FIELDS {
            self.fields.push((field, Tally::default()));
        }
        if let Some((_, tally)) = self.fields.last_mut().filter(|(last, _)| *last == field) {
            tally.add(Some(field), rule.category, rule.score);
        }
    }

    /// The score of a category, 0 to 1.
    pub(crate) fn category(&self, category: Category) -> f32 {
        self.tally.best(category) / 100.0
    }

    /// The score of each category, 0 to 100.
    pub(crate) fn by_category(&self) -> [f32; Category::ALL.len()] {
        self.tally.by_category()
    }

    /// The score of a field, 0 to 1.
    pub(crate) fn field(&self, field: usize) -> f32 {
        let found = self.fields.iter().find(|(number, _)| *number == field);
        found.map_or(0.0, |(_, tally)| tally.finish().0 / 100.0)
    }

    /// How many findings of a severity there are.
    pub(crate) fn severity(&self, severity: Severity) -> usize {
        self.severities[severity as usize]
    }

    /// How many fields have findings.
    pub(crate) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// How many findings of weak rules there are, and the highest score of one.
    pub(crate) fn weak(&self) -> (usize, f32) {
        (self.weak, self.weak_best)
    }

    /// What rules of critical severity and paranoia 1 alone make of the request, 0 to 100.
    pub(crate) fn critical(&self) -> f32 {
        self.critical.finish().0
    }

    /// What rules of paranoia 1 alone make of the request, 0 to 100.
    pub(crate) fn strong(&self) -> f32 {
        self.tally.finish().0
    }
}
