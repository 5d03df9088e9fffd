//! Payment card numbers: 14 to 19 digits that begin like an issuer's, have that issuer's length, stand alone or in the
//! groups printed on a card, and pass the check digit of Luhn (ISO/IEC 7812-1). Prefixes and lengths: ISO/IEC 7812
//! ranges as published by the card schemes.

use std::ops::Range;

/// The first card number in `bytes`.
pub(crate) fn find(bytes: &[u8]) -> Option<Range<usize>> {
    all(bytes).next()
}

/// All card numbers in `bytes`.
pub(crate) fn all(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let next = move || {
        loop {
            let begin = start + bytes.get(start..)?.iter().position(u8::is_ascii_digit)?;
            start = begin + digits_at(bytes, begin);
            let shapes = [grouped(bytes, begin), Some(begin..start)];
            let card = shapes.into_iter().flatten().find(|shape| {
                is_alone(bytes, shape) && is_card(bytes.get(shape.clone()).unwrap_or_default())
            });
            if let Some(card) = card {
                start = card.end;
                return Some(card);
            }
        }
    };
    std::iter::from_fn(next)
}

/// How many digits stand there.
fn digits_at(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// A number in the groups of a card, with one separator throughout. Further groups of four beside it make it a part of
/// a table.
fn grouped(bytes: &[u8], begin: usize) -> Option<Range<usize>> {
    let separator = *bytes.get(begin + 4)?;
    if !matches!(separator, b' ' | b'-') {
        return None;
    }
    let end = SHAPES.iter().find_map(|shape| {
        let mut at = begin;
        for (number, length) in shape.iter().enumerate() {
            if number > 0 {
                (bytes.get(at) == Some(&separator)).then_some(())?;
                at += 1;
            }
            (digits_at(bytes, at) == *length).then_some(())?;
            at += length;
        }
        Some(at)
    })?;
    let before = begin >= 2 && bytes[begin - 1] == separator && bytes[begin - 2].is_ascii_digit();
    let behind = bytes.get(end) == Some(&separator) && digits_at(bytes, end + 1) == 4;
    (!before && !behind).then_some(begin..end)
}

/// Whether no letter, digit, or mark of a longer token stands beside it: part of a hash, an id or a decimal number is
/// no card. Before it an escape such as `\n` is no letter.
fn is_alone(bytes: &[u8], range: &Range<usize>) -> bool {
    let joins =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'%');
    let before = range.start.checked_sub(1).map(|at| bytes[at]);
    let escaped = range.start >= 2 && bytes[range.start - 2] == b'\\';
    if !escaped && before.is_some_and(|byte| joins(byte) || matches!(byte, b'.' | b'/' | b'#')) {
        return false;
    }
    match (bytes.get(range.end), bytes.get(range.end + 1)) {
        (Some(b'.'), Some(next)) => !next.is_ascii_digit(),
        (Some(byte), _) => !joins(*byte),
        (None, _) => true,
    }
}

/// Whether digits, and separators between them, are the number of a card.
fn is_card(text: &[u8]) -> bool {
    let mut digits = [0; MOST];
    let mut count = 0;
    for digit in text.iter().filter(|byte| byte.is_ascii_digit()) {
        let Some(slot) = digits.get_mut(count) else {
            return false;
        };
        *slot = digit - b'0';
        count += 1;
    }
    let digits = &digits[..count];
    is_issued(digits) && passes_luhn(digits)
}

/// Whether an issuer gives out numbers that begin so and have this length.
fn is_issued(digits: &[u8]) -> bool {
    let first = |count: usize| {
        let digits = digits.iter().take(count);
        digits.fold(0_u32, |number, digit| number * 10 + u32::from(*digit))
    };
    match digits.len() {
        14 => matches!(first(3), 300..=305 | 309 | 360..=369 | 380..=399),
        15 => matches!(first(2), 34 | 37),
        16 => {
            matches!(first(1), 4)
                || matches!(first(2), 51..=55 | 65)
                || matches!(first(3), 644..=649)
                || matches!(first(4), 2221..=2720 | 3528..=3589 | 6011 | 6221..=6229 | 6240..=6269 | 6282..=6288)
        }
        19 => first(1) == 4,
        // Visa has given out no numbers of 13 digits for long; times in milliseconds have as many.
        _ => false,
    }
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
    sum.is_multiple_of(10)
}

/// The longest number, in digits.
const MOST: usize = 19;
/// The groups in which numbers are printed: those of 19, 16, 15 and 14 digits.
const SHAPES: [&[usize]; 4] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards() {
        let cases = [
            ("4111111111111111", Some(0..16)),
            ("4012888888881881", Some(0..16)),
            ("pay 4012 8888 8888 1881 now", Some(4..23)),
            ("5500-0000-0000-0004", Some(0..19)),
            ("378282246310005", Some(0..15)),
            ("3782 822463 10005", Some(0..17)),
            ("30569309025904", Some(0..14)),
            ("6011111111111117", Some(0..16)),
            ("3530111333300000", Some(0..16)),
            ("2223003122003222", Some(0..16)),
            ("\"4012888888881881\"", Some(1..17)),
            (r"a\n4012888888881881", Some(3..19)),
            ("4012888888881881.", Some(0..16)),
            ("4012888888881881, 5", Some(0..16)),
            ("4012888888881881 12/27 123", Some(0..16)),
            ("4012 8888 8888 1881 12/27", Some(0..19)),
            // A wrong check digit, prefix, length or grouping.
            ("4012888888881882", None),
            ("0000000000000000", None),
            ("1234567890123452", None),
            ("40128888888818819999999999", None),
            ("401288888888188", None),
            ("4 0 1 2 8888 8888 1881", None),
            ("4012 8888-8888 1881", None),
            ("40128888 88881881", None),
            // A row of numbers.
            ("4012 8888 8888 1881 2044 2055", None),
            ("2044 4012 8888 8888 1881", None),
            // Part of something longer: a hash, a decimal, a path, a telephone number.
            ("x4012888888881881", None),
            ("4012888888881881a", None),
            ("0.4012888888881881", None),
            ("4012888888881881.25", None),
            ("/4012888888881881", None),
            ("+4012888888881881", None),
            ("4012888888881881-7", None),
            // Times and counters.
            ("1732187108123", None),
            ("4519933200000", None),
            ("1732187108123456789", None),
            ("20261121110508", None),
            ("", None),
            ("4111", None),
            ("- 4", None),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn every_number_is_found_once() {
        let text = b"4012888888881881,5500-0000-0000-0004;4012888888881882 378282246310005";
        let found: Vec<_> = all(text).collect();
        assert_eq!(found, [0..16, 17..36, 54..69]);
    }
}
