//! Kinds of bytes that a pattern needs: each match has at least one byte of each of them. The kinds in a field are
//! known before any rule runs, so a pattern that needs a quote is ruled out of most fields for nothing.

use regex_syntax::hir::{Hir, HirKind};

use crate::decode::class::{
    AMP, AT, BACKSLASH, BACKTICK, BANG, BRACE, BRACKET, CARET, COLON, COMMA, CONTROL, CharClass,
    DIGIT, DOLLAR, DQUOTE, EQUALS, GT, HASH, HIGH, LOWER, LT, PAREN, PERCENT, PIPE, PLAIN_PUNCT,
    PLUS, QUESTION, QUOTE, SEMI, SLASH, SPACE, STAR, UPPER, classify,
};
use crate::rule::literal::ranges;

/// Up to two sets of kinds; of each, some byte must occur. A set of no kinds asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Needs([u32; 2]);

impl Needs {
    /// The needs of a pattern.
    pub(crate) fn of(hir: &Hir) -> Self {
        Self::best(walk(hir))
    }

    /// The needs of a test that holds only where one of these literals occurs.
    pub(crate) fn of_literals(literals: &[Vec<u8>]) -> Self {
        let branches = literals.iter().map(|literal| of_bytes(literal));
        Self::best(alternatives(branches))
    }

    /// Exactly this one set.
    pub(crate) const fn one(kinds: u32) -> Self {
        Self([kinds, 0])
    }

    fn best(mut all: Vec<u32>) -> Self {
        all.sort_by_key(|kinds| commonness(*kinds));
        all.dedup();
        all.truncate(2);
        let at = |which: usize| all.get(which).copied().unwrap_or(0);
        Self([at(0), at(1)])
    }

    /// Whether bytes of these kinds can meet the needs.
    pub(crate) const fn met_by(self, class: CharClass) -> bool {
        let [a, b] = self.0;
        (a == 0 || a & class.0 != 0) && (b == 0 || b & class.0 != 0)
    }

    /// How rare a field that meets the needs is: 0 where nothing is needed, 51 where nearly no field does.
    pub(crate) fn rarity(self) -> u32 {
        match self.0 {
            [0, _] => 0,
            [kinds, _] => 1 + 50_u32.saturating_sub(commonness(kinds)),
        }
    }
}

/// How common fields with one of these kinds are, in rough percent of those that are not plain.
fn commonness(kinds: u32) -> u32 {
    COMMONNESS
        .iter()
        .filter(|(kind, _)| kinds & kind != 0)
        .map(|(_, common)| common)
        .sum()
}

const COMMONNESS: [(u32, u32); 32] = [
    (LOWER, 95),
    (UPPER, 60),
    (DIGIT, 60),
    (PLAIN_PUNCT, 60),
    (SPACE, 50),
    (SLASH, 30),
    (COMMA, 25),
    (COLON, 20),
    (EQUALS, 15),
    (SEMI, 15),
    (PAREN, 10),
    (PLUS, 8),
    (PERCENT, 8),
    (AMP, 8),
    (QUESTION, 8),
    (HIGH, 8),
    (STAR, 6),
    (DQUOTE, 5),
    (QUOTE, 4),
    (AT, 4),
    (BANG, 4),
    (HASH, 4),
    (PIPE, 4),
    (BRACE, 4),
    (BRACKET, 4),
    (CONTROL, 3),
    (LT, 2),
    (GT, 2),
    (BACKSLASH, 2),
    (DOLLAR, 2),
    (BACKTICK, 1),
    (CARET, 1),
];

/// All sets of kinds that a part needs.
fn walk(hir: &Hir) -> Vec<u32> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(literal) => of_bytes(&literal.0),
        HirKind::Class(class) => {
            let bytes: Vec<u8> = ranges(class)
                .into_iter()
                .flat_map(|(start, end)| start..=end)
                .collect();
            vec![classify(&bytes).0]
        }
        HirKind::Repetition(repetition) if repetition.min == 0 => Vec::new(),
        HirKind::Repetition(repetition) => walk(&repetition.sub),
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(walk).collect(),
        HirKind::Alternation(parts) => alternatives(parts.iter().map(walk)),
    }
}

fn of_bytes(bytes: &[u8]) -> Vec<u32> {
    bytes.iter().map(|byte| classify(&[*byte]).0).collect()
}

/// What is needed whichever branch matches: the rarest need of each branch, together as one set.
fn alternatives(branches: impl Iterator<Item = Vec<u32>>) -> Vec<u32> {
    let rarest = |needs: Vec<u32>| needs.into_iter().min_by_key(|kinds| commonness(*kinds));
    let joined = branches
        .map(rarest)
        .try_fold(0, |all, kinds| kinds.map(|kinds| all | kinds));
    joined.filter(|kinds| *kinds != 0).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::pattern::parse;

    #[test]
    fn needs_of_patterns() {
        // Pattern, a text that meets the needs, a text that does not.
        let cases: &[(&str, &str, &str)] = &[
            (r#"['"] ?or"#, "a'b", "a or b"),
            (r"a+<b*>", "<>", "<"),
            (r"(a'|b`)", "`", "ab"),
            (r"x{2,}=", "x=", "xx"),
            (r"\d+(--|#)", "1#", "1"),
        ];
        for (pattern, met, unmet) in cases {
            let needs = Needs::of(&parse(pattern).unwrap());
            assert!(needs.met_by(classify(met.as_bytes())), "{pattern} {met}");
            assert!(
                !needs.met_by(classify(unmet.as_bytes())),
                "{pattern} {unmet}"
            );
        }
        for nothing in ["(a')?", "[^a]*", "(a|b?)"] {
            assert_eq!(
                Needs::of(&parse(nothing).unwrap()),
                Needs::default(),
                "{nothing}"
            );
        }
    }
}
