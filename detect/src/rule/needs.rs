//! Bytes that a pattern needs: the ways in which it can match, and for each the bytes without which it cannot. Which
//! bytes occur in a field is known before any rule runs, so a pattern that needs a caret and a slash, or the six
//! letters of one command, is ruled out of most fields for next to nothing.

use regex_syntax::hir::{Hir, HirKind, Look};

use crate::rule::literal::ranges;

/// Which bytes occur, one bit each. Letters count in lower case; all bytes from 0x80 on share a bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u128);

/// The bit of a byte. Those of upper-case letters are free for others.
const fn bit(byte: u8) -> u128 {
    match byte {
        b'A'..=b'Z' => 1 << (byte | 0x20),
        0..=0x7f => 1 << byte,
        0x80.. => 1 << b'A',
    }
}

static BITS: [u128; 256] = {
    let mut bits = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        bits[byte] = bit(byte as u8);
        byte += 1;
    }
    bits
};

impl Bytes {
    /// No byte.
    pub(crate) const NONE: Bytes = Bytes(0);

    /// The bytes that occur in a text.
    pub(crate) fn of(text: &[u8]) -> Self {
        text.iter().fold(Self::NONE, |all, byte| all.and(*byte))
    }

    /// These, and one more.
    #[inline]
    pub(crate) fn and(self, byte: u8) -> Self {
        Bytes(self.0 | BITS[usize::from(byte)])
    }

    const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two share a byte.
    const fn meets(self, other: Bytes) -> bool {
        self.0 & other.0 != 0
    }

    /// The numbers of the bits.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u8> {
        (0..128).filter(move |number| self.0 >> number & 1 != 0)
    }

    /// In how many of a hundred fields that are not plain one of these occurs, roughly.
    fn commonness(self) -> u32 {
        self.numbers().map(common).sum::<u32>().min(95)
    }
}

/// The same for the byte behind one bit: orders of magnitude from everyday arguments and headers.
fn common(number: u8) -> u32 {
    match number {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b'r' | b's' => 60,
        b' ' => 50,
        b'l' | b'c' | b'd' | b'h' | b'm' | b'p' | b'u' | b'.' => 45,
        b'-' => 35,
        b'/' | b'0'..=b'2' => 30,
        b'g' | b'b' | b'f' | b'w' | b'y' | b'v' | b'3'..=b'9' | b',' => 25,
        b'k' | b'_' | b':' => 20,
        b'=' | b';' => 15,
        b'x' => 12,
        b'j' | b'q' | b'z' | b'(' | b')' | b'+' | b'%' | b'&' | b'?' | b'A' => 8,
        b'*' => 6,
        b'"' => 5,
        b'\'' | b'@' | b'!' | b'#' | b'|' => 4,
        b'{' | b'}' | b'[' | b']' | b'\t' | b'\n' => 3,
        b'<' | b'>' | b'\\' | b'$' => 2,
        _ => 1,
    }
}

/// A text, as far as needs ask for it.
#[derive(Clone, Copy)]
pub(crate) struct Traits {
    /// The bytes that occur in it.
    pub bytes: Bytes,
    /// The first of them.
    pub first: Bytes,
    /// How many there are.
    pub length: usize,
}

impl Traits {
    /// Those of a text.
    pub(crate) fn of(text: &[u8]) -> Self {
        Self::with(Bytes::of(text), text)
    }

    /// Those of a text whose bytes are known.
    pub(crate) fn with(bytes: Bytes, text: &[u8]) -> Self {
        Self {
            bytes,
            first: Bytes::of(&text[..text.len().min(1)]),
            length: text.len(),
        }
    }
}

/// One way to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    /// Each of these must occur.
    all: Bytes,
    /// Of each of these some byte must; a set of none asks for nothing.
    some: [Bytes; 2],
    /// The text begins with one of these.
    first: Bytes,
    /// The length of the shortest match.
    least: u32,
}

/// The longest list of bytes under which a way is worth being looked up.
const MOST_KEYS: u32 = 12;

impl Way {
    /// Whether a text has what it takes.
    #[inline]
    pub(crate) const fn met_by(&self, text: &Traits) -> bool {
        let [a, b] = self.some;
        self.all.0 & !text.bytes.0 == 0
            && (a.is_empty() || a.meets(text.bytes))
            && (b.is_empty() || b.meets(text.bytes))
            && (self.first.meets(text.first) || self.first.0 == u128::MAX)
            && text.length >= self.least as usize
    }

    /// The rarest bytes of which one must occur, unless they are too many to be told apart by them.
    pub(crate) fn key(&self) -> Option<Bytes> {
        self.sets()
            .filter(|set| set.0.count_ones() <= MOST_KEYS)
            .min_by_key(|set| set.commonness())
    }

    /// 0 where no byte is needed, 51 where nearly no field has the rarest.
    fn rarity(&self) -> u32 {
        let rarest = self.sets().map(Bytes::commonness).min();
        rarest.map_or(0, |common| 1 + 50_u32.saturating_sub(common))
    }

    fn sets(&self) -> impl Iterator<Item = Bytes> {
        let singles = self.all.numbers().map(|number| Bytes(1 << number));
        singles.chain(self.some.into_iter().filter(|set| !set.is_empty()))
    }
}

/// Ways of which a text must have what one takes; at least one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs(Vec<Way>);

impl Default for Needs {
    fn default() -> Self {
        Self(vec![Draft::default().finish()])
    }
}

impl Needs {
    /// The needs of a pattern.
    pub(crate) fn of(hir: &Hir) -> Self {
        Self::from(walk(hir))
    }

    /// The needs of a test that holds only where one of these literals occurs.
    pub(crate) fn of_literals(literals: &[Vec<u8>]) -> Self {
        let drafts = literals.iter().map(|literal| Draft::literal(literal));
        Self::from(few(drafts.collect()))
    }

    /// Some of these bytes.
    pub(crate) fn some(bytes: &[u8]) -> Self {
        Self::from(vec![Draft::set(Bytes::of(bytes))])
    }

    /// The ways.
    pub(crate) fn ways(&self) -> &[Way] {
        &self.0
    }

    /// Whether a text has what one of the ways takes.
    pub(crate) fn met_by(&self, text: &Traits) -> bool {
        self.0.iter().any(|way| way.met_by(text))
    }

    /// How rare a field that meets the needs is: 0 where nothing is needed, 51 where nearly no field does.
    pub(crate) fn rarity(&self) -> u32 {
        self.0.iter().map(Way::rarity).min().unwrap_or(0)
    }
}

impl From<Vec<Draft>> for Needs {
    fn from(drafts: Vec<Draft>) -> Self {
        let mut ways = Vec::new();
        for way in drafts.into_iter().map(Draft::finish) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        Self(ways)
    }
}

/// Most ways that are told apart.
const MOST_WAYS: usize = 24;

/// A way while it is put together.
#[derive(Clone, Default)]
struct Draft {
    all: Bytes,
    some: Vec<Bytes>,
    least: u32,
    /// What it can begin with, if it is not empty.
    first: Bytes,
    /// Whether it begins where the text does.
    anchored: bool,
    /// Whether it never holds a byte.
    empty: bool,
}

impl Draft {
    fn literal(bytes: &[u8]) -> Self {
        Draft {
            all: Bytes::of(bytes),
            least: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
            first: Bytes::of(&bytes[..bytes.len().min(1)]),
            ..Draft::default()
        }
    }

    /// No byte, and perhaps a demand on the place.
    fn empty(anchored: bool) -> Self {
        Draft {
            anchored,
            empty: true,
            ..Draft::default()
        }
    }

    /// One byte of a set.
    fn set(set: Bytes) -> Self {
        let single = set.0.count_ones() == 1;
        Draft {
            all: if single { set } else { Bytes::NONE },
            some: if single { Vec::new() } else { vec![set] },
            least: 1,
            first: set,
            ..Draft::default()
        }
    }

    fn then(&self, next: &Draft) -> Draft {
        let mut both = self.clone();
        both.all.0 |= next.all.0;
        for set in &next.some {
            if !both.some.contains(set) {
                both.some.push(*set);
            }
        }
        both.least = both.least.saturating_add(next.least);
        if self.least == 0 {
            both.first.0 |= next.first.0;
        }
        both.anchored = self.anchored || self.empty && next.anchored;
        both.empty = self.empty && next.empty;
        both
    }

    fn finish(self) -> Way {
        let everything = Bytes(u128::MAX);
        let bound = self.anchored && self.least > 0;
        let mut some = self.some;
        some.retain(|set| !set.meets(self.all));
        some.sort_by_key(|set| set.commonness());
        let at = |which: usize| some.get(which).copied().unwrap_or_default();
        Way {
            all: self.all,
            some: [at(0), at(1)],
            first: if bound { self.first } else { everything },
            least: self.least,
        }
    }
}

/// The ways of a part of a pattern; at least one.
fn walk(hir: &Hir) -> Vec<Draft> {
    match hir.kind() {
        HirKind::Empty => vec![Draft::empty(false)],
        HirKind::Look(look) => vec![Draft::empty(*look == Look::Start)],
        HirKind::Literal(literal) => vec![Draft::literal(&literal.0)],
        HirKind::Class(class) => {
            let bytes = ranges(class)
                .into_iter()
                .flat_map(|(start, end)| start..=end);
            vec![Draft::set(bytes.fold(Bytes::NONE, Bytes::and))]
        }
        HirKind::Repetition(repetition) => repeated(walk(&repetition.sub), repetition.min),
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Concat(parts) => sequence(parts),
        HirKind::Alternation(parts) => {
            let ways: Vec<_> = parts.iter().map(walk).collect();
            if ways.iter().map(Vec::len).sum::<usize>() <= MOST_WAYS {
                return ways.concat();
            }
            few(ways.iter().map(|ways| common_to(ways)).collect())
        }
    }
}

/// A part that stands there `min` times at least: one of them goes some way, the others take no less than the shortest.
fn repeated(mut ways: Vec<Draft>, min: u32) -> Vec<Draft> {
    let first = ways.iter().fold(0, |all, way| all | way.first.0);
    if min == 0 {
        return vec![Draft {
            first: Bytes(first),
            ..Draft::default()
        }];
    }
    let anchored = ways.iter().all(|way| way.anchored);
    let shortest = ways.iter().map(|way| way.least).min().unwrap_or(0);
    let others = shortest.saturating_mul(min.saturating_sub(1));
    for way in &mut ways {
        way.least = way.least.saturating_add(others);
        way.first = Bytes(first);
        way.anchored = anchored;
    }
    ways
}

/// Each way of each part followed by each of the next, while they are few.
fn sequence(parts: &[Hir]) -> Vec<Draft> {
    let mut ways = vec![Draft::empty(false)];
    for next in parts.iter().map(walk) {
        let next = if ways.len() * next.len() > MOST_WAYS {
            vec![common_to(&next)]
        } else {
            next
        };
        ways = ways
            .iter()
            .flat_map(|way| next.iter().map(|next| way.then(next)))
            .collect();
    }
    ways
}

fn few(ways: Vec<Draft>) -> Vec<Draft> {
    if ways.len() <= MOST_WAYS {
        return ways;
    }
    vec![common_to(&ways)]
}

/// What is needed whichever way is gone: what all of them need, and one of the rarest sets of each.
fn common_to(ways: &[Draft]) -> Draft {
    let all = ways.iter().fold(u128::MAX, |all, way| all & way.all.0);
    let rarest = |way: &Draft| way.clone().finish().sets().min_by_key(|s| s.commonness());
    let joined = ways
        .iter()
        .map(rarest)
        .try_fold(Bytes::NONE, |all, set| set.map(|set| Bytes(all.0 | set.0)));
    let mut draft = joined
        .filter(|set| !set.is_empty())
        .map_or_else(Draft::default, Draft::set);
    draft.all.0 |= if ways.is_empty() { 0 } else { all };
    draft.least = ways.iter().map(|way| way.least).min().unwrap_or(0);
    draft.first = Bytes(ways.iter().fold(0, |all, way| all | way.first.0));
    draft.anchored = ways.iter().all(|way| way.anchored);
    draft.empty = ways.iter().all(|way| way.empty);
    draft
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rule::pattern::parse;

    fn meets(pattern: &str, text: &str) -> bool {
        Needs::of(&parse(pattern).unwrap()).met_by(&Traits::of(text.as_bytes()))
    }

    #[test]
    fn needs_of_patterns() {
        // Pattern, a text that meets the needs, a text that does not.
        let cases: &[(&str, &str, &str)] = &[
            (r#"['"] ?or"#, "ro'", "a or b"),
            (r"a+<b*>", "a<>", "<>"),
            (r"(a'|b`)", "b`", "a`"),
            (r"x{2,}=", "x=x", "x="),
            (r"\d+(--|#)", "1#", "1"),
            (r"\bWHOAMI\b", "who am i", "home"),
            (r"(?:w\^?h\^?o|[a-z]\^[a-z])", "a^b", "a-b"),
            (r"(?:ab|c){3}", "cccb", "cd"),
            (r"é", "é", "e"),
            (r"^[+-]?\d", "-1", "a1"),
            (r"(?:^|=)x", "xy", "yx"),
            (r"(?:^a|^(?:b|c*)d)+e", "cde", "ecd"),
        ];
        for (pattern, met, unmet) in cases {
            assert!(meets(pattern, met), "{pattern} {met}");
            assert!(!meets(pattern, unmet), "{pattern} {unmet}");
        }
        for nothing in ["(a')?", "[^a]*", "(a|b?)"] {
            let needs = Needs::of(&parse(nothing).unwrap());
            assert_eq!(needs.rarity(), 0, "{nothing}");
            assert!(meets(nothing, ""), "{nothing}");
        }
    }

    #[test]
    fn many_ways_are_told_apart_by_what_they_have_in_common() {
        let words: Vec<String> = (0..40).map(|i| format!("{i}:x")).collect();
        let pattern = format!("(?:{})=", words.join("|"));
        assert_eq!(Needs::of(&parse(&pattern).unwrap()).ways().len(), 1);
        assert!(meets(&pattern, "7:x="));
        assert!(!meets(&pattern, "7;x="));
    }

    proptest! {
        #[test]
        fn where_a_pattern_matches_its_needs_are_met(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "^[ac]", "(?:^|b)", "(?:^d)?", "a", "[bc]", "(?:d|ef|g+)", "h?", "(?:i|j){2}", r"\W", "[^k]", "(?:l|(?:m|n)o)*", r"\d{1,3}", "'", "$", "^",
                ]),
                1..5,
            ),
            text in "[a-o0-9' <]{0,12}",
        ) {
            for pattern in [parts.concat(), parts.join("|")] {
                let regex = crate::rule::pattern::compile(&pattern).unwrap();
                prop_assert!(!regex.is_match(&text) || meets(&pattern, &text), "{pattern} {text}");
            }
        }
    }
}
