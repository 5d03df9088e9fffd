//! From what the scan found to what a person reads: the findings worth keeping, each with the bytes that show it.

use std::ops::Range;

use crate::decision::Subject;
use crate::decode::Forms;
use crate::feature::Findings;
use crate::policy::Policy;
use crate::rule::{Phase, Rule};
use crate::score::Tally;
use crate::signature::{Found, Input};
use crate::verdict::{Evidence, Verdict};

/// Findings while they come in: all of them are weighed, the strongest are kept.
pub(crate) struct Collection<'c> {
    input: Input<'c>,
    policy: &'c Policy,
    pub tally: Tally,
    kept: Vec<(&'c Rule, Found)>,
}

/// How often one rule is kept: a rule that holds for each of a thousand fields is one story.
const KEPT_OF_ONE_RULE: usize = 4;

/// How many bytes of what an answer leaked are shown: of a card number no more than the issuer's part.
const GLIMPSE: usize = 6;

/// How many bytes before the match an excerpt shows.
const BEFORE: usize = 24;

impl<'c> Collection<'c> {
    /// Nothing yet.
    pub(crate) fn new(input: Input<'c>, policy: &'c Policy) -> Self {
        Self {
            input,
            policy,
            tally: Tally::default(),
            kept: Vec::new(),
        }
    }

    /// Weighs a finding and keeps it, unless the policy excepts it; also for models, where they ask.
    pub(crate) fn add(&mut self, rule: &'c Rule, found: Found, models: Option<&mut Findings>) {
        if is_excepted(&self.input, self.policy, rule, &found) {
            return;
        }
        // A rule that asks the whole request counts there, wherever it found what it shows.
        let counted = found.field.filter(|_| !rule.wide);
        self.tally.add(counted, rule.category, rule.score);
        if let Some(findings) = models {
            findings.add(rule, counted);
        }
        self.keep(rule, found);
    }

    fn keep(&mut self, rule: &'c Rule, found: Found) {
        let same = self
            .kept
            .iter()
            .filter(|(other, _)| std::ptr::eq(*other, rule))
            .count();
        if same >= KEPT_OF_ONE_RULE {
            return;
        }
        if self.kept.len() < Verdict::MAX_EVIDENCE {
            self.kept.push((rule, found));
            return;
        }
        let weakest = self.kept.iter_mut().min_by_key(|(rule, _)| rule.score);
        if let Some(weakest) = weakest.filter(|(weakest, _)| weakest.score < rule.score) {
            *weakest = (rule, found);
        }
    }

    /// The evidence, strongest first.
    pub(crate) fn evidence(mut self, forms: &Forms) -> Vec<Evidence> {
        self.kept
            .sort_by_key(|(rule, _)| std::cmp::Reverse(rule.score));
        let input = self.input;
        let show = |(rule, found): (&Rule, Found)| evidence(&input, forms, rule, found);
        self.kept.into_iter().map(show).collect()
    }
}

/// Whether the policy says that this finding shall not count.
pub(crate) fn is_excepted(input: &Input<'_>, policy: &Policy, rule: &Rule, found: &Found) -> bool {
    let field = found.field.and_then(|number| input.fields.get(number));
    policy.excepts(&Subject {
        rule: &rule.id,
        tags: &rule.tags,
        route: input.request.route,
        path: input.request.path,
        location: found.location,
        name: field.map_or(&[], |field| input.name(field)),
    })
}

fn evidence(input: &Input<'_>, forms: &Forms, rule: &Rule, found: Found) -> Evidence {
    let field = found.field.and_then(|number| input.fields.get(number));
    let name = field.map_or(&[][..], |field| input.name(field));
    let bytes = match (found.span, found.field, field) {
        (Some(span), _, _) => span.bytes(input.request, input.arena),
        (None, Some(number), Some(field)) => forms.view(number, found.form, input.raw(field)),
        _ => &[],
    };
    let end = if found.span.is_some() {
        bytes.len()
    } else {
        found.end
    };
    let range = found.start..end;
    let (excerpt, mark) = match rule.spec.phase {
        Phase::Request => excerpt(bytes, &range),
        Phase::Response => {
            let glimpse = glimpse(bytes, &range);
            let whole = 0..glimpse.len();
            (glimpse, whole)
        }
    };
    Evidence {
        rule: rule.id.clone(),
        name: rule.name.clone(),
        why: rule.why.clone(),
        category: rule.category,
        severity: rule.severity,
        score: rule.score,
        tags: rule.tags.clone(),
        location: found.location,
        field: printable(name, Evidence::MAX_FIELD),
        excerpt,
        mark: number(mark.start)..number(mark.end),
        range: number(range.start)..number(range.end),
        form: found.form.preset().map_or("custom", |form| form.name()),
    }
}

pub(crate) fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The match and what surrounds it, and where in that the match stands.
pub(crate) fn excerpt(bytes: &[u8], range: &Range<usize>) -> (String, Range<usize>) {
    let start = range.start.saturating_sub(BEFORE).min(bytes.len());
    let shown = &bytes[start..bytes.len().min(start + Evidence::MAX_EXCERPT)];
    let text = printable(shown, Evidence::MAX_EXCERPT);
    // A match that begins or ends within a character marks the whole of it, as far as the text goes.
    let place = |at: usize| {
        let before = at.saturating_sub(start).min(shown.len());
        let mut place = printable(&shown[..before], usize::MAX)
            .len()
            .min(text.len());
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        place
    };
    let mark = place(range.start)..place(range.end.max(range.start));
    (text, mark)
}

/// The beginning of a match, and asterisks for the rest: what an answer must not carry must not stand in a record
/// either. The name and the place say what it was. What surrounds it stays out, for it may be the next secret.
fn glimpse(bytes: &[u8], range: &Range<usize>) -> String {
    let found = bytes.get(range.clone()).unwrap_or_default();
    let shown = GLIMPSE.min(found.len() / 2);
    let mut text = printable(&found[..shown], Evidence::MAX_EXCERPT);
    let hidden = (found.len() - shown).min(Evidence::MAX_FIELD);
    text.extend(std::iter::repeat_n('*', hidden));
    text
}

/// Bytes as text of at most `most` bytes; what is no text, and control characters, become a replacement character.
pub(crate) fn printable(bytes: &[u8], most: usize) -> String {
    let bytes = &bytes[..bytes.len().min(most)];
    let mut text = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        let c = if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        };
        if text.len() + c.len_utf8() > most {
            break;
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_bounded_and_printable() {
        let cases: &[(&[u8], Range<usize>, &str, &str)] = &[
            (b"", 0..0, "", ""),
            (b"union select", 0..5, "union select", "union"),
            (b"a\nb\xff", 0..1, "a\u{fffd}b\u{fffd}", "a"),
            (b"\xff\n'x", 2..3, "\u{fffd}\u{fffd}'x", "'"),
            ("é' or".as_bytes(), 2..6, "é' or", "' or"),
            (b"short", 90..99, "", ""),
        ];
        for (bytes, range, expected, marked) in cases {
            let (text, mark) = excerpt(bytes, range);
            assert_eq!((text.as_str(), text.get(mark)), (*expected, Some(*marked)));
        }
        for byte in [b'\xff', b'x', 0xc3] {
            let long = [byte; 1000];
            let (text, mark) = excerpt(&long, &(500..600));
            assert!(text.len() <= Evidence::MAX_EXCERPT && mark.end <= text.len());
            assert!(text.get(mark).is_some_and(|marked| !marked.is_empty()));
        }
        let far = [b"x".repeat(300), b"attack".to_vec()].concat();
        let (text, mark) = excerpt(&far, &(300..306));
        assert_eq!(text.get(mark), Some("attack"));
    }

    #[test]
    fn a_leak_is_not_repeated() {
        let cases: &[(&[u8], Range<usize>, &str)] = &[
            (b"", 0..0, ""),
            (b"card 4111111111111111 x", 5..21, "411111**********"),
            (b"abcd", 0..4, "ab**"),
            (b"\xff\xff\n\n", 1..3, "\u{fffd}*"),
            (b"short", 2..99, ""),
        ];
        for (bytes, range, expected) in cases {
            assert_eq!(glimpse(bytes, range), *expected);
        }
        assert!(glimpse(&[b'x'; 5000], &(0..5000)).len() <= Evidence::MAX_EXCERPT);
    }
}
