//! Route templates: `/users/4711/orders/9` and `/users/12/orders/3` are the same place, `/users/{id}/orders/{id}`.
//! What behaviour counts by place it counts by template, and what stood where the `{id}` is are the objects that were
//! asked for.

use crate::behaviour::subject::mix;

/// A path taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    /// The place, method aside.
    pub hash: u64,
    /// The path as it is.
    pub path: u64,
    /// Which object: all identifiers of the path together; 0 where there is none.
    pub object: u64,
    /// The last identifier that is a number.
    pub number: Option<u64>,
}

impl Template {
    /// Reads a path. Segments beyond the 24th count as one.
    pub(crate) fn read(path: &[u8]) -> Self {
        let mut template = Template::default();
        for segment in path.splitn(MOST_SEGMENTS, |byte| *byte == b'/') {
            let hash = text(segment);
            template.path = mix(template.path ^ hash);
            if is_identifier(segment) {
                template.hash = mix(template.hash ^ PLACE);
                template.object = mix(template.object ^ hash);
                template.number = number(segment).or(template.number);
            } else {
                template.hash = mix(template.hash ^ hash);
            }
        }
        template
    }
}

const MOST_SEGMENTS: usize = 24;

/// Stands for `{id}`.
const PLACE: u64 = 0x7b69_647d;

/// A hash of bytes without a secret: it names places in tables with a bound of their own, where who makes two
/// places collide only blurs his own picture.
pub(crate) fn text(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut words = bytes.chunks_exact(8);
    for word in &mut words {
        let word = word.try_into().expect("chunks of eight are eight long");
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    let rest = words.remainder();
    let rest = rest
        .iter()
        .rev()
        .fold(0, |word, byte| (word << 8) | u64::from(*byte));
    mix(hash ^ rest)
}

/// The number that a segment is, or ends with.
pub(crate) fn number(segment: &[u8]) -> Option<u64> {
    let digits = segment
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let tail = &segment[segment.len() - digits..];
    if tail.is_empty() || tail.len() > 18 {
        return None;
    }
    Some(
        tail.iter()
            .fold(0, |value, digit| value * 10 + u64::from(digit - b'0')),
    )
}

/// Whether a segment names an object rather than a place: a number, a UUID, a hash, a token, a mail address, or a word
/// that ends in a number of two digits or more after a separator (`ord-0815`).
pub(crate) fn is_identifier(segment: &[u8]) -> bool {
    let length = segment.len();
    if length == 0 || length > 256 {
        return length > 256;
    }
    let digits = segment.iter().filter(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return segment.contains(&b'@') || (length >= 24 && is_jumble(segment));
    }
    if digits == length {
        return true;
    }
    let hexadecimal = segment.iter().all(|b| b.is_ascii_hexdigit() || *b == b'-');
    let plain = segment
        .iter()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'~' | b':'));
    (hexadecimal && length >= 8)
        || (plain && length >= 20 && digits >= 3)
        || (plain && numbered(segment))
        || segment.contains(&b'@')
        || (plain && length >= 8 && is_jumble(segment))
}

/// A word, a separator and at least two digits.
fn numbered(segment: &[u8]) -> bool {
    let digits = segment
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let before = segment.len() - digits;
    digits >= 2 && before >= 2 && matches!(segment[before - 1], b'-' | b'_' | b':' | b'=')
}

/// Letters of both cases, changing more often than words do.
fn is_jumble(segment: &[u8]) -> bool {
    let turns = segment
        .windows(2)
        .filter(|pair| kind(pair[0]) != kind(pair[1]))
        .count();
    turns * 3 >= segment.len()
}

const fn kind(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for (segment, expected) in [
            ("4711", true),
            ("550e8400-e29b-41d4-a716-446655440000", true),
            ("d41d8cd98f00b204e9800998ecf8427e", true),
            ("ord-0815", true),
            ("user_12", true),
            ("ann@example.org", true),
            ("5f3xY9kQ2bV7", true),
            ("eyJhbGciOiJIUzI1NiJ9xQw", true),
            ("users", false),
            ("v1", false),
            ("v2beta1", false),
            ("oauth2", false),
            ("2fa", false),
            ("how-to-write-a-parser", false),
            ("index.php", false),
            ("accountSettings", false),
            ("", false),
        ] {
            assert_eq!(is_identifier(segment.as_bytes()), expected, "{segment}");
        }
    }

    #[test]
    fn the_same_place() {
        let read = |path: &str| Template::read(path.as_bytes());
        for (one, other, same) in [
            ("/users/1", "/users/22", true),
            ("/users/1/orders/9", "/users/2/orders/8", true),
            ("/users/1", "/users/me", false),
            ("/users/1", "/orders/1", false),
            ("/a/b", "/ab", false),
        ] {
            assert_eq!(read(one).hash == read(other).hash, same, "{one} {other}");
        }
        assert_ne!(read("/users/1").object, read("/users/2").object);
        assert_eq!(read("/users").object, 0);
        assert_eq!(read("/users/7/orders/12").number, Some(12));
        assert_eq!(read("/invoices/inv-0042").number, Some(42));
        assert_ne!(read("/users/1").path, read("/users/2").path);
    }

    #[test]
    fn numbers_of_any_length_are_read_without_overflow() {
        assert_eq!(number(b"999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(number(&[b'9'; 40]), None);
        assert_eq!(number(b"x"), None);
    }
}
