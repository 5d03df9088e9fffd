//! Patterns: how a rule's regular expression is read, checked and compiled. Byte-oriented, so `\w`, `\b` and classes
//! are ASCII; `.` matches a newline too, since a newline is one of the cheapest ways around a rule.

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::{MatchKind, util::syntax};
use regex_syntax::hir::{Capture, Hir, HirKind, Repetition};

use crate::rule::literal::ranges;

/// The largest compiled pattern, in bytes. What exceeds it costs too much to run as well.
const SIZE_LIMIT: usize = 192 * 1024;
/// The same for a group of patterns.
const SET_SIZE_LIMIT: usize = 2 * 1024 * 1024;
/// The cache of one pattern's lazy automaton, in bytes; there are two (forwards and backwards). What a worker keeps
/// of all caches together is bounded by [`crate::signature::MOST_CACHES`].
pub(crate) const DFA_LIMIT: usize = 96 * 1024;
/// The cache of one group's lazy automaton, in bytes.
pub(crate) const SET_DFA_LIMIT: usize = 256 * 1024;

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
    // Groups cost states; only one that says what to mask is ever asked for.
    let captures = if pattern.contains("(?<mask>") {
        WhichCaptures::All
    } else {
        WhichCaptures::Implicit
    };
    let config = Config::new()
        .which_captures(captures)
        .nfa_size_limit(Some(SIZE_LIMIT))
        .hybrid_cache_capacity(DFA_LIMIT);
    build(config, &[pattern]).map_err(|error| match error.size_limit() {
        Some(limit) => format!("compiled it takes more than {limit} bytes"),
        None => error.to_string(),
    })
}

/// The name of the group that a masking policy overwrites instead of the whole match.
pub(crate) const MASK: &str = "mask";

/// Compiles a group of patterns, each of which compiled alone.
pub(crate) fn compile_set(patterns: &[&str]) -> Option<Regex> {
    let config = Config::new()
        .match_kind(MatchKind::All)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(SET_SIZE_LIMIT))
        .hybrid_cache_capacity(SET_DFA_LIMIT);
    build(config, patterns).ok()
}

fn build(config: Config, patterns: &[&str]) -> Result<Regex, Box<BuildError>> {
    let syntax = syntax::Config::new()
        .unicode(false)
        .utf8(false)
        .dot_matches_new_line(true)
        .nest_limit(64);
    Regex::builder()
        .configure(config.utf8_empty(false))
        .syntax(syntax)
        .build_many(patterns)
        .map_err(Box::new)
}

/// A pattern that matches wherever `hir` does, and perhaps elsewhere: counted repetitions lose their counts. A lazy
/// automaton needs a state for each count, and one that runs out of room is a hundred times slower, so groups run
/// the relaxed patterns, and the exact ones decide where those match.
pub(crate) fn relaxed(hir: &Hir) -> Hir {
    without_counts(hir, MOST_COUNT)
}

/// Whether relaxing a pattern changes it.
pub(crate) fn is_heavy(hir: &Hir) -> bool {
    without_counts(hir, MOST_COUNT) != without_counts(hir, u32::MAX)
}

fn without_counts(hir: &Hir, most: u32) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
        HirKind::Repetition(repetition) => {
            let counts = repetition.max.is_some_and(|max| max > most) || repetition.min > most;
            Hir::repetition(Repetition {
                min: repetition.min.min(most),
                max: repetition.max.filter(|_| !counts),
                greedy: repetition.greedy,
                sub: Box::new(grouped(without_counts(&repetition.sub, most))),
            })
        }
        HirKind::Capture(capture) => without_counts(&capture.sub, most),
        HirKind::Concat(parts) => Hir::concat(
            parts
                .iter()
                .map(|part| without_counts(part, most))
                .collect(),
        ),
        HirKind::Alternation(parts) => Hir::alternation(
            parts
                .iter()
                .map(|part| without_counts(part, most))
                .collect(),
        ),
    }
}

/// A repetition in a group of its own: written out without one, `(?:a{1,2})?` would read as the lazy `a{1,2}?`.
fn grouped(hir: Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(_) => Hir::capture(Capture {
            index: 1,
            name: None,
            sub: Box::new(hir),
        }),
        _ => hir,
    }
}

/// Up to this count a repetition stays as it is.
const MOST_COUNT: u32 = 4;

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
    fn relaxed_patterns_match_more() {
        let cases = [
            (r"^[^']{0,60}'or", true, "x'or"),
            (r"a{2,4}b|c\x00\xff?", false, "aab"),
            (r"(?:x{3,}\d{1,9} ?)+$", true, "xxx12"),
            (r"^x(?:[;&]{1,2})?$", false, "x"),
            (r"é.[^\x80-\xff]", false, "é!x"),
        ];
        for (pattern, changed, text) in cases {
            let hir = parse(pattern).unwrap();
            let relaxed = relaxed(&hir);
            assert_eq!(is_heavy(&hir), changed, "{pattern}");
            for pattern in [pattern.to_owned(), relaxed.to_string()] {
                assert!(compile(&pattern).unwrap().is_match(text), "{pattern}");
            }
        }
    }

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
