//! What a place's own encoding hides: one round of percent, JSON, or XML decoding, and base64.
//!
//! The view needs the once-decoded value to see what lies inside it (a URL, a JSON document, a token). The full set
//! of decoders that rules look through is `decode`; this file is only as large as the parsers here need.

use memchr::{memchr, memchr2};

use super::{Text, View};
use crate::field::{AnomalyKind, Encoding, Location};

/// Whether `bytes` holds anything that `encoding` would change.
pub(super) fn is_encoded(encoding: Encoding, bytes: &[u8]) -> bool {
    match encoding {
        Encoding::Plain => false,
        Encoding::Form => memchr2(b'%', b'+', bytes).is_some(),
        Encoding::Percent => memchr(b'%', bytes).is_some(),
        Encoding::JsonString | Encoding::GraphqlString => memchr(b'\\', bytes).is_some(),
        Encoding::Xml => memchr(b'&', bytes).is_some(),
    }
}

/// Appends to `out` what one correct parser would make of `bytes`.
pub(super) fn decode(encoding: Encoding, bytes: &[u8], out: &mut Vec<u8>) {
    match encoding {
        Encoding::Plain => out.extend_from_slice(bytes),
        Encoding::Form => percent(bytes, true, out),
        Encoding::Percent => percent(bytes, false, out),
        Encoding::JsonString | Encoding::GraphqlString => json(bytes, out),
        Encoding::Xml => xml(bytes, out),
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The byte that an escape at the beginning of `bytes` stands for (`%41`).
fn percent_byte(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// Undoes one round of percent encoding; a percent sign that starts no escape stays.
pub(super) fn percent(bytes: &[u8], plus: bool, out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%'
            && let Some(value) = percent_byte(&bytes[at..])
        {
            out.push(value);
            at += 3;
            continue;
        }
        out.push(if plus && byte == b'+' { b' ' } else { byte });
        at += 1;
    }
}

/// Undoes the escapes of a JSON string; one that JSON does not know stands for its character.
fn json(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'\\' {
            out.push(byte);
            at += 1;
            continue;
        }
        let Some(&kind) = bytes.get(at + 1) else {
            return;
        };
        at += 2;
        match kind {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => at += json_unicode(&bytes[at..], out),
            other => out.push(other),
        }
    }
}

/// Appends the character of `XXXX` or of a surrogate pair `XXXX\uXXXX`; the answer is how many bytes that took.
fn json_unicode(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(first) = four_digits(bytes) else {
        return 0;
    };
    let mut code = first;
    let mut used = 4;
    if (0xd800..0xdc00).contains(&first)
        && bytes.get(4..6) == Some(b"\\u".as_slice())
        && let Some(second) = bytes.get(6..).and_then(four_digits)
        && (0xdc00..0xe000).contains(&second)
    {
        code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        used = 10;
    }
    push_character(code, out);
    used
}

fn four_digits(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits
        .iter()
        .try_fold(0, |code, byte| Some(code << 4 | u32::from(hex(*byte)?)))
}

/// Appends a character as UTF-8; a number that is none (a lone surrogate) becomes U+FFFD.
fn push_character(code: u32, out: &mut Vec<u8>) {
    let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Undoes character references and the five named entities; no other entity is ever resolved.
fn xml(bytes: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'&'
            && let Some(used) = xml_reference(&bytes[at..], out)
        {
            at += used;
            continue;
        }
        out.push(byte);
        at += 1;
    }
}

fn xml_reference(bytes: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let end = memchr(b';', bytes.get(..12.min(bytes.len()))?)?;
    let code = match &bytes[1..end] {
        b"lt" => u32::from(b'<'),
        b"gt" => u32::from(b'>'),
        b"amp" => u32::from(b'&'),
        b"quot" => u32::from(b'"'),
        b"apos" => u32::from(b'\''),
        [b'#', b'x' | b'X', digits @ ..] if !digits.is_empty() => {
            digits.iter().try_fold(0u32, |code, byte| {
                code.checked_mul(16)?.checked_add(u32::from(hex(*byte)?))
            })?
        }
        [b'#', digits @ ..] if !digits.is_empty() => {
            digits.iter().try_fold(0u32, |code, byte| {
                let digit = byte.is_ascii_digit().then(|| byte - b'0')?;
                code.checked_mul(10)?.checked_add(u32::from(digit))
            })?
        }
        _ => return None,
    };
    push_character(code, out);
    Some(end + 1)
}

/// Notes what is odd about the percent escapes of a value.
pub(super) fn inspect_percent(view: &mut View<'_, '_>, location: Location, text: Text<'_>) {
    let bytes = text.bytes;
    let mut from = 0;
    while let Some(found) = bytes.get(from..).and_then(|rest| memchr(b'%', rest)) {
        let at = from + found;
        from = at + 1;
        let here = text.span(at, bytes.len().min(at + 12));
        match percent_byte(&bytes[at..]) {
            None => view.note(AnomalyKind::PercentInvalid, location, here),
            Some(0) => view.note(AnomalyKind::NulByte, location, here),
            Some(lead @ (0xc0 | 0xc1 | 0xe0 | 0xf0)) => {
                if overlong(lead, percent_byte(bytes.get(at + 3..).unwrap_or_default())) {
                    view.note(AnomalyKind::OverlongUtf8, location, here);
                }
            }
            Some(b'%') if bytes[at..].starts_with(b"%2525") => {
                view.note(AnomalyKind::EncodedManyTimes, location, here);
            }
            Some(_) => {}
        }
    }
}

/// Whether two bytes begin a UTF-8 sequence longer than its character needs (RFC 3629, section 4).
fn overlong(lead: u8, next: Option<u8>) -> bool {
    matches!(
        (lead, next),
        (0xc0 | 0xc1, Some(0x80..=0xbf)) | (0xe0, Some(0x80..=0x9f)) | (0xf0, Some(0x80..=0x8f))
    )
}

/// Notes NUL bytes, broken and overlong UTF-8 in a body that should be text. `complete` is whether its end is the
/// true one: a character cut there is nobody's fault.
pub(super) fn inspect_text(
    view: &mut View<'_, '_>,
    location: Location,
    text: Text<'_>,
    complete: bool,
) {
    if let Some(at) = memchr(0, text.bytes) {
        view.note(AnomalyKind::NulByte, location, text.span(at, at + 1));
    }
    let Err(error) = std::str::from_utf8(text.bytes) else {
        return;
    };
    let at = error.valid_up_to();
    if error.error_len().is_none() && !complete {
        return;
    }
    let here = text.span(at, text.bytes.len().min(at + 4));
    view.note(AnomalyKind::Utf8Invalid, location, here);
    let rest = &text.bytes[at..];
    if rest
        .windows(2)
        .take(INSPECTED)
        .any(|pair| overlong(pair[0], Some(pair[1])))
    {
        view.note(AnomalyKind::OverlongUtf8, location, here);
    }
}

/// The 6 bits of a base64 digit of either alphabet (RFC 4648, sections 4 and 5).
fn sextet(byte: u8) -> Option<u8> {
    match BASE64[byte as usize] {
        NO_DIGIT => None,
        digit => Some(digit),
    }
}

/// Whether the first bytes of a value could be base64 as it stands in one of the places that encode it.
pub(super) fn may_be_base64(raw: &[u8]) -> bool {
    let head = raw.get(..8).unwrap_or(raw);
    let odd = |byte: &u8| sextet(*byte).is_none() && !matches!(byte, b'%' | b'\\');
    !head.iter().any(odd) || raw.starts_with(b"data:")
}

/// Appends the bytes of base64 text of either alphabet, padded or not; line ends are skipped. `false`: no base64.
pub(super) fn base64(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let mut rest = bytes;
    out.reserve(bytes.len() / 4 * 3 + 3);
    while let [a, b, c, d, after @ ..] = rest {
        let digits = [a, b, c, d].map(|byte| BASE64[*byte as usize]);
        if digits.iter().fold(0, |all, digit| all | digit) > 63 {
            break;
        }
        let bits = digits
            .iter()
            .fold(0, |bits, digit| bits << 6 | u32::from(*digit));
        out.extend_from_slice(&bits.to_be_bytes()[1..]);
        rest = after;
    }
    base64_slow(rest, out)
}

/// The same, digit by digit.
fn base64_slow(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let mut bits = 0u32;
    let mut digits = 0usize;
    let mut padding = 0usize;
    for &byte in bytes {
        match sextet(byte) {
            Some(value) if padding == 0 => {
                bits = bits << 6 | u32::from(value);
                digits += 1;
                if digits.is_multiple_of(4) {
                    out.extend_from_slice(&bits.to_be_bytes()[1..]);
                    bits = 0;
                }
            }
            None if byte == b'=' && padding < 2 => padding += 1,
            None if matches!(byte, b'\r' | b'\n') => {}
            _ => return false,
        }
    }
    match digits % 4 {
        0 => true,
        2 => {
            out.push((bits >> 4) as u8);
            true
        }
        3 => {
            out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]);
            true
        }
        _ => false,
    }
}

/// How a base64 digit stands in a value: as itself, as an escape, or as what `+` became in a form.
pub(super) struct Digits<'d> {
    bytes: &'d [u8],
    encoding: Encoding,
}

impl<'d> Digits<'d> {
    pub(super) fn new(bytes: &'d [u8], encoding: Encoding) -> Self {
        Self { bytes, encoding }
    }
}

impl Iterator for Digits<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&byte, rest) = self.bytes.split_first()?;
        if byte == b'%'
            && matches!(self.encoding, Encoding::Form | Encoding::Percent)
            && let Some(value) = percent_byte(self.bytes)
        {
            self.bytes = &self.bytes[3..];
            return Some(value);
        }
        self.bytes = rest;
        if byte == b'\\' && matches!(self.encoding, Encoding::JsonString) {
            // `\/` and `\n` are the escapes that stand in base64.
            let (&escaped, rest) = rest.split_first()?;
            self.bytes = rest;
            return Some(if escaped == b'n' || escaped == b'r' {
                b'\n'
            } else {
                escaped
            });
        }
        Some(byte)
    }
}

/// Decodes a value that is base64 of plausible text into `out`, which is emptied first. Gives up at the first byte
/// that text would not hold, so that an ordinary word costs a few nanoseconds.
pub(super) fn base64_text(bytes: &[u8], encoding: Encoding, out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut bits = 0u32;
    let mut digits = 0usize;
    let mut padding = 0usize;
    let mut high = 0usize;
    for byte in Digits::new(bytes, encoding) {
        let value = match sextet(byte) {
            Some(value) if padding == 0 => value,
            None if byte == b'=' => {
                padding += 1;
                continue;
            }
            None if matches!(byte, b'\r' | b'\n') => continue,
            _ => return false,
        };
        bits = bits << 6 | u32::from(value);
        digits += 1;
        if digits.is_multiple_of(4) {
            let three = [(bits >> 16) as u8, (bits >> 8) as u8, bits as u8];
            out.extend_from_slice(&three);
            high += three.iter().filter(|byte| **byte >= 0x80).count();
            if three.iter().any(|byte| is_control(*byte)) && !maybe_wide(out)
                || high > 2 + out.len() / 3
            {
                return false;
            }
        }
    }
    match digits % 4 {
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&[(bits >> 10) as u8, (bits >> 2) as u8]),
        1 => return false,
        _ => {}
    }
    if padding > 2 || out.len() < 5 {
        return false;
    }
    narrow(out);
    plausible(out)
}

/// Whether these may be the first bytes of UTF-16LE text, as PowerShell encodes its commands.
fn maybe_wide(bytes: &[u8]) -> bool {
    bytes.iter().take(8).enumerate().all(|(at, byte)| {
        if at % 2 == 1 {
            *byte == 0
        } else {
            !is_control(*byte)
        }
    })
}

/// Turns UTF-16LE of Latin letters into bytes.
fn narrow(bytes: &mut Vec<u8>) {
    if bytes.len() >= 8
        && bytes.len().is_multiple_of(2)
        && bytes.iter().skip(1).step_by(2).all(|byte| *byte == 0)
    {
        let mut at = 0;
        bytes.retain(|_| {
            at += 1;
            at % 2 == 1
        });
    }
}

/// Whether decoded bytes are text: no control bytes, and UTF-8. Short ones must be ASCII, because a few random
/// bytes are UTF-8 too often.
fn plausible(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| is_control(*byte))
        && if bytes.len() < 12 {
            bytes.is_ascii()
        } else {
            std::str::from_utf8(bytes).is_ok()
        }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7f
}

const NO_DIGIT: u8 = 0xff;

const BASE64: [u8; 256] = {
    let mut table = [NO_DIGIT; 256];
    let mut digit = 0;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while digit < 64 {
        table[alphabet[digit as usize] as usize] = digit;
        digit += 1;
    }
    table[b'-' as usize] = 62;
    table[b'_' as usize] = 63;
    table
};

/// How far behind the first broken character overlong sequences are searched.
const INSPECTED: usize = 64 * 1024;
