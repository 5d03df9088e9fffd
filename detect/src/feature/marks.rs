//! Bytes by what they mean to a model: which are marks, and the shapes of text that say nothing by themselves.

use crate::decode::CharClass;
use crate::decode::class::{
    COMMA, DIGIT, EQUALS, LOWER, PLAIN_PUNCT, PLUS, SEMI, SLASH, SPACE, STAR, UPPER,
};

/// Marks that syntax of interpreters is made of.
const MARKS: &[u8] = b"'\"<>();|&${}[]\\`";

static IS_MARK: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < MARKS.len() {
        table[MARKS[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether a byte is a mark.
pub(super) fn is_mark(byte: u8) -> bool {
    IS_MARK[usize::from(byte)]
}

/// How many marks there are.
pub(super) fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| is_mark(**byte)).count()
}

/// The shortest opaque token.
const SHORTEST_TOKEN: usize = 24;

/// Whether the bytes are one token of base64's alphabets whose letters and digits are mixed as words never are.
pub(super) fn is_opaque(bytes: &[u8], class: CharClass) -> bool {
    const ALPHABET: u32 = LOWER | UPPER | DIGIT | PLAIN_PUNCT | PLUS | SLASH | EQUALS;
    let mixed = class.has(LOWER) && class.has(UPPER) && class.has(DIGIT);
    if bytes.len() < SHORTEST_TOKEN || class.0 & !ALPHABET != 0 || !mixed {
        return false;
    }
    let dots = memchr::memchr(b'.', bytes).is_some();
    let changes = bytes
        .windows(2)
        .filter(|pair| kind(pair[0]) & kind(pair[1]) == 0)
        .count();
    !dots && changes * 3 >= bytes.len()
}

/// A bit for small letters, capitals and digits; other bytes change nothing, whatever stands beside them.
const fn kind(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 4,
        _ => 7,
    }
}

/// Whether a path is made of plain segments, none of which begins with a dot.
pub(super) fn is_plain_path(bytes: &[u8], class: CharClass) -> bool {
    const ALPHABET: u32 = LOWER | UPPER | DIGIT | PLAIN_PUNCT | SLASH;
    class.0 & !ALPHABET == 0 && !bytes.windows(2).any(|pair| pair == b"/.")
}

/// Whether a header's value is a list of tokens with parameters, as `Accept` and its like are.
pub(super) fn is_list(bytes: &[u8], class: CharClass) -> bool {
    const ALPHABET: u32 =
        LOWER | UPPER | DIGIT | PLAIN_PUNCT | COMMA | SEMI | EQUALS | STAR | SLASH | SPACE | PLUS;
    class.0 & !ALPHABET == 0 && bytes.split(|byte| *byte == b',').all(is_item)
}

/// A token, and parameters that are pairs of tokens.
fn is_item(item: &[u8]) -> bool {
    let mut parts = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let head = parts.next().unwrap_or_default();
    let slashes = head.iter().filter(|byte| **byte == b'/').count();
    let head = !head.contains(&b' ') && !head.starts_with(b"/") && slashes <= 1;
    head && parts.all(|part| {
        let pair = part.iter().filter(|byte| **byte == b'=').count() == 1;
        pair && !part.contains(&b' ') && !part.contains(&b'/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::classify;

    #[test]
    fn opaque_tokens() {
        for (text, expected) in [
            ("Q2hhcm1pbmcgcGVvcGxlIHdyaXRlIHRlc3Rz+A==", true),
            ("CFXA1biMHXtjBLrbeDbl0GfRapRyMvjrQnr55S", true),
            ("/usr/local/apache2/conf/httpd/Extra1", false),
            ("UNION/SELECT/password/FROM/users1", false),
            ("aB3+", false),
            ("Q2hhcm1pbmcgcGVvcGxl IHdyaXRlIHRlc3Rz", false),
            ("aB3aB3aB3aB3/../aB3aB3aB3aB3", false),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(is_opaque(bytes, classify(bytes)), expected, "{text}");
        }
    }

    #[test]
    fn lists_of_tokens() {
        for (text, expected) in [
            ("text/html, application/json;q=0.9, */*;q=0.8", true),
            ("en-US,en;q=0.9", true),
            ("gzip, deflate, br", true),
            ("application/x-www-form-urlencoded; charset=UTF-8", true),
            ("text/html;cat /etc/passwd", false),
            ("/etc/passwd", false),
            ("en or 1=1", false),
            ("a;b=/etc/passwd", false),
            ("en' or 'a'='a", false),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(is_list(bytes, classify(bytes)), expected, "{text}");
        }
    }

    #[test]
    fn plain_paths() {
        for (text, expected) in [
            ("/api/v1/users/17", true),
            ("/a.b/c", true),
            ("/a/../b", false),
            ("/.git/config", false),
            ("/a;b", false),
        ] {
            let bytes = text.as_bytes();
            assert_eq!(is_plain_path(bytes, classify(bytes)), expected, "{text}");
        }
    }
}
