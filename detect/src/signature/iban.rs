//! International bank account numbers: a country, two check digits, and as many letters and digits as that country has, in
//! one piece or in groups of four, with the remainder 1 when divided by 97 (ISO 13616-1, ISO 7064). The lengths are those of
//! SWIFT's registry of IBANs.

use std::ops::Range;

/// The first account number in `bytes`.
pub(crate) fn find(bytes: &[u8]) -> Option<Range<usize>> {
    all(bytes).next()
}

/// All account numbers in `bytes`.
pub(crate) fn all(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    let next = move || {
        loop {
            let begin = start + begins(bytes.get(start..)?)?;
            start = begin + 1;
            if let Some(end) = end_of(bytes, begin) {
                start = end;
                return Some(begin..end);
            }
        }
    };
    std::iter::from_fn(next)
}

/// Where two letters with two digits behind them stand first.
fn begins(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| {
        four[2].is_ascii_digit()
            && four[3].is_ascii_digit()
            && four[0].is_ascii_alphabetic()
            && four[1].is_ascii_alphabetic()
    })
}

/// Where the number that begins there ends, if it is one and stands alone.
fn end_of(bytes: &[u8], begin: usize) -> Option<usize> {
    let country = [
        bytes[begin].to_ascii_uppercase(),
        bytes[begin + 1].to_ascii_uppercase(),
    ];
    let known = LENGTHS
        .binary_search_by_key(&country, |(country, _)| **country)
        .ok()?;
    let length = usize::from(LENGTHS[known].1);
    let before = begin.checked_sub(1).map(|at| bytes[at]);
    let escaped = begin >= 2 && bytes[begin - 2] == b'\\';
    if !escaped && before.is_some_and(joins) {
        return None;
    }
    let mut number = [0; LONGEST];
    let mut count = 0;
    let mut at = begin;
    let grouped = bytes.get(begin + 4) == Some(&b' ');
    while count < length {
        if grouped && count > 0 && count % 4 == 0 {
            (bytes.get(at) == Some(&b' ')).then_some(())?;
            at += 1;
        }
        let byte = bytes.get(at).filter(|byte| byte.is_ascii_alphanumeric())?;
        *number.get_mut(count)? = byte.to_ascii_uppercase();
        count += 1;
        at += 1;
    }
    let alone = bytes.get(at).is_none_or(|byte| !joins(*byte));
    (alone && remainder(&number[..length]) == 1).then_some(at)
}

/// Whether a byte makes what stands beside it a part of a longer token.
fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=')
}

/// The number with its first four characters at its end, letters as 10 to 35, divided by 97.
fn remainder(number: &[u8]) -> u32 {
    let (head, rest) = number.split_at(4.min(number.len()));
    rest.iter().chain(head).fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    })
}

/// The longest number, in characters.
const LONGEST: usize = 33;

/// Countries in the order of the alphabet, and how long their numbers are.
const LENGTHS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers() {
        let cases = [
            ("DE89370400440532013000", Some(0..22)),
            ("GB29 NWBK 6016 1331 9268 19", Some(0..27)),
            ("to NO9386011117947.", Some(3..18)),
            ("\"fr1420041010050500013m02606\"", Some(1..28)),
            (r"x\nDE89370400440532013000", Some(3..25)),
            // A wrong check digit, country or length; a part of something longer.
            ("DE88370400440532013000", None),
            ("ZZ89370400440532013000", None),
            ("DE8937040044053201300", None),
            ("DE893704004405320130000", None),
            ("xDE89370400440532013000", None),
            ("DE89 37040044 0532013000", None),
            ("", None),
            ("DE8", None),
            ("de89", None),
        ];
        for (text, expected) in cases {
            assert_eq!(find(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn the_table_can_be_searched() {
        assert!(LENGTHS.windows(2).all(|two| two[0].0 < two[1].0));
        assert!(
            LENGTHS
                .iter()
                .all(|(_, length)| usize::from(*length) <= LONGEST)
        );
    }
}
