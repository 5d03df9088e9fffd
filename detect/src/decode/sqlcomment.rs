//! SQL comments as separators. `/* … */` becomes one space, while the inside of a conditional comment
//! (`/*!50000 … */`, `/*M! … */`), which MySQL and MariaDB run, stays. A comment that ends at a newline becomes that
//! newline; one that runs to the end of the value stays visible, because it is what an attack cuts a statement off with.
//!
//! `--` and `#` are operators in some dialects. Where what they would hide looks like a statement, only the marker goes.

use super::bytes::comment_end;

/// Appends `input` with comments turned into white space; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut position = 0;
    let mut may_close = true;
    while let Some(at) = next_mark(input, position) {
        out.extend_from_slice(&input[position..at]);
        let rest = &input[at..];
        let length = match rest {
            [b'/', b'*', ..] => block(rest, &mut may_close),
            [b'*', b'/', ..] => 2,
            [b'#', ..] => line(rest, 1),
            [b'-', b'-', ..] => line(rest, 2),
            _ => 0,
        };
        if length == 0 {
            out.push(rest[0]);
            position = at + 1;
        } else {
            out.push(b' ');
            position = at + length;
            changed = true;
        }
    }
    out.extend_from_slice(&input[position..]);
    changed
}

/// Whether there may be something to do: a pair that opens or closes a comment, or a
/// newline that may end one. Much cheaper than decoding.
pub(super) fn is_likely(input: &[u8]) -> bool {
    memchr::memchr_iter(b'*', input).any(|at| {
        let before = at.checked_sub(1).map(|i| input[i]);
        before == Some(b'/') || input.get(at + 1) == Some(&b'/')
    }) || memchr::memchr2(b'\n', b'\r', input).is_some()
}

fn next_mark(input: &[u8], from: usize) -> Option<usize> {
    let rest = &input[from..];
    let is_mark = |b: &u8| matches!(b, b'/' | b'*' | b'#' | b'-');
    rest.iter().position(is_mark).map(|i| i + from)
}

/// How much of `rest`, which starts with `/*`, becomes a space.
fn block(rest: &[u8], may_close: &mut bool) -> usize {
    let conditional = match rest.get(2..) {
        Some([b'!', ..]) => 3,
        Some([b'm' | b'M', b'!', ..]) => 4,
        _ => 0,
    };
    if conditional > 0 {
        let version = rest[conditional..]
            .iter()
            .take(6)
            .take_while(|b| b.is_ascii_digit());
        return conditional + version.count();
    }
    if *may_close {
        if let Some(end) = comment_end(&rest[2..]) {
            return end + 2;
        }
        // Nothing further on closes either: without this a row of openers would be searched again and again.
        *may_close = false;
    }
    2
}

/// How much of `rest`, which starts with a line comment's `marker` bytes, becomes a space.
fn line(rest: &[u8], marker: usize) -> usize {
    let content = &rest[marker..];
    let window = &content[..content.len().min(LONGEST_LINE)];
    let Some(end) = memchr::memchr2(b'\n', b'\r', window) else {
        return 0;
    };
    let hidden = &window[..end];
    let statement =
        hidden.contains(&b'(') || hidden.windows(6).any(|w| w.eq_ignore_ascii_case(b"select"));
    if statement { marker } else { marker + end }
}

/// A longer line comment is not looked through; it also bounds the time on a row of markers.
const LONGEST_LINE: usize = 128;

#[cfg(test)]
mod tests {
    use super::super::bytes::check;

    #[test]
    fn table() {
        check(
            super::decode,
            &[
                (b"", b""),
                (b"a/b-c*d", b"a/b-c*d"),
                (b"union/**/select", b"union select"),
                (b"union/* x */all/*y*/select", b"union all select"),
                (b"/*!50000union*/ /*!select*/1", b" union   select 1"),
                (b"/*M!100100union*/", b" union "),
                (b"1/*/**/*/2", b"1  2"),
                (b"/*a/*b/*", b" a b "),
                (b"1 /* union select", b"1   union select"),
                (b"/*/**/*/", b"  "),
                (b"union#abc\nselect", b"union \nselect"),
                (b"union--abc\nselect", b"union \nselect"),
                (b"union -- a b\r\nselect", b"union  \r\nselect"),
                (b"1#1 union select x\n", b"1 1 union select x\n"),
                (b"1--(select 1)\n", b"1 (select 1)\n"),
                (b"' or 1=1-- -", b"' or 1=1-- -"),
                (b"' or 1=1#", b"' or 1=1#"),
                (b"2020-01-02", b"2020-01-02"),
            ],
        );
    }
}
