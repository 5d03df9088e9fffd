//! JavaScript and JSON escapes: `\xHH`, `\uHHHH`, `\u{…}`, octal, `\n` and its like, `\/` and quotes.
//!
//! A backslash is also the separator of Windows paths and the quote of shells, where `\n` is the letter n. So there
//! are two strengths: [`decode_numeric`] leaves the letters alone (the shell and path forms are built on it), and
//! [`decode`] reads `\n`, `\r` and `\t` as well unless they look like a part of a path. An unknown escape keeps its
//! backslash in both.

use super::bytes::{hex_number, hex_run, push_code_point};

/// Appends `input` with escapes undone; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, true)
}

/// As [`decode`], without `\n`, `\r` and `\t`.
pub fn decode_numeric(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, false)
}

/// What a JSON parser does inside a string: the eight short escapes and `\uHHHH`. Anything else stays.
pub fn decode_json(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut rest = input;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let short = match rest.get(1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => Some(*byte),
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            _ => None,
        };
        let length = if let Some(byte) = short {
            out.push(byte);
            2
        } else if rest.get(1) == Some(&b'u') {
            unicode(rest, out)
        } else {
            0
        };
        changed |= length > 0;
        if length == 0 {
            out.push(b'\\');
        }
        rest = &rest[length.max(1)..];
    }
    out.extend_from_slice(rest);
    changed
}

fn run(input: &[u8], out: &mut Vec<u8>, letters: bool) -> bool {
    let mut changed = false;
    let mut position = 0;
    // Where the last backslash that was kept ends: what follows it up to the next one may be a path.
    let mut kept_end = None;
    while let Some(at) = memchr::memchr(b'\\', &input[position..]).map(|i| i + position) {
        out.extend_from_slice(&input[position..at]);
        // A run of backslashes in front of a numeric escape is the same escape quoted several times.
        let backslashes = input[at..].iter().take_while(|b| **b == b'\\').count();
        let last = at + backslashes - 1;
        let mut length = numeric(&input[last..], out);
        if length > 0 {
            length += last - at;
        } else if backslashes == 1 {
            let in_path = || is_path(input, at, kept_end);
            length = short(&input[at..], out, letters && !in_path());
        }
        if length == 0 {
            out.extend_from_slice(&input[at..=last]);
            length = backslashes;
            kept_end = Some(last + 1);
        } else {
            changed = true;
            kept_end = None;
        }
        position = at + length;
    }
    out.extend_from_slice(&input[position..]);
    changed
}

/// Undoes a numeric escape at the start of `rest` (a backslash) and returns its length; 0 when it is none.
fn numeric(rest: &[u8], out: &mut Vec<u8>) -> usize {
    match rest.get(1) {
        Some(b'x' | b'X') => match hex_number(&rest[2..], 2) {
            Some(byte) => {
                // Two digits: at most 255. The byte itself, so that overlong sequences spelled this way are seen.
                out.push(byte as u8);
                4
            }
            None => 0,
        },
        Some(b'u' | b'U') => unicode(rest, out),
        Some(b'0'..=b'7') => octal(rest, out),
        _ => 0,
    }
}

/// `\uHHHH`, a pair of them that makes up one character, or `\u{…}`.
fn unicode(rest: &[u8], out: &mut Vec<u8>) -> usize {
    if rest.get(2) == Some(&b'{') {
        let (number, digits) = hex_run(&rest[3..], 8);
        let closed = digits > 0 && rest.get(3 + digits) == Some(&b'}');
        return if closed && push_code_point(out, number) {
            digits + 4
        } else {
            0
        };
    }
    let Some(first) = hex_number(rest.get(2..).unwrap_or_default(), 4) else {
        return 0;
    };
    if let Some(second) = rest
        .get(6..)
        .and_then(|r| r.strip_prefix(b"\\u"))
        .and_then(|r| hex_number(r, 4))
        && (0xd800..0xdc00).contains(&first)
        && (0xdc00..0xe000).contains(&second)
    {
        let number = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return if push_code_point(out, number) { 12 } else { 0 };
    }
    if push_code_point(out, first) { 6 } else { 0 }
}

/// Two or three octal digits that spell a printable character and are followed by no further digit; a year in a
/// path (`\2024\`) is none.
fn octal(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let digits = rest[1..]
        .iter()
        .take(4)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if !(2..=3).contains(&digits) {
        return 0;
    }
    let mut number = 0_u32;
    for digit in &rest[1..=digits] {
        if *digit > b'7' {
            return 0;
        }
        number = number * 8 + u32::from(digit - b'0');
    }
    if !(0x20..0x7f).contains(&number) {
        return 0;
    }
    out.push(number as u8);
    digits + 1
}

/// An escape of one character. Returns 2, or 0 when it stays.
fn short(rest: &[u8], out: &mut Vec<u8>, letters: bool) -> usize {
    let byte = match rest.get(1) {
        Some(byte @ (b'/' | b'\'' | b'"' | b'`')) => *byte,
        Some(b'n') if letters => b'\n',
        Some(b'r') if letters => b'\r',
        Some(b't') if letters => b'\t',
        _ => return 0,
    };
    out.push(byte);
    2
}

/// Whether the backslash at `at` looks like a separator of a Windows path: it follows a dot, a drive's colon or a
/// slash, or a name that itself follows a backslash that was kept.
fn is_path(input: &[u8], at: usize, kept_end: Option<usize>) -> bool {
    let follows = at
        .checked_sub(1)
        .is_some_and(|i| matches!(input[i], b'.' | b':' | b'/' | b'\\'));
    let is_name = |b: &u8| b.is_ascii_alphanumeric() || b"_.-$~".contains(b);
    follows || kept_end.is_some_and(|end| input[end..at].iter().all(is_name))
}

#[cfg(test)]
mod tests {
    use super::super::bytes::check;
    use super::*;

    #[test]
    fn table() {
        check(
            decode,
            &[
                (b"", b""),
                (b"plain", b"plain"),
                (br"\x3cscript\x3E", b"<script>"),
                (br"\u003cb\u003E", b"<b>"),
                (br"\u{3c}b\u{00003e}", b"<b>"),
                (br"\ud83d\ude00", "\u{1f600}".as_bytes()),
                (br"\ud83d", br"\ud83d"),
                (br"\u{110000}\u{}\u{3c", br"\u{110000}\u{}\u{3c"),
                (br"\\u003c", b"<"),
                (br"\\\\x3c", b"<"),
                (br"\74script\076", b"<script>"),
                (br"\054", b","),
                (br"c:\2024\10\x", br"c:\2024\10\x"),
                (br"1\nunion\tselect", b"1\nunion\tselect"),
                (br"<\/script>", b"</script>"),
                (br"\' or \`x", b"' or `x"),
                (br"c:\windows\system32\notes", br"c:\windows\system32\notes"),
                (br"..\..\new\table", br"..\..\new\table"),
                (br"\\host\new", br"\\host\new"),
                (br"\w+\s \", br"\w+\s \"),
                (br"\xZZ\x4\", br"\xZZ\x4\"),
                (br"..\/..\/etc", b"../../etc"),
                (br"\xc0\xae", b"\xc0\xae"),
            ],
        );
    }

    #[test]
    fn numeric_leaves_letters() {
        check(
            decode_numeric,
            &[
                (br"ca\t \x2fetc\n", br"ca\t /etc\n"),
                (br"..\new", br"..\new"),
            ],
        );
    }

    #[test]
    fn json() {
        check(
            decode_json,
            &[
                (br#"a\n\"\\\/\t\b\f\r"#, b"a\n\"\\/\t\x08\x0c\r"),
                (br"\u003c\ud83d\ude00", "<\u{1f600}".as_bytes()),
                (br"\\u003c", br"\u003c"),
                (br"\x3c\'\u00", br"\x3c\'\u00"),
                (br"\", br"\"),
            ],
        );
    }
}
