//! CSS escapes, a backslash and one to six hexadecimal digits with one optional space after them, and CSS comments,
//! which may stand inside a value's words. A backslash before anything else is dropped, as CSS reads it.

use super::bytes::{comment_end, hex_run, is_space, push_code_point};

/// Appends `input` with CSS escapes undone and comments removed; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut position = 0;
    let mut may_close = true;
    while let Some(at) = memchr::memchr2(b'\\', b'/', &input[position..]).map(|i| i + position) {
        out.extend_from_slice(&input[position..at]);
        let rest = &input[at..];
        let length = if rest[0] == b'\\' {
            escape(rest, out)
        } else {
            comment(rest, &mut may_close)
        };
        if length == 0 {
            out.push(rest[0]);
        }
        position = at + length.max(1);
    }
    out.extend_from_slice(&input[position..]);
    out.len() != input.len()
}

/// Length of the escape at the start of `rest`, its meaning appended; 0 when it is none.
fn escape(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let (number, digits) = hex_run(&rest[1..], 6);
    if digits > 0 {
        if !push_code_point(out, number) {
            return 0;
        }
        let space = rest.get(1 + digits).is_some_and(|b| is_space(*b));
        return 1 + digits + usize::from(space);
    }
    match rest.get(1) {
        // A line that continues.
        Some(b'\n') => 2,
        Some(byte) => {
            out.push(*byte);
            2
        }
        None => 0,
    }
}

/// Length of the comment at the start of `rest`; 0 when there is none, or none that ends.
fn comment(rest: &[u8], may_close: &mut bool) -> usize {
    if !*may_close || rest.get(1) != Some(&b'*') {
        return 0;
    }
    match comment_end(&rest[2..]) {
        Some(end) => end + 2,
        None => {
            // Nothing further on closes either: without this a row of openers would be searched again and again.
            *may_close = false;
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bytes::check;

    #[test]
    fn table() {
        check(
            super::decode,
            &[
                (b"", b""),
                (b"a/b*c", b"a/b*c"),
                (br"\6a avascript", b"javascript"),
                (br"\00006Aavascript", b"javascript"),
                (br"\65xpression", b"expression"),
                (br"e\xpression(", b"expression("),
                (b"exp/* x */ression", b"expression"),
                (b"exp/*/ression", b"exp/*/ression"),
                (b"/*a/*b/*", b"/*a/*b/*"),
                (br"\", br"\"),
                (br"\ffffff", br"\ffffff"),
            ],
        );
    }
}
