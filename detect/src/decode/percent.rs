//! Percent escapes: `%XX` as one byte, and `%uXXXX` as one code point, which IIS and JavaScript's `unescape` read.
//! An escape that is none stays as it is, as lenient servers leave it.

use super::bytes::{hex_number, push_code_point};

/// Appends `input` with `%XX` and `%uXXXX` undone; true when there was such an escape.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, true, false)
}

/// As [`decode`], and where at least one escape is undone each `+` is read as a space: what a second round of form
/// decoding would do, without touching the sums and phone numbers of values that were never encoded.
pub fn decode_again(input: &[u8], out: &mut Vec<u8>) -> bool {
    let changed = run(input, out, true, false);
    if changed && memchr::memchr(b'+', input).is_some() {
        out.clear();
        run(input, out, true, true);
    }
    changed
}

/// What one correct parser does in a path or a cookie: `%XX` only.
pub fn decode_value(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, false, false)
}

/// What one correct parser does in a form: `%XX`, and `+` as a space.
pub fn decode_form(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, false, true)
}

/// Whether a percent sign begins neither `%XX` nor `%uXXXX`.
pub fn has_invalid(input: &[u8]) -> bool {
    memchr::memchr_iter(b'%', input).any(|at| {
        let rest = &input[at + 1..];
        let unicode =
            matches!(rest.first(), Some(b'u' | b'U')) && hex_number(&rest[1..], 4).is_some();
        !unicode && hex_number(rest, 2).is_none()
    })
}

fn run(input: &[u8], out: &mut Vec<u8>, unicode: bool, plus: bool) -> bool {
    let mut changed = false;
    let mut rest = input;
    loop {
        let next = if plus {
            memchr::memchr2(b'%', b'+', rest)
        } else {
            memchr::memchr(b'%', rest)
        };
        let Some(at) = next else { break };
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let length = if rest[0] == b'+' {
            out.push(b' ');
            1
        } else {
            escape(rest, out, unicode)
        };
        if length == 0 {
            out.push(b'%');
            rest = &rest[1..];
        } else {
            changed = true;
            rest = &rest[length..];
        }
    }
    if changed {
        out.extend_from_slice(rest);
    }
    changed
}

/// Undoes the escape at the start of `rest` (a `%`) and says how many bytes it took; 0 when it is none.
fn escape(rest: &[u8], out: &mut Vec<u8>, unicode: bool) -> usize {
    if let Some(byte) = hex_number(&rest[1..], 2) {
        // Two digits: at most 255.
        out.push(byte as u8);
        return 3;
    }
    if unicode
        && matches!(rest.get(1), Some(b'u' | b'U'))
        && let Some(number) = hex_number(&rest[2..], 4)
    {
        return if push_code_point(out, number) { 6 } else { 0 };
    }
    0
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
                (b"%27%20OR", b"' OR"),
                (b"%3cscript%3E", b"<script>"),
                (b"%2527", b"%27"),
                (b"%u003cb%U003E", b"<b>"),
                (b"%uff1c", "\u{ff1c}".as_bytes()),
                (b"100%", b"100%"),
                (b"100%zz%4", b"100%zz%4"),
                (b"%%41", b"%A"),
                (b"%ud800", b"%ud800"),
                (b"%u12", b"%u12"),
                (b"a+b%41", b"a+bA"),
                (b"%c0%ae", b"\xc0\xae"),
            ],
        );
    }

    #[test]
    fn a_second_round_reads_plus_only_beside_escapes() {
        check(
            decode_again,
            &[
                (b"1+1=2", b"1+1=2"),
                (b"%27+or+1", b"' or 1"),
                (b"%2b+", b"+ "),
            ],
        );
    }

    #[test]
    fn values() {
        check(
            decode_form,
            &[(b"a+b%20c", b"a b c"), (b"%u003c%41", b"%u003cA")],
        );
        check(
            decode_value,
            &[(b"a+b%20c", b"a+b c"), (b"%u003c", b"%u003c")],
        );
    }

    #[test]
    fn invalid_escapes() {
        for (input, expected) in [
            (&b""[..], false),
            (b"%41%u0041", false),
            (b"100%", true),
            (b"%4", true),
            (b"%zz", true),
            (b"%u00", true),
            (b"%25zz", false),
        ] {
            assert_eq!(has_invalid(input), expected, "{input:?}");
        }
    }
}
