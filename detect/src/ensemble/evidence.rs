//! The ensemble's finding as a person reads it: which field, and how sure the models are.

use super::opinion::Opinion;
use crate::decision;
use crate::evidence::{excerpt, number, printable};
use crate::feature::{Column, Reading, Row};
use crate::field::Location;
use crate::policy::Policy;
use crate::rule::{Category, Severity};
use crate::verdict::Evidence;

/// The id under which the finding is recorded, and which exceptions name.
pub(crate) const ID: &str = "ensemble";

/// Whether the policy says that models shall not raise the score for this field.
pub(crate) fn is_excepted(reading: &Reading<'_>, policy: &Policy) -> bool {
    if policy.exceptions.is_empty() {
        return false;
    }
    let (location, name) = place(reading);
    let request = reading.request_as_sent();
    policy.excepts(&decision::Subject {
        rule: ID,
        tags: &[ID.to_owned()],
        route: request.route,
        path: request.path,
        location,
        name,
    })
}

/// The finding, of this score.
pub(crate) fn evidence(
    reading: &mut Reading<'_>,
    opinion: &Opinion,
    category: Category,
    score: f32,
) -> Evidence {
    let (location, name) = place(reading);
    let decoded = reading.judged().first().map(|top| reading.decoded(top));
    let decoded = decoded.unwrap_or_default();
    let end = u32::try_from(decoded.len()).unwrap_or(u32::MAX);
    let (excerpt, mark) = excerpt(decoded, &(0..decoded.len()));
    Evidence {
        rule: ID.into(),
        name: "The models".into(),
        why: why(opinion).into(),
        category,
        severity: if score >= 80.0 {
            Severity::Critical
        } else {
            Severity::Medium
        },
        // 0 to 100.
        score: score.round() as u8,
        tags: [ID.to_owned()].into(),
        location,
        field: printable(name, Evidence::MAX_FIELD),
        excerpt,
        mark: number(mark.start)..number(mark.end),
        range: 0..end,
        form: "decoded",
    }
}

fn place<'r>(reading: &Reading<'r>) -> (Location, &'r [u8]) {
    match reading.judged().first() {
        Some(top) => (reading.field(top).location, reading.name(top)),
        None => (Location::Path, &[]),
    }
}

/// No bytes of the field: they may be a secret, and a record hides those of the excerpt only.
fn why(opinion: &Opinion) -> String {
    format!(
        "{} of {} models take it for an attack; together they are {:.1} % sure.",
        opinion.agreeing,
        opinion.voting,
        100.0 * opinion.probability
    )
}

/// The category that the most suspicious field looks like, where neither a rule nor a classifier names one.
pub(crate) fn guess(reading: &mut Reading<'_>) -> Category {
    let mut row = Row::default();
    reading.request(&mut row);
    let looks = [
        (Column::TopSqli, Category::Sqli),
        (Column::TopXss, Category::Xss),
        (Column::TopMarkup, Category::Xss),
        (Column::TopTemplates, Category::Ssti),
        (Column::TopSqlPairs, Category::Sqli),
        (Column::TopTautology, Category::Sqli),
        (Column::TopFiles, Category::PathTraversal),
        (Column::TopShell, Category::CommandInjection),
        (Column::TopOperators, Category::Nosql),
        (Column::TopUrls, Category::Ssrf),
        (Column::TopCode, Category::CodeInjection),
    ];
    let like = looks.iter().find(|(column, _)| row.value(*column) > 0.0);
    like.map_or(Category::Evasion, |(_, category)| *category)
}
