//! Payment card numbers: 13 to 19 digits, perhaps in groups, that begin like an issuer's and pass the check digit of
//! Luhn (ISO/IEC 7812-1).

use std::ops::Range;

/// The first card number in `bytes`.
pub(crate) fn find(bytes: &[u8]) -> Option<Range<usize>> {
    let mut start = 0;
    while let Some(offset) = bytes.get(start..)?.iter().position(u8::is_ascii_digit) {
        let begin = start + offset;
        let before = begin.checked_sub(1).map(|i| bytes[i]);
        let (digits, count, end) = run(&bytes[begin..]);
        let inside_a_word =
            before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_');
        let digits = &digits[..count.min(20)];
        if !inside_a_word && is_card(digits) {
            return Some(begin..begin + end);
        }
        start = begin + end;
    }
    None
}

/// Digits with single spaces or hyphens between them: the first 20, how many there are, and the length of the run.
fn run(bytes: &[u8]) -> ([u8; 20], usize, usize) {
    let mut digits = [0; 20];
    let mut count = 0;
    let mut end = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if byte.is_ascii_digit() {
            if let Some(slot) = digits.get_mut(count) {
                *slot = byte - b'0';
            }
            count += 1;
            end = at + 1;
        } else if !matches!(byte, b' ' | b'-') || at != end {
            break;
        }
        at += 1;
    }
    (digits, count, end)
}

fn is_card(digits: &[u8]) -> bool {
    let issuer = matches!(
        digits,
        [4, ..]
            | [5, 1..=5, ..]
            | [2, 2..=7, ..]
            | [3, 4 | 7, ..]
            | [6, 0 | 4 | 5, ..]
            | [3, 5 | 6 | 8, ..]
            | [6, 2, ..]
    );
    (13..=19).contains(&digits.len()) && issuer && passes_luhn(digits)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let mut sum = 0_u32;
    for (place, digit) in digits.iter().rev().enumerate() {
        let digit = u32::from(*digit);
        sum += match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        };
    }
    sum.is_multiple_of(10) && digits.iter().any(|d| *d != digits[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards() {
        let cases = [
            ("4111111111111111", Some(0..16)),
            ("pay 4111 1111 1111 1111 now", Some(4..23)),
            ("5500-0000-0000-0004", Some(0..19)),
            ("378282246310005", Some(0..15)),
            ("4111111111111112", None),
            ("0000000000000000", None),
            ("1234567890123452", None),
            ("x4111111111111111", None),
            ("41111111111111111111111111", None),
            ("", None),
            ("4111", None),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text.as_bytes()), expected, "{text}");
        }
    }
}
