//! libinjection's opinion on a value: is it SQL, is it script? Rules ask for it with `detect_sqli` and `detect_xss`.
//!
//! The library is a port of C written by others and meets bytes from anywhere, so it is fenced in: a panic inside it
//! counts as no opinion (and is counted), and it sees windows of bounded length only. It costs a few microseconds a
//! field, so callers ask only where a cheaper test has not cleared the field; the cheapest ones stand here.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use libinjectionrs::sqli::SqliState;
use libinjectionrs::{SqliFlags, detect_xss};

use crate::decode::class::{CharClass, EQUALS, LT};

/// Longest piece that the library is given at once, in bytes.
pub const WINDOW: usize = 8 << 10;

/// Most windows of one value that are looked at.
pub const MOST_WINDOWS: usize = 8;

/// What windows that follow each other share, so that a tag on the edge is seen whole.
const OVERLAP: usize = 512;

static PANICS: AtomicU64 = AtomicU64::new(0);

/// The kinds of the first tokens of a value, one letter each, at most eight: `s&1` is a string, a logical operator
/// and a number. The letters are libinjection's.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 8]);

impl Fingerprint {
    /// The letters.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|b| *b == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.as_str())
    }
}

/// Whether bytes of this class can be SQL injection to libinjection at all. A plain value cannot, with one exception
/// that nothing is lost by: a number and a comment, `1--`.
pub const fn may_be_sqli(class: CharClass) -> bool {
    !class.is_plain()
}

/// Whether bytes of this class can be script to libinjection at all: it needs a tag or an attribute with a value.
pub const fn may_be_xss(class: CharClass) -> bool {
    class.has(LT | EQUALS)
}

/// How often the library panicked since the process started.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

/// The fingerprint under which libinjection takes `value` for SQL injection, in any of its contexts (bare, inside
/// single quotes, inside double quotes). `None` when it does not.
///
/// Only the first tokens matter to it. Of a value longer than [`WINDOW`] the beginning is looked at, and what follows
/// the first quotes after it.
pub fn is_sqli(value: &[u8]) -> Option<Fingerprint> {
    if let Some(fingerprint) = sqli_window(&value[..value.len().min(WINDOW)]) {
        return Some(fingerprint);
    }
    let mut from = WINDOW;
    for _ in 1..MOST_WINDOWS {
        let rest = value.get(from..)?;
        let quote = from + memchr::memchr2(b'\'', b'"', rest)?;
        let end = value.len().min(quote + WINDOW);
        if let Some(fingerprint) = sqli_window(&value[quote..end]) {
            return Some(fingerprint);
        }
        from = quote + WINDOW;
    }
    None
}

fn sqli_window(window: &[u8]) -> Option<Fingerprint> {
    fenced(|| {
        let mut state = SqliState::new(window, SqliFlags::FLAG_NONE);
        let found = state.detect();
        found.then_some(Fingerprint(state.fingerprint))
    })
    .flatten()
}

/// Whether libinjection takes `value` for script, in any of its contexts (text, or inside an attribute). A value
/// longer than [`WINDOW`] is looked at piece by piece, up to [`MOST_WINDOWS`].
pub fn is_xss(value: &[u8]) -> bool {
    let mut from = 0;
    for _ in 0..MOST_WINDOWS {
        let window = &value[from..value.len().min(from + WINDOW)];
        if fenced(|| detect_xss(window).is_injection()).unwrap_or(false) {
            return true;
        }
        if from + WINDOW >= value.len() {
            break;
        }
        from += WINDOW - OVERLAP;
    }
    false
}

/// The answer of `ask`, or `None` when it panics. Nothing of its state survives, so nothing can be left broken.
fn fenced<T>(ask: impl FnOnce() -> T) -> Option<T> {
    let answer = catch_unwind(AssertUnwindSafe(ask));
    if answer.is_err() {
        PANICS.fetch_add(1, Ordering::Relaxed);
    }
    answer.ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::decode::classify;

    #[test]
    fn sql_injection_has_a_fingerprint() {
        for (value, expected) in [
            (&b"1' or '1'='1"[..], Some("s&sos")),
            (b"1 union select 2", Some("1UE1")),
            (b"' or 1=1 -- ", Some("s&1c")),
            (b"", None),
            (b"hello world", None),
            (b"O'Brien", None),
        ] {
            let found = is_sqli(value);
            assert_eq!(
                found.as_ref().map(Fingerprint::as_str),
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn script_is_found_and_prose_is_not() {
        for (value, expected) in [
            (&b"<script>alert(1)</script>"[..], true),
            (b"\" onload=alert(1) x=\"", true),
            (b"<a href=javascript:x>", true),
            (b"a < b and b > c", false),
            (b"<b>bold</b>", false),
            (b"", false),
        ] {
            assert_eq!(is_xss(value), expected, "{value:?}");
        }
    }

    #[test]
    fn long_values_are_looked_at_in_windows() {
        let padding = b"some words ".repeat(2000);
        let with = |attack: &[u8]| [padding.as_slice(), attack].concat();
        assert!(is_sqli(&with(b"' or '1'='1")).is_some());
        assert!(is_sqli(&with(b"no more than words")).is_none());
        assert!(is_xss(&with(b"<script>alert(1)</script>")));
        assert!(!is_xss(&with(b"a < b")));
        for shift in 0..64 {
            let edge = [&vec![b' '; WINDOW - shift][..], b"<script src=//x>"].concat();
            assert!(is_xss(&edge), "{shift}");
        }
    }

    #[test]
    fn a_panic_is_no_opinion() {
        let before = panics();
        assert_eq!(fenced(|| -> bool { panic!("as the library might") }), None);
        assert!(panics() > before);
        assert_eq!(fenced(|| 1), Some(1));
    }

    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let pieces = [
            "'",
            "\"",
            "`",
            "/*",
            "*/",
            "/*!",
            "--",
            "#",
            "\n",
            " ",
            "1",
            "0x",
            "1e",
            "1.",
            "e+",
            "select",
            "union",
            "or",
            "(",
            ")",
            ",",
            ";",
            "@",
            "@@",
            "$$",
            "$a$",
            "q'[",
            "n'",
            "x'",
            "b'",
            "u&'",
            "\\",
            "[",
            "]",
            "{",
            "}",
            "<",
            ">",
            "</",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<%",
            "<?",
            "=",
            "href",
            "on",
            "onload",
            "style",
            "&#",
            "&#x",
            "&",
            "svg",
            "script",
            ":",
            "\0",
            "!",
            "|",
            "||",
            "&&",
            "<=>",
            ":=",
            "sp_password",
            "a",
            "_",
            ".",
            "%",
        ];
        let piece = prop::sample::select(pieces.to_vec()).prop_map(|s| s.as_bytes().to_vec());
        let any = prop::collection::vec(any::<u8>(), 1..4);
        prop::collection::vec(prop_oneof![6 => piece, 1 => any], 0..24).prop_map(|v| v.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_library_answers_without_panic(value in hostile()) {
            // Outside the fence, so that a panic fails the test and shows its input.
            SqliState::new(&value, SqliFlags::FLAG_NONE).detect();
            detect_xss(&value);
        }

        #[test]
        fn the_character_tests_lose_nothing(value in hostile()) {
            prop_assert!(may_be_xss(classify(&value)) || !is_xss(&value));
            let comment = value.windows(2).any(|pair| pair == b"--");
            prop_assert!(comment || may_be_sqli(classify(&value)) || is_sqli(&value).is_none());
        }
    }

    #[test]
    fn hostile_repetition_is_not_slow() {
        for piece in [
            "'",
            "\"",
            "/*",
            "/*!",
            "--",
            "#\n",
            "<",
            "<a ",
            "<!--",
            "<!-- -",
            "<![CDATA[",
            "</",
            "<a b=",
            "&#",
            "(",
            "1,",
            "select ",
            "a.b",
            "$",
            "$a",
            "@",
            "{",
            "\0",
            "-\0",
            "<a href=&#0",
            "\\'",
            "or ",
            "`",
        ] {
            let value = piece.repeat(100_000 / piece.len());
            let start = Instant::now();
            is_sqli(value.as_bytes());
            is_xss(value.as_bytes());
            let took = start.elapsed();
            assert!(took < Duration::from_millis(500), "{piece:?}: {took:?}");
        }
    }
}
