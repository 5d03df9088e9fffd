//! JSON text, written straight into a buffer. Only what a terminal and a line-oriented tool can swallow comes out:
//! control characters, also those of the C1 range, and characters that turn the direction of writing are escaped.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// A member's name as it stands in the text, with its quotes and colon: one literal is one copy.
macro_rules! key {
    ($name:literal) => {
        concat!("\"", $name, "\":")
    };
}
pub(super) use key;

/// An object being written. Keys come from [`key!`]. The methods are inlined so that each key is copied as the
/// constant it is: a record has thirty of them.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    #[inline]
    pub(super) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    #[inline]
    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        self.out.extend_from_slice(key.as_bytes());
    }

    /// A member whose value is known to hold nothing that needs escaping.
    #[inline(always)]
    pub(super) fn plain(&mut self, key: &'static str, value: &str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
    }

    /// A member with a text; left out when that is empty.
    #[inline(always)]
    pub(super) fn text(&mut self, key: &'static str, value: &str) {
        self.bytes(key, value.as_bytes(), usize::MAX);
    }

    /// A member with bytes that may be no UTF-8, at most `longest` of them; left out when there are none.
    #[inline(always)]
    pub(super) fn bytes(&mut self, key: &'static str, value: &[u8], longest: usize) {
        if value.is_empty() {
            return;
        }
        self.key(key);
        write_text(value, longest, self.out);
    }

    /// A member with a whole number.
    #[inline(always)]
    pub(super) fn number(&mut self, key: &'static str, value: u64) {
        self.key(key);
        write_number(value, self.out);
    }

    /// A member in microseconds, to a tenth.
    #[inline(always)]
    pub(super) fn microseconds(&mut self, key: &'static str, value: Duration) {
        self.key(key);
        write_microseconds(value, self.out);
    }

    /// A member whose value `write` appends as JSON.
    #[inline(always)]
    pub(super) fn raw(&mut self, key: &'static str, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(key);
        write(self.out);
    }
}

fn write_text(value: &[u8], longest: usize, out: &mut Vec<u8>) {
    out.push(b'"');
    let kept = value.get(..longest).unwrap_or(value);
    escape(kept, out);
    if kept.len() < value.len() {
        out.extend_from_slice("…".as_bytes());
    }
    out.push(b'"');
}

fn write_microseconds(value: Duration, out: &mut Vec<u8>) {
    let seconds = value.as_secs().saturating_mul(10_000_000);
    let tenths = seconds.saturating_add(u64::from(value.subsec_nanos() / 100));
    write_number(tenths / 10, out);
    if !tenths.is_multiple_of(10) {
        out.extend_from_slice(&[b'.', b'0' + (tenths % 10) as u8]);
    }
}

/// Appends an array of numbers, each with as many digits as tell it from others. None may be NaN or infinite.
pub(super) fn write_floats(values: &[f32], out: &mut Vec<u8>) {
    for (number, value) in values.iter().enumerate() {
        out.push(if number == 0 { b'[' } else { b',' });
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{value}");
    }
    out.push(b']');
}

/// Appends the inside of a JSON string.
pub(super) fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    loop {
        let safe = rest
            .iter()
            .position(|b| !SAFE[usize::from(*b)])
            .unwrap_or(rest.len());
        let (head, tail) = rest.split_at(safe);
        out.extend_from_slice(head);
        let Some(first) = tail.first() else { return };
        if first.is_ascii() {
            escape_character(char::from(*first), out);
            rest = &tail[1..];
        } else {
            let end = tail.iter().position(u8::is_ascii).unwrap_or(tail.len());
            let (foreign, next) = tail.split_at(end);
            for chunk in foreign.utf8_chunks() {
                chunk.valid().chars().for_each(|c| escape_character(c, out));
                if !chunk.invalid().is_empty() {
                    out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
            rest = next;
        }
    }
}

fn escape_character(character: char, out: &mut Vec<u8>) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        c if c.is_control() || is_invisible(c) => {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a Vec cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Characters that end lines for some readers, or reorder or hide what stands around them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends a number in decimal digits.
#[inline]
pub(super) fn write_number(value: u64, out: &mut Vec<u8>) {
    match value {
        0..10 => out.push(b'0' + value as u8),
        _ => write_long_number(value, out),
    }
}

fn write_long_number(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    while value >= 10 {
        let pair = two_digits((value % 100) as u8);
        start -= 2;
        digits[start..start + 2].copy_from_slice(&pair);
        value /= 100;
    }
    if value > 0 {
        start -= 1;
        digits[start] = b'0' + value as u8;
    }
    out.extend_from_slice(&digits[start..]);
}

/// The two digits of a number below 100.
#[inline]
pub(super) const fn two_digits(value: u8) -> [u8; 2] {
    [b'0' + value / 10, b'0' + value % 10]
}

/// Appends an address as a JSON string.
pub(super) fn address(address: IpAddr, out: &mut Vec<u8>) {
    out.push(b'"');
    write_address(address, out);
    out.push(b'"');
}

/// Appends an address with its port as a JSON string.
pub(super) fn socket_address(address: SocketAddr, out: &mut Vec<u8>) {
    out.push(b'"');
    match address {
        SocketAddr::V4(v4) => write_address(IpAddr::V4(*v4.ip()), out),
        SocketAddr::V6(v6) => {
            out.push(b'[');
            write_address(IpAddr::V6(*v6.ip()), out);
            out.push(b']');
        }
    }
    out.push(b':');
    write_number(u64::from(address.port()), out);
    out.push(b'"');
}

fn write_address(address: IpAddr, out: &mut Vec<u8>) {
    match address {
        IpAddr::V4(v4) => {
            for (i, octet) in v4.octets().into_iter().enumerate() {
                if i > 0 {
                    out.push(b'.');
                }
                write_number(u64::from(octet), out);
            }
        }
        IpAddr::V6(v6) => {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "{v6}");
        }
    }
}

/// Printable ASCII that JSON does not escape.
static SAFE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        table[byte] = byte != b'"' as usize && byte != b'\\' as usize;
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        escape(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_comes_out_that_moves_a_terminal() {
        for (bytes, expected) in [
            (&b"/api/users"[..], "/api/users"),
            (b"a\"b\\c", "a\\\"b\\\\c"),
            (b"\x1b[2J", "\\u001b[2J"),
            (b"a\r\nb\x00\x7f", "a\\u000d\\u000ab\\u0000\\u007f"),
            ("café €".as_bytes(), "café €"),
            ("\u{9b}31m".as_bytes(), "\\u009b31m"),
            ("a\u{202e}b".as_bytes(), "a\\u202eb"),
            ("\u{e0041}".as_bytes(), "\\udb40\\udc41"),
            (b"a\xffb\xe2\x82", "a\u{fffd}b\u{fffd}"),
            (b"\xe2\x82\xac\xff\"", "€\u{fffd}\\\""),
        ] {
            assert_eq!(escaped(bytes), expected);
        }
    }

    #[test]
    fn any_bytes_make_a_json_string() {
        for high in 0..=255u8 {
            for low in 0..=255u8 {
                let text = format!("\"{}\"", escaped(&[high, low, b'x']));
                serde_json::from_str::<String>(&text)
                    .unwrap_or_else(|e| panic!("{high:x} {low:x}: {e}"));
            }
        }
    }

    #[test]
    fn numbers_and_addresses_read_as_usual() {
        for number in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = Vec::new();
            write_number(number, &mut out);
            assert_eq!(out, number.to_string().as_bytes());
        }
        for text in [
            "192.0.2.1:80",
            "[2001:db8::1]:65535",
            "[::ffff:192.0.2.1]:1",
        ] {
            let mut out = Vec::new();
            socket_address(text.parse().unwrap(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{text}\""));
        }
    }
}
