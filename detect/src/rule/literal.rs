//! Required literals: for a pattern, a small set of byte strings of which every match contains at least one. One
//! Aho-Corasick pass over a field then tells which patterns can match at all, and the others are never run.
//!
//! The idea is that of Russ Cox's index for regular expressions (2012): walk the syntax tree upwards, keep the exact
//! set of strings while it is small, and fall back to the best required set of a part. Everything is folded to lower
//! case, because the pass ignores case.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// A set of lower-case literals of which each match contains one.
pub(crate) type Literals = BTreeSet<Vec<u8>>;

/// The literals that a pattern requires, or `None` when there are none that would tell anything.
pub(crate) fn required(hir: &Hir) -> Option<Literals> {
    // What single bytes tell is known from the kinds of bytes already.
    let tells =
        |set: &Literals| weight(set) >= LEAST && set.iter().all(|literal| literal.len() > 1);
    walk(hir).best().filter(tells)
}

/// How much a set tells: the weight of its weakest literal. Letters and digits weigh 1; other bytes are rarer in
/// harmless text and weigh 2, a space or a plain mark 1.
pub(crate) fn weight(set: &Literals) -> u32 {
    set.iter()
        .map(|literal| literal_weight(literal))
        .min()
        .unwrap_or(0)
}

fn literal_weight(literal: &[u8]) -> u32 {
    let weigh = |byte: &u8| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b' ' | b'_' | b'-' | b'.' | b'/' | b',' => 1,
        _ => 2,
    };
    literal.iter().map(weigh).sum()
}

/// Below this weight a literal occurs in so much harmless text that looking for it saves nothing.
const LEAST: u32 = 2;
/// The largest set of literals kept for one part of a pattern.
const MAX_SET: usize = 96;
/// The largest set that an alternation of whole words may reach.
const MAX_UNION: usize = 512;
/// Longer literals tell nothing more, they only make the automaton larger.
const MAX_LENGTH: usize = 24;
/// The largest class that is spelt out.
const MAX_CLASS: usize = 10;

/// What is known of a part of a pattern.
struct Part {
    /// The exact strings that the part matches, when they are few.
    exact: Option<Literals>,
    /// A set of which each match of the part contains one.
    required: Option<Literals>,
}

impl Part {
    fn unknown() -> Self {
        Part {
            exact: None,
            required: None,
        }
    }

    fn exact(set: Literals) -> Self {
        Part {
            exact: Some(set),
            required: None,
        }
    }

    fn empty() -> Self {
        Part::exact(BTreeSet::from([Vec::new()]))
    }

    /// The set that tells most.
    fn best(self) -> Option<Literals> {
        better(self.exact, self.required)
    }
}

/// Of two sets the one that tells more: the heavier, then the smaller.
pub(crate) fn better(a: Option<Literals>, b: Option<Literals>) -> Option<Literals> {
    match (a, b) {
        (Some(a), Some(b)) => {
            let value =
                |set: &Literals| (weight(set).min(8) * 16).saturating_sub(set.len().ilog2());
            Some(if value(&a) >= value(&b) { a } else { b })
        }
        (a, b) => a.or(b),
    }
}

fn walk(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::empty(),
        HirKind::Literal(literal) => literal_part(&literal.0),
        HirKind::Class(class) => class_part(class),
        HirKind::Repetition(repetition) => repetition_part(repetition),
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Concat(parts) => concat_part(parts),
        HirKind::Alternation(parts) => alternation_part(parts),
    }
}

fn literal_part(bytes: &[u8]) -> Part {
    let lower = bytes.to_ascii_lowercase();
    if lower.len() <= MAX_LENGTH {
        return Part::exact(BTreeSet::from([lower]));
    }
    Part {
        exact: None,
        required: lower
            .get(..MAX_LENGTH)
            .map(|start| BTreeSet::from([start.to_vec()])),
    }
}

fn class_part(class: &Class) -> Part {
    let mut set = BTreeSet::new();
    for (start, end) in ranges(class) {
        if (end - start) as usize > MAX_CLASS * 2 {
            return Part::unknown();
        }
        set.extend((start..=end).map(|byte| vec![byte.to_ascii_lowercase()]));
    }
    // An empty class matches nothing; nothing is learnt from it either.
    if set.is_empty() || set.len() > MAX_CLASS {
        return Part::unknown();
    }
    Part::exact(set)
}

/// The class as byte ranges; a class with anything beyond ASCII in it reads as one range of everything.
pub(crate) fn ranges(class: &Class) -> Vec<(u8, u8)> {
    let everything = vec![(0, 255)];
    match class {
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .map(|r| (r.start(), r.end()))
            .collect(),
        Class::Unicode(class) => {
            let ascii = |r: &regex_syntax::hir::ClassUnicodeRange| {
                Some((u8::try_from(r.start()).ok()?, u8::try_from(r.end()).ok()?))
            };
            let ranges: Option<Vec<_>> = class.ranges().iter().map(ascii).collect();
            ranges
                .filter(|r| r.iter().all(|(_, end)| end.is_ascii()))
                .unwrap_or(everything)
        }
    }
}

fn repetition_part(repetition: &Repetition) -> Part {
    let inner = walk(&repetition.sub);
    match (repetition.min, repetition.max) {
        (0, Some(1)) => match inner.exact {
            Some(mut set) if set.len() < MAX_SET => {
                set.insert(Vec::new());
                Part::exact(set)
            }
            _ => Part::unknown(),
        },
        (0, _) => Part::unknown(),
        (1, Some(1)) => inner,
        (min, max) => {
            let inner_exact = inner.exact.clone();
            let mut repeated = inner_exact.clone();
            for _ in 1..min.min(8) {
                repeated = match (repeated, &inner_exact) {
                    (Some(left), Some(right)) => product(&left, right),
                    _ => None,
                };
            }
            let whole = max == Some(min) && min <= 8 && repeated.is_some();
            if whole {
                return Part {
                    exact: repeated,
                    required: inner.required,
                };
            }
            Part {
                exact: None,
                required: better(repeated, inner.best()),
            }
        }
    }
}

fn concat_part(parts: &[Hir]) -> Part {
    let mut whole = true;
    let mut run: Literals = BTreeSet::from([Vec::new()]);
    let mut best: Option<Literals> = None;
    for part in parts.iter().map(walk) {
        let Part { exact, required } = part;
        best = better(best, required);
        match exact {
            Some(exact) => match product(&run, &exact) {
                Some(longer) => run = longer,
                None => {
                    whole = false;
                    best = better(best, Some(std::mem::replace(&mut run, exact)));
                }
            },
            None => {
                whole = false;
                best = better(
                    best,
                    Some(std::mem::take(&mut run)).filter(|set| !set.is_empty()),
                );
                run = BTreeSet::from([Vec::new()]);
            }
        }
    }
    if whole {
        return Part {
            exact: Some(run),
            required: best,
        };
    }
    Part {
        exact: None,
        required: better(best, Some(run)),
    }
}

fn alternation_part(parts: &[Hir]) -> Part {
    let mut exact = Some(Literals::new());
    let mut required = Some(Literals::new());
    for part in parts.iter().map(walk) {
        exact = match (exact, &part.exact) {
            (Some(mut all), Some(set)) if all.len() + set.len() <= MAX_SET => {
                all.extend(set.iter().cloned());
                Some(all)
            }
            _ => None,
        };
        required = match (required, part.best()) {
            (Some(mut all), Some(set)) if all.len() + set.len() <= MAX_UNION => {
                all.extend(set);
                Some(all)
            }
            _ => None,
        };
    }
    Part { exact, required }
}

/// Each string of `left` followed by each of `right`, unless that is too much.
fn product(left: &Literals, right: &Literals) -> Option<Literals> {
    let longest = |set: &Literals| set.iter().map(Vec::len).max().unwrap_or(0);
    if left.len() * right.len() > MAX_SET || longest(left) + longest(right) > MAX_LENGTH {
        return None;
    }
    let mut both = Literals::new();
    for l in left {
        both.extend(right.iter().map(|r| [l.as_slice(), r.as_slice()].concat()));
    }
    Some(both)
}

/// Removes every literal that contains another one of the set: finding the shorter is enough.
pub(crate) fn minimised(set: &Literals) -> Literals {
    let contains = |long: &[u8], short: &[u8]| memchr::memmem::find(long, short).is_some();
    set.iter()
        .filter(|literal| {
            !set.iter()
                .any(|other| other != *literal && contains(literal, other))
        })
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::pattern::parse;

    fn show(pattern: &str) -> Option<String> {
        let set = minimised(&required(&parse(pattern).unwrap())?);
        let words: Vec<_> = set
            .iter()
            .map(|l| String::from_utf8_lossy(l).into_owned())
            .collect();
        Some(words.join("|"))
    }

    #[test]
    fn literals_of_patterns() {
        let cases = [
            (r"union\s+(all\s+)?select\b", Some("select")),
            (r"\bsleep\s*\(", Some("sleep")),
            (r"(?i)SLEEP\(", Some("sleep(")),
            (r"(sleep|benchmark)\(", Some("benchmark(|sleep(")),
            (r"<script[^>]*>", Some("<script")),
            (r"[<>]", None),
            (r"\$\{", Some("${")),
            (r"or\s+1=1", Some("1=1")),
            (r"a|b", None),
            (r"\w+", None),
            (r"(foo)?bar", Some("bar")),
            (r"(foo)*bar", Some("bar")),
            (r"(?:\.\./){2,}", Some("../../")),
            (r"x(abc|def)+y", Some("abc|def")),
            (r"^/etc/passwd$", Some("/etc/passwd")),
            (r"(cat|ls).*", Some("cat|ls")),
        ];
        for (pattern, expected) in cases {
            assert_eq!(show(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
