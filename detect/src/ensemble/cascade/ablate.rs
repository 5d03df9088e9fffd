//! What a member's vote rests on, for members that are no sum of parts: one part of what it reads is made ordinary, it
//! is asked again, and what is missing then is what the part contributed (ablation). Parts overlap in what they say,
//! so contributions do not add up to the vote; those of the gate, which is linear, do (`explain.rs`), and those of members
//! that are trees (`exact.rs`), which are not ablated.
//!
//! This costs a run for each part, so it is done of requests that are tagged or denied only, for members that took the
//! request for an attack, and only within the first half of the deadline. A member whose parts were not all tried by
//! then has no list: half of one would name the wrong part as the strongest.

use std::sync::{Arc, LazyLock};

use super::{Member, Run, Tensor};
use crate::ensemble::opinion::{Because, Explained};
use crate::feature::{CHARACTER_FIELDS, CHARACTERS, Column, REQUEST_COLUMNS, Row, Unit, View};

/// How many parts are shown of a member.
pub(super) const SHOWN: usize = 3;

/// What adds less to a probability is not shown.
pub(super) const LEAST: f32 = 0.01;

/// The logit of an ordinary field; everything else ordinary is 0.
const ORDINARY: f32 = -5.0;

/// A part of the request view, in words, and the beginnings of its columns' names. A column belongs to the first part
/// that names it, and to the last one if none does.
type Part = (&'static str, &'static [&'static str]);

pub(super) const PARTS: [Part; 11] = [
    ("what the gate says of its fields", &["gate_"]),
    (
        "what the rules found",
        &[
            "findings_",
            "finding_",
            "signature_",
            "weak_",
            "top_signature",
        ],
    ),
    (
        "libinjection on its most suspicious field",
        &["top_sqli", "top_xss"],
    ),
    (
        "SQL in its most suspicious field",
        &["top_sql", "top_tautology", "top_comments"],
    ),
    (
        "markup and scripts in its most suspicious field",
        &["top_markup", "top_script", "top_angles"],
    ),
    (
        "commands, code and templates in its most suspicious field",
        &[
            "top_shell",
            "top_code",
            "top_templates",
            "top_operators",
            "top_calls",
            "top_dollars",
            "top_pipes",
        ],
    ),
    (
        "files and addresses in its most suspicious field",
        &["top_files", "top_urls", "top_slashes"],
    ),
    (
        "quotes, brackets and other marks in its most suspicious field",
        &[
            "top_quotes",
            "top_double",
            "top_parens",
            "top_braces",
            "top_semicolons",
            "top_equals",
            "top_percents",
            "top_longest_marks",
        ],
    ),
    (
        "how it is encoded",
        &[
            "top_escapes",
            "top_layers",
            "layer",
            "overlong",
            "nul",
            "percent_invalid",
            "nested_fields",
            "anomalies",
            "path_escapes",
        ],
    ),
    (
        "place, length and letters of its most suspicious field",
        &["top_"],
    ),
    ("the shape of the request", &[""]),
];

/// The fields of the characters view, in words.
const FIELDS: [&str; CHARACTER_FIELDS] = [
    "the most suspicious field",
    "the second most suspicious field",
    "the third most suspicious field",
];

/// Which part each column of the request view belongs to.
pub(super) static PART_OF: LazyLock<[usize; REQUEST_COLUMNS]> = LazyLock::new(|| {
    std::array::from_fn(|column| {
        let (name, _) = Column::ALL[column];
        let names = |(_, beginnings): &Part| beginnings.iter().any(|begin| name.starts_with(begin));
        PARTS.iter().position(names).unwrap_or(PARTS.len() - 1)
    })
});

impl Run<'_, '_, '_> {
    /// Says of each member that took the request for an attack what its vote rests on.
    pub(super) fn explain(&mut self) {
        let members = self.members;
        for index in 0..self.opinion.votes.len() {
            let vote = &self.opinion.votes[index];
            if vote.group.is_none() || vote.probability < 0.5 {
                continue;
            }
            let probability = vote.probability;
            let same = |member: &Member| Arc::ptr_eq(&member.name, &vote.model);
            if let Some(number) = members.iter().position(same) {
                let exact = self.shares(number, probability);
                let how = exact
                    .as_ref()
                    .map_or(Explained::Ablation, |_| Explained::Exact);
                let because = exact.unwrap_or_else(|| self.because(number, probability));
                let vote = &mut self.opinion.votes[index];
                vote.explained = (!because.is_empty()).then_some(how);
                vote.because = because;
            }
        }
    }

    fn because(&mut self, number: usize, probability: f32) -> Vec<Because> {
        let words: Vec<&'static str> = match self.members[number].view() {
            View::Request => PARTS.iter().map(|(words, _)| *words).collect(),
            View::Characters => FIELDS.to_vec(),
            _ => return Vec::new(),
        };
        let mut found = Vec::new();
        for (part, what) in words.into_iter().enumerate() {
            let Some(left) = self.probability_without(number, part) else {
                return Vec::new();
            };
            let contribution = probability - left;
            found.push(Because { what, contribution });
        }
        strongest(found)
    }

    /// What a member says when one part of what it reads is ordinary; `None` when there is no time left, or it fails.
    fn probability_without(&mut self, number: usize, part: usize) -> Option<f32> {
        let asked = &self.asked;
        let waited = asked.clock.now().saturating_duration_since(asked.started);
        if waited >= self.on.settings.deadline / 2 {
            return None;
        }
        let member = &self.members[number];
        let votes = &mut *self.votes;
        let model = votes.crew.seats.get_mut(number)?.model.as_mut()?;
        votes.out.clear();
        if member.view() == View::Characters {
            let mut without = *votes.characters.0;
            without[part * CHARACTERS..(part + 1) * CHARACTERS].fill(0);
            model.run(Tensor::Bytes(&without), &mut votes.out).ok()?;
        } else {
            let without = row_without(&votes.row, part);
            model.run(Tensor::Floats(&without), &mut votes.out).ok()?;
        }
        member.entry.calibration.probability(*votes.out.first()?)
    }
}

/// The parts that are shown, the strongest first.
pub(super) fn strongest(mut found: Vec<Because>) -> Vec<Because> {
    found.retain(|part| part.contribution >= LEAST);
    found.sort_by(|one, other| other.contribution.total_cmp(&one.contribution));
    found.truncate(SHOWN);
    found
}

/// A column where it is ordinary: no logit is above that of an ordinary field, and there is nothing of anything else.
pub(super) fn ordinary(row: &Row, column: usize) -> f32 {
    match Column::ALL[column].1 {
        Unit::Logit => row.0[column].min(ORDINARY),
        _ => 0.0,
    }
}

fn row_without(row: &Row, part: usize) -> [f32; REQUEST_COLUMNS] {
    std::array::from_fn(|column| {
        if PART_OF[column] == part {
            ordinary(row, column)
        } else {
            row.0[column]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_columns_and_the_words_are_true() {
        for (part, (words, _)) in PARTS.iter().enumerate() {
            let has = PART_OF.iter().filter(|of| **of == part).count();
            assert!(has >= 2, "{words}");
        }
        for (column, part) in [
            (Column::GateFirst, 0),
            (Column::SignatureSqli, 1),
            (Column::TopSignature, 1),
            (Column::TopSqli, 2),
            (Column::TopXss, 2),
            (Column::TopSqlPairs, 3),
            (Column::TopMarkup, 4),
            (Column::TopCode, 5),
            (Column::TopUrls, 6),
            (Column::TopDoubleQuotes, 7),
            (Column::LayersMost, 8),
            (Column::TopLayers, 8),
            (Column::TopLength, 9),
            (Column::PathLength, 10),
        ] {
            assert_eq!(PART_OF[column as usize], part, "{column:?}");
        }
    }

    #[test]
    fn a_row_loses_one_part_and_keeps_the_rest() {
        let row = Row([3.0; REQUEST_COLUMNS]);
        for part in 0..PARTS.len() {
            let without = row_without(&row, part);
            for (column, value) in without.into_iter().enumerate() {
                let expected = match (PART_OF[column] == part, Column::ALL[column].1) {
                    (false, _) => 3.0,
                    (true, Unit::Logit) => ORDINARY,
                    (true, _) => 0.0,
                };
                assert_eq!(value, expected, "{part} {:?}", Column::ALL[column]);
            }
        }
    }
}
