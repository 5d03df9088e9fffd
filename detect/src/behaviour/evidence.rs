//! Findings as evidence: beside what rules found in the request stands what detectors found in whom it came from.

use std::sync::{Arc, LazyLock};

use crate::behaviour::detect::Kind;
use crate::behaviour::judgement::{Finding, Judgement};
use crate::field::Location;
use crate::policy::Thresholds;
use crate::rule::Severity;
use crate::score;
use crate::verdict::{Evidence, Level, Verdict};

/// What is the same in all evidence of a kind.
struct Words {
    id: Arc<str>,
    name: Arc<str>,
    why: Arc<str>,
    tags: Arc<[String]>,
}

static WORDS: LazyLock<Vec<Words>> = LazyLock::new(|| {
    let words = |kind: &Kind| Words {
        id: kind.id().into(),
        name: kind.name().into(),
        why: kind.why().into(),
        tags: Arc::new(["behaviour".to_owned()]),
    };
    Kind::ALL.iter().map(words).collect()
});

impl Verdict {
    /// Takes in what behaviour says: evidence, score and what follows from it.
    pub(crate) fn take_in(&mut self, judgement: Judgement, weight: f32, thresholds: &Thresholds) {
        let strongest = judgement.findings.first().map(|finding| finding.kind);
        let factor = judgement.risk.factors[0].map(|factor| factor.kind);
        if judgement.weight > self.score || self.category.is_none() {
            self.category = strongest.or(factor).map(Kind::category).or(self.category);
        }
        self.score =
            score::with_behaviour(self.score, judgement.weight, judgement.risk.value, weight);
        self.level = Level::of(self.score);
        self.action = thresholds.action(self.score);
        if !judgement.findings.is_empty() {
            self.evidence
                .extend(judgement.findings.iter().map(evidence));
            self.evidence
                .sort_by_key(|evidence| std::cmp::Reverse(evidence.score));
            self.evidence.truncate(Verdict::MAX_EVIDENCE);
        }
        self.behaviour = Some(judgement);
    }
}

fn evidence(finding: &Finding) -> Evidence {
    let words = &WORDS[finding.kind as usize];
    let excerpt = format!(
        "{:.1} {} (bound {:.1})",
        finding.value,
        finding.kind.unit(),
        finding.bound
    );
    Evidence {
        rule: words.id.clone(),
        name: words.name.clone(),
        why: words.why.clone(),
        category: finding.kind.category(),
        severity: severity(finding.score),
        score: finding.score,
        tags: words.tags.clone(),
        location: Location::Subject,
        field: finding.subject.to_string(),
        excerpt,
        mark: 0..0,
        range: 0..0,
        form: "behaviour",
    }
}

const fn severity(score: u8) -> Severity {
    match score {
        0..=29 => Severity::Low,
        30..=54 => Severity::Medium,
        55..=79 => Severity::High,
        _ => Severity::Critical,
    }
}
