//! The columns of a field for the linear gate: n-grams, words and triples of tokens of its normalised bytes, hashed.
//!
//! One pass over the bytes, nothing is kept but the last four bytes and the last two tokens. What comes out is the
//! same for training and for serving, because both call [`columns`]. `docs/FEATURES.md` describes it for people.

use crate::field::Location;

/// Bits of a column's number.
pub const BITS: u32 = 18;

/// How much of a longer field is read: half of it from the beginning and half from the end.
pub(crate) const LONGEST: usize = 4096;

/// Counts stop here.
pub const MOST: u8 = 255;

/// Raised when the columns of a field change.
pub(super) const VERSION: u32 = 1;

/// The shortest word that has a column of its own, and how much of a longer one counts.
const WORD: std::ops::RangeInclusive<u32> = 5..=24;

const BEGIN: u8 = 2;
const END: u8 = 3;

/// What a byte is read as; see the table in `docs/FEATURES.md`.
static NORMAL: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        table[byte] = normal(byte as u8);
        byte += 1;
    }
    table
};

const fn normal(byte: u8) -> u8 {
    match byte {
        b'A'..=b'Z' => byte.to_ascii_lowercase(),
        b'0'..=b'9' => b'0',
        b'\t' | b'\n' | 0x0b | 0x0c | b'\r' => b' ',
        0x80.. => 0x80,
        0..=0x1f | 0x7f => 1,
        _ => byte,
    }
}

/// How many of a run of equal normalised bytes count, beginning with the byte after the last that does.
const fn run(byte: u8) -> u32 {
    match byte {
        b' ' => 1,
        b'0' | 0x80 => 2,
        _ => u32::MAX,
    }
}

/// Seeds keep the kinds of columns apart.
mod seed {
    pub(super) const PAIR: u64 = 0x51ed_270b_35ae_9f01;
    pub(super) const TRIPLE: u64 = 0x8c2f_6e11_d04b_73a5;
    pub(super) const QUADRUPLE: u64 = 0x1f83_d9ab_fb41_bd6b;
    pub(super) const WORD: u64 = 0x6a09_e667_f3bc_c908;
    pub(super) const TOKENS: u64 = 0xbb67_ae85_84ca_a73b;
    pub(super) const PLACE: u64 = 0x3c6e_f372_fe94_f82b;
    pub(super) const LENGTH: u64 = 0xa54f_f53a_5f1d_36f1;
}

const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

fn column(value: u64, seed: u64) -> u32 {
    // The upper bits of a product are the well mixed ones; 18 of them fit.
    ((value ^ seed).wrapping_mul(ODD) >> (64 - BITS)) as u32
}

/// Names each column of a field, as often as it occurs. `at` is where in `bytes` the column's text ends.
pub(super) fn columns(bytes: &[u8], location: Location, sink: &mut impl FnMut(u32, usize)) {
    let place = location as u64 + 1;
    sink(column(place, seed::PLACE), 0);
    let length = u64::from(usize::BITS - bytes.len().leading_zeros());
    sink(column(place << 8 | length, seed::LENGTH), 0);
    let mut grams = Grams::default();
    let mut tokens = Tokens::default();
    grams.push(BEGIN, 0, sink);
    tokens.push(u64::from(BEGIN), 0, sink);
    let mut last = 0;
    let mut same = 0;
    let mut comment = Comment::Outside;
    for (at, byte) in bytes.iter().enumerate() {
        let byte = NORMAL[usize::from(*byte)];
        same = if byte == last { same + 1 } else { 0 };
        last = byte;
        if same >= run(byte) {
            continue;
        }
        grams.push(byte, at + 1, sink);
        if comment.takes(byte, bytes.get(at + 1).copied()) {
            tokens.end(at, sink);
        } else {
            tokens.byte(byte, at, sink);
        }
    }
    tokens.end(bytes.len(), sink);
    tokens.push(u64::from(END), bytes.len(), sink);
    grams.push(END, bytes.len(), sink);
}

/// Comments like `/*…*/` are no tokens.
enum Comment {
    Outside,
    /// After the slash of `/*`; how many bytes of it were seen.
    Inside(u32),
    /// After the star of `*/`.
    Closing,
}

impl Comment {
    /// Whether the byte belongs to a comment.
    fn takes(&mut self, byte: u8, next: Option<u8>) -> bool {
        match self {
            Comment::Outside if byte == b'/' && next == Some(b'*') => *self = Comment::Inside(0),
            Comment::Outside => return false,
            // The star that opens does not close.
            Comment::Inside(seen) if *seen > 0 && byte == b'*' && next == Some(b'/') => {
                *self = Comment::Closing;
            }
            Comment::Inside(seen) => *seen += 1,
            Comment::Closing => *self = Comment::Outside,
        }
        true
    }
}

/// The last four normalised bytes.
#[derive(Default)]
struct Grams {
    window: u32,
    seen: u32,
}

impl Grams {
    #[inline]
    fn push(&mut self, byte: u8, at: usize, sink: &mut impl FnMut(u32, usize)) {
        self.window = self.window << 8 | u32::from(byte);
        self.seen += 1;
        let window = u64::from(self.window);
        if self.seen >= 4 {
            sink(column(window, seed::QUADRUPLE), at);
        }
        if self.seen >= 3 {
            sink(column(window & 0xff_ffff, seed::TRIPLE), at);
        }
        if self.seen >= 2 {
            sink(column(window & 0xffff, seed::PAIR), at);
        }
    }
}

/// The token that is being read, and the two before it.
#[derive(Default)]
struct Tokens {
    before: [u64; 2],
    seen: u32,
    word: u64,
    letters: u32,
    digits: bool,
}

impl Tokens {
    #[inline]
    fn byte(&mut self, byte: u8, at: usize, sink: &mut impl FnMut(u32, usize)) {
        match byte {
            b'a'..=b'z' | b'_' | 0x80 => {
                if self.digits {
                    self.end(at, sink);
                }
                if self.letters < *WORD.end() {
                    self.word = (self.word.rotate_left(5) ^ u64::from(byte)).wrapping_mul(ODD);
                }
                self.letters += 1;
            }
            b'0' => {
                if self.letters > 0 {
                    self.end(at, sink);
                }
                self.digits = true;
            }
            b' ' => self.end(at, sink),
            _ => {
                self.end(at, sink);
                self.push(u64::from(byte), at + 1, sink);
            }
        }
    }

    /// Ends the word or number that is being read.
    fn end(&mut self, at: usize, sink: &mut impl FnMut(u32, usize)) {
        if self.letters > 0 {
            if self.letters >= *WORD.start() {
                sink(column(self.word, seed::WORD), at);
            }
            self.push(self.word, at, sink);
        } else if self.digits {
            self.push(u64::from(b'0'), at, sink);
        }
        (self.word, self.letters, self.digits) = (0, 0, false);
    }

    fn push(&mut self, token: u64, at: usize, sink: &mut impl FnMut(u32, usize)) {
        let [first, second] = self.before;
        self.seen += 1;
        if self.seen >= 3 {
            let all = (first.rotate_left(17) ^ second)
                .wrapping_mul(ODD)
                .rotate_left(17)
                ^ token;
            sink(column(all, seed::TOKENS), at);
        }
        self.before = [second, token];
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(text: &str) -> Vec<u32> {
        let mut all = Vec::new();
        columns(text.as_bytes(), Location::Query, &mut |column, _| {
            all.push(column)
        });
        all.sort_unstable();
        all
    }

    #[test]
    fn what_is_normalised_makes_no_difference() {
        for (one, other) in [
            ("Union SELECT", "uNION select"),
            ("id=17 or 3=3", "id=25 or 8=8"),
            ("a \t\r\n b", "a b    "),
            ("1234567", "12"),
            ("\u{0}x", "\u{1}x"),
            ("äöü", "öä"),
        ] {
            let (one, other) = (one.trim_end(), other.trim_end());
            let same = |text| of(text).into_iter().collect::<BTreeSet<u32>>();
            // The length class may differ.
            let apart: Vec<u32> = same(one)
                .symmetric_difference(&same(other))
                .copied()
                .collect();
            assert!(apart.len() <= 2, "{one:?} {other:?} {apart:?}");
        }
    }

    #[test]
    fn comments_part_no_tokens() {
        let shared = |text: &str| {
            let plain: BTreeSet<u32> = of("union select").into_iter().collect();
            of(text)
                .into_iter()
                .filter(|column| plain.contains(column))
                .count()
        };
        // Four words and triples: two words, begin–union–select, union–select–end.
        assert!(shared("union/**/select") >= shared("unions elect") + 3);
        assert!(shared("union/*a*b/c*/select") >= shared("unions elect") + 3);
    }

    #[test]
    fn columns_are_within_their_bits_and_bounded_by_the_length() {
        let text = "'; DROP/**/TABLE users -- \u{80}".repeat(40);
        let all = of(&text);
        assert!(all.iter().all(|column| *column < 1 << BITS));
        assert!(
            all.len() <= 5 * text.len() + 10,
            "{} of {}",
            all.len(),
            text.len()
        );
    }

    #[test]
    fn two_kinds_of_columns_rarely_meet() {
        let (one, other): (BTreeSet<u32>, BTreeSet<u32>) = (
            of("select name from users").into_iter().collect(),
            of("/var/www/html/index.php").into_iter().collect(),
        );
        // The place is shared; all else by chance only.
        assert!(one.intersection(&other).count() <= 4);
    }
}
