//! What parameters a place is used to: which names it is asked with, and what kind of value each of them has (digits,
//! words, how long). A parameter that nobody else sends, or a value of a kind that nobody else gives it, is odd; a few
//! of them are a link with a tracker on it, many different ones are somebody who tries out what breaks.
//!
//! A sketch of fixed size (count-min, Cormode and Muthukrishnan 2005) without locks: two rows of counters, the lesser
//! of the two counts. When it has learnt a million things it halves everything, so that new parameters become usual.

use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use crate::behaviour::subject::mix;
use crate::behaviour::template;

const ROWS: usize = 2;
const COUNTERS: usize = 1 << 16;

/// Parameters of a request that are looked at.
const MOST: usize = 8;

/// Requests with parameters from which on a place is known, and uses from which on a parameter is.
const KNOWN_FROM: u16 = 150;

/// What is used in fewer of this many cases is odd.
const RARE: u16 = 200;

/// Things learnt until everything is halved.
const FULL: u32 = 1_000_000;

/// What is odd is learnt once in so many times.
const ODD_EVERY: u32 = 4;

/// The sketch.
#[derive(Debug)]
pub(crate) struct Customs {
    counters: Box<[AtomicU16]>,
    learnt: AtomicU32,
    /// Keeps clients from choosing which parameters share a counter.
    seed: u64,
}

/// The parameters of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Questions {
    place: u64,
    /// Of each parameter its name, and its name with the kind of its value.
    pairs: [(u64, u64); MOST],
    count: usize,
    odd: u64,
}

impl Questions {
    /// The first that is odd; 0 for none. An odd name is the same whatever its value, odd values of one name differ.
    pub(crate) const fn odd(&self) -> u64 {
        self.odd
    }
}

impl Customs {
    /// Bytes that it takes.
    pub(crate) const BYTES: usize = ROWS * COUNTERS * size_of::<AtomicU16>();

    /// An empty one.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            counters: (0..ROWS * COUNTERS).map(|_| AtomicU16::new(0)).collect(),
            learnt: AtomicU32::new(0),
            seed,
        }
    }

    /// Reads the parameters of a request to a place.
    pub(crate) fn read(&self, place: u32, query: &[u8]) -> Questions {
        let mut questions = Questions {
            place: mix(self.seed ^ u64::from(place)),
            ..Questions::default()
        };
        if query.is_empty() {
            return questions;
        }
        let known = self.count(questions.place) >= KNOWN_FROM;
        for pair in query.split(|byte| *byte == b'&').take(MOST) {
            let at = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            let name = mix(questions.place ^ template::text(&pair[..at]));
            let kind = mix(name ^ kind(value));
            questions.pairs[questions.count] = (name, kind);
            questions.count += 1;
            if known && questions.odd == 0 {
                questions.odd = self.oddity(questions.place, name, kind, value);
            }
        }
        questions
    }

    fn oddity(&self, place: u64, name: u64, kind: u64, value: &[u8]) -> u64 {
        let rare = |part: u16, whole: u16| u32::from(part) * u32::from(RARE) < u32::from(whole);
        let used = self.count(name);
        if rare(used, self.count(place)) {
            return name | 1;
        }
        if used >= KNOWN_FROM && rare(self.count(kind), used) {
            return mix(name ^ template::text(value)) | 1;
        }
        0
    }

    /// Learns from a request that nothing else speaks against.
    pub(crate) fn learn(&self, questions: &Questions) {
        if questions.count == 0 {
            return;
        }
        let before = self.learnt.fetch_add(1, Ordering::Relaxed);
        if before == FULL {
            self.halve();
        }
        // What is odd becomes usual where many do it, and not by one who insists.
        if questions.odd != 0 && !before.is_multiple_of(ODD_EVERY) {
            return;
        }
        self.add(questions.place);
        for (name, kind) in &questions.pairs[..questions.count] {
            self.add(*name);
            self.add(*kind);
        }
    }

    fn halve(&self) {
        self.learnt.store(0, Ordering::Relaxed);
        for counter in &self.counters {
            counter.store(counter.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
        }
    }

    fn cells(&self, key: u64) -> [&AtomicU16; ROWS] {
        let cell = |row: usize| {
            let at = (key >> (16 * row)) as usize % COUNTERS;
            &self.counters[row * COUNTERS + at]
        };
        [cell(0), cell(1)]
    }

    fn count(&self, key: u64) -> u16 {
        let counts = self.cells(key).map(|cell| cell.load(Ordering::Relaxed));
        counts.into_iter().min().unwrap_or(0)
    }

    /// Two at once may lose one of them: what counts is the order of magnitude. A full counter halves everything.
    fn add(&self, key: u64) {
        for cell in self.cells(key) {
            let count = cell.load(Ordering::Relaxed);
            if count >= u16::MAX - 1 {
                return self.halve();
            }
            cell.store(count + 1, Ordering::Relaxed);
        }
    }
}

/// What kind of value it is: which characters it has, and about how many of them. Of a number the digits.
fn kind(value: &[u8]) -> u64 {
    let mut classes = 0_u64;
    let mut length = 0_u64;
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => b' ',
            b'%' => escaped(&mut bytes),
            byte => byte,
        };
        classes |= class(byte);
        length += 1;
    }
    let size = match length {
        // A page far back in a list is no other kind of number than the first.
        _ if classes == DIGITS => 100 + length.min(24).div_ceil(3),
        0..=4 => length.min(1),
        _ => u64::from(length.ilog2()) / 2 + 2,
    };
    classes << 8 | size
}

const DIGITS: u64 = 2;

/// The byte after a percent sign, or the sign itself where no two digits follow.
fn escaped(bytes: &mut (impl Iterator<Item = u8> + Clone)) -> u8 {
    let mut ahead = bytes.clone();
    let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
    let (Some(high), Some(low)) = (digit(ahead.next()), digit(ahead.next())) else {
        return b'%';
    };
    *bytes = ahead;
    (high * 16 + low) as u8
}

const fn class(byte: u8) -> u64 {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' => 1,
        b'0'..=b'9' => DIGITS,
        b' ' => 4,
        b'-' | b'_' | b'.' | b',' | b':' | b'/' | b'@' => 8,
        0x80.. => 16,
        0..=31 | 127 => 64,
        _ => 32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used() -> Customs {
        let customs = Customs::new(7);
        for n in 0..2000_u32 {
            let query = match n % 4 {
                0 => format!("page={}&size=20", n % 37),
                1 => format!("q=some+words+{}", "x".repeat(n as usize % 9)),
                2 => format!("q=it%27s&page={}", n % 12),
                _ => "size=50&sort=price".to_owned(),
            };
            customs.learn(&customs.read(1, query.as_bytes()));
        }
        customs
    }

    #[test]
    fn what_nobody_else_asks_is_odd() {
        let customs = used();
        for (place, query, odd) in [
            (1, "", false),
            (1, "page=3", false),
            (1, "page=3&size=20", false),
            (1, "q=other+words", false),
            (1, "debug=1", true),
            (1, "page=3&debug=1", true),
            (1, "page=-1", true),
            (1, "page=18446744073709551616", true),
            (1, "page=NaN", true),
            (1, "sort=%00", true),
            (1, "sort", true),
            // Of this place nothing is known.
            (2, "debug=1", false),
        ] {
            let read = customs.read(place, query.as_bytes());
            assert_eq!(read.odd() != 0, odd, "{place} {query}");
        }
    }

    #[test]
    fn one_odd_name_is_one_question_and_odd_values_are_many() {
        let customs = used();
        let odd = |query: &str| customs.read(1, query.as_bytes()).odd();
        assert_eq!(odd("fbclid=1"), odd("page=2&fbclid=2"));
        assert_ne!(odd("page=-1"), odd("page=-2"));
    }

    #[test]
    fn what_many_ask_becomes_usual_and_counters_never_overflow() {
        let customs = used();
        for n in 0..400_000_u32 {
            customs.learn(&customs.read(1, b"page=1&utm=x"));
            if n == 200 {
                assert_eq!(customs.read(1, b"utm=y").odd(), 0, "known by now");
            }
        }
        assert_ne!(customs.read(1, b"debug=1").odd(), 0);
    }

    #[test]
    fn kinds_of_values() {
        for (one, other, same) in [
            ("12", "34", true),
            ("12", "345", true),
            ("12", "34567", false),
            ("lamp", "desk", true),
            ("lamp", "lamp1", false),
            ("red+lamp", "blue%20sofa", true),
            ("a%2", "a%zz", false),
            ("", "a", false),
            ("%41bcdefg", "abcdefg", true),
        ] {
            let alike = kind(one.as_bytes()) == kind(other.as_bytes());
            assert_eq!(alike, same, "{one} {other}");
        }
    }
}
