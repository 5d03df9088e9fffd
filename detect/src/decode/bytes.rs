//! Small helpers that several decoders share: hexadecimal digits, code points, what counts as white space.

/// The value of a hexadecimal digit.
pub(crate) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The number that exactly `digits` hexadecimal digits (at most 8) at the start of `bytes` spell.
pub(crate) fn hex_number(bytes: &[u8], digits: usize) -> Option<u32> {
    let mut number = 0;
    for byte in bytes.get(..digits)? {
        number = (number << 4) | u32::from(hex_digit(*byte)?);
    }
    Some(number)
}

/// The number that up to `most` hexadecimal digits (at most 8) at the start of `bytes` spell, and how many they are.
pub(crate) fn hex_run(bytes: &[u8], most: usize) -> (u32, usize) {
    let mut number = 0;
    let mut length = 0;
    while let Some(digit) = bytes
        .get(length)
        .filter(|_| length < most)
        .and_then(|b| hex_digit(*b))
    {
        number = (number << 4) | u32::from(digit);
        length += 1;
    }
    (number, length)
}

/// Appends a code point as UTF-8. False, and nothing appended, for surrogates and numbers that are none.
pub(crate) fn push_code_point(out: &mut Vec<u8>, number: u32) -> bool {
    match char::from_u32(number) {
        Some(c) => {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            true
        }
        None => false,
    }
}

/// White space of ASCII: tab, line feed, vertical tab, form feed, carriage return, space.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

/// Where the next white space at or after `from` stands: that of ASCII, or a 0xA0 that is no part of a UTF-8
/// character (MySQL reads it as a space in Latin-1).
pub(crate) fn next_space(input: &[u8], from: usize) -> Option<usize> {
    let mut position = from;
    loop {
        let found = input[position..]
            .iter()
            .position(|b| is_space(*b) || *b == 0xa0)?;
        let at = position + found;
        if input[at] != 0xa0 || !in_character(input, at) {
            return Some(at);
        }
        position = at + 1;
    }
}

/// Whether one of the three bytes before `at` may have begun a character that the 0xA0 at `at` belongs to.
fn in_character(input: &[u8], at: usize) -> bool {
    let before = &input[at.saturating_sub(3)..at];
    let other = before.iter().rev().find(|b| **b != 0xa0);
    other.is_some_and(|b| *b >= 0x80)
}

/// Where a block comment that begins before `bytes` ends: the index after its `*/`.
pub(crate) fn comment_end(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'*', bytes)
        .find(|at| bytes.get(at + 1) == Some(&b'/'))
        .map(|at| at + 2)
}

/// Letters, digits and the underscore.
pub(crate) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether bytes look like text a person or a program would write: UTF-8, no control bytes but white space.
pub(crate) fn is_plausible_text(bytes: &[u8]) -> bool {
    let printable = |b: &u8| is_space(*b) || (*b >= 0x20 && *b != 0x7f);
    bytes.iter().all(printable) && std::str::from_utf8(bytes).is_ok()
}

/// The code point at the start of `bytes` (which begins with a byte of 0x80 or more) and its length, if it is
/// well-formed UTF-8.
pub(crate) fn code_point(bytes: &[u8]) -> Option<(u32, usize)> {
    let tail = |i: usize| {
        bytes
            .get(i)
            .filter(|b| **b & 0xc0 == 0x80)
            .map(|b| u32::from(*b & 0x3f))
    };
    let lead = u32::from(*bytes.first()?);
    match lead {
        0xc2..=0xdf => Some(((lead & 0x1f) << 6 | tail(1)?, 2)),
        0xe0..=0xef => {
            let number = (lead & 0x0f) << 12 | tail(1)? << 6 | tail(2)?;
            (number >= 0x800 && !(0xd800..0xe000).contains(&number)).then_some((number, 3))
        }
        0xf0..=0xf4 => {
            let number = (lead & 0x07) << 18 | tail(1)? << 12 | tail(2)? << 6 | tail(3)?;
            (0x1_0000..0x11_0000)
                .contains(&number)
                .then_some((number, 4))
        }
        _ => None,
    }
}

/// Checks a decoder against a table of (input, expected): the output, and the answer whether anything changed.
#[cfg(test)]
pub(crate) fn check(run: super::Run, cases: &[(&[u8], &[u8])]) {
    for (input, expected) in cases {
        let mut out = Vec::new();
        let changed = run(input, &mut out);
        let result = if changed { out.as_slice() } else { *input };
        let show = String::from_utf8_lossy;
        assert_eq!(show(result), show(expected), "input {:?}", show(input));
        assert_eq!(changed, input != expected, "answer for {:?}", show(input));
    }
}
