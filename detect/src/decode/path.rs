//! One spelling of a path: backslashes to slashes, `;…` path parameters, `/./` and doubled slashes removed. `..`
//! segments stay: they are what rules look for.

use super::bytes::is_space;

/// Appends `input` as a path in one spelling; true when that changed something.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(first) = first_change(input) else {
        return false;
    };
    out.extend_from_slice(&input[..first]);
    let mut position = first;
    while let Some(at) =
        memchr::memchr3(b'/', b'\\', b';', &input[position..]).map(|i| i + position)
    {
        out.extend_from_slice(&input[position..at]);
        position = at + 1;
        if input[at] == b';' {
            let rest = &input[position..];
            let ends = |b: &u8| matches!(b, b'/' | b'\\') || is_space(*b);
            position += rest.iter().position(ends).unwrap_or(rest.len());
        } else {
            push_slash(out);
        }
    }
    out.extend_from_slice(&input[position..]);
    true
}

/// Where the first byte stands that does not stay as it is. A slash does not when another one precedes it, or a
/// segment that is only a dot.
fn first_change(input: &[u8]) -> Option<usize> {
    memchr::memchr3_iter(b'/', b'\\', b';', input)
        .find(|at| input[*at] != b'/' || matches!(&input[..*at], [.., b'/'] | [.., b'/', b'.']))
}

/// Appends a slash unless one is there; takes back a segment that is only a dot.
fn push_slash(out: &mut Vec<u8>) {
    match out.as_slice() {
        [.., b'/'] => {}
        [.., b'/', b'.'] => {
            out.pop();
        }
        _ => out.push(b'/'),
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
                (b"/a/b.c", b"/a/b.c"),
                (br"..\..\windows", b"../../windows"),
                (b"//a///b/././c", b"/a/b/c"),
                (b"/..;/manager/..;x=1/html", b"/../manager/../html"),
                (b"/a;jsessionid=1", b"/a"),
                (br"/.\../x", b"/../x"),
                (b"....//....//etc", b"..../..../etc"),
                (b"/.hidden/..a", b"/.hidden/..a"),
                (b";cat /etc", b" /etc"),
            ],
        );
    }
}
