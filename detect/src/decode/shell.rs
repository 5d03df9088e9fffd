//! Shell quoting undone: what is left is the words that a Unix shell or cmd.exe would run. Quotes, backslashes and
//! carets go, `$IFS` in its spellings becomes a space, and variables that are empty in practice (`$@`, `$*`, `$1`,
//! `$u`) go.

use super::bytes::is_word;

/// Appends `input` with shell quoting undone; true when there was some. Expects lower case.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut position = 0;
    while let Some(at) = input[position..].iter().position(is_special) {
        let at = at + position;
        out.extend_from_slice(&input[position..at]);
        let rest = &input[at..];
        let length = match rest[0] {
            b'\'' | b'"' | b'^' => 1,
            b'\\' if matches!(rest.get(1), Some(b'\n')) => 2,
            b'\\' => 1,
            b'$' => variable(rest, out),
            _ => 0,
        };
        if length == 0 {
            out.push(rest[0]);
        }
        changed |= length > 0;
        position = at + length.max(1);
    }
    out.extend_from_slice(&input[position..]);
    changed
}

const fn is_special(byte: &u8) -> bool {
    matches!(byte, b'\'' | b'"' | b'^' | b'\\' | b'$')
}

/// Length of what goes at the start of `rest` (a dollar); 0 when it stays. A space takes the place of `$IFS`.
fn variable(rest: &[u8], out: &mut Vec<u8>) -> usize {
    let braced = rest.get(1) == Some(&b'{');
    let name_start = if braced { 2 } else { 1 };
    let name = rest.get(name_start..).unwrap_or_default();
    if is_field_separator(name) {
        let after = name_start + 3;
        let length = if braced {
            after + modifiers(&rest[after..])
        } else {
            after
        };
        if length > 0 && (!braced || rest.get(length - 1) == Some(&b'}')) {
            out.push(b' ');
            return length;
        }
        return 0;
    }
    match (name.first(), name.get(1)) {
        // $'…' and $"…": the quote itself goes next.
        (Some(b'\'' | b'"'), _) if !braced => 1,
        (Some(b'@' | b'*' | b'0'..=b'9'), Some(b'}')) if braced => 4,
        (Some(b'@' | b'*' | b'0'..=b'9'), _) if !braced => 2,
        (Some(b'a'..=b'z'), Some(b'}')) if braced => 4,
        (Some(b'a'..=b'z'), next) if !braced && next.is_none_or(|b| !is_word(*b)) => 2,
        _ => 0,
    }
}

fn is_field_separator(name: &[u8]) -> bool {
    name.get(..3)
        .is_some_and(|n| n.eq_ignore_ascii_case(b"ifs"))
        && name.get(3).is_none_or(|b| !is_word(*b))
}

/// Length of `…}` after the name of a braced variable, as in `${IFS%??}` and `${IFS:0:1}`; short, so that a brace
/// that closes something else is not taken.
fn modifiers(rest: &[u8]) -> usize {
    let window = &rest[..rest.len().min(16)];
    memchr::memchr(b'}', window).map_or(0, |at| at + 1)
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
                (b"cat /etc/passwd", b"cat /etc/passwd"),
                (b"c'a't /e\"t\"c/pass''wd", b"cat /etc/passwd"),
                (br"c\at /et\c", b"cat /etc"),
                (b"p^i^n^g", b"ping"),
                (b"cat$ifs/etc", b"cat /etc"),
                (b"cat${ifs}/etc", b"cat /etc"),
                (b"cat${IFS%??}/etc", b"cat /etc"),
                (b"cat$ifs$9/etc", b"cat /etc"),
                (b"c$@at /et$1c", b"cat /etc"),
                (b"c${@}at /et${9}c", b"cat /etc"),
                (b"cat$u /etc$u/passwd$u", b"cat /etc/passwd"),
                (b"$'cat'", b"cat"),
                (
                    b"$(id) ${jndi:x} $home $ifsx ${ifs",
                    b"$(id) ${jndi:x} $home $ifsx ${ifs",
                ),
                (b"ca\\\nt", b"cat"),
                (b"$", b"$"),
            ],
        );
    }
}
