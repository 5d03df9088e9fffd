//! Patterns: how a rule's regular expression is read, checked and compiled. Byte-oriented, so `\w`, `\b` and classes
//! are ASCII; `.` matches a newline too, since a newline is one of the cheapest ways around a rule.

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Hir, HirKind};

use crate::rule::literal::ranges;

/// The largest compiled pattern, in bytes. What exceeds it costs too much to run as well.
const SIZE_LIMIT: usize = 192 * 1024;
/// The same for a group of patterns.
const SET_SIZE_LIMIT: usize = 2 * 1024 * 1024;
/// The cache of one pattern's lazy automaton, in bytes; there are two (forwards and backwards), per core.
pub(crate) const DFA_LIMIT: usize = 16 * 1024;
/// The cache of one group's lazy automaton, in bytes, per core.
pub(crate) const SET_DFA_LIMIT: usize = 128 * 1024;

/// Parses a pattern. The error is the parser's own text, with a mark under the place.
pub(crate) fn parse(pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .nest_limit(64)
        .build()
        .parse(pattern)
        .map_err(|error| error.to_string())
}

/// Compiles one pattern.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .dot_matches_new_line(true)
        .nest_limit(64)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(DFA_LIMIT)
        .build()
        .map_err(|error| error.to_string())
}

/// Compiles a group of patterns, each of which compiled alone.
pub(crate) fn compile_set(patterns: &[&str]) -> Option<RegexSet> {
    RegexSetBuilder::new(patterns)
        .unicode(false)
        .dot_matches_new_line(true)
        .nest_limit(64)
        .size_limit(SET_SIZE_LIMIT)
        .dfa_size_limit(SET_DFA_LIMIT)
        .build()
        .ok()
}

/// An upper-case letter that the pattern demands, and that a lower-case form can never hold.
pub(crate) fn upper_case(hir: &Hir) -> Option<char> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(literal) => literal
            .0
            .iter()
            .find(|b| b.is_ascii_uppercase())
            .map(|b| *b as char),
        HirKind::Class(class) => {
            let ranges = ranges(class);
            // A negated class holds much; only one that spells letters out is meant for letters.
            if ranges
                .iter()
                .map(|(start, end)| usize::from(end - start) + 1)
                .sum::<usize>()
                > 64
            {
                return None;
            }
            let has = |byte: u8| {
                ranges
                    .iter()
                    .any(|(start, end)| (*start..=*end).contains(&byte))
            };
            (b'A'..=b'Z')
                .find(|upper| has(*upper) && !has(upper.to_ascii_lowercase()))
                .map(char::from)
        }
        HirKind::Repetition(repetition) => upper_case(&repetition.sub),
        HirKind::Capture(capture) => upper_case(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().find_map(upper_case),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_case_letters_are_found() {
        let cases = [
            ("union", None),
            ("Union", Some('U')),
            ("(?i)UNION", None),
            ("[A-Z]", Some('A')),
            ("[a-zA-Z]", None),
            ("[^a]", None),
            (r"\w\S", None),
            ("(a|(b)+C)", Some('C')),
        ];
        for (pattern, expected) in cases {
            assert_eq!(upper_case(&parse(pattern).unwrap()), expected, "{pattern}");
        }
    }
}
